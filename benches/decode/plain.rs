//! The bodies of the ten frames as one would write them by hand for `serde_json`: the fields that these frames have,
//! and no more. What they do not know they lose.

#![expect(dead_code, reason = "only read from JSON")]
#![expect(clippy::struct_field_names, reason = "the names are the platform's")]

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

/// A struct whose fields are all optional, named as in JSON.
macro_rules! plain {
    ($($name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        $(
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            pub(crate) struct $name { $($(#[$attribute])* $field: Option<$type>),* }
        )*
    };
}

plain! {
    Presence {
        source: String, presence_definition: Definition, primary: bool, message: String, modified_date: String,
    }
    Definition { id: String, system_presence: String }

    Routing { id: String, routing_status: Status, error_info: Value }
    Status { user_id: String, status: String, start_time: String }

    Conversation { id: String, recording_state: String, max_participants: i64, participants: Vec<Participant> }
    Participant {
        id: String, purpose: String, user_id: String, name: String, address: String, queue_id: String,
        connected_time: String, end_time: String, wrapup_required: bool, wrapup_prompt: String,
        media_roles: Vec<String>, attributes: HashMap<String, String>, calls: Vec<Call>,
    }
    Call {
        id: String, state: String, initial_state: String, direction: String, held: bool, muted: bool, confined: bool,
        recording: bool, recording_state: String, secure_pause: bool, provider: String, connected_time: String,
        disconnected_time: String, disconnect_type: String, disconnect_reasons: Vec<Reason>,
        after_call_work: AfterCallWork, after_call_work_required: bool, #[serde(rename = "self")] address: Address,
    }
    Reason { #[serde(rename = "type")] kind: String, code: i64, phrase: String }
    AfterCallWork { state: String }
    Address { name: String, address_normalized: String }

    Observations { group: Group, data: Vec<Interval> }
    Group { queue_id: String, media_type: String }
    Interval { interval: String, metrics: Vec<Metric> }
    Metric { metric: String, qualifier: String, stats: Stats }
    Stats { count: i64 }

    Activity {
        id: String, routing_status: Status, presence: ActivityPresence, out_of_office: OutOfOffice,
        active_queue_ids: Vec<String>, date_active_queues_changed: String,
    }
    ActivityPresence { presence_definition: Definition, presence_message: String, modified_date: String }
    OutOfOffice { active: bool, modified_date: String }

    Transcription {
        event_time: String, organization_id: String, conversation_id: String, communication_id: String,
        session_start_time_ms: i64, transcription_start_time_ms: i64, transcripts: Vec<Transcript>,
    }
    Transcript {
        utterance_id: String, is_final: bool, channel: String, alternatives: Vec<Alternative>,
        engine_provider: String, engine_id: String, engine_name: String, dialect: String, agent_assist_enabled: bool,
        voice_transcription_enabled: bool,
    }
    Alternative { confidence: f64, offset_ms: i64, duration_ms: i64, transcript: String, words: Vec<Word> }
    Word { confidence: f64, offset_ms: i64, duration_ms: i64, word: String }

    UserEnd {
        event_time: i64, conversation_id: String, participant_id: String, session_id: String, disconnect_type: String,
        media_type: String, provider: String, direction: String, ani: String, dnis: String, user_id: String,
        division_id: String, queue_id: String, interacting_duration_ms: i64, held_duration_ms: i64,
        alerting_duration_ms: i64,
    }

    Progress {
        campaign: Named, number_of_contacts_called: f64, number_of_contacts_messaged: f64,
        total_number_of_contacts: f64, percentage: i64, number_of_contacts_skipped: HashMap<String, i64>,
        additional_properties: HashMap<String, Value>,
    }
    Named { id: String, name: String }

    Adherence {
        user: Named, management_unit_id: String, business_unit_id: String, scheduled_activity_category: String,
        system_presence: String, routing_status: String, actual_activity_category: String, is_out_of_office: bool,
        adherence_state: String, impact: String, adherence_change_time: String, presence_update_time: String,
        active_queues: Vec<Named>, removed_from_management_unit: bool, next_activity_reminders: Vec<Reminder>,
    }
    Reminder { activity_category: String, start_date: String }

    Workitem {
        id: String, name: String, type_id: String, priority: i64, date_created: String, date_modified: String,
        duration_seconds: i64, ttl: i64, status_id: String, status_category: String, workbin_id: String,
        assignee_id: String, operation: String, changes: Vec<Change>, assignment_state: String, queue_id: String,
        custom_fields: HashMap<String, CustomField>, skill_ids: Vec<String>,
    }
    Change { op: String, field: String, old_value: String, new_value: String }
    CustomField { data_type: String, value: Value }
}

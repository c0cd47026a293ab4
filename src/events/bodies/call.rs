//! Voice calls.

use serde_json::Number;

use crate::events::bodies::communication::{
    Address, AfterCallWork, CommunicationState, Direction, DisconnectType, ErrorDetails,
    QueueMediaSettings, Wrapup,
};
use crate::events::body::body;
use crate::events::open_enum::open_enum;
use crate::events::timestamp::Timestamp;

body! {
    /// A leg of a voice call.
    pub struct Call {
        /// Its id.
        id: Box<str> = "id",
        /// Where it stands.
        state: CommunicationState = "state",
        /// Where it stood at first.
        initial_state: CommunicationState = "initialState",
        /// Whether it is being recorded.
        recording: bool = "recording",
        /// Whether it is recorded.
        recording_state: RecordingState = "recordingState",
        /// What each recorder does.
        recorders_state: Box<RecordersState> = "recordersState",
        /// Whether it is muted.
        muted: bool = "muted",
        /// Whether it can hear only, and is not heard.
        confined: bool = "confined",
        /// Whether it is on hold.
        held: bool = "held",
        /// Whether recording pauses for something secret.
        secure_pause: bool = "securePause",
        /// What went wrong.
        error_info: Box<ErrorDetails> = "errorInfo",
        /// Why it ended; absent until then.
        disconnect_type: DisconnectType = "disconnectType",
        /// Since when it is on hold.
        start_hold_time: Timestamp = "startHoldTime",
        /// Who began it.
        direction: Direction = "direction",
        /// The document of a fax.
        document_id: Box<str> = "documentId",
        /// The address at this side.
        self_: Box<Address> = "self",
        /// The address at the other side.
        other: Box<Address> = "other",
        /// The source of the communication, such as `Edge`.
        provider: Box<str> = "provider",
        /// The script that the agent sees.
        script_id: Box<str> = "scriptId",
        /// The communication at the other side.
        peer_id: Box<str> = "peerId",
        /// When it was connected.
        connected_time: Timestamp = "connectedTime",
        /// When it ended.
        disconnected_time: Timestamp = "disconnectedTime",
        /// The causes that the network gave.
        disconnect_reasons: Vec<DisconnectReason> = "disconnectReasons",
        /// How far the fax is.
        fax_status: Box<FaxStatus> = "faxStatus",
        /// User-to-user information of the signalling.
        uui_data: Box<str> = "uuiData",
        /// When somebody joined.
        barged_time: Timestamp = "bargedTime",
        /// What the agent noted at the end.
        wrapup: Box<Wrapup> = "wrapup",
        /// The work after it.
        after_call_work: Box<AfterCallWork> = "afterCallWork",
        /// Whether work after it is required.
        after_call_work_required: bool = "afterCallWorkRequired",
        /// The assistant that helps the agent.
        agent_assistant_id: Box<str> = "agentAssistantId",
        /// How the queue offers it.
        queue_media_settings: Box<QueueMediaSettings> = "queueMediaSettings",
        /// What the call analysis found.
        disposition: Box<Disposition> = "disposition",
        /// The source of the transfer.
        transfer_source: Box<str> = "transferSource",
        /// The public address of the station.
        public_ip_address: Box<str> = "publicIpAddress",
    }
}

body! {
    /// A cause that the network gave for the end of a call.
    pub struct DisconnectReason {
        /// Its type.
        type_: DisconnectReasonType = "type",
        /// The code.
        code: i64 = "code",
        /// The phrase that goes with the code.
        phrase: Box<str> = "phrase",
        /// The reason in words.
        reason: Box<str> = "reason",
    }
}

body! {
    /// What each recorder of a call does.
    pub struct RecordersState {
        /// The recorder that somebody started.
        adhoc_state: Box<str> = "adhocState",
        /// The recorder of the customer's side.
        customer_experience_state: Box<str> = "customerExperienceState",
        /// The recorder of the agent's side.
        agent_experience_state: Box<str> = "agentExperienceState",
        /// The recorder of snippets.
        snippet_state: Box<str> = "snippetState",
    }
}

body! {
    /// How far a fax is.
    pub struct FaxStatus {
        /// Who began it.
        direction: Box<str> = "direction",
        /// Pages that are expected.
        expected_pages: i64 = "expectedPages",
        /// The page it is at.
        active_page: i64 = "activePage",
        /// Lines sent.
        lines_transmitted: i64 = "linesTransmitted",
        /// Bytes sent.
        bytes_transmitted: i64 = "bytesTransmitted",
        /// The speed, in baud.
        baud_rate: i64 = "baudRate",
        /// Errors in pages.
        page_errors: i64 = "pageErrors",
        /// Errors in lines.
        line_errors: i64 = "lineErrors",
    }
}

body! {
    /// What the analysis of a dialed call found.
    pub struct Disposition {
        /// Its name.
        name: Box<str> = "name",
        /// What found it.
        analyzer: Box<str> = "analyzer",
        /// The timer of the answering machine detection.
        amd_timeout: Box<AmdTimeout> = "amdTimeout",
        /// The timer for a silent call.
        silent_call_timeout: Box<SilentCallTimeout> = "silentCallTimeout",
    }
}

body! {
    /// The timer of the answering machine detection.
    pub struct AmdTimeout {
        /// How long it runs, in milliseconds.
        timeout_ms: i64 = "timeoutMs",
        /// What starts it.
        timer_start_event: Box<str> = "timerStartEvent",
        /// When it started, in milliseconds since 1970.
        timer_start_time: Number = "timerStartTime",
        /// When it ended, in milliseconds since 1970.
        timer_end_time: Number = "timerEndTime",
    }
}

body! {
    /// The timer for a silent call.
    pub struct SilentCallTimeout {
        /// How long it runs, in milliseconds.
        timeout_ms: i64 = "timeoutMs",
        /// When it started, in milliseconds since 1970.
        timer_start_time: Number = "timerStartTime",
        /// When it ended, in milliseconds since 1970.
        timer_end_time: Number = "timerEndTime",
    }
}

open_enum! {
    /// Whether a call is recorded.
    pub enum RecordingState {
        /// Nothing yet.
        None = "none",
        /// Yes.
        Active = "active",
        /// Yes, with a pause now.
        Paused = "paused",
    }
}

open_enum! {
    /// Where the code of a disconnect reason comes from.
    pub enum DisconnectReasonType {
        /// ITU-T Q.850.
        Q850 = "q850",
        /// SIP.
        Sip = "sip",
    }
}

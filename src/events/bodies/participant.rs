//! Who takes part in a conversation.

use crate::events::bodies::call::Call;
use crate::events::bodies::callback::Callback;
use crate::events::bodies::chat::{Chat, SocialExpression};
use crate::events::bodies::communication::Wrapup;
use crate::events::bodies::email::Email;
use crate::events::bodies::message::{InternalMessage, Message};
use crate::events::bodies::session::{CobrowseSession, ScreenMonitoring, ScreenShare, Video};
use crate::events::body::body;
use crate::events::members::Members;
use crate::events::open_enum::open_enum;
use crate::events::timestamp::Timestamp;

body! {
    /// Somebody or something that takes part in a conversation.
    pub struct Participant {
        /// Its id.
        id: Box<str> = "id",
        /// When it was connected.
        connected_time: Timestamp = "connectedTime",
        /// When it ended.
        end_time: Timestamp = "endTime",
        /// The user.
        user_id: Box<str> = "userId",
        /// The external contact.
        external_contact_id: Box<str> = "externalContactId",
        /// The division that the external contact had at first.
        external_contact_initial_division_id: Box<str> = "externalContactInitialDivisionId",
        /// The external organization.
        external_organization_id: Box<str> = "externalOrganizationId",
        /// Its name.
        name: Box<str> = "name",
        /// The queue.
        queue_id: Box<str> = "queueId",
        /// The group.
        group_id: Box<str> = "groupId",
        /// The team.
        team_id: Box<str> = "teamId",
        /// The part played: `customer`, `agent`, `acd`, `ivr` and more.
        purpose: Box<str> = "purpose",
        /// The participant who is consulted.
        consult_participant_id: Box<str> = "consultParticipantId",
        /// The address it is about.
        address: Box<str> = "address",
        /// Whether a wrap-up code is required.
        wrapup_required: bool = "wrapupRequired",
        /// Whether a wrap-up code is expected.
        wrapup_expected: bool = "wrapupExpected",
        /// How the agent is asked for a wrap-up code.
        wrapup_prompt: Box<str> = "wrapupPrompt",
        /// How long the agent has for it, in milliseconds.
        wrapup_timeout_ms: i64 = "wrapupTimeoutMs",
        /// What the agent noted at the end.
        wrapup: Box<Wrapup> = "wrapup",
        /// When work after the contact began.
        start_acw_time: Timestamp = "startAcwTime",
        /// When work after the contact ended.
        end_acw_time: Timestamp = "endAcwTime",
        /// What routing looked for.
        conversation_routing_data: Box<RoutingData> = "conversationRoutingData",
        /// How long it alerts, in milliseconds.
        alerting_timeout_ms: i64 = "alertingTimeoutMs",
        /// The participant who is listened to.
        monitored_participant_id: Box<str> = "monitoredParticipantId",
        /// The participant whose screen is watched.
        screen_monitored_participant_id: Box<str> = "screenMonitoredParticipantId",
        /// The participant who is coached.
        coached_participant_id: Box<str> = "coachedParticipantId",
        /// The participant whose call was joined.
        barged_participant_id: Box<str> = "bargedParticipantId",
        /// What may be done with the media, such as `full`.
        media_roles: Vec<Box<str>> = "mediaRoles",
        /// Whether the screen is recorded.
        screen_recording_state: ScreenRecordingState = "screenRecordingState",
        /// Why it was flagged.
        flagged_reason: Box<str> = "flaggedReason",
        /// Data that flows and scripts attached.
        attributes: Members<Box<str>> = "attributes",
        /// The calls.
        calls: Vec<Call> = "calls",
        /// The callbacks.
        callbacks: Vec<Callback> = "callbacks",
        /// The chats.
        chats: Vec<Chat> = "chats",
        /// The shared browsing sessions.
        cobrowsesessions: Vec<CobrowseSession> = "cobrowsesessions",
        /// The emails.
        emails: Vec<Email> = "emails",
        /// The messages.
        messages: Vec<Message> = "messages",
        /// The internal messages.
        internal_messages: Vec<InternalMessage> = "internalMessages",
        /// The screens that are watched.
        screen_monitorings: Vec<ScreenMonitoring> = "screenMonitorings",
        /// The shared screens.
        screenshares: Vec<ScreenShare> = "screenshares",
        /// The social media posts.
        social_expressions: Vec<SocialExpression> = "socialExpressions",
        /// The video sessions.
        videos: Vec<Video> = "videos",
        /// The workflow that runs.
        workflow: Box<Workflow> = "workflow",
    }
}

body! {
    /// What routing looks for, and whom it considers.
    pub struct RoutingData {
        /// The queue.
        queue: Box<NamedRef> = "queue",
        /// The language.
        language: Box<NamedRef> = "language",
        /// The priority.
        priority: i64 = "priority",
        /// The skills.
        skills: Vec<NamedRef> = "skills",
        /// The agents with their scores.
        scored_agents: Vec<ScoredAgent> = "scoredAgents",
        /// The expression of skills.
        skill_expression_id: Box<str> = "skillExpressionId",
    }
}

body! {
    /// An agent with the score that routing gave.
    pub struct ScoredAgent {
        /// The agent.
        agent: Box<NamedRef> = "agent",
        /// The score.
        score: i64 = "score",
    }
}

body! {
    /// A reference to something with a name.
    pub struct NamedRef {
        /// Its id.
        id: Box<str> = "id",
        /// Its name.
        name: Box<str> = "name",
    }
}

body! {
    /// A workflow of a participant.
    pub struct Workflow {
        /// The id of the workflow.
        workflow_id: Box<str> = "workflowId",
    }
}

open_enum! {
    /// Whether a screen is recorded.
    pub enum ScreenRecordingState {
        /// It was asked for.
        Requested = "requested",
        /// Yes.
        Active = "active",
        /// Yes, with a pause now.
        Paused = "paused",
        /// No longer.
        Stopped = "stopped",
        /// An error.
        Error = "error",
        /// It took too long.
        Timeout = "timeout",
    }
}

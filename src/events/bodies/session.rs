//! Video, shared screens and shared browsing.

use crate::events::bodies::communication::{
    Address, AfterCallWork, CommunicationState, DisconnectType, QueueMediaSettings, Wrapup,
};
use crate::events::body::body;
use crate::events::open_enum::open_enum;
use crate::events::timestamp::Timestamp;

body! {
    /// A video session.
    pub struct Video {
        /// Where it stands.
        state: CommunicationState = "state",
        /// Where it stood at first.
        initial_state: CommunicationState = "initialState",
        /// The address at this side.
        self_: Box<Address> = "self",
        /// Its id.
        id: Box<str> = "id",
        /// The id of the meeting or document that is shared.
        context: Box<str> = "context",
        /// Whether sound is muted.
        audio_muted: bool = "audioMuted",
        /// Whether the picture is off.
        video_muted: bool = "videoMuted",
        /// Whether the screen is shared.
        sharing_screen: bool = "sharingScreen",
        /// How many others are there.
        peer_count: i64 = "peerCount",
        /// The source of the communication, such as `Edge`.
        provider: Box<str> = "provider",
        /// The script that the agent sees.
        script_id: Box<str> = "scriptId",
        /// The communication at the other side.
        peer_id: Box<str> = "peerId",
        /// Why it ended; absent until then.
        disconnect_type: DisconnectType = "disconnectType",
        /// When it was connected.
        connected_time: Timestamp = "connectedTime",
        /// When it ended.
        disconnected_time: Timestamp = "disconnectedTime",
        /// The ids of the media streams.
        msids: Vec<Box<str>> = "msids",
        /// What the agent noted at the end.
        wrapup: Box<Wrapup> = "wrapup",
        /// The work after it.
        after_call_work: Box<AfterCallWork> = "afterCallWork",
        /// Whether work after it is required.
        after_call_work_required: bool = "afterCallWorkRequired",
        /// How the queue offers it.
        queue_media_settings: Box<QueueMediaSettings> = "queueMediaSettings",
    }
}

body! {
    /// A shared screen.
    pub struct ScreenShare {
        /// Where it stands.
        state: CommunicationState = "state",
        /// Where it stood at first.
        initial_state: CommunicationState = "initialState",
        /// The address at this side.
        self_: Box<Address> = "self",
        /// Its id.
        id: Box<str> = "id",
        /// The id of the meeting or document that is shared.
        context: Box<str> = "context",
        /// Whether the screen is shared.
        sharing: bool = "sharing",
        /// The source of the communication, such as `Edge`.
        provider: Box<str> = "provider",
        /// The script that the agent sees.
        script_id: Box<str> = "scriptId",
        /// The communication at the other side.
        peer_id: Box<str> = "peerId",
        /// How many others are there.
        peer_count: i64 = "peerCount",
        /// Why it ended; absent until then.
        disconnect_type: DisconnectType = "disconnectType",
        /// When it was connected.
        connected_time: Timestamp = "connectedTime",
        /// When it ended.
        disconnected_time: Timestamp = "disconnectedTime",
        /// What the agent noted at the end.
        wrapup: Box<Wrapup> = "wrapup",
        /// The work after it.
        after_call_work: Box<AfterCallWork> = "afterCallWork",
        /// Whether work after it is required.
        after_call_work_required: bool = "afterCallWorkRequired",
        /// How the queue offers it.
        queue_media_settings: Box<QueueMediaSettings> = "queueMediaSettings",
    }
}

body! {
    /// A screen that is watched.
    pub struct ScreenMonitoring {
        /// Its id.
        id: Box<str> = "id",
        /// Where it stands.
        state: CommunicationState = "state",
        /// Where it stood at first.
        initial_state: CommunicationState = "initialState",
        /// The source of the communication, such as `Edge`.
        provider: Box<str> = "provider",
        /// Why it ended; absent until then.
        disconnect_type: DisconnectType = "disconnectType",
        /// When it was connected.
        connected_time: Timestamp = "connectedTime",
        /// When it ended.
        disconnected_time: Timestamp = "disconnectedTime",
        /// The user it is aimed at.
        target_user_id: Box<str> = "targetUserId",
        /// The id of the watching session.
        screen_monitoring_id: Box<str> = "screenMonitoringId",
        /// What it is tied to.
        monitoring_type: MonitoringType = "monitoringType",
        /// How many there are.
        count: i64 = "count",
    }
}

body! {
    /// A shared browsing session.
    pub struct CobrowseSession {
        /// Where it stands.
        state: CommunicationState = "state",
        /// Where it stood at first.
        initial_state: CommunicationState = "initialState",
        /// Why it ended; absent until then.
        disconnect_type: DisconnectType = "disconnectType",
        /// Its id.
        id: Box<str> = "id",
        /// The address at this side.
        self_: Box<Address> = "self",
        /// The room it takes place in.
        room_id: Box<str> = "roomId",
        /// The id of the shared session.
        cobrowse_session_id: Box<str> = "cobrowseSessionId",
        /// The part played in it.
        cobrowse_role: Box<str> = "cobrowseRole",
        /// Who is controlled.
        controlling: Vec<Box<str>> = "controlling",
        /// Where it can be watched.
        viewer_url: Box<str> = "viewerUrl",
        /// The source of the communication, such as `Edge`.
        provider: Box<str> = "provider",
        /// The script that the agent sees.
        script_id: Box<str> = "scriptId",
        /// The communication at the other side.
        peer_id: Box<str> = "peerId",
        /// When the provider says it happened.
        provider_event_time: Timestamp = "providerEventTime",
        /// When it was connected.
        connected_time: Timestamp = "connectedTime",
        /// When it ended.
        disconnected_time: Timestamp = "disconnectedTime",
        /// What the agent noted at the end.
        wrapup: Box<Wrapup> = "wrapup",
        /// The work after it.
        after_call_work: Box<AfterCallWork> = "afterCallWork",
        /// Whether work after it is required.
        after_call_work_required: bool = "afterCallWorkRequired",
        /// How the queue offers it.
        queue_media_settings: Box<QueueMediaSettings> = "queueMediaSettings",
    }
}

open_enum! {
    /// What a watched screen is tied to.
    pub enum MonitoringType {
        /// The platform does not know.
        Unknown = "Unknown",
        /// The agent.
        AgentLevel = "AgentLevel",
        /// The conversation.
        ConversationLevel = "ConversationLevel",
    }
}

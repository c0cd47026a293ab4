//! Chats and posts, and how a customer got there.

use crate::events::bodies::communication::{
    AfterCallWork, CommunicationState, DisconnectType, QueueMediaSettings, Wrapup,
};
use crate::events::body::body;
use crate::events::timestamp::Timestamp;

body! {
    /// A chat.
    pub struct Chat {
        /// Where it stands.
        state: CommunicationState = "state",
        /// Where it stood at first.
        initial_state: CommunicationState = "initialState",
        /// Its id.
        id: Box<str> = "id",
        /// The source of the communication, such as `Edge`.
        provider: Box<str> = "provider",
        /// The script that the agent sees.
        script_id: Box<str> = "scriptId",
        /// The communication at the other side.
        peer_id: Box<str> = "peerId",
        /// The room it takes place in.
        room_id: Box<str> = "roomId",
        /// A picture of the other side.
        avatar_image_url: Box<str> = "avatarImageUrl",
        /// Whether it is on hold.
        held: bool = "held",
        /// Why it ended; absent until then.
        disconnect_type: DisconnectType = "disconnectType",
        /// Since when it is on hold.
        start_hold_time: Timestamp = "startHoldTime",
        /// When it was connected.
        connected_time: Timestamp = "connectedTime",
        /// When it ended.
        disconnected_time: Timestamp = "disconnectedTime",
        /// How the customer got here.
        journey_context: Box<JourneyContext> = "journeyContext",
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
    /// A post on a social network.
    pub struct SocialExpression {
        /// Where it stands.
        state: CommunicationState = "state",
        /// Where it stood at first.
        initial_state: CommunicationState = "initialState",
        /// Its id.
        id: Box<str> = "id",
        /// The id at the social network.
        social_media_id: Box<str> = "socialMediaId",
        /// The social network.
        social_media_hub: Box<str> = "socialMediaHub",
        /// The user's name there.
        social_user_name: Box<str> = "socialUserName",
        /// The beginning of the text.
        preview_text: Box<str> = "previewText",
        /// The recording.
        recording_id: Box<str> = "recordingId",
        /// Whether it is on hold.
        held: bool = "held",
        /// The source of the communication, such as `Edge`.
        provider: Box<str> = "provider",
        /// The script that the agent sees.
        script_id: Box<str> = "scriptId",
        /// The communication at the other side.
        peer_id: Box<str> = "peerId",
        /// Why it ended; absent until then.
        disconnect_type: DisconnectType = "disconnectType",
        /// Since when it is on hold.
        start_hold_time: Timestamp = "startHoldTime",
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
    }
}

body! {
    /// How a customer got to a conversation.
    pub struct JourneyContext {
        /// The customer.
        customer: Box<JourneyCustomer> = "customer",
        /// The session on the web.
        customer_session: Box<JourneySession> = "customerSession",
        /// What led to the conversation.
        triggering_action: Box<JourneyAction> = "triggeringAction",
    }
}

body! {
    /// A customer on the web.
    pub struct JourneyCustomer {
        /// Its id.
        id: Box<str> = "id",
        /// The type of the id.
        id_type: Box<str> = "idType",
    }
}

body! {
    /// A session of a customer on the web.
    pub struct JourneySession {
        /// Its id.
        id: Box<str> = "id",
        /// Its type.
        type_: Box<str> = "type",
    }
}

body! {
    /// What led from the web to a conversation.
    pub struct JourneyAction {
        /// Its id.
        id: Box<str> = "id",
        /// The rule behind it.
        action_map: Box<JourneyActionMap> = "actionMap",
    }
}

body! {
    /// The rule behind an action.
    pub struct JourneyActionMap {
        /// Its id.
        id: Box<str> = "id",
        /// Its version.
        version: i64 = "version",
    }
}

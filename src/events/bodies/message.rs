//! Messages.

use crate::events::bodies::chat::JourneyContext;
use crate::events::bodies::communication::{
    Address, AfterCallWork, CommunicationState, Direction, DisconnectType, ErrorDetails,
    QueueMediaSettings, Wrapup,
};
use crate::events::body::body;
use crate::events::open_enum::open_enum;
use crate::events::timestamp::Timestamp;

body! {
    /// An exchange of messages.
    pub struct Message {
        /// Its id.
        id: Box<str> = "id",
        /// Where it stands.
        state: CommunicationState = "state",
        /// Where it stood at first.
        initial_state: CommunicationState = "initialState",
        /// Who began it.
        direction: Direction = "direction",
        /// Whether it is on hold.
        held: bool = "held",
        /// What went wrong.
        error_info: Box<ErrorDetails> = "errorInfo",
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
        /// Whom it goes to.
        to_address: Box<Address> = "toAddress",
        /// Whom it comes from.
        from_address: Box<Address> = "fromAddress",
        /// The messages.
        messages: Vec<MessageDetails> = "messages",
        /// Where the transcript is.
        messages_transcript_uri: Box<str> = "messagesTranscriptUri",
        /// Its type.
        type_: MessageType = "type",
        /// The country of the recipient.
        recipient_country: Box<str> = "recipientCountry",
        /// What kind of recipient it is.
        recipient_type: Box<str> = "recipientType",
        /// How the customer got here.
        journey_context: Box<JourneyContext> = "journeyContext",
        /// What the agent noted at the end.
        wrapup: Box<Wrapup> = "wrapup",
        /// The work after it.
        after_call_work: Box<AfterCallWork> = "afterCallWork",
        /// Whether work after it is required.
        after_call_work_required: bool = "afterCallWorkRequired",
        /// The assistant that helps the agent.
        agent_assistant_id: Box<str> = "agentAssistantId",
        /// Where the engagement came from.
        engagement_source: Box<str> = "engagementSource",
        /// The integration of a carrier of one's own.
        byo_sms_integration_id: Box<str> = "byoSmsIntegrationId",
        /// How the queue offers it.
        queue_media_settings: Box<QueueMediaSettings> = "queueMediaSettings",
        /// When it comes back from parking.
        resume_time: Timestamp = "resumeTime",
        /// When it was parked.
        park_time: Timestamp = "parkTime",
    }
}

body! {
    /// One message of an exchange.
    pub struct MessageDetails {
        /// The id of the message.
        message_id: Box<str> = "messageId",
        /// When it was sent or received.
        message_time: Timestamp = "messageTime",
        /// How far the message is.
        message_status: MessageStatus = "messageStatus",
        /// In how many parts it was sent.
        message_segment_count: i64 = "messageSegmentCount",
        /// What is attached.
        media: Vec<MessageMedia> = "media",
        /// What went wrong.
        error_info: Box<ErrorDetails> = "errorInfo",
        /// Stickers.
        stickers: Vec<MessageSticker> = "stickers",
        /// What kind of message it is.
        message_metadata: Box<MessageMetadata> = "messageMetadata",
        /// Who can see it.
        social_visibility: SocialVisibility = "socialVisibility",
    }
}

body! {
    /// A file in a message.
    pub struct MessageMedia {
        /// Where it is.
        url: Box<str> = "url",
        /// Its media type.
        media_type: Box<str> = "mediaType",
        /// Its length in bytes.
        content_length_bytes: i64 = "contentLengthBytes",
        /// Its name.
        name: Box<str> = "name",
        /// Its id.
        id: Box<str> = "id",
    }
}

body! {
    /// A sticker in a message.
    pub struct MessageSticker {
        /// Where it is.
        url: Box<str> = "url",
        /// Its id.
        id: Box<str> = "id",
    }
}

body! {
    /// What kind of message it is.
    pub struct MessageMetadata {
        /// Its type.
        type_: Box<str> = "type",
        /// What happened in it.
        events: Vec<MetadataEvent> = "events",
        /// What it holds.
        content: Vec<MetadataContent> = "content",
    }
}

body! {
    /// Something that happened in a message.
    pub struct MetadataEvent {
        /// The type.
        event_type: Box<str> = "eventType",
        /// The type within the type.
        sub_type: Box<str> = "subType",
    }
}

body! {
    /// Something that a message holds.
    pub struct MetadataContent {
        /// The type of its content.
        content_type: Box<str> = "contentType",
        /// The type within the type.
        sub_type: Box<str> = "subType",
    }
}

body! {
    /// An exchange of messages between users.
    pub struct InternalMessage {
        /// Its id.
        id: Box<str> = "id",
        /// Where it stands.
        state: CommunicationState = "state",
        /// Where it stood at first.
        initial_state: CommunicationState = "initialState",
        /// The source of the communication, such as `Edge`.
        provider: Box<str> = "provider",
        /// The communication at the other side.
        peer_id: Box<str> = "peerId",
        /// Why it ended; absent until then.
        disconnect_type: DisconnectType = "disconnectType",
        /// When it was connected.
        connected_time: Timestamp = "connectedTime",
        /// When it ended.
        disconnected_time: Timestamp = "disconnectedTime",
        /// The user it is aimed at.
        target_user_id: Box<str> = "targetUserId",
        /// The user who began it.
        source_user_id: Box<str> = "sourceUserId",
        /// Whom it goes to.
        to_address: Box<Address> = "toAddress",
        /// Whom it comes from.
        from_address: Box<Address> = "fromAddress",
        /// The messages.
        messages: Vec<InternalMessageDetails> = "messages",
    }
}

body! {
    /// One message between users.
    pub struct InternalMessageDetails {
        /// The id of the message.
        message_id: Box<str> = "messageId",
        /// When it was sent or received.
        message_time: Timestamp = "messageTime",
    }
}

open_enum! {
    /// The network of a message.
    pub enum MessageType {
        /// The platform does not know.
        Unknown = "unknown",
        /// SMS.
        Sms = "sms",
        /// Twitter.
        Twitter = "twitter",
        /// Facebook.
        Facebook = "facebook",
        /// LINE.
        Line = "line",
        /// Viber.
        Viber = "viber",
        /// `WeChat`.
        Wechat = "wechat",
        /// `WhatsApp`.
        Whatsapp = "whatsapp",
        /// Telegram.
        Telegram = "telegram",
        /// Kakao.
        Kakao = "kakao",
        /// The web messenger.
        Webmessaging = "webmessaging",
        /// Open messaging.
        Open = "open",
        /// Instagram.
        Instagram = "instagram",
        /// Apple Messages.
        Apple = "apple",
    }
}

open_enum! {
    /// How far a message is.
    pub enum MessageStatus {
        /// It waits.
        Queued = "queued",
        /// It was sent.
        Sent = "sent",
        /// It failed.
        Failed = "failed",
        /// It was received.
        Received = "received",
        /// It was delivered.
        DeliverySuccess = "delivery-success",
        /// It could not be delivered.
        DeliveryFailed = "delivery-failed",
        /// It was read.
        Read = "read",
        /// It was removed.
        Removed = "removed",
        /// It was published.
        Published = "published",
    }
}

open_enum! {
    /// Who can see a message.
    pub enum SocialVisibility {
        /// The two sides.
        Private = "private",
        /// Everybody.
        Public = "public",
    }
}

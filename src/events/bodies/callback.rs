//! Callbacks.

use crate::events::bodies::communication::{
    AfterCallWork, CommunicationState, Direction, DisconnectType, QueueMediaSettings, Wrapup,
};
use crate::events::body::body;
use crate::events::open_enum::open_enum;
use crate::events::timestamp::Timestamp;

body! {
    /// A callback.
    pub struct Callback {
        /// Where it stands.
        state: CommunicationState = "state",
        /// Where it stood at first.
        initial_state: CommunicationState = "initialState",
        /// Its id.
        id: Box<str> = "id",
        /// Who began it.
        direction: Direction = "direction",
        /// Whether it is on hold.
        held: bool = "held",
        /// Why it ended; absent until then.
        disconnect_type: DisconnectType = "disconnectType",
        /// Since when it is on hold.
        start_hold_time: Timestamp = "startHoldTime",
        /// What the dialer shows before the call.
        dialer_preview: Box<DialerPreview> = "dialerPreview",
        /// The voicemail.
        voicemail: Box<Voicemail> = "voicemail",
        /// The numbers to call.
        callback_numbers: Vec<Box<str>> = "callbackNumbers",
        /// Whom to call.
        callback_user_name: Box<str> = "callbackUserName",
        /// The script that the agent sees.
        script_id: Box<str> = "scriptId",
        /// The communication at the other side.
        peer_id: Box<str> = "peerId",
        /// Whether an outside campaign asked for it.
        external_campaign: bool = "externalCampaign",
        /// Whether the agent may skip it.
        skip_enabled: bool = "skipEnabled",
        /// The source of the communication, such as `Edge`.
        provider: Box<str> = "provider",
        /// How long the agent may look at it, in seconds.
        timeout_seconds: i64 = "timeoutSeconds",
        /// When it was connected.
        connected_time: Timestamp = "connectedTime",
        /// When it ended.
        disconnected_time: Timestamp = "disconnectedTime",
        /// When to call.
        callback_scheduled_time: Timestamp = "callbackScheduledTime",
        /// The automated callback that it belongs to.
        automated_callback_config_id: Box<str> = "automatedCallbackConfigId",
        /// What the agent noted at the end.
        wrapup: Box<Wrapup> = "wrapup",
        /// The work after it.
        after_call_work: Box<AfterCallWork> = "afterCallWork",
        /// Whether work after it is required.
        after_call_work_required: bool = "afterCallWorkRequired",
        /// The number that is shown.
        caller_id: Box<str> = "callerId",
        /// The name that is shown.
        caller_id_name: Box<str> = "callerIdName",
        /// How the queue offers it.
        queue_media_settings: Box<QueueMediaSettings> = "queueMediaSettings",
    }
}

body! {
    /// What the dialer shows an agent before a call.
    pub struct DialerPreview {
        /// Its id.
        id: Box<str> = "id",
        /// The contact.
        contact_id: Box<str> = "contactId",
        /// The list of contacts.
        contact_list_id: Box<str> = "contactListId",
        /// The campaign.
        campaign_id: Box<str> = "campaignId",
        /// The columns with phone numbers.
        phone_number_columns: Vec<PhoneNumberColumn> = "phoneNumberColumns",
    }
}

body! {
    /// A column with phone numbers.
    pub struct PhoneNumberColumn {
        /// The name of the column.
        column_name: Box<str> = "columnName",
        /// Its type.
        type_: Box<str> = "type",
    }
}

body! {
    /// A voicemail of a callback.
    pub struct Voicemail {
        /// Its id.
        id: Box<str> = "id",
        /// How far its upload is.
        upload_status: UploadStatus = "uploadStatus",
    }
}

open_enum! {
    /// How far an upload is.
    pub enum UploadStatus {
        /// Not yet.
        Pending = "pending",
        /// Done.
        Complete = "complete",
        /// It failed.
        Failed = "failed",
        /// It took too long.
        Timeout = "timeout",
        /// Nothing yet.
        None = "none",
    }
}

//! What the media of a conversation have in common.

use serde_json::Number;

use crate::events::body::body;
use crate::events::members::Members;
use crate::events::open_enum::open_enum;
use crate::events::timestamp::Timestamp;

body! {
    /// An address of one side.
    pub struct Address {
        /// Its name.
        name: Box<str> = "name",
        /// The name as the network gave it.
        name_raw: Box<str> = "nameRaw",
        /// The address in its normal form.
        address_normalized: Box<str> = "addressNormalized",
        /// The address as the network gave it.
        address_raw: Box<str> = "addressRaw",
        /// The address to show.
        address_displayable: Box<str> = "addressDisplayable",
    }
}

body! {
    /// What went wrong with a communication.
    pub struct ErrorDetails {
        /// The status.
        status: i64 = "status",
        /// The code.
        code: Box<str> = "code",
        /// The text.
        message: Box<str> = "message",
        /// The text with places for its parameters.
        message_with_params: Box<str> = "messageWithParams",
        /// The parameters of the text.
        message_params: Members<Box<str>> = "messageParams",
        /// What support asks for.
        context_id: Box<str> = "contextId",
        /// The address that failed.
        uri: Box<str> = "uri",
    }
}

body! {
    /// What an agent noted when a contact ended.
    pub struct Wrapup {
        /// The code.
        code: Box<str> = "code",
        /// Notes.
        notes: Box<str> = "notes",
        /// Tags.
        tags: Vec<Box<str>> = "tags",
        /// How long it took, in seconds.
        duration_seconds: i64 = "durationSeconds",
        /// When it ended.
        end_time: Timestamp = "endTime",
    }
}

body! {
    /// The work after a contact.
    pub struct AfterCallWork {
        /// Where it stands.
        state: AfterCallWorkState = "state",
        /// When it began.
        start_time: Timestamp = "startTime",
        /// When it ended.
        end_time: Timestamp = "endTime",
    }
}

body! {
    /// How a queue offers this kind of contact.
    pub struct QueueMediaSettings {
        /// How long it alerts, in seconds.
        alerting_timeout_seconds: i64 = "alertingTimeoutSeconds",
        /// How long the tone sounds before it is answered by itself, in seconds.
        auto_answer_alert_tone_seconds: Number = "autoAnswerAlertToneSeconds",
        /// How long the tone sounds until it is answered, in seconds.
        manual_answer_alert_tone_seconds: Number = "manualAnswerAlertToneSeconds",
        /// Whether it is answered by itself.
        enable_auto_answer: bool = "enableAutoAnswer",
    }
}

body! {
    /// A reference to something by its id.
    pub struct EntityRef {
        /// Its id.
        id: Box<str> = "id",
        /// Its path in the REST API.
        self_uri: Box<str> = "selfUri",
    }
}

open_enum! {
    /// Where a communication stands.
    pub enum CommunicationState {
        /// It rings.
        Alerting = "alerting",
        /// It is being dialed.
        Dialing = "dialing",
        /// The network looks for the other side.
        Contacting = "contacting",
        /// It is offered.
        Offering = "offering",
        /// Both sides are there.
        Connected = "connected",
        /// It has ended.
        Disconnected = "disconnected",
        /// It has ended, and so has the work after it.
        Terminated = "terminated",
        /// Something is being uploaded.
        Uploading = "uploading",
        /// Something is being converted.
        Converting = "converting",
        /// It is being sent.
        Transmitting = "transmitting",
        /// Nothing yet.
        None = "none",
        /// It is to take place later.
        Scheduled = "scheduled",
        /// The agent put it aside.
        Parked = "parked",
    }
}

open_enum! {
    /// Why a communication ended.
    pub enum DisconnectType {
        /// The device at this end.
        Endpoint = "endpoint",
        /// The device does not want to be disturbed.
        EndpointDnd = "endpoint.dnd",
        /// The application at this end.
        Client = "client",
        /// The platform.
        System = "system",
        /// It took too long.
        Timeout = "timeout",
        /// A transfer.
        Transfer = "transfer",
        /// A transfer into a conference.
        TransferConference = "transfer.conference",
        /// A transfer after a consultation.
        TransferConsult = "transfer.consult",
        /// Calls are forwarded.
        TransferForward = "transfer.forward",
        /// Nobody answered.
        TransferNoanswer = "transfer.noanswer",
        /// Nobody is available.
        TransferNotavailable = "transfer.notavailable",
        /// The target does not want to be disturbed.
        TransferDnd = "transfer.dnd",
        /// The network failed.
        TransportFailure = "transport.failure",
        /// An error.
        Error = "error",
        /// The other side.
        Peer = "peer",
        /// Something else: the platform's own value.
        OtherCause = "other",
        /// It was spam.
        Spam = "spam",
        /// The number cannot be called.
        Uncallable = "uncallable",
        /// Nothing happened for too long.
        Inactivity = "inactivity",
        /// The session expired.
        SessionExpired = "session.expired",
        /// Somebody else took over.
        Takeover = "takeover",
    }
}

open_enum! {
    /// Who began a communication.
    pub enum Direction {
        /// This side.
        Outbound = "outbound",
        /// The other side.
        Inbound = "inbound",
    }
}

open_enum! {
    /// Where the work after a contact stands.
    pub enum AfterCallWorkState {
        /// The platform does not know.
        Unknown = "unknown",
        /// Left out.
        Skipped = "skipped",
        /// Not yet.
        Pending = "pending",
        /// Done.
        Complete = "complete",
        /// There is none.
        NotApplicable = "notApplicable",
    }
}

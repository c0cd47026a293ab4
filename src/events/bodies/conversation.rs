//! A conversation, its divisions and its transfers.

use crate::events::bodies::communication::EntityRef;
use crate::events::bodies::participant::Participant;
use crate::events::body::body;
use crate::events::open_enum::open_enum;
use crate::events::timestamp::Timestamp;

body! {
    /// A conversation, whole: everybody who took part and every leg, as they are now.
    ///
    /// The conversation itself has no times; its participants and their communications do.
    pub struct Conversation {
        /// Its id.
        id: Box<str> = "id",
        /// How many may take part.
        max_participants: i64 = "maxParticipants",
        /// Who takes part, past and present.
        participants: Vec<Participant> = "participants",
        /// Its latest transfers.
        recent_transfers: Vec<Transfer> = "recentTransfers",
        /// Whether it is recorded.
        recording_state: Box<str> = "recordingState",
        /// The address it is about.
        address: Box<str> = "address",
        /// A mark of another system.
        external_tag: Box<str> = "externalTag",
        /// The label under which it counts towards utilization.
        utilization_label_id: Box<str> = "utilizationLabelId",
        /// Who may see it.
        access_attributes: Vec<Box<str>> = "accessAttributes",
        /// Whether recording pauses for something secret.
        secure_pause: bool = "securePause",
        /// When it ends unless something happens.
        inactivity_timeout: Timestamp = "inactivityTimeout",
        /// A conversation that belongs to it.
        associated_conversation: Box<EntityRef> = "associatedConversation",
        /// Its consultations.
        consultation_conversations: Vec<EntityRef> = "consultationConversations",
        /// The divisions it belongs to.
        divisions: Vec<DivisionMembership> = "divisions",
    }
}

body! {
    /// That a conversation belongs to a division.
    pub struct DivisionMembership {
        /// The division.
        division: Box<EntityRef> = "division",
        /// Through whom or what.
        entities: Vec<DivisionEntityRef> = "entities",
    }
}

body! {
    /// Through what a conversation got into a division.
    pub struct DivisionEntityRef {
        /// Its id.
        id: Box<str> = "id",
        /// Its path in the REST API.
        self_uri: Box<str> = "selfUri",
        /// When its division changed.
        date_division_updated: Timestamp = "dateDivisionUpdated",
    }
}

body! {
    /// A transfer of a conversation.
    pub struct Transfer {
        /// Its id.
        id: Box<str> = "id",
        /// Where it stands.
        state: TransferState = "state",
        /// When it was asked for.
        date_issued: Timestamp = "dateIssued",
        /// Who asked for it.
        initiator: Box<TransferInitiator> = "initiator",
        /// Who changed it last.
        modified_by: Box<TransferModifier> = "modifiedBy",
        /// Where it goes.
        destination: Box<TransferDestination> = "destination",
        /// Whether the agent speaks to the target first.
        transfer_type: TransferType = "transferType",
    }
}

body! {
    /// Who asked for a transfer.
    pub struct TransferInitiator {
        /// The user.
        user_id: Box<str> = "userId",
    }
}

body! {
    /// Who changed a transfer last.
    pub struct TransferModifier {
        /// Its id.
        id: Box<str> = "id",
        /// Its path in the REST API.
        self_uri: Box<str> = "selfUri",
    }
}

body! {
    /// Where a transfer goes.
    pub struct TransferDestination {
        /// The user.
        user_id: Box<str> = "userId",
        /// The address it is about.
        address: Box<str> = "address",
    }
}

open_enum! {
    /// Where a transfer stands.
    pub enum TransferState {
        /// Not yet.
        Pending = "pending",
        /// Yes.
        Active = "active",
        /// Done.
        Complete = "complete",
        /// Called off.
        Canceled = "canceled",
        /// It failed.
        Failed = "failed",
        /// It took too long.
        Timeout = "timeout",
        /// The platform does not know.
        Unknown = "unknown",
    }
}

open_enum! {
    /// Whether the agent speaks to the target first.
    pub enum TransferType {
        /// Yes.
        Attended = "attended",
        /// No.
        Unattended = "unattended",
    }
}

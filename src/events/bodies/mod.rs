//! The bodies of typed events.
//!
//! Every field may be missing: the platform leaves out what does not apply, and promises nothing. What a body holds
//! beyond its fields is in its `extra`, and is written again with it.

mod call;
mod callback;
mod channel_metadata;
mod chat;
mod communication;
mod conversation;
mod email;
mod message;
mod observations;
mod participant;
mod presence;
mod routing_status;
mod session;
mod system;

pub use call::{
    AmdTimeout, Call, DisconnectReason, DisconnectReasonType, Disposition, FaxStatus,
    RecordersState, RecordingState, SilentCallTimeout,
};
pub use callback::{Callback, DialerPreview, PhoneNumberColumn, UploadStatus, Voicemail};
pub use channel_metadata::ChannelMetadata;
pub use chat::{
    Chat, JourneyAction, JourneyActionMap, JourneyContext, JourneyCustomer, JourneySession,
    SocialExpression,
};
pub use communication::{
    Address, AfterCallWork, AfterCallWorkState, CommunicationState, Direction, DisconnectType,
    EntityRef, ErrorDetails, QueueMediaSettings, Wrapup,
};
pub use conversation::{
    Conversation, DivisionEntityRef, DivisionMembership, Transfer, TransferDestination,
    TransferInitiator, TransferModifier, TransferState, TransferType,
};
pub use email::{Attachment, Email};
pub use message::{
    InternalMessage, InternalMessageDetails, Message, MessageDetails, MessageMedia,
    MessageMetadata, MessageStatus, MessageSticker, MessageType, MetadataContent, MetadataEvent,
    SocialVisibility,
};
pub use observations::{IntervalMetrics, MetricStats, QueueObservations};
pub use participant::{
    NamedRef, Participant, RoutingData, ScoredAgent, ScreenRecordingState, Workflow,
};
pub use presence::{OrganizationPresence, UserPresence};
pub use routing_status::{
    RoutingError, RoutingErrorParam, RoutingState, RoutingStatus, UserRoutingStatus,
};
pub use session::{CobrowseSession, MonitoringType, ScreenMonitoring, ScreenShare, Video};
pub use system::{SystemMessage, SystemReason, SystemTopicType};

//! The bodies of typed events.
//!
//! Every field may be missing: the platform leaves out what does not apply, and promises nothing. What a body holds
//! beyond its fields is in its `extra`, and is written again with it. A type is there when a feature that needs it is
//! on; which topic has which type is in the table of [`topics`](crate::topics).
//!
//! A null in a list is not among the values of the list, and is written again where it was. A value of another type
//! than its field's is a fault of the whole body, [`Event::Malformed`](crate::Event::Malformed) with the place: what a
//! body is without it nobody can tell.

mod channel_metadata;
mod sockets;
mod system;

pub use channel_metadata::ChannelMetadata;
pub use sockets::{
    AppMessage, InteractionFrame, PresenceUpdate, RealtimeEvent, RoutingInteraction,
};
pub(crate) use sockets::{Misfit, peek, read};
pub use system::{SystemMessage, SystemReason, SystemTopicType};

#[allow(unused_imports)] // Nothing is there when no family of topics is on.
pub use crate::events::generated::*;

//! The bodies of typed events.
//!
//! Every field may be missing: the platform leaves out what does not apply, and promises nothing. What a body holds
//! beyond its fields is in its `extra`, and is written again with it. A type is there when a feature that needs it is
//! on; which topic has which type is in the table of [`topics`](crate::topics).
//!
//! A null in a list is not among the values of the list, and is written again where it was. A value of another type
//! than its field's is a fault of the whole body, [`Event::Malformed`](crate::Event::Malformed) with the place: what a
//! body is without it nobody can tell.
//!
//! # Texts are owned
//! Ids, names and dates are `Box<str>` or a type around it: 16 bytes a field, freed with the event. Two others were
//! measured on a presence (5 texts) and a conversation (56). Slices that share the frame's bytes read 1.04 and 1.38 times
//! as fast, with 32 bytes a field, and one field that is kept keeps its whole frame and the buffer it was read into. Small
//! strings inside the struct read 0.80 and 0.99 times as fast, with 24 bytes a field. A field that can be kept for hours
//! at its own cost was preferred.

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

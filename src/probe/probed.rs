//! What a probe sees of an event.

use crate::events::{Event, Lifecycle, RawEvent};
use crate::streaming::typed::Typed;

/// What an event is to a probe.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Seen<'a> {
    /// A message of a type; the empty type counts as `(no type)`.
    Message {
        /// Its type.
        kind: &'a str,
    },
    /// A message that is not JSON, or could not be decoded.
    NotJson,
    /// Audio.
    Media {
        /// Position of its first sample, counted from the begin of the stream, in samples.
        position: u64,
        /// Samples a second.
        sample_rate: u32,
    },
    /// An item of the stream itself.
    Lifecycle(&'a Lifecycle),
}

/// An event, or a body of [`Typed`], that a probe can count.
pub trait Probed {
    /// What it is to a probe.
    fn seen(&self) -> Seen<'_>;
}

impl Probed for Event {
    fn seen(&self) -> Seen<'_> {
        match self {
            Self::Lifecycle(item) => Seen::Lifecycle(item),
            Self::Malformed { .. } => Seen::NotJson,
            event => Seen::Message { kind: event.variant() },
        }
    }
}

impl Probed for RawEvent {
    fn seen(&self) -> Seen<'_> {
        match self {
            Self::Lifecycle(item) => Seen::Lifecycle(item),
            Self::Frame(_) => Seen::Message { kind: "notification" },
        }
    }
}

impl<T: Probed> Probed for Typed<T> {
    fn seen(&self) -> Seen<'_> {
        match self {
            Self::Body(body) => body.seen(),
            Self::Lifecycle(item) => Seen::Lifecycle(item),
            Self::Unrecognized { kind, .. } => Seen::Message { kind },
            Self::Malformed { .. } => Seen::NotJson,
        }
    }
}

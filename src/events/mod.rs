//! Topics, typed events, and how a frame of a notification socket becomes one.
//!
//! A frame is an envelope around a body. [`Frame`] reads one frame and gives it back without loss; a stream reads them
//! through a decoder that keeps what it learnt of its topics.

mod backfill;
pub mod bodies;
pub(crate) mod body;
mod body_at;
mod cursor;
mod decoder;
mod envelope;
mod event;
pub(crate) mod extra;
mod frame;
mod gaps;
pub(crate) mod generated;
mod incoming;
mod json;
mod lifecycle;
mod members;
pub(crate) mod open_enum;
mod place;
mod raw;
pub(crate) mod read;
mod reply;
mod scan;
mod secret;
pub(crate) mod serde_source;
mod template;
#[cfg(test)]
mod tests;
mod timestamp;
mod topic;
mod topic_set;
pub(crate) mod write;

pub use backfill::{BackfillMark, BackfillRequest, BackfillSource, Backfilled, IntoBackfill};
pub(crate) use body_at::BodyAt;
pub(crate) use decoder::{Decoder, read_body};
pub use event::TopicBody;
pub use extra::Extra;
pub use frame::Frame;
pub use generated::table::Event;
pub use generated::topics;
pub(crate) use incoming::{Incoming, Level, SystemNotice};
pub use json::Json;
pub use lifecycle::{Lifecycle, RenewalReason, StopReason, Uncovered};
pub use members::Members;
pub(crate) use place::path as place_of;
pub use raw::{RawEvent, RawFrame};
pub(crate) use reply::SocketReply;
pub(crate) use scan::{leading_member, peek_topic};
pub use timestamp::Timestamp;
pub use topic::{IntoTopic, Topic};
pub use topic_set::TopicSet;

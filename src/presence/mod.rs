//! Who is in which state: presence of many users over one stream.
//!
//! A [`PresenceTracker`] owns a stream on a task of its own, keeps the last state of every user, and tells subscribers
//! what changed: not what was said again, nor what came late. It works over notification topics and over the presence
//! socket alike; what differs is the [`PresenceEvent`].

mod admission;
mod builder;
mod cache;
mod event;
mod metrics;
mod subscriber;
mod task;
mod tracker;

pub use admission::{ScopeCheck, TrackError};
pub use builder::PresenceBuilder;
pub use cache::{KnownPresence, PresenceChange};
pub use event::{Presence, PresenceEvent, PresenceState, Reading};
pub use metrics::PresenceMetrics;
pub use subscriber::{PresenceItem, PresenceStream, PresenceSubscriber};
pub use tracker::PresenceTracker;

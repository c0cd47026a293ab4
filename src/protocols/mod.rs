//! Kinds of connections. One driver runs them all; each is a small description.

mod notifications;

pub use notifications::Notifications;

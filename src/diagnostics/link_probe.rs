//! The seam between a connection and who measures its latency.

use std::sync::Arc;
use std::time::Instant;

/// Measures the latency of a connection by pings that the connection sends for it.
///
/// The connection calls [`ping`](Self::ping) when [`next_ping`](Self::next_ping) is due, sends what it returns, and tells
/// of every answer. It never blocks; the time is given from outside.
pub trait LinkProbe: Send + Sync {
    /// A connection is open and flowing.
    fn opened(&self, now: Instant);
    /// When [`ping`](Self::ping) wants to be called next; `None` while no connection is open.
    fn next_ping(&self) -> Option<Instant>;
    /// The id of a ping to send now; `None` when none is due.
    fn ping(&self, now: Instant) -> Option<Box<str>>;
    /// An answer came in, with the id that it repeats.
    fn pong(&self, now: Instant, id: &str);
    /// The connection is gone.
    fn closed(&self, now: Instant);
}

impl<T: LinkProbe + ?Sized> LinkProbe for Arc<T> {
    fn opened(&self, now: Instant) {
        (**self).opened(now);
    }

    fn next_ping(&self) -> Option<Instant> {
        (**self).next_ping()
    }

    fn ping(&self, now: Instant) -> Option<Box<str>> {
        (**self).ping(now)
    }

    fn pong(&self, now: Instant, id: &str) {
        (**self).pong(now, id);
    }

    fn closed(&self, now: Instant) {
        (**self).closed(now);
    }
}

const _: fn(&dyn LinkProbe) = |_| {};

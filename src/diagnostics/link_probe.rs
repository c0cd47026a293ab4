//! The `LinkProbe` seam: what a connection needs of whoever measures it.

use std::sync::Arc;
use std::time::Instant;

/// Measures a connection by pings of its own: plain data in, plain data out.
///
/// Called on the connection's task: return quickly, never block. Only the connection that delivers is measured; one
/// that takes over from another is opened after the other is closed.
pub trait LinkProbe: Send + Sync {
    /// The connection flows from now on.
    fn opened(&self, now: Instant);
    /// When the next ping is due; `None` for none.
    fn next_ping(&self) -> Option<Instant>;
    /// A ping is due: its id, at most 125 bytes, or `None` for none.
    fn ping(&self, now: Instant) -> Option<Box<str>>;
    /// A pong came in with this id, which may be one that was never sent; `now` is the time of its last byte.
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

//! The `Observer` seam: every notable action as plain data, without a log dependency.

use std::sync::Arc;
use std::time::Duration;

use crate::core::close::Gone;
use crate::core::ids::ChannelId;
use crate::diagnostics::measurement::Measurement;
use crate::error::Error;

/// Something that the crate did or saw. Never holds a secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Signal<'a> {
    /// A token was issued.
    TokenIssued {
        /// Counts the tokens of this source.
        generation: u64,
        /// How long the platform says it lives.
        life: Duration,
    },
    /// A token was taken from the token store: no request was made.
    TokenRestored {
        /// Counts the tokens of this source.
        generation: u64,
        /// How much longer it lives.
        life: Duration,
    },
    /// The token store failed: the client goes on without it.
    TokenStoreFailed {
        /// Why.
        error: &'a Error,
    },
    /// A token could not be renewed; `usable` says whether the old one still works.
    TokenRenewalFailed {
        /// Why.
        error: &'a Error,
        /// Whether the old token is still valid.
        usable: bool,
    },
    /// A REST call was answered.
    Request {
        /// The HTTP method.
        method: &'a str,
        /// The operation: the path as a template, without ids.
        operation: &'a str,
        /// The HTTP status.
        status: u16,
        /// From first byte out to last byte in.
        elapsed: Duration,
    },
    /// A REST call is repeated.
    Retry {
        /// The operation: the path as a template, without ids.
        operation: &'a str,
        /// Counts the repetitions from 1.
        attempt: u32,
        /// How long is waited first.
        wait: Duration,
    },
    /// A call waits for the rate limiter.
    Throttled {
        /// For how long.
        wait: Duration,
    },
    /// The local clock is more than 30 s off the platform's, as the `Date` of an answer says. Told once for each client.
    ClockOff {
        /// How far.
        off: Duration,
        /// Ahead of the platform's, or else behind it.
        ahead: bool,
    },
    /// A socket is dialled.
    Dial {
        /// The channel; `None` for sockets without one.
        channel: Option<&'a ChannelId>,
        /// Consecutive failed attempts before this one.
        attempt: u32,
    },
    /// A socket is open and flowing.
    Connected {
        /// The channel; `None` for sockets without one.
        channel: Option<&'a ChannelId>,
    },
    /// A socket is gone.
    Disconnected {
        /// The channel; `None` for sockets without one.
        channel: Option<&'a ChannelId>,
        /// Why.
        cause: &'a Gone,
        /// For how long it was live.
        was_live: Duration,
    },
    /// A socket took over from the one before, without a gap.
    Renewed {
        /// The channel; `None` for sockets without one.
        channel: Option<&'a ChannelId>,
        /// For how long both flowed.
        overlap: Duration,
    },
    /// A ping was answered.
    Pong {
        /// The round trip.
        rtt: Duration,
    },
    /// A ping of a [`LatencyMonitor`](crate::LatencyMonitor) is settled.
    Latency {
        /// What became of it.
        measurement: &'a Measurement,
    },
    /// A message was sent; its content is not told.
    Sent {
        /// What it is for: `greeting`, `subscribe`, `ping`, `close`, or `message` for one of the stream's owner.
        kind: &'a str,
        /// Length of its payload.
        bytes: usize,
    },
    /// Subscriptions took effect.
    Subscribed {
        /// How many topics.
        topics: usize,
    },
    /// A topic was refused.
    Rejected {
        /// The topic.
        topic: &'a str,
    },
    /// Topics were without coverage.
    Gap {
        /// How many.
        topics: usize,
        /// For how long.
        duration: Duration,
    },
    /// Events were dropped because the consumer was slow.
    Lagged {
        /// How many.
        dropped: u64,
    },
    /// A sink could not write a batch, and tries again.
    SinkFailed {
        /// Why.
        error: &'a Error,
        /// Counts the attempts at this batch from 1.
        attempt: u32,
        /// How long is waited first.
        wait: Duration,
    },
    /// A frame could not be decoded.
    Malformed {
        /// Its topic, when it had one.
        topic: Option<&'a str>,
    },
    /// Something that a layer above did, such as `delta`.
    Action {
        /// What.
        name: &'a str,
        /// How many of it.
        count: u64,
    },
}

/// Told of everything notable, on the task that did it: return quickly, never block.
///
/// A pair of observers tells both, the first one first; so does a pair of pairs.
///
/// ```
/// use genesys_cloud::{Client, Region, Signal, StaticToken};
///
/// # fn main() -> genesys_cloud::Result<()> {
/// let print = |signal: &Signal<'_>| println!("{signal:?}");
/// let count = |signal: &Signal<'_>| if let Signal::Gap { .. } = signal { /* count it */ };
/// let client = Client::builder(Region::UsEast1)
///     .token_source(StaticToken::new("a token"))
///     .observer((print, count))
///     .build()?;
/// # Ok(())
/// # }
/// ```
pub trait Observer: Send + Sync {
    /// One signal.
    fn observe(&self, signal: &Signal<'_>);
}

/// The default: nobody is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn observe(&self, _: &Signal<'_>) {}
}

impl<F: Fn(&Signal<'_>) + Send + Sync> Observer for F {
    fn observe(&self, signal: &Signal<'_>) {
        self(signal);
    }
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    fn observe(&self, signal: &Signal<'_>) {
        self.0.observe(signal);
        self.1.observe(signal);
    }
}

impl<T: Observer + ?Sized> Observer for Arc<T> {
    fn observe(&self, signal: &Signal<'_>) {
        (**self).observe(signal);
    }
}

const _: fn(&dyn Observer) = |_| {};

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn a_pair_tells_both_and_a_shared_observer_is_one() {
        let seen = Arc::new(AtomicU64::new(0));
        let count = |by: u64| {
            let seen = seen.clone();
            move |_: &Signal<'_>| {
                seen.fetch_add(by, Ordering::Relaxed);
            }
        };
        let shared: Arc<dyn Observer> = Arc::new(((count(1), count(10)), NoObserver));
        (shared.clone(), shared).observe(&Signal::Lagged { dropped: 1 });
        assert_eq!(seen.load(Ordering::Relaxed), 22);
    }
}

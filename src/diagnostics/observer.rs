//! The `Observer` seam: every notable action as plain data, without a log dependency.

use std::time::Duration;

use crate::core::close::Gone;
use crate::core::ids::ChannelId;
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
    /// A ping was answered.
    Pong {
        /// The round trip.
        rtt: Duration,
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
}

/// Told of everything notable, on the task that did it: return quickly, never block.
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

const _: fn(&dyn Observer) = |_| {};

/// Writes every signal to the `tracing` facade: failures at `WARN`, changes at `INFO`, the rest at `DEBUG`.
#[cfg(feature = "tracing")]
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingObserver;

#[cfg(feature = "tracing")]
impl Observer for TracingObserver {
    fn observe(&self, signal: &Signal<'_>) {
        match signal {
            Signal::TokenRenewalFailed { .. }
            | Signal::Disconnected { .. }
            | Signal::Gap { .. }
            | Signal::Lagged { .. }
            | Signal::SinkFailed { .. }
            | Signal::Malformed { .. } => tracing::warn!(target: "genesys_cloud", ?signal),
            Signal::TokenIssued { .. } | Signal::Connected { .. } => {
                tracing::info!(target: "genesys_cloud", ?signal);
            }
            _ => tracing::debug!(target: "genesys_cloud", ?signal),
        }
    }
}

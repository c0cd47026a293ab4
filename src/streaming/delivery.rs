//! What a stream yields, and how the stream stands.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::core::close::Gone;
use crate::core::ids::{ChannelId, GapId};
use crate::events::{Event, Lifecycle, StopReason, Topic};

/// One item of an [`EventStream`](crate::EventStream): an event and what is known of its way here.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Delivery<E = Event> {
    /// The event.
    pub event: E,
    /// Its topic; [`Topic::none`] for items of the stream itself.
    pub topic: Topic,
    /// The platform's id of the transaction behind the event; not unique per event.
    pub correlation_id: Option<Box<str>>,
    /// When its last byte came in.
    pub received_at: SystemTime,
    /// Whether it was seen live.
    pub origin: Origin,
    /// The channel that delivered it.
    pub channel: Option<ChannelId>,
}

impl<E: From<Lifecycle>> Delivery<E> {
    /// An item of the stream itself.
    pub(crate) fn own(lifecycle: Lifecycle, at: SystemTime) -> Self {
        Self {
            event: E::from(lifecycle),
            topic: Topic::none(),
            correlation_id: None,
            received_at: at,
            origin: Origin::Live,
            channel: None,
        }
    }
}

/// How an event was had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// It came over the socket as it happened.
    Live,
    /// It was fetched after a gap. See [`StreamBuilder::backfill`](crate::StreamBuilder::backfill).
    Backfill {
        /// The gap.
        gap: GapId,
    },
}

impl Origin {
    /// The name used in records: `live` or `backfill`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Backfill { .. } => "backfill",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a stream stands, with the cause. Of a stream with several channels: how the one stands that is worst off.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConnectionState {
    /// A channel or a socket is being opened.
    Connecting {
        /// Consecutive failures before this attempt.
        failures: u32,
    },
    /// Events flow.
    Live {
        /// The channel; `None` for sockets without one.
        channel: Option<ChannelId>,
        /// Since when.
        since: SystemTime,
    },
    /// The connection was lost; the next attempt is waited for.
    Backoff {
        /// Consecutive failures.
        failures: u32,
        /// How long the wait is.
        wait: Duration,
        /// Why.
        cause: Gone,
    },
    /// The consumer has to catch up before the stream dials again.
    Held {
        /// Why the connection is gone.
        cause: Gone,
    },
    /// The stream is over.
    Stopped(StopReason),
}

/// Counters of one stream since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamStats {
    /// Frames that came in, control frames included.
    pub frames: u64,
    /// Events that were queued for the consumer, lifecycle items excluded.
    pub events: u64,
    /// Frames whose topic the filter refused.
    pub filtered: u64,
    /// Heartbeats of the platform.
    pub heartbeats: u64,
    /// Answers to our pings.
    pub pongs: u64,
    /// Events of topics without a type.
    pub unrecognized: u64,
    /// Frames that could not be decoded.
    pub malformed: u64,
    /// Events dropped by [`Overflow::DropOldest`](crate::Overflow::DropOldest).
    pub dropped: u64,
    /// Dials.
    pub dials: u64,
    /// Connections that came to flow after the first.
    pub reconnects: u64,
    /// Connections that were replaced by another without a gap.
    pub renewals: u64,
    /// Events that both connections of a renewal delivered, or both processes of a hand-over, and that were taken out once.
    pub duplicates_removed: u64,
    /// Events that were delivered after a hand-over although the process before may have delivered them too: it did not
    /// remember deliveries for so long. See [`EventStream::resume`](crate::EventStream::resume).
    pub perhaps_repeated: u64,
    /// Gaps that closed.
    pub gaps: u64,
    /// Events that were fetched after a gap and delivered.
    pub backfilled: u64,
    /// Events that were fetched after a gap, and not delivered because a live one was as new.
    pub backfill_stale: u64,
    /// Topics of gaps whose events could not be fetched.
    pub backfill_failed: u64,
    /// Round trip of the last ping that was answered.
    pub last_rtt: Option<Duration>,
}

macro_rules! counters {
    ($($name:ident),*) => {
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: AtomicU64,)*
            pub(crate) last_rtt_ns: AtomicU64,
            largest_sent: AtomicU64,
            live_before: AtomicBool,
        }

        impl Counters {
            /// Notes that the stream is live.
            pub(crate) fn mark_live(&self) {
                self.live_before.store(true, Ordering::Relaxed);
            }

            /// Whether the stream ever was live.
            pub(crate) fn was_live(&self) -> bool {
                self.live_before.load(Ordering::Relaxed)
            }

            /// Notes the length of a message that is sent.
            pub(crate) fn sent(&self, bytes: usize) {
                let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
                self.largest_sent.fetch_max(bytes, Ordering::Relaxed);
            }

            /// The length of the largest message that was sent since the last call.
            pub(crate) fn take_largest_sent(&self) -> u64 {
                self.largest_sent.swap(0, Ordering::Relaxed)
            }

            pub(crate) fn snapshot(&self) -> StreamStats {
                let rtt = self.last_rtt_ns.load(Ordering::Relaxed);
                StreamStats {
                    $($name: self.$name.load(Ordering::Relaxed),)*
                    last_rtt: (rtt > 0).then(|| Duration::from_nanos(rtt)),
                }
            }
        }
    };
}

counters!(
    frames,
    events,
    filtered,
    heartbeats,
    pongs,
    unrecognized,
    malformed,
    dropped,
    dials,
    reconnects,
    renewals,
    duplicates_removed,
    perhaps_repeated,
    gaps,
    backfilled,
    backfill_stale,
    backfill_failed
);

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

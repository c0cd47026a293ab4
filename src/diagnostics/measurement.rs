//! One settled ping, and the stream of them.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::Stream;
use serde::Serialize;

use crate::diagnostics::millis;

/// Measurements that a [`Measurements`] keeps for a slow consumer.
const KEPT: usize = 1_024;

/// What became of one ping. As JSON, durations are milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Measurement {
    /// Counts the pings of the monitor from 0.
    pub sequence: u64,
    /// When this was known, since the monitor's first connection.
    #[serde(rename = "elapsed_ms", serialize_with = "millis::write")]
    pub elapsed: Duration,
    /// What became of it.
    pub outcome: PingOutcome,
    /// The round trip, when there was an answer.
    #[serde(rename = "latency_ms", serialize_with = "millis::write_opt")]
    pub latency: Option<Duration>,
    /// The difference to the round trip before it on the same connection; only of answers in time.
    #[serde(rename = "jitter_ms", serialize_with = "millis::write_opt")]
    pub jitter: Option<Duration>,
    /// The smoothed jitter of RFC 3550, this one included.
    #[serde(rename = "smoothed_jitter_ms", serialize_with = "millis::write")]
    pub smoothed_jitter: Duration,
    /// The share of the pings in the window that were within both thresholds, this one included; `None` before the first.
    pub stability: Option<f64>,
    /// Whether the round trip was over its threshold.
    pub latency_violation: bool,
    /// Whether the jitter was over its threshold.
    pub jitter_violation: bool,
    /// By how much the last ping was sent later than where the schedule has it.
    #[serde(rename = "schedule_drift_ms", serialize_with = "millis::write")]
    pub schedule_drift: Duration,
}

/// What became of a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PingOutcome {
    /// It was answered in time.
    Answered,
    /// No answer came in time. It may still come late.
    TimedOut,
    /// An answer came after the timeout that was told before.
    Late,
    /// Its connection went away first.
    LostWithConnection,
}

impl Measurement {
    /// Whether the ping timed out.
    pub fn is_timeout(&self) -> bool {
        self.outcome == PingOutcome::TimedOut
    }
}

/// The measurements of a [`LatencyMonitor`](crate::LatencyMonitor) as a stream, from
/// [`measurements`](crate::LatencyMonitor::measurements).
///
/// Lossy: it keeps 1,024 for a slow consumer, then drops the oldest and counts it. It ends when the monitor and all its
/// clones are gone.
///
/// # Cancel safety
/// Dropping the future of `next()` loses nothing.
#[must_use = "a stream does nothing until it is polled"]
pub struct Measurements {
    queue: Arc<Queue>,
}

/// What a monitor and a stream share.
#[derive(Default)]
pub(crate) struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    items: VecDeque<Measurement>,
    dropped: u64,
    ended: bool,
    waker: Option<Waker>,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, measurement: &Measurement) {
        let mut state = self.state();
        if state.items.len() >= KEPT {
            state.items.pop_front();
            state.dropped += 1;
        }
        state.items.push_back(measurement.clone());
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Measurements {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self { queue }
    }

    /// Measurements that were dropped because this stream was read too slowly.
    pub fn dropped(&self) -> u64 {
        self.queue.state().dropped
    }
}

impl Stream for Measurements {
    type Item = Measurement;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Measurement>> {
        let mut state = self.queue.state();
        if let Some(item) = state.items.pop_front() {
            return Poll::Ready(Some(item));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl fmt::Debug for Measurements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.queue.state();
        f.debug_struct("Measurements")
            .field("kept", &state.items.len())
            .field("dropped", &state.dropped)
            .finish_non_exhaustive()
    }
}

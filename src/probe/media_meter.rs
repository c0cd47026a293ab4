//! The seam to whoever measures the latency of audio.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::media::{LateCause, PayloadLatency};

/// Measures the latency of audio from the positions of its frames: arrival minus the time at which it was due.
///
/// [`PayloadLatency`] is one.
pub trait MediaMeter: Send + Sync {
    /// A frame of so many bytes, whose first sample has this position, in samples, came in.
    fn observe(&mut self, position: u64, sample_rate: u32, bytes: usize, arrival: Instant);
    /// A ping on the same connection was answered after this long: evidence for or against a long way. Default: it
    /// does not matter.
    fn round_trip(&mut self, _round_trip: Duration) {}
    /// What was measured.
    fn summary(&self) -> MediaSummary;
}

const _: fn(&dyn MediaMeter) = |_| {};

/// The latency of audio. Times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MediaSummary {
    /// Frames that were measured.
    pub frames: u64,
    /// Frames over the threshold.
    pub late: u64,
    /// The threshold.
    pub threshold_ms: f64,
    /// Median latency, counted from the least late frame, as all here.
    pub p50_ms: f64,
    /// 99th percentile of the latency.
    pub p99_ms: f64,
    /// The largest latency.
    pub max_ms: f64,
    /// The smoothed jitter of RFC 3550.
    pub jitter_ms: f64,
    /// Likely causes of late frames, the most frequent first.
    pub causes: Vec<Box<str>>,
}

impl MediaMeter for PayloadLatency {
    fn observe(&mut self, position: u64, sample_rate: u32, bytes: usize, arrival: Instant) {
        self.observe_sized(position, sample_rate, arrival, Some(bytes));
    }

    fn round_trip(&mut self, round_trip: Duration) {
        self.set_round_trip(round_trip);
    }

    fn summary(&self) -> MediaSummary {
        let summary = self.summary();
        // What the first frame was late itself shows in the least late one.
        let from_least = |ms: f64| (ms - summary.least_ms).max(0.0);
        let mut causes: Vec<_> = summary.causes.into_iter().collect();
        causes.sort_by_key(|(_, frames)| std::cmp::Reverse(*frames));
        let told = |(cause, frames)| format!("{} ({frames} frames)", advice(cause)).into();
        MediaSummary {
            frames: summary.frames,
            late: summary.late,
            threshold_ms: summary.threshold_ms,
            p50_ms: from_least(summary.latency_ms.p50),
            p99_ms: from_least(summary.latency_ms.p99),
            max_ms: summary.max_late_ms,
            jitter_ms: summary.jitter_ms,
            causes: causes.into_iter().map(told).collect(),
        }
    }
}

fn advice(cause: LateCause) -> &'static str {
    match cause {
        LateCause::PayloadSize => "payload size: frames of 64 KiB and more; ask for shorter ones",
        LateCause::SlowServer => {
            "slow server: frames come in bursts or are held back where they are sent"
        }
        LateCause::RegionMismatch => {
            "region mismatch: the way is long; compare the region of the address with that of the organisation"
        }
        LateCause::ClockDrift => "clock drift: the sender's clock is slower than ours",
    }
}

//! The seam to whoever measures the latency of audio.

use std::time::Instant;

use serde::Serialize;

/// Measures the latency of audio from the positions of its frames: arrival minus the time at which it was due.
pub trait MediaMeter: Send {
    /// A frame whose first sample has this position, in samples, came in.
    fn observe(&mut self, position: u64, sample_rate: u32, arrival: Instant);
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
    /// Median latency.
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

//! The seam to whoever measures the latency of audio.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::media::PayloadLatency;

/// Measures the latency of audio from the positions of its frames: arrival minus the time at which it was due.
pub trait MediaMeter: Send {
    /// A frame whose first sample has this position, in samples, came in.
    fn observe(&mut self, position: u64, sample_rate: u32, arrival: Instant);
    /// The round trip of a ping on the same connection: evidence for or against a long way. Default: not used.
    fn round_trip(&mut self, _: Duration) {}
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

impl MediaMeter for PayloadLatency {
    fn observe(&mut self, position: u64, sample_rate: u32, arrival: Instant) {
        Self::observe(self, position, sample_rate, arrival);
    }

    fn round_trip(&mut self, round_trip: Duration) {
        self.set_round_trip(round_trip);
    }

    fn summary(&self) -> MediaSummary {
        let found = Self::summary(self);
        let mut causes: Vec<_> = found.causes.iter().collect();
        causes.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
        MediaSummary {
            frames: found.frames,
            late: found.late,
            threshold_ms: found.threshold_ms,
            p50_ms: found.latency_ms.p50,
            p99_ms: found.latency_ms.p99,
            max_ms: found.latency_ms.max,
            jitter_ms: found.jitter_ms,
            causes: causes.into_iter().map(|(cause, _)| cause.to_string().into()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_audio_is_summed_up_with_its_likely_cause() {
        let (mut latency, start) = (PayloadLatency::new(), Instant::now());
        let meter: &mut dyn MediaMeter = &mut latency;
        meter.round_trip(Duration::from_millis(20));
        for frame in 0..100_u32 {
            let late = if frame < 50 { 0 } else { 600 };
            let arrival = start + Duration::from_millis(20) * frame + Duration::from_millis(late);
            meter.observe(u64::from(frame) * 160, 8_000, arrival);
        }
        let summary = meter.summary();
        assert_eq!((summary.frames, summary.late), (100, 50));
        assert!((summary.max_ms - 600.0).abs() < 0.1 && summary.threshold_ms > 499.0);
        assert_eq!(summary.causes.len(), 1, "the way is short: {:?}", summary.causes);
        assert!(summary.causes[0].contains("sender"), "{:?}", summary.causes);
    }
}

//! How late audio arrives, and by what likely cause.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::distribution::{Distribution, Recent};
use super::drift::Drift;
use super::media_frame::MediaFrame;

/// Audio that is later than this is flagged.
const THRESHOLD: Duration = Duration::from_millis(500);
/// Frames in the window of the distribution.
const WINDOW: usize = 1_000;
/// A position further ahead of time than this is a new beginning, not audio that was skipped.
const JUMP: f64 = 10.0;
/// A payload from this length on delays itself: its first sample waited for all the others, and 64 KiB are 8 seconds of
/// PCMU at 8 kHz.
const LARGE_PAYLOAD: usize = 64 << 10;
/// Jitter above which the sender is said to be irregular, in seconds.
/// Source: Cisco, "Enterprise `QoS` Solution Reference Network Design Guide": jitter of voice should be below 30 ms.
const JITTER: f64 = 0.030;
/// Round trip above which the region is said to be far away.
/// Source: ITU-T G.114: below 150 ms one way most applications are not affected; a round trip has two ways.
const FAR: Duration = Duration::from_millis(300);

/// Measures how late the audio of one stream arrives: arrival minus expected media time.
///
/// The expected time of a frame is its position divided by the sample rate, counted from the first frame. What a first
/// frame was late itself cannot be seen; a later frame that is less late than the first shows it, and lateness counts
/// from the least late frame. A stream whose position runs back, jumps ahead by more than 10 s, or changes its rate
/// begins anew.
///
/// Time is an argument, memory is fixed.
///
/// ```
/// use std::time::{Duration, Instant};
/// use genesys_cloud::media::PayloadLatency;
///
/// let (mut latency, start) = (PayloadLatency::new(), Instant::now());
/// latency.observe(0, 8_000, start);
/// let seen = latency.observe(160, 8_000, start + Duration::from_millis(620));
/// assert!((seen.latency_ms - 600.0).abs() < 0.001);
/// assert!(seen.is_late());
/// ```
#[derive(Clone, Debug)]
pub struct PayloadLatency {
    threshold: Duration,
    round_trip: Option<Duration>,
    stream: Option<Stream>,
    jitter: f64,
    recent: Recent<f64>,
    frames: u64,
    restarts: u64,
    late: u64,
    max_late: f64,
    last: f64,
    causes: BTreeMap<LateCause, u64>,
}

/// What is known of a stream since it began.
#[derive(Clone, Debug)]
struct Stream {
    rate: u32,
    first: (u64, Instant),
    last: (u64, Instant),
    least: f64,
    drift: Drift,
}

/// Why audio is likely late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LateCause {
    /// A frame holds so much audio that its first sample had to wait for the last: 64 KiB and more. Ask for shorter
    /// frames.
    PayloadSize,
    /// Frames come irregularly, with a jitter above 30 ms: the sender or something on the way stalls.
    SlowServer,
    /// Frames come regularly and late, or the round trip is above 300 ms: the way is long. Compare the region of the
    /// address with that of the organisation.
    RegionMismatch,
    /// The sender's clock is slower than ours; over a long stream that adds up.
    ClockDrift,
}

/// In a few words, with what to do.
impl fmt::Display for LateCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PayloadSize => "frames hold too much audio: ask for shorter ones",
            Self::SlowServer => {
                "frames come irregularly: the sender or something on the way stalls"
            }
            Self::RegionMismatch => {
                "the way is long: compare the region of the address with that of the organisation"
            }
            Self::ClockDrift => "the sender's clock is slower than ours",
        })
    }
}

/// One frame, measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PayloadObservation {
    /// Arrival minus expected media time since the first frame, in milliseconds; negative when this frame was less late
    /// than the first.
    pub latency_ms: f64,
    /// The same since the frame that was the least late: never negative.
    pub late_ms: f64,
    /// Jitter after this frame, in milliseconds (RFC 3550, section 6.4.1).
    pub jitter_ms: f64,
    /// Whether the stream began with this frame.
    pub is_first: bool,
    /// The likely causes when it is too late, the likeliest first; else empty.
    pub causes: Vec<LateCause>,
}

impl PayloadObservation {
    /// Whether it is later than the threshold.
    pub fn is_late(&self) -> bool {
        !self.causes.is_empty()
    }
}

/// What a [`PayloadLatency`] has measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PayloadLatencySummary {
    /// Frames.
    pub frames: u64,
    /// Times that the stream began anew.
    pub restarts: u64,
    /// Frames later than the threshold.
    pub late: u64,
    /// The threshold, in milliseconds.
    pub threshold_ms: f64,
    /// Arrival minus expected media time of the last 1,000 frames, in milliseconds.
    pub latency_ms: Distribution,
    /// The same of the last frame.
    pub last_ms: f64,
    /// The latest that any frame was against the least late one of its stream, in milliseconds.
    pub max_late_ms: f64,
    /// The latency of the least late frame of the present stream, in milliseconds: from there lateness counts.
    pub least_ms: f64,
    /// Jitter, in milliseconds (RFC 3550, section 6.4.1).
    pub jitter_ms: f64,
    /// Parts per million by which the sender's clock is slower than ours; `None` before 8 s of audio.
    pub drift_ppm: Option<f64>,
    /// How often each cause was likely.
    pub causes: BTreeMap<LateCause, u64>,
}

impl Default for PayloadLatency {
    fn default() -> Self {
        Self::new()
    }
}

impl PayloadLatency {
    /// Flags frames that are more than 500 ms late.
    pub fn new() -> Self {
        Self {
            threshold: THRESHOLD,
            round_trip: None,
            stream: None,
            jitter: 0.0,
            recent: Recent::new(WINDOW),
            frames: 0,
            restarts: 0,
            late: 0,
            max_late: 0.0,
            last: 0.0,
            causes: BTreeMap::new(),
        }
    }

    /// From when on a frame is flagged. Default 500 ms.
    pub fn threshold(mut self, threshold: Duration) -> Self {
        self.threshold = threshold;
        self
    }

    /// Tells the round trip of a ping on the same connection: evidence for or against a long way.
    pub fn set_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = Some(round_trip);
    }

    /// A frame whose first sample has this position, in samples, came in at this time. A rate of 0 counts as 1.
    pub fn observe(
        &mut self,
        position_samples: u64,
        sample_rate: u32,
        arrival: Instant,
    ) -> PayloadObservation {
        self.observe_sized(position_samples, sample_rate, arrival, None)
    }

    /// The same for a frame of a pipeline; `None` when it has no [header](MediaFrame::header).
    pub fn observe_frame(&mut self, frame: &MediaFrame) -> Option<PayloadObservation> {
        let header = frame.header?;
        let (arrival, bytes) = (frame.received_at.mono, frame.payload.len());
        Some(self.observe_sized(header.position, header.sample_rate, arrival, Some(bytes)))
    }

    /// The same for a frame of so many bytes; `None` when that is not known.
    pub(crate) fn observe_sized(
        &mut self,
        position: u64,
        rate: u32,
        arrival: Instant,
        bytes: Option<usize>,
    ) -> PayloadObservation {
        let rate = rate.max(1);
        self.frames += 1;
        let goes_on = self.stream.as_mut().filter(|stream| stream.goes_on(position, rate, arrival));
        let Some(stream) = goes_on else {
            self.restarts += u64::from(self.stream.is_some());
            self.stream = Some(Stream::new(position, rate, arrival));
            self.note(0.0, 0.0);
            return PayloadObservation {
                latency_ms: 0.0,
                late_ms: 0.0,
                jitter_ms: self.jitter * 1e3,
                is_first: true,
                causes: Vec::new(),
            };
        };
        let step = stream.behind(stream.last, position, arrival);
        self.jitter += (step.abs() - self.jitter) / 16.0;
        let latency = stream.behind(stream.first, position, arrival);
        stream.least = stream.least.min(latency);
        stream.last = (position, arrival);
        let media = seconds(position - stream.first.0, rate);
        stream.drift.observe(media, latency);
        let late = latency - stream.least;
        let drifted = stream.drift.ppm().unwrap_or_default() * 1e-6 * media;
        self.note(latency, late);
        let mut causes = Vec::new();
        if late > self.threshold.as_secs_f64() {
            causes = self.causes_of(bytes, drifted);
            self.late += 1;
            for cause in &causes {
                *self.causes.entry(*cause).or_default() += 1;
            }
        }
        PayloadObservation {
            latency_ms: latency * 1e3,
            late_ms: late * 1e3,
            jitter_ms: self.jitter * 1e3,
            is_first: false,
            causes,
        }
    }

    fn note(&mut self, latency: f64, late: f64) {
        self.recent.push(latency);
        self.last = latency;
        self.max_late = self.max_late.max(late);
    }

    /// At least one: a steady delay without other evidence is that of the way.
    fn causes_of(&self, bytes: Option<usize>, drifted: f64) -> Vec<LateCause> {
        let is_irregular = self.jitter > JITTER;
        let is_drift = drifted > self.threshold.as_secs_f64() / 2.0;
        let is_large = bytes.is_some_and(|bytes| bytes >= LARGE_PAYLOAD);
        let is_far = match self.round_trip {
            Some(round_trip) => round_trip > FAR,
            None => !(is_irregular || is_drift || is_large),
        };
        let found = [
            (is_large, LateCause::PayloadSize),
            (is_drift, LateCause::ClockDrift),
            (is_irregular, LateCause::SlowServer),
            (is_far, LateCause::RegionMismatch),
        ];
        let mut causes: Vec<_> =
            found.into_iter().filter_map(|(is, cause)| is.then_some(cause)).collect();
        if causes.is_empty() {
            // Regular, small, and the way is short: it was held back where it was sent.
            causes.push(LateCause::SlowServer);
        }
        causes
    }

    /// What was measured. The percentiles are computed at each call.
    pub fn summary(&self) -> PayloadLatencySummary {
        PayloadLatencySummary {
            frames: self.frames,
            restarts: self.restarts,
            late: self.late,
            threshold_ms: self.threshold.as_secs_f64() * 1e3,
            latency_ms: Distribution::of(self.recent.iter().map(|seconds| seconds * 1e3)),
            last_ms: self.last * 1e3,
            max_late_ms: self.max_late * 1e3,
            least_ms: self.stream.as_ref().map_or(0.0, |stream| stream.least * 1e3),
            jitter_ms: self.jitter * 1e3,
            drift_ppm: self.stream.as_ref().and_then(|stream| stream.drift.ppm()),
            causes: self.causes.clone(),
        }
    }
}

impl Stream {
    fn new(position: u64, rate: u32, arrival: Instant) -> Self {
        let mut drift = Drift::new();
        drift.observe(0.0, 0.0);
        let at = (position, arrival);
        Self { rate, first: at, last: at, least: 0.0, drift }
    }

    /// Whether a frame belongs to this stream.
    fn goes_on(&self, position: u64, rate: u32, arrival: Instant) -> bool {
        rate == self.rate
            && position >= self.last.0
            && self.behind(self.last, position, arrival) > -JUMP
    }

    /// Seconds that a frame is behind where it would be, counted from an earlier one.
    fn behind(&self, from: (u64, Instant), position: u64, arrival: Instant) -> f64 {
        let media = seconds(position.saturating_sub(from.0), self.rate);
        // Arrivals given out of order count back.
        let back = from.1.saturating_duration_since(arrival).as_secs_f64();
        arrival.saturating_duration_since(from.1).as_secs_f64() - back - media
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^52 samples are 17,000 years of audio")]
fn seconds(samples: u64, rate: u32) -> f64 {
    samples as f64 / f64::from(rate)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Samples of 20 ms at 8 kHz.
    const FRAME: u64 = 160;

    /// Frames of 20 ms, each arriving when it is due and by `delay` (in seconds, by media time) later.
    fn run(latency: &mut PayloadLatency, frames: u64, delay: impl Fn(f64) -> f64) -> Vec<f64> {
        let start = Instant::now();
        let seen = (0..frames).map(|number| {
            let due = seconds(number * FRAME, 8_000);
            let arrival = start + Duration::from_secs_f64(due + delay(due));
            latency.observe(number * FRAME, 8_000, arrival).latency_ms
        });
        seen.collect()
    }

    fn near(a: f64, b: f64, within: f64) -> bool {
        (a - b).abs() <= within
    }

    #[test]
    fn audio_in_time_has_no_latency_no_jitter_and_no_drift() {
        let mut latency = PayloadLatency::new();
        run(&mut latency, 5_000, |_| 0.0);
        let summary = latency.summary();
        assert!(near(summary.latency_ms.max, 0.0, 1e-3) && near(summary.jitter_ms, 0.0, 1e-3));
        assert!(near(summary.drift_ppm.unwrap(), 0.0, 0.1), "{summary:?}");
        assert_eq!((summary.frames, summary.late, summary.restarts), (5_000, 0, 0));
        assert_eq!(summary.latency_ms.count, WINDOW);
    }

    #[test]
    fn a_step_of_delay_is_measured_and_flagged_above_the_threshold_only() {
        for (step, is_late) in [(0.3, false), (0.499, false), (0.501, true), (2.0, true)] {
            let mut latency = PayloadLatency::new();
            let seen = run(&mut latency, 1_000, |due| if due < 10.0 { 0.05 } else { 0.05 + step });
            assert!(near(seen[499], 0.0, 1e-3));
            assert!(seen[500..].iter().all(|ms| near(*ms, step * 1e3, 1e-3)));
            let summary = latency.summary();
            assert_eq!(summary.late, if is_late { 500 } else { 0 }, "{step}");
            assert!(near(summary.max_late_ms, step * 1e3, 1e-3));
        }
    }

    #[test]
    fn a_first_frame_that_was_late_itself_does_not_hide_later_ones() {
        let mut latency = PayloadLatency::new();
        let late = |due: f64| if due == 0.0 || due >= 1.0 { 0.7 } else { 0.0 };
        let seen = run(&mut latency, 100, late);
        assert!(near(seen[1], -700.0, 1e-3) && near(seen[99], 0.0, 1e-3));
        assert_eq!(latency.summary().late, 50);
    }

    #[test]
    fn a_drift_of_200_ppm_is_recovered_within_a_tenth_under_jitter() {
        let mut latency = PayloadLatency::new();
        let mut random = fastrand::Rng::with_seed(7);
        let noise: Vec<f64> = (0..30_000).map(|_| random.f64() * 0.020).collect();
        let start = Instant::now();
        for (number, noise) in (0u64..).zip(noise) {
            let due = seconds(number * FRAME, 8_000);
            let arrival = start + Duration::from_secs_f64(due * (1.0 + 200e-6) + noise);
            latency.observe(number * FRAME, 8_000, arrival);
        }
        let ppm = latency.summary().drift_ppm.unwrap();
        assert!(near(ppm, 200.0, 20.0), "{ppm}");
    }

    #[test]
    fn jitter_is_that_of_rfc_3550() {
        let mut latency = PayloadLatency::new();
        // Every other frame is 16 ms late: each step differs by 16 ms.
        let mut expected = 0.0;
        let start = Instant::now();
        for number in 0..200u64 {
            let late = if number % 2 == 1 { 16 } else { 0 };
            let arrival = start + Duration::from_millis(number * 20 + late);
            let seen = latency.observe(number * FRAME, 8_000, arrival);
            if number > 0 {
                expected += (16.0 - expected) / 16.0;
            }
            assert!(near(seen.jitter_ms, expected, 1e-6), "{number}");
        }
        assert!(near(expected, 16.0, 0.1));
    }

    #[test]
    fn the_likely_cause_follows_the_evidence() {
        let causes = |round_trip: Option<u64>, bytes: Option<usize>, jitter: f64| {
            let mut latency = PayloadLatency::new();
            if let Some(ms) = round_trip {
                latency.set_round_trip(Duration::from_millis(ms));
            }
            let start = Instant::now();
            latency.observe_sized(0, 8_000, start, bytes);
            latency.jitter = jitter;
            let late = start + Duration::from_millis(600);
            // As late as the frame before it: the step itself adds no jitter.
            latency.stream.as_mut().unwrap().last = (0, late);
            latency.observe_sized(0, 8_000, late, bytes).causes
        };
        assert_eq!(causes(None, Some(172), 0.0), [LateCause::RegionMismatch]);
        assert_eq!(causes(None, Some(64 << 10), 0.0), [LateCause::PayloadSize]);
        assert_eq!(causes(None, None, 0.2), [LateCause::SlowServer]);
        assert_eq!(
            causes(Some(400), Some(1 << 20), 0.2),
            [LateCause::PayloadSize, LateCause::SlowServer, LateCause::RegionMismatch]
        );
        assert_eq!(causes(Some(20), None, 0.0), [LateCause::SlowServer], "the way is short");
    }

    #[test]
    fn an_hour_of_drift_is_not_taken_for_a_slow_server() {
        let mut latency = PayloadLatency::new();
        run(&mut latency, 180_000, |due| due * 200e-6);
        let summary = latency.summary();
        assert!(summary.late > 0);
        assert_eq!(summary.causes.keys().collect::<Vec<_>>(), [&LateCause::ClockDrift]);
    }

    #[test]
    fn a_new_call_on_the_same_socket_begins_anew() {
        let (mut latency, start) = (PayloadLatency::new(), Instant::now());
        assert!(latency.observe(8_000_000, 8_000, start).is_first);
        let later = start + Duration::from_secs(5);
        assert!(latency.observe(0, 8_000, later).is_first, "the position runs back");
        assert!(latency.observe(160, 16_000, later).is_first, "another rate");
        assert!(latency.observe(1 << 40, 16_000, later).is_first, "a jump ahead");
        assert_eq!(latency.summary().restarts, 3);
        let json = serde_json::to_value(latency.summary()).unwrap();
        assert_eq!((&json["frames"], &json["drift_ppm"]), (&4.into(), &serde_json::Value::Null));
    }

    proptest! {
        #[test]
        fn never_panics(frames: Vec<(u64, u32, u32)>) {
            let (mut latency, start) = (PayloadLatency::new(), Instant::now());
            for (position, rate, ms) in frames {
                let at = start + Duration::from_millis(u64::from(ms));
                let seen = latency.observe(position, rate, at);
                prop_assert!(seen.latency_ms.is_finite() && seen.late_ms >= 0.0);
            }
            prop_assert!(latency.summary().latency_ms.mean.is_finite());
        }
    }
}

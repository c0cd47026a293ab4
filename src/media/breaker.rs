//! The circuit breaker: when frames are too large on average, they are no longer read.

use std::time::{Duration, Instant};

use serde::Serialize;

/// Parts of the window: it moves on by a sixtieth of its length.
const PARTS: usize = 60;

/// How a [`SizeBreaker`] stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BreakerState {
    /// Frames are read.
    #[default]
    Closed,
    /// Frames are too large on average: they are counted and not read.
    Open,
    /// The average has fallen: frames are read again, on trial.
    HalfOpen,
}

/// Opens when the mean length of frames over a sliding window is above a limit.
///
/// - **Closed**: every frame is admitted. It opens with the frame that lifts the mean above the limit, which is not
///   admitted, once there are [`min_frames`](Self::min_frames) in the window.
/// - **Open**: no frame is admitted. All are counted, so that the mean follows what comes in. When it is at or below the
///   limit, or the window is empty, the breaker is half-open.
/// - **Half-open**: frames are admitted. After [`probes`](Self::probes) of them it closes; a frame above the limit, or a
///   mean above it, opens it again.
///
/// It is a pure machine in fixed memory: the time is an argument. A time before an earlier one counts as that one.
///
/// ```
/// use std::time::{Duration, Instant};
/// use genesys_cloud::media::{BreakerState, SizeBreaker};
///
/// let mut breaker = SizeBreaker::new(1_000, Duration::from_secs(60)).min_frames(1);
/// let start = Instant::now();
/// assert!(breaker.admit(start, 1_000));
/// assert!(!breaker.admit(start, 1_002));
/// assert_eq!(breaker.state(), BreakerState::Open);
/// assert!(breaker.admit(start + Duration::from_secs(61), 10), "the large ones are long gone");
/// ```
#[derive(Clone, Debug)]
pub struct SizeBreaker {
    limit: u64,
    part: Duration,
    min_frames: u64,
    probes: u32,
    state: BreakerState,
    passed: u32,
    window: [Part; PARTS],
    /// Begin of the current part.
    began: Option<Instant>,
    current: usize,
    total: Part,
}

#[derive(Clone, Copy, Debug, Default)]
struct Part {
    frames: u64,
    bytes: u64,
}

impl Default for SizeBreaker {
    /// 2 MiB over 60 s.
    fn default() -> Self {
        Self::new(2 << 20, Duration::from_secs(60))
    }
}

impl SizeBreaker {
    /// A limit of the mean length in bytes, and the length of the window.
    pub fn new(limit: u64, window: Duration) -> Self {
        Self {
            limit,
            part: (window / 60).max(Duration::from_nanos(1)),
            min_frames: 10,
            probes: 10,
            state: BreakerState::Closed,
            passed: 0,
            window: [Part::default(); PARTS],
            began: None,
            current: 0,
            total: Part::default(),
        }
    }

    /// Frames that must be in the window before it opens, so that one large frame is no average. Default 10.
    pub fn min_frames(mut self, frames: u64) -> Self {
        self.min_frames = frames;
        self
    }

    /// Frames on trial before it closes. Default 10.
    pub fn probes(mut self, frames: u32) -> Self {
        self.probes = frames;
        self
    }

    /// Counts a frame of this length; whether it shall be read.
    pub fn admit(&mut self, now: Instant, bytes: usize) -> bool {
        let bytes = bytes as u64;
        self.advance(now);
        if self.state == BreakerState::Open && self.average() <= self.limit {
            self.state = BreakerState::HalfOpen;
            self.passed = 0;
        }
        self.count(bytes);
        let heavy = self.average() > self.limit;
        self.state = match self.state {
            BreakerState::Closed if heavy && self.total.frames >= self.min_frames => {
                BreakerState::Open
            }
            BreakerState::HalfOpen if heavy || bytes > self.limit => BreakerState::Open,
            BreakerState::HalfOpen => {
                self.passed = self.passed.saturating_add(1);
                if self.passed >= self.probes {
                    BreakerState::Closed
                } else {
                    BreakerState::HalfOpen
                }
            }
            state => state,
        };
        self.state != BreakerState::Open
    }

    /// How it stood after the last frame.
    pub fn state(&self) -> BreakerState {
        self.state
    }

    /// Mean length of the frames in the window, in bytes; 0 when there are none.
    pub fn average(&self) -> u64 {
        self.total.bytes.checked_div(self.total.frames).unwrap_or_default()
    }

    fn count(&mut self, bytes: u64) {
        for part in [self.window.get_mut(self.current), Some(&mut self.total)].into_iter().flatten()
        {
            part.frames += 1;
            part.bytes = part.bytes.saturating_add(bytes);
        }
    }

    /// Moves the window on.
    fn advance(&mut self, now: Instant) {
        let began = *self.began.get_or_insert(now);
        let behind = now.saturating_duration_since(began).as_nanos() / self.part.as_nanos();
        if behind >= PARTS as u128 {
            self.window = [Part::default(); PARTS];
            self.total = Part::default();
            self.began = Some(now);
            return;
        }
        // Fits: it is below the number of parts.
        let steps = u32::try_from(behind).unwrap_or_default();
        for _ in 0..steps {
            self.current = (self.current + 1) % PARTS;
            if let Some(part) = self.window.get_mut(self.current) {
                let old = std::mem::take(part);
                self.total.frames = self.total.frames.saturating_sub(old.frames);
                self.total.bytes = self.total.bytes.saturating_sub(old.bytes);
            }
        }
        self.began = Some(began + self.part * steps);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: usize = 1 << 20;

    fn seconds(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn opens_above_two_mebibytes_and_closes_when_the_average_falls() {
        let (mut breaker, start) = (SizeBreaker::default(), Instant::now());
        for second in 0..9 {
            assert!(breaker.admit(seconds(start, second), 3 * MIB), "too few to be an average");
        }
        assert!(!breaker.admit(seconds(start, 9), 3 * MIB));
        assert_eq!(breaker.state(), BreakerState::Open);
        assert_eq!(breaker.average(), 3 << 20);
        // Small frames pull the average down: 30 MiB in 15 frames are 2 MiB.
        for second in 10..15 {
            assert!(!breaker.admit(seconds(start, second), 0));
        }
        assert_eq!(breaker.average(), 2 << 20);
        assert!(breaker.admit(seconds(start, 15), 0));
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        for second in 16..25 {
            assert!(breaker.admit(seconds(start, second), 100));
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn exactly_the_limit_is_not_above_it() {
        let (mut breaker, start) = (SizeBreaker::default().min_frames(1), Instant::now());
        assert!(breaker.admit(start, 2 * MIB));
        assert!(!breaker.admit(start, 2 * MIB + 2));
    }

    #[test]
    fn a_large_frame_on_trial_opens_it_again() {
        let (mut breaker, start) = (SizeBreaker::default().min_frames(1), Instant::now());
        assert!(!breaker.admit(start, 5 * MIB));
        assert!(breaker.admit(seconds(start, 61), 1), "the window is empty");
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert!(!breaker.admit(seconds(start, 62), 3 * MIB));
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn a_frame_counts_for_a_minute_and_no_longer() {
        let (mut breaker, start) = (SizeBreaker::default().min_frames(1), Instant::now());
        breaker.admit(start, 4 * MIB);
        breaker.admit(seconds(start, 59), 0);
        assert_eq!(breaker.average(), 2 << 20);
        breaker.admit(seconds(start, 60), 0);
        assert_eq!(breaker.average(), 0);
    }

    #[test]
    fn a_time_that_goes_back_is_no_panic() {
        let (mut breaker, start) = (SizeBreaker::default(), Instant::now());
        breaker.admit(seconds(start, 100), 1);
        assert!(breaker.admit(start, 3));
        assert_eq!(breaker.average(), 2);
    }

    proptest! {
        #[test]
        fn the_average_is_that_of_the_frames_in_the_window(
            frames in proptest::collection::vec((0u64..90, 0usize..1_000_000), 1..100),
        ) {
            let (mut breaker, start) = (SizeBreaker::default(), Instant::now());
            let (mut now, mut log) = (0, Vec::new());
            for (wait, bytes) in frames {
                now += wait;
                log.push((now, bytes as u64));
                breaker.admit(seconds(start, now), bytes);
                // Whole seconds after a window that was emptied in one go count from there.
                let (mut sum, mut count) = (0, 0);
                for (at, bytes) in &log {
                    if at + 60 > now {
                        sum += bytes;
                        count += 1;
                    }
                }
                prop_assert_eq!(breaker.average(), sum / count);
            }
        }
    }
}

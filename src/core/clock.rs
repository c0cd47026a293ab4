//! Time and randomness as seams, so that every decision can be replayed.

use std::time::{Duration, Instant, SystemTime};

/// Where the crate reads the time.
///
/// The default follows the runtime's clock, so that a paused runtime pauses everything.
pub trait Clock: Send + Sync {
    /// Monotonic time, for every deadline and duration.
    fn now(&self) -> Instant;
    /// Wall-clock time, for what is shown and recorded.
    fn wall(&self) -> SystemTime;
    /// Both at once.
    fn moment(&self) -> Moment {
        Moment { mono: self.now(), wall: self.wall() }
    }
}

/// One point in time on both clocks: the wall clock to show, the monotonic one to subtract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Monotonic time.
    pub mono: Instant,
    /// Wall-clock time.
    pub wall: SystemTime,
}

/// As far ahead as a deadline is set that would lie beyond the end of time: thirty years, as tokio has it.
pub(crate) const FAR: Duration = Duration::from_secs(86_400 * 365 * 30);

/// The time so long after another. A wait that a server or a setting names may be too long to be added.
pub(crate) fn later(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).or_else(|| now.checked_add(FAR)).unwrap_or(now)
}

/// Where the crate gets its randomness: jitter only, never keys.
pub trait Entropy: Send + Sync {
    /// A number in `0.0..1.0`.
    fn unit(&self) -> f64;
}

/// The default: the thread's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadEntropy;

impl Entropy for ThreadEntropy {
    fn unit(&self) -> f64 {
        fastrand::f64()
    }
}

const _: fn(&dyn Clock) = |_| {};
const _: fn(&dyn Entropy) = |_| {};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_without_end_is_a_deadline_that_is_far_away() {
        let now = Instant::now();
        assert_eq!(later(now, Duration::from_secs(7)), now + Duration::from_secs(7));
        for endless in [Duration::MAX, Duration::from_secs(u64::MAX)] {
            assert_eq!(later(now, endless), now + FAR);
        }
    }
}

//! Jitter of a series of delays, both ways that are in use.

use std::time::Duration;

/// The gain of the smoothed estimate.
/// Source: RFC 3550, section 6.4.1 and appendix A.8.
const GAIN: f64 = 1.0 / 16.0;

/// Takes delays one by one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Jitter {
    last: Option<Duration>,
    smoothed: f64,
}

impl Jitter {
    /// Takes the next delay; returns how much it differs from the one before, `None` for the first.
    pub(crate) fn next(&mut self, delay: Duration) -> Option<Duration> {
        let before = self.last.replace(delay)?;
        let difference = delay.abs_diff(before);
        self.smoothed += (difference.as_secs_f64() - self.smoothed) * GAIN;
        Some(difference)
    }

    /// The estimate of RFC 3550: each difference moves it by a sixteenth.
    pub(crate) fn smoothed(&self) -> Duration {
        Duration::try_from_secs_f64(self.smoothed).unwrap_or_default()
    }

    /// The next delay has no predecessor: it is another connection's.
    pub(crate) fn restart(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn differences_are_absolute_and_the_estimate_moves_by_a_sixteenth() {
        let mut jitter = Jitter::default();
        assert_eq!(jitter.next(MS(20)), None);
        assert_eq!(jitter.next(MS(36)), Some(MS(16)));
        assert_eq!(jitter.smoothed(), MS(1));
        assert_eq!(jitter.next(MS(20)), Some(MS(16)));
        let estimate = jitter.smoothed().as_secs_f64();
        assert!((estimate - (0.001 + 0.015 / 16.0)).abs() < 1e-9, "{estimate}");
    }

    #[test]
    fn a_steady_difference_is_what_the_estimate_comes_to() {
        let mut jitter = Jitter::default();
        for n in 0..500 {
            jitter.next(MS(if n % 2 == 0 { 10 } else { 14 }));
        }
        assert!((jitter.smoothed().as_secs_f64() - 0.004).abs() < 1e-6);
    }

    #[test]
    fn a_new_connection_has_no_difference_to_the_old_one() {
        let mut jitter = Jitter::default();
        jitter.next(MS(10));
        jitter.restart();
        assert_eq!(jitter.next(MS(500)), None);
        assert_eq!(jitter.smoothed(), Duration::ZERO);
    }
}

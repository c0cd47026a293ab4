//! How many events came in, second by second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Seconds that are kept.
const KEPT: usize = 240;
/// Seconds that the rate is the mean of.
const SMOOTHED: usize = 3;
const SECOND: Duration = Duration::from_secs(1);

/// Counts of the last seconds.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Whole seconds, the latest last.
    seconds: VecDeque<u64>,
    current: u64,
    since: Instant,
}

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        Self { seconds: VecDeque::new(), current: 0, since: now }
    }

    pub(crate) fn count(&mut self, now: Instant) {
        self.roll(now);
        self.current += 1;
    }

    /// Ends every second that is over.
    pub(crate) fn roll(&mut self, now: Instant) {
        let over = now.saturating_duration_since(self.since).as_secs();
        // More than are kept can only be after this process was asleep.
        let seconds = usize::try_from(over).unwrap_or(KEPT).min(KEPT);
        for _ in 0..seconds {
            self.seconds.push_back(std::mem::take(&mut self.current));
        }
        self.since += SECOND * u32::try_from(over).unwrap_or(u32::MAX);
        while self.seconds.len() > KEPT {
            self.seconds.pop_front();
        }
    }

    /// Events a second.
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    pub(crate) fn rate(&self) -> f64 {
        let latest = self.seconds.iter().rev().take(SMOOTHED);
        match latest.len() {
            0 => self.current as f64,
            count => latest.sum::<u64>() as f64 / count as f64,
        }
    }

    /// The counts of the last `width` seconds, the latest last.
    pub(crate) fn history(&self, width: usize) -> Vec<u64> {
        let skipped = self.seconds.len().saturating_sub(width);
        self.seconds.iter().skip(skipped).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_without_events_count_as_zero() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for tenths in [1, 2, 3, 11, 34] {
            pace.count(start + Duration::from_millis(tenths * 100));
        }
        assert_eq!(pace.history(10), [3, 1, 0]);
        assert_eq!(pace.history(2), [1, 0]);
        assert!((pace.rate() - 4.0 / 3.0).abs() < 1e-9);
        pace.roll(start + Duration::from_secs(1_000_000));
        assert_eq!(pace.history(usize::MAX).len(), KEPT);
    }
}

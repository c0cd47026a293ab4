//! A histogram of durations in fixed memory.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram as Buckets;

/// Shortest duration that is told apart from nothing, in microseconds.
const LOWEST_US: u64 = 1;

/// Longest duration that is kept as it is, in microseconds: one hour. Longer ones count as this.
const HIGHEST_US: u64 = 3_600_000_000;

/// Significant digits: a percentile is at most 0.1 % off.
const DIGITS: u8 = 3;

/// How often each duration was seen, from a microsecond to an hour, to three significant digits.
///
/// Its memory is fixed when it is made: 23,552 counters of 4 bytes, 92 KiB, however much is recorded. A counter that is
/// full stays full. Shortest, longest and mean are exact.
///
/// ```
/// use std::time::Duration;
/// use genesys_cloud::Histogram;
///
/// let mut histogram = Histogram::new();
/// for ms in 1..=1_000 {
///     histogram.record(Duration::from_millis(ms));
/// }
/// let p99 = histogram.percentile(99.0).unwrap();
/// assert!((p99.as_secs_f64() - 0.990).abs() < 0.001);
/// ```
#[derive(Clone)]
pub struct Histogram {
    buckets: Buckets<u32>,
    min: Duration,
    max: Duration,
    total: Duration,
}

impl Histogram {
    /// An empty histogram.
    pub fn new() -> Self {
        let buckets = Buckets::new_with_bounds(LOWEST_US, HIGHEST_US, DIGITS)
            .expect("the bounds are constants that hdrhistogram takes");
        Self { buckets, min: Duration::MAX, max: Duration::ZERO, total: Duration::ZERO }
    }

    /// Counts one duration; over an hour counts as an hour in [`percentile`](Self::percentile).
    pub fn record(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.buckets.saturating_record(micros);
        self.min = self.min.min(duration);
        self.max = self.max.max(duration);
        self.total = self.total.saturating_add(duration);
    }

    /// How many durations were recorded.
    pub fn count(&self) -> u64 {
        self.buckets.len()
    }

    /// The duration that so many percent of all do not exceed, at most 0.1 % or 1 µs off; `None` when nothing was
    /// recorded.
    ///
    /// What is not in `0.0..=100.0` counts as the nearer end, and what is no number as 100.
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        let percent = if percent.is_nan() { 100.0 } else { percent.clamp(0.0, 100.0) };
        let micros = self.buckets.value_at_quantile(percent / 100.0);
        // A bucket is wider than what is in it.
        self.min().map(|min| Duration::from_micros(micros).clamp(min, self.max))
    }

    /// The shortest; `None` when nothing was recorded.
    pub fn min(&self) -> Option<Duration> {
        (self.count() > 0).then_some(self.min)
    }

    /// The longest; `None` when nothing was recorded.
    pub fn max(&self) -> Option<Duration> {
        (self.count() > 0).then_some(self.max)
    }

    /// The mean; `None` when nothing was recorded.
    pub fn mean(&self) -> Option<Duration> {
        let count = self.count();
        (count > 0).then(|| {
            let nanos = self.total.as_nanos() / u128::from(count);
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        })
    }

    /// Counts everything that `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds, which is the only thing that could fail.
        let _ = self.buckets.add(&other.buckets);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.total = self.total.saturating_add(other.total);
    }

    /// Counts of consecutive ranges of `width`, from nothing up to the longest; at most `most` ranges, the last of
    /// which takes all that is longer. For drawing.
    pub fn ranges(&self, width: Duration, most: usize) -> Vec<u64> {
        let width = u64::try_from(width.as_micros()).unwrap_or(u64::MAX).max(1);
        let mut ranges = Vec::new();
        if most == 0 {
            return ranges;
        }
        for bucket in self.buckets.iter_recorded() {
            let value = self.buckets.median_equivalent(bucket.value_iterated_to());
            let at = usize::try_from(value / width).unwrap_or(usize::MAX).min(most - 1);
            if ranges.len() <= at {
                ranges.resize(at + 1, 0);
            }
            ranges[at] += u64::from(bucket.count_at_value());
        }
        ranges
    }

    /// The bytes that it takes.
    pub fn footprint(&self) -> usize {
        size_of::<Self>() + self.buckets.distinct_values() * size_of::<u32>()
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("count", &self.count())
            .field("min", &self.min())
            .field("p50", &self.percentile(50.0))
            .field("p99", &self.percentile(99.0))
            .field("max", &self.max())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_histogram_has_no_figures() {
        let empty = Histogram::new();
        assert_eq!((empty.count(), empty.min(), empty.mean(), empty.max()), (0, None, None, None));
        assert_eq!(empty.percentile(50.0), None);
        assert!(empty.ranges(Duration::from_millis(1), 10).is_empty());
    }

    #[test]
    fn its_memory_is_what_is_documented_and_does_not_grow() {
        let mut histogram = Histogram::new();
        let before = histogram.footprint();
        assert_eq!(before, 23_552 * 4 + size_of::<Histogram>());
        for n in 0..100_000_u64 {
            histogram.record(Duration::from_micros(n * n));
        }
        histogram.record(Duration::MAX);
        assert_eq!(histogram.footprint(), before);
    }

    #[test]
    fn the_ends_of_the_scale_are_taken() {
        let mut histogram = Histogram::new();
        histogram.record(Duration::ZERO);
        histogram.record(Duration::from_secs(100_000));
        assert_eq!(histogram.min(), Some(Duration::ZERO));
        assert_eq!(histogram.max(), Some(Duration::from_secs(100_000)));
        assert_eq!(histogram.percentile(f64::NAN), histogram.percentile(400.0));
        let top = histogram.percentile(100.0).unwrap();
        assert!((3_600..=3_604).contains(&top.as_secs()), "{top:?}");
    }

    #[test]
    fn ranges_count_everything_once() {
        let mut histogram = Histogram::new();
        for ms in [0, 1, 1, 7, 9_000] {
            histogram.record(Duration::from_millis(ms));
        }
        assert_eq!(histogram.ranges(Duration::from_millis(5), 4), [3, 1, 0, 1]);
    }

    proptest! {
        #[test]
        fn percentiles_are_as_exact_as_promised(
            mut micros in prop::collection::vec(1_u64..HIGHEST_US, 1..300),
            percent in 0.0..=100.0_f64,
            split in 0_usize..300,
        ) {
            let (mut one, mut other) = (Histogram::new(), Histogram::new());
            for (n, value) in micros.iter().enumerate() {
                let to = if n < split { &mut one } else { &mut other };
                to.record(Duration::from_micros(*value));
            }
            one.merge(&other);
            micros.sort_unstable();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let rank = ((percent / 100.0 * micros.len() as f64).ceil() as usize).max(1);
            #[allow(clippy::cast_precision_loss)]
            let exact = micros[rank - 1] as f64 / 1e6;
            let got = one.percentile(percent).unwrap().as_secs_f64();
            prop_assert!((got - exact).abs() <= exact * 0.001 + 1.1e-6, "{got} for {exact}");
            prop_assert_eq!(one.min(), Some(Duration::from_micros(micros[0])));
            prop_assert_eq!(one.count(), micros.len() as u64);
        }
    }
}

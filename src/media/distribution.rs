//! How the last values of a measurement were spread.

use std::collections::VecDeque;

use serde::Serialize;

/// How some values were spread. Percentiles are values that occurred, by nearest rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Distribution {
    /// How many values; without any, all else is 0.
    pub count: usize,
    /// The least.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// Half of the values are at or below this.
    pub p50: f64,
    /// 95 % are at or below this.
    pub p95: f64,
    /// 99 % are at or below this.
    pub p99: f64,
    /// The greatest.
    pub max: f64,
}

impl Distribution {
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let count = values.len();
        // 1-based rank of a percentile; integers, so that no rounding moves it.
        let at = |percent: usize| {
            let rank = (count * percent).div_ceil(100).max(1);
            values.get(rank - 1).copied().unwrap_or_default()
        };
        let sum: f64 = values.iter().sum();
        Self {
            count,
            min: at(0),
            mean: sum / as_f64(count.max(1)),
            p50: at(50),
            p95: at(95),
            p99: at(99),
            max: at(100),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a window are far below 2^52")]
pub(super) fn as_f64(count: usize) -> f64 {
    count as f64
}

/// The last values of something: fixed memory.
#[derive(Clone, Debug)]
pub(super) struct Recent<T> {
    values: VecDeque<T>,
    limit: usize,
}

impl<T> Recent<T> {
    pub(super) fn new(limit: usize) -> Self {
        Self { values: VecDeque::with_capacity(limit), limit: limit.max(1) }
    }

    /// Adds a value; returns the one that made room.
    pub(super) fn push(&mut self, value: T) -> Option<T> {
        let out = if self.values.len() >= self.limit { self.values.pop_front() } else { None };
        self.values.push_back(value);
        out
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.values.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let d = Distribution::of((1..=100).rev().map(f64::from));
        assert_eq!((d.min, d.p50, d.p95, d.p99, d.max), (1.0, 50.0, 95.0, 99.0, 100.0));
        assert_eq!((d.count, d.mean), (100, 50.5));
        let one = Distribution::of([7.0]);
        assert_eq!((one.min, one.p50, one.p99, one.max), (7.0, 7.0, 7.0, 7.0));
        assert_eq!(Distribution::of([]), Distribution::default());
    }

    #[test]
    fn the_oldest_value_makes_room() {
        let mut recent = Recent::new(3);
        let out: Vec<_> = (0..5).map(|value| recent.push(value)).collect();
        assert_eq!(out, [None, None, None, Some(0), Some(1)]);
        assert_eq!(recent.iter().copied().collect::<Vec<_>>(), [2, 3, 4]);
    }
}

//! The last pings, and figures of a set of durations.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use crate::diagnostics::histogram::Histogram;
use crate::diagnostics::millis;

/// Stands for "none" in an entry.
const NONE: u32 = u32::MAX;

/// Figures of a set of durations. As JSON, milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// How many there are.
    pub count: u64,
    /// The shortest.
    #[serde(rename = "min_ms", serialize_with = "millis::write")]
    pub min: Duration,
    /// The mean.
    #[serde(rename = "mean_ms", serialize_with = "millis::write")]
    pub mean: Duration,
    /// The longest.
    #[serde(rename = "max_ms", serialize_with = "millis::write")]
    pub max: Duration,
    /// The median.
    #[serde(rename = "p50_ms", serialize_with = "millis::write")]
    pub p50: Duration,
    /// The 90th percentile.
    #[serde(rename = "p90_ms", serialize_with = "millis::write")]
    pub p90: Duration,
    /// The 95th percentile.
    #[serde(rename = "p95_ms", serialize_with = "millis::write")]
    pub p95: Duration,
    /// The 99th percentile.
    #[serde(rename = "p99_ms", serialize_with = "millis::write")]
    pub p99: Duration,
}

impl Summary {
    /// `None` when there are none.
    pub(crate) fn of(histogram: &Histogram) -> Option<Self> {
        Some(Self {
            count: histogram.count(),
            min: histogram.min()?,
            mean: histogram.mean()?,
            max: histogram.max()?,
            p50: histogram.percentile(50.0)?,
            p90: histogram.percentile(90.0)?,
            p95: histogram.percentile(95.0)?,
            p99: histogram.percentile(99.0)?,
        })
    }

    /// Exact figures, by nearest rank.
    fn of_micros(mut micros: Vec<u32>) -> Option<Self> {
        micros.sort_unstable();
        let (first, last) = (*micros.first()?, *micros.last()?);
        let count = micros.len();
        let total: u64 = micros.iter().map(|value| u64::from(*value)).sum();
        let at = |percent: usize| {
            let rank = (count * percent).div_ceil(100).max(1);
            Duration::from_micros(u64::from(micros[rank - 1]))
        };
        Some(Self {
            count: count as u64,
            min: Duration::from_micros(u64::from(first)),
            mean: Duration::from_micros(total / count as u64),
            max: Duration::from_micros(u64::from(last)),
            p50: at(50),
            p90: at(90),
            p95: at(95),
            p99: at(99),
        })
    }
}

/// One settled ping: 12 bytes.
#[derive(Clone, Copy, Debug)]
struct Entry {
    latency: u32,
    jitter: u32,
    stable: bool,
}

const _: () = assert!(size_of::<Entry>() == 12);

/// The last settled pings, up to a number that is fixed when it is made.
#[derive(Debug)]
pub(crate) struct Window {
    entries: VecDeque<Entry>,
    size: usize,
    stable: usize,
}

impl Window {
    pub(crate) fn new(size: usize) -> Self {
        Self { entries: VecDeque::with_capacity(size), size, stable: 0 }
    }

    /// A ping is settled; one without `latency` timed out.
    pub(crate) fn push(
        &mut self,
        latency: Option<Duration>,
        jitter: Option<Duration>,
        stable: bool,
    ) {
        if self.entries.len() == self.size
            && let Some(oldest) = self.entries.pop_front()
        {
            self.stable -= usize::from(oldest.stable);
        }
        self.stable += usize::from(stable);
        self.entries.push_back(Entry { latency: micros(latency), jitter: micros(jitter), stable });
    }

    /// The share that was stable; `None` when nothing is settled.
    pub(crate) fn stability(&self) -> Option<f64> {
        share(self.stable as u64, self.entries.len() as u64)
    }

    pub(crate) fn latency(&self) -> Option<Summary> {
        Summary::of_micros(self.present(|entry| entry.latency).collect())
    }

    pub(crate) fn jitter(&self) -> Option<Summary> {
        Summary::of_micros(self.present(|entry| entry.jitter).collect())
    }

    pub(crate) fn timeouts(&self) -> u64 {
        self.entries.iter().filter(|entry| entry.latency == NONE).count() as u64
    }

    /// Round trips over one threshold, and differences over the other.
    pub(crate) fn violations(&self, latency: Duration, jitter: Duration) -> (u64, u64) {
        let (latency, jitter) = (micros(Some(latency)), micros(Some(jitter)));
        (
            self.present(|entry| entry.latency).filter(|value| *value > latency).count() as u64,
            self.present(|entry| entry.jitter).filter(|value| *value > jitter).count() as u64,
        )
    }

    fn present(&self, field: fn(&Entry) -> u32) -> impl Iterator<Item = u32> {
        self.entries.iter().map(field).filter(|value| *value != NONE)
    }

    /// The bytes that it takes.
    pub(crate) fn footprint(&self) -> usize {
        size_of::<Self>() + self.entries.capacity() * size_of::<Entry>()
    }
}

fn micros(duration: Option<Duration>) -> u32 {
    // 71 minutes are the most that is kept.
    duration.map_or(NONE, |d| u32::try_from(d.as_micros()).unwrap_or(NONE - 1).min(NONE - 1))
}

/// A share of a whole; `None` when there is none.
#[allow(clippy::cast_precision_loss)] // Exact for 285,000 years of pings.
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn the_window_forgets_the_oldest_and_keeps_its_size() {
        let mut window = Window::new(100);
        let size = window.footprint();
        for n in 1..=1_000 {
            window.push(Some(MS(n)), None, n > 950);
        }
        let latency = window.latency().unwrap();
        assert_eq!((latency.count, latency.min, latency.max), (100, MS(901), MS(1_000)));
        assert_eq!(
            (latency.p50, latency.p99, latency.mean),
            (MS(950), MS(999), MS(950) + MS(1) / 2)
        );
        assert_eq!(window.stability(), Some(0.5));
        assert_eq!(window.jitter(), None);
        assert_eq!(window.footprint(), size);
    }

    #[test]
    fn a_timeout_has_no_latency_but_a_place_in_the_window() {
        let mut window = Window::new(4);
        assert_eq!(window.stability(), None);
        window.push(None, None, false);
        window.push(Some(Duration::MAX), Some(MS(3)), true);
        assert_eq!((window.timeouts(), window.stability()), (1, Some(0.5)));
        assert_eq!(window.latency().unwrap().count, 1);
        assert_eq!(window.violations(MS(1), MS(2)), (1, 1));
        assert_eq!(window.violations(MS(1), MS(3)), (1, 0));
    }
}

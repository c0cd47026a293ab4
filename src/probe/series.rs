//! A series of measurements over any time, in fixed memory.

use std::time::Duration;

use serde::Serialize;

use crate::diagnostics::millis;

/// Most points of a series.
const MOST: usize = 2_000;

/// One point of a [`Series`]. As JSON, milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Point {
    /// When, since the begin of the run.
    #[serde(rename = "at_ms", serialize_with = "millis::write")]
    pub at: Duration,
    /// The longest round trip that the point stands for; `None` when none was answered in time.
    #[serde(rename = "latency_ms", serialize_with = "millis::write_opt")]
    pub latency: Option<Duration>,
    /// The largest jitter that the point stands for.
    #[serde(rename = "jitter_ms", serialize_with = "millis::write_opt")]
    pub jitter: Option<Duration>,
    /// Pings that timed out.
    pub timeouts: u32,
}

/// Points in time order. When there are 2,000, each two become one with the larger values, so that a peak is never lost.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Series {
    /// The points.
    pub points: Vec<Point>,
    /// How many measurements a full point stands for.
    pub stride: u32,
    /// How many the last point stands for.
    #[serde(skip)]
    filled: u32,
}

impl Series {
    pub(super) fn new() -> Self {
        Self { points: Vec::new(), stride: 1, filled: 0 }
    }

    pub(super) fn push(
        &mut self,
        at: Duration,
        latency: Option<Duration>,
        jitter: Option<Duration>,
    ) {
        let next = Point { at, latency, jitter, timeouts: u32::from(latency.is_none()) };
        match self.points.last_mut() {
            Some(last) if self.filled < self.stride => {
                *last = merged(*last, next);
                self.filled += 1;
                return;
            }
            _ => {}
        }
        if self.points.len() >= MOST {
            let halves = self.points.chunks(2).map(|pair| match *pair {
                [one, two] => merged(one, two),
                _ => pair[0],
            });
            self.points = halves.collect();
            self.stride = self.stride.saturating_mul(2);
        }
        self.points.push(next);
        self.filled = 1;
    }
}

fn merged(one: Point, two: Point) -> Point {
    Point {
        at: one.at,
        latency: one.latency.max(two.latency),
        jitter: one.jitter.max(two.jitter),
        timeouts: one.timeouts.saturating_add(two.timeouts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_fits_and_no_peak_is_lost() {
        let mut series = Series::new();
        for n in 0..302_400_u64 {
            let peak = n == 123_456;
            let latency = Duration::from_millis(if peak { 900 } else { 20 });
            let latency = (n != 99_999).then_some(latency);
            series.push(Duration::from_secs(2 * n), latency, None);
        }
        assert!((MOST / 2..=MOST).contains(&series.points.len()), "{}", series.points.len());
        let peaks: Vec<_> =
            series.points.iter().filter(|p| p.latency > Some(Duration::from_millis(20))).collect();
        assert_eq!(peaks.len(), 1);
        assert_eq!(series.points.iter().map(|point| point.timeouts).sum::<u32>(), 1);
        let near = Duration::from_secs(2 * 123_456).abs_diff(peaks[0].at);
        assert!(near <= Duration::from_secs(2 * u64::from(series.stride)), "{near:?}");
        assert!(series.points.is_sorted_by_key(|point| point.at));
    }
}

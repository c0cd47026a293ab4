//! Latencies, by what happened meanwhile.

use std::fmt::{self, Display};
use std::ops::Range;
use std::time::Duration;

/// One event's way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) sent: Duration,
    pub(super) arrived: Duration,
}

/// What happened for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing, before the first change.
    Quiet,
    /// A change.
    Change,
    /// Nothing, between two changes.
    Between,
}

/// When what happened, in the order of time.
#[derive(Debug, Default)]
pub(super) struct Phases(Vec<(Phase, Range<Duration>)>);

/// Latencies, sorted.
pub(super) struct Latencies(Vec<Duration>);

impl Phases {
    pub(super) fn add(&mut self, phase: Phase, times: Range<Duration>) {
        self.0.push((phase, times));
    }

    /// How long each of a kind took.
    pub(super) fn durations(&self, of: Phase) -> Latencies {
        let those = self.0.iter().filter(|(phase, _)| *phase == of);
        Latencies::new(those.map(|(_, times)| times.end.saturating_sub(times.start)).collect())
    }

    /// Of events that were under way during a change, or wholly within another phase.
    pub(super) fn latencies(&self, of: Phase, samples: &[Sample]) -> Latencies {
        let belongs = |sample: &Sample| {
            // The last that begins before it came, and the one before that, when it was sent earlier.
            let until = self.0.partition_point(|(_, times)| times.start <= sample.arrived);
            self.0[..until].iter().rev().take(2).any(|(phase, times)| {
                let within = times.start <= sample.sent && sample.arrived < times.end;
                let meets = sample.sent < times.end;
                *phase == of && if of == Phase::Change { meets } else { within }
            })
        };
        let those = samples.iter().filter(|sample| belongs(sample));
        Latencies::new(those.map(|sample| sample.arrived.saturating_sub(sample.sent)).collect())
    }
}

impl Latencies {
    fn new(mut list: Vec<Duration>) -> Self {
        list.sort_unstable();
        Self(list)
    }

    /// The latency that this share of a thousand is not above.
    pub(super) fn quantile(&self, per_thousand: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * per_thousand / 1_000).copied().unwrap_or_default()
    }
}

impl Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9} events", self.0.len())?;
        for (name, per_thousand) in [("p50", 500), ("p99", 990), ("p99.9", 999), ("most", 1_000)] {
            let ms = self.quantile(per_thousand).as_secs_f64() * 1e3;
            write!(f, "  {name} {ms:>7.3} ms")?;
        }
        Ok(())
    }
}

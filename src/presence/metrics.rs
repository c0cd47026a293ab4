//! What a tracker counts and measures.

use std::time::SystemTime;

use serde::Serialize;

use super::cache::Heard;
use crate::diagnostics::histogram::Histogram;
use crate::diagnostics::latency_window::Summary;

/// What a tracker has counted since it started. As JSON, durations are milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PresenceMetrics {
    /// Presences of users who are tracked, whatever became of them.
    pub updates: u64,
    /// Updates that were changes, and delivered.
    pub deltas: u64,
    /// Updates that said what was known.
    pub unchanged: u64,
    /// Updates that were older than what was known.
    pub late: u64,
    /// Events that should have been presences and could not be read.
    pub errors: u64,
    /// Presences of users who are not tracked.
    pub strangers: u64,
    /// Events that are no presences.
    pub other: u64,
    /// Users who are tracked.
    pub tracked: usize,
    /// Items that subscribers were too slow for.
    pub dropped: u64,
    /// Callbacks that returned an error.
    pub failures: u64,
    /// Callbacks that panicked, and were ended by it.
    pub panics: u64,
    /// From the platform's time in the event to its delivery. Changes between two states that followed each other only:
    /// what is heard first, or after a gap, may be old. It holds the difference of both clocks.
    pub latency: Option<Summary>,
    /// Changes whose time in the event was after their delivery: the clocks differ. Not in `latency`.
    pub ahead: u64,
    /// From the last byte of the event to its delivery, of all changes.
    pub processing: Option<Summary>,
}

impl PresenceMetrics {
    /// The share of updates that were changes; `None` before the first update.
    #[allow(clippy::cast_precision_loss)] // Counts of events are far below 2^53.
    pub fn accuracy(&self) -> Option<f64> {
        (self.updates > 0).then(|| self.deltas as f64 / self.updates as f64)
    }
}

/// The counters of a tracker.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: PresenceMetrics,
    latency: Histogram,
    processing: Histogram,
}

impl Tally {
    /// A presence was heard, and is delivered at this time if it is a change.
    pub(super) fn heard(&mut self, heard: &Heard, now: SystemTime) {
        if *heard == Heard::Stranger {
            self.counts.strangers += 1;
            return;
        }
        self.counts.updates += 1;
        match heard {
            Heard::Changed(change) => {
                self.counts.deltas += 1;
                let processing = now.duration_since(change.received_at).unwrap_or_default();
                self.processing.record(processing);
                match change.at.map(|at| now.duration_since(at)) {
                    Some(Ok(latency)) if change.from.is_some() && !change.after_gap => {
                        self.latency.record(latency);
                    }
                    Some(Err(_)) => self.counts.ahead += 1,
                    _ => {}
                }
            }
            Heard::Unchanged => self.counts.unchanged += 1,
            Heard::Late => self.counts.late += 1,
            Heard::Stranger => {}
        }
    }

    pub(super) fn malformed(&mut self) {
        self.counts.errors += 1;
    }

    pub(super) fn other(&mut self) {
        self.counts.other += 1;
    }

    pub(super) fn metrics(&self) -> PresenceMetrics {
        PresenceMetrics {
            latency: Summary::of(&self.latency),
            processing: Summary::of(&self.processing),
            ..self.counts.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::presence::{PresenceChange, PresenceState};

    fn at(ms: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(ms)
    }

    fn change(from: Option<&str>, time: Option<u64>, after_gap: bool) -> Heard {
        Heard::Changed(PresenceChange {
            user: "u".into(),
            from: from.map(PresenceState::new),
            after_gap,
            to: PresenceState::new("to"),
            at: time.map(at),
            received_at: at(90),
        })
    }

    #[test]
    fn every_update_is_counted_once_and_accuracy_is_the_share_of_changes() {
        let mut tally = Tally::default();
        assert_eq!(tally.metrics().accuracy(), None);
        tally.heard(&change(None, Some(1), false), at(100));
        for heard in [Heard::Unchanged, Heard::Unchanged, Heard::Late, Heard::Stranger] {
            tally.heard(&heard, at(100));
        }
        tally.malformed();
        tally.other();
        let metrics = tally.metrics();
        let PresenceMetrics { updates, deltas, unchanged, late, errors, strangers, other, .. } =
            metrics;
        assert_eq!((updates, deltas, unchanged, late), (4, 1, 2, 1));
        assert_eq!((errors, strangers, other), (1, 1, 1));
        assert_eq!(metrics.accuracy(), Some(0.25));
    }

    #[test]
    fn latency_is_of_changes_that_are_news() {
        let mut tally = Tally::default();
        tally.heard(&change(None, Some(1), false), at(100));
        tally.heard(&change(Some("a"), Some(1), true), at(100));
        tally.heard(&change(Some("a"), None, false), at(100));
        assert_eq!(tally.metrics().latency, None);
        for sent in [40, 60, 80] {
            tally.heard(&change(Some("a"), Some(sent), false), at(100));
        }
        tally.heard(&change(Some("a"), Some(200), false), at(100));
        let metrics = tally.metrics();
        let ms = Duration::from_millis;
        let latency = metrics.latency.unwrap();
        assert_eq!((latency.count, latency.min, latency.max), (3, ms(20), ms(60)));
        assert_eq!((latency.mean, metrics.ahead), (ms(40), 1));
        assert!(latency.p50.abs_diff(ms(40)) <= ms(40) / 1_000, "{:?}", latency.p50);
        let processing = metrics.processing.unwrap();
        assert_eq!((processing.count, processing.mean), (7, ms(10)));
    }
}

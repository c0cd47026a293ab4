//! What is counted, and the summary at the end.

use std::time::{Duration, SystemTime};

use genesys_cloud::{Delivery, Event, Lifecycle, StreamStats};
use serde::Serialize;

/// Counts of what the stream has delivered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) events: u64,
    pub(crate) gaps: u64,
    uncovered_ms: u64,
}

/// The last line.
#[derive(Debug, Serialize, PartialEq)]
pub(crate) struct Summary {
    kind: &'static str,
    pub(crate) events: u64,
    pub(crate) gaps: u64,
    pub(crate) uncovered_ms: u64,
    /// A stream uses one channel at a time so far, so there is no overlap to remove anything from.
    duplicates_removed: u64,
    pub(crate) reconnects: u64,
    /// Channels are not renewed ahead of their end so far.
    renewals: u64,
}

impl Tally {
    pub(crate) fn take(&mut self, delivery: &Delivery) {
        match &delivery.event {
            Event::Lifecycle(Lifecycle::Gap { duration, .. }) => {
                self.gaps += 1;
                self.uncovered_ms += ms(*duration);
            }
            // A gap that is still open at the end has no item of its own.
            Event::Lifecycle(Lifecycle::Stopped { uncovered, .. }) => {
                let since = uncovered.iter().filter_map(|open| open.covered_until).min();
                let open = since.and_then(|since| SystemTime::now().duration_since(since).ok());
                self.uncovered_ms += open.map_or(0, ms);
            }
            Event::Lifecycle(_) => {}
            _ => self.events += 1,
        }
    }

    pub(crate) fn uncovered(&self) -> Duration {
        Duration::from_millis(self.uncovered_ms)
    }

    pub(crate) fn summary(&self, stats: StreamStats) -> Summary {
        Summary {
            kind: "summary",
            events: self.events,
            gaps: self.gaps,
            uncovered_ms: self.uncovered_ms,
            duplicates_removed: 0,
            reconnects: stats.reconnects,
            renewals: 0,
        }
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_has_the_documented_members_in_their_order() {
        let summary = Tally::default().summary(StreamStats::default());
        assert_eq!(
            serde_json::to_string(&summary).unwrap(),
            r#"{"kind":"summary","events":0,"gaps":0,"uncovered_ms":0,"duplicates_removed":0,"reconnects":0,"renewals":0}"#
        );
    }
}

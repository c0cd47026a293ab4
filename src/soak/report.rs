//! What a soak has counted.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::ambient::Micros;
use crate::core::limits;

/// A gap may be longer than the truth by this: one heartbeat.
pub(super) const WIDEST: Micros = limits::HEARTBEAT.as_micros() as Micros;

/// Counts of one seed, or of many.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    pub(super) seeds: u64,
    pub(super) events: u64,
    pub(super) delivered: u64,
    pub(super) in_gaps: u64,
    /// Of those, missing before they were seen to lie inside one.
    pub(super) told_late: u64,
    /// Not sent by the platform, because it was told to drop events.
    pub(super) swallowed: u64,
    /// Sent twice by the platform on one socket, and delivered twice.
    pub(super) sent_twice: u64,
    /// Not sent on the first of two channels, and delivered from the second.
    pub(super) late: u64,
    /// Of topics that were not subscribed then.
    pub(super) free: u64,
    /// Of those, missing when their topic was given up, before the time was over in which a gap may come.
    pub(super) let_go: u64,
    /// Frames that faults have made.
    pub(super) extra: u64,
    pub(super) malformed: u64,
    /// Gaps, each counted for each of its topics.
    pub(super) topic_gaps: u64,
    /// How much the widest was wider than the truth.
    pub(super) widest: Micros,
    pub(super) duplicates_removed: u64,
    pub(super) faults: BTreeMap<&'static str, u64>,
    pub(super) changes: BTreeMap<&'static str, u64>,
    /// Lifecycle items by name.
    pub(super) items: BTreeMap<&'static str, u64>,
    pub(super) causes: BTreeMap<String, u64>,
    pub(super) renewals: BTreeMap<&'static str, u64>,
    pub(super) evictions: u64,
    pub(super) simulated: Duration,
    pub(super) took: Duration,
}

fn add<K: Ord + Clone>(into: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *into.entry(key.clone()).or_default() += count;
    }
}

impl Report {
    /// Adds the counts of another seed.
    pub(super) fn add(&mut self, other: &Self) {
        self.seeds += 1;
        self.events += other.events;
        self.delivered += other.delivered;
        self.in_gaps += other.in_gaps;
        self.told_late += other.told_late;
        self.swallowed += other.swallowed;
        self.sent_twice += other.sent_twice;
        self.late += other.late;
        self.free += other.free;
        self.let_go += other.let_go;
        self.extra += other.extra;
        self.malformed += other.malformed;
        self.topic_gaps += other.topic_gaps;
        self.widest = self.widest.max(other.widest);
        self.duplicates_removed += other.duplicates_removed;
        self.evictions += other.evictions;
        self.simulated += other.simulated;
        self.took += other.took;
        add(&mut self.faults, &other.faults);
        add(&mut self.changes, &other.changes);
        add(&mut self.items, &other.items);
        add(&mut self.causes, &other.causes);
        add(&mut self.renewals, &other.renewals);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, delivered, in_gaps, swallowed, sent_twice, late, free, .. } = self;
        let faults: u64 = self.faults.values().sum();
        let gaps = self.items.get("gap").copied().unwrap_or_default();
        write!(
            f,
            "{events} events, {faults} faults, {delivered} delivered, {gaps} gaps ({} of single topics), {in_gaps} lost \
             inside gaps ({} of them told late), 0 lost outside, 0 duplicates, {} removed, {swallowed} swallowed by \
             the platform, {sent_twice} sent twice by it, {late} late from a second channel, {free} not subscribed \
             ({} of them unsubscribed while missing), {} other frames, widest gap {:.3} s beyond the truth, {:.1} h simulated in {:.1} s",
            self.topic_gaps,
            self.told_late,
            self.duplicates_removed,
            self.let_go,
            self.extra,
            self.widest as f64 / 1e6,
            self.simulated.as_secs_f64() / 3_600.0,
            self.took.as_secs_f64(),
        )
    }
}

impl Report {
    /// Faults, changes and what came of them, by kind.
    pub(super) fn kinds(&self) -> String {
        let Self { faults, changes, items, causes, renewals, malformed, evictions, .. } = self;
        format!(
            "faults {faults:?}; changes {changes:?}; items {items:?}; disconnected by {causes:?}; renewed by \
             {renewals:?}; {malformed} malformed; {evictions} evictions"
        )
    }
}

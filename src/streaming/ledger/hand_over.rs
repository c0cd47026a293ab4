//! The part of the ledger that goes from one process to the next: what one has covered, and what is missing between
//! its end and the beginning of the other.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Coverage, Gap, Ledger, LinkKey};
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::core::limits::HAND_OVER_MARGIN;
use crate::events::Topic;

/// Topics by until when they were covered; those that never were under `None`.
pub(crate) type Groups = BTreeMap<Option<SystemTime>, Vec<Topic>>;

/// What the process before covered, on our clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Covered(HashMap<Topic, SystemTime>);

impl Covered {
    /// Of groups by a clock that is `ahead` of ours.
    pub(crate) fn new(groups: &Groups, ahead: Duration) -> Self {
        let known = groups.iter().filter_map(|(until, topics)| Some(((*until)?, topics)));
        let each = known.flat_map(|(until, topics)| {
            let until = until.checked_sub(ahead).unwrap_or(until);
            topics.iter().map(move |topic| (topic.clone(), until))
        });
        Self(each.collect())
    }

    /// Until when a topic was covered.
    pub(crate) fn until(&self, topic: &Topic) -> Option<SystemTime> {
        self.0.get(topic).copied()
    }

    /// Since when a topic was covered by nobody, of a stretch in which it was not covered here. `None` when the process
    /// before covered all of it, for sure: two clocks may differ by the margin. Where they leave that open, the margin is
    /// part of the gap.
    fn open_since(
        &self,
        topic: &Topic,
        from: Option<SystemTime>,
        to: SystemTime,
    ) -> Option<SystemTime> {
        let Some(until) = self.until(topic) else { return from };
        let surely = until.checked_sub(HAND_OVER_MARGIN).unwrap_or(until);
        if to <= surely {
            return None;
        }
        let since = if to > until { until } else { surely };
        Some(from.map_or(since, |from| from.max(since)))
    }

    /// What is left of a gap of this stream: topics by since when it is open.
    pub(crate) fn left(
        &self,
        topics: &[Topic],
        from: SystemTime,
        to: SystemTime,
    ) -> BTreeMap<SystemTime, Vec<Topic>> {
        let mut left: BTreeMap<_, Vec<Topic>> = BTreeMap::new();
        for topic in topics {
            if let Some(since) = self.open_since(topic, Some(from), to) {
                left.entry(since).or_default().push(topic.clone());
            }
        }
        left
    }
}

impl Ledger {
    /// From here on it is remembered when each topic was covered first, until [`take_over`](Self::take_over).
    pub(crate) fn stand_by(&mut self) {
        self.firsts.get_or_insert_default();
    }

    /// Until when every topic is covered: a link says how far it has handed on what it read.
    pub(crate) fn coverage(&self, handed_on: impl Fn(LinkKey) -> Option<SystemTime>) -> Groups {
        let mut groups = Groups::new();
        for (topic, entry) in &self.topics {
            let until = match &entry.coverage {
                Coverage::Never => None,
                Coverage::Open { until, .. } => Some(until.wall),
                Coverage::Covered { .. } => {
                    let links =
                        entry.confirmed_by.iter().filter(|link| self.flowing.contains_key(link));
                    // While one takes over from another, what the old one has not handed on may have come before the beginning
                    // of the new one.
                    let until = links.filter_map(|link| handed_on(*link)).min();
                    // A link that does not say has handed on nothing, for all we know.
                    Some(until.unwrap_or(SystemTime::UNIX_EPOCH))
                }
            };
            groups.entry(until).or_default().push(topic.clone());
        }
        groups
    }

    /// Another process covered topics before. What is missing between it and what was covered here is returned; what is
    /// not covered here yet is open since the other's end.
    pub(crate) fn take_over(&mut self, before: &Covered, now: Moment) -> Vec<Gap> {
        let firsts = self.firsts.take().unwrap_or_default();
        let restarted = Arc::new(Gone::Restarted);
        let mut missing: BTreeMap<(SystemTime, SystemTime), Vec<Topic>> = BTreeMap::new();
        for (topic, entry) in &mut self.topics {
            let Some(until) = before.until(topic) else { continue };
            if let Some(first) = firsts.get(topic)
                && let Some(since) = before.open_since(topic, None, *first)
            {
                missing.entry((since, *first)).or_default().push(topic.clone());
            }
            match &mut entry.coverage {
                Coverage::Covered { .. } => {}
                Coverage::Never => {
                    let until = until.min(now.wall);
                    let age = now.wall.duration_since(until).unwrap_or_default();
                    let mono = now.mono.checked_sub(age).unwrap_or(now.mono);
                    let until = Moment { mono, wall: until };
                    entry.coverage = Coverage::Open { until, cause: restarted.clone() };
                }
                Coverage::Open { until: open, .. } => {
                    if let Ok(later) = until.min(now.wall).duration_since(open.wall) {
                        open.wall += later;
                        open.mono += later;
                    }
                }
            }
        }
        let gap = |((from, to), topics): ((SystemTime, SystemTime), Vec<Topic>)| Gap {
            topics: topics.into(),
            covered_until: from,
            resumed_at: to,
            duration: to.duration_since(from).unwrap_or_default(),
            cause: Gone::Restarted,
        };
        missing.into_iter().map(gap).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn topic(name: &str) -> Topic {
        Topic::unchecked(format!("v2.users.{name}.presence"))
    }

    fn at(ms: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_000_000 + ms)
    }

    fn moment(start: Instant, ms: u64) -> Moment {
        Moment { mono: start + Duration::from_millis(ms), wall: at(ms) }
    }

    fn covered(until: &[(&str, u64)]) -> Covered {
        let mut groups = Groups::new();
        for (name, ms) in until {
            groups.entry(Some(at(*ms))).or_default().push(topic(name));
        }
        Covered::new(&groups, Duration::ZERO)
    }

    fn cause() -> Arc<Gone> {
        Arc::new(Gone::WriteTimeout)
    }

    #[test]
    fn what_flows_here_before_the_other_ended_has_no_gap_and_else_the_ends_are_exact() {
        // The other covered until 10.000 s; the topic flows here from `first` on.
        let table: &[(u64, Option<(u64, u64)>)] = &[
            (5_000, None),
            (9_000, None),
            // Within the margin of two clocks: nobody can be sure.
            (9_001, Some((9_000, 9_001))),
            (10_000, Some((9_000, 10_000))),
            (10_001, Some((10_000, 10_001))),
            (30_000, Some((10_000, 30_000))),
        ];
        for (first, expected) in table {
            let mut ledger = Ledger::default();
            ledger.stand_by();
            let start = Instant::now();
            ledger.want(topic("a"));
            ledger.confirm(1, &topic("a"));
            assert_eq!(ledger.flows(1, moment(start, *first)).first.len(), 1);
            let gaps = ledger.take_over(&covered(&[("a", 10_000)]), moment(start, 40_000));
            let found = gaps.first().map(|gap| (gap.covered_until, gap.resumed_at));
            assert_eq!(found, expected.map(|(from, to)| (at(from), at(to))), "{first}");
            assert!(gaps.iter().all(|gap| gap.cause == Gone::Restarted));
            assert!(ledger.covers(&topic("a")) && ledger.firsts.is_none());
        }
    }

    #[test]
    fn what_does_not_flow_yet_is_open_since_the_end_of_the_other_and_told_with_its_first_coverage()
    {
        let mut ledger = Ledger::default();
        for name in ["a", "b", "new"] {
            ledger.want(topic(name));
        }
        let start = Instant::now();
        let now = moment(start, 50_000);
        assert!(ledger.take_over(&covered(&[("a", 20_000), ("b", 90_000)]), now).is_empty());
        for name in ["a", "b", "new"] {
            ledger.confirm(1, &topic(name));
        }
        let resumed = ledger.flows(1, moment(start, 51_000));
        assert_eq!(resumed.first.len(), 3, "all are covered for the first time");
        let ends: Vec<_> =
            resumed.gaps.iter().map(|gap| (gap.covered_until, gap.duration)).collect();
        // The clock of the other was ahead: what it covered ended before now all the same.
        let seconds = Duration::from_secs;
        assert_eq!(ends, [(at(20_000), seconds(31)), (at(50_000), seconds(1))]);
        assert!(resumed.gaps.iter().all(|gap| gap.resumed_at == at(51_000)));
    }

    #[test]
    fn a_gap_here_counts_as_far_as_the_other_did_not_cover_it() {
        let before = covered(&[("a", 10_000), ("b", 20_000)]);
        let topics = [topic("a"), topic("b"), topic("new")];
        let left = |from, to| before.left(&topics, at(from), at(to));
        let starts = |from, to| -> Vec<_> {
            left(from, to).iter().map(|(since, topics)| (*since, topics.len())).collect()
        };
        assert_eq!(starts(2_000, 8_000), [(at(2_000), 1)], "nobody else covered the new one");
        assert_eq!(starts(2_000, 15_000), [(at(2_000), 1), (at(10_000), 1)]);
        assert_eq!(starts(12_000, 30_000), [(at(12_000), 2), (at(20_000), 1)]);
        assert_eq!(starts(25_000, 30_000), [(at(25_000), 3)]);
    }

    #[test]
    fn a_gap_that_is_open_here_begins_at_the_end_of_the_other_if_that_is_later() {
        let start = Instant::now();
        for (until, from) in [(1_000, 5_000), (8_000, 8_000), (60_000, 9_000)] {
            let mut ledger = Ledger::default();
            ledger.stand_by();
            ledger.want(topic("a"));
            ledger.confirm(1, &topic("a"));
            ledger.flows(1, moment(start, 0));
            ledger.lost(1, moment(start, 5_000), &cause());
            ledger.take_over(&covered(&[("a", until)]), moment(start, 9_000));
            let gap = ledger.flows(1, moment(start, 12_000)).gaps.remove(0);
            assert_eq!((gap.covered_until, gap.cause), (at(from), Gone::WriteTimeout));
            assert_eq!(gap.duration, Duration::from_millis(12_000 - from));
        }
    }

    #[test]
    fn coverage_is_what_the_links_have_handed_on_or_the_start_of_an_open_gap() {
        let mut ledger = Ledger::default();
        let start = Instant::now();
        for (link, name) in [(1, "a"), (2, "b"), (3, "c")] {
            ledger.want(topic(name));
            ledger.confirm(link, &topic(name));
        }
        ledger.want(topic("never"));
        ledger.confirm(2, &topic("a"));
        for link in [1, 2, 3] {
            ledger.flows(link, moment(start, 100));
        }
        ledger.lost(3, moment(start, 700), &cause());
        let groups = ledger.coverage(|link| Some(at(1_000 * link)));
        let of = |until: Option<u64>| groups.get(&until.map(at)).cloned().unwrap_or_default();
        assert_eq!(of(Some(1_000)), [topic("a")], "the link that is behind");
        assert_eq!(of(Some(2_000)), [topic("b")]);
        assert_eq!((of(Some(700)), of(None)), (vec![topic("c")], vec![topic("never")]));
        let silent = ledger.coverage(|_| None);
        assert_eq!(silent[&Some(SystemTime::UNIX_EPOCH)].len(), 2, "told rather than hidden");
    }

    #[test]
    fn a_clock_that_is_ahead_is_set_back() {
        let mut groups = Groups::new();
        groups.entry(Some(at(10_000))).or_default().push(topic("a"));
        groups.entry(None).or_default().push(topic("never"));
        let covered = Covered::new(&groups, Duration::from_secs(4));
        assert_eq!(covered.until(&topic("a")), Some(at(6_000)));
        assert_eq!(covered.until(&topic("never")), None);
    }
}

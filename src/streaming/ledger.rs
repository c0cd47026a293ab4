//! The coverage ledger: the only place that decides what was lost.
//!
//! For each topic it keeps the links that confirmed it, and for each link since when it has been flowing. A topic is
//! covered while at least one link that confirmed it flows. When the last one goes, the gap opens at that link's last
//! inbound byte, not when somebody noticed; it closes when a link that confirmed the topic flows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::events::{Topic, Uncovered};

/// One link of a stream: a socket, or the channel that outlives it.
pub(crate) type LinkKey = u64;

/// A stretch of time in which nothing is known of some topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) topics: Arc<[Topic]>,
    pub(crate) covered_until: SystemTime,
    pub(crate) resumed_at: SystemTime,
    pub(crate) duration: Duration,
    pub(crate) cause: Gone,
}

/// What a flowing link changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Resumed {
    /// Topics that are covered for the first time.
    pub(crate) first: Vec<Topic>,
    /// Gaps that closed, those that share both ends as one, the oldest first.
    pub(crate) gaps: Vec<Gap>,
}

#[derive(Clone, Debug)]
enum Coverage {
    /// Wanted, but not covered yet.
    Never,
    Covered,
    Open {
        until: Moment,
        cause: Arc<Gone>,
    },
}

#[derive(Debug)]
struct Entry {
    confirmed_by: BTreeSet<LinkKey>,
    coverage: Coverage,
}

/// When and why coverage ended.
type End = (Moment, Arc<Gone>);

/// Which topics are covered, by which links, and since when not.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    topics: BTreeMap<Topic, Entry>,
    flowing: BTreeSet<LinkKey>,
}

impl Ledger {
    /// A topic is wanted from now on.
    pub(crate) fn want(&mut self, topic: Topic) {
        self.topics
            .entry(topic)
            .or_insert_with(|| Entry { confirmed_by: BTreeSet::new(), coverage: Coverage::Never });
    }

    /// A topic is no longer wanted; what was open for it is of no interest any more.
    pub(crate) fn forget(&mut self, topic: &Topic) {
        self.topics.remove(topic);
    }

    /// The platform confirmed a topic on a link. It is covered once the link flows after this.
    pub(crate) fn confirm(&mut self, link: LinkKey, topic: &Topic) {
        if let Some(entry) = self.topics.get_mut(topic) {
            entry.confirmed_by.insert(link);
        }
    }

    /// The platform no longer delivers a topic on a link, whose last sure moment was `last`.
    pub(crate) fn refuse(&mut self, link: LinkKey, topic: &Topic, last: Moment, cause: &Arc<Gone>) {
        let Some(entry) = self.topics.get_mut(topic) else {
            return;
        };
        if entry.confirmed_by.remove(&link) {
            Self::uncover(entry, &self.flowing, last, cause);
        }
    }

    /// A link flows at this moment: what it confirmed before is covered from here on.
    pub(crate) fn flows(&mut self, link: LinkKey, at: Moment) -> Resumed {
        self.flowing.insert(link);
        let mut resumed = Resumed::default();
        let mut open: Vec<(End, Vec<Topic>)> = Vec::new();
        for (topic, entry) in &mut self.topics {
            if !entry.confirmed_by.contains(&link) {
                continue;
            }
            match std::mem::replace(&mut entry.coverage, Coverage::Covered) {
                Coverage::Covered => {}
                Coverage::Never => resumed.first.push(topic.clone()),
                Coverage::Open { until, cause } => {
                    let end = (until, cause);
                    match open.iter_mut().find(|(other, _)| *other == end) {
                        Some((_, topics)) => topics.push(topic.clone()),
                        None => open.push((end, vec![topic.clone()])),
                    }
                }
            }
        }
        open.sort_by_key(|((until, _), _)| until.mono);
        let gap = |((until, cause), topics): (End, Vec<Topic>)| Gap {
            topics: topics.into(),
            covered_until: until.wall,
            resumed_at: at.wall,
            duration: at.mono.saturating_duration_since(until.mono),
            cause: (*cause).clone(),
        };
        resumed.gaps = open.into_iter().map(gap).collect();
        resumed
    }

    /// A link stopped flowing. Its confirmations stay: a channel outlives its socket.
    pub(crate) fn lost(&mut self, link: LinkKey, last_inbound: Moment, cause: &Arc<Gone>) {
        if !self.flowing.remove(&link) {
            return;
        }
        for entry in self.topics.values_mut() {
            if entry.confirmed_by.contains(&link) {
                Self::uncover(entry, &self.flowing, last_inbound, cause);
            }
        }
    }

    /// A link will never come back: what it confirmed is void.
    pub(crate) fn drop_link(&mut self, link: LinkKey) {
        debug_assert!(!self.flowing.contains(&link), "a link is lost before it is dropped");
        for entry in self.topics.values_mut() {
            entry.confirmed_by.remove(&link);
        }
    }

    /// Topics without coverage, those that share an end together. Coverage that we ended ourselves is not missed.
    pub(crate) fn uncovered(&self) -> Vec<Uncovered> {
        let mut groups: Vec<(Option<End>, Vec<Topic>)> = Vec::new();
        for (topic, entry) in &self.topics {
            let end = match &entry.coverage {
                Coverage::Covered => continue,
                Coverage::Open { cause, .. } if **cause == Gone::Requested => continue,
                Coverage::Never => None,
                Coverage::Open { until, cause } => Some((*until, cause.clone())),
            };
            match groups.iter_mut().find(|(other, _)| *other == end) {
                Some((_, topics)) => topics.push(topic.clone()),
                None => groups.push((end, vec![topic.clone()])),
            }
        }
        groups
            .into_iter()
            .map(|(end, topics)| Uncovered {
                topics: topics.into(),
                covered_until: end.as_ref().map(|(until, _)| until.wall),
                cause: end.map(|(_, cause)| (*cause).clone()),
            })
            .collect()
    }

    /// Whether a link confirmed topics that only wait for it to flow.
    pub(crate) fn awaits_flow(&self, link: LinkKey) -> bool {
        self.topics.values().any(|entry| {
            entry.confirmed_by.contains(&link) && !matches!(entry.coverage, Coverage::Covered)
        })
    }

    /// Whether everything that one link covers would be covered by another that flows.
    pub(crate) fn can_replace(&self, old: LinkKey, new: LinkKey) -> bool {
        self.topics.values().all(|entry| {
            let covers = matches!(entry.coverage, Coverage::Covered);
            !covers || !entry.confirmed_by.contains(&old) || entry.confirmed_by.contains(&new)
        })
    }

    /// A link was replaced by another that flows since `since`, and came to its `end` without showing that it had delivered
    /// all: what was on its way after its last byte may be missing.
    pub(crate) fn doubt(
        &self,
        old: LinkKey,
        last_inbound: Moment,
        since: Moment,
        end: Moment,
        cause: Gone,
    ) -> Option<Gap> {
        let resumed = if last_inbound.mono < since.mono { since } else { end };
        let covers = |entry: &Entry| {
            matches!(entry.coverage, Coverage::Covered) && entry.confirmed_by.contains(&old)
        };
        let topics: Vec<Topic> = self
            .topics
            .iter()
            .filter(|(_, entry)| covers(entry))
            .map(|(topic, _)| topic.clone())
            .collect();
        (!topics.is_empty()).then(|| Gap {
            topics: topics.into(),
            covered_until: last_inbound.wall,
            resumed_at: resumed.wall,
            duration: resumed.mono.saturating_duration_since(last_inbound.mono),
            cause,
        })
    }

    /// Topics that are wanted, and that a link was not asked for.
    pub(crate) fn unconfirmed(&self, link: LinkKey) -> Vec<Topic> {
        let missing = self.topics.iter().filter(|(_, entry)| !entry.confirmed_by.contains(&link));
        missing.map(|(topic, _)| topic.clone()).collect()
    }

    /// How many topics are covered now.
    #[cfg(test)]
    pub(crate) fn covered(&self) -> usize {
        self.topics.values().filter(|entry| matches!(entry.coverage, Coverage::Covered)).count()
    }

    fn uncover(entry: &mut Entry, flowing: &BTreeSet<LinkKey>, last: Moment, cause: &Arc<Gone>) {
        let elsewhere = entry.confirmed_by.iter().any(|link| flowing.contains(link));
        if matches!(entry.coverage, Coverage::Covered) && !elsewhere {
            entry.coverage = Coverage::Open { until: last, cause: cause.clone() };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn topic(name: &str) -> Topic {
        format!("v2.users.{name}.presence").parse().unwrap()
    }

    struct Clock(Instant);

    impl Clock {
        fn at(&self, seconds: u64) -> Moment {
            let after = Duration::from_secs(seconds);
            Moment { mono: self.0 + after, wall: SystemTime::UNIX_EPOCH + after }
        }
    }

    fn setup(names: &[&str]) -> (Ledger, Clock) {
        let mut ledger = Ledger::default();
        for name in names {
            ledger.want(topic(name));
        }
        (ledger, Clock(Instant::now()))
    }

    fn cause() -> Arc<Gone> {
        Arc::new(Gone::HandshakeTimeout)
    }

    #[test]
    fn the_first_coverage_is_no_gap() {
        let (mut ledger, clock) = setup(&["a"]);
        ledger.confirm(1, &topic("a"));
        let resumed = ledger.flows(1, clock.at(5));
        assert_eq!((resumed.first, resumed.gaps), (vec![topic("a")], vec![]));
        assert_eq!(ledger.flows(1, clock.at(6)), Resumed::default());
    }

    #[test]
    fn a_gap_opens_at_the_last_byte_and_closes_when_a_confirming_link_flows() {
        let (mut ledger, clock) = setup(&["a", "b"]);
        ledger.confirm(1, &topic("a"));
        ledger.confirm(1, &topic("b"));
        ledger.flows(1, clock.at(0));
        ledger.lost(1, clock.at(10), &cause());
        let gaps = ledger.flows(1, clock.at(45)).gaps;
        assert_eq!(gaps.len(), 1, "topics that share both ends are one gap");
        assert_eq!(gaps[0].topics.len(), 2);
        assert_eq!(gaps[0].covered_until, clock.at(10).wall);
        assert_eq!(gaps[0].resumed_at, clock.at(45).wall);
        assert_eq!(gaps[0].duration, Duration::from_secs(35));
    }

    #[test]
    fn a_topic_stays_covered_while_another_link_flows() {
        let (mut ledger, clock) = setup(&["a"]);
        for link in [1, 2] {
            ledger.confirm(link, &topic("a"));
            ledger.flows(link, clock.at(link));
        }
        ledger.lost(1, clock.at(10), &cause());
        assert_eq!(ledger.covered(), 1);
        ledger.lost(2, clock.at(20), &cause());
        assert_eq!(ledger.uncovered()[0].covered_until, Some(clock.at(20).wall));
    }

    #[test]
    fn a_link_that_did_not_confirm_a_topic_closes_nothing() {
        let (mut ledger, clock) = setup(&["a"]);
        ledger.confirm(1, &topic("a"));
        ledger.flows(1, clock.at(0));
        ledger.lost(1, clock.at(1), &cause());
        ledger.drop_link(1);
        assert_eq!(ledger.flows(1, clock.at(2)), Resumed::default());
        assert_eq!(ledger.flows(2, clock.at(2)), Resumed::default());
        ledger.confirm(2, &topic("a"));
        assert_eq!(ledger.flows(2, clock.at(3)).gaps[0].duration, Duration::from_secs(2));
    }

    #[test]
    fn a_second_loss_inside_a_gap_does_not_move_its_start() {
        let (mut ledger, clock) = setup(&["a"]);
        ledger.confirm(1, &topic("a"));
        ledger.flows(1, clock.at(0));
        ledger.lost(1, clock.at(1), &cause());
        ledger.lost(1, clock.at(9), &cause());
        assert_eq!(ledger.flows(1, clock.at(11)).gaps[0].duration, Duration::from_secs(10));
    }

    #[test]
    fn a_refused_topic_is_uncovered_from_its_last_sure_moment() {
        let (mut ledger, clock) = setup(&["a", "b"]);
        ledger.confirm(1, &topic("a"));
        ledger.confirm(1, &topic("b"));
        ledger.flows(1, clock.at(0));
        ledger.refuse(1, &topic("a"), clock.at(7), &cause());
        assert_eq!(ledger.covered(), 1);
        assert_eq!(ledger.uncovered()[0].topics[..], [topic("a")]);
        ledger.forget(&topic("a"));
        assert!(ledger.uncovered().is_empty());
    }
}

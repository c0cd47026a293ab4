//! The coverage ledger: the only place that decides what was lost.
//!
//! For each topic it keeps the links that confirmed it, and for each link since when it has been flowing. A topic is
//! covered while at least one link that confirmed it flows. When the last one goes, the gap opens at that link's last
//! sure moment, not when somebody noticed; it closes when a link that confirmed the topic flows.

mod hand_over;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(crate) use self::hand_over::{Covered, Groups};
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
    Covered {
        since: Moment,
    },
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

/// What is known of one link, so that a sign of life costs nothing while nothing waits for it.
#[derive(Debug, Default)]
struct Claim {
    confirmed: BTreeSet<Topic>,
    /// Those of `confirmed` that are not covered: they are as soon as the link flows.
    waiting: BTreeSet<Topic>,
}

/// Which topics are covered, by which links, and since when not.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    topics: BTreeMap<Topic, Entry>,
    claims: BTreeMap<LinkKey, Claim>,
    /// Links that flow, and since when.
    flowing: BTreeMap<LinkKey, Moment>,
    /// Since when each topic was covered first, while that matters to a hand-over.
    firsts: Option<HashMap<Topic, SystemTime>>,
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
        let Some(entry) = self.topics.remove(topic) else { return };
        if let Some(firsts) = &mut self.firsts {
            firsts.remove(topic);
        }
        for link in &entry.confirmed_by {
            if let Some(claim) = self.claims.get_mut(link) {
                claim.confirmed.remove(topic);
                claim.waiting.remove(topic);
            }
        }
    }

    /// The platform confirmed a topic on a link. It is covered once the link flows after this.
    pub(crate) fn confirm(&mut self, link: LinkKey, topic: &Topic) {
        let Some(entry) = self.topics.get_mut(topic) else { return };
        entry.confirmed_by.insert(link);
        let claim = self.claims.entry(link).or_default();
        claim.confirmed.insert(topic.clone());
        if !matches!(entry.coverage, Coverage::Covered { .. }) {
            claim.waiting.insert(topic.clone());
        }
    }

    /// The platform no longer delivers a topic on a link, whose last sure moment was `last`.
    pub(crate) fn refuse(&mut self, link: LinkKey, topic: &Topic, last: Moment, cause: &Arc<Gone>) {
        let Some(entry) = self.topics.get_mut(topic) else {
            return;
        };
        if entry.confirmed_by.remove(&link) {
            if let Some(claim) = self.claims.get_mut(&link) {
                claim.confirmed.remove(topic);
                claim.waiting.remove(topic);
            }
            Self::uncover(topic, entry, &mut self.claims, &self.flowing, last, cause);
        }
    }

    /// Topics turn out not to have been delivered on a link, whose last sure moment was `last`. Those that another link covers
    /// were missed until that one flowed: these gaps are over already.
    pub(crate) fn missed(
        &mut self,
        link: LinkKey,
        topics: &[Topic],
        last: Moment,
        cause: &Arc<Gone>,
    ) -> Vec<Gap> {
        let mut over: Vec<(Moment, Vec<Topic>)> = Vec::new();
        for topic in topics {
            self.refuse(link, topic, last, cause);
            let Some(entry) = self.topics.get(topic) else { continue };
            if !matches!(entry.coverage, Coverage::Covered { .. }) {
                continue;
            }
            let others = entry.confirmed_by.iter().filter_map(|other| self.flowing.get(other));
            let Some(since) = others.min_by_key(|since| since.mono).copied() else { continue };
            if since.mono <= last.mono {
                continue;
            }
            match over.iter_mut().find(|(other, _)| *other == since) {
                Some((_, topics)) => topics.push(topic.clone()),
                None => over.push((since, vec![topic.clone()])),
            }
        }
        let gap = |(since, topics): (Moment, Vec<Topic>)| Gap {
            topics: topics.into(),
            covered_until: last.wall,
            resumed_at: since.wall,
            duration: since.mono.saturating_duration_since(last.mono),
            cause: (**cause).clone(),
        };
        over.into_iter().map(gap).collect()
    }

    /// A link flows at this moment: what it confirmed before is covered from here on.
    pub(crate) fn flows(&mut self, link: LinkKey, at: Moment) -> Resumed {
        self.flowing.entry(link).or_insert(at);
        let mut resumed = Resumed::default();
        let Some(claim) = self.claims.get_mut(&link) else { return resumed };
        if claim.waiting.is_empty() {
            return resumed;
        }
        let mut open: Vec<(End, Vec<Topic>)> = Vec::new();
        for topic in std::mem::take(&mut claim.waiting) {
            let Some(entry) = self.topics.get_mut(&topic) else { continue };
            for other in entry.confirmed_by.iter().filter(|other| **other != link) {
                if let Some(claim) = self.claims.get_mut(other) {
                    claim.waiting.remove(&topic);
                }
            }
            let covered = Coverage::Covered { since: at };
            match std::mem::replace(&mut entry.coverage, covered) {
                Coverage::Covered { .. } => {}
                Coverage::Never => {
                    if let Some(firsts) = &mut self.firsts {
                        firsts.insert(topic.clone(), at.wall);
                    }
                    resumed.first.push(topic);
                }
                Coverage::Open { until, cause } => {
                    if *cause == Gone::Restarted {
                        resumed.first.push(topic.clone());
                    }
                    let end = (until, cause);
                    match open.iter_mut().find(|(other, _)| *other == end) {
                        Some((_, topics)) => topics.push(topic),
                        None => open.push((end, vec![topic])),
                    }
                }
            }
        }
        open.sort_by_key(|((until, _), _)| until.mono);
        let gap = |((until, cause), topics): (End, Vec<Topic>)| Gap {
            topics: topics.into(),
            covered_until: until.wall,
            resumed_at: at.wall,
            duration: match *cause {
                // Another process saw its beginning.
                Gone::Restarted => at.wall.duration_since(until.wall).unwrap_or_default(),
                _ => at.mono.saturating_duration_since(until.mono),
            },
            cause: (*cause).clone(),
        };
        resumed.gaps = open.into_iter().map(gap).collect();
        resumed
    }

    /// A link stopped flowing; what it brought is sure until `last`. Its confirmations stay: a channel outlives its socket.
    pub(crate) fn lost(&mut self, link: LinkKey, last: Moment, cause: &Arc<Gone>) {
        if self.flowing.remove(&link).is_none() {
            return;
        }
        let confirmed = self.confirmed(link);
        for topic in confirmed {
            if let Some(entry) = self.topics.get_mut(&topic) {
                let (claims, flowing) = (&mut self.claims, &self.flowing);
                if let Coverage::Covered { since } = &mut entry.coverage
                    && since.mono < last.mono
                {
                    // Another may go on that has delivered nothing yet: what came until here is not missing.
                    *since = last;
                }
                Self::uncover(&topic, entry, claims, flowing, last, cause);
            }
        }
    }

    /// A link that flowed, and whose events were withheld, comes to its end before anybody saw them: what it alone covered
    /// is missing since it began.
    pub(crate) fn unheard(&mut self, link: LinkKey, cause: &Arc<Gone>) {
        let Some(since) = self.flowing.remove(&link) else { return };
        for topic in self.confirmed(link) {
            if let Some(entry) = self.topics.get_mut(&topic) {
                let (claims, flowing) = (&mut self.claims, &self.flowing);
                Self::uncover(&topic, entry, claims, flowing, since, cause);
            }
        }
    }

    /// A link will never come back: what it confirmed is void.
    pub(crate) fn drop_link(&mut self, link: LinkKey) {
        debug_assert!(!self.flowing.contains_key(&link), "a link is lost before it is dropped");
        let Some(claim) = self.claims.remove(&link) else { return };
        for topic in &claim.confirmed {
            if let Some(entry) = self.topics.get_mut(topic) {
                entry.confirmed_by.remove(&link);
            }
        }
    }

    /// What a link confirmed.
    pub(crate) fn confirmed(&self, link: LinkKey) -> Vec<Topic> {
        let claim = self.claims.get(&link);
        claim.map_or_else(Vec::new, |claim| claim.confirmed.iter().cloned().collect())
    }

    /// Topics without coverage, those that share an end together. Coverage that we ended ourselves is not missed.
    pub(crate) fn uncovered(&self) -> Vec<Uncovered> {
        let mut groups: Vec<(Option<End>, Vec<Topic>)> = Vec::new();
        for (topic, entry) in &self.topics {
            let end = match &entry.coverage {
                Coverage::Covered { .. } => continue,
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
        self.claims.get(&link).is_some_and(|claim| !claim.waiting.is_empty())
    }

    /// Whether everything that one link covers would be covered by another that flows.
    pub(crate) fn can_replace(&self, old: LinkKey, new: LinkKey) -> bool {
        let Some(old) = self.claims.get(&old) else { return true };
        let new = self.claims.get(&new);
        let has = |topic: &Topic| new.is_some_and(|new| new.confirmed.contains(topic));
        // What waits is not covered by the old one either.
        old.confirmed.iter().all(|topic| old.waiting.contains(topic) || has(topic))
    }

    /// A link was replaced by another that flows since `since`, and came to its end without showing that it had delivered
    /// all: what was on its way when its successor began may be missing. The gap has no length when the old one is sure until
    /// later than that: from the beginning of its successor on nothing is missing, and for how long what was sent before had
    /// been on its way nobody can tell. It then marks the place in the stream.
    pub(crate) fn doubt(
        &self,
        old: LinkKey,
        last: Moment,
        since: Moment,
        cause: Gone,
    ) -> Option<Gap> {
        let resumed = if last.mono < since.mono { since } else { last };
        let claim = self.claims.get(&old)?;
        let topics: Vec<Topic> = claim
            .confirmed
            .iter()
            .filter(|topic| !claim.waiting.contains(*topic))
            .cloned()
            .collect();
        (!topics.is_empty()).then(|| Gap {
            topics: topics.into(),
            covered_until: last.wall,
            resumed_at: resumed.wall,
            duration: resumed.mono.saturating_duration_since(last.mono),
            cause,
        })
    }

    /// Topics that are wanted, and that a link was not asked for.
    pub(crate) fn unconfirmed(&self, link: LinkKey) -> Vec<Topic> {
        let missing = self.topics.iter().filter(|(_, entry)| !entry.confirmed_by.contains(&link));
        missing.map(|(topic, _)| topic.clone()).collect()
    }

    /// Whether a topic is covered now.
    #[cfg(test)]
    pub(crate) fn covers(&self, topic: &Topic) -> bool {
        self.topics
            .get(topic)
            .is_some_and(|entry| matches!(entry.coverage, Coverage::Covered { .. }))
    }

    /// Entries of every table, for tests of its size.
    #[cfg(test)]
    pub(crate) fn size(&self) -> (usize, usize, usize) {
        let claims = self.claims.values().map(|claim| claim.confirmed.len() + claim.waiting.len());
        (self.topics.len(), claims.sum(), self.claims.len() + self.flowing.len())
    }

    fn uncover(
        topic: &Topic,
        entry: &mut Entry,
        claims: &mut BTreeMap<LinkKey, Claim>,
        flowing: &BTreeMap<LinkKey, Moment>,
        last: Moment,
        cause: &Arc<Gone>,
    ) {
        let elsewhere = entry.confirmed_by.iter().any(|link| flowing.contains_key(link));
        if let Coverage::Covered { since } = entry.coverage
            && !elsewhere
        {
            // What is not sure of the time before is in a gap already.
            let until = if last.mono < since.mono { since } else { last };
            entry.coverage = Coverage::Open { until, cause: cause.clone() };
            for link in &entry.confirmed_by {
                if let Some(claim) = claims.get_mut(link) {
                    claim.waiting.insert(topic.clone());
                }
            }
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
        assert!(ledger.covers(&topic("a")));
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
    fn what_only_a_link_had_that_nobody_heard_is_missing_since_it_began() {
        let (mut ledger, clock) = setup(&["a", "b", "c"]);
        for name in ["a", "b"] {
            ledger.confirm(1, &topic(name));
        }
        ledger.flows(1, clock.at(0));
        for name in ["a", "b", "c"] {
            ledger.confirm(2, &topic(name));
        }
        ledger.flows(2, clock.at(10));
        ledger.refuse(1, &topic("b"), clock.at(12), &cause());
        ledger.unheard(2, &cause());
        assert!(ledger.covers(&topic("a")), "the other one goes on");
        let open = ledger.uncovered();
        assert_eq!(open.iter().map(|one| one.topics.len()).sum::<usize>(), 2);
        assert!(open.iter().all(|one| one.covered_until == Some(clock.at(10).wall)), "{open:?}");
        ledger.unheard(2, &cause());
        // The other one ends first: until then nothing is missing.
        ledger.confirm(3, &topic("a"));
        ledger.flows(3, clock.at(20));
        ledger.lost(1, clock.at(25), &cause());
        ledger.unheard(3, &cause());
        let open = ledger.uncovered();
        let a = open.iter().find(|one| one.topics.contains(&topic("a"))).unwrap();
        assert_eq!(a.covered_until, Some(clock.at(25).wall));
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
    fn a_sign_of_life_looks_at_no_topic_when_nothing_waits() {
        let names: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (mut ledger, clock) = setup(&names);
        for (n, name) in names.iter().enumerate() {
            ledger.confirm(n as u64 % 10, &topic(name));
        }
        for link in 0..10 {
            assert_eq!(ledger.flows(link, clock.at(1)).first.len(), 1_000);
        }
        assert!((0..10).all(|link| !ledger.awaits_flow(link)));
        let start = Instant::now();
        for beat in 0..100_000 {
            assert_eq!(ledger.flows(beat % 10, clock.at(2)), Resumed::default());
        }
        // Walking all topics would take a thousand times as long.
        assert!(start.elapsed() < Duration::from_secs(5));
        let size = ledger.size();
        assert_eq!(size, (10_000, 10_000, 20));
        ledger.lost(3, clock.at(5), &cause());
        assert_eq!(ledger.flows(3, clock.at(9)).gaps[0].topics.len(), 1_000);
        ledger.lost(3, clock.at(10), &cause());
        ledger.drop_link(3);
        for name in names {
            ledger.forget(&topic(name));
        }
        assert_eq!((ledger.size().0, ledger.size().1), (0, 0));
    }

    #[test]
    fn a_topic_that_moves_from_one_link_to_another_is_covered_all_the_time() {
        let (mut ledger, clock) = setup(&["a", "b"]);
        ledger.confirm(1, &topic("a"));
        ledger.confirm(2, &topic("b"));
        ledger.flows(1, clock.at(0));
        ledger.flows(2, clock.at(0));
        for name in ["a", "b"] {
            ledger.confirm(3, &topic(name));
        }
        assert!(ledger.can_replace(1, 3) && ledger.can_replace(2, 3) && !ledger.can_replace(1, 2));
        assert_eq!(ledger.flows(3, clock.at(5)), Resumed::default());
        for old in [1, 2] {
            ledger.lost(old, clock.at(6), &cause());
            ledger.drop_link(old);
        }
        assert!(ledger.uncovered().is_empty());
        let doubt = ledger.doubt(3, clock.at(7), clock.at(9), Gone::HandshakeTimeout).unwrap();
        assert_eq!((doubt.topics.len(), doubt.duration), (2, Duration::from_secs(2)));
        let doubt = ledger.doubt(3, clock.at(9), clock.at(7), Gone::HandshakeTimeout).unwrap();
        assert_eq!((doubt.covered_until, doubt.duration), (clock.at(9).wall, Duration::ZERO));
    }

    #[test]
    fn what_a_link_turns_out_to_have_missed_is_a_gap_until_another_flowed() {
        let (mut ledger, clock) = setup(&["a", "b"]);
        for name in ["a", "b"] {
            ledger.confirm(1, &topic(name));
        }
        ledger.flows(1, clock.at(0));
        ledger.confirm(2, &topic("a"));
        ledger.flows(2, clock.at(9));
        ledger.flows(2, clock.at(12));
        let gaps = ledger.missed(1, &[topic("a"), topic("b")], clock.at(4), &cause());
        let [gap] = &gaps[..] else { panic!("{gaps:?}") };
        assert_eq!((gap.covered_until, gap.resumed_at), (clock.at(4).wall, clock.at(9).wall));
        assert_eq!((&gap.topics[..], gap.duration), (&[topic("a")][..], Duration::from_secs(5)));
        assert!(ledger.covers(&topic("a")));
        assert_eq!(ledger.uncovered()[0].covered_until, Some(clock.at(4).wall), "b is open");
        // The other one flowed before: nothing is missing.
        ledger.confirm(1, &topic("a"));
        assert!(ledger.missed(1, &[topic("a")], clock.at(10), &cause()).is_empty());
    }

    #[test]
    fn a_refused_topic_is_uncovered_from_its_last_sure_moment() {
        let (mut ledger, clock) = setup(&["a", "b"]);
        ledger.confirm(1, &topic("a"));
        ledger.confirm(1, &topic("b"));
        ledger.flows(1, clock.at(0));
        ledger.refuse(1, &topic("a"), clock.at(7), &cause());
        assert!(!ledger.covers(&topic("a")) && ledger.covers(&topic("b")));
        assert_eq!(ledger.uncovered()[0].topics[..], [topic("a")]);
        ledger.forget(&topic("a"));
        assert!(ledger.uncovered().is_empty());
    }
}

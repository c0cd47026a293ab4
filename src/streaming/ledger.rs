//! The coverage ledger: the only place that decides what was lost.
//!
//! For each topic it keeps the links that confirmed it, and for each link since when it has been flowing. A topic is
//! covered while at least one link that confirmed it flows. When the last one goes, the gap opens at that link's last
//! sure moment, not when somebody noticed; it closes when a link that confirmed the topic flows.

mod hand_over;
mod missed;
#[cfg(test)]
mod tests;

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
    /// Those that came to the link while it flowed, and when, where another had them before.
    late: BTreeMap<Topic, Moment>,
}

impl Claim {
    fn remove(&mut self, topic: &Topic) {
        self.confirmed.remove(topic);
        self.waiting.remove(topic);
        self.late.remove(topic);
    }
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
                claim.remove(topic);
            }
        }
    }

    /// The platform confirmed a topic on a link, at this time, at which the link may flow already.
    pub(crate) fn confirm_at(&mut self, link: LinkKey, topic: &Topic, at: Moment) {
        let of_link = |entry: &Entry| entry.confirmed_by.contains(&link);
        let alone = |entry: &Entry| entry.confirmed_by.is_empty();
        let new = self.topics.get(topic).is_some_and(|entry| !of_link(entry) && !alone(entry));
        self.confirm(link, topic);
        if new && self.flowing.contains_key(&link) {
            self.claims.entry(link).or_default().late.insert(topic.clone(), at);
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
                claim.remove(topic);
            }
            Self::uncover(topic, entry, &mut self.claims, &self.flowing, last, cause);
        }
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
        self.forget_late(link);
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
        self.forget_late(link);
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
                // Nobody is left of whom it could take over.
                if entry.confirmed_by.len() == 1
                    && let Some(other) = entry.confirmed_by.first()
                    && let Some(claim) = self.claims.get_mut(other)
                {
                    claim.late.remove(topic);
                }
            }
        }
    }

    fn forget_late(&mut self, link: LinkKey) {
        self.claims.get_mut(&link).into_iter().for_each(|claim| claim.late.clear());
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
        let size = |claim: &Claim| claim.confirmed.len() + claim.waiting.len() + claim.late.len();
        let claims = self.claims.values().map(size);
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

//! What turns out to be missing after it counted as covered, and until when: gaps that are over already.

use std::sync::Arc;

use super::{Coverage, Gap, Ledger, LinkKey};
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::events::Topic;

/// Puts topics together that have a moment in common.
fn group(groups: &mut Vec<(Moment, Vec<Topic>)>, at: Moment, topic: Topic) {
    match groups.iter_mut().find(|(other, _)| *other == at) {
        Some((_, topics)) => topics.push(topic),
        None => groups.push((at, vec![topic])),
    }
}

/// What was missing from `last` to the moment of each group.
fn gaps(groups: Vec<(Moment, Vec<Topic>)>, last: Moment, cause: &Gone) -> Vec<Gap> {
    let gap = |(until, topics): (Moment, Vec<Topic>)| Gap {
        topics: topics.into(),
        covered_until: last.wall,
        resumed_at: until.wall,
        duration: until.mono.saturating_duration_since(last.mono),
        cause: cause.clone(),
    };
    groups.into_iter().map(gap).collect()
}

impl Ledger {
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
            let others = entry.confirmed_by.iter().filter_map(|other| self.since(*other, topic));
            let Some(since) = others.min_by_key(|since| since.mono) else { continue };
            if since.mono <= last.mono {
                continue;
            }
            group(&mut over, since, topic.clone());
        }
        gaps(over, last, cause)
    }

    /// A link was replaced by another, `new`, that flows, and came to its end without showing that it had delivered all:
    /// what was on its way when its successor began may be missing. The gap has no length when the old one is sure until
    /// later than that: from the beginning of its successor on nothing is missing, and for how long what was sent before had
    /// been on its way nobody can tell. It then marks the place in the stream. Where the old one is known to have delivered
    /// all that was sent until `last` (`whole`), only what its successor had later than that may be missing.
    pub(crate) fn doubt(
        &self,
        old: LinkKey,
        new: LinkKey,
        last: Moment,
        whole: bool,
        cause: &Gone,
    ) -> Vec<Gap> {
        let Some(claim) = self.claims.get(&old) else { return Vec::new() };
        let mut groups: Vec<(Moment, Vec<Topic>)> = Vec::new();
        for topic in claim.confirmed.iter().filter(|topic| !claim.waiting.contains(*topic)) {
            let since = self.since(new, topic).unwrap_or(last);
            if since.mono > last.mono {
                // What was covered only after that is not missing before.
                let covered = self.topics.get(topic).map(|entry| &entry.coverage);
                match covered {
                    Some(Coverage::Covered { since: first }) if first.mono >= since.mono => {}
                    _ => group(&mut groups, since, topic.clone()),
                }
            } else if !whole {
                group(&mut groups, last, topic.clone());
            }
        }
        gaps(groups, last, cause)
    }

    /// Since when a link that flows delivers a topic.
    fn since(&self, link: LinkKey, topic: &Topic) -> Option<Moment> {
        let flows = self.flowing.get(&link)?;
        let late = self.claims.get(&link).and_then(|claim| claim.late.get(topic));
        Some(late.filter(|late| late.mono > flows.mono).copied().unwrap_or(*flows))
    }
}

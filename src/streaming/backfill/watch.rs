//! One topic whose gap is being filled.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::time::{Instant, SystemTime};

use crate::core::ids::GapId;
use crate::events::{BackfillMark, Backfilled, Topic};

/// Parts of one topic that are remembered while it is fetched.
const MOST_PARTS: usize = 1_024;

/// A request's number.
pub(super) type JobId = u64;

/// A topic, found in whatever case it is written.
#[derive(Clone, Debug)]
pub(super) struct TopicKey(pub(super) Topic);

impl PartialEq for TopicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.name().eq_ignore_ascii_case(other.0.name())
    }
}

impl Eq for TopicKey {}

impl Hash for TopicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.0.name().bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
    }
}

/// What is to be fetched for a topic: one gap, or several that came while it was busy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) gaps: Vec<GapId>,
    pub(super) from: SystemTime,
    pub(super) to: SystemTime,
    /// When the oldest of the gaps is given up.
    pub(super) deadline: Instant,
    /// The newest time that a live event named since the last of them.
    pub(super) newest: Option<SystemTime>,
}

impl Wanted {
    pub(super) fn new(gap: GapId, from: SystemTime, to: SystemTime, deadline: Instant) -> Self {
        Self { gaps: vec![gap], from, to, deadline, newest: None }
    }

    /// One fetch for another gap too.
    pub(super) fn join(&mut self, other: &Self) {
        self.gaps.extend(&other.gaps);
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
        self.deadline = self.deadline.min(other.deadline);
        self.newest = None;
    }

    /// Whether one request serves both.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.from, self.to, &self.gaps) == (other.from, other.to, &other.gaps)
    }
}

/// Live events that were delivered since a request was sent.
#[derive(Debug, Default)]
struct Seen {
    /// One that names a time.
    dated: bool,
    /// One that names neither a time nor a part.
    whole: bool,
    /// Parts that those without a time told of.
    parts: HashSet<Box<str>>,
    /// There were more parts than are remembered.
    overrun: bool,
}

/// What is being fetched, or waits to be delivered.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) job: JobId,
    pub(super) wanted: Wanted,
    seen: Seen,
}

impl Asked {
    pub(super) fn new(job: JobId, wanted: Wanted) -> Self {
        Self { job, wanted, seen: Seen::default() }
    }

    /// Whether more live events came than can be told apart, so that nothing of the answer is sure to be news.
    pub(super) fn is_overrun(&self) -> bool {
        self.seen.overrun
    }

    /// Whether a live event supersedes an item; `newest` is the newest time that one named before the gap.
    pub(super) fn supersedes(&self, item: &Backfilled, newest: Option<SystemTime>) -> bool {
        let dated = item.at.is_some_and(|at| {
            self.wanted.newest.is_some_and(|live| live >= at) || newest.is_some_and(|old| old > at)
        });
        let seen = match &item.part {
            None => self.seen.whole || !self.seen.parts.is_empty() || self.seen.overrun,
            Some(part) => self.seen.whole || self.seen.overrun || self.seen.parts.contains(part),
        };
        dated || seen || (item.at.is_none() && self.seen.dated)
    }

    fn note(&mut self, mark: &BackfillMark) {
        let Seen { dated, whole, parts, overrun } = &mut self.seen;
        if mark.at.is_some() {
            *dated = true;
            self.wanted.newest = self.wanted.newest.max(mark.at);
            return;
        }
        *whole |= mark.parts.is_empty();
        for part in &mark.parts {
            if parts.contains(part) {
                continue;
            }
            if parts.len() >= MOST_PARTS {
                *overrun = true;
                return;
            }
            parts.insert(part.clone());
        }
    }
}

/// A topic with a gap that is not filled yet.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) source: usize,
    pub(super) asked: Option<Asked>,
    /// What is asked for next.
    pub(super) waiting: Option<Wanted>,
}

impl Watch {
    /// A live event of the topic was delivered.
    pub(super) fn note(&mut self, mark: &BackfillMark) {
        if let Some(asked) = &mut self.asked {
            asked.note(mark);
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.newest = waiting.newest.max(mark.at);
        }
    }

    /// Gaps that have not ended for it.
    pub(super) fn open(&self) -> impl Iterator<Item = GapId> + '_ {
        let asked = self.asked.iter().flat_map(|asked| &asked.wanted.gaps);
        asked.chain(self.waiting.iter().flat_map(|wanted| &wanted.gaps)).copied()
    }
}

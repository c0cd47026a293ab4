//! Which topics of which gaps wait, are asked for, and have ended: pure.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use serde_json::value::RawValue;

use super::super::delivery::{Counters, add};
use super::options::BackfillOptions;
use super::outcome::{Broken, Ends, Failure, told};
use super::watch::{Asked, JobId, TopicKey, Wanted, Watch};
use crate::core::clock::later;
use crate::core::ids::GapId;
use crate::error::{ErrorKind, Result};
use crate::events::{BackfillMark, BackfillRequest, BackfillSource, Backfilled, Lifecycle, Topic};

/// Bytes and items of answers that may wait for the consumer before nothing more is asked for.
const READY_BYTES: usize = 8 << 20;
const READY_ITEMS: usize = 8_192;

/// A request to be run.
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) source: Arc<dyn BackfillSource>,
    pub(super) request: BackfillRequest,
    pub(super) deadline: Instant,
}

/// What the consumer gets.
#[derive(Debug)]
pub(super) enum Out {
    Item { topic: Topic, body: Box<RawValue>, gap: GapId, received_at: SystemTime },
    Told(Lifecycle, SystemTime),
}

/// What waits for the consumer.
#[derive(Debug)]
enum Ready {
    Item {
        job: JobId,
        topic: TopicKey,
        item: Backfilled,
        body: Box<RawValue>,
        at: SystemTime,
    },
    End {
        job: JobId,
        gap: GapId,
        topics: Vec<TopicKey>,
        failure: Option<Failure>,
        at: SystemTime,
    },
    /// The last of a request's: its topics may be asked for again.
    Release(JobId, Vec<TopicKey>),
    Told(Lifecycle, SystemTime),
}

/// All gaps that are being filled.
pub(super) struct Backlog {
    sources: Vec<Arc<dyn BackfillSource>>,
    options: BackfillOptions,
    counters: Arc<Counters>,
    topics: HashMap<TopicKey, Watch>,
    /// Topics that wait, by source.
    waiting: Vec<VecDeque<TopicKey>>,
    /// The source whose turn it is.
    turn: usize,
    running: HashMap<JobId, Vec<TopicKey>>,
    last_job: JobId,
    ready: VecDeque<Ready>,
    ready_bytes: usize,
    /// The newest time that an event of a topic named which was delivered.
    newest: HashMap<TopicKey, SystemTime>,
    closed: bool,
}

impl Backlog {
    pub(super) fn new(
        sources: Vec<Arc<dyn BackfillSource>>,
        options: BackfillOptions,
        counters: Arc<Counters>,
    ) -> Self {
        let waiting = sources.iter().map(|_| VecDeque::new()).collect();
        Self {
            sources,
            options,
            counters,
            topics: HashMap::new(),
            waiting,
            turn: 0,
            running: HashMap::new(),
            last_job: 0,
            ready: VecDeque::new(),
            ready_bytes: 0,
            newest: HashMap::new(),
            closed: false,
        }
    }

    /// A gap was delivered.
    pub(super) fn gap(
        &mut self,
        gap: GapId,
        topics: &[Topic],
        span: (SystemTime, SystemTime),
        now: Instant,
        wall: SystemTime,
    ) {
        let deadline = later(now, self.options.give_up_after);
        let wanted = Wanted::new(gap, span.0, span.1, deadline);
        let mut refused = Broken::default();
        for topic in topics.iter().flat_map(Topic::members) {
            let Some(source) = self.sources.iter().position(|source| source.covers(&topic)) else {
                continue;
            };
            let key = TopicKey(topic);
            let full = self.topics.len() >= self.options.max_topics;
            match self.topics.get_mut(&key) {
                // A topic that a gap names twice is one.
                Some(watch) if watch.open().any(|open| open == gap) => {}
                Some(Watch { waiting: Some(before), .. }) => before.join(&wanted),
                // Asked for again as soon as what is under way has ended.
                Some(watch) => watch.waiting = Some(wanted.clone()),
                None if full => refused.add(gap, &key.0),
                None => {
                    let waiting = Some(wanted.clone());
                    self.waiting[source].push_back(key.clone());
                    self.topics.insert(key, Watch { source, asked: None, waiting });
                }
            }
        }
        let most = self.options.max_topics;
        let text = format!("{most} topics wait already: raise BackfillOptions::max_topics");
        self.fail(refused, &Failure::new(ErrorKind::Capacity, text), wall);
    }

    /// A live event was delivered; `mark` is asked for only when it matters.
    pub(super) fn live(
        &mut self,
        topic: &Topic,
        mark: impl FnOnce(&dyn BackfillSource) -> BackfillMark,
    ) {
        if topic.is_none() {
            return;
        }
        let key = TopicKey(topic.clone());
        let watch = self.topics.get_mut(&key);
        let source = match &watch {
            Some(watch) => self.sources.get(watch.source),
            None => self.sources.iter().find(|source| source.covers(topic)),
        };
        let Some(source) = source else {
            return;
        };
        let dated = source.is_dated(topic);
        if !dated && watch.is_none() {
            return;
        }
        let mark = mark(&**source);
        if let Some(watch) = watch {
            watch.note(&mark);
        }
        if let Some(at) = mark.at.filter(|_| dated) {
            self.remember(key, at);
        }
    }

    /// Bounded: topics beyond the bound are ordered since their gap only.
    fn remember(&mut self, topic: TopicKey, at: SystemTime) {
        let full = self.newest.len() >= self.options.max_topics;
        match self.newest.get_mut(&topic) {
            Some(newest) => *newest = at.max(*newest),
            None if full => {}
            None => {
                self.newest.insert(topic, at);
            }
        }
    }

    /// Topics are no longer wanted.
    pub(super) fn forget(&mut self, topics: &[Topic], wall: SystemTime) {
        let mut ended = Broken::default();
        for topic in topics.iter().flat_map(Topic::members) {
            let key = TopicKey(topic);
            self.newest.remove(&key);
            if let Some(watch) = self.topics.remove(&key) {
                watch.open().for_each(|gap| ended.add(gap, &key.0));
            }
        }
        let known = &self.topics;
        self.waiting.iter_mut().for_each(|topics| topics.retain(|key| known.contains_key(key)));
        let failure = Failure::new(ErrorKind::Closed, "it was unsubscribed meanwhile");
        self.fail(ended, &failure, wall);
    }

    /// The next request, if there is to be one now. From here on it counts as sent.
    pub(super) fn next_job(&mut self, now: Instant, wall: SystemTime) -> Option<Job> {
        let full = self.ready.len() >= READY_ITEMS || self.ready_bytes >= READY_BYTES;
        if self.closed || full || self.running.len() >= self.options.concurrency.max(1) {
            return None;
        }
        let mut late = Broken::default();
        let mut job = None;
        for _ in 0..self.sources.len() {
            let source = self.turn;
            self.turn = (self.turn + 1) % self.sources.len();
            let batch = self.batch(source, now, &mut late);
            if let Some((wanted, topics)) = batch {
                job = Some(self.start(source, &wanted, topics));
                break;
            }
        }
        let text =
            format!("not fetched within {} s of the gap", self.options.give_up_after.as_secs());
        self.fail(late, &Failure::new(ErrorKind::Timeout, text), wall);
        job
    }

    /// Takes topics of one source that one request serves.
    fn batch(
        &mut self,
        source: usize,
        now: Instant,
        late: &mut Broken,
    ) -> Option<(Wanted, Vec<TopicKey>)> {
        let most = self.sources[source].batch().max(1);
        let mut found: Option<(Wanted, Vec<TopicKey>)> = None;
        while let Some(key) = self.waiting[source].front() {
            let watch = self.topics.get(key);
            let Some(wanted) = watch.and_then(|watch| watch.waiting.as_ref()) else {
                self.waiting[source].pop_front();
                continue;
            };
            if wanted.deadline <= now {
                wanted.gaps.iter().for_each(|gap| late.add(*gap, &key.0));
                self.topics.remove(key);
                self.waiting[source].pop_front();
                continue;
            }
            match &mut found {
                None => found = Some((wanted.clone(), vec![key.clone()])),
                Some((first, topics)) if topics.len() < most && first.is_like(wanted) => {
                    topics.push(key.clone());
                }
                Some(_) => break,
            }
            self.waiting[source].pop_front();
        }
        found
    }

    fn start(&mut self, source: usize, wanted: &Wanted, topics: Vec<TopicKey>) -> Job {
        self.last_job += 1;
        let id = self.last_job;
        for key in &topics {
            if let Some(watch) = self.topics.get_mut(key)
                && let Some(wanted) = watch.waiting.take()
            {
                watch.asked = Some(Asked::new(id, wanted));
            }
        }
        let gap = wanted.gaps.last().copied().unwrap_or_default();
        let names = topics.iter().map(|key| key.0.clone()).collect();
        self.running.insert(id, topics);
        let request = BackfillRequest::new(gap, names, wanted.from, wanted.to);
        Job { id, source: self.sources[source].clone(), request, deadline: wanted.deadline }
    }

    /// A request was answered.
    pub(super) fn finished(&mut self, job: JobId, answer: Result<Vec<Backfilled>>, at: SystemTime) {
        let Some(topics) = self.running.remove(&job) else {
            return;
        };
        let mut all_failed = None;
        let mut found: HashMap<TopicKey, Vec<Backfilled>> = HashMap::new();
        match answer {
            Ok(items) => {
                for item in items {
                    found.entry(TopicKey(item.topic.clone())).or_default().push(item);
                }
            }
            Err(error) => all_failed = Some(Failure::of(&error)),
        }
        let mut ends = Ends::default();
        for key in &topics {
            let mut items = found.remove(key).unwrap_or_default();
            let asked = self.topics.get(key).and_then(|watch| watch.asked.as_ref());
            let Some(asked) = asked.filter(|asked| asked.job == job) else {
                continue;
            };
            let mut failure = all_failed.clone();
            // In time order; what names no time stays in the order of the answer, behind.
            items.sort_by_key(|item| (item.at.is_none(), item.at));
            for mut item in items {
                match std::mem::replace(&mut item.body, Ok(RawValue::NULL.to_owned())) {
                    Ok(body) => {
                        self.ready_bytes += body.get().len();
                        let topic = key.clone();
                        self.ready.push_back(Ready::Item { job, topic, item, body, at });
                    }
                    Err(error) => failure = Some(Failure::of(&error)),
                }
            }
            for gap in &asked.wanted.gaps {
                ends.add(*gap, failure.as_ref(), key.clone());
            }
        }
        for (gap, failure, topics) in ends.into_iter() {
            self.ready.push_back(Ready::End { job, gap, topics, failure, at });
        }
        self.ready.push_back(Ready::Release(job, topics));
    }

    /// The stream is over: what was not answered ends here.
    pub(super) fn close(&mut self, wall: SystemTime) {
        self.closed = true;
        self.waiting.iter_mut().for_each(VecDeque::clear);
        let running = std::mem::take(&mut self.running);
        let mut ended = Broken::default();
        for (key, watch) in &mut self.topics {
            let waiting = watch.waiting.take();
            waiting.iter().flat_map(|wanted| &wanted.gaps).for_each(|gap| ended.add(*gap, &key.0));
            if let Some(asked) = watch.asked.take_if(|asked| running.contains_key(&asked.job)) {
                asked.wanted.gaps.iter().for_each(|gap| ended.add(*gap, &key.0));
            }
        }
        self.fail(ended, &Failure::new(ErrorKind::Closed, "the stream ended meanwhile"), wall);
    }

    /// The next thing for the consumer.
    pub(super) fn take(&mut self) -> Option<Out> {
        while let Some(ready) = self.ready.pop_front() {
            match ready {
                Ready::Item { job, topic, item, body, at } => {
                    self.ready_bytes -= body.get().len();
                    if let Some(gap) = self.admit(job, &topic, &item) {
                        add(&self.counters.backfilled, 1);
                        return Some(Out::Item { topic: topic.0, body, gap, received_at: at });
                    }
                }
                Ready::End { job, gap, topics, failure, at } => {
                    self.end(job, gap, topics, failure.as_ref(), at);
                }
                Ready::Release(job, topics) => self.release(job, topics),
                Ready::Told(lifecycle, at) => return Some(Out::Told(lifecycle, at)),
            }
        }
        None
    }

    /// Whether an item still is news, and of which gap.
    fn admit(&mut self, job: JobId, key: &TopicKey, item: &Backfilled) -> Option<GapId> {
        let asked = self.topics.get(key)?.asked.as_ref().filter(|asked| asked.job == job)?;
        if asked.supersedes(item, self.newest.get(key).copied()) {
            add(&self.counters.backfill_stale, 1);
            return None;
        }
        let gap = asked.wanted.gaps.last().copied()?;
        if let Some(at) = item.at
            && self.sources[self.topics[key].source].is_dated(&key.0)
        {
            self.remember(key.clone(), at);
        }
        Some(gap)
    }

    /// Ends a gap for those topics of a request that it has not ended for yet.
    fn end(
        &mut self,
        job: JobId,
        gap: GapId,
        topics: Vec<TopicKey>,
        failure: Option<&Failure>,
        at: SystemTime,
    ) {
        let overrun = "more live events came while it was fetched than can be told apart";
        let overrun = Failure::new(ErrorKind::Capacity, overrun);
        let mut ends = Ends::default();
        for key in topics {
            let asked = self.topics.get_mut(&key).and_then(|watch| watch.asked.as_mut());
            let Some(asked) = asked.filter(|asked| asked.job == job) else {
                continue;
            };
            let failure = if asked.is_overrun() { Some(&overrun) } else { failure };
            if asked.wanted.gaps.contains(&gap) {
                ends.add(gap, failure, key);
            }
        }
        for (gap, failure, keys) in ends.into_iter() {
            for key in &keys {
                if let Some(asked) = self.topics.get_mut(key).and_then(|it| it.asked.as_mut()) {
                    asked.wanted.gaps.retain(|open| *open != gap);
                }
            }
            if failure.is_some() {
                add(&self.counters.backfill_failed, keys.len() as u64);
            }
            let topics = keys.into_iter().map(|key| key.0).collect();
            self.ready.push_front(Ready::Told(told(gap, topics, failure), at));
        }
    }

    fn release(&mut self, job: JobId, topics: Vec<TopicKey>) {
        for key in topics {
            let Some(watch) = self.topics.get_mut(&key) else {
                continue;
            };
            if watch.asked.take_if(|asked| asked.job == job).is_none() {
                continue;
            }
            if watch.waiting.is_some() {
                self.waiting[watch.source].push_back(key);
            } else {
                self.topics.remove(&key);
            }
        }
    }

    fn fail(&mut self, topics: Broken, failure: &Failure, at: SystemTime) {
        for (lifecycle, count) in topics.tell(failure) {
            add(&self.counters.backfill_failed, count);
            self.ready.push_back(Ready::Told(lifecycle, at));
        }
    }

    /// How many topics are on the way: watched, and those whose newest time is kept.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        (self.topics.len(), self.ready.len(), self.newest.len())
    }
}

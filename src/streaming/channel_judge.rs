//! What is held against what comes out of a [`World`]: every number once, in order, or inside a gap of its topic that stands
//! at that place in the stream.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use super::channel_platform::Channel;
use super::channel_world::World;
use super::fingerprint::Fingerprint;
use super::ledger::LinkKey;
use crate::core::ids::ChannelId;
use crate::events::{Lifecycle, Topic};

/// When the platform did not deliver a topic to anybody who read it.
#[derive(Clone, Debug, Default)]
pub(super) struct Dark {
    since: Option<Duration>,
    past: Vec<(Duration, Duration)>,
}

/// What the platform really covered.
#[derive(Debug, Default)]
pub(super) struct Truth {
    pub(super) dark: BTreeMap<Topic, Dark>,
    /// By how much the widest reported gap was wider than the truth.
    pub(super) widest: Duration,
    pub(super) gaps: usize,
    /// What it was taken from last: sockets, how many topics they have, and whether they are read.
    pub(super) seen: Vec<(Option<LinkKey>, usize, bool)>,
}

impl Truth {
    fn judge(&mut self, topic: &Topic, from: Duration, to: Duration) {
        let Some(dark) = self.dark.get(topic) else { return };
        let open = dark.since.map(|since| (since, to));
        let spans = dark.past.iter().copied().chain(open);
        let true_gap: Duration = spans.map(|(a, b)| b.min(to).saturating_sub(a.max(from))).sum();
        self.widest = self.widest.max(to.saturating_sub(from).saturating_sub(true_gap));
        self.gaps += 1;
    }
}

/// What is promised of one topic.
#[derive(Clone, Debug, Default)]
pub(super) struct Promise {
    pub(super) sent: u64,
    pub(super) delivered: u64,
    /// Numbers after this one come, or are inside a gap; `None` while the topic is not covered.
    pub(super) from: Option<u64>,
    /// Channels from which the platform has dropped it, and when; until they are subscribed again.
    pub(super) drops: BTreeMap<ChannelId, Duration>,
    /// Numbers that were sent while it was dropped somewhere. When it comes back by a call that was made for another
    /// reason, or over another channel, before it is found missing, nobody can know what was missed meanwhile.
    pub(super) excused: BTreeSet<u64>,
    /// Of these, those that did not come in their place. A channel that had them all the time may still deliver them.
    pub(super) missed: BTreeSet<u64>,
    /// Whether a gap has to come.
    pub(super) owed: bool,
}

/// Since the beginning.
fn wall(at: SystemTime) -> Duration {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

impl World {
    /// Takes account of which topics the platform delivers now to a socket that is read.
    pub(super) fn account(&mut self) {
        let Some(truth) = &mut self.truth else { return };
        let state = |channel: &Channel| {
            let line = channel.socket.and_then(|link| self.lines.get(&link));
            let read = line.is_some_and(|one| one.opened && !one.silent && one.ended.is_none());
            (channel.socket, channel.topics.len(), read)
        };
        let seen: Vec<_> = self.channels.values().map(state).collect();
        if truth.seen == seen && self.ops.iter().all(|(_, done)| done.is_none()) {
            return;
        }
        truth.seen = seen;
        let mut there: BTreeSet<&Topic> = BTreeSet::new();
        for channel in self.channels.values() {
            let line = channel.socket.and_then(|link| self.lines.get(&link));
            if line.is_some_and(|line| line.opened && !line.silent && line.ended.is_none()) {
                there.extend(&channel.topics);
            }
        }
        for (topic, dark) in &mut truth.dark {
            match (there.contains(topic), dark.since) {
                (true, Some(since)) => {
                    dark.past.push((since, self.now));
                    dark.since = None;
                }
                (false, None) => dark.since = Some(self.now),
                _ => {}
            }
        }
    }

    pub(super) fn emit(&mut self, item: Lifecycle) {
        match &item {
            Lifecycle::Subscribed { topics, .. } => {
                for topic in topics.iter() {
                    let promise = self.promises.get_mut(topic).unwrap();
                    assert!(promise.from.is_none(), "covered twice: {topic}");
                    promise.from = Some(promise.sent);
                }
            }
            Lifecycle::Drifted { channel, topics, sure_until } => {
                let channel = channel.as_ref().unwrap();
                for topic in topics.iter() {
                    let promise = self.promises.get_mut(topic).unwrap();
                    let at = promise.drops.get(channel).expect("it is not there");
                    assert!(wall(*sure_until) <= *at, "{topic} was not there any more");
                    promise.owed |= promise.from.is_some() && !self.supervisor.covers(topic);
                    self.found += 1;
                }
            }
            Lifecycle::Gap { topics, covered_until, resumed_at, duration, .. } => {
                self.account();
                assert_eq!(resumed_at.duration_since(*covered_until).unwrap(), *duration);
                for topic in topics.iter() {
                    let promise = self.promises.get_mut(topic).unwrap();
                    assert!(promise.from.is_some(), "a gap of what was never covered: {topic}");
                    promise.owed = false;
                    if let Some(truth) = &mut self.truth {
                        truth.judge(topic, wall(*covered_until), wall(*resumed_at));
                    }
                    promise.from = Some(promise.sent);
                }
            }
            Lifecycle::Unsubscribed { topics } => {
                for topic in topics.iter() {
                    let promise = self.promises.get_mut(topic).unwrap();
                    (promise.from, promise.owed) = (None, false);
                    promise.drops.clear();
                }
            }
            _ => {}
        }
        self.emitted.push(item);
    }

    pub(super) fn deliver(
        &mut self,
        link: LinkKey,
        mut items: Vec<(Topic, u64)>,
        mut prints: Vec<Option<Fingerprint>>,
    ) {
        let now = self.moment().mono;
        self.removed += self.overlap.sift(link, &mut items, &mut prints, now);
        self.overlap.note(link, &prints);
        for (topic, n) in items {
            self.delivered += 1;
            let promise = self.promises.get_mut(&topic).unwrap();
            if promise.missed.remove(&n) {
                // The one channel missed it, and the one that took over had it.
                continue;
            }
            assert!(
                n > promise.delivered,
                "{topic} {n} after {}: {:?}",
                promise.delivered,
                self.emitted.last()
            );
            // While a gap is open, what comes is inside it; the gap is told when it closes.
            promise.owed |= promise.from.is_some() && !self.supervisor.covers(&topic);
            if let Some(from) = promise.from.filter(|_| !promise.owed) {
                for lost in from.max(promise.delivered) + 1..n {
                    assert!(promise.excused.remove(&lost), "{topic}: {lost} is lost in silence");
                    promise.missed.insert(lost);
                    self.unseen += 1;
                }
            }
            promise.delivered = n;
        }
    }

    pub(super) fn finale(&mut self, seed: u64, due: &[Topic]) {
        for topic in due {
            self.event(topic);
        }
        self.advance(Duration::from_secs(1));
        for topic in due {
            let promise = &self.promises[topic];
            assert!(!promise.owed, "seed {seed}: a gap of {topic} was not told");
            assert_eq!(promise.delivered, promise.sent, "seed {seed}: {topic} does not flow");
        }
    }
}

//! The platform of a [`World`]: channels that are made and subscribed by calls which take effect and are answered late, in
//! any order, or fail, or take effect and fail; of which there are twenty; and others that make some too.

use std::collections::BTreeSet;
use std::time::Duration;

use super::channel_world::{Mode, World};
use super::ledger::LinkKey;
use super::supervisor::{Action, Input};
use crate::core::ids::ChannelId;
use crate::core::ports::{ChannelInfo, ChannelListing, TopicState};
use crate::error::{Error, ErrorKind};
use crate::events::Topic;

/// Channels that the platform allows.
pub(super) const LIMIT: usize = 20;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wire {
    Event(Topic, u64),
    Answer,
    Beat,
    Closing,
    Gone,
    Close,
}

#[derive(Default)]
pub(super) struct Channel {
    pub(super) topics: BTreeSet<Topic>,
    pub(super) socket: Option<LinkKey>,
    /// Its place among all that were made.
    pub(super) born: u64,
    /// When it ends, if nobody was told of it.
    pub(super) ends: Option<Duration>,
}

/// How long a channel lasts that nobody was told of, and how late a call takes effect that was given up.
const ORPHAN_LIFE: Duration = Duration::from_secs(600);
const LATEST: f64 = 30.0;

impl World {
    /// The platform makes an event.
    pub(super) fn event(&mut self, topic: &Topic) {
        let promise = self.promises.get_mut(topic).unwrap();
        promise.sent += 1;
        let n = promise.sent;
        let channels = &self.channels;
        // That one is gone has no part in it; an answer from before may still tell what it had dropped.
        if promise.drops.keys().any(|channel| channels.contains_key(channel)) {
            promise.excused.insert(n);
        }
        for channel in self.channels.values().filter(|channel| channel.topics.contains(topic)) {
            if let Some(line) = channel.socket.and_then(|link| self.lines.get_mut(&link)) {
                line.wire.push_back(Wire::Event(topic.clone(), n));
            }
        }
    }

    /// The platform makes a channel; when there are too many, another goes for it.
    pub(super) fn create(&mut self, looked: usize) -> ChannelId {
        if self.channels.len() + self.others >= LIMIT {
            assert!(self.grown > looked, "somebody else's is evicted, and not in a race");
            self.evicted += 1;
            // Those without a socket first, and of those the oldest; what came since we looked has none yet.
            let idle = self.channels.iter().filter(|(_, channel)| channel.socket.is_none());
            let oldest = idle.min_by_key(|(_, channel)| channel.born).map(|(id, _)| id.clone());
            match oldest.filter(|_| self.unit < 0.5 || self.others == 0) {
                Some(id) => {
                    self.channels.remove(&id);
                }
                None => self.others = self.others.saturating_sub(1),
            }
        }
        self.made += 1;
        let id = ChannelId::new(format!("c{}", self.made));
        let channel = Channel { born: self.made, ..Channel::default() };
        self.channels.insert(id.clone(), channel);
        id
    }

    /// A channel that nobody is told of.
    pub(super) fn orphan(&mut self, looked: usize) {
        self.orphans += 1;
        let id = self.create(looked);
        self.abandon(&id);
    }

    pub(super) fn abandon(&mut self, id: &ChannelId) {
        let ends = self.now + ORPHAN_LIFE;
        self.channels.get_mut(id).into_iter().for_each(|channel| channel.ends = Some(ends));
    }

    /// Nothing that went wrong with a call has an effect any more.
    pub(super) fn forget_orphans(&mut self) {
        self.late.clear();
        self.channels.retain(|_, channel| channel.ends.is_none());
    }

    /// What the platform does with a call.
    pub(super) fn effect(&mut self, action: &Action) -> Input {
        let missing = || Error::new(ErrorKind::NotFound, "gone").with_status(404);
        match action {
            Action::List => {
                self.looked = self.grown;
                let known = Vec::new();
                let in_use = self.channels.len() + self.others;
                Input::Listed(Ok(ChannelListing::new(in_use, known)))
            }
            Action::Create => {
                let answer = {
                    let looked = self.looks.pop_front().unwrap_or_default();
                    Ok(ChannelInfo::new(self.create(looked), "wss://s/x"))
                };
                Input::Created { answer, generation: self.token }
            }
            Action::Check(id) => {
                let answer = Ok(self.channels.contains_key(id));
                Input::Checked { channel: id.clone(), answer }
            }
            Action::Replace(id, sent) => {
                let answer = match self.channels.get_mut(id) {
                    None => Err(missing()),
                    Some(channel) => {
                        let members = |name: &str| Topic::<()>::unchecked(name).members();
                        let all = sent.iter().flat_map(|name| members(name));
                        let all: BTreeSet<Topic> = all.collect();
                        channel.topics = all.difference(&self.forbidden).cloned().collect();
                        self.promises.values_mut().for_each(|promise| {
                            promise.drops.remove(id);
                        });
                        assert!(sent.len() <= self.size.names, "too many topics");
                        Ok(all
                            .iter()
                            .map(|topic| {
                                if self.forbidden.contains(topic) {
                                    TopicState::rejected(topic.name(), "no", vec![])
                                } else {
                                    TopicState::permitted(topic.name())
                                }
                            })
                            .collect())
                    }
                };
                Input::Subscribed { channel: id.clone(), sent: sent.clone(), answer }
            }
            Action::Clear(id) => {
                if let Some(channel) = self.channels.get_mut(id) {
                    assert!(channel.socket.is_none(), "one with a socket is cleared");
                    channel.topics.clear();
                }
                let alive = self.channels.contains_key(id);
                Input::Cleared { channel: id.clone(), alive }
            }
            Action::ReadBack(id) => {
                let states = |channel: &Channel| {
                    channel.topics.iter().map(|topic| TopicState::permitted(topic.name())).collect()
                };
                let answer = self.channels.get(id).map(states).ok_or_else(missing);
                Input::ReadBack { channel: id.clone(), answer }
            }
            _ => Input::CaughtUp,
        }
    }

    pub(super) fn failure(action: &Action) -> Input {
        let error = || Error::new(ErrorKind::Transport, "cut").retryable(true);
        match action {
            Action::List => Input::Listed(Err(error())),
            Action::Create => Input::Created { answer: Err(error()), generation: 0 },
            Action::Check(id) => Input::Checked { channel: id.clone(), answer: Err(error()) },
            Action::Replace(id, sent) => {
                let answer = Err(error());
                Input::Subscribed { channel: id.clone(), sent: sent.clone(), answer }
            }
            Action::Clear(id) => Input::Cleared { channel: id.clone(), alive: true },
            Action::ReadBack(id) => Input::ReadBack { channel: id.clone(), answer: Err(error()) },
            _ => Input::CaughtUp,
        }
    }

    /// One call goes a step on: it takes effect, or is answered.
    pub(super) fn answer(&mut self, index: usize, fails: bool) {
        if self.ops.is_empty() {
            return;
        }
        let index = index % self.ops.len();
        if fails && matches!(self.ops[index], (Action::Create, None)) {
            self.ops.remove(index);
            let looked = self.looks.pop_front().unwrap_or_default();
            if self.unit < 0.5 {
                // It takes effect all the same, after we have given it up.
                let at = self.now + Duration::from_secs_f64(self.unit * 2.0 * LATEST);
                self.late.push((at, looked));
            }
            return self.supervise(Self::failure(&Action::Create));
        }
        let (action, done) = &mut self.ops[index];
        match done.take() {
            None => {
                let action = match action {
                    Action::Replace(id, sent) => Action::Replace(id.clone(), sent.clone()),
                    Action::Check(id) => Action::Check(id.clone()),
                    Action::Clear(id) => Action::Clear(id.clone()),
                    Action::ReadBack(id) => Action::ReadBack(id.clone()),
                    Action::List => Action::List,
                    Action::Create => Action::Create,
                    _ => Action::AwaitConsumer,
                };
                let answer = self.effect(&action);
                self.ops[index].1 = Some(answer);
            }
            Some(answer) => {
                let (action, _) = self.ops.remove(index);
                let lost = fails && !matches!(action, Action::AwaitConsumer);
                if let Input::Created { answer: Ok(info), .. } = &answer
                    && lost
                {
                    self.orphans += 1;
                    self.abandon(&info.id);
                }
                self.supervise(if lost { Self::failure(&action) } else { answer });
            }
        }
    }

    /// Others make channels, or let them go; in the faulty world also between our look and what follows from it.
    pub(super) fn set_others(&mut self, others: usize) {
        let looking = |(action, _): &(Action, _)| matches!(action, Action::List | Action::Create);
        if self.mode == Mode::Faults || !self.ops.iter().any(looking) {
            let others = others.min(LIMIT.saturating_sub(self.channels.len()));
            self.grown += others.saturating_sub(self.others);
            self.others = others;
        }
    }
}

//! The supervisor: what the shards of a stream have in common, and where what happens goes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::broker::Broker;
use super::common::Common;
use super::held::Held;
use super::message::{Action, Input, Now, Plan};
use super::route::Of;
use super::shard::{Shard, State};
use crate::core::ids::ChannelId;
use crate::core::limits;
use crate::error::Result;
use crate::events::{Lifecycle, RenewalReason, StopReason, Topic};
use crate::streaming::desired::Desired;
use crate::streaming::ledger::LinkKey;
use crate::streaming::packing::ShardId;
use crate::streaming::policy::{Overflow, ReconnectPolicy};

/// How full one channel may be with the topics of two, for them to be merged unasked: with room for some more, so that
/// topics that come and go do not open and close channels all the time.
const MERGED_UNASKED: f64 = 0.75;

/// Where the stream is in its life.
#[derive(Debug, PartialEq)]
pub(super) enum Life {
    Idle,
    Running,
    Closing,
    Stopped(StopReason),
}

/// The stream's one decision maker.
pub(crate) struct Supervisor {
    pub(super) common: Common,
    /// Boxed, as a map has room for eleven from the first on, and most streams have one.
    pub(super) shards: BTreeMap<ShardId, Box<Shard>>,
    pub(super) broker: Broker,
    pub(super) life: Life,
    /// Calls about subscriptions that are under way, by channel: one of them may take effect, or be answered, after the
    /// channel is given back.
    pub(super) calls: BTreeMap<ChannelId, usize>,
    /// Channels that are given back once their calls are answered.
    pub(super) parked: Vec<Held>,
    /// Up to which part of a channel the topics of two are merged, while that is wanted.
    pub(super) merging: Option<f64>,
}

impl Supervisor {
    pub(crate) fn new(
        policy: Arc<dyn ReconnectPolicy>,
        overflow: Overflow,
        plan: Plan,
        topics: &[Topic],
    ) -> Result<Self> {
        let desired = match &plan.channels {
            Some(rules) => Desired::of_channels(rules.bounds, topics)?,
            None => Desired::of_one(plan.max_topics, topics)?,
        };
        let life = plan.channels.as_ref().map_or(limits::CHANNEL_LIFE, |rules| rules.life);
        let free = plan.channels.as_ref().map_or(0, |rules| rules.free);
        let limit = limits::CHANNELS_PER_CLIENT.saturating_sub(free).max(1);
        let ids: Vec<ShardId> = match desired.packing() {
            Some(packing) => packing.loads().map(|(id, _)| id).collect(),
            None => vec![0],
        };
        let shards = ids.into_iter().map(|id| (id, Box::new(Shard::new(id, false)))).collect();
        Ok(Self {
            common: Common::new(policy, overflow, plan, desired),
            shards,
            broker: Broker::new(limit, life),
            life: Life::Idle,
            calls: BTreeMap::new(),
            parked: Vec::new(),
            merging: None,
        })
    }

    /// Adds topics to the desired set, all or none, and says whether that changed it; [`Input::Changed`] acts on it.
    ///
    /// # Errors
    /// `Capacity` when the plan cannot hold them.
    pub(crate) fn want(&mut self, topics: &[Topic]) -> Result<bool> {
        let changed = self.common.desired.add(topics)?;
        for topic in &changed.topics {
            self.common.ledger.want(topic.clone());
        }
        if self.common.uses_channel() {
            for shard in self.shards.values_mut() {
                shard.came_back(&changed.topics);
            }
        }
        self.common.touched.extend(changed.shards);
        Ok(changed.any)
    }

    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.life, Life::Stopped(_))
    }

    pub(super) fn is_closing(&self) -> bool {
        self.life == Life::Closing
    }

    /// Whether a link that flows may deliver: not one that has to wait for the end of another, and never one that was given
    /// up.
    pub(crate) fn may_speak(&self, link: LinkKey) -> bool {
        let shard = self.shard_of_link(link).and_then(|id| self.shards.get(&id));
        shard.is_some_and(|shard| !shard.withholds(link))
    }

    /// Takes one input and says what to do.
    pub(crate) fn step(&mut self, now: Now, input: Input, out: &mut Vec<Action>) {
        if self.is_stopped() {
            return;
        }
        self.common.now = Some(now.at);
        self.common.replacing =
            self.shards.values().filter(|shard| shard.renewal.successor.is_some()).count();
        if let Input::Subscribed { channel, .. } | Input::ReadBack { channel, .. } = &input
            && let Some(calls) = self.calls.get_mut(channel)
        {
            *calls -= 1;
            if *calls == 0 {
                self.calls.remove(channel);
            }
        }
        self.take(now, input, out);
        let counted = self.count_calls(0, out);
        self.settle(now, out);
        self.count_calls(counted, out);
    }

    /// Counts the subscription calls among what is to be done; says how far it has looked.
    fn count_calls(&mut self, from: usize, out: &[Action]) -> usize {
        for action in &out[from..] {
            if let Action::Replace(channel, _) | Action::ReadBack(channel) = action {
                *self.calls.entry(channel.clone()).or_default() += 1;
            }
        }
        out.len()
    }

    fn take(&mut self, now: Now, input: Input, out: &mut Vec<Action>) {
        match input {
            Input::Start => self.start(now, out),
            Input::Listed(answer) => {
                let grants = self.broker.listed(answer, now.at.mono, out);
                self.grant(now, grants, out);
            }
            Input::Created { answer, generation } => {
                let grant = self.broker.created(answer, generation, now.at.mono);
                self.grant(now, grant.into_iter().collect(), out);
            }
            Input::Cleared { channel, alive } => self.broker.cleared(&channel, alive),
            Input::Checked { channel, answer } => {
                if let Some((shard, cx)) = self.of_channel(&channel, Of::Itself) {
                    shard.checked(cx, now, answer, out);
                }
            }
            Input::Subscribed { channel, sent, answer } => match self.shard_of_channel(&channel) {
                Some((_, Of::Itself)) => {
                    if let Some((shard, cx)) = self.of_channel(&channel, Of::Itself) {
                        shard.subscribed(cx, now, &sent, answer, out);
                    }
                }
                Some((_, Of::Successor)) => {
                    if let Some((shard, cx)) = self.of_channel(&channel, Of::Successor) {
                        shard.successor_subscribed(cx, now, &sent, answer, out);
                    }
                }
                None => {}
            },
            Input::ReadBack { channel, answer } => {
                if let Some((shard, cx)) = self.of_channel(&channel, Of::Itself) {
                    shard.read_back(cx, now, answer, out);
                }
            }
            Input::Asked { link, answer } => {
                if let Some((shard, cx)) = self.of_link(link) {
                    shard.asked(cx, now, link, answer, out);
                }
            }
            Input::Flowing { link, at, token } => {
                if let Some((shard, cx)) = self.of_link(link) {
                    shard.flowing(cx, now, link, at, token, out);
                }
            }
            Input::Fading { link } => match self.of_link(link) {
                Some((shard, cx)) => shard.fading(cx, link, out),
                None => out.push(Action::Mute(link)),
            },
            Input::Notice { link, notice } => {
                if let Some((shard, cx)) = self.of_link(link) {
                    shard.noticed(cx, now, link, notice, out);
                }
            }
            Input::LinkGone { link, ending } => {
                if let Some(held) = self.common.leaving.remove(&link) {
                    self.common.give_back(held);
                }
                let Some((shard, cx)) = self.of_link(link) else { return };
                match shard.merged_into {
                    Some(into) => {
                        let from = shard.id;
                        self.merged_gone(now, from, into, &ending, out);
                    }
                    None => shard.link_gone(cx, now, link, ending, out),
                }
            }
            // Those that changed are touched.
            Input::Changed => self.each(|shard, cx| shard.drop_spoilt(cx, out)),
            Input::Unwant(topics) => self.unwanted(&topics, out),
            Input::TokenRotated { generation } => {
                self.common.newest = self.common.newest.max(generation);
                self.each(|shard, cx| shard.token_rotated(cx, now, out));
            }
            Input::Renew => {
                self.each(|shard, cx| shard.renew(cx, RenewalReason::Requested, now, out));
            }
            Input::Rebalance => self.merging = Some(1.0),
            Input::Adopt(channels) => self.adopt(channels, now.at),
            Input::Timer => self.each(|shard, cx| shard.timer(cx, now, out)),
            Input::CaughtUp => {
                self.each(|shard, _| shard.caught_up(now));
                let held = |shard: &Shard| matches!(shard.state, State::Held { .. });
                if self.shards.values().any(|shard| held(shard)) {
                    // It is behind again. Once for all of them: each of them had asked.
                    out.push(Action::AwaitConsumer);
                }
            }
            Input::Close => {
                self.life = Life::Closing;
                self.each(|shard, cx| shard.close(cx, out));
            }
        }
    }

    fn start(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.life != Life::Idle {
            return;
        }
        self.life = Life::Running;
        self.common.touched.clear();
        if let Some(rules) = &mut self.common.plan.channels {
            self.broker.adopt(std::mem::take(&mut rules.own), now.at.mono);
        }
        self.each(|shard, cx| shard.attempt(cx, out));
    }

    fn each(&mut self, mut act: impl FnMut(&mut Shard, &mut Common)) {
        for shard in self.shards.values_mut() {
            act(shard, &mut self.common);
        }
    }

    fn of_link(&mut self, link: LinkKey) -> Option<(&mut Shard, &mut Common)> {
        let id = self.shard_of_link(link)?;
        Some((self.shards.get_mut(&id)?, &mut self.common))
    }

    fn of_channel(&mut self, channel: &ChannelId, whose: Of) -> Option<(&mut Shard, &mut Common)> {
        let (id, found) = self.shard_of_channel(channel)?;
        (found == whose).then_some(())?;
        Some((self.shards.get_mut(&id)?, &mut self.common))
    }

    fn unwanted(&mut self, topics: &[Topic], out: &mut Vec<Action>) {
        let place = |topic: Topic| Some((self.common.desired.packing()?.shard_of(&topic)?, topic));
        let places: Vec<(ShardId, Topic)> =
            topics.iter().flat_map(Topic::members).filter_map(place).collect();
        let changed = self.common.desired.remove(topics);
        self.common.touched.extend(changed.shards);
        if changed.topics.is_empty() {
            return;
        }
        for topic in &changed.topics {
            self.common.ledger.forget(topic);
        }
        // What two wishes had in common, and one of them still wants, is not removed.
        let packing = self.common.desired.packing();
        for (id, topic) in places {
            if let Some(shard) = self.shards.get_mut(&id)
                && let Some(successor) = &mut shard.renewal.successor
                && packing.is_some_and(|packing| packing.shard_of(&topic).is_none())
            {
                successor.removed.insert(topic);
            }
        }
        out.push(Action::Emit(Lifecycle::Unsubscribed { topics: changed.topics.into() }));
        self.merging.get_or_insert(MERGED_UNASKED);
    }
}

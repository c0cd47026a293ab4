//! The supervisor: what the shards of a stream have in common, and where what happens goes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::broker::{Broker, Grant};
use super::common::Common;
use super::held::Held;
use super::message::{Action, Input, Now, Plan};
use super::route::Of;
use super::shard::{Shard, State};
use crate::core::ids::ChannelId;
use crate::core::limits;
use crate::core::ports::ChannelInfo;
use crate::error::{Error, Result};
use crate::events::{Lifecycle, RenewalReason, StopReason, Topic};
use crate::streaming::delivery::ConnectionState;
use crate::streaming::desired::Desired;
use crate::streaming::ledger::LinkKey;
use crate::streaming::packing::ShardId;
use crate::streaming::policy::{Overflow, ReconnectPolicy};

/// How full one channel may be with the topics of two, for them to be merged unasked: with room for some more, so that
/// topics that come and go do not open and close channels all the time.
const MERGED_UNASKED: f64 = 0.75;

/// Where the stream is in its life.
#[derive(Debug, PartialEq)]
enum Life {
    Idle,
    Running,
    Closing,
    Stopped(StopReason),
}

/// The stream's one decision maker.
pub(crate) struct Supervisor {
    pub(super) common: Common,
    pub(super) shards: BTreeMap<ShardId, Shard>,
    broker: Broker,
    life: Life,
    /// Calls about subscriptions that are under way, by channel: one of them may take effect, or be answered, after the
    /// channel is given back.
    calls: BTreeMap<ChannelId, usize>,
    /// Channels that are given back once their calls are answered.
    parked: Vec<Held>,
    /// Up to which part of a channel the topics of two are merged, while that is wanted.
    merging: Option<f64>,
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
        let ids: Vec<ShardId> = match desired.packing() {
            Some(packing) => packing.loads().map(|(id, _)| id).collect(),
            None => vec![0],
        };
        let shards = ids.into_iter().map(|id| (id, Shard::new(id, false))).collect();
        Ok(Self {
            common: Common::new(policy, overflow, plan, desired),
            shards,
            broker: Broker::new(limits::CHANNELS_PER_CLIENT, life),
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

    /// Consecutive failures so far, of the shard that has the most.
    pub(crate) fn failures(&self) -> u32 {
        self.shards.values().map(|shard| shard.failures).max().unwrap_or(0)
    }

    /// Links that came to flow in the place of one that had flowed before.
    pub(crate) fn reconnects(&self) -> u64 {
        self.common.reconnects
    }

    /// The channels that there are: to be used again by another run of the program.
    pub(crate) fn channels(&self) -> Vec<ChannelInfo> {
        self.shards
            .values()
            .filter_map(|shard| shard.channel.as_ref())
            .filter(|held| !held.dead)
            .map(|held| held.info.clone())
            .collect()
    }

    /// Whether a channel is one that delivers.
    pub(crate) fn is_current(&self, channel: Option<&ChannelId>) -> bool {
        let mut held = self.shards.values().filter_map(|shard| shard.channel.as_ref());
        channel.is_none() || held.any(|held| Some(&held.info.id) == channel)
    }

    /// When [`Input::Timer`] is due.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        match self.life {
            Life::Running => self.shards.values().filter_map(Shard::wake_at).min(),
            _ => None,
        }
    }

    /// How the stream stands: as its worst shard does.
    pub(crate) fn connection_state(&self) -> ConnectionState {
        match &self.life {
            Life::Closing => return ConnectionState::Stopped(StopReason::Closed),
            Life::Stopped(reason) => return ConnectionState::Stopped(reason.clone()),
            Life::Idle | Life::Running => {}
        }
        let states = || self.shards.values().map(|shard| (shard, &shard.state));
        let held = states().find_map(|(_, state)| match state {
            State::Held { cause, .. } => Some(ConnectionState::Held { cause: cause.clone() }),
            _ => None,
        });
        let waiting = states().find_map(|(shard, state)| match state {
            State::Waiting { wait, cause, .. } => Some(ConnectionState::Backoff {
                failures: shard.failures,
                wait: *wait,
                cause: cause.clone(),
            }),
            _ => None,
        });
        let connecting = states().any(|(_, state)| {
            matches!(
                state,
                State::Idle
                    | State::Creating
                    | State::Checking
                    | State::Subscribing
                    | State::Dialing { .. }
            )
        });
        let connecting =
            connecting.then(|| ConnectionState::Connecting { failures: self.failures() });
        let live = states().find_map(|(shard, state)| match state {
            State::Live { since, .. } => {
                Some(ConnectionState::Live { channel: shard.channel_id(), since: since.wall })
            }
            _ => None,
        });
        let unknown = ConnectionState::Connecting { failures: self.failures() };
        held.or(waiting).or(connecting).or(live).unwrap_or(unknown)
    }

    /// The link over which something can be sent now.
    pub(crate) fn open_link(&self) -> Option<LinkKey> {
        self.shards.values().find_map(Shard::open_link)
    }

    /// Whether a link that flows must not deliver yet.
    pub(crate) fn withholds(&self, link: LinkKey) -> bool {
        self.shards.values().any(|shard| shard.withholds(link))
    }

    /// Takes one input and says what to do.
    pub(crate) fn step(&mut self, now: Now, input: Input, out: &mut Vec<Action>) {
        if self.is_stopped() {
            return;
        }
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
                let grants = self.broker.listed(answer, out);
                self.grant(now, grants, out);
            }
            Input::Created { answer, generation } => {
                let grant = self.broker.created(answer, generation);
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
            Input::Fading { link } => {
                if let Some((shard, cx)) = self.of_link(link) {
                    shard.fading(cx, now, link, out);
                }
            }
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
            Input::Changed => self.each(|shard, cx| shard.drop_spoilt(cx, now, out)),
            Input::Unwant(topics) => self.unwanted(&topics, out),
            Input::TokenRotated { generation } => {
                self.common.newest = self.common.newest.max(generation);
                self.each(|shard, cx| shard.token_rotated(cx, now, out));
            }
            Input::Renew => {
                self.each(|shard, cx| shard.renew(cx, RenewalReason::Requested, now, out));
            }
            Input::Rebalance => self.merging = Some(1.0),
            Input::Timer => self.each(|shard, cx| shard.timer(cx, now, out)),
            Input::CaughtUp => self.each(|shard, _| shard.caught_up(now)),
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

    fn grant(&mut self, now: Now, grants: Vec<(ShardId, Grant)>, out: &mut Vec<Action>) {
        for (id, grant) in grants {
            match (self.shards.get_mut(&id), grant) {
                (Some(shard), grant) => shard.granted(&mut self.common, now, grant, out),
                (None, Grant::Channel { info, generation, .. }) => {
                    let key = self.common.fresh_key();
                    self.common.give_back(Held::new(info, key, generation));
                }
                (None, _) => {}
            }
        }
    }

    fn unwanted(&mut self, topics: &[Topic], out: &mut Vec<Action>) {
        let changed = self.common.desired.remove(topics);
        self.common.touched.extend(changed.shards);
        if changed.topics.is_empty() {
            return;
        }
        for topic in &changed.topics {
            self.common.ledger.forget(topic);
        }
        for shard in self.shards.values_mut() {
            if let Some(successor) = &mut shard.renewal.successor {
                successor.removed.extend(changed.topics.iter().cloned());
            }
        }
        out.push(Action::Emit(Lifecycle::Unsubscribed { topics: changed.topics.into() }));
        self.merging.get_or_insert(MERGED_UNASKED);
    }

    /// Does what follows from a step for others than the shard that took it.
    fn settle(&mut self, now: Now, out: &mut Vec<Action>) {
        loop {
            self.change(now, out);
            self.bury();
            self.parked.append(&mut self.common.given_back);
            for held in std::mem::take(&mut self.parked) {
                if self.calls.contains_key(&held.info.id) {
                    self.parked.push(held);
                } else if held.dead {
                    self.broker.doubt(held, now.at.mono);
                } else {
                    self.broker.give_back(held, now.at.mono, out);
                }
            }
            for shard in std::mem::take(&mut self.common.wants) {
                self.broker.want(shard);
            }
            let grants = self.broker.serve(self.common.newest, now.at.mono, out);
            if grants.is_empty() && !self.common.is_unsettled() {
                break;
            }
            self.grant(now, grants, out);
        }
        if let Some((reason, error)) = self.common.ending.take() {
            return self.stop(reason, error, out);
        }
        if self.life == Life::Closing
            && self.shards.values().all(|shard| matches!(shard.state, State::Over))
        {
            return self.stop(StopReason::Closed, None, out);
        }
        if let Some(part) = self.merging
            && self.life == Life::Running
            && !self.merge_two(part, now, out)
        {
            let busy = |shard: &Shard| shard.renewal.successor.is_some() || !shard.is_quiet();
            if !self.shards.values().any(busy) {
                self.merging = None;
            }
        }
        for shard in std::mem::take(&mut self.common.wants) {
            self.broker.want(shard);
        }
        let grants = self.broker.serve(self.common.newest, now.at.mono, out);
        self.grant(now, grants, out);
    }

    /// Shards whose topics changed say so to the platform; new ones open, and empty ones close.
    fn change(&mut self, now: Now, out: &mut Vec<Action>) {
        let touched = std::mem::take(&mut self.common.touched);
        let emptied = std::mem::take(&mut self.common.emptied);
        if self.life != Life::Running {
            return;
        }
        for id in emptied {
            self.release(id, out);
        }
        for id in touched {
            if self.common.uses_channel() && self.release(id, out) {
                continue;
            }
            match self.shards.get_mut(&id) {
                Some(shard) => shard.changed(&mut self.common, now, out),
                None if self.common.desired.packing().is_some_and(|p| p.load(id).is_some()) => {
                    let mut shard = Shard::new(id, true);
                    shard.attempt(&mut self.common, out);
                    self.shards.insert(id, shard);
                }
                None => {}
            }
        }
    }

    /// Closes a shard that has no topics, when there are others; whether it did.
    fn release(&mut self, id: ShardId, out: &mut Vec<Action>) -> bool {
        let others = self
            .shards
            .values()
            .any(|shard| shard.id != id && !matches!(shard.state, State::Closing { .. }));
        let empty = |shard: &Shard| shard.merge.is_none() && shard.is_cleared();
        if !others || !self.shards.get(&id).is_none_or(empty) {
            return false;
        }
        if !self.common.desired.packing_mut().is_some_and(|packing| packing.close(id)) {
            return false;
        }
        let Some(shard) = self.shards.get_mut(&id) else { return true };
        let channel = shard.channel_id();
        // What it still has is of topics that are not wanted any more, or that come over another by now.
        out.extend(shard.current_link().map(Action::Hush));
        shard.close(&mut self.common, out);
        out.push(Action::Emit(Lifecycle::Released { channel }));
        true
    }

    /// Removes shards of which nothing is left; the stream's last one only when it closes.
    fn bury(&mut self) {
        let over: Vec<ShardId> = self
            .shards
            .values()
            .filter(|shard| matches!(shard.state, State::Over))
            .map(|shard| shard.id)
            .collect();
        if self.life != Life::Running || self.common.ending.is_some() {
            return;
        }
        for id in over {
            self.broker.forget(id);
            if let Some(mut shard) = self.shards.remove(&id) {
                shard.drop_channel(&mut self.common);
            }
        }
    }

    fn stop(&mut self, reason: StopReason, error: Option<Error>, out: &mut Vec<Action>) {
        let uncovered = self.common.ledger.uncovered();
        self.life = Life::Stopped(reason.clone());
        out.push(Action::Emit(Lifecycle::Stopped { reason, uncovered }));
        out.push(Action::Stop(error));
    }

    /// Entries of every table, for tests of its size.
    #[cfg(test)]
    pub(crate) fn size(&self) -> usize {
        let (topics, claims, links) = self.common.ledger.size();
        let leaving = self.common.leaving.len();
        let waiting = self.calls.len() + self.parked.len();
        topics + claims + links + leaving + waiting + self.shards.len() + self.broker.size()
    }

    #[cfg(test)]
    pub(crate) fn covers(&self, topic: &Topic) -> bool {
        self.common.ledger.covers(topic)
    }

    /// Whether a topic that comes back would have to go to another channel than the one that still delivers it.
    #[cfg(test)]
    pub(crate) fn displaces(&self, topic: &Topic) -> bool {
        self.common.desired.packing().is_some_and(|packing| packing.displaces(topic))
    }

    /// The states of all shards, to be read by people.
    #[cfg(test)]
    pub(crate) fn describe(&self) -> String {
        let line = |shard: &Shard| {
            let Shard { id, state, reconcile, merge, merged_into, .. } = shard;
            let renewal = &shard.renewal;
            format!("{id}: {state:?} {reconcile:?} {renewal:?} {merge:?} {merged_into:?}\n")
        };
        let shards: String = self.shards.values().map(line).collect();
        format!("{shards}{:?} {:?}", self.broker, self.common.desired.packing())
    }

    /// Whether every shard is live, and no change is under way.
    #[cfg(test)]
    pub(crate) fn is_at_rest(&self) -> bool {
        self.shards.values().all(|shard| shard.is_quiet() && shard.renewal.successor.is_none())
    }

    #[cfg(test)]
    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }
}

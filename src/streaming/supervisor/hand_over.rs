//! Handing over to another process, and taking over from one.

use std::time::SystemTime;

use super::common::gap;
use super::machine::{Life, Supervisor};
use super::message::Action;
use super::shard::Shard;
use crate::core::clock::Moment;
use crate::core::ids::ChannelId;
use crate::core::ports::ChannelInfo;
use crate::events::{Lifecycle, Topic};
use crate::streaming::checkpoint::Kept;
use crate::streaming::ledger::{Covered, Groups, LinkKey};

/// How far a stream has come, as far as its links and its ledger know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    /// Topics as they were added.
    pub(crate) wanted: Vec<Topic>,
    pub(crate) coverage: Groups,
    pub(crate) channels: Vec<Kept>,
}

impl Supervisor {
    /// Remembers from here on what a hand-over needs.
    pub(crate) fn stand_by(&mut self) {
        self.common.ledger.stand_by();
    }

    /// What another process covered counts as covered before.
    pub(crate) fn take_over(&mut self, before: &Covered, now: Moment) -> Vec<Lifecycle> {
        let told = |action| match action {
            Action::Emit(lifecycle) => Some(lifecycle),
            _ => None,
        };
        let gaps = self.common.ledger.take_over(before, now);
        gaps.into_iter().map(gap).filter_map(told).collect()
    }

    /// How far the stream has come; `handed_on` says how far a link has. Channels that are left to another process are not
    /// used here any more, unless there is no room for others.
    pub(crate) fn snapshot(
        &mut self,
        handed_on: impl Fn(LinkKey) -> Option<SystemTime>,
        last: bool,
    ) -> Snapshot {
        let in_use = self.in_use();
        let spare =
            if last { self.broker.spares() } else { self.broker.reserve(self.shards.len()) };
        let kept = |spare| move |info: ChannelInfo| Kept { info, spare };
        let mut channels: Vec<Kept> = in_use.into_iter().map(kept(false)).collect();
        channels.extend(spare.into_iter().map(kept(true)));
        Snapshot {
            wanted: self.common.desired.topics(),
            coverage: self.common.ledger.coverage(handed_on),
            channels,
        }
    }

    /// Channels of a process before, to be used when another is needed.
    pub(super) fn adopt(&mut self, mut channels: Vec<ChannelInfo>, now: Moment) {
        let ours: Vec<ChannelId> = self.in_use().into_iter().map(|info| info.id).collect();
        channels.retain(|channel| !ours.contains(&channel.id));
        self.broker.adopt(channels, now.mono);
    }

    fn in_use(&self) -> Vec<ChannelInfo> {
        let of_shard = |shard: &Shard| {
            let successor = shard.renewal.successor.as_ref().and_then(|one| one.held.as_ref());
            let held = [shard.channel.as_ref(), successor].into_iter().flatten();
            held.filter(|held| !held.dead).map(|held| held.info.clone()).collect::<Vec<_>>()
        };
        let leaving =
            self.common.leaving.values().chain(&self.parked).map(|held| held.info.clone());
        self.shards.values().flat_map(|shard| of_shard(shard)).chain(leaving).collect()
    }

    /// Whether every topic flows that the platform did not refuse.
    pub(crate) fn is_ready(&self) -> bool {
        let flows = |shard: &Shard| {
            let key = shard.channel.as_ref().map(|held| held.key).or(shard.current_link());
            let waits = key.is_some_and(|key| self.common.ledger.awaits_flow(key));
            shard.is_quiet() && !waits
        };
        self.life == Life::Running
            && self.common.touched.is_empty()
            && self.shards.values().all(|shard| flows(shard))
    }
}

//! What follows from a step for others than the shard that took it.

use super::broker::Grant;
use super::held::Held;
use super::machine::{Life, Supervisor};
use super::message::{Action, Now};
use super::shard::{Shard, State};
use crate::error::Error;
use crate::events::{Lifecycle, StopReason};
use crate::streaming::packing::ShardId;

impl Supervisor {
    /// Does what follows from a step for others than the shard that took it.
    pub(super) fn settle(&mut self, now: Now, out: &mut Vec<Action>) {
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
            if !self.shards.values().any(|shard| busy(shard)) {
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
                    let mut shard = Box::new(Shard::new(id, true));
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
        if !others || !self.shards.get(&id).is_none_or(|shard| empty(shard)) {
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

    pub(super) fn grant(&mut self, now: Now, grants: Vec<(ShardId, Grant)>, out: &mut Vec<Action>) {
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
}

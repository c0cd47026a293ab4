//! Two shards that become one: the successor of one of them takes over the topics of both.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::common::gap;
use super::machine::Supervisor;
use super::message::{Action, Ending, Now};
use super::shard::{Shard, State};
use super::succession::Phase;
use crate::core::close::Gone;
use crate::events::{Lifecycle, RenewalReason, Topic};
use crate::streaming::ledger::LinkKey;
use crate::streaming::packing::ShardId;

/// The shard whose topics another takes over with its next successor. Its connection goes on with what it had until then.
#[derive(Debug)]
pub(super) struct Merge {
    /// Its link.
    pub(super) key: LinkKey,
    /// Its topics, which it delivers until then.
    pub(super) lent: BTreeSet<Topic>,
    /// Whether its link has ended.
    pub(super) done: bool,
}

impl Shard {
    /// Whether the end of the other link is to be waited for; it is asked to close by then.
    pub(super) fn waits_for_merge(&mut self, out: &mut Vec<Action>) -> bool {
        let Some(merge) = self.merge.as_ref().filter(|merge| !merge.done) else { return false };
        let key = merge.key;
        if let Some(successor) = &mut self.renewal.successor
            && let Phase::Flowing { closes, old_gone, .. } = &mut successor.phase
        {
            *old_gone = true;
            if closes.take().is_some() {
                out.push(Action::CloseLink(key, Gone::Requested));
            }
        }
        true
    }

    /// Whether its subscription is as it should be.
    pub(super) fn is_quiet(&self) -> bool {
        self.is_live() && !self.reconcile.is_unsettled()
    }

    /// Whether it can take part in a merge.
    fn is_at_rest(&self) -> bool {
        self.is_quiet()
            && self.renewal.successor.is_none()
            && self.merge.is_none()
            && self.merged_into.is_none()
    }

    /// Whether the successor flows, and the old link has ended already.
    fn has_only_merge_left(&self) -> bool {
        let successor = self.renewal.successor.as_ref();
        successor.is_some_and(|one| matches!(one.phase, Phase::Flowing { old_gone: true, .. }))
    }
}

impl Supervisor {
    /// Begins to merge two connections whose topics fit into this part of one, if there are such; whether there were.
    pub(super) fn merge_two(&mut self, part: f64, now: Now, out: &mut Vec<Action>) -> bool {
        let shards = &self.shards;
        let rests = |shard| shards.get(&shard).is_some_and(|shard| shard.is_at_rest());
        let Some((from, into)) =
            self.common.desired.packing().and_then(|packing| packing.mergeable(part, rests))
        else {
            return false;
        };
        let Some(key) = self.shards.get(&from).and_then(|shard| shard.current_link()) else {
            return false;
        };
        let Some(packing) = self.common.desired.packing_mut() else { return false };
        let load = packing.load(from);
        let lent = load.map(|load| load.topics().cloned().collect()).unwrap_or_default();
        packing.merge(from, into);
        if let Some(shard) = self.shards.get_mut(&from) {
            shard.merged_into = Some(into);
        }
        if let Some(shard) = self.shards.get_mut(&into) {
            shard.merge = Some(Merge { key, lent, done: false });
            shard.renew(&mut self.common, RenewalReason::Rebalance, now, out);
        }
        true
    }

    /// The link of a shard that another takes over is gone.
    pub(super) fn merged_gone(
        &mut self,
        now: Now,
        from: ShardId,
        into: ShardId,
        ending: &Ending,
        out: &mut Vec<Action>,
    ) {
        let Some(mut shard) = self.shards.remove(&from) else { return };
        let Some(link) = shard.current_link() else { return };
        let last = ending.last_in.unwrap_or(now.at);
        let sure = ending.sure.unwrap_or(now.at);
        let sure = shard.channel.as_ref().map_or(sure, |held| held.sure_until(sure));
        let cause = Arc::new(ending.cause.clone());
        self.common.ledger.lost(link, sure, &cause);
        let closing = self.is_closing();
        let channel = shard.channel_id();
        if let Some(target) = self.shards.get_mut(&into) {
            let flows = target.renewal.flowing().is_some();
            if flows {
                let doubt = target.doubt(&self.common, link, sure, ending.drained);
                out.extend(doubt.into_iter().map(gap));
                if let Some(merge) = &mut target.merge {
                    merge.done = true;
                }
                shard.drop_channel(&mut self.common);
                if target.has_only_merge_left() {
                    if closing {
                        target.closed(&mut self.common, out);
                    } else {
                        target.take_over(&mut self.common, now, out);
                    }
                }
                out.push(Action::Emit(Lifecycle::Released { channel }));
                return;
            }
            // It did not last so long: its topics are the other's now, at once.
            let was_live = match shard.state {
                State::Live { since, .. } => last.mono.saturating_duration_since(since.mono),
                _ => Duration::ZERO,
            };
            let last_in = ending.last_in.map(|at| at.wall);
            if !closing {
                out.push(shard.disconnected(ending.cause.clone(), last_in, was_live, None));
            }
            target.merge = None;
            target.renewal.forget_merge();
            target.give_up_successor(&mut self.common, out);
            target.reconcile_now(&self.common, out);
        }
        if let Some(held) = &mut shard.channel {
            held.dead |= matches!(ending.cause, Gone::ChannelGone { .. });
        }
        shard.drop_channel(&mut self.common);
    }
}

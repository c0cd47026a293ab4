//! Getting channels without taking anybody else's: ours of before, or new ones as far as there is room.
//!
//! Before any channel is made, the platform is asked how many there are, and no more are made than one answer has room
//! for. A call whose answer was lost may have made a channel, or may still: it counts as one for [`DOUBT`], and only after
//! another look is another call made. The channel itself is left alone. The platform tells the ids of those that a token
//! made, not which program uses them, and several programs, or several streams of one, may share a token: one that has no
//! topics yet may be about to be somebody's. It counts towards the limit until it ends, or until the platform removes it
//! for another, which it does with those that have no socket first.
//!
//! What nobody can prevent is that others make channels between our look and our call. The call follows the look at
//! once; and what a race costs is, by the same rule, a channel that has no socket yet: one of those that raced. Who wants
//! more distance leaves some channels free ([`ChannelRules::free`](super::message::ChannelRules::free)).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::held::Held;
use super::message::Action;
use crate::core::clock::later;
use crate::core::ids::ChannelId;
use crate::core::ports::{ChannelInfo, ChannelListing};
use crate::error::{Error, ErrorKind, Result};
use crate::streaming::packing::ShardId;

/// Spare channels that are remembered; more than there can be.
const SPARES: usize = 20;

/// How long a call whose answer was lost may take effect. Ours, not the platform's: our own calls are given up after 32 s,
/// and nothing is known of how long the platform goes on with one.
const DOUBT: Duration = Duration::from_secs(60);

/// Channels that could not be dialled, and beside which others are tried: when so many could not, it is not their fault.
const UNDIALLED: usize = 2;

/// A channel of ours that nobody needs now.
#[derive(Debug)]
struct Spare {
    info: ChannelInfo,
    /// The token that made it; `None` when an earlier run did.
    generation: Option<u64>,
    /// When the platform removes it.
    until: Instant,
    /// Whether it is left to the process after this one.
    reserved: bool,
    /// Whether its last dial failed.
    undialled: bool,
}

impl Spare {
    fn grant(self) -> Grant {
        Grant::Channel { info: self.info, generation: self.generation, spare: true }
    }
}

/// The same error for another shard.
fn copy(error: &Error) -> Error {
    let mut copy = Error::new(error.kind(), error.summary()).retryable(error.is_retryable());
    if let Some(wait) = error.retry_after() {
        copy = copy.with_retry_after(wait);
    }
    if let Some(status) = error.status() {
        copy = copy.with_status(status);
    }
    copy
}

/// Whether a call that failed may have made a channel all the same.
fn may_have_made(error: &Error) -> bool {
    let lost =
        matches!(error.kind(), ErrorKind::Transport | ErrorKind::Timeout | ErrorKind::Decode);
    let unclear = error.status().is_some_and(|status| status == 408 || status >= 500);
    (lost || unclear) && !error.is_proven_unsent()
}

/// What a shard that wants a channel gets.
#[derive(Debug)]
pub(super) enum Grant {
    Channel {
        info: ChannelInfo,
        generation: Option<u64>,
        spare: bool,
    },
    Failed(Error),
    /// There is no room: so many are in use, and so many more are needed.
    Busy {
        in_use: usize,
        limit: usize,
        needed: usize,
    },
}

/// Gets channels, for one shard after another.
#[derive(Debug)]
pub(super) struct Broker {
    limit: usize,
    life: Duration,
    queue: VecDeque<ShardId>,
    listing: bool,
    /// Channels that were made since it was asked how many there are, which the answer may not count.
    made: usize,
    /// Those for whom one is being made.
    makes: VecDeque<ShardId>,
    /// Calls whose answer was lost: until when each counts as a channel.
    doubts: Vec<Instant>,
    spares: Vec<Spare>,
    /// Channels that are being unsubscribed before they are spare.
    clearing: Vec<Spare>,
    /// Channels that seem to be gone, but may still count.
    doubtful: VecDeque<Spare>,
}

impl Broker {
    pub(super) fn new(limit: usize, life: Duration) -> Self {
        let (queue, makes) = (VecDeque::new(), VecDeque::new());
        Self {
            limit,
            life,
            queue,
            listing: false,
            made: 0,
            makes,
            doubts: Vec::new(),
            spares: Vec::new(),
            clearing: Vec::new(),
            doubtful: VecDeque::new(),
        }
    }

    /// Channels of an earlier run.
    pub(super) fn adopt(&mut self, own: Vec<ChannelInfo>, now: Instant) {
        let until = later(now, self.life);
        let known: Vec<ChannelId> = self.all().map(|spare| spare.info.id.clone()).collect();
        let spare =
            |info| Spare { info, generation: None, until, reserved: false, undialled: false };
        let new = own.into_iter().filter(|info| !known.contains(&info.id));
        let room = SPARES.saturating_sub(known.len());
        self.spares.extend(new.take(room).map(spare));
    }

    fn all(&self) -> impl Iterator<Item = &Spare> {
        self.spares.iter().chain(&self.clearing)
    }

    /// All channels that nobody needs.
    pub(super) fn spares(&self) -> Vec<ChannelInfo> {
        self.all().map(|spare| spare.info.clone()).collect()
    }

    /// Leaves channels to the process after this one, so many at most: which they are. They are used here only when there
    /// is no room for another.
    pub(super) fn reserve(&mut self, most: usize) -> Vec<ChannelInfo> {
        let reserved = self.spares.iter().filter(|spare| spare.reserved).count();
        let free = self.spares.iter_mut().filter(|spare| !spare.reserved);
        free.take(most.saturating_sub(reserved)).for_each(|spare| spare.reserved = true);
        let reserved = self.spares.iter().filter(|spare| spare.reserved);
        reserved.map(|spare| spare.info.clone()).collect()
    }

    pub(super) fn want(&mut self, shard: ShardId) {
        if !self.queue.contains(&shard) {
            self.queue.push_back(shard);
        }
    }

    /// A shard is no more.
    pub(super) fn forget(&mut self, shard: ShardId) {
        self.queue.retain(|other| *other != shard);
    }

    /// A channel that is not needed any more: it is unsubscribed, and used again by who needs one next, because it counts
    /// towards the limit until it ends. One that could not be dialled is the last that is used again.
    pub(super) fn give_back(&mut self, held: Held, now: Instant, out: &mut Vec<Action>) {
        let undialled = held.failed_dials > 0;
        let Held { info, generation, .. } = held;
        let until = later(now, self.life);
        let spare = Spare { info, generation, until, reserved: false, undialled };
        if self.clearing.len() + self.spares.len() >= SPARES {
            self.spares.drain(..1.min(self.spares.len()));
        }
        out.push(Action::Clear(spare.info.id.clone()));
        self.clearing.push(spare);
    }

    /// A channel that seems to be gone. Should it still exist, it counts until it ends, and is tried when there is no room
    /// for another.
    pub(super) fn doubt(&mut self, held: Held, now: Instant) {
        if self.doubtful.len() == SPARES {
            self.doubtful.pop_front();
        }
        let until = later(now, self.life);
        let (info, generation) = (held.info, held.generation);
        let (reserved, undialled) = (false, true);
        self.doubtful.push_back(Spare { info, generation, until, reserved, undialled });
    }

    pub(super) fn cleared(&mut self, channel: &ChannelId, alive: bool) {
        let found = self.clearing.iter().position(|spare| spare.info.id == *channel);
        if let Some(found) = found {
            let spare = self.clearing.swap_remove(found);
            if alive {
                self.spares.push(spare);
            }
        }
    }

    /// Serves those who wait, as far as can be done without a call.
    pub(super) fn serve(
        &mut self,
        newest: u64,
        now: Instant,
        out: &mut Vec<Action>,
    ) -> Vec<(ShardId, Grant)> {
        self.spares.retain(|spare| now < spare.until);
        self.doubtful.retain(|spare| now < spare.until);
        let mut grants = Vec::new();
        let again = self.all().filter(|spare| spare.undialled).count() >= UNDIALLED;
        while let Some(shard) = self.queue.pop_front() {
            // One that an older token made ends with it: only when there is nothing better.
            let fresh = |spare: &Spare| {
                let dials = again || !spare.undialled;
                dials && !spare.reserved && spare.generation.is_none_or(|made| made >= newest)
            };
            let found = self.spares.iter().enumerate().filter(|(_, spare)| fresh(spare));
            let found = found.min_by_key(|(_, spare)| spare.undialled).map(|(found, _)| found);
            if let Some(found) = found {
                grants.push((shard, self.spend(found)));
                continue;
            }
            self.queue.push_front(shard);
            if !self.listing {
                (self.listing, self.made) = (true, 0);
                out.push(Action::List);
            }
            break;
        }
        grants
    }

    fn spend(&mut self, index: usize) -> Grant {
        self.spares.remove(index).grant()
    }

    pub(super) fn listed(
        &mut self,
        answer: Result<ChannelListing>,
        now: Instant,
        out: &mut Vec<Action>,
    ) -> Vec<(ShardId, Grant)> {
        self.listing = false;
        self.doubts.retain(|until| now < *until);
        let mut waiting = std::mem::take(&mut self.queue);
        let listing = match answer {
            Ok(listing) => listing,
            Err(error) => {
                let mut grants: Vec<_> = waiting
                    .iter()
                    .skip(1)
                    .map(|shard| (*shard, Grant::Failed(copy(&error))))
                    .collect();
                grants.extend(waiting.front().map(|shard| (*shard, Grant::Failed(error))));
                return grants;
            }
        };
        let sure = listing.in_use + self.makes.len() + self.made;
        let free_but_for_doubts = self.limit.saturating_sub(sure);
        let mut free = free_but_for_doubts.saturating_sub(self.doubts.len());
        let mut doubtful = free_but_for_doubts - free;
        let mut grants = Vec::new();
        while let Some(shard) = waiting.pop_front() {
            if free > 0 {
                free -= 1;
                self.makes.push_back(shard);
                out.push(Action::Create);
            } else if !self.spares.is_empty() {
                let spares = self.spares.iter().enumerate();
                let best = spares.min_by_key(|(_, spare)| (spare.reserved, spare.undialled));
                let best = best.map(|(best, _)| best);
                grants.push((shard, self.spend(best.unwrap_or_default())));
            } else if let Some(doubtful) = self.doubtful.pop_front() {
                grants.push((shard, doubtful.grant()));
            } else {
                waiting.push_front(shard);
                break;
            }
        }
        if let Some(until) = self.doubts.iter().min() {
            let wait = until.saturating_duration_since(now);
            while doubtful > 0
                && let Some(shard) = waiting.pop_front()
            {
                doubtful -= 1;
                let text = "a channel was asked for and the answer was lost: whether there is room for another shows later";
                let error = Error::new(ErrorKind::Capacity, text).retryable(true);
                grants.push((shard, Grant::Failed(error.with_retry_after(wait))));
            }
        }
        let needed = waiting.len();
        let (in_use, limit) = (listing.in_use, self.limit);
        grants.extend(
            waiting.into_iter().map(|shard| (shard, Grant::Busy { in_use, limit, needed })),
        );
        grants
    }

    /// Who gets the channel that was made.
    pub(super) fn created(
        &mut self,
        answer: Result<ChannelInfo>,
        generation: u64,
        now: Instant,
    ) -> Option<(ShardId, Grant)> {
        let shard = self.makes.pop_front()?;
        let grant = match answer {
            Ok(info) => {
                self.made += 1;
                Grant::Channel { info, generation: Some(generation), spare: false }
            }
            Err(error) => {
                if may_have_made(&error) && self.doubts.len() < self.limit {
                    self.doubts.push(now + DOUBT);
                }
                Grant::Failed(error)
            }
        };
        Some((shard, grant))
    }

    /// Entries of every table, for tests of its size.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        let waiting = self.queue.len() + self.makes.len() + self.doubts.len();
        waiting + self.spares.len() + self.clearing.len() + self.doubtful.len()
    }
}

#[cfg(test)]
mod tests;

//! Getting channels without taking anybody else's: ours of before, or new ones as far as there is room.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::held::Held;
use super::message::Action;
use crate::core::ids::ChannelId;
use crate::core::ports::{ChannelInfo, ChannelListing};
use crate::error::{Error, Result};
use crate::streaming::packing::ShardId;

/// Spare channels that are remembered; more than there can be.
const SPARES: usize = 20;

/// A channel of ours that nobody needs now.
#[derive(Debug)]
struct Spare {
    info: ChannelInfo,
    /// The token that made it; `None` when an earlier run did.
    generation: Option<u64>,
    /// When the platform removes it.
    until: Instant,
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
            spares: Vec::new(),
            clearing: Vec::new(),
            doubtful: VecDeque::new(),
        }
    }

    /// Channels of an earlier run.
    pub(super) fn adopt(&mut self, own: Vec<ChannelInfo>, now: Instant) {
        let until = now + self.life;
        let spare = |info| Spare { info, generation: None, until };
        self.spares.extend(own.into_iter().take(SPARES).map(spare));
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
    /// towards the limit until it ends.
    pub(super) fn give_back(&mut self, held: Held, now: Instant, out: &mut Vec<Action>) {
        let spare = Spare { info: held.info, generation: held.generation, until: now + self.life };
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
        let until = now + self.life;
        self.doubtful.push_back(Spare { info: held.info, generation: held.generation, until });
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
        while let Some(shard) = self.queue.pop_front() {
            // One that an older token made ends with it: only when there is nothing better.
            let fresh = |spare: &Spare| spare.generation.is_none_or(|made| made >= newest);
            if let Some(found) = self.spares.iter().position(fresh) {
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
        out: &mut Vec<Action>,
    ) -> Vec<(ShardId, Grant)> {
        self.listing = false;
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
        let taken = listing.in_use + self.makes.len() + self.made;
        let mut free = self.limit.saturating_sub(taken);
        let mut grants = Vec::new();
        while let Some(shard) = waiting.pop_front() {
            if free > 0 {
                free -= 1;
                self.makes.push_back(shard);
                out.push(Action::Create);
            } else if !self.spares.is_empty() {
                grants.push((shard, self.spend(0)));
            } else if let Some(doubtful) = self.doubtful.pop_front() {
                grants.push((shard, doubtful.grant()));
            } else {
                waiting.push_front(shard);
                break;
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
    ) -> Option<(ShardId, Grant)> {
        let shard = self.makes.pop_front()?;
        self.made += 1;
        Some((
            shard,
            match answer {
                Ok(info) => Grant::Channel { info, generation: Some(generation), spare: false },
                Err(error) => Grant::Failed(error),
            },
        ))
    }

    /// Entries of every table, for tests of its size.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        let known = self.spares.len() + self.clearing.len() + self.doubtful.len();
        self.queue.len() + self.makes.len() + known
    }
}

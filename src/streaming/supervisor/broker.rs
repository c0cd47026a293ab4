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
    /// Whether it is left to the process after this one.
    reserved: bool,
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
        }
    }

    /// Channels of an earlier run.
    pub(super) fn adopt(&mut self, own: Vec<ChannelInfo>, now: Instant) {
        let until = now + self.life;
        let known: Vec<ChannelId> = self.all().map(|spare| spare.info.id.clone()).collect();
        let spare = |info| Spare { info, generation: None, until, reserved: false };
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
    /// towards the limit until it ends.
    pub(super) fn give_back(&mut self, held: Held, now: Instant, out: &mut Vec<Action>) {
        let Held { info, generation, .. } = held;
        let spare = Spare { info, generation, until: now + self.life, reserved: false };
        if self.clearing.len() + self.spares.len() >= SPARES {
            self.spares.drain(..1.min(self.spares.len()));
        }
        out.push(Action::Clear(spare.info.id.clone()));
        self.clearing.push(spare);
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
        let mut grants = Vec::new();
        while let Some(shard) = self.queue.pop_front() {
            // One that an older token made ends with it: only when there is nothing better.
            let fresh = |spare: &Spare| {
                !spare.reserved && spare.generation.is_none_or(|made| made >= newest)
            };
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
        let Spare { info, generation, .. } = self.spares.remove(index);
        Grant::Channel { info, generation, spare: true }
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
                let free = self.spares.iter().position(|spare| !spare.reserved);
                grants.push((shard, self.spend(free.unwrap_or_default())));
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
        self.queue.len() + self.makes.len() + self.spares.len() + self.clearing.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(n: usize) -> ChannelInfo {
        ChannelInfo::new(ChannelId::new(format!("streaming-1-{n}")), "wss://x")
    }

    fn granted(grants: Vec<(ShardId, Grant)>) -> Vec<String> {
        let id = |(_, grant)| match grant {
            Grant::Channel { info, .. } => info.id.expose().to_owned(),
            other => format!("{other:?}"),
        };
        grants.into_iter().map(id).collect()
    }

    #[test]
    fn channels_that_are_left_to_the_next_process_are_used_only_when_there_is_no_room() {
        let now = Instant::now();
        let mut broker = Broker::new(20, Duration::from_secs(60));
        broker.adopt(vec![channel(1), channel(2), channel(3)], now);
        broker.adopt(vec![channel(2)], now);
        assert_eq!(broker.spares().len(), 3, "each once");
        assert_eq!(broker.reserve(2).len(), 2);
        assert_eq!(broker.reserve(2).len(), 2, "the same ones");
        let mut out = Vec::new();
        for shard in 0..3 {
            broker.want(shard);
        }
        assert_eq!(granted(broker.serve(0, now, &mut out)), ["streaming-1-3"]);
        assert!(matches!(out[..], [Action::List]), "{out:?}");
        let listing = ChannelListing::new(19, Vec::new());
        let grants = granted(broker.listed(Ok(listing), &mut out));
        assert!(matches!(out[..], [Action::List, Action::Create]), "{out:?}");
        assert_eq!(grants, ["streaming-1-1"], "there was room for one");
        assert_eq!(broker.reserve(9).len(), 1);
        assert!(broker.serve(0, now + Duration::from_secs(61), &mut out).is_empty());
        assert!(broker.spares().is_empty(), "they have ended");
    }
}

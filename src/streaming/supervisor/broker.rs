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
mod tests {
    use super::*;

    const LIMIT: usize = 20;

    struct Bench {
        broker: Broker,
        start: Instant,
    }

    impl Bench {
        fn new() -> Self {
            let life = Duration::from_secs(86_400);
            Self { broker: Broker::new(LIMIT, life), start: Instant::now() }
        }

        fn at(&self, seconds: u64) -> Instant {
            self.start + Duration::from_secs(seconds)
        }

        /// One shard wants a channel while so many are in use: what is done, and what it gets.
        fn want(&mut self, shard: ShardId, in_use: usize, seconds: u64) -> (usize, Vec<Grant>) {
            let (mut out, now) = (Vec::new(), self.at(seconds));
            self.broker.want(shard);
            assert!(self.broker.serve(0, now, &mut out).is_empty());
            assert!(
                matches!(out[..], [Action::List]),
                "no channel is made without a look: {out:?}"
            );
            out.clear();
            let listing = ChannelListing::new(in_use, Vec::new());
            let grants = self.broker.listed(Ok(listing), now, &mut out);
            assert!(out.iter().all(|action| matches!(action, Action::Create)));
            (out.len(), grants.into_iter().map(|(_, grant)| grant).collect())
        }

        fn created(&mut self, answer: Result<ChannelInfo>, seconds: u64) {
            let now = self.at(seconds);
            assert!(self.broker.created(answer, 1, now).is_some());
        }
    }

    fn info(n: usize) -> ChannelInfo {
        ChannelInfo::new(ChannelId::new(format!("c{n}")), "wss://s/x")
    }

    fn lost() -> Error {
        Error::new(ErrorKind::Timeout, "no answer").retryable(true)
    }

    #[test]
    fn a_create_whose_answer_is_lost_counts_as_a_channel_for_a_minute() {
        let mut bench = Bench::new();
        assert_eq!(bench.want(1, 18, 0).0, 1);
        bench.created(Err(lost()), 1);
        // Not there yet; it may still come.
        let (created, grants) = bench.want(1, 19, 2);
        let [Grant::Failed(error)] = &grants[..] else { panic!("{grants:?}") };
        assert_eq!((created, error.retry_after()), (0, Some(Duration::from_secs(59))));
        assert!(error.is_retryable());
        // There is room for it and for another.
        assert_eq!(bench.want(1, 18, 3).0, 1);
        bench.created(Ok(info(1)), 4);
        // It is counted by the platform, or has never been.
        assert_eq!(bench.want(2, 19, 61).0, 1);
    }

    #[test]
    fn when_all_are_surely_in_use_doubts_change_nothing() {
        let mut bench = Bench::new();
        assert_eq!(bench.want(1, 19, 0).0, 1);
        bench.created(Err(lost()), 1);
        let (_, grants) = bench.want(1, 20, 2);
        assert!(matches!(grants[..], [Grant::Busy { in_use: 20, limit: LIMIT, needed: 1 }]));
    }

    #[test]
    fn a_create_that_surely_made_nothing_is_not_counted() {
        let refused = [
            Error::new(ErrorKind::Throttled, "429").with_status(429),
            Error::new(ErrorKind::Forbidden, "403").with_status(403),
            Error::new(ErrorKind::Transport, "no connection").unsent(),
        ];
        for error in refused {
            let mut bench = Bench::new();
            assert_eq!(bench.want(1, 19, 0).0, 1);
            bench.created(Err(error), 1);
            assert_eq!(bench.want(1, 19, 2).0, 1);
        }
        for status in [408, 500, 502, 504] {
            let mut bench = Bench::new();
            assert_eq!(bench.want(1, 19, 0).0, 1);
            bench.created(Err(Error::new(ErrorKind::Status(status), "x").with_status(status)), 1);
            assert_eq!(bench.want(1, 19, 2).0, 0, "{status} may have made one");
        }
    }

    #[test]
    fn no_more_are_made_than_one_look_has_room_for() {
        let mut bench = Bench::new();
        let now = bench.start;
        let mut out = Vec::new();
        (0..5).for_each(|shard| bench.broker.want(shard));
        bench.broker.serve(0, now, &mut out);
        out.clear();
        let listing = || Ok(ChannelListing::new(17, Vec::new()));
        let grants = bench.broker.listed(listing(), now, &mut out);
        assert_eq!((out.len(), grants.len()), (3, 2));
        // Another look while they are made, whose answer may not count them.
        out.clear();
        bench.broker.want(9);
        bench.broker.serve(0, now, &mut out);
        bench.created(Ok(info(1)), 0);
        out.clear();
        let grants = bench.broker.listed(listing(), now, &mut out);
        assert!(out.is_empty() && matches!(grants[..], [(9, Grant::Busy { .. })]), "{out:?}");
    }

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
    fn a_channel_that_could_not_be_dialled_is_used_again_only_without_room_or_when_another_could_not()
     {
        let now = Instant::now();
        let mut broker = Broker::new(20, Duration::from_secs(60));
        let mut out = Vec::new();
        let back = |broker: &mut Broker, n, failed_dials| {
            let mut held = Held::new(channel(n), 1, None);
            held.failed_dials = failed_dials;
            broker.give_back(held, now, &mut Vec::new());
            broker.cleared(&channel(n).id, true);
        };
        back(&mut broker, 1, 1);
        broker.want(0);
        assert!(broker.serve(0, now, &mut out).is_empty(), "another is made");
        let listing = |in_use| Ok(ChannelListing::new(in_use, Vec::new()));
        let grants = granted(broker.listed(listing(20), now, &mut out));
        assert_eq!(grants, ["streaming-1-1"], "there was no room");
        // One that was dialled goes first, also when two could not be.
        back(&mut broker, 1, 1);
        back(&mut broker, 2, 3);
        back(&mut broker, 3, 0);
        for shard in 0..3 {
            broker.want(shard);
        }
        let grants = granted(broker.serve(0, now, &mut out));
        assert_eq!(grants, ["streaming-1-3", "streaming-1-1", "streaming-1-2"]);
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
        let grants = granted(broker.listed(Ok(listing), now, &mut out));
        assert!(matches!(out[..], [Action::List, Action::Create]), "{out:?}");
        assert_eq!(grants, ["streaming-1-1"], "there was room for one");
        assert_eq!(broker.reserve(9).len(), 1);
        assert!(broker.serve(0, now + Duration::from_secs(61), &mut out).is_empty());
        assert!(broker.spares().is_empty(), "they have ended");
    }
}

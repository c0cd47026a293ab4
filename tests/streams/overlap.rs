//! What else can happen while one channel takes over from another, over real sockets and under load. Each channel's
//! socket writes its envelopes in a manner of its own.

use std::cell::Cell;
use std::time::Duration;

use futures::StreamExt;
use genesys_cloud::sim::{Fault, Platform};
use genesys_cloud::{
    Capacity, Client, Event, EventStream, FixedDelay, IncludeChannels, Lifecycle, Overflow,
    RawEvent, RenewalReason, StreamBuilder, StreamHandle,
};

use crate::quiet::{PATIENCE, client, emit, next, number, topic};

/// Events a millisecond.
const RATE: usize = 3;

async fn platform() -> Platform {
    let builder = Platform::builder().events_per_second(0.0).requests_per_minute(1_000_000);
    builder.mixed_envelopes(true).start().await.unwrap()
}

fn stream(client: &Client, platform: &Platform) -> StreamBuilder {
    let wanted = client.stream().subscribe(topic(platform));
    wanted.overlap(Duration::from_millis(500)).reconnect(FixedDelay::new(Duration::from_millis(50)))
}

/// One stream of numbers that count up, and what came of it.
struct Rig {
    platform: Platform,
    client: Client,
    events: Option<EventStream>,
    sent: Cell<usize>,
    /// Whether the consumer does not read.
    asleep: Cell<bool>,
    done: Cell<bool>,
    seen: Cell<Seen>,
    handle: StreamHandle,
}

/// What the consumer saw.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// The number that comes next when nothing is missing.
    next: usize,
    /// Whether a gap was told since the last number.
    gap: bool,
    gaps: usize,
    /// Numbers that are missing in a gap.
    in_gaps: usize,
    dropped: usize,
    renewed: usize,
    last: Option<RenewalReason>,
}

impl Seen {
    /// Every number comes once and in order, but for those that a gap or a count of dropped events stands for.
    fn take(&mut self, event: &Event) {
        if let Some(n) = number(event) {
            assert!(n >= self.next, "{n} comes twice: {self:?}");
            assert!(n == self.next || self.gap, "{} to {n} are lost in silence", self.next);
            self.in_gaps += n - self.next;
            (self.next, self.gap) = (n + 1, false);
            return;
        }
        match event {
            Event::Lifecycle(Lifecycle::Gap { .. }) => {
                self.gap = true;
                self.gaps += 1;
            }
            Event::Lifecycle(Lifecycle::Lagged { dropped }) => {
                let dropped = usize::try_from(*dropped).unwrap();
                self.next += dropped;
                self.dropped += dropped;
            }
            Event::Lifecycle(Lifecycle::Renewed { reason, .. }) => {
                self.renewed += 1;
                self.last = Some(*reason);
            }
            Event::Lifecycle(item @ Lifecycle::Stopped { .. }) => panic!("{item:?}"),
            _ => {}
        }
    }
}

impl Rig {
    async fn start(platform: Platform, client: Client, wanted: StreamBuilder) -> Self {
        let mut events = wanted.start().await.unwrap();
        loop {
            let event = next(&mut events).await.event;
            if matches!(event, Event::Lifecycle(Lifecycle::Subscribed { .. })) {
                break;
            }
        }
        let handle = events.handle();
        Self {
            platform,
            client,
            handle,
            events: Some(events),
            sent: Cell::new(0),
            asleep: Cell::new(false),
            done: Cell::new(false),
            seen: Cell::default(),
        }
    }

    async fn plain() -> Self {
        let platform = platform().await;
        let client = client(&platform);
        let wanted = stream(&client, &platform);
        Self::start(platform, client, wanted).await
    }

    fn emit(&self) {
        emit(&self.platform, self.sent.get());
        self.sent.set(self.sent.get() + 1);
    }

    /// Numbers flow and are read while something is done, and until the last one has come.
    async fn while_it_flows(&mut self, act: impl AsyncFnOnce(&Self)) -> Seen {
        let mut events = self.events.take().unwrap();
        let this = &*self;
        let send = async {
            while !this.done.get() {
                (0..RATE).for_each(|_| this.emit());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let act = async {
            act(this).await;
            this.done.set(true);
        };
        let read = async {
            // What was sent last may be lost in a gap: then something else shows that the end is near.
            while !this.done.get() || this.seen.get().next < this.sent.get() {
                if this.asleep.get() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                }
                match tokio::time::timeout(Duration::from_millis(100), events.next()).await {
                    Ok(item) => {
                        let mut seen = this.seen.get();
                        seen.take(&item.expect("not the end").unwrap().event);
                        this.seen.set(seen);
                    }
                    Err(_) if this.done.get() => this.emit(),
                    Err(_) => {}
                }
            }
        };
        let all = tokio::time::timeout(PATIENCE * 2, async { tokio::join!(send, act, read) });
        assert!(all.await.is_ok(), "{:?} of {}", self.seen.get(), self.sent.get());
        let stats = events.stats();
        let seen = self.seen.get();
        assert_eq!(self.platform.emit(&topic(&self.platform), serde_json::json!({})), 1);
        assert_eq!(stats.dropped, seen.dropped as u64);
        self.events = Some(events);
        seen
    }

    async fn until(&self, what: &str, condition: impl Fn() -> bool) {
        let wait = async {
            while !condition() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let done = tokio::time::timeout(PATIENCE, wait).await;
        assert!(done.is_ok(), "{what}: {:?}", self.seen.get());
    }

    /// Waits until both channels of a replacement have their sockets.
    async fn until_both_flow(&self) {
        self.until("two sockets", || self.platform.stats().sockets_open == 2).await;
        // Flowing, and not only open.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    async fn until_renewed(&self, times: usize) {
        self.until("renewed", || self.seen.get().renewed >= times).await;
    }

    /// Asks for a replacement; the ids of the old channel and the new.
    async fn replace(&self) -> (String, String) {
        let before = self.channels().await;
        self.handle.renew().await.unwrap();
        self.until_both_flow().await;
        let after = self.channels().await;
        let new = after.into_iter().find(|id| !before.contains(id)).expect("a channel more");
        (before[0].clone(), new)
    }

    async fn channels(&self) -> Vec<String> {
        let all = self.client.notifications().channels(IncludeChannels::Token).await.unwrap();
        let ids = all.into_iter().filter_map(|listed| listed.channel);
        ids.map(|channel| channel.id.expose().to_owned()).collect()
    }
}

#[tokio::test]
async fn channels_that_write_one_event_differently_deliver_it_once() {
    let mut rig = Rig::plain().await;
    let seen = rig
        .while_it_flows(async |rig| {
            for round in 1..=4 {
                rig.handle.renew().await.unwrap();
                rig.until_renewed(round).await;
            }
        })
        .await;
    assert_eq!((seen.gaps, seen.dropped), (0, 0));
    assert!(rig.handle.stats().duplicates_removed > 100, "{:?}", rig.handle.stats());
}

#[tokio::test]
async fn raw_frames_that_differ_by_their_envelope_only_come_once() {
    let platform = platform().await;
    let client = client(&platform);
    let mut events = stream(&client, &platform).raw().start().await.unwrap();
    let handle = events.handle();
    let mut numbers = Vec::new();
    let mut renewed = 0;
    let mut sent = 0;
    handle.renew().await.unwrap();
    while renewed == 0 || numbers.len() < sent {
        if renewed == 0 && emit(&platform, sent) > 0 {
            sent += 1;
        }
        while let Ok(item) = tokio::time::timeout(Duration::from_millis(2), events.next()).await {
            match item.unwrap().unwrap().event {
                RawEvent::Lifecycle(Lifecycle::Renewed { .. }) => renewed += 1,
                RawEvent::Lifecycle(item) => assert_ne!(item.what(), "gap"),
                frame => numbers.extend(number(&frame.decode().unwrap())),
            }
        }
    }
    assert_eq!(numbers, (0..sent).collect::<Vec<_>>());
    assert!(handle.stats().duplicates_removed > 20, "{:?}", handle.stats());
}

#[tokio::test]
async fn a_second_token_during_the_overlap_of_the_first_loses_nothing() {
    let mut rig = Rig::plain().await;
    let seen = rig
        .while_it_flows(async |rig| {
            let tokens = rig.client.token_source();
            for _ in 0..2 {
                tokens.invalidate(&tokens.token().await.unwrap());
                tokens.token().await.unwrap();
                rig.until_both_flow().await;
            }
            rig.until_renewed(2).await;
        })
        .await;
    assert_eq!((seen.gaps, seen.dropped, seen.last), (0, 0, Some(RenewalReason::Token)));
}

#[tokio::test]
async fn a_notice_on_the_new_channel_during_the_overlap_is_heeded() {
    let mut rig = Rig::plain().await;
    let seen = rig
        .while_it_flows(async |rig| {
            let (_, new) = rig.replace().await;
            let closing = Fault::SocketClosing { after_ms: Some(5_000) };
            rig.platform.fault_on(&new, closing).unwrap();
            rig.until_renewed(2).await;
        })
        .await;
    assert_eq!((seen.gaps, seen.dropped, seen.last), (0, 0, Some(RenewalReason::Closing)));
}

#[tokio::test]
async fn the_old_channel_evicted_during_the_overlap_loses_nothing_unseen() {
    let mut rig = Rig::plain().await;
    let seen = rig
        .while_it_flows(async |rig| {
            let (old, _) = rig.replace().await;
            rig.platform.fault_on(&old, Fault::EvictChannel).unwrap();
            rig.until_renewed(1).await;
        })
        .await;
    // The place where something may be missing is marked.
    assert_eq!((seen.gaps, seen.dropped), (1, 0));
}

#[tokio::test]
async fn the_new_channel_evicted_during_the_overlap_is_replaced_by_another() {
    let mut rig = Rig::plain().await;
    let seen = rig
        .while_it_flows(async |rig| {
            let (_, new) = rig.replace().await;
            rig.platform.fault_on(&new, Fault::EvictChannel).unwrap();
            rig.until_renewed(1).await;
        })
        .await;
    assert_eq!((seen.gaps, seen.dropped), (0, 0));
}

/// The consumer stops reading during a replacement, or before it, and reads on later.
async fn slow(overflow: Overflow, before: bool) -> (Seen, Rig) {
    let platform = platform().await;
    let client = client(&platform);
    let wanted = stream(&client, &platform).capacity(Capacity::new(50, 1 << 20));
    let mut rig = Rig::start(platform, client, wanted.overflow(overflow)).await;
    let seen = rig
        .while_it_flows(async |rig| {
            if before {
                rig.asleep.set(true);
                tokio::time::sleep(Duration::from_millis(200)).await;
                rig.handle.renew().await.unwrap();
            } else {
                rig.replace().await;
                rig.asleep.set(true);
            }
            tokio::time::sleep(Duration::from_millis(800)).await;
            rig.asleep.set(false);
            tokio::time::sleep(Duration::from_millis(300)).await;
            let renewed = rig.seen.get().renewed;
            rig.handle.renew().await.unwrap();
            rig.until_renewed(renewed + 1).await;
        })
        .await;
    (seen, rig)
}

#[tokio::test]
async fn a_consumer_that_is_slow_during_a_replacement_and_waited_for_loses_nothing() {
    for before in [false, true] {
        let (seen, _rig) = slow(Overflow::Wait, before).await;
        assert_eq!((seen.gaps, seen.dropped), (0, 0), "before: {before}");
    }
}

#[tokio::test]
async fn a_consumer_that_is_slow_during_a_replacement_is_told_what_was_dropped() {
    for before in [false, true] {
        let (seen, rig) = slow(Overflow::DropOldest, before).await;
        assert!(seen.dropped > 100, "before: {before}, {seen:?}");
        assert_eq!((seen.gaps, rig.handle.stats().reconnects), (0, 0));
    }
}

#[tokio::test]
async fn a_consumer_that_is_slow_during_a_replacement_is_disconnected_with_a_gap() {
    for before in [false, true] {
        let (seen, rig) = slow(Overflow::Disconnect, before).await;
        assert!(seen.gaps > 0 && seen.in_gaps > 100, "before: {before}, {seen:?}");
        assert!(rig.handle.stats().reconnects > 0);
    }
}

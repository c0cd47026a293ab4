//! Slow consumers, futures that are dropped, closing and dropping.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::StreamExt;
use genesys_cloud::{Capacity, ConnectionState, Gone, Lifecycle, Overflow, StopReason};

use crate::five::{Item, Settings, each};
use crate::rig::Rig;

fn small(overflow: Overflow) -> Settings {
    Settings { overflow, capacity: Capacity::new(10, 1 << 20), ..Settings::default() }
}

#[tokio::test]
async fn a_slow_consumer_with_wait_loses_nothing() {
    each("a slow consumer: wait", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(small(Overflow::Wait)).await;
        for n in 0..1_000 {
            rig.emit(n);
            if n % 100 == 0 {
                tokio::task::yield_now().await;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(events.stats().events <= 10 + 64, "the queue is bounded: {:?}", events.stats());
        for n in 0..1_000 {
            events.until_number(n).await;
        }
        assert_eq!((events.stats().dropped, events.stats().dials), (0, 1));
    })
    .await;
}

#[tokio::test]
async fn drop_oldest_says_in_place_how_many_it_dropped() {
    each("a slow consumer: drop the oldest", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(small(Overflow::DropOldest)).await;
        let acknowledged = u64::from(matches!(kind.name(), "appfoundry" | "realtime"));
        if acknowledged > 0 {
            assert!(matches!(events.next().await, Item::Other));
        }
        for n in 0..500 {
            rig.emit(n);
        }
        rig.eventually("all", || events.handle.stats().events == 500 + acknowledged).await;
        let (mut dropped, mut expected) = (0, 0);
        while expected < 500 {
            match events.next().await {
                Item::Lifecycle(Lifecycle::Lagged { dropped: count }) => {
                    dropped += count;
                    expected += usize::try_from(count).unwrap();
                }
                Item::Number(n) => {
                    assert_eq!(n, expected, "what is missing is said where it is missing");
                    expected += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(dropped >= 480, "{dropped}");
        assert_eq!(events.stats().dropped, dropped);
    })
    .await;
}

#[tokio::test]
async fn disconnect_on_overflow_is_a_gap_and_the_stream_returns_once_it_is_read() {
    each("a slow consumer: disconnect", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(small(Overflow::Disconnect)).await;
        for n in 0..200 {
            rig.emit(n);
        }
        let held = ConnectionState::Held { cause: Gone::Overflow };
        rig.eventually("the hold", || events.handle.state() == held).await;
        let dials = rig.dials();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(rig.dials(), dials, "nothing is dialled while nobody reads");
        let Lifecycle::Gap { cause, .. } = events.until("gap").await else { unreachable!() };
        assert_eq!(cause, Gone::Overflow);
        rig.delivers(&mut events, 1_000).await;
    })
    .await;
}

#[tokio::test]
async fn dropped_futures_lose_no_event() {
    const EVENTS: usize = 2_000;
    each("next() dropped at any point", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(small(Overflow::Wait)).await;
        let mut random = fastrand::Rng::with_seed(7);
        let (mut expected, mut sent, mut cancelled, mut while_pending) = (0, 0, 0, 0);
        while expected < EVENTS {
            if sent < EVENTS && random.u8(..4) == 0 {
                for _ in 0..random.usize(1..20) {
                    rig.emit(sent);
                    sent += 1;
                }
            }
            let item = match random.u8(..3) {
                0 => {
                    let mut next = pin!(events.items.next());
                    match next.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                        Poll::Ready(item) => Some(item),
                        Poll::Pending => {
                            while_pending += 1;
                            None
                        }
                    }
                }
                1 => tokio::select! {
                    biased;
                    () = tokio::task::yield_now() => None,
                    item = events.items.next() => Some(item),
                },
                _ => {
                    let wait = Duration::from_micros(random.u64(..200));
                    tokio::time::timeout(wait, events.items.next()).await.ok()
                }
            };
            match item {
                None => cancelled += 1,
                Some(item) => {
                    if let Item::Number(n) = item.unwrap().unwrap() {
                        assert_eq!(n, expected, "an event was lost or came twice");
                        expected += 1;
                    }
                }
            }
        }
        assert!(cancelled > 100 && while_pending > 0, "{cancelled} {while_pending}");
        assert_eq!(events.stats().dropped, 0);
    })
    .await;
}

#[tokio::test]
async fn dropping_the_stream_ends_its_socket() {
    each("the stream is dropped", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let events = rig.live(Settings::default()).await;
        assert_eq!(rig.platform.stats().sockets_open, 1);
        let handle = events.handle.clone();
        drop(events);
        rig.eventually("the end", || {
            rig.platform.stats().sockets_open == 0
                && handle.state() == ConnectionState::Stopped(StopReason::Closed)
        })
        .await;
        assert_eq!(rig.dials(), 1);
    })
    .await;
}

#[tokio::test]
async fn close_drains_and_the_last_item_says_what_was_not_covered() {
    each("close() drains", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(Settings::default()).await;
        for n in 0..100 {
            rig.emit(n);
        }
        // What is on the wire before the close frame is answered still arrives.
        events.until_number(0).await;
        events.handle.close().await;
        assert_eq!(events.handle.state(), ConnectionState::Stopped(StopReason::Closed));
        let mut expected = 1;
        let mut last = None;
        while let Some(item) = events.item().await {
            match item.unwrap() {
                Item::Number(n) => {
                    assert_eq!(n, expected);
                    expected += 1;
                }
                Item::Lifecycle(item) => last = Some(item),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(expected, 100);
        let Some(Lifecycle::Stopped { reason: StopReason::Closed, uncovered }) = last else {
            panic!("{last:?}");
        };
        assert!(uncovered.is_empty());
        assert_eq!(rig.platform.stats().sockets_open, 0);
    })
    .await;
}

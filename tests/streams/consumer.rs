//! Slow consumers, closing and dropping.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use genesys_cloud::{Capacity, ConnectionState, Event, Gone, Lifecycle, Overflow, StopReason};

use crate::quiet::{PATIENCE, builder, emit, next, number, quiet, until_number, until_what};

#[tokio::test]
async fn close_drains_and_the_last_item_says_what_was_not_covered() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    for n in 0..100 {
        emit(&platform, n);
    }
    // What is on the wire before the close frame is answered still arrives.
    until_number(&mut events, 0).await;
    events.close().await;
    assert!(matches!(events.state(), ConnectionState::Stopped(StopReason::Closed)));
    let mut seen = BTreeSet::from([0]);
    let mut last = None;
    while let Some(item) = events.next().await {
        let delivery = item.unwrap();
        seen.extend(number(&delivery.event));
        last = Some(delivery.event);
    }
    assert_eq!(seen, (0..100).collect());
    assert!(matches!(last, Some(Event::Lifecycle(Lifecycle::Stopped { .. }))), "{last:?}");
    assert_eq!(platform.stats().sockets_open, 0);
    assert!(events.subscribe("v2.users.x.presence").await.is_err());
}

#[tokio::test]
async fn dropping_the_stream_ends_its_tasks_and_its_socket() {
    let platform = quiet().await;
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    let handle = events.handle();
    drop(events);
    let ended = async {
        while platform.stats().sockets_open > 0 || handle.state() != stopped() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The HTTP pool keeps a task for its idle connection.
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() > tasks + 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the stream is over");
}

fn stopped() -> ConnectionState {
    ConnectionState::Stopped(StopReason::Closed)
}

#[tokio::test]
async fn a_slow_consumer_with_wait_loses_nothing() {
    let platform = quiet().await;
    let mut events = builder(&platform).capacity(Capacity::new(10, 1 << 20)).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    for n in 0..2_000 {
        emit(&platform, n);
        if n % 200 == 0 {
            tokio::task::yield_now().await;
        }
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(events.stats().events <= 10 + 64, "the queue is bounded: {:?}", events.stats());
    for n in 0..2_000 {
        until_number(&mut events, n).await;
    }
    assert_eq!(events.stats().dropped, 0);
}

#[tokio::test]
async fn drop_oldest_says_in_place_how_many_it_dropped() {
    let platform = quiet().await;
    let mut events = builder(&platform)
        .capacity(Capacity::new(10, 1 << 20))
        .overflow(Overflow::DropOldest)
        .start()
        .await
        .unwrap();
    until_what(&mut events, "subscribed").await;
    for n in 0..500 {
        emit(&platform, n);
    }
    let all_in = async {
        while events.stats().events < 500 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all_in).await.unwrap();
    let (mut dropped, mut expected) = (0, 0);
    while expected < 500 {
        match &next(&mut events).await.event {
            Event::Lifecycle(Lifecycle::Lagged { dropped: count }) => {
                dropped += count;
                expected += usize::try_from(*count).unwrap();
            }
            event => {
                if let Some(n) = number(event) {
                    assert_eq!(n, expected, "what is missing is said where it is missing");
                    expected += 1;
                }
            }
        }
    }
    assert!(dropped >= 480, "{dropped}");
    assert_eq!(events.stats().dropped, dropped);
}

#[tokio::test]
async fn disconnect_on_overflow_is_a_gap_and_the_stream_returns_once_it_is_read() {
    let platform = quiet().await;
    let mut events = builder(&platform)
        .capacity(Capacity::new(10, 1 << 20))
        .overflow(Overflow::Disconnect)
        .start()
        .await
        .unwrap();
    until_what(&mut events, "subscribed").await;
    for n in 0..200 {
        emit(&platform, n);
    }
    let held = async {
        while !matches!(events.state(), ConnectionState::Held { cause: Gone::Overflow }) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, held).await.unwrap();
    let dials = platform.stats().dials;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(platform.stats().dials, dials, "nothing is dialled while nobody reads");
    let Lifecycle::Gap { cause, .. } = until_what(&mut events, "gap").await else { unreachable!() };
    assert_eq!(cause, Gone::Overflow);
    emit(&platform, 1_000);
    until_number(&mut events, 1_000).await;
}

#[tokio::test]
async fn a_filter_that_panics_ends_the_stream_with_an_error_instead_of_hanging_it() {
    let platform = quiet().await;
    let mut events =
        builder(&platform).filter(|_| panic!("a fault of the user")).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    emit(&platform, 1);
    let last = async {
        loop {
            if let Err(error) = events.next().await.expect("an error comes before the end") {
                break error;
            }
        }
    };
    let error = tokio::time::timeout(PATIENCE, last).await.unwrap();
    assert!(error.to_string().contains("panicked"), "{error}");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_policy_that_panics_ends_the_stream_with_an_error_instead_of_hanging_it() {
    let platform = quiet().await;
    let policy = |_: &genesys_cloud::Attempt<'_>| panic!("a fault of the user");
    let mut events = builder(&platform).reconnect(policy).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    platform.fault(genesys_cloud::sim::Fault::Reset).unwrap();
    let item = tokio::time::timeout(PATIENCE, events.next()).await.unwrap().unwrap();
    assert!(item.unwrap_err().to_string().contains("panicked"));
    assert!(events.next().await.is_none());
}

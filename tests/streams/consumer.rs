//! Slow consumers, closing and dropping.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use genesys_cloud::{
    Capacity, ConnectionState, DialGate, Event, Gone, Lifecycle, Overflow, StopReason, Timing,
    topics,
};

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
async fn a_stream_that_is_not_read_is_not_cut_for_a_ping_that_was_written() {
    let platform = quiet().await;
    let timing = Timing::default()
        .ping_after(Duration::from_millis(50))
        .write(Duration::from_millis(150))
        .silence(Duration::from_secs(5));
    let small = Capacity::new(4, 1 << 20);
    let mut events = builder(&platform).capacity(small).timing(timing).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    for n in 0..200 {
        emit(&platform, n);
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    for n in 0..200 {
        until_number(&mut events, n).await;
    }
    let stats = events.stats();
    assert_eq!((stats.dials, stats.gaps, stats.dropped), (1, 0, 0));
}

#[tokio::test]
async fn a_full_stream_is_closed_although_who_closes_it_does_not_read() {
    let platform = quiet().await;
    let mut events = builder(&platform).capacity(Capacity::new(10, 1 << 20)).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    for n in 0..500 {
        emit(&platform, n);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    tokio::time::timeout(PATIENCE, events.close()).await.expect("the close ends");
    let mut seen = Vec::new();
    while let Some(item) = events.next().await {
        seen.extend(number(&item.unwrap().event));
    }
    assert_eq!(seen, (0..500).collect::<Vec<_>>(), "what was on its way is there, in order");
}

#[tokio::test]
async fn a_close_whose_future_is_dropped_goes_on_although_many_commands_wait() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    let handle = events.handle();
    let ask = |n| Box::pin(handle.subscribe(format!("v2.users.u{n}.presence")));
    let mut asked = (0..40).map(ask).collect::<Vec<_>>();
    for ask in &mut asked {
        assert!(futures::poll!(ask).is_pending());
    }
    {
        let close = std::pin::pin!(handle.close());
        assert!(futures::poll!(close).is_pending());
    }
    drop(asked);
    let ended = async { while events.next().await.is_some() {} };
    tokio::time::timeout(PATIENCE, ended).await.expect("it is closed");
}

#[tokio::test]
async fn a_topic_is_not_covered_since_what_was_read_before_it_was_asked_for() {
    let platform = quiet().await;
    let mut events = builder(&platform).capacity(Capacity::new(4, 1 << 20)).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    // They come in at once, and most of them wait in the connection's buffer.
    for n in 0..16 {
        emit(&platform, n);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asked_at = std::time::SystemTime::now();
    events.subscribe(topics::users::presence(&platform.users()[1])).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let Lifecycle::Subscribed { since, .. } = until_what(&mut events, "subscribed").await else {
        unreachable!()
    };
    assert!(since >= asked_at, "covered {:?} too early", asked_at.duration_since(since));
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
async fn a_gate_that_panics_is_an_error_instead_of_a_start_that_hangs() {
    struct Panics;
    impl DialGate for Panics {
        fn turn(&self, _: std::time::Instant) -> std::time::Instant {
            panic!("a fault of the user")
        }
    }
    let platform = quiet().await;
    let start = builder(&platform).dial_gate(Panics).start();
    let error = tokio::time::timeout(PATIENCE, start).await.expect("it ends").unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
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

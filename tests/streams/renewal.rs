//! Another socket in the place of one that lives: nothing lost, nothing twice.

use std::time::Duration;

use genesys_cloud::{Gone, Lifecycle, RenewalReason, Typed};

use crate::hub::{Do, Hub, Manners};
use crate::own_protocol::{
    Events, Numbers, TokenIn, Tokens, connect, next, number, until_number, until_what,
};

const ALL: &str = "socket.test.all";
const A: &str = "socket.test.a";

async fn covering() -> (Hub, Events) {
    let hub = Hub::start(Manners { sends_all: true, ..Manners::default() }).await;
    let mut events = connect(&hub, &Tokens::new(), Numbers::covering(&hub)).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    (hub, events)
}

/// Reads events up to a number: in order, each once, with no gap; says which lifecycle items came between.
async fn read_all(events: &mut Events, from: usize, to: usize) -> Vec<Lifecycle> {
    let (mut expected, mut items) = (from, Vec::new());
    while expected < to {
        match next(events).await.event {
            Typed::Lifecycle(item) => items.push(item),
            event => {
                assert_eq!(number(&event), Some(expected), "in order, each once");
                expected += 1;
            }
        }
    }
    items
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_at_speed_loses_nothing_and_delivers_nothing_twice() {
    for topic in [ALL, A] {
        let hub = Hub::start(Manners {
            sends_all: topic == ALL,
            slow_start: Duration::from_millis(30),
            ..Manners::default()
        })
        .await;
        let mut builder = connect(&hub, &Tokens::new(), Numbers::covering(&hub));
        if topic == A {
            builder = builder.subscribe(A);
        }
        let mut events = builder.start().await.unwrap();
        until_what(&mut events, "subscribed").await;
        let handle = events.handle();
        let emit = async {
            let mut n = 0;
            while handle.stats().renewals == 0 || n < 20_000 {
                for _ in 0..20 {
                    hub.emit(topic, n);
                    n += 1;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
                if n == 5_000 {
                    handle.renew().await.unwrap();
                }
                assert!(n < 1_000_000, "never renewed");
            }
            hub.emit(topic, n);
            n + 1
        };
        let mut items = Vec::new();
        let read = async {
            let mut expected = 0;
            loop {
                match next(&mut events).await.event {
                    Typed::Lifecycle(item) => items.push(item),
                    event => {
                        assert_eq!(number(&event), Some(expected), "in order, each once");
                        expected += 1;
                        if expected > 20_000 && hub.open().len() == 1 && hub.heads().len() == 2 {
                            break expected;
                        }
                    }
                }
            }
        };
        let (sent, seen) = tokio::join!(emit, read);
        assert!(seen <= sent);
        items.extend(read_all(&mut events, seen, sent).await);
        let [Lifecycle::Renewed { reason, attempts, overlap, channel }] = &items[..] else {
            panic!("nothing but the renewal: {items:?}");
        };
        assert_eq!((*reason, *attempts), (RenewalReason::Requested, 1));
        assert!(*overlap < Duration::from_secs(5) && channel.is_none());
        let stats = events.stats();
        assert_eq!((stats.renewals, stats.gaps, stats.reconnects), (1, 0, 0));
        assert_eq!(stats.events, sent as u64);
        assert!(
            topic == A || stats.duplicates_removed > 100,
            "both delivered for a while: {stats:?}"
        );
        println!("{topic}: {sent} events, {} duplicates removed", stats.duplicates_removed);
    }
}

#[tokio::test]
async fn equal_events_that_really_were_two_are_both_delivered() {
    let (hub, mut events) = covering().await;
    hub.manners(|manners| manners.upgrade_takes = Duration::from_millis(100));
    events.handle().renew().await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    hub.emit(ALL, 7);
    hub.emit(ALL, 7);
    until_what(&mut events, "renewed").await;
    // Both were delivered by the first, before the second was open: only equal ones that come now can be mistaken, and
    // the window remembers two.
    for _ in 0..3 {
        hub.emit(ALL, 7);
    }
    hub.emit(ALL, 8);
    until_number(&mut events, 7).await;
    until_number(&mut events, 8).await;
    assert_eq!(events.stats().duplicates_removed, 2);
}

#[tokio::test]
async fn an_announced_close_is_answered_by_a_renewal() {
    let (hub, mut events) = covering().await;
    hub.all(&Do::Text(r#"{"closing":true}"#.into()));
    let Lifecycle::Renewed { reason, .. } = until_what(&mut events, "renewed").await else {
        unreachable!()
    };
    assert_eq!(reason, RenewalReason::Closing);
    hub.until("the old one's end", |hub| hub.open() == [1]).await;
    hub.emit(ALL, 1);
    assert!(read_all(&mut events, 1, 2).await.is_empty());
}

#[tokio::test]
async fn a_newer_token_renews_the_connection_and_the_first_does_not() {
    let hub = Hub::start(Manners { sends_all: true, ..Manners::default() }).await;
    let tokens = Tokens::new();
    let protocol = Numbers { covers: true, ..Numbers::new(&hub, TokenIn::Header) };
    let mut events = connect(&hub, &tokens, protocol).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(hub.heads().len(), 1);
    tokens.turn();
    let Lifecycle::Renewed { reason, .. } = until_what(&mut events, "renewed").await else {
        unreachable!()
    };
    assert_eq!(reason, RenewalReason::Token);
    assert!(hub.heads()[1].contains("token-2"));
    assert_eq!(events.stats().gaps, 0);
}

#[tokio::test]
async fn a_connection_is_renewed_at_the_age_that_its_protocol_states() {
    let hub = Hub::start(Manners { sends_all: true, ..Manners::default() }).await;
    let protocol =
        Numbers { renew_after: Some(Duration::from_millis(200)), ..Numbers::covering(&hub) };
    let began = std::time::Instant::now();
    let mut events = connect(&hub, &Tokens::new(), protocol).start().await.unwrap();
    let Lifecycle::Renewed { reason, .. } = until_what(&mut events, "renewed").await else {
        unreachable!()
    };
    assert_eq!(reason, RenewalReason::Age);
    assert!(began.elapsed() >= Duration::from_millis(180), "at most a tenth is taken off");
}

#[tokio::test]
async fn a_successor_that_is_not_had_leaves_the_old_one_in_place() {
    let (hub, mut events) = covering().await;
    hub.manners(|manners| manners.refuse = vec![(404, None), (503, None)]);
    events.handle().renew().await.unwrap();
    for n in 0..100 {
        hub.emit(ALL, n);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(read_all(&mut events, 0, 100).await.is_empty(), "nobody is told of a failed try");
    let Lifecycle::Renewed { attempts, .. } = until_what(&mut events, "renewed").await else {
        unreachable!()
    };
    assert_eq!(attempts, 3);
    let stats = events.stats();
    assert_eq!((stats.dials, stats.gaps), (4, 0));
}

#[tokio::test]
async fn an_old_socket_that_dies_leaves_its_successor_to_be_the_reconnect() {
    let (hub, mut events) = covering().await;
    hub.emit(ALL, 0);
    read_all(&mut events, 0, 1).await;
    hub.manners(|manners| manners.upgrade_takes = Duration::from_millis(150));
    events.handle().renew().await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    hub.one(0, Do::Cut);
    let Lifecycle::Disconnected { cause, retry_in, .. } =
        until_what(&mut events, "disconnected").await
    else {
        unreachable!()
    };
    assert!(matches!(cause, Gone::Cut { .. }), "{cause}");
    assert_eq!(retry_in, Some(Duration::ZERO), "its successor is under way");
    until_what(&mut events, "connected").await;
    let Lifecycle::Gap { duration, .. } = until_what(&mut events, "gap").await else {
        unreachable!()
    };
    assert!(duration >= Duration::from_millis(100), "from the last byte on: {duration:?}");
    hub.emit(ALL, 1);
    read_all(&mut events, 1, 2).await;
    let stats = events.stats();
    assert_eq!((stats.dials, stats.gaps, stats.renewals), (2, 1, 0));
}

#[tokio::test]
async fn a_stream_that_is_closed_in_the_middle_of_a_renewal_ends_in_order() {
    let (hub, mut events) = covering().await;
    hub.manners(|manners| manners.upgrade_takes = Duration::from_millis(100));
    events.handle().renew().await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    events.close().await;
    let (last, error) = crate::own_protocol::end(&mut events).await;
    assert!(matches!(last, Some(Lifecycle::Stopped { uncovered, .. }) if uncovered.is_empty()));
    assert!(error.is_none());
    hub.until("no socket", |hub| hub.open().is_empty()).await;
}

#[tokio::test]
async fn topics_that_are_added_while_a_successor_is_dialled_are_covered_by_it_too() {
    let hub = Hub::start(Manners::default()).await;
    let protocol = Numbers::new(&hub, TokenIn::Nowhere);
    let mut events = connect(&hub, &Tokens::new(), protocol).subscribe(A).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    hub.manners(|manners| manners.upgrade_takes = Duration::from_millis(100));
    events.handle().renew().await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    events.subscribe("socket.test.b").await.unwrap();
    until_what(&mut events, "subscribed").await;
    until_what(&mut events, "renewed").await;
    hub.until("the old one's end", |hub| hub.open() == [1]).await;
    hub.emit("socket.test.b", 1);
    assert!(read_all(&mut events, 1, 2).await.is_empty());
    assert_eq!(events.stats().gaps, 0);
}

#[tokio::test]
async fn a_channel_is_renewed_by_request_and_the_one_before_is_used_next() {
    let platform = crate::quiet::quiet().await;
    let builder = crate::quiet::builder(&platform).overlap(Duration::from_millis(20));
    let mut events = builder.start().await.unwrap();
    crate::quiet::until_what(&mut events, "subscribed").await;
    for n in 0..5 {
        events.handle().renew().await.unwrap();
        let item = crate::quiet::until_what(&mut events, "renewed").await;
        let Lifecycle::Renewed { reason, attempts, .. } = item else { unreachable!() };
        assert_eq!((reason, attempts), (RenewalReason::Requested, 1));
        assert_eq!(crate::quiet::emit(&platform, n), 1, "one channel has it");
        crate::quiet::until_number(&mut events, n).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((platform.stats().channels, events.stats().gaps), (2, 0));
}

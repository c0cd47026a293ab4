//! What can be wrong before the first event.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use genesys_cloud::sim::{Fault, SocketKind};
use genesys_cloud::{
    Attempt, ErrorKind, FullJitter, Gone, Lifecycle, NoReconnect, ReconnectPolicy, StopReason,
    Timing, Topic,
};

use crate::five::{Events, Item, Place, Settings, each, open};
use crate::rig::Rig;
use crate::scripted::{Scripted, hold};

const NO_TOKEN: (SocketKind, &str) = (SocketKind::AppFoundry, "opens without a token");

/// A stream over a scripted server.
async fn scripted(kind: SocketKind, server: &Scripted, settings: Settings) -> Events {
    let place =
        Place { origin: server.base.clone(), application: "app-1".into(), user: "u".into() };
    open(kind, &server.client(), &place, settings).await.unwrap()
}

#[tokio::test]
async fn a_token_that_is_refused_once_is_replaced() {
    for status in [401, 403] {
        each(&format!("HTTP {status} once"), &[NO_TOKEN], move |kind| async move {
            let rig = Rig::new(kind).await;
            rig.refuse(status, None, 1);
            let mut events = rig.live(Settings::default()).await;
            assert_eq!((rig.tokens_issued(), rig.dials()), (2, 2));
            rig.delivers(&mut events, 1).await;
        })
        .await;
    }
}

#[tokio::test]
async fn two_refused_tokens_end_the_stream_with_what_to_check() {
    for (status, expected) in [(401, ErrorKind::Auth), (403, ErrorKind::Forbidden)] {
        each(&format!("HTTP {status} twice"), &[NO_TOKEN], move |kind| async move {
            let rig = Rig::new(kind).await;
            rig.refuse(status, None, 9);
            let mut events = rig.start(Settings::default()).await.unwrap();
            let (last, error) = events.end().await;
            let error = error.unwrap();
            assert_eq!((error.kind(), error.status()), (expected, Some(status)));
            assert!(error.to_string().contains("token or scope"), "{error}");
            let auth = matches!(last, Some(Lifecycle::Stopped { reason: StopReason::Auth(_), .. }));
            assert!(auth, "{last:?}");
            assert_eq!((rig.tokens_issued(), rig.dials()), (2, 2));
        })
        .await;
    }
}

#[tokio::test]
async fn a_socket_without_a_token_ends_at_the_first_refusal() {
    for (status, expected) in [(401, ErrorKind::Auth), (403, ErrorKind::Forbidden)] {
        let rig = Rig::new(SocketKind::AppFoundry).await;
        rig.refuse(status, None, 1);
        let error = rig.start(Settings::default()).await.err().unwrap();
        assert_eq!((error.kind(), error.status()), (expected, Some(status)));
        assert_eq!((rig.tokens_issued(), rig.dials()), (0, 1));
    }
}

#[tokio::test]
async fn a_wrong_address_ends_the_stream_and_says_what_to_check() {
    each("HTTP 404", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        rig.refuse(404, None, 1);
        let error = rig.start(Settings::default()).await.err().unwrap();
        assert_eq!((error.kind(), error.status()), (ErrorKind::NotFound, Some(404)));
        assert!(error.to_string().contains("region URL or path"), "{error}");
        assert_eq!(rig.dials(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_busy_server_is_come_back_to_when_it_said() {
    each("HTTP 429 with Retry-After", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        rig.refuse(429, Some(1), 1);
        let began = Instant::now();
        let mut events = rig.start(Settings::default()).await.unwrap();
        let Lifecycle::Disconnected { cause, retry_in, .. } = events.until("disconnected").await
        else {
            unreachable!()
        };
        assert_eq!(cause, Gone::Refused { status: 429 });
        assert_eq!(retry_in, Some(Duration::from_secs(1)));
        events.until("subscribed").await;
        assert!(began.elapsed() >= Duration::from_secs(1), "Retry-After is a floor");
        rig.delivers(&mut events, 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_fails_is_tried_again() {
    each("HTTP 500, 502 as HTML, 503", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        rig.refuse(500, None, 1);
        let path = crate::five::path(kind).to_owned();
        let html = Fault::Http { path, status: 502, retry_after: None, count: 1, html: true };
        rig.platform.fault(html).unwrap();
        rig.refuse(503, None, 1);
        let mut events = rig.start(Settings::default()).await.unwrap();
        for status in [500, 502, 503] {
            let Lifecycle::Disconnected { cause, .. } = events.until("disconnected").await else {
                unreachable!()
            };
            assert_eq!(cause, Gone::Refused { status });
        }
        events.until("subscribed").await;
        assert_eq!(rig.dials(), 4);
        rig.delivers(&mut events, 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_dial_that_is_reset_is_tried_again() {
    each("RST instead of an upgrade", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        rig.fault(Fault::RefuseConnect { for_ms: 60_000 });
        let mut events = rig.start(Settings::default()).await.unwrap();
        let Lifecycle::Disconnected { cause, last_inbound: None, .. } =
            events.until("disconnected").await
        else {
            panic!("nothing came in before");
        };
        assert!(matches!(cause, Gone::Cut { .. } | Gone::Unreachable { .. }), "{cause}");
        rig.fault(Fault::RefuseConnect { for_ms: 0 });
        events.until("subscribed").await;
        rig.delivers(&mut events, 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_slow_upgrade_is_given_up_at_the_handshake_deadline() {
    each("slow upgrade", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        rig.fault(Fault::SlowHandshake { delay_ms: 10_000 });
        let timing = Timing::default().handshake(Duration::from_millis(400));
        let began = Instant::now();
        let mut events = rig.start(Settings { timing, ..Settings::default() }).await.unwrap();
        let Lifecycle::Disconnected { cause, .. } = events.until("disconnected").await else {
            unreachable!()
        };
        assert_eq!(cause, Gone::HandshakeTimeout);
        assert!(began.elapsed() < Duration::from_secs(8));
        rig.fault(Fault::SlowHandshake { delay_ms: 0 });
        events.until("subscribed").await;
        rig.delivers(&mut events, 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_socket_that_opens_and_says_nothing_is_given_up_at_the_handshake_deadline() {
    each("open, and silent from the start", &[], |kind| async move {
        let server = Scripted::start(|_, socket| hold(socket)).await;
        let timing = Timing::default().handshake(Duration::from_millis(300));
        let mut events = scripted(kind, &server, Settings { timing, ..Settings::default() }).await;
        let Lifecycle::Disconnected { cause, retry_in, .. } = events.until("disconnected").await
        else {
            unreachable!()
        };
        assert_eq!(cause, Gone::HandshakeTimeout);
        assert_eq!(retry_in, Some(Duration::from_millis(20)));
    })
    .await;
}

#[tokio::test]
async fn a_server_that_closes_at_once_for_ever_is_not_stormed() {
    each("accepts and closes for ever", &[], |kind| async move {
        let server = Scripted::start(|_, socket| async move { drop(socket) }).await;
        let numbers = Arc::new(Mutex::new(Vec::new()));
        let asked = numbers.clone();
        let policy = move |attempt: &Attempt<'_>| {
            asked.lock().unwrap().push(attempt.number);
            FullJitter::new(Duration::from_millis(100), Duration::from_millis(400)).decide(attempt)
        };
        let settings = Settings { policy: Arc::new(policy), ..Settings::default() };
        let begun = Instant::now();
        let mut events = scripted(kind, &server, settings).await;
        let mut waits = Vec::new();
        while waits.len() < 5 {
            let Lifecycle::Disconnected { retry_in, .. } = events.until("disconnected").await
            else {
                unreachable!()
            };
            waits.push(retry_in.unwrap());
        }
        assert_eq!(numbers.lock().unwrap()[..5], [1, 2, 3, 4, 5], "opening forgets nothing");
        assert!(waits.iter().all(|wait| *wait >= Duration::from_millis(100)), "{waits:?}");
        assert!(begun.elapsed() >= waits[..4].iter().sum::<Duration>());
        assert_eq!(server.dials(), 5);
    })
    .await;
}

#[tokio::test]
async fn a_policy_that_gives_up_ends_the_stream_before_and_after_it_was_live() {
    each("the policy gives up", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let settings = Settings { policy: Arc::new(NoReconnect), ..Settings::default() };
        rig.refuse(503, None, 1);
        let error = rig.start(settings.clone()).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Closed);
        let mut events = rig.live(settings).await;
        rig.delivers(&mut events, 1).await;
        rig.fault(Fault::Close { code: 1002, reason: "no".into() });
        let (last, error) = events.end().await;
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert_eq!(error.to_string().matches("region URL").count(), 1, "{error}");
        let Some(Lifecycle::Stopped { reason: StopReason::GaveUp { .. }, uncovered }) = last else {
            panic!("{last:?}");
        };
        assert_eq!(uncovered[0].topics[0].name(), rig.topic());
        assert!(uncovered[0].covered_until.is_some());
    })
    .await;
}

#[tokio::test]
async fn the_first_items_are_connected_and_subscribed() {
    each("the first items", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.start(Settings::default()).await.unwrap();
        let Item::Lifecycle(Lifecycle::Connected { attempts: 1, channel: None, .. }) =
            events.next().await
        else {
            panic!("not connected");
        };
        let Item::Lifecycle(Lifecycle::Subscribed { topics, .. }) = events.next().await else {
            panic!("not subscribed");
        };
        assert_eq!(topics.iter().map(Topic::name).collect::<Vec<_>>(), [rig.topic()]);
        assert_eq!(rig.tokens_issued(), u64::from(rig.has_token()));
    })
    .await;
}

//! What a stream survives, against the simulator's faults.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

use futures::StreamExt;
use genesys_cloud::sim::{Fault, Platform};
use genesys_cloud::{
    Capacity, Client, ConnectionState, Delivery, Event, EventStream, FixedDelay, Gone, Lifecycle,
    Overflow, StopReason, StreamBuilder, Timing, topics,
};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(20);

/// A platform that sends only what a test emits.
async fn quiet() -> Platform {
    Platform::builder()
        .events_per_second(0.0)
        .start()
        .await
        .unwrap()
}

fn client(platform: &Platform) -> Client {
    Client::builder(platform.endpoints())
        .credentials(platform.credentials())
        .build()
        .unwrap()
}

fn builder(platform: &Platform) -> StreamBuilder {
    let user = &platform.users()[0];
    client(platform)
        .stream()
        .subscribe(topics::users::presence(user))
        .reconnect(FixedDelay::new(Duration::from_millis(50)))
}

fn topic(platform: &Platform) -> String {
    format!("v2.users.{}.presence", platform.users()[0])
}

fn emit(platform: &Platform, n: usize) -> usize {
    platform.emit(
        &topic(platform),
        json!({"source": "PURECLOUD", "message": n.to_string()}),
    )
}

fn number(event: &Event) -> Option<usize> {
    match event {
        Event::UsersPresence(body) => body.message.as_ref()?.parse().ok(),
        _ => None,
    }
}

async fn next(events: &mut EventStream) -> Delivery {
    let item = tokio::time::timeout(PATIENCE, events.next())
        .await
        .expect("an item in time");
    item.expect("not the end").expect("no error")
}

async fn until<T>(events: &mut EventStream, pick: impl Fn(&Event) -> Option<T>) -> T {
    loop {
        if let Some(found) = pick(&next(events).await.event) {
            return found;
        }
    }
}

async fn until_what(events: &mut EventStream, what: &str) -> Lifecycle {
    until(events, |event| match event {
        Event::Lifecycle(item) if item.what() == what => Some(item.clone()),
        _ => None,
    })
    .await
}

async fn until_number(events: &mut EventStream, n: usize) {
    until(events, |event| (number(event) == Some(n)).then_some(())).await;
}

#[tokio::test]
async fn a_cut_is_a_gap_with_both_ends_and_the_same_channel_goes_on() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    emit(&platform, 1);
    until_number(&mut events, 1).await;
    let before = SystemTime::now();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let fault_at = SystemTime::now();
    platform.fault(Fault::Reset).unwrap();
    let Lifecycle::Disconnected {
        cause,
        last_inbound,
        retry_in,
        ..
    } = until_what(&mut events, "disconnected").await
    else {
        unreachable!()
    };
    assert!(matches!(cause, Gone::Cut { .. }), "{cause}");
    assert_eq!(retry_in, Some(Duration::from_millis(50)));
    let Lifecycle::Connected {
        new_channel,
        attempts,
        ..
    } = until_what(&mut events, "connected").await
    else {
        unreachable!()
    };
    assert_eq!((new_channel, attempts), (false, 2));
    let Lifecycle::Gap {
        topics,
        covered_until,
        resumed_at,
        duration,
        cause,
    } = until_what(&mut events, "gap").await
    else {
        unreachable!()
    };
    assert_eq!(topics[0].name(), topic(&platform));
    assert_eq!(
        Some(covered_until),
        last_inbound,
        "the gap opens at the last inbound byte"
    );
    assert!(
        covered_until <= before,
        "not at the moment somebody noticed"
    );
    assert!(resumed_at > fault_at);
    let wall = resumed_at.duration_since(covered_until).unwrap();
    assert!(
        wall.abs_diff(duration) < Duration::from_millis(20),
        "{wall:?} {duration:?}"
    );
    assert!(matches!(cause, Gone::Cut { .. }));
    until_what(&mut events, "resubscribed").await;
    emit(&platform, 2);
    until_number(&mut events, 2).await;
    let stats = events.stats();
    assert_eq!((stats.reconnects, stats.gaps, stats.dials), (1, 1, 2));
    assert_eq!(platform.stats().channels, 1);
}

#[tokio::test]
async fn an_evicted_channel_is_replaced_by_a_new_one() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    platform.fault(Fault::EvictChannel).unwrap();
    let Lifecycle::Connected { new_channel, .. } = until_what(&mut events, "connected").await
    else {
        unreachable!()
    };
    assert!(new_channel);
    until_what(&mut events, "gap").await;
    emit(&platform, 1);
    until_number(&mut events, 1).await;
}

#[tokio::test]
async fn a_revoked_token_leads_to_a_fresh_token_and_a_new_channel() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    platform.fault(Fault::RevokeToken).unwrap();
    until_what(&mut events, "gap").await;
    emit(&platform, 1);
    until_number(&mut events, 1).await;
    assert!(platform.stats().tokens_issued >= 2);
}

#[tokio::test]
async fn every_close_code_of_the_platform_is_survived() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    for (n, code) in [1000, 1001, 1008, 1011, 1012, 4003].into_iter().enumerate() {
        platform
            .fault(Fault::Close {
                code,
                reason: "why".into(),
            })
            .unwrap();
        let Lifecycle::Disconnected { cause, .. } = until_what(&mut events, "disconnected").await
        else {
            unreachable!()
        };
        assert!(
            matches!(&cause, Gone::Closed { code: c, .. } if c.get() == code),
            "{cause}"
        );
        until_what(&mut events, "gap").await;
        emit(&platform, n);
        until_number(&mut events, n).await;
    }
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_given_up_at_the_handshake_deadline() {
    let platform = quiet().await;
    let mut timing = Timing::default();
    timing.handshake = Duration::from_millis(300);
    let mut events = builder(&platform).timing(timing).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    platform
        .fault(Fault::SlowHandshake { delay_ms: 5_000 })
        .unwrap();
    platform.fault(Fault::Reset).unwrap();
    let cause = until(&mut events, |event| match event {
        Event::Lifecycle(Lifecycle::Disconnected {
            cause: Gone::HandshakeTimeout,
            ..
        }) => Some(()),
        _ => None,
    });
    cause.await;
    platform
        .fault(Fault::SlowHandshake { delay_ms: 0 })
        .unwrap();
    until_what(&mut events, "gap").await;
}

#[tokio::test]
async fn a_socket_that_goes_silent_is_dead_although_pings_are_written() {
    let platform = quiet().await;
    let mut timing = Timing::default();
    timing.silence = Duration::from_millis(400);
    timing.ping_after = Duration::from_millis(100);
    let mut events = builder(&platform).timing(timing).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    platform.fault(Fault::Silence { for_ms: 60_000 }).unwrap();
    let Lifecycle::Disconnected {
        cause,
        last_inbound,
        ..
    } = until_what(&mut events, "disconnected").await
    else {
        unreachable!()
    };
    assert!(
        matches!(cause, Gone::Silent { quiet } if quiet >= timing.silence),
        "{cause}"
    );
    let age = SystemTime::now()
        .duration_since(last_inbound.unwrap())
        .unwrap();
    assert!(
        age >= timing.silence,
        "the gap opens at the last byte, not at the verdict"
    );
}

#[tokio::test]
async fn bytes_that_trickle_in_are_a_sign_of_life() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    platform.fault(Fault::Trickle).unwrap();
    for n in 0..5 {
        emit(&platform, n);
        until_number(&mut events, n).await;
    }
    assert_eq!(events.stats().dials, 1);
}

#[tokio::test]
async fn a_forbidden_topic_is_reported_and_the_others_live() {
    let platform = quiet().await;
    let forbidden = format!("v2.users.{}.presence", platform.users()[1]);
    platform
        .fault(Fault::ForbidTopic {
            topic: forbidden.clone(),
        })
        .unwrap();
    let mut events = builder(&platform)
        .subscribe(forbidden.as_str())
        .start()
        .await
        .unwrap();
    let mut rejected = None;
    let covered = loop {
        match next(&mut events).await.event {
            Event::Lifecycle(Lifecycle::Rejected { topic, reason, .. }) => {
                assert!(!reason.is_empty());
                rejected = Some(topic.to_string());
            }
            Event::Lifecycle(Lifecycle::Subscribed { topics, .. }) => break topics,
            _ => {}
        }
    };
    assert_eq!(rejected, Some(forbidden));
    assert_eq!(covered.len(), 1);
    emit(&platform, 1);
    until_number(&mut events, 1).await;
}

#[tokio::test]
async fn an_unknown_topic_does_not_sink_the_others() {
    let platform = quiet().await;
    let mut events = builder(&platform)
        .subscribe("v2.no.such.topic")
        .start()
        .await
        .unwrap();
    let Lifecycle::Rejected { topic, .. } = until_what(&mut events, "rejected").await else {
        unreachable!()
    };
    assert_eq!(topic.name(), "v2.no.such.topic");
    emit(&platform, 1);
    until_number(&mut events, 1).await;
}

#[tokio::test]
async fn topics_are_added_and_removed_while_the_stream_runs() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    let other = format!("v2.users.{}.presence", platform.users()[1]);
    assert_eq!(platform.emit(&other, json!({"message": "0"})), 0);
    events.subscribe(other.as_str()).await.unwrap();
    let Lifecycle::Subscribed { topics, .. } = until_what(&mut events, "subscribed").await else {
        unreachable!()
    };
    assert_eq!(topics[0].name(), other);
    assert_eq!(platform.emit(&other, json!({"message": "7"})), 1);
    until_number(&mut events, 7).await;
    events.unsubscribe(other.as_str()).await.unwrap();
    until_what(&mut events, "unsubscribed").await;
    let gone = async {
        while platform.emit(&other, json!({"message": "8"})) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone)
        .await
        .expect("the platform is told");
    assert_eq!(events.stats().dials, 1, "no redial for a change of topics");
}

#[tokio::test]
async fn a_throttled_subscription_does_not_disturb_the_live_socket() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    let path = "/api/v2/notifications/channels".to_owned();
    let fault = Fault::Http {
        path,
        status: 503,
        retry_after: None,
        count: 8,
        html: true,
    };
    platform.fault(fault).unwrap();
    let other = format!("v2.users.{}.presence", platform.users()[1]);
    events.subscribe(other.as_str()).await.unwrap();
    emit(&platform, 1);
    until_number(&mut events, 1).await;
    until_what(&mut events, "subscribed").await;
    assert_eq!(events.stats().dials, 1);
}

#[tokio::test]
async fn a_platform_that_is_away_at_the_start_is_waited_for() {
    let platform = quiet().await;
    platform
        .fault(Fault::RefuseConnect { for_ms: 300 })
        .unwrap();
    let mut events = builder(&platform).start().await.unwrap();
    let first = next(&mut events).await.event;
    let Event::Lifecycle(Lifecycle::Disconnected {
        last_inbound: None,
        cause,
        ..
    }) = first
    else {
        panic!("{first:?}");
    };
    assert!(
        matches!(cause, Gone::Cut { .. } | Gone::Unreachable { .. }),
        "{cause}"
    );
    until_what(&mut events, "subscribed").await;
}

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
    assert!(matches!(
        events.state(),
        ConnectionState::Stopped(StopReason::Closed)
    ));
    let mut seen = BTreeSet::from([0]);
    let mut last = None;
    while let Some(item) = events.next().await {
        let delivery = item.unwrap();
        seen.extend(number(&delivery.event));
        last = Some(delivery.event);
    }
    assert_eq!(seen, (0..100).collect());
    assert!(
        matches!(last, Some(Event::Lifecycle(Lifecycle::Stopped { .. }))),
        "{last:?}"
    );
    assert_eq!(platform.stats().sockets_open, 0);
    assert!(events.subscribe("v2.users.x.presence").await.is_err());
}

#[tokio::test]
async fn dropping_the_stream_ends_its_tasks_and_its_socket() {
    let platform = quiet().await;
    let tasks = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    let handle = events.handle();
    drop(events);
    let ended = async {
        while platform.stats().sockets_open > 0 || handle.state() != stopped() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The HTTP pool keeps a task for its idle connection.
        while tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
            > tasks + 2
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ended)
        .await
        .expect("the stream is over");
}

fn stopped() -> ConnectionState {
    ConnectionState::Stopped(StopReason::Closed)
}

#[tokio::test]
async fn a_slow_consumer_with_wait_loses_nothing() {
    let platform = quiet().await;
    let mut events = builder(&platform)
        .capacity(Capacity::new(10, 1 << 20))
        .start()
        .await
        .unwrap();
    until_what(&mut events, "subscribed").await;
    for n in 0..2_000 {
        emit(&platform, n);
        if n % 200 == 0 {
            tokio::task::yield_now().await;
        }
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(
        events.stats().events <= 10 + 64,
        "the queue is bounded: {:?}",
        events.stats()
    );
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
        while !matches!(
            events.state(),
            ConnectionState::Held {
                cause: Gone::Overflow
            }
        ) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, held).await.unwrap();
    let dials = platform.stats().dials;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(
        platform.stats().dials,
        dials,
        "nothing is dialled while nobody reads"
    );
    let Lifecycle::Gap { cause, .. } = until_what(&mut events, "gap").await else {
        unreachable!()
    };
    assert_eq!(cause, Gone::Overflow);
    emit(&platform, 1_000);
    until_number(&mut events, 1_000).await;
}

#[tokio::test]
async fn the_socket_closing_notice_is_an_event_and_the_close_is_survived() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    platform
        .fault(Fault::SocketClosing {
            after_ms: Some(200),
        })
        .unwrap();
    until(&mut events, |event| {
        matches!(event, Event::System(_)).then_some(())
    })
    .await;
    emit(&platform, 1);
    until_number(&mut events, 1).await;
    until_what(&mut events, "gap").await;
    emit(&platform, 2);
    until_number(&mut events, 2).await;
}

#[tokio::test]
async fn unknown_topics_fields_and_values_are_delivered() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    platform.fault(Fault::UnknownTopic { count: 2 }).unwrap();
    for _ in 0..2 {
        until(&mut events, |event| {
            matches!(event, Event::Unrecognized { .. }).then_some(())
        })
        .await;
    }
    assert_eq!(events.stats().unrecognized, 2);
    let body = json!({"source": "PURECLOUD", "brandNew": {"a": [1, null]},
        "presenceDefinition": {"id": "x", "systemPresence": "LEVITATING"}});
    platform.emit(&topic(&platform), body.clone());
    let written = until(&mut events, |event| match event {
        Event::UsersPresence(_) => Some(event.body_json().unwrap()),
        _ => None,
    })
    .await;
    let written: serde_json::Value = serde_json::from_str(written.get()).unwrap();
    assert_eq!(written, body);
}

#[tokio::test]
async fn the_raw_level_and_a_filter_see_the_same_events() {
    let platform = quiet().await;
    let (wanted, other) = (
        topic(&platform),
        format!("v2.users.{}.presence", platform.users()[1]),
    );
    let only = wanted.clone();
    let mut events = builder(&platform)
        .subscribe(other.as_str())
        .filter(move |topic| topic == only)
        .raw()
        .start()
        .await
        .unwrap();
    let body = json!({"message": "7", "source": "PURECLOUD"});
    loop {
        let delivery = events.next().await.unwrap().unwrap();
        if let genesys_cloud::RawEvent::Lifecycle(Lifecycle::Subscribed { .. }) = delivery.event {
            break;
        }
    }
    platform.emit(&other, body.clone());
    platform.emit(&wanted, body.clone());
    let delivery = events.next().await.unwrap().unwrap();
    assert_eq!(delivery.topic.name(), wanted);
    let seen: serde_json::Value = serde_json::from_str(delivery.event.body()).unwrap();
    assert_eq!(seen, body);
    assert_eq!(events.stats().filtered, 1);
}

#[tokio::test]
async fn a_thousand_topics_fit_and_are_all_covered() {
    let platform = quiet().await;
    let user = &platform.users()[0];
    let names = (0..1_000).map(|n| format!("v2.detail.events.conversation.{user}{n}.acw"));
    let start = Instant::now();
    let mut events = client(&platform)
        .stream()
        .subscribe_all(names)
        .start()
        .await
        .unwrap();
    let Lifecycle::Subscribed { topics, .. } = until_what(&mut events, "subscribed").await else {
        unreachable!()
    };
    assert_eq!(topics.len(), 1_000, "after {:?}", start.elapsed());
}

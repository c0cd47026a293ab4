//! What is subscribed, what is refused, and what is not known.

use std::time::{Duration, Instant};

use futures::StreamExt;
use genesys_cloud::sim::Fault;
use genesys_cloud::{Event, Lifecycle};
use serde_json::json;

use crate::quiet::{
    PATIENCE, builder, client, emit, next, quiet, topic, until, until_number, until_what,
};

#[tokio::test]
async fn a_forbidden_topic_is_reported_and_the_others_live() {
    let platform = quiet().await;
    let forbidden = format!("v2.users.{}.presence", platform.users()[1]);
    platform.fault(Fault::ForbidTopic { topic: forbidden.clone() }).unwrap();
    let mut events = builder(&platform).subscribe(forbidden.as_str()).start().await.unwrap();
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
    let mut events = builder(&platform).subscribe("v2.no.such.topic").start().await.unwrap();
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
    tokio::time::timeout(PATIENCE, gone).await.expect("the platform is told");
    assert_eq!(events.stats().dials, 1, "no redial for a change of topics");
}

#[tokio::test]
async fn a_throttled_subscription_does_not_disturb_the_live_socket() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    let path = "/api/v2/notifications/channels".to_owned();
    let fault = Fault::Http { path, status: 503, retry_after: None, count: 8, html: true };
    platform.fault(fault).unwrap();
    let other = format!("v2.users.{}.presence", platform.users()[1]);
    events.subscribe(other.as_str()).await.unwrap();
    emit(&platform, 1);
    until_number(&mut events, 1).await;
    until_what(&mut events, "subscribed").await;
    assert_eq!(events.stats().dials, 1);
}

#[tokio::test]
async fn unknown_topics_fields_and_values_are_delivered() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    platform.fault(Fault::UnknownTopic { count: 2 }).unwrap();
    for _ in 0..2 {
        until(&mut events, |event| matches!(event, Event::Unrecognized { .. }).then_some(())).await;
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
    let (wanted, other) = (topic(&platform), format!("v2.users.{}.presence", platform.users()[1]));
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
    let mut events = client(&platform).stream().subscribe_all(names).start().await.unwrap();
    let Lifecycle::Subscribed { topics, .. } = until_what(&mut events, "subscribed").await else {
        unreachable!()
    };
    assert_eq!(topics.len(), 1_000, "after {:?}", start.elapsed());
}

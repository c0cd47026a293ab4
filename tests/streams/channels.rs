//! Many channels under one stream: how they are filled, whose they are, and that what they are subscribed to stays so.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use genesys_cloud::sim::{Fault, Platform};
use genesys_cloud::{
    ChannelPolicy, ErrorKind, Event, EventStream, FixedDelay, Lifecycle, StreamBuilder, topics,
};
use serde_json::json;

use crate::quiet::{PATIENCE, builder, client, emit, next, until_number, until_what};

/// A platform that sends only what a test emits, and does not count requests.
async fn patient() -> Platform {
    let builder = Platform::builder().events_per_second(0.0).requests_per_minute(1_000_000);
    builder.start().await.unwrap()
}

fn many(platform: &Platform, count: usize) -> Vec<String> {
    let user = &platform.users()[0];
    (0..count).map(|n| format!("v2.detail.events.conversation.{user}{n}.acw")).collect()
}

fn stream(platform: &Platform) -> StreamBuilder {
    client(platform).stream().reconnect(FixedDelay::new(Duration::from_millis(100)))
}

/// Reads until so many topics are covered; says which items came before.
async fn until_covered(events: &mut EventStream, count: usize) -> Vec<Lifecycle> {
    let (mut covered, mut items) = (0, Vec::new());
    while covered < count {
        if let Event::Lifecycle(item) = next(events).await.event {
            if let Lifecycle::Subscribed { topics, .. } = &item {
                covered += topics.len();
            }
            items.push(item);
        }
    }
    items
}

#[tokio::test]
async fn two_thousand_two_hundred_topics_are_on_three_channels_and_all_flow() {
    let platform = patient().await;
    let names = many(&platform, 2_200);
    let wanted = stream(&platform).subscribe_all(&names);
    let plan = wanted.plan().unwrap();
    assert_eq!((plan.channels().len(), plan.topics()), (3, 2_200));
    let mut events = wanted.start().await.unwrap();
    until_covered(&mut events, names.len()).await;
    for name in &names {
        assert_eq!(platform.emit(name, json!({"queueId": "q"})), 1, "one channel has it");
    }
    let mut missing: BTreeSet<String> = names.into_iter().collect();
    let mut channels = BTreeSet::new();
    while !missing.is_empty() {
        let delivery = next(&mut events).await;
        assert!(!matches!(delivery.event, Event::Lifecycle(_)), "{:?}", delivery.event);
        assert!(missing.remove(delivery.topic.name()), "twice: {}", delivery.topic);
        channels.extend(delivery.channel);
    }
    let stats = platform.stats();
    assert_eq!((channels.len(), stats.channels, stats.evictions), (3, 3, 0));
    assert_eq!(events.handle().channels().await.unwrap().len(), 3);
}

#[tokio::test]
async fn one_forbidden_topic_in_a_thousand_is_reported_and_the_others_flow() {
    let platform = patient().await;
    let names = many(&platform, 1_000);
    platform.fault(Fault::ForbidTopic { topic: names[500].clone() }).unwrap();
    let mut events = stream(&platform).subscribe_all(&names).start().await.unwrap();
    let items = until_covered(&mut events, 999).await;
    let rejected: Vec<_> = items
        .iter()
        .filter_map(|item| match item {
            Lifecycle::Rejected { topic, .. } => Some(topic.name()),
            _ => None,
        })
        .collect();
    assert_eq!(rejected, [&names[500]]);
    for (n, name) in names.iter().enumerate() {
        assert_eq!(platform.emit(name, json!({})), usize::from(n != 500));
    }
    for _ in 0..999 {
        assert!(!matches!(next(&mut events).await.event, Event::Lifecycle(_)));
    }
}

#[tokio::test]
async fn combined_topics_count_once_and_come_under_their_own_names() {
    let platform = patient().await;
    let user = &platform.users()[0];
    let wanted = builder(&platform).subscribe(topics::users::routing_status(user));
    assert_eq!(wanted.plan().unwrap().names(), 1);
    let mut events = wanted.start().await.unwrap();
    until_covered(&mut events, 2).await;
    emit(&platform, 1);
    until_number(&mut events, 1).await;
    let name = format!("v2.users.{user}.routingStatus");
    platform.emit(&name, json!({"id": user, "routingStatus": {"status": "IDLE"}}));
    assert_eq!(next(&mut events).await.topic.name(), name);
}

#[tokio::test]
async fn channels_of_others_are_waited_for_and_none_is_evicted() {
    let builder = Platform::builder().events_per_second(0.0).requests_per_minute(1_000_000);
    let life = Duration::from_secs(3);
    let platform = builder.channel_life(life).start().await.unwrap();
    let other = client(&platform).notifications();
    for _ in 0..20 {
        other.create_channel().await.unwrap();
    }
    let wanted = crate::quiet::builder(&platform);
    let error = wanted.channel_policy(ChannelPolicy::Fail).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Capacity);
    assert!(error.to_string().contains("20 of 20"), "{error}");
    let wanted = crate::quiet::builder(&platform);
    let mut events = wanted.channel_policy(ChannelPolicy::Wait).start().await.unwrap();
    let Lifecycle::ChannelsBusy { in_use, limit, needed } =
        until_what(&mut events, "channels_busy").await
    else {
        unreachable!()
    };
    assert_eq!((in_use, limit, needed), (20, 20, 1));
    assert_eq!(platform.stats().channels, 20);
    // They end one after another, and then there is room.
    until_what(&mut events, "subscribed").await;
    emit(&platform, 1);
    until_number(&mut events, 1).await;
    assert_eq!(platform.stats().evictions, 0);
}

#[tokio::test]
async fn too_few_channels_are_shared_if_the_topics_fit() {
    let platform = patient().await;
    let other = client(&platform).notifications();
    for _ in 0..19 {
        other.create_channel().await.unwrap();
    }
    let names = many(&platform, 20);
    let wanted = || stream(&platform).topics_per_channel(10).subscribe_all(&names);
    assert_eq!(wanted().plan().unwrap().channels().len(), 2);
    let mut events = wanted().channel_policy(ChannelPolicy::Share).start().await.unwrap();
    until_covered(&mut events, 20).await;
    let stats = platform.stats();
    assert_eq!((stats.channels, stats.evictions), (20, 0));
}

#[tokio::test]
async fn a_channel_of_an_earlier_run_is_used_again() {
    let platform = patient().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    let own = events.handle().channels().await.unwrap();
    events.close().await;
    let mut events = builder(&platform).own_channels(own.clone()).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    assert_eq!(events.handle().channels().await.unwrap()[0].id, own[0].id);
    assert_eq!(platform.stats().channels, 1);
    emit(&platform, 1);
    until_number(&mut events, 1).await;
}

#[tokio::test]
async fn what_the_platform_dropped_is_put_back_and_told() {
    let platform = patient().await;
    let check = Some(Duration::from_millis(150));
    let mut events = builder(&platform).check_subscriptions(check).start().await.unwrap();
    let Lifecycle::Subscribed { topics, since } = until_what(&mut events, "subscribed").await
    else {
        unreachable!()
    };
    let own = events.handle().channels().await.unwrap();
    client(&platform).notifications().remove_all(&own[0].id).await.unwrap();
    assert_eq!(emit(&platform, 1), 0, "nobody is subscribed");
    let Lifecycle::Drifted { topics: dropped, sure_until, .. } =
        until_what(&mut events, "drifted").await
    else {
        unreachable!()
    };
    assert_eq!(dropped, topics);
    let Lifecycle::Gap { topics: gap, covered_until, .. } = until_what(&mut events, "gap").await
    else {
        unreachable!()
    };
    assert_eq!((gap, covered_until), (topics, sure_until.max(since)));
    emit(&platform, 2);
    until_number(&mut events, 2).await;
    assert_eq!(events.stats().dials, 1);
}

#[tokio::test]
async fn topics_that_come_and_go_open_and_close_channels() {
    let platform = patient().await;
    let names = many(&platform, 40);
    let wanted = stream(&platform).topics_per_channel(10).overlap(Duration::from_millis(50));
    let mut events = wanted.subscribe_all(&names[..10]).start().await.unwrap();
    until_covered(&mut events, 10).await;
    let handle = events.handle();
    handle.subscribe_all(&names[10..]).await.unwrap();
    until_covered(&mut events, 30).await;
    assert_eq!(handle.channels().await.unwrap().len(), 4);
    let error = handle.subscribe_all(many(&platform, 51)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Capacity);
    // Three of each channel stay: two and two fit into one unasked, and then two more when it is asked for.
    handle.unsubscribe_all(names.iter().filter(|name| !name.ends_with("1.acw"))).await.unwrap();
    let few = async {
        while handle.channels().await.unwrap().len() > 1 {
            handle.rebalance().await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let drain = async {
        while let Some(item) = events.next().await {
            if let Event::Lifecycle(item) = item.unwrap().event {
                assert!(!matches!(item, Lifecycle::Gap { .. } | Lifecycle::Disconnected { .. }));
            }
        }
    };
    tokio::select! {
        done = tokio::time::timeout(PATIENCE, few) => done.expect("they are merged"),
        () = drain => panic!("the stream ended"),
    }
    for name in names.iter().filter(|name| name.ends_with("1.acw")) {
        assert_eq!(platform.emit(name, json!({})), 1);
    }
    assert_eq!(platform.stats().evictions, 0);
}

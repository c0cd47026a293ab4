//! Generated events: what is sent, how fast, and that a seed decides.

use std::collections::BTreeMap;
use std::time::Duration;

use genesys_cloud::sim::Platform;
use serde_json::Value;
use tokio::time::Instant;

use super::support::Rig;

/// Every time replaced, because times are not seeded.
fn timeless(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(timeless),
        Value::Array(items) => items.iter_mut().for_each(timeless),
        Value::String(text) if text.ends_with('Z') && text.contains('T') => {
            "time".clone_into(text);
        }
        _ => {}
    }
}

async fn history(seed: u64) -> Vec<Value> {
    let rig = Rig::of(Platform::builder().seed(seed).events_per_second(2_000.0)).await;
    let topics: Vec<String> = rig.platform.users()[..3]
        .iter()
        .map(|user| format!("v2.users.{user}?presence&routingStatus&conversations"))
        .collect();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let (_, _, mut socket) = rig.listen(&topics).await;
    let mut events = Vec::new();
    for _ in 0..150 {
        let mut frame = socket.json().await;
        timeless(&mut frame);
        events.push(frame);
    }
    events
}

#[tokio::test]
async fn two_runs_with_one_seed_give_the_same_events() {
    let (one, two) = (history(7).await, history(7).await);
    assert_eq!(one, two);
    assert_ne!(one, history(8).await);
}

#[tokio::test]
async fn the_rate_is_that_of_the_topics_that_are_listened_to() {
    let rig = Rig::of(Platform::builder().events_per_second(200.0)).await;
    let users = [rig.presence(0), rig.presence(1)];
    let queues: Vec<String> = rig.platform.queues()[..2]
        .iter()
        .map(|queue| format!("v2.analytics.queues.{queue}.observations"))
        .collect();
    let topics = [&users[0], &users[1], &queues[0], &queues[1]].map(String::as_str);
    let (_, _, mut socket) = rig.listen(&topics).await;
    let begin = Instant::now();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..200 {
        let topic = socket.json().await["topicName"]
            .as_str()
            .unwrap()
            .to_owned();
        *seen.entry(topic).or_default() += 1;
    }
    let took = begin.elapsed();
    assert!(took > Duration::from_millis(700), "too fast: {took:?}");
    assert!(took < Duration::from_secs(5), "too slow: {took:?}");
    assert_eq!(
        seen.len(),
        4,
        "only what was subscribed to, and all of it: {seen:?}"
    );
}

#[tokio::test]
async fn nothing_happens_at_rate_zero_and_nobody_hears_a_stranger() {
    let rig = Rig::new().await;
    let (_, _, mut socket) = rig.listen(&[&rig.presence(0)]).await;
    assert!(socket.is_quiet().await);
    let rig = Rig::of(Platform::builder().events_per_second(500.0)).await;
    let (_, _, mut socket) = rig.listen(&["v2.users.nobody.presence"]).await;
    assert!(socket.is_quiet().await);
}

#[tokio::test]
async fn calls_ring_connect_and_end() {
    let rig = Rig::of(
        Platform::builder()
            .users(1)
            .queues(1)
            .events_per_second(2_000.0),
    )
    .await;
    let topic = format!("v2.users.{}.conversations", rig.platform.users()[0]);
    let (_, _, mut socket) = rig.listen(&[&topic]).await;
    let mut states: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for _ in 0..60 {
        let frame = socket.json().await;
        let body = &frame["eventBody"];
        let participants = body["participants"].as_array().unwrap();
        let agent = participants
            .iter()
            .find(|one| one["purpose"] == "agent")
            .unwrap();
        let state = agent["calls"][0]["state"].as_str().unwrap().to_owned();
        let call = body["id"].as_str().unwrap().to_owned();
        states.entry(call).or_default().push(state);
    }
    let answered = ["alerting", "connected", "disconnected", "terminated"];
    let missed = ["alerting", "disconnected", "terminated"];
    let whole = states
        .values()
        .filter(|all| all.last().is_some_and(|last| last == "terminated"));
    for all in whole.clone() {
        assert!(*all == answered || *all == missed, "{all:?}");
    }
    assert!(whole.filter(|all| **all == answered).count() > 3);
}

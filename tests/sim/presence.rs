//! The presence socket, as a client of the tutorial uses it.

use std::collections::BTreeMap;

use genesys_cloud::sim::{Platform, SocketKind};
use serde_json::{Value, json};

use super::support::{Rig, Socket};

const PATH: &str = "/api/v2/analytics/events";

fn message(kind: &str, users: &[&str]) -> String {
    json!({ "type": kind, "eventTypes": ["presence"], "filters": { "userId": users } }).to_string()
}

async fn open(rig: &Rig) -> Socket {
    let token = rig.token().await;
    rig.open(&format!("{PATH}?token={token}")).await
}

/// Everything the socket was told before is in effect.
async fn settled(socket: &mut Socket) {
    socket.say("?").await;
    assert_eq!(socket.json().await["type"], "error");
}

#[tokio::test]
async fn two_users_are_heard_of_with_changes_and_with_repeats() {
    let rig = Rig::of(Platform::builder().events_per_second(400.0)).await;
    let mut socket = open(&rig).await;
    assert!(socket.is_quiet().await, "nothing before a subscription");
    let users: Vec<&str> = rig.platform.users()[..2].iter().map(String::as_str).collect();
    socket.say(&message("subscribe", &users)).await;
    let mut states: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for _ in 0..200 {
        let event = socket.json().await;
        assert_eq!(event["eventType"], "presence");
        assert!(event["timestamp"].is_string());
        let state = event["state"].as_str().unwrap();
        assert!(!state.is_empty());
        states.entry(event["userId"].as_str().unwrap().to_owned()).or_default().push(state.into());
    }
    assert!(states.keys().map(String::as_str).eq({
        let mut sorted = users.clone();
        sorted.sort_unstable();
        sorted
    }));
    for (user, states) in states {
        let changes = states.windows(2).filter(|two| two[0] != two[1]).count();
        let repeats = states.len() - 1 - changes;
        assert!(changes > 10 && repeats > 10, "{user}: {changes} changes, {repeats} repeats");
    }
}

#[tokio::test]
async fn emitted_events_go_to_those_who_subscribed_to_the_user() {
    let rig = Rig::new().await;
    let (mut one, mut two) = (open(&rig).await, open(&rig).await);
    one.say(&message("subscribe", &["u-1", "U-2"])).await;
    two.say(&message("subscribe", &["u-3"])).await;
    settled(&mut one).await;
    settled(&mut two).await;
    let event = |user: &str| json!({ "eventType": "presence", "userId": user, "state": "AWAY" });
    assert_eq!(rig.platform.emit_on(SocketKind::Presence, event("u-2")), 1);
    assert_eq!(one.json().await["userId"], "u-2");
    assert_eq!(rig.platform.emit_on(SocketKind::Presence, event("u-4")), 0);
    assert_eq!(rig.platform.emit_on(SocketKind::Presence, json!({ "state": 5 })), 2);
    assert_eq!(two.json().await, json!({ "state": 5 }), "what is about nobody is for all");
    one.json().await;
    one.say(&message("unsubscribe", &["u-2"])).await;
    settled(&mut one).await;
    assert_eq!(rig.platform.emit_on(SocketKind::Presence, event("u-2")), 0);
    assert_eq!(rig.platform.emit_on(SocketKind::Presence, event("u-1")), 1);
}

#[tokio::test]
async fn a_bad_token_is_401_and_a_bad_subscription_an_error_that_changes_nothing() {
    let rig = Rig::new().await;
    assert_eq!(rig.refused(PATH).await, 401);
    assert_eq!(rig.refused(&format!("{PATH}?token=nonsense")).await, 401);
    let mut socket = open(&rig).await;
    socket.say(&message("subscribe", &["u-1"])).await;
    let many: Vec<String> = (0..100).map(|number| format!("many-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for bad in [
        "hello".to_owned(),
        message("dance", &["u-2"]),
        message("subscribe", &many),
        json!({ "type": "subscribe", "filters": { "userId": ["u-2"] } }).to_string(),
        json!({ "type": "subscribe", "eventTypes": ["presence"], "filters": { "userId": "u-2" } })
            .to_string(),
    ] {
        socket.say(&bad).await;
        let answer = socket.json().await;
        assert_eq!(answer["type"], "error", "{bad}");
        assert!(answer["message"].is_string());
    }
    let emit = |user: &str| {
        let body: Value = json!({ "socket": "presence", "body": { "userId": user } });
        rig.post("/_sim/emit", body)
    };
    assert_eq!(emit("u-1").await.json(), json!({ "sockets": 1 }));
    assert_eq!(emit("u-2").await.json(), json!({ "sockets": 0 }));
    assert_eq!(emit("many-0").await.json(), json!({ "sockets": 0 }));
}

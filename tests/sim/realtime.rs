//! The socket of live analytics, as a client of the tutorial uses it.

use std::time::Duration;

use futures::SinkExt;
use genesys_cloud::sim::{Fault, Platform, SocketKind};
use serde_json::{Value, json};
use tokio::time::Instant;
use tungstenite::Message;

use super::support::{Rig, Socket, quiet};

const PATH: &str = "/v2/analytics/events/realtime";

fn subscribe(token: &str) -> Value {
    json!({
        "type": "subscribe",
        "token": token,
        "connectionId": "monitor-1",
        "settings": {
            "pingInterval": "2s",
            "driftCompensation": { "enabled": true, "maxDriftMs": 50, "adjustFactor": 0.5 },
        },
    })
}

async fn listen(rig: &Rig) -> Socket {
    let mut socket = rig.open(PATH).await;
    socket.say(&subscribe(&rig.token().await).to_string()).await;
    let answer = socket.json().await;
    assert_eq!(answer, json!({ "type": "subscribed", "connectionId": "monitor-1" }));
    socket
}

#[tokio::test]
async fn events_come_after_a_subscription_and_not_before() {
    let rig = Rig::of(Platform::builder().events_per_second(200.0)).await;
    let mut idle = rig.open(PATH).await;
    let mut socket = listen(&rig).await;
    for _ in 0..20 {
        let event = socket.json().await;
        assert_eq!(event["type"], "event");
        assert!(rig.platform.queues().contains(&event["queueId"].as_str().unwrap().to_owned()));
        assert!(event["waiting"].is_u64() && event["interacting"].is_u64(), "{event}");
    }
    assert!(idle.is_quiet().await);
}

#[tokio::test]
async fn pings_are_answered_before_and_after_and_nothing_is_answered_unasked() {
    let rig = Rig::new().await;
    let mut early = rig.open(PATH).await;
    let mut late = listen(&rig).await;
    for socket in [&mut early, &mut late] {
        for payload in ["", "p-1", "p-2"] {
            socket.0.send(Message::Ping(payload.into())).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong(payload.into()));
        }
        assert!(socket.is_quiet().await);
    }
}

#[tokio::test]
async fn a_bad_token_or_none_in_time_is_1008_and_another_message_1002() {
    let rig = Rig::of(quiet().subscribe_deadline(Duration::from_millis(300))).await;
    for (message, expected) in [
        (subscribe("nonsense"), 1008),
        (json!({ "type": "subscribe" }), 1008),
        (json!({ "type": "hello" }), 1002),
        (json!("subscribe"), 1002),
    ] {
        let mut socket = rig.open(PATH).await;
        socket.say(&message.to_string()).await;
        assert_eq!(socket.closed().await.0, expected, "{message}");
    }
    let begin = Instant::now();
    let (code, reason, _) = rig.open(PATH).await.closed().await;
    assert_eq!((code, reason.as_str()), (1008, "no subscribe message in time"));
    assert!(begin.elapsed() >= Duration::from_millis(300));
    let mut socket = listen(&rig).await;
    tokio::time::sleep(Duration::from_millis(350)).await;
    socket.say("{}").await;
    assert_eq!(socket.json().await["type"], "error", "once subscribed it stays open");
}

#[tokio::test]
async fn a_first_message_over_65536_bytes_is_1009() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let padded = |size: usize| {
        let mut message = subscribe(&token);
        message["pad"] = json!("");
        let length = message.to_string().len();
        message["pad"] = json!("x".repeat(size - length));
        message.to_string()
    };
    let mut socket = rig.open(PATH).await;
    socket.say(&padded(65_536)).await;
    assert_eq!(socket.json().await["type"], "subscribed");
    let mut socket = rig.open(PATH).await;
    socket.say(&padded(65_537)).await;
    assert_eq!(socket.closed().await.0, 1009);
}

#[tokio::test]
async fn the_token_of_the_first_message_ends_the_socket_when_it_ends() {
    let rig = Rig::new().await;
    let mut socket = listen(&rig).await;
    assert_eq!(rig.platform.emit_on(SocketKind::Realtime, json!({ "n": 1 })), 1);
    assert_eq!(socket.json().await["n"], 1);
    rig.platform.fault_on_sockets(SocketKind::Realtime, Fault::ExpireToken).unwrap();
    assert_eq!(socket.closed().await.0, 1008);
    let rig = Rig::of(quiet().token_life(Duration::from_millis(300))).await;
    assert_eq!(listen(&rig).await.closed().await.0, 1008);
}

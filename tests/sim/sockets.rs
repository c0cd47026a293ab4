//! The protocol of a notification socket.

use std::time::Duration;

use futures::SinkExt;
use genesys_cloud::sim::Fault;
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_tungstenite::client_async;
use tungstenite::Message;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;

use super::support::{QUIET, Rig, Socket, quiet};

#[tokio::test]
async fn heartbeats_and_pongs_are_worded_as_the_platform_does() {
    let rig = Rig::of(quiet().heartbeat(Duration::from_millis(60))).await;
    let (_, _, mut socket) = rig.listen(&[]).await;
    let heartbeat = json!({ "topicName": "channel.metadata", "eventBody": { "message": "WebSocket Heartbeat" } });
    assert_eq!(socket.json().await, heartbeat);
    assert_eq!(socket.json().await, heartbeat);
    socket.say(r#"{"message":"ping"}"#).await;
    let pong = json!({ "topicName": "channel.metadata", "eventBody": { "message": "pong" } });
    while socket.json().await != pong {}
}

#[tokio::test]
async fn control_pings_are_answered_at_once() {
    let rig = Rig::new().await;
    let (_, _, mut socket) = rig.listen(&[]).await;
    for payload in ["", "unique"] {
        socket.0.send(Message::Ping(payload.into())).await.unwrap();
        assert_eq!(
            socket.next().await.unwrap().unwrap(),
            Message::Pong(payload.into())
        );
    }
}

#[tokio::test]
async fn a_second_socket_closes_the_first_and_the_channel_goes_on() {
    let rig = Rig::new().await;
    let topic = rig.presence(0);
    let (token, channel, mut first) = rig.listen(&[&topic]).await;
    let uri = rig
        .get("/api/v2/notifications/channels", &token)
        .await
        .json()["entities"][0]["connectUri"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(uri.ends_with(&channel));
    let mut second = Socket::open(&uri).await.unwrap();
    assert_eq!(first.closed().await.0, 1001);
    // Subscriptions belong to the channel.
    rig.platform.emit(&topic, json!({ "n": 2 }));
    assert_eq!(second.json().await["eventBody"]["n"], 2);
}

#[tokio::test]
async fn subscriptions_outlive_a_socket_that_was_dropped() {
    let rig = Rig::new().await;
    let topic = rig.presence(0);
    let (token, _, socket) = rig.listen(&[&topic]).await;
    drop(socket);
    while rig.platform.stats().sockets_open > 0 {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(rig.platform.emit(&topic, json!({})), 0, "nobody listens");
    let uri = rig
        .get("/api/v2/notifications/channels", &token)
        .await
        .json()["entities"][0]["connectUri"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut socket = Socket::open(&uri).await.unwrap();
    assert_eq!(
        rig.platform.emit(&topic.to_uppercase(), json!({ "n": 3 })),
        1,
        "names in any case"
    );
    assert_eq!(socket.json().await["eventBody"]["n"], 3);
}

#[tokio::test]
async fn events_have_the_envelope_of_the_platform_and_all_channels_get_the_same() {
    let rig = Rig::new().await;
    let topic = rig.presence(0);
    let (_, _, mut one) = rig.listen(&[&topic]).await;
    let (_, _, mut two) = rig.listen(&[&topic]).await;
    assert_eq!(rig.platform.emit(&topic, json!({ "n": 1 })), 2);
    let Some(Ok(Message::Text(text))) = one.next().await else {
        panic!("no text")
    };
    assert!(text.starts_with(r#"{"topicName":"v2.users."#), "{text}");
    let frame: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(frame["version"], "2");
    assert_eq!(
        frame["metadata"]["CorrelationId"].as_str().unwrap().len(),
        36
    );
    assert_eq!(two.json().await, frame);
}

#[tokio::test]
async fn subscribing_over_the_socket_is_answered_with_strings() {
    let rig = Rig::new().await;
    let (_, _, mut socket) = rig.listen(&[]).await;
    let topic = rig.presence(0);
    socket
        .say(
            &json!({ "message": "subscribe", "topics": [topic], "correlationId": "abc" })
                .to_string(),
        )
        .await;
    assert_eq!(
        socket.json().await,
        json!({ "result": "200", "status": "subscribed", "correlationId": "abc" })
    );
    rig.platform.emit(&topic, json!({ "n": 1 }));
    assert_eq!(socket.json().await["eventBody"]["n"], 1);
    socket
        .say(&json!({ "message": "unsubscribe", "topics": [topic] }).to_string())
        .await;
    assert_eq!(
        socket.json().await,
        json!({ "result": "200", "status": "unsubscribed" })
    );
    assert_eq!(rig.platform.emit(&topic, json!({})), 0);
    socket
        .say(&json!({ "message": "subscribe", "topics": ["v2.nothing"] }).to_string())
        .await;
    let refused = socket.json().await;
    assert_eq!(
        (&refused["result"], &refused["status"]),
        (&json!("400"), &json!("failure"))
    );
    for strange in ["12:00:01", "[]", r#"{"message":"dance"}"#] {
        socket.say(strange).await;
        assert_eq!(
            socket.json().await["status"],
            "error",
            "the socket stays open"
        );
    }
}

#[tokio::test]
async fn origin_and_an_offer_of_compression_are_no_reason_to_refuse() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let (_, uri) = rig.channel(&token).await;
    let mut request = uri.as_str().into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("origin", HeaderValue::from_static("https://apps.example"));
    headers.insert(
        "sec-websocket-extensions",
        HeaderValue::from_static("permessage-deflate; client_max_window_bits"),
    );
    let address = uri
        .strip_prefix("ws://")
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    let tcp = TcpStream::connect(address).await.unwrap();
    let (_, response) = client_async(request, tcp).await.unwrap();
    assert_eq!(response.status(), 101);
    assert!(response.headers().get("sec-websocket-extensions").is_none());
}

#[tokio::test]
async fn an_expired_token_ends_its_socket_but_a_later_token_keeps_the_channel() {
    let rig = Rig::of(quiet().closing_notice(Duration::from_millis(100))).await;
    let topic = rig.presence(0);
    let (_, channel, mut socket) = rig.listen(&[&topic]).await;
    rig.post("/_sim/fault", json!({ "kind": "expire_token" }))
        .await;
    let (code, _, before) = socket.closed().await;
    assert_eq!((code, &before[0]["result"]), (1001, &json!("404")));
    let uri = format!(
        "{}/channels/{channel}",
        rig.platform.base_url().replace("http", "ws")
    );
    let refused = Socket::open(&uri).await.err().unwrap().to_string();
    assert!(refused.contains("401"), "{refused}");
    let later = rig.token().await;
    assert_eq!(
        rig.subscribe(Method::POST, &channel, "", &later, &[&topic])
            .await
            .status,
        200
    );
    assert!(Socket::open(&uri).await.is_ok());
}

#[tokio::test]
async fn a_rotated_token_keeps_the_socket_when_it_subscribes_in_time() {
    let rig = Rig::new().await;
    let topic = rig.presence(0);
    let (first, channel, mut socket) = rig.listen(&[&topic]).await;
    let later = rig.token().await;
    rig.subscribe(Method::PUT, &channel, "", &later, &[&topic])
        .await;
    let gone = rig
        .call(
            Method::DELETE,
            "/api/v2/tokens/me",
            &first,
            serde_json::Value::Null,
        )
        .await;
    assert_eq!(gone.status, 200);
    assert!(socket.is_quiet().await);
    rig.platform.emit(&topic, json!({ "n": 1 }));
    assert_eq!(socket.json().await["eventBody"]["n"], 1);
}

#[tokio::test]
async fn a_revoked_token_is_told_before_its_channel_ends() {
    let rig = Rig::new().await;
    let (token, channel, mut socket) = rig.listen(&[]).await;
    rig.call(
        Method::DELETE,
        "/api/v2/tokens/me",
        &token,
        serde_json::Value::Null,
    )
    .await;
    let (code, _, before) = socket.closed().await;
    assert_eq!(code, 1001);
    let client = rig.platform.credentials().client_id().to_owned();
    assert_eq!(
        before[0]["topicName"],
        json!(format!("v2.system.token_revoked.{client}"))
    );
    assert_eq!(before[0]["eventBody"]["reason"], "user_tokens_revoked");
    assert!(!rig.exists(&channel, &rig.token().await).await);
}

#[tokio::test]
async fn dropping_the_platform_ends_its_sockets() {
    let rig = Rig::new().await;
    let (_, _, mut socket) = rig.listen(&[]).await;
    let Rig { platform, .. } = rig;
    drop(platform);
    assert!(!matches!(socket.next().await, Some(Ok(_))));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_when_its_queue_is_full() {
    let rig = Rig::new().await;
    let (_, _, _deaf) = rig.listen(&[]).await;
    let large = Fault::Oversize { bytes: 64 << 20 };
    // The first is being written, the second waits, and there is no room for a third.
    for expected in [1, 1, 1] {
        assert_eq!(rig.platform.fault(large.clone()).unwrap(), expected);
        sleep(QUIET).await;
    }
    assert_eq!(rig.platform.stats().sockets_open, 0);
}

#[tokio::test]
async fn a_reset_reaches_a_socket_that_is_stuck_in_a_write() {
    let rig = Rig::new().await;
    let (_, _, _deaf) = rig.listen(&[]).await;
    rig.platform
        .fault(Fault::Oversize { bytes: 64 << 20 })
        .unwrap();
    sleep(QUIET).await;
    assert_eq!(rig.platform.stats().sockets_open, 1);
    rig.platform.fault(Fault::Reset).unwrap();
    sleep(QUIET).await;
    assert_eq!(rig.platform.stats().sockets_open, 0);
}

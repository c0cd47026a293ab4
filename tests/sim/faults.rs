//! Faults of sockets, channels and REST: each does what it says.

use std::time::Duration;

use futures::StreamExt;
use genesys_cloud::ErrorKind;
use genesys_cloud::sim::Fault;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tungstenite::{Error as WsError, Message};

use super::support::{Rig, Socket, quiet};

fn uri(rig: &Rig, channel: &str) -> String {
    let base = rig.platform.base_url().replace("http", "ws");
    format!("{base}/channels/{channel}")
}

#[tokio::test]
async fn refuse_connect_breaks_dials_for_a_time_while_rest_stays_up() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let (channel, uri) = rig.channel(&token).await;
    rig.platform
        .fault(Fault::RefuseConnect { for_ms: 200 })
        .unwrap();
    let refused = Socket::open(&uri).await.err().unwrap();
    assert!(
        matches!(refused, WsError::Io(_) | WsError::Protocol(_)),
        "{refused:?}"
    );
    assert!(rig.exists(&channel, &token).await);
    sleep(Duration::from_millis(210)).await;
    assert!(Socket::open(&uri).await.is_ok());
    assert_eq!(rig.platform.stats().dials, 2);
}

#[tokio::test]
async fn slow_handshake_delays_the_answer_and_zero_ends_it() {
    let rig = Rig::new().await;
    let (_, uri) = rig.channel(&rig.token().await).await;
    rig.platform
        .fault(Fault::SlowHandshake { delay_ms: 150 })
        .unwrap();
    let begin = Instant::now();
    Socket::open(&uri).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(150));
    rig.platform
        .fault(Fault::SlowHandshake { delay_ms: 0 })
        .unwrap();
    let begin = Instant::now();
    Socket::open(&uri).await.unwrap();
    assert!(begin.elapsed() < Duration::from_millis(150));
}

#[tokio::test]
async fn close_sends_its_code_to_one_channel_or_to_all_after_what_came_before() {
    let rig = Rig::new().await;
    let topic = rig.presence(0);
    let (_, one, mut first) = rig.listen(&[&topic]).await;
    let (_, _, mut second) = rig.listen(&[&topic]).await;
    rig.platform.emit(&topic, json!({ "n": 1 }));
    let answer = rig
        .post(
            "/_sim/fault",
            json!({ "kind": "close", "code": 1011, "reason": "oops", "channel": one }),
        )
        .await;
    assert_eq!(answer.json(), json!({ "sockets": 1 }));
    let (code, reason, before) = first.closed().await;
    assert_eq!((code, reason.as_str(), before.len()), (1011, "oops", 1));
    assert_eq!(second.json().await["eventBody"]["n"], 1);
    assert!(second.is_quiet().await);
    rig.post("/_sim/fault", json!({ "kind": "close" })).await;
    assert_eq!(second.closed().await.0, 1001);
}

#[tokio::test]
async fn reset_cuts_the_connection_without_a_close_frame() {
    let rig = Rig::new().await;
    let (_, channel, mut socket) = rig.listen(&[]).await;
    assert_eq!(rig.platform.fault_on(&channel, Fault::Reset).unwrap(), 1);
    match socket.next().await {
        Some(Err(WsError::Io(error))) => {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
        other => panic!("no RST: {other:?}"),
    }
    assert!(
        Socket::open(&uri(&rig, &channel)).await.is_ok(),
        "the channel lives"
    );
}

#[tokio::test]
async fn silence_holds_everything_back_and_loses_nothing() {
    let rig = Rig::of(quiet().heartbeat(Duration::from_millis(40))).await;
    let topic = rig.presence(0);
    let (_, _, mut socket) = rig.listen(&[&topic]).await;
    socket.json().await;
    rig.platform.fault(Fault::Silence { for_ms: 500 }).unwrap();
    let begin = Instant::now();
    rig.platform.emit(&topic, json!({ "n": 1 }));
    socket.say(r#"{"message":"ping"}"#).await;
    // A heartbeat may have been under way when the silence began.
    let mut frames = Vec::new();
    while !frames
        .iter()
        .any(|frame: &Value| frame["eventBody"]["n"] == 1)
    {
        frames.push(socket.json().await);
    }
    assert!(begin.elapsed() >= Duration::from_millis(450), "{frames:?}");
    while socket.json().await["eventBody"]["message"] != "pong" {}
}

#[tokio::test]
async fn a_reset_of_the_platform_ends_silence() {
    let rig = Rig::new().await;
    let topic = rig.presence(0);
    let (_, _, mut socket) = rig.listen(&[&topic]).await;
    rig.platform
        .fault(Fault::Silence { for_ms: u64::MAX })
        .unwrap();
    rig.platform.emit(&topic, json!({ "n": 1 }));
    assert!(socket.is_quiet().await);
    rig.platform.reset();
    assert_eq!(socket.json().await["eventBody"]["n"], 1);
}

#[tokio::test]
async fn a_silent_socket_gives_way_to_a_new_one_on_its_channel() {
    let rig = Rig::new().await;
    let topic = rig.presence(0);
    let (_, channel, _silent) = rig.listen(&[&topic]).await;
    rig.platform
        .fault(Fault::Silence { for_ms: 60_000 })
        .unwrap();
    let mut second = Socket::open(&uri(&rig, &channel)).await.unwrap();
    rig.platform.emit(&topic, json!({ "n": 2 }));
    assert_eq!(second.json().await["eventBody"]["n"], 2);
}

#[tokio::test]
async fn no_heartbeat_stops_heartbeats_only() {
    let rig = Rig::of(quiet().heartbeat(Duration::from_millis(30))).await;
    let topic = rig.presence(0);
    let (_, _, mut socket) = rig.listen(&[&topic]).await;
    socket.json().await;
    rig.platform
        .fault(Fault::NoHeartbeat { for_ms: 400 })
        .unwrap();
    sleep(Duration::from_millis(50)).await;
    while let Ok(Some(_)) = tokio::time::timeout(Duration::from_millis(1), socket.0.next()).await {}
    assert!(socket.is_quiet().await);
    rig.platform.emit(&topic, json!({ "n": 1 }));
    assert_eq!(socket.json().await["eventBody"]["n"], 1);
    assert_eq!(
        socket.json().await["topicName"],
        "channel.metadata",
        "it ends by itself"
    );
}

#[tokio::test]
async fn socket_closing_gives_notice_and_lets_a_new_socket_take_over() {
    let rig = Rig::new().await;
    let topic = rig.presence(0);
    let (_, channel, mut socket) = rig.listen(&[&topic]).await;
    let begin = Instant::now();
    rig.platform
        .fault(Fault::SocketClosing {
            after_ms: Some(150),
        })
        .unwrap();
    let notice = socket.json().await;
    assert_eq!(notice["topicName"], "v2.system.socket_closing");
    assert_eq!(notice["eventBody"]["channelId"], json!(channel));
    rig.platform.emit(&topic, json!({ "n": 1 }));
    assert_eq!(
        socket.json().await["eventBody"]["n"],
        1,
        "events flow until the close"
    );
    assert_eq!(socket.closed().await.0, 1001);
    assert!(begin.elapsed() >= Duration::from_millis(150));
    assert!(Socket::open(&uri(&rig, &channel)).await.is_ok());
}

#[tokio::test]
async fn evict_channel_ends_its_socket_and_is_404_afterwards() {
    let rig = Rig::new().await;
    let (token, channel, mut socket) = rig.listen(&[]).await;
    let (other, _) = rig.channel(&token).await;
    rig.platform
        .fault_on(&channel, Fault::EvictChannel)
        .unwrap();
    let (code, _, before) = socket.closed().await;
    assert_eq!(code, 1001);
    assert!(before.iter().any(|frame| frame["result"] == "404"));
    assert!(!rig.exists(&channel, &token).await);
    assert!(rig.exists(&other, &token).await);
    assert!(
        Socket::open(&uri(&rig, &channel))
            .await
            .err()
            .unwrap()
            .to_string()
            .contains("404")
    );
    assert_eq!(rig.platform.stats().evictions, 1);
}

#[tokio::test]
async fn expire_and_revoke_concern_the_token_of_the_channel_or_all() {
    let rig = Rig::new().await;
    let (one, channel, _socket) = rig.listen(&[]).await;
    let two = rig.token().await;
    let me = "/api/v2/tokens/me";
    rig.platform.fault_on(&channel, Fault::ExpireToken).unwrap();
    assert_eq!(rig.get(me, &one).await.code(), "credentials.expired");
    assert_eq!(rig.get(me, &two).await.status, 200);
    rig.platform.fault(Fault::RevokeToken).unwrap();
    assert_eq!(rig.get(me, &two).await.code(), "bad.credentials");
}

#[tokio::test]
async fn http_answers_the_next_requests_below_its_path() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let me = "/api/v2/tokens/me";
    rig.post(
        "/_sim/fault",
        json!({ "kind": "http", "path": "/api/v2", "status": 503, "retry_after": 7, "count": 2 }),
    )
    .await;
    for _ in 0..2 {
        let answer = rig.get(me, &token).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "7"));
        assert_eq!(
            answer.json()["contextId"],
            answer.header("inin-correlation-id")
        );
    }
    assert_eq!(rig.get(me, &token).await.status, 200);

    let html = json!({ "kind": "http", "path": "/oauth/token", "status": 502, "html": true });
    rig.post("/_sim/fault", html).await;
    let answer = rig.send(rig.request(Method::POST, "/oauth/token")).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (502, "text/html")
    );
    assert!(answer.text.starts_with("<html>"));
    assert!(answer.headers.get("retry-after").is_none());

    rig.post(
        "/_sim/fault",
        json!({ "kind": "http", "path": me, "status": 429, "retry_after": 3 }),
    )
    .await;
    let answer = rig.get(me, &token).await;
    assert_eq!(answer.code(), "too.many.requests.retry.after");
    assert_eq!(
        (answer.header("retry-after"), rig.platform.stats().throttled),
        ("3", 1)
    );

    let (_, uri) = rig.channel(&token).await;
    rig.post(
        "/_sim/fault",
        json!({ "kind": "http", "path": "/channels", "status": 403 }),
    )
    .await;
    assert!(
        Socket::open(&uri)
            .await
            .err()
            .unwrap()
            .to_string()
            .contains("403")
    );
}

#[tokio::test]
async fn clock_skew_shifts_every_time_that_is_stated() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    rig.platform
        .fault(Fault::ClockSkew {
            ms: -40 * 365 * 86_400_000,
        })
        .unwrap();
    let path = "/api/v2/notifications/channels";
    let answer = rig.call(Method::POST, path, &token, Value::Null).await;
    let year = |text: &str| text.parse::<u32>().unwrap();
    assert!(year(&answer.json()["expires"].as_str().unwrap()[..4]) < 2010);
    assert!(year(&answer.header("date")[12..16]) < 2010);
}

#[tokio::test]
async fn malformed_frames_are_no_json() {
    let rig = Rig::new().await;
    let (_, _, mut socket) = rig.listen(&[&rig.presence(0)]).await;
    rig.platform.fault(Fault::Malformed { count: 3 }).unwrap();
    for _ in 0..3 {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                assert!(serde_json::from_str::<Value>(&text).is_err(), "{text}");
            }
            other => panic!("no text: {other:?}"),
        }
    }
    assert!(socket.is_quiet().await);
}

#[tokio::test]
async fn invalid_utf8_frames_are_refused_by_a_client() {
    let rig = Rig::new().await;
    let (_, _, mut socket) = rig.listen(&[&rig.presence(0)]).await;
    rig.platform.fault(Fault::InvalidUtf8 { count: 1 }).unwrap();
    let refused = socket.next().await;
    assert!(
        matches!(refused, Some(Err(WsError::Utf8(_)))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn oversize_sends_one_event_of_that_size() {
    let rig = Rig::new().await;
    let topic = rig.presence(0);
    let (_, _, mut socket) = rig.listen(&[&topic]).await;
    rig.platform
        .fault(Fault::Oversize { bytes: 3_000_000 })
        .unwrap();
    let Some(Ok(Message::Text(text))) = socket.next().await else {
        panic!("no text")
    };
    assert_eq!(text.len(), 3_000_000);
    let frame: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(frame["topicName"], json!(topic));
}

#[tokio::test]
async fn unknown_topic_sends_events_that_nobody_knows() {
    let rig = Rig::new().await;
    let (_, _, mut socket) = rig.listen(&[]).await;
    rig.platform
        .fault(Fault::UnknownTopic { count: 2 })
        .unwrap();
    for number in 0..2 {
        let frame = socket.json().await;
        assert!(
            frame["topicName"]
                .as_str()
                .unwrap()
                .starts_with("v2.simulated.")
        );
        assert_eq!(frame["eventBody"]["number"], number);
    }
}

#[tokio::test]
async fn a_fault_that_cannot_be_done_is_an_error() {
    let rig = Rig::new().await;
    let error = rig
        .platform
        .fault(Fault::Drop { probability: 2.0 })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let error = rig.platform.fault_on("nothing", Fault::Reset).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

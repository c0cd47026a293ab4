//! Applications: what REST tells, and their sockets, as a client of the tutorial uses them.

use std::time::Duration;

use futures::SinkExt;
use genesys_cloud::sim::{Platform, SocketKind};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tungstenite::Message;

use super::support::{Rig, quiet};

async fn application(rig: &Rig, id: &str) -> Value {
    let path = format!("/api/v2/appfoundry/applications/{id}");
    let answer = rig.get(&path, &rig.token().await).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn rest_tells_where_the_socket_is_with_a_scheme_without_or_not_at_all() {
    let rig = Rig::new().await;
    let host = rig.platform.base_url().strip_prefix("http://").unwrap().to_owned();
    let [one, two] = rig.platform.applications() else { panic!("not two") };
    let first = application(&rig, one).await;
    assert_eq!(
        first["webSocket"],
        json!({ "originUrl": format!("ws://{host}"), "timeoutMillis": 60_000, "maxMessageSize": 65_536 })
    );
    assert_eq!(application(&rig, two).await["webSocket"]["originUrl"], json!(host));
    let bare = rig.platform.application_without_socket();
    assert!(application(&rig, bare).await.get("webSocket").is_none());
    assert_eq!(rig.refused(&format!("/api/v2/appfoundry/websocket/{bare}")).await, 404);
}

#[tokio::test]
async fn a_bad_token_is_401_and_an_unknown_application_404() {
    let rig = Rig::new().await;
    let path = format!("/api/v2/appfoundry/applications/{}", rig.platform.applications()[0]);
    assert_eq!(rig.send(rig.request(Method::GET, &path)).await.status, 401);
    assert_eq!(rig.get(&path, "nonsense").await.status, 401);
    let token = rig.token().await;
    assert_eq!(rig.get("/api/v2/appfoundry/applications/nobody", &token).await.status, 404);
    assert_eq!(rig.call(Method::POST, &path, &token, json!({})).await.status, 405);
    assert_eq!(rig.refused("/api/v2/appfoundry/websocket/nobody").await, 404);
}

#[tokio::test]
async fn init_is_acknowledged_and_a_pong_has_the_id_of_its_ping() {
    let rig = Rig::new().await;
    let id = rig.platform.applications()[0].clone();
    let mut socket = rig.application(0).await;
    for number in [json!(1), json!("two")] {
        let ping = json!({ "type": "ping", "appId": id, "id": number, "timestamp": 0 });
        socket.say(&ping.to_string()).await;
        let pong = socket.json().await;
        assert_eq!((&pong["type"], &pong["id"]), (&json!("pong"), &number));
    }
    socket.0.send(Message::Ping("x".into())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong("x".into()));
    for strange in ["hello", "[]", r#"{"type":"dance"}"#] {
        socket.say(strange).await;
        assert_eq!(socket.json().await["type"], "error", "the socket stays open");
    }
    assert!(socket.is_quiet().await);
}

#[tokio::test]
async fn an_init_for_another_application_is_closed_with_1008() {
    let rig = Rig::new().await;
    let [one, two] = rig.platform.applications() else { panic!("not two") };
    let mut socket = rig.open(&format!("/api/v2/appfoundry/websocket/{one}")).await;
    socket.say(&json!({ "type": "init", "appId": two }).to_string()).await;
    assert_eq!(socket.closed().await.0, 1008);
}

#[tokio::test]
async fn silence_of_the_client_is_closed_with_1001_and_heartbeats_prevent_it() {
    let rig = Rig::of(quiet().application_idle(Duration::from_millis(300))).await;
    let mut idle = rig.application(0).await;
    let mut alive = rig.application(1).await;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(700) {
        alive.0.send(Message::Ping("".into())).await.unwrap();
        alive.next().await.unwrap().unwrap();
        sleep(Duration::from_millis(50)).await;
    }
    let (code, reason, _) = idle.closed().await;
    assert_eq!((code, reason.as_str()), (1001, "idle timeout"));
    assert!(alive.is_quiet().await, "a WebSocket ping is a sign of life");
}

#[tokio::test]
async fn a_message_over_the_limit_is_closed_with_1009() {
    let rig = Rig::of(quiet().application_message_max(1_000)).await;
    let mut socket = rig.application(0).await;
    socket.say(&"x".repeat(1_000)).await;
    assert_eq!(socket.json().await["type"], "error", "the limit itself is allowed");
    socket.say(&"x".repeat(1_001)).await;
    assert_eq!(socket.closed().await.0, 1009);
    let mut socket = rig.application(0).await;
    // More than the client can read back before the close frame is there.
    let _ = socket.0.send(Message::binary(vec![0; 3_000_000])).await;
    assert_eq!(socket.closed().await.0, 1009);
}

#[tokio::test]
async fn media_flow_in_real_time_in_the_format_that_init_asks_for() {
    let rig = Rig::new().await;
    for (format, byte, width, rate) in [("PCMU", 0, 1, 8_000_u32), ("L16", 1, 2, 16_000)] {
        let id = &rig.platform.applications()[0];
        let mut socket = rig.open(&format!("/api/v2/appfoundry/websocket/{id}")).await;
        let media = json!({ "format": format, "rate": rate, "frameMillis": 10 });
        let begin = Instant::now();
        socket.say(&json!({ "type": "init", "appId": id, "media": media }).to_string()).await;
        assert_eq!(socket.json().await["type"], "init_ack");
        let samples = u64::from(rate) / 100;
        for number in 0..30_u64 {
            let frame = socket.binary().await;
            assert_eq!(frame[..4], [0x80, byte, 0, 0]);
            assert_eq!(frame[4..8], rate.to_be_bytes());
            assert_eq!(frame[8..16], (number * samples).to_be_bytes());
            assert_eq!(frame.len() as u64, 16 + width * samples);
        }
        assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
        assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    }
}

#[tokio::test]
async fn media_that_do_not_exist_are_refused_in_words() {
    let rig = Rig::new().await;
    let id = &rig.platform.applications()[0];
    let mut socket = rig.open(&format!("/api/v2/appfoundry/websocket/{id}")).await;
    socket.say(&json!({ "type": "init", "media": { "format": "MP3" } }).to_string()).await;
    let answer = socket.json().await;
    assert_eq!(answer["type"], "error");
    assert!(answer["message"].as_str().unwrap().contains("PCMU or L16"), "{answer}");
}

#[tokio::test]
async fn notifications_begin_with_the_acknowledgement() {
    let rig = Rig::of(Platform::builder().events_per_second(200.0)).await;
    let id = &rig.platform.applications()[0];
    let mut socket = rig.open(&format!("/api/v2/appfoundry/websocket/{id}")).await;
    assert!(socket.is_quiet().await);
    assert_eq!(rig.platform.emit_on(SocketKind::AppFoundry, json!({})), 0);
    socket.say(r#"{"type":"init"}"#).await;
    assert_eq!(socket.json().await["type"], "init_ack");
    let event = socket.json().await;
    assert_eq!(event["type"], "notification");
    assert!(rig.platform.queues().contains(&event["queueId"].as_str().unwrap().to_owned()));
}

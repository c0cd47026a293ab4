//! The routing socket, as a client of the tutorial uses it.

use std::collections::{BTreeMap, BTreeSet};

use genesys_cloud::sim::{Fault, Platform, SocketKind};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};
use tungstenite::{Error as WsError, Message};

use super::support::{Rig, Socket};

const PATH: &str = "/api/v2/routing/interactions/events";

#[tokio::test]
async fn events_of_every_queue_flow_right_after_the_handshake() {
    let rig = Rig::of(Platform::builder().events_per_second(200.0)).await;
    let mut socket = rig.routing().await;
    let mut queues: BTreeMap<String, usize> = BTreeMap::new();
    let (mut types, begin) = (BTreeSet::new(), Instant::now());
    for _ in 0..200 {
        let event = socket.json().await;
        assert!(event["waitTime"].as_u64().is_some(), "{event}");
        for text in ["interactionId", "eventType", "agentStatus", "timestamp"] {
            assert!(!event[text].as_str().unwrap().is_empty(), "{event}");
        }
        *queues.entry(event["queueId"].as_str().unwrap().to_owned()).or_default() += 1;
        types.insert(event["eventType"].to_string());
    }
    assert!(begin.elapsed() > Duration::from_millis(700), "the rate is that of what is sent");
    assert_eq!(queues.len(), rig.platform.queues().len());
    assert!(queues.keys().all(|queue| rig.platform.queues().contains(queue)));
    assert!(types.len() >= 4, "{types:?}");
}

#[tokio::test]
async fn a_bad_token_is_401_and_a_missing_scope_is_1008() {
    let rig = Rig::new().await;
    assert_eq!(rig.refused(PATH).await, 401);
    assert_eq!(rig.refused(&format!("{PATH}?access_token=")).await, 401);
    assert_eq!(rig.refused(&format!("{PATH}?access_token=nonsense")).await, 401);
    let token = rig.token_for("notifications").await;
    let mut socket = rig.open(&format!("{PATH}?access_token={token}")).await;
    let (code, reason, before) = socket.closed().await;
    assert_eq!((code, before.len()), (1008, 0));
    assert!(reason.contains("routing:interaction:read"), "{reason}");
    let scopes = rig.get("/api/v2/tokens/me", &token).await.json()["authorizedScope"].clone();
    assert_eq!(scopes, json!(["notifications"]));
    let token = rig.token().await;
    let mut socket = rig.open(&format!("{PATH}?access_token={token}")).await;
    assert!(socket.is_quiet().await, "a token without a scope may do everything");
}

#[tokio::test]
async fn a_path_that_is_none_is_closed_with_1002_and_without_an_upgrade_it_is_rest() {
    let rig = Rig::new().await;
    for path in ["/api/v2/routing/interactions/event", "/v2/analytics/events", "/api/v2/streaming"]
    {
        let (code, reason, _) = rig.open(path).await.closed().await;
        assert_eq!(code, 1002);
        assert!(reason.contains("region"), "{reason}");
    }
    let token = rig.token().await;
    assert_eq!(rig.get(PATH, &token).await.status, 404);
    assert_eq!(rig.get("/api/v2/analytics/events", &token).await.status, 404);
}

#[tokio::test]
async fn emitted_events_come_as_they_are_from_the_library_and_over_http() {
    let rig = Rig::new().await;
    let mut socket = rig.routing().await;
    let body = json!({ "queueId": "Q", "waitTime": 1_234.5, "agentStatus": null });
    assert_eq!(rig.platform.emit_on(SocketKind::Routing, &body), 1);
    assert_eq!(socket.json().await, body);
    let emit = json!({ "socket": "routing", "body": body, "count": 1_000 });
    let (answer, ()) = tokio::join!(rig.post("/_sim/emit", emit), async {
        for _ in 0..1_000 {
            assert_eq!(socket.json().await, body);
        }
    });
    assert_eq!(answer.json(), json!({ "sockets": 1 }));
    for bad in [
        json!({ "socket": "phone", "body": {} }),
        json!({ "socket": "routing", "topic": "v2.x", "body": {} }),
        json!({ "socket": "routing" }),
        json!({ "socket": "frames", "binary": "no base64!" }),
    ] {
        let answer = rig.post("/_sim/emit", bad).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text.contains("the body is"), "{}", answer.text);
    }
}

#[tokio::test]
async fn open_sockets_are_counted_by_kind() {
    let rig = Rig::new().await;
    let _routing = (rig.routing().await, rig.routing().await);
    let application = rig.application(0).await;
    let stats = rig.send(rig.request(Method::GET, "/_sim/stats")).await.json();
    assert_eq!(stats["sockets"], json!({ "appfoundry": 1, "routing": 2 }));
    assert_eq!((&stats["sockets_open"], &stats["dials"]), (&json!(3), &json!(3)));
    drop(application);
    while rig.platform.stats().sockets_open > 2 {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(rig.platform.stats().sockets.len(), 1);
}

async fn one(rig: &Rig, socket: &mut Socket, fault: Fault) -> Value {
    rig.platform.reset();
    rig.platform.fault_on_sockets(SocketKind::Routing, fault).unwrap();
    let body = json!({ "queueId": "q", "agentStatus": "IDLE", "waitTime": 5, "n": 1 });
    rig.platform.emit_on(SocketKind::Routing, body);
    socket.json().await
}

#[tokio::test]
async fn faults_of_events_concern_this_socket_too() {
    let rig = Rig::new().await;
    let mut socket = rig.routing().await;
    let event = one(&rig, &mut socket, Fault::NullFields).await;
    assert_eq!(event, json!({ "queueId": "q", "agentStatus": null, "waitTime": null, "n": 1 }));
    let event = one(&rig, &mut socket, Fault::MissingFields).await;
    assert_eq!(event, json!({ "queueId": "q", "n": 1 }));
    let event = one(&rig, &mut socket, Fault::UnknownField).await;
    assert!(event.get("simulatedField").is_some());
    let event = one(&rig, &mut socket, Fault::UnknownEnum).await;
    assert!(event["agentStatus"].as_str().unwrap().starts_with("SIMULATED"));
    assert_eq!(one(&rig, &mut socket, Fault::Trickle).await["n"], 1);
    let event = one(&rig, &mut socket, Fault::Duplicate { probability: 1.0 }).await;
    assert_eq!(socket.json().await, event);
    let begin = Instant::now();
    one(&rig, &mut socket, Fault::Delay { ms: 100, jitter_ms: 0 }).await;
    assert!(begin.elapsed() >= Duration::from_millis(100));
    rig.platform.reset();
    rig.platform.fault(Fault::Drop { probability: 1.0 }).unwrap();
    rig.platform.emit_on(SocketKind::Routing, json!({}));
    assert!(socket.is_quiet().await);
    rig.platform.fault(Fault::Malformed { count: 1 }).unwrap();
    let Some(Ok(Message::Text(text))) = socket.next().await else { panic!("no text") };
    assert!(serde_json::from_str::<Value>(&text).is_err());
    rig.platform.reset();
    rig.platform.fault(Fault::UnknownTopic { count: 1 }).unwrap();
    assert_eq!(socket.json().await["type"], "simulated.changed");
    rig.platform.fault(Fault::Oversize { bytes: 100_000 }).unwrap();
    let Some(Ok(Message::Text(text))) = socket.next().await else { panic!("no text") };
    assert_eq!(text.len(), 100_000);
    rig.platform.fault(Fault::InvalidUtf8 { count: 1 }).unwrap();
    assert!(matches!(socket.next().await, Some(Err(WsError::Utf8(_)))));
}

#[tokio::test]
async fn faults_of_connections_concern_this_socket_too() {
    let rig = Rig::new().await;
    let mut other = rig.application(0).await;
    let mut socket = rig.routing().await;
    let fault = json!({ "kind": "close", "code": 1011, "reason": "oops", "socket": "routing" });
    assert_eq!(rig.post("/_sim/fault", fault).await.json(), json!({ "sockets": 1 }));
    assert_eq!(socket.closed().await.0, 1011);

    let mut socket = rig.routing().await;
    rig.platform.fault_on_sockets(SocketKind::Routing, Fault::Reset).unwrap();
    assert!(matches!(socket.next().await, Some(Err(WsError::Io(_)))));

    let mut socket = rig.routing().await;
    rig.platform.fault_on_sockets(SocketKind::Routing, Fault::Silence { for_ms: 60_000 }).unwrap();
    rig.platform.emit_on(SocketKind::Routing, json!({ "n": 1 }));
    assert!(socket.is_quiet().await);
    rig.platform.reset();
    assert_eq!(socket.json().await["n"], 1);

    rig.platform
        .fault_on_sockets(SocketKind::Routing, Fault::RefuseConnect { for_ms: 60_000 })
        .unwrap();
    let token = rig.token().await;
    let uri = rig.uri(&format!("{PATH}?access_token={token}"));
    let refused = Socket::open(&uri).await.err().unwrap();
    assert!(matches!(refused, WsError::Io(_) | WsError::Protocol(_)), "{refused:?}");
    rig.application(1).await;
    rig.platform.reset();
    rig.post("/_sim/fault", json!({ "kind": "http", "path": PATH, "status": 503 })).await;
    assert_eq!(rig.refused(&format!("{PATH}?access_token={token}")).await, 503);
    assert!(other.is_quiet().await, "what is aimed at one kind spares the others");
}

#[tokio::test]
async fn reorder_keeps_the_order_within_a_queue_and_loses_nothing() {
    let rig = Rig::new().await;
    let mut socket = rig.routing().await;
    rig.platform.fault(Fault::Reorder { probability: 0.5 }).unwrap();
    for number in 0..100 {
        let queue = ["a", "b"][number % 2];
        rig.platform.emit_on(SocketKind::Routing, json!({ "queueId": queue, "n": number }));
    }
    let mut seen = Vec::new();
    for _ in 0..100 {
        let event = socket.json().await;
        seen.push((event["queueId"].to_string(), event["n"].as_u64().unwrap()));
    }
    assert!(!seen.is_sorted_by_key(|(_, number)| *number), "nothing was reordered");
    for queue in [r#""a""#, r#""b""#] {
        let own: Vec<_> = seen.iter().filter(|(name, _)| name == queue).collect();
        assert!(own.len() == 50 && own.is_sorted_by_key(|(_, number)| *number));
    }
}

#[tokio::test]
async fn a_handshake_can_be_slow_and_a_close_announced_for_channels_alone() {
    let rig = Rig::new().await;
    rig.platform
        .fault_on_sockets(SocketKind::Routing, Fault::SlowHandshake { delay_ms: 150 })
        .unwrap();
    let begin = Instant::now();
    let mut socket = rig.routing().await;
    assert!(begin.elapsed() >= Duration::from_millis(150));
    rig.platform.fault(Fault::SocketClosing { after_ms: Some(100) }).unwrap();
    let (code, _, before) = socket.closed().await;
    assert_eq!((code, before.len()), (1001, 0), "no notice");
    assert!(begin.elapsed() >= Duration::from_millis(250));
}

#[tokio::test]
async fn the_end_of_a_token_is_1008_by_fault_by_time_and_by_its_owner() {
    let life = Duration::from_millis(300);
    let rig = Rig::of(super::support::quiet().token_life(life)).await;
    let mut socket = rig.routing().await;
    let (code, reason, _) = socket.closed().await;
    assert_eq!((code, reason.as_str()), (1008, "token expired"));

    let rig = Rig::new().await;
    let mut socket = rig.routing().await;
    assert_eq!(rig.platform.fault(Fault::ExpireToken).unwrap(), 1);
    assert_eq!(socket.closed().await.0, 1008);
    let token = rig.token().await;
    let mut socket = rig.open(&format!("{PATH}?access_token={token}")).await;
    let mut other = rig.routing().await;
    rig.call(Method::DELETE, "/api/v2/tokens/me", &token, Value::Null).await;
    let (code, reason, _) = socket.closed().await;
    assert_eq!((code, reason.as_str()), (1008, "token revoked"));
    assert!(other.is_quiet().await, "the token of another lives");
}

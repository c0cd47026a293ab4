//! What the platform writes down about connections of applications, and each cause of their end.

use std::time::Duration;

use futures::SinkExt;
use genesys_cloud::sim::{Fault, SocketKind};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tungstenite::Message;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;

use super::support::{Answer, Rig, Socket, quiet};

const PATH: &str = "/api/v2/analytics/events/query";

async fn query(rig: &Rig, body: Value) -> Answer {
    rig.call(Method::POST, PATH, &rig.token().await, body).await
}

/// The data of what was written down about an application.
async fn entries(rig: &Rig, application: usize, more: Value) -> Vec<Value> {
    let id = &rig.platform.applications()[application];
    let mut filters = vec![json!({ "name": "appId", "op": "eq", "value": id })];
    filters.extend(more.as_array().cloned().unwrap_or_default());
    let body = json!({
        "types": ["appfoundry.connection"],
        "interval": "2020-01-01T00:00:00Z/2999-01-01T00:00:00Z",
        "filters": filters,
    });
    let answer = query(rig, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let entities = answer.json()["entities"].as_array().unwrap().clone();
    assert!(entities.iter().all(|one| one["type"] == "appfoundry.connection"));
    entities.iter().map(|one| one["data"].clone()).collect()
}

/// The only end that is written down, once it is.
async fn end(rig: &Rig) -> Value {
    let begin = Instant::now();
    let ends = json!([{ "name": "disconnectReason", "op": "exists", "value": true }]);
    loop {
        let mut ends = entries(rig, 0, ends.clone()).await;
        match ends.len() {
            0 => assert!(begin.elapsed() < Duration::from_secs(5), "nothing was written down"),
            1 => return ends.remove(0),
            more => panic!("{more} ends"),
        }
        sleep(Duration::from_millis(10)).await;
    }
}

async fn gone(socket: &mut Socket) {
    while let Some(Ok(_)) = socket.next().await {}
}

#[tokio::test]
async fn each_fault_is_written_down_as_the_platform_sees_it() {
    let cases = [
        (Fault::IdleTimeout, "idle timeout", "platform", 1001),
        (Fault::Close { code: 1011, reason: String::new() }, "server error", "platform", 1011),
        (Fault::Close { code: 1001, reason: String::new() }, "server going away", "platform", 1001),
        (Fault::Close { code: 1009, reason: String::new() }, "message too big", "platform", 1009),
        (Fault::ExpireToken, "token expired", "platform", 1008),
        (Fault::RevokeToken, "token revoked", "platform", 1008),
        (Fault::Reset, "client connection lost", "network", 1006),
        (Fault::ProxyCut { after_ms: 0 }, "client connection lost", "network", 1006),
    ];
    for (fault, reason, by, code) in cases {
        let rig = Rig::new().await;
        let mut socket = rig.application(0).await;
        rig.platform.fault_on_sockets(SocketKind::AppFoundry, fault.clone()).unwrap();
        gone(&mut socket).await;
        // Written down before the client can know.
        let end = entries(&rig, 0, json!([{ "name": "eventType", "value": "disconnected" }])).await;
        assert_eq!(end.len(), 1, "{fault:?}");
        let shown = (&end[0]["disconnectReason"], &end[0]["disconnectedBy"], &end[0]["closeCode"]);
        assert_eq!(shown, (&json!(reason), &json!(by), &json!(code)), "{fault:?}");
        assert_eq!(entries(&rig, 1, Value::Null).await.len(), 0, "not of another application");
        assert_eq!(entries(&rig, 0, Value::Null).await.len(), 2, "its opening, and its end");
    }
}

#[tokio::test]
async fn what_the_client_does_is_written_down_too() {
    let rig = Rig::of(quiet().application_message_max(100)).await;
    let mut socket = rig.application(0).await;
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    socket.0.close(Some(frame)).await.unwrap();
    let closed = end(&rig).await;
    assert_eq!(closed["disconnectReason"], "client closed");
    assert_eq!((&closed["disconnectedBy"], &closed["closeCode"]), (&json!("client"), &json!(1000)));

    let rig = Rig::of(quiet().application_message_max(100)).await;
    let mut socket = rig.application(0).await;
    socket.0.send(Message::text("x".repeat(101))).await.unwrap();
    assert_eq!(end(&rig).await["disconnectReason"], "message too big");

    let rig = Rig::new().await;
    drop(rig.application(0).await);
    let lost = end(&rig).await;
    assert_eq!(
        (&lost["disconnectReason"], &lost["closeCode"]),
        (&json!("client connection lost"), &json!(1006))
    );
    assert!(lost["durationMillis"].as_i64().unwrap() >= 0);
}

#[tokio::test]
async fn the_idle_timeout_of_an_application_is_written_down() {
    let rig = Rig::of(quiet().application_idle(Duration::from_millis(60))).await;
    let mut socket = rig.application(0).await;
    gone(&mut socket).await;
    assert_eq!(end(&rig).await["disconnectReason"], "idle timeout");
}

#[tokio::test]
async fn intervals_types_and_filters_are_applied() {
    let rig = Rig::new().await;
    let _open = rig.application(0).await;
    let _other = rig.application(1).await;
    let count = async |body: Value| {
        let answer = query(&rig, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["entities"].as_array().unwrap().len()
    };
    let id = &rig.platform.applications()[0];
    assert_eq!(count(json!({})).await, 2);
    assert_eq!(count(json!({ "types": ["appfoundry.connection", "other"] })).await, 2);
    assert_eq!(count(json!({ "types": ["other"] })).await, 0);
    assert_eq!(count(json!({ "startTime": "2999-01-01T00:00:00Z" })).await, 0);
    assert_eq!(count(json!({ "startTime": "2020-01-01T00:00:00.123456" })).await, 2);
    assert_eq!(count(json!({ "endTime": "2020-01-01T00:00:00+00:00" })).await, 0);
    assert_eq!(count(json!({ "interval": "2020-01-01T00:00:00Z/2021-01-01T00:00:00Z" })).await, 0);
    let filter = |op: &str, value: Value| json!({ "filters": [{ "name": "appId", "op": op, "value": value }] });
    assert_eq!(count(filter("eq", json!(id))).await, 1);
    assert_eq!(count(filter("ne", json!(id))).await, 1);
    assert_eq!(count(filter("in", json!(rig.platform.applications()))).await, 2);
    assert_eq!(count(filter("eq", json!("nobody"))).await, 0);
}

#[tokio::test]
async fn a_query_that_is_not_understood_is_answered_with_what_exists() {
    let rig = Rig::new().await;
    for (body, hint) in [
        (json!([]), "the body is"),
        (json!({ "interval": "today" }), "start/end"),
        (json!({ "startTime": "noon" }), "a time such as"),
        (
            json!({ "startTime": "2021-01-01T00:00:00Z", "endTime": "2020-01-01T00:00:00Z" }),
            "after",
        ),
        (json!({ "filters": [{ "name": "colour", "value": 1 }] }), "disconnectReason"),
        (json!({ "filters": [{ "name": "appId", "op": "like", "value": 1 }] }), "eq, ne, in"),
    ] {
        let answer = query(&rig, body).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text.contains(hint), "{}", answer.text);
    }
    assert_eq!(rig.send(rig.request(Method::POST, PATH)).await.status, 401);
    assert_eq!(rig.get(PATH, &rig.token().await).await.status, 405);
}

//! The calls about applications.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::platform::api;
use crate::error::ErrorKind;
use crate::rest::app_foundry::AppFoundryApi;
use crate::transport::loopback::{Loopback, Reply};

async fn serve(status: u16, body: Value) -> (Loopback, AppFoundryApi) {
    let body = body.to_string();
    let server = Loopback::start(move |_, _| Reply::json(status, &body)).await;
    let calls = AppFoundryApi::new(api(&server));
    (server, calls)
}

#[tokio::test]
async fn an_application_tells_where_its_socket_is() {
    let (server, calls) = serve(
        200,
        json!({ "id": "app-1", "name": "One", "more": [1],
                "webSocket": { "originUrl": "wss://host", "timeoutMillis": 60_000, "maxMessageSize": 65_536 } }),
    )
    .await;
    let application = calls.application("app 1").await.unwrap();
    let socket = application.socket().unwrap();
    assert_eq!(&*socket.origin_url, "wss://host");
    assert_eq!(socket.idle_timeout(), Some(Duration::from_secs(60)));
    assert_eq!(socket.max_message_size, Some(65_536));
    assert_eq!(server.seen()[0].target, "/api/v2/appfoundry/applications/app%201");
}

#[tokio::test]
async fn an_application_without_a_socket_says_that_there_is_no_configuration() {
    for (body, words) in [
        (json!({ "id": "app-1" }), "no WebSocket configuration"),
        (json!({ "id": "app-1", "webSocket": null }), "no WebSocket configuration"),
        (json!({ "id": "app-1", "webSocket": {} }), "no originUrl"),
    ] {
        let (_server, calls) = serve(200, body).await;
        let error = calls.application("app-1").await.unwrap().socket().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_refused_token_and_an_unknown_application_are_told_apart() {
    for (status, kind) in [(401, ErrorKind::Auth), (404, ErrorKind::NotFound)] {
        let (_server, calls) = serve(status, json!({ "message": "no" })).await;
        assert_eq!(calls.application("app-1").await.unwrap_err().kind(), kind);
    }
}

#[tokio::test]
async fn the_events_of_connections_are_queried_by_type_interval_and_application() {
    let (server, calls) = serve(
        200,
        json!({ "entities": [
            { "timestamp": "2026-03-04T09:30:00.123Z",
              "data": { "disconnectReason": "idle timeout", "disconnectedBy": "platform", "closeCode": 1001 } },
            { "data": { "eventType": "connected", "closeCode": "x" }, "timestamp": 7 },
            {},
        ] }),
    )
    .await;
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_616_600);
    let events =
        calls.connection_events("app-1", start, start + Duration::from_secs(1)).await.unwrap();
    assert_eq!(events.len(), 3);
    assert_eq!(events[0].reason.as_deref(), Some("idle timeout"));
    assert_eq!(
        (events[0].at, events[0].code),
        (Some(start + Duration::from_millis(123)), Some(1001))
    );
    assert_eq!((&events[1].reason, events[1].code, events[2].at), (&None, None, None));
    let seen = &server.seen()[0];
    assert_eq!((&*seen.method, &*seen.target), ("POST", "/api/v2/analytics/events/query"));
    let sent: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(
        sent,
        json!({ "types": ["appfoundry.connection"],
                "interval": "2026-03-04T09:30:00.000Z/2026-03-04T09:30:01.000Z",
                "filters": [{ "name": "appId", "op": "eq", "value": "app-1" }] })
    );
    let backwards = calls.connection_events("app-1", start, start - Duration::from_secs(1)).await;
    assert_eq!(backwards.unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(server.count(), 1);
}

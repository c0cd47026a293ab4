//! Ends of conversations: pages, bounds, and answers with holes.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::platform::api;
use crate::error::ErrorKind;
use crate::rest::conversation_ends::ConversationEndsApi;
use crate::rest::disconnect_kind::DisconnectKind;
use crate::transport::loopback::{Loopback, Reply};

/// 2026-03-04T09:30:00Z.
const BEGIN: Duration = Duration::from_secs(1_772_616_600);

fn between() -> (SystemTime, SystemTime) {
    let start = SystemTime::UNIX_EPOCH + BEGIN;
    (start, start + Duration::from_secs(60))
}

/// Answers a page by its number.
async fn serve(
    page: impl Fn(u64) -> Value + Send + Sync + 'static,
) -> (Loopback, ConversationEndsApi) {
    let server = Loopback::start(move |_, seen| {
        let sent: Value = serde_json::from_str(&seen.body).unwrap();
        Reply::json(200, &page(sent["paging"]["pageNumber"].as_u64().unwrap()).to_string())
    })
    .await;
    let calls = ConversationEndsApi::new(api(&server));
    (server, calls)
}

fn conversation(id: &str, segments: &Value) -> Value {
    let session = json!({ "mediaType": "voice", "segments": segments });
    json!({ "conversationId": id, "participants": [{ "purpose": "agent", "sessions": [session] }] })
}

fn cut(id: &str) -> Value {
    let end =
        json!({ "segmentEnd": "2026-03-04T09:30:10.500Z", "disconnectType": "transportFailure" });
    conversation(id, &json!([end]))
}

#[tokio::test]
async fn the_query_asks_for_suspicious_ends_and_an_empty_page_has_no_list() {
    let (server, calls) = serve(|_| json!({ "totalHits": 0 })).await;
    let (start, end) = between();
    let found = calls.between(start, end).await.unwrap();
    assert!(found.ends.is_empty() && !found.truncated);
    let seen = &server.seen()[0];
    let target = "/api/v2/analytics/conversations/details/query";
    assert_eq!((&*seen.method, &*seen.target), ("POST", target));
    let sent: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(sent["interval"], "2026-03-04T09:30:00.000Z/2026-03-04T09:31:00.000Z");
    assert_eq!(sent["paging"], json!({ "pageSize": 100, "pageNumber": 1 }));
    assert_eq!((&sent["order"], &sent["orderBy"]), (&json!("desc"), &json!("segmentEnd")));
    assert_eq!(sent["segmentFilters"][0]["predicates"].as_array().unwrap().len(), 5);
    let backwards = calls.between(end, start).await;
    assert_eq!(backwards.unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_conversation_that_shifts_to_the_next_page_counts_once() {
    let (server, calls) = serve(|page| {
        let ids = if page == 1 { 0..100 } else { 99..150 };
        let list: Vec<Value> = ids.map(|n| cut(&format!("c-{n}"))).collect();
        json!({ "conversations": list, "totalHits": 150 })
    })
    .await;
    let (start, end) = between();
    let found = calls.between(start, end).await.unwrap();
    assert_eq!((found.ends.len(), found.truncated, server.count()), (150, false, 2));
}

#[tokio::test]
async fn pages_without_end_are_bounded_and_said_to_be_cut() {
    let (server, calls) = serve(|page| {
        let list: Vec<Value> = (0..100).map(|n| cut(&format!("c-{page}-{n}"))).collect();
        json!({ "conversations": list })
    })
    .await;
    let (start, end) = between();
    let found = calls.between(start, end).await.unwrap();
    assert_eq!((found.ends.len(), found.truncated, server.count()), (1_000, true, 10));
}

#[tokio::test]
async fn legs_without_end_are_bounded_too() {
    let (server, calls) = serve(|_| {
        let end = json!({ "segmentEnd": "2026-03-04T09:30:10Z", "disconnectType": "error" });
        let session = json!({ "segments": [end] });
        let sessions = vec![session; 10_001];
        json!({ "conversations": [{ "conversationId": "c", "participants": [{ "sessions": sessions }] }] })
    })
    .await;
    let (start, end) = between();
    let found = calls.between(start, end).await.unwrap();
    assert_eq!((found.ends.len(), found.truncated, server.count()), (10_000, true, 1));
}

#[tokio::test]
async fn what_is_missing_or_null_is_tolerated_and_the_last_segment_decides() {
    let (_server, calls) = serve(|_| {
        let segments = json!([
            { "segmentEnd": "2026-03-04T09:30:30Z", "disconnectType": "TRANSPORT_FAILURE",
              "errorCode": "error.x", "sipResponseCodes": [480], "q850ResponseCodes": null },
            { "segmentEnd": "2026-03-04T09:30:20Z", "disconnectType": "transfer" },
            { "segmentEnd": "2026-03-04T09:30:40Z", "segmentType": "wrapup" },
            { "disconnectType": "client" },
            { "segmentEnd": "soon", "disconnectType": "client" },
        ]);
        let mut full = conversation("c-1", &segments);
        full["participants"][0]["sessions"][0]["mediaEndpointStats"] = json!([
            { "minMos": 4.2, "receivedPackets": 900, "discardedPackets": 0, "maxLatencyMs": 80 },
            { "minMos": 3.1, "receivedPackets": 100, "discardedPackets": 50, "maxLatencyMs": null },
        ]);
        let early = json!([{ "segmentEnd": "2026-03-04T08:30:00Z", "disconnectType": "error" }]);
        json!({ "conversations": [
            full, conversation("c-2", &early), conversation("c-3", &Value::Null),
            { "conversationId": "c-4", "participants": null }, { "participants": [] }, {},
        ] })
    })
    .await;
    let (start, end) = between();
    let found = calls.between(start, end).await.unwrap();
    let [only] = &found.ends[..] else { panic!("{found:?}") };
    assert_eq!(only.at, start + Duration::from_secs(30));
    assert_eq!(only.disconnect, Some(DisconnectKind::TransportFailure));
    assert_eq!((&only.sip_codes[..], only.q850_codes.len()), (&[480][..], 0));
    let media = only.media.unwrap();
    assert_eq!((media.min_mos, media.max_latency_ms), (Some(3.1), Some(80)));
    assert_eq!(media.discarded(), Some(0.05));
    let json = serde_json::to_value(only).unwrap();
    assert_eq!(
        (&json["at"], &json["disconnect"]),
        (&json!("2026-03-04T09:30:30.000Z"), &json!("transportFailure"))
    );
}

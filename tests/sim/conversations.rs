//! Calls that are over, and the query that reads them.

use std::time::Duration;

use genesys_cloud::sim::Platform;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::support::{Answer, Rig};

const PATH: &str = "/api/v2/analytics/conversations/details/query";
const EVER: &str = "2020-01-01T00:00:00Z/2020-01-02T00:00:00Z";

async fn query(rig: &Rig, token: &str, body: Value) -> Answer {
    rig.call(Method::POST, PATH, token, body).await
}

/// From an hour ago to now, by the platform's own clock.
async fn today(rig: &Rig, token: &str) -> String {
    let answer = rig.get("/api/v2/tokens/me", token).await;
    let now = httpdate::parse_http_date(answer.header("date")).unwrap();
    let iso = |time| genesys_cloud::Timestamp::from(time).to_string();
    format!("{}/{}", iso(now - Duration::from_secs(3_600)), iso(now + Duration::from_secs(1)))
}

#[tokio::test]
async fn calls_that_are_over_are_listed_filtered_and_paged() {
    let rig = Rig::of(Platform::builder().events_per_second(2_000.0)).await;
    let _open = rig.application(0).await;
    let token = rig.token().await;
    let interval = today(&rig, &token).await;
    let begin = Instant::now();
    let total = loop {
        let answer = query(&rig, &token, json!({ "interval": interval })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let total = answer.json()["totalHits"].as_u64().unwrap();
        if total >= 30 {
            assert_eq!(answer.json()["conversations"].as_array().unwrap().len(), 25);
            break total;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "only {total} calls");
        sleep(Duration::from_millis(50)).await;
    };
    let wanted = json!([{ "type": "or", "predicates": [
        { "type": "dimension", "dimension": "disconnectType", "operator": "matches", "value": "peer" },
    ] }]);
    let body = json!({ "interval": interval, "segmentFilters": wanted, "order": "desc",
        "paging": { "pageSize": 3, "pageNumber": 1 } });
    let answer = query(&rig, &token, body).await.json();
    let list = answer["conversations"].as_array().unwrap();
    assert_eq!(list.len(), 3);
    assert!(list.iter().all(|one| one.to_string().contains(r#""disconnectType":"peer""#)));
    let starts: Vec<_> = list.iter().map(|one| one["conversationStart"].as_str()).collect();
    assert!(starts.is_sorted_by(|a, b| a >= b), "{starts:?}");
    let body = json!({ "interval": interval, "paging": { "pageSize": 100, "pageNumber": 900 } });
    let answer = query(&rig, &token, body).await.json();
    assert!(answer["totalHits"].as_u64().unwrap() >= total && answer["conversations"].is_null());
    let answer = query(&rig, &token, json!({ "interval": EVER })).await.json();
    assert_eq!(answer, json!({ "totalHits": 0 }), "nothing began on that day");
}

#[tokio::test]
async fn a_query_that_asks_too_much_is_refused_with_the_reason() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let filter = |predicate: Value| json!({ "interval": EVER, "segmentFilters": [{ "type": "and", "predicates": [predicate] }] });
    for (body, words) in [
        (json!({}), "interval"),
        (json!({ "interval": "yesterday" }), "start/end"),
        (json!({ "interval": "2020-01-01T00:00:00Z/2020-03-01T00:00:00Z" }), "31 days"),
        (json!({ "interval": EVER, "paging": { "pageSize": 101 } }), "pageSize"),
        (json!({ "interval": EVER, "paging": { "pageSize": 100, "pageNumber": 1_001 } }), "100000"),
        (json!({ "interval": EVER, "orderBy": "mood" }), "orderBy"),
        (filter(json!({ "dimension": "mood", "value": "x" })), "disconnectType"),
        (filter(json!({ "dimension": "queueId" })), "value"),
    ] {
        let answer = query(&rig, &token, body).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert!(answer.text.contains(words), "{words}: {}", answer.text);
    }
    assert_eq!(rig.get(PATH, &token).await.status, 405);
}

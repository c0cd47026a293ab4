//! The REST API that the simulator serves, family by family.

mod aggregates;
mod configuration;
mod details;
mod jobs;
mod people;
mod permissions;
mod queues;
mod served;
mod usage;

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::support::{Answer, Rig};

/// The last so many hours, up to the present of the platform.
pub(super) async fn hours(rig: &Rig, token: &str, hours: u64) -> String {
    let answer = rig.get("/api/v2/tokens/me", token).await;
    let now = httpdate::parse_http_date(answer.header("date")).unwrap();
    let iso = |time| genesys_cloud::Timestamp::from(time).to_string();
    let end = now + Duration::from_secs(2);
    format!("{}/{}", iso(end - Duration::from_secs(hours * 3_600)), iso(end))
}

/// An answer that has to be 200.
pub(super) fn good(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

pub(super) async fn post(rig: &Rig, token: &str, path: &str, body: Value) -> Answer {
    rig.call(Method::POST, path, token, body).await
}

/// Every entity of a listing, by its links; no id comes twice.
pub(super) async fn all_pages(rig: &Rig, token: &str, path: &str) -> Vec<Value> {
    let (mut all, mut seen) = (Vec::new(), BTreeSet::new());
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let page = good(&rig.get(&path, token).await);
        for entity in page["entities"].as_array().unwrap() {
            assert!(seen.insert(entity["id"].as_str().unwrap().to_owned()), "{entity} comes twice");
            all.push(entity.clone());
        }
        if let Some(total) = page["total"].as_u64() {
            assert!(all.len() as u64 <= total);
            assert_eq!(page["nextUri"].is_null(), all.len() as u64 == total, "{page}");
        }
        next = page["nextUri"].as_str().map(str::to_owned);
    }
    all
}

//! Usage of the API: the counts of the requests that were made.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::support::{Rig, quiet};
use super::{good, hours, post};

#[tokio::test]
async fn usage_counts_the_requests_of_a_client_by_path_and_status() {
    let rig = Rig::of(quiet().job_delay(Duration::from_millis(200))).await;
    let token = rig.token().await;
    let other = rig.platform.add_client();
    let own = rig.token_of(other.client_id(), other.client_secret().expose()).await;
    for _ in 0..5 {
        good(&rig.get("/api/v2/routing/queues", &own).await);
    }
    rig.get(&format!("/api/v2/users/{}", uuid()), &own).await;
    let body = json!({ "interval": hours(&rig, &token, 48).await, "granularity": "Day", "groupBy": ["TemplateUri", "HttpMethod"],
        "metrics": ["Requests", "Status200", "Status400"] });
    let path = format!("/api/v2/oauth/clients/{}/usage/query", other.client_id());
    let submitted = good(&post(&rig, &token, &path, body.clone()).await);
    let results = submitted["resultsUri"].as_str().unwrap();
    assert_eq!(good(&rig.get(results, &token).await)["queryStatus"], "Running");
    tokio::time::sleep(Duration::from_millis(250)).await;
    let answer = good(&rig.get(results, &token).await);
    assert_eq!(answer["queryStatus"], "Complete");
    let row = |template: &str| -> Value {
        let rows = answer["results"].as_array().unwrap();
        rows.iter()
            .find(|one| one["templateUri"] == template)
            .cloned()
            .unwrap_or_else(|| panic!("{answer}"))
    };
    let queues = row("/api/v2/routing/queues");
    assert_eq!(
        (&queues["requests"], &queues["status200"], &queues["httpMethod"]),
        (&json!(5), &json!(5), &json!("GET"))
    );
    assert_eq!(row("/api/v2/users/{id}")["status400"], 1);
    let job = "/api/v2/usage/aggregates/query/jobs";
    let mut all = body;
    all["groupBy"] = json!(["OAuthClientId"]);
    let submitted = good(&post(&rig, &token, job, all.clone()).await);
    let uri = submitted["resultsUri"].as_str().unwrap();
    assert_eq!(good(&rig.get(uri, &token).await)["queryStatus"], "Queued");
    tokio::time::sleep(Duration::from_millis(250)).await;
    let answer = good(&rig.get(uri, &token).await);
    let rows = answer["entities"].as_array().unwrap();
    let mine = rows.iter().find(|one| one["oauthClient"]["id"] == other.client_id()).unwrap();
    assert_eq!(mine["requestCount"], 6);
    all["interval"] = json!("2026-01-01/2026-06-01");
    assert_eq!(post(&rig, &token, job, all).await.status, 400, "longer than 90 days");
    assert_eq!(rig.get(&format!("{job}/nobody"), &token).await.status, 404);
}

fn uuid() -> &'static str {
    "00000000-0000-4000-8000-000000000000"
}

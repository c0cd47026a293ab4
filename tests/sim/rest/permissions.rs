//! Permissions that are denied, and what is told about them.

use genesys_cloud::sim::Platform;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::support::{Rig, quiet};
use super::post;

const QUEUES: &str = "/api/v2/routing/queues";
const DETAILS: &str = "/api/v2/analytics/conversations/details/query";

#[tokio::test]
async fn a_denied_permission_is_named_until_it_is_given_back() {
    let rig = Rig::of(quiet().deny_permission("routing:queue:view")).await;
    let token = rig.token().await;
    let answer = rig.get(QUEUES, &token).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "missing.permissions"));
    let body = answer.json();
    assert!(body["message"].as_str().unwrap().contains("routing:queue:view"));
    assert_eq!(body["messageParams"]["permissions"], "routing:queue:view");
    assert_eq!(rig.get("/api/v2/users", &token).await.status, 200, "nothing else is denied");
    rig.platform.allow_permission("routing:queue:view");
    assert_eq!(rig.get(QUEUES, &token).await.status, 200);
    rig.platform.reset();
    assert_eq!(rig.get(QUEUES, &token).await.status, 403, "as at the start");
}

#[tokio::test]
async fn of_several_permissions_any_one_is_enough() {
    let rig = Rig::of(Platform::builder().events_per_second(0.0)).await;
    let token = rig.token().await;
    let body = json!({ "interval": "2020-01-01T00:00:00Z/2020-01-02T00:00:00Z" });
    let deny =
        async |permissions: Value| rig.post("/_sim/rest", json!({ "deny": permissions })).await;
    deny(json!(["analytics:conversationDetail:view"])).await;
    assert_eq!(post(&rig, &token, DETAILS, body.clone()).await.status, 200);
    let answer = deny(json!(["analytics:agentConversationDetail:view"])).await;
    assert_eq!(answer.json()["denied"].as_array().unwrap().len(), 2);
    let answer = post(&rig, &token, DETAILS, body.clone()).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "missing.any.permissions"));
    assert!(answer.text.contains("analytics:agentConversationDetail:view"));
    rig.post("/_sim/rest", json!({ "allow": ["analytics:conversationDetail:view"] })).await;
    assert_eq!(post(&rig, &token, DETAILS, body).await.status, 200);
    let answer = rig.post("/_sim/rest", json!({ "forbid": [] })).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("fail_jobs"), "it lists what there is: {}", answer.text);
}

#[tokio::test]
async fn a_request_without_a_good_token_is_401_before_anything_else() {
    let rig = Rig::of(quiet().deny_permission("routing:queue:view")).await;
    let answer = rig.get(QUEUES, "nonsense").await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "bad.credentials"));
    let answer = rig.send(rig.request(Method::GET, QUEUES)).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "authentication.required"));
}

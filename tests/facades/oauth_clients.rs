//! OAuth clients, and the query of what they use.

use std::time::{Duration, SystemTime};

use genesys_cloud::models::{OAuthClientRequest, OAuthGrantType, UsageGranularity};
use genesys_cloud::{ErrorKind, Polling, UsageGroup, UsageMetric};
use serde_json::{Value, json};

use crate::rig::{Call, Rig, not_found, refusal};

const START: &str = "/api/v2/oauth/clients/c/usage/query";
const RESULTS: &str = "GET /api/v2/oauth/clients/c/usage/query/results/e";

fn days(count: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(count * 86_400)
}

#[tokio::test]
async fn clients_are_made_changed_and_deleted_and_their_secrets_are_not_shown() {
    let rig = Rig::start(|_, call| match call.line.as_str() {
        "GET /api/v2/oauth/clients" => (200, json!({ "entities": [{ "id": "a" }, { "id": "c" }] })),
        "DELETE /api/v2/oauth/clients/c" => (204, Value::Null),
        "GET /api/v2/oauth/clients/gone" => not_found(),
        _ => (200, json!({ "id": "c", "secret": "hush-hush-hush" })),
    })
    .await;
    let clients = rig.client.oauth_clients();
    assert_eq!(clients.list().await.unwrap().len(), 2);
    assert_eq!(clients.get("c").await.unwrap().id.as_deref(), Some("c"));
    assert_eq!(clients.get("gone").await.unwrap_err().kind(), ErrorKind::NotFound);
    let mut request = OAuthClientRequest::default();
    request.name = Some("Wallboard".into());
    request.authorized_grant_type = Some(OAuthGrantType::ClientCredentials);
    let made = clients.create(request.clone()).await.unwrap();
    assert!(!format!("{made:?}").contains("hush"));
    assert_eq!(made.secret.unwrap().expose(), "hush-hush-hush");
    let wanted = json!({ "name": "Wallboard", "authorizedGrantType": "CLIENT-CREDENTIALS" });
    assert_eq!(rig.last().body, wanted);
    clients.update("c", request).await.unwrap();
    assert_eq!(rig.last().line, "PUT /api/v2/oauth/clients/c");
    clients.regenerate_secret("c").await.unwrap();
    assert_eq!(rig.last().line, "POST /api/v2/oauth/clients/c/secret");
    clients.delete("c").await.unwrap();
    assert_eq!(rig.last().line, "DELETE /api/v2/oauth/clients/c");
}

/// Half a second between two polls: the shortest that there is.
fn quick() -> Polling {
    Polling::default().shortest(Duration::from_millis(5)).longest(Duration::from_millis(5))
}

fn usage(states: &'static [&'static str]) -> impl Fn(usize, &Call) -> (u16, Value) {
    move |number, call| match call.line.as_str() {
        RESULTS | "GET /api/v2/usage/query/e/results" => {
            match states[(number - 1).min(states.len() - 1)] {
                "404" => not_found(),
                "410" => refusal(410, "gone", "gone"),
                state => {
                    let row = json!({ "templateUri": "/x", "requests": 7, "status429": 1 });
                    let rows = if state == "Complete" { json!([row]) } else { json!([]) };
                    (200, json!({ "queryStatus": state, "results": rows }))
                }
            }
        }
        _ => (200, json!({ "executionId": "e", "resultsUri": "x" })),
    }
}

#[tokio::test]
async fn a_usage_query_is_started_polled_and_read() {
    let rig = Rig::start(usage(&["Running", "Complete"])).await;
    let query = rig.client.oauth_clients().usage("c", days(1), days(2));
    let rows = query
        .granularity(UsageGranularity::Day)
        .group_by([UsageGroup::Template])
        .metrics([UsageMetric::Requests, UsageMetric::Status429])
        .polling(quick())
        .rows()
        .await
        .unwrap();
    assert_eq!((rows.len(), rows[0].requests, rows[0].status429), (1, Some(7), Some(1)));
    let calls = rig.calls();
    assert_eq!(calls[0].line, format!("POST {START}"));
    assert_eq!(
        calls[0].body,
        json!({
            "interval": "1970-01-02T00:00:00.000Z/1970-01-03T00:00:00.000Z",
            "granularity": "Day",
            "groupBy": ["TemplateUri"],
            "metrics": ["Requests", "Status429"],
        })
    );
    assert_eq!(rig.lines()[1..], [RESULTS, RESULTS]);
}

#[tokio::test]
async fn the_usage_of_the_organisation_has_paths_of_its_own() {
    let rig = Rig::start(usage(&["Complete"])).await;
    let rows = rig.client.usage().query(days(1), days(2)).rows().await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rig.lines(), ["POST /api/v2/usage/query", "GET /api/v2/usage/query/e/results"]);
    assert_eq!(rig.calls()[0].body["groupBy"], json!(["TemplateUri", "HttpMethod"]));
    // Another process asks for the rows.
    let rows = rig.client.usage().run("e").rows().await.unwrap();
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn a_usage_query_that_failed_or_is_gone_says_so() {
    let rig = Rig::start(usage(&["Failed"])).await;
    let run = rig.client.oauth_clients().usage("c", days(1), days(2)).start().await.unwrap();
    assert_eq!(run.id(), "e");
    let error = run.rows().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.operation().unwrap().contains("usage/query/results"), "{error:?}");
    for (states, kind) in [(&["404"], ErrorKind::NotFound), (&["410"], ErrorKind::Status(410))] {
        let rig = Rig::start(usage(states)).await;
        let error =
            rig.client.oauth_clients().usage("c", days(1), days(2)).rows().await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains("start it again"), "{error}");
    }
}

#[tokio::test]
async fn a_usage_query_that_takes_too_long_is_a_timeout_and_can_be_asked_for_later() {
    let rig = Rig::start(usage(&["Running", "Novel", "Complete"])).await;
    let query = rig.client.oauth_clients().usage("c", days(1), days(2));
    let slow = Polling::default().deadline(Duration::from_millis(500));
    let run = query.polling(slow).start().await.unwrap();
    let error = run.rows().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let again = rig.client.oauth_clients().usage_run("c", run.id()).polling(quick());
    assert_eq!(again.rows().await.unwrap().len(), 1);
}

#[tokio::test]
async fn bad_intervals_and_answers_are_errors() {
    let rig = Rig::always(json!({})).await;
    for (start, end) in [(2, 1), (1, 1)] {
        let query = rig.client.oauth_clients().usage("c", days(start), days(end));
        assert_eq!(query.start().await.unwrap_err().kind(), ErrorKind::Config);
    }
    assert_eq!(rig.server.count(), 0);
    let error = rig.client.oauth_clients().usage("c", days(1), days(2)).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}

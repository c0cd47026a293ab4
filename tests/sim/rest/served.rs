//! Every operation that the simulator says it serves is called, and its answer held against the published shapes.

use std::collections::BTreeMap;
use std::time::Duration;

use genesys_cloud::sim::Platform;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::schema::Schema;
use super::super::support::{Rig, quiet};
use super::{good, hours, post};

/// Documented by the platform, but not among the published operations at hand.
const UNPUBLISHED: &str = "/api/v2/organizations/limits/";

struct Walk {
    rig: Rig,
    token: String,
    user_token: String,
    interval: String,
    ids: BTreeMap<&'static str, String>,
}

impl Walk {
    async fn new() -> Self {
        let builder = quiet().job_delay(Duration::ZERO).requests_per_minute(10_000);
        let rig = Rig::of(builder).await;
        let token = rig.token().await;
        let interval = hours(&rig, &token, 48).await;
        let user = rig.platform.users()[0].clone();
        let user_token = rig.platform.user_token(&user).unwrap().expose().to_owned();
        let first = async |path: &str| {
            let listing = good(&rig.get(path, &token).await);
            listing["entities"][0]["id"].as_str().unwrap().to_owned()
        };
        let query = "/api/v2/analytics/conversations/details/query";
        let found = good(&post(&rig, &token, query, json!({ "interval": interval })).await);
        let definition = good(
            &post(
                &rig,
                &token,
                "/api/v2/presence/definitions",
                json!({
                    "systemPresence": "Away", "languageLabels": { "en_US": "School run" },
                }),
            )
            .await,
        );
        let client = good(&post(&rig, &token, "/api/v2/oauth/clients", client_body()).await);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let ids = BTreeMap::from([
            ("queueId", rig.platform.queues()[0].clone()),
            ("userId", user.clone()),
            ("memberId", user),
            ("codeId", first("/api/v2/routing/wrapupcodes").await),
            ("sourceId", "PURECLOUD".to_owned()),
            (
                "integrationId",
                first("/api/v2/integrations?integrationType=premium-app-example").await,
            ),
            ("credentialId", first("/api/v2/integrations/credentials").await),
            ("typeId", "premium-app-example".to_owned()),
            ("configType", "properties".to_owned()),
            ("scopeId", "users:readonly".to_owned()),
            ("namespaceName", "platform.api".to_owned()),
            ("conversationId", text(&found["conversations"][0]["conversationId"])),
            ("definitionId", text(&definition["id"])),
            ("presenceId", text(&definition["id"])),
            ("clientId", text(&client["id"])),
            ("channelId", rig.channel(&token).await.0),
        ]);
        Self { rig, token, user_token, interval, ids }
    }

    /// A path with ids for its braces; a job or an execution is submitted first.
    async fn concrete(&self, template: &str) -> String {
        let mut path = template.to_owned();
        for (name, id) in &self.ids {
            path = path.replace(&format!("{{{name}}}"), id);
        }
        let submitted = match (path.split_once("/{jobId}"), path.split_once("/{executionId}")) {
            (Some((before, _)), _) => before.to_owned(),
            (_, Some((before, _))) => before.trim_end_matches("/results").to_owned(),
            _ => return path,
        };
        let answer = post(&self.rig, &self.token, &submitted, self.body("POST", &submitted)).await;
        assert!(answer.status < 300, "{submitted}: {}", answer.text);
        let body = answer.json();
        let id =
            ["jobId", "executionId", "id"].iter().find_map(|name| body[name].as_str()).unwrap();
        path.replace("{jobId}", id).replace("{executionId}", id)
    }

    fn query(&self, method: &str, template: &str) -> String {
        match (method, template.trim_start_matches("/api/v2/")) {
            ("GET", "analytics/conversations/details") => {
                format!("?id={}", self.ids["conversationId"])
            }
            ("GET", "users/presences/purecloud/bulk" | "users/presences/{sourceId}/bulk") => {
                format!("?id={}", self.rig.platform.users().join(","))
            }
            (
                "GET",
                "users" | "users/{userId}" | "users/query" | "routing/queues/{queueId}/members",
            ) => "?expand=presence,routingStatus,skills".to_owned(),
            ("GET", "users/me") => "?expand=presence,token,organization,date".to_owned(),
            ("GET", "integrations") => "?expand=config.current&pageSize=3".to_owned(),
            ("POST" | "PUT", path) if path.ends_with("subscriptions") => {
                "?ignoreErrors=true".into()
            }
            ("DELETE", "routing/queues/{queueId}") => "?forceDelete=true".to_owned(),
            _ => String::new(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one line for each operation")]
    fn body(&self, method: &str, template: &str) -> Value {
        let path = template.trim_start_matches("/api/v2/");
        let (user, code) = (&self.ids["userId"], &self.ids["codeId"]);
        let and = |dimension: &str, value: &str| json!({ "type": "and", "predicates": [{ "dimension": dimension, "value": value }] });
        let presence =
            json!({ "presenceDefinition": { "systemPresence": "Busy" }, "message": "m" });
        let member = json!([{ "id": user, "joined": true }]);
        match (method, path) {
            ("POST", path) if path.contains("usage/") && !path.contains("oauth/clients/x") => {
                json!({
                    "interval": self.interval, "granularity": "Day",
                    "groupBy": ["OAuthClientId", "TemplateUri", "HttpMethod"],
                })
            }
            (
                "POST",
                "analytics/conversations/aggregates/query"
                | "analytics/conversations/aggregates/jobs",
            ) => json!({
                "interval": self.interval, "granularity": "P1D", "groupBy": ["queueId", "mediaType"],
                "metrics": ["nOffered", "tAnswered", "oServiceLevel"],
                "views": [{ "target": "tAnswered", "name": "quick", "function": "rangeBound", "range": { "lt": 60_000 } }],
            }),
            ("POST", "analytics/flows/aggregates/query" | "analytics/flows/aggregates/jobs") => {
                json!({ "interval": self.interval, "groupBy": ["flowId"], "metrics": ["nFlow", "tFlow"] })
            }
            ("POST", "analytics/users/aggregates/query" | "analytics/users/aggregates/jobs") => {
                json!({
                    "interval": self.interval, "groupBy": ["userId"], "granularity": "PT12H",
                    "metrics": ["tSystemPresence", "tAgentRoutingStatus", "tOrganizationPresence"],
                })
            }
            ("POST", "analytics/conversations/details/query") => json!({
                "interval": self.interval, "paging": { "pageSize": 50, "pageNumber": 1 },
                "aggregations": [
                    { "type": "termFrequency", "dimension": "mediaType", "size": 3 },
                    { "type": "numericRange", "metric": "tTalk", "ranges": [{ "gte": 0, "lt": 60_000 }] },
                ],
            }),
            ("POST", path) if path.starts_with("analytics/") && path.contains("details") => {
                json!({ "interval": self.interval })
            }
            ("POST", "analytics/queues/observations/query") => {
                json!({ "filter": and("queueId", &self.ids["queueId"]), "detailMetrics": ["oWaiting", "oMemberUsers"],
                    "metrics": ["oUserPresences", "oUserRoutingStatuses", "oInteracting"] })
            }
            ("POST", "analytics/users/observations/query") => {
                json!({ "filter": and("userId", user) })
            }
            ("POST", "analytics/flows/observations/query") => {
                json!({ "filter": and("mediaType", "voice"), "metrics": ["oFlow"] })
            }
            ("POST", "integrations") => json!({ "integrationType": { "id": "webhook" } }),
            (
                "POST" | "PUT",
                "integrations/credentials" | "integrations/credentials/{credentialId}",
            ) => json!({
                "name": "Service", "type": { "id": "basicAuth" },
                "credentialFields": { "userName": "u", "password": "hidden-word" },
            }),
            ("PATCH", "integrations/{integrationId}") => {
                json!({ "intendedState": "DISABLED", "notes": "n" })
            }
            ("PUT", "integrations/{integrationId}/config/current") => json!({
                "version": 1, "name": "Renamed", "properties": { "url": "https://a.example" },
                "advanced": {}, "notes": "", "credentials": { "main": { "id": self.ids["credentialId"] } },
            }),
            ("POST" | "PUT", "oauth/clients" | "oauth/clients/{clientId}") => client_body(),
            ("PUT", "organizations/me") => json!({ "defaultLanguage": "de" }),
            ("POST" | "PUT", path) if path.contains("definitions") => {
                json!({ "systemPresence": "Meal", "name": "Tea", "languageLabels": { "en_US": "Tea" } })
            }
            ("POST" | "PUT", "routing/queues" | "routing/queues/{queueId}") => {
                json!({ "name": format!("Queue of the walk by {method}"), "acwSettings": { "wrapupPrompt": "MANDATORY", "timeoutMs": 1 } })
            }
            ("POST" | "PATCH", "routing/queues/{queueId}/members") => member,
            (
                "PATCH",
                "routing/queues/{queueId}/members/{memberId}" | "users/{userId}/queues/{queueId}",
            ) => {
                json!({ "joined": true })
            }
            ("PATCH", "users/{userId}/queues") => {
                json!([{ "id": self.ids["queueId"], "joined": true }])
            }
            ("POST", "routing/queues/{queueId}/wrapupcodes") => json!([{ "id": code }]),
            ("POST" | "PUT", "routing/wrapupcodes" | "routing/wrapupcodes/{codeId}") => {
                json!({ "name": format!("Code by {method}"), "description": "d" })
            }
            ("PUT", "tokens/timeout") => json!({ "idleTokenTimeoutSeconds": 600 }),
            ("PUT", "users/presences/bulk") => {
                json!([{ "id": user, "presenceDefinition": { "systemPresence": "On Queue" } }])
            }
            ("POST", "users/search") => {
                json!({ "query": [{ "type": "CONTAINS", "fields": ["email"], "value": "acme" }], "expand": ["presence"] })
            }
            ("PATCH", "users/{userId}") => json!({ "version": 1, "title": "Lead" }),
            ("PATCH", path) if path.contains("presences") => presence,
            ("PUT", "users/{userId}/routingstatus") => json!({ "status": "OFF_QUEUE" }),
            ("POST" | "PUT", path) if path.ends_with("subscriptions") => {
                json!([{ "id": self.rig.presence(0) }])
            }
            _ => Value::Null,
        }
    }
}

fn client_body() -> Value {
    json!({ "name": "Made", "authorizedGrantType": "CLIENT-CREDENTIALS",
        "roleDivisions": [{ "roleId": "r", "divisionId": "d" }], "accessTokenValiditySeconds": 600 })
}

/// Deletions come last, and that of the token after everything.
fn turn(operation: &(&'static str, String)) -> u8 {
    match (operation.0, operation.1.as_str()) {
        ("DELETE", path) if path.contains("jobs") || path.contains("queues/{queueId}/") => 1,
        ("DELETE", path) if path.ends_with("tokens/me") => 4,
        ("DELETE", path) if path.contains("tokens") => 3,
        ("DELETE", _) => 2,
        _ => 0,
    }
}

#[tokio::test]
async fn every_served_operation_answers_in_its_published_shape() {
    let schema = Schema::load("rest.json");
    let walk = Walk::new().await;
    let mut operations = Platform::operations();
    operations.sort_by_key(turn);
    let mut deleted_definition = false;
    for (method, template) in &operations {
        let known = schema.as_ref().filter(|_| !template.starts_with(UNPUBLISHED));
        let published = known.map(|schema| schema.operation(method, template));
        if *method == "DELETE" && (template.contains("efinition")) {
            // Both listings have the same definitions: one deletion is enough for the one that was made.
            deleted_definition = true;
        }
        let me = template.ends_with("/users/me") || template.ends_with("queues/me");
        let token = if me { &walk.user_token } else { &walk.token };
        let path = format!("{}{}", walk.concrete(template).await, walk.query(method, template));
        let body = walk.body(method, template);
        let verb: Method = method.parse().unwrap();
        let answer = walk.rig.call(verb, &path, token, body).await;
        let named = format!("{method} {template}");
        assert!((200..300).contains(&answer.status), "{named}: {} {}", answer.status, answer.text);
        assert!(!answer.header("inin-correlation-id").is_empty(), "{named}");
        assert!(!answer.text.contains("hidden-word"), "{named} tells what is secret");
        println!("{named}: {}", answer.status);
        let (Some(schema), Some(published)) = (known, published) else { continue };
        match published.get("response") {
            Some(shape) => schema.check(shape, &answer.json(), &named),
            None => assert!(answer.text.is_empty(), "{named}: {}", answer.text),
        }
    }
    assert!(deleted_definition && operations.len() > 140, "{}", operations.len());
}

#[tokio::test]
async fn what_is_not_served_is_404_and_a_wrong_method_405() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    for path in ["/api/v2/nothing", "/api/v2/routing/queues/x/y/z", "/api/v2/analytics/x/query"] {
        let answer = rig.get(path, &token).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not.found"), "{path}");
    }
    let answer = rig.call(Method::DELETE, "/api/v2/routing/queues", &token, Value::Null).await;
    assert_eq!(answer.status, 405);
    let large = "x".repeat(600_000);
    let answer = post(&rig, &token, "/api/v2/users/search", json!({ "text": large })).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "request.entity.too.large"));
}

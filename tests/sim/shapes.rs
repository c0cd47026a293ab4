//! Every answer and every generated event has the published shape.

use std::collections::BTreeMap;

use genesys_cloud::sim::Platform;
use reqwest::Method;
use serde_json::{Value, json};

use super::schema::Schema;
use super::support::Rig;

#[tokio::test]
async fn answers_have_the_published_shapes() {
    let Some(schema) = Schema::load("rest.json") else {
        return;
    };
    let rig = Rig::new().await;
    let token = rig.token().await;
    let check = |method: &str, path: &str, answer: &super::support::Answer| {
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text);
        schema.check(schema.response(method, path), &answer.json(), path);
    };
    let channels = "/api/v2/notifications/channels";
    let made = rig.call(Method::POST, channels, &token, Value::Null).await;
    check("POST", channels, &made);
    let channel = made.json()["id"].as_str().unwrap().to_owned();
    check("GET", channels, &rig.get(channels, &token).await);
    let all = rig
        .get(&format!("{channels}?includechannels=oauthclient"), &token)
        .await;
    check("GET", channels, &all);

    let template = "/api/v2/notifications/channels/{channelId}/subscriptions";
    let (good, bad) = (rig.presence(0), rig.presence(1));
    rig.post(
        "/_sim/fault",
        json!({ "kind": "forbid_topic", "topic": bad }),
    )
    .await;
    for method in [Method::POST, Method::PUT] {
        let name = method.to_string();
        let answer = rig
            .subscribe(
                method,
                &channel,
                "?ignoreErrors=true",
                &token,
                &[&good, &bad],
            )
            .await;
        assert!(answer.text.contains("Rejected"), "the case is there");
        check(&name, template, &answer);
    }
    let path = template.replace("{channelId}", &channel);
    check("GET", template, &rig.get(&path, &token).await);

    let topics = "/api/v2/notifications/availabletopics";
    let expand = "description,enforced,schema,visibility,transports,publicApiTemplateUriPaths,\
                  requiresPermissions,permissionDetails,topicParameters";
    check(
        "GET",
        topics,
        &rig.get(&format!("{topics}?expand={expand}"), &token).await,
    );
    let (user, queue) = (&rig.platform.users()[0], &rig.platform.queues()[0]);
    let plain = [
        ("/api/v2/tokens/me", String::new()),
        ("/api/v2/organizations/me", String::new()),
        ("/api/v2/presence/definitions", String::new()),
        ("/api/v2/users", "?expand=presence,routingStatus".to_owned()),
        ("/api/v2/users/{userId}", "?expand=presence".to_owned()),
        ("/api/v2/routing/queues", String::new()),
        ("/api/v2/routing/queues/{queueId}", String::new()),
    ];
    for (template, query) in plain {
        let path = template
            .replace("{userId}", user)
            .replace("{queueId}", queue);
        check(
            "GET",
            template,
            &rig.get(&format!("{path}{query}"), &token).await,
        );
    }
}

#[tokio::test]
async fn error_bodies_have_the_published_shape() {
    let Some(schema) = Schema::load("rest.json") else {
        return;
    };
    let rig = Rig::of(
        Platform::builder()
            .events_per_second(0.0)
            .requests_per_minute(6),
    )
    .await;
    let token = rig.token().await;
    let (channel, _) = rig.channel(&token).await;
    let topic = rig.presence(0);
    rig.post(
        "/_sim/fault",
        json!({ "kind": "forbid_topic", "topic": topic }),
    )
    .await;
    let many: Vec<String> = (0..1_001)
        .map(|n| format!("v2.users.{n}.presence"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut answers = vec![
        rig.get("/api/v2/tokens/me", "nonsense").await,
        rig.subscribe(Method::PUT, &channel, "", &token, &[&topic])
            .await,
        rig.subscribe(Method::PUT, &channel, "", &token, &["v2.nothing"])
            .await,
        rig.subscribe(Method::PUT, &channel, "", &token, &many)
            .await,
        rig.get("/api/v2/nothing", &token).await,
        rig.get("/api/v2/users/nobody", &token).await,
        rig.get("/api/v2/users", &token).await,
    ];
    rig.post(
        "/_sim/fault",
        json!({ "kind": "http", "path": "/api", "status": 504 }),
    )
    .await;
    answers.push(rig.get("/api/v2/users", &token).await);
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [401, 403, 400, 400, 404, 404, 429, 504]);
    let error = json!({ "$ref": "#/definitions/ErrorBody" });
    for answer in answers {
        let body = answer.json();
        schema.check(&error, &body, &answer.status.to_string());
        assert_eq!(body["contextId"], answer.header("inin-correlation-id"));
        assert_eq!(body["status"], answer.status);
    }
}

#[tokio::test]
async fn generated_events_have_the_published_shapes() {
    let Some(schema) = Schema::load("topics.json") else {
        return;
    };
    let rig = Rig::of(
        Platform::builder()
            .users(2)
            .queues(1)
            .events_per_second(2_000.0),
    )
    .await;
    let (user, queue) = (&rig.platform.users()[0], &rig.platform.queues()[0]);
    let templates = [
        "v2.users.{id}.presence",
        "v2.users.{id}.routingStatus",
        "v2.users.{id}.activity",
        "v2.users.{id}.conversations",
        "v2.users.{id}.conversations.calls",
        "v2.routing.queues.{id}.conversations",
        "v2.routing.queues.{id}.conversations.calls",
        "v2.analytics.queues.{id}.observations",
    ];
    let concrete = |template: &str| {
        let id = if template.starts_with("v2.users") {
            user
        } else {
            queue
        };
        template.replace("{id}", id)
    };
    let topics: Vec<String> = templates
        .iter()
        .map(|template| concrete(template))
        .collect();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let (_, _, mut socket) = rig.listen(&topics).await;
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..600 {
        let frame = socket.json().await;
        let topic = frame["topicName"].as_str().unwrap();
        let template = templates
            .iter()
            .find(|template| concrete(template) == topic);
        let template = template.unwrap_or_else(|| panic!("nobody subscribed to {topic}"));
        schema.check(schema.topic(template), &frame["eventBody"], template);
        *seen.entry(template).or_default() += 1;
    }
    assert_eq!(seen.len(), templates.len(), "{seen:?}");
}

#[tokio::test]
async fn system_messages_have_the_published_shape() {
    let Some(schema) = Schema::load("topics.json") else {
        return;
    };
    let rig = Rig::new().await;
    let (_, channel, mut evicted) = rig.listen(&[]).await;
    let (_, _, mut revoked) = rig.listen(&[]).await;
    rig.post(
        "/_sim/fault",
        json!({ "kind": "socket_closing", "channel": channel }),
    )
    .await;
    rig.post(
        "/_sim/fault",
        json!({ "kind": "evict_channel", "channel": channel }),
    )
    .await;
    rig.post("/_sim/fault", json!({ "kind": "revoke_token" }))
        .await;
    let frames = [
        ("v2.system.socket_closing", evicted.json().await),
        ("v2.system.no_longer_subscribed.{id}", evicted.json().await),
        ("v2.system.token_revoked.{id}", revoked.json().await),
    ];
    for (template, frame) in frames {
        let begin = template.trim_end_matches("{id}");
        assert!(
            frame["topicName"].as_str().unwrap().starts_with(begin),
            "{frame}"
        );
        schema.check(schema.topic(template), &frame["eventBody"], template);
    }
}

//! The control endpoints, for tests in any language.

use reqwest::Method;
use serde_json::json;

use super::support::{Rig, Socket};

#[tokio::test]
async fn emit_sends_to_every_subscribed_channel_so_many_times() {
    let rig = Rig::new().await;
    let topic = rig.presence(0);
    let (_, _, mut socket) = rig.listen(&[&topic]).await;
    let answer = rig
        .post(
            "/_sim/emit",
            json!({ "topic": topic, "body": { "message": "hello" }, "count": 3 }),
        )
        .await;
    assert_eq!(answer.json(), json!({ "channels": 1 }));
    let mut correlations = Vec::new();
    for _ in 0..3 {
        let frame = socket.json().await;
        assert_eq!(frame["eventBody"]["message"], "hello");
        correlations.push(frame["metadata"]["CorrelationId"].clone());
    }
    assert_ne!(correlations[0], correlations[1]);
    let one = rig
        .post("/_sim/emit", json!({ "topic": topic, "body": {} }))
        .await;
    assert_eq!(one.status, 200, "count is 1 when it is left out");
}

#[tokio::test]
async fn a_burst_reaches_a_client_that_reads() {
    let rig = Rig::new().await;
    let topic = rig.presence(0);
    let (_, _, mut socket) = rig.listen(&[&topic]).await;
    let body = json!({ "topic": topic, "body": { "n": 1 }, "count": 20_000 });
    let read = async {
        for _ in 0..20_000 {
            socket.json().await;
        }
    };
    tokio::join!(rig.post("/_sim/emit", body), read);
}

#[tokio::test]
async fn what_is_not_understood_is_answered_with_what_exists() {
    let rig = Rig::new().await;
    for body in [
        json!({ "kind": "flood" }),
        json!({ "kind": "reset", "hard": true }),
        json!([]),
    ] {
        assert_eq!(rig.post("/_sim/fault", body).await.status, 400);
    }
    let message = rig
        .post("/_sim/fault", json!({ "kind": "flood" }))
        .await
        .json();
    let message = message["message"].as_str().unwrap();
    for kind in ["socket_closing{after_ms}", "delay{ms,jitter_ms}", "trickle"] {
        assert!(message.contains(kind), "{message}");
    }
    assert_eq!(
        rig.post("/_sim/emit", json!({ "topic": "v2.x" }))
            .await
            .status,
        400
    );
    let missing = json!({ "kind": "reset", "channel": "streaming-1-nothing" });
    assert_eq!(rig.post("/_sim/fault", missing).await.status, 404);
    assert_eq!(
        rig.send(rig.request(Method::GET, "/_sim/weather"))
            .await
            .status,
        404
    );
    assert_eq!(
        rig.send(rig.request(Method::GET, "/_sim/reset"))
            .await
            .status,
        405
    );
}

#[tokio::test]
async fn stats_count_what_happened_and_reset_begins_anew() {
    let rig = Rig::new().await;
    let topic = rig.presence(0);
    let (token, channel, mut socket) = rig.listen(&[&topic]).await;
    let (idle, _) = rig.channel(&token).await;
    rig.platform.emit(&topic, json!({}));
    socket.json().await;
    let stats = rig
        .send(rig.request(Method::GET, "/_sim/stats"))
        .await
        .json();
    assert_eq!(
        stats,
        json!({
            "tokens_issued": 1, "channels": 2, "evictions": 0, "sockets_open": 1, "dials": 1,
            "frames_sent": 1, "throttled": 0,
            "requests": {
                "/oauth/token": 1,
                "/api/v2/notifications/channels": 2,
                "/api/v2/notifications/channels/{id}/subscriptions": 1,
            },
        })
    );
    assert_eq!(rig.post("/_sim/reset", json!({})).await.status, 200);
    let stats = rig.platform.stats();
    assert_eq!(
        (stats.tokens_issued, stats.dials, stats.frames_sent),
        (0, 0, 0)
    );
    assert!(stats.requests.is_empty());
    assert!(
        !rig.exists(&idle, &token).await,
        "nobody was connected to it"
    );
    assert!(rig.exists(&channel, &token).await);
    rig.platform.emit(&topic, json!({ "n": 1 }));
    assert_eq!(
        socket.json().await["eventBody"]["n"],
        1,
        "a connected client goes on"
    );
}

#[tokio::test]
async fn the_first_line_leads_to_everything() {
    let rig = Rig::new().await;
    let line: serde_json::Value = serde_json::from_str(&rig.platform.first_line()).unwrap();
    assert_eq!(line["api"], json!(rig.platform.base_url()));
    assert_eq!(line["login"], line["api"]);
    assert_eq!(line["users"], json!(rig.platform.users()));
    assert_eq!(line["queues"], json!(rig.platform.queues()));
    assert_eq!(line["applications"].as_array().unwrap().len(), 2);
    assert!(line.get("root_certificate_pem").is_none());
    let (id, secret) = (&line["client_id"], &line["client_secret"]);
    let token = rig
        .token_of(id.as_str().unwrap(), secret.as_str().unwrap())
        .await;
    let (_, uri) = rig.channel(&token).await;
    assert!(uri.starts_with(line["streaming"].as_str().unwrap()));
    assert!(Socket::open(&uri).await.is_ok());
    assert!(!format!("{:?}", rig.platform).contains(secret.as_str().unwrap()));
}

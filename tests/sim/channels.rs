//! Channels and subscriptions over REST, and the small listings beside them.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::support::{Rig, Socket, quiet};

const CHANNELS: &str = "/api/v2/notifications/channels";

#[tokio::test]
async fn the_21st_channel_takes_the_place_of_an_unconnected_one_then_of_the_oldest() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let mut channels = Vec::new();
    for _ in 0..20 {
        channels.push(rig.channel(&token).await);
    }
    let other = rig.platform.add_client();
    let foreign = rig
        .token_of(other.client_id(), other.client_secret().expose())
        .await;
    let (kept, _) = rig.channel(&foreign).await;
    assert_eq!(rig.platform.stats().evictions, 0);

    // The first is the oldest, but it has a socket.
    let first = Socket::open(&channels[0].1).await.unwrap();
    rig.channel(&token).await;
    assert!(rig.exists(&channels[0].0, &token).await);
    assert!(!rig.exists(&channels[1].0, &token).await);
    assert!(rig.exists(&kept, &foreign).await);

    drop(first);
}

#[tokio::test]
async fn with_a_socket_on_each_the_channel_of_the_oldest_last_use_goes_and_is_told() {
    let rig = Rig::of(quiet().channels_per_client(2)).await;
    let token = rig.token().await;
    let (one, uri) = rig.channel(&token).await;
    let (two, second) = rig.channel(&token).await;
    let _second = Socket::open(&second).await.unwrap();
    let mut first = Socket::open(&uri).await.unwrap();
    // A use of the second makes the first the oldest.
    rig.subscribe(Method::PUT, &two, "", &token, &[]).await;
    rig.channel(&token).await;
    let (code, _, before) = first.closed().await;
    assert_eq!(code, 1001);
    assert!(
        before[0]["topicName"]
            .as_str()
            .unwrap()
            .starts_with("v2.system.no_longer_subscribed.")
    );
    assert_eq!(before[0]["eventBody"]["channelId"], json!(one));
    assert_eq!(before[1]["result"], "404");
    assert!(!rig.exists(&one, &token).await);
    let refused = Socket::open(&uri).await.err().unwrap().to_string();
    assert!(refused.contains("404"), "{refused}");
}

#[tokio::test]
async fn a_channel_expires_unless_it_is_subscribed_again() {
    let rig = Rig::of(quiet().channel_life(Duration::from_millis(400))).await;
    let topic = rig.presence(0);
    let (token, channel, mut socket) = rig.listen(&[&topic]).await;
    sleep(Duration::from_millis(250)).await;
    assert_eq!(
        rig.subscribe(Method::PUT, &channel, "", &token, &[&topic])
            .await
            .status,
        200
    );
    sleep(Duration::from_millis(250)).await;
    assert!(rig.exists(&channel, &token).await, "it was renewed");
    let (code, _, before) = socket.closed().await;
    assert_eq!((code, &before[0]["result"]), (1001, &json!("404")));
    assert!(!rig.exists(&channel, &token).await);
}

#[tokio::test]
async fn a_listing_tells_the_channels_of_the_token_and_hides_the_ids_of_others() {
    let rig = Rig::new().await;
    let (one, two) = (rig.token().await, rig.token().await);
    let (id, _) = rig.channel(&one).await;
    rig.channel(&two).await;
    let own = rig.get(CHANNELS, &one).await.json();
    assert_eq!(own["entities"].as_array().unwrap().len(), 1);
    assert_eq!(own["entities"][0]["id"], json!(id));
    let all = rig
        .get(&format!("{CHANNELS}?includechannels=oauthclient"), &one)
        .await;
    let ids: Vec<bool> = all.json()["entities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c.get("id").is_some())
        .collect();
    assert_eq!(ids.iter().filter(|known| **known).count(), 1);
    assert_eq!(ids.len(), 2);
}

#[tokio::test]
async fn post_adds_put_replaces_delete_empties() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let (channel, _) = rig.channel(&token).await;
    let (a, b) = (rig.presence(0), rig.presence(1));
    let listed = || async {
        let path = format!("{CHANNELS}/{channel}/subscriptions");
        let listing = rig.get(&path, &token).await.json();
        let all = listing["entities"].as_array().unwrap().clone();
        all.iter()
            .map(|t| t["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    rig.subscribe(Method::POST, &channel, "", &token, &[&a])
        .await;
    rig.subscribe(Method::POST, &channel, "", &token, &[&b])
        .await;
    assert_eq!(listed().await, [a.clone(), b.clone()]);
    rig.subscribe(Method::PUT, &channel, "", &token, &[&b])
        .await;
    assert_eq!(listed().await, [b]);
    let path = format!("{CHANNELS}/{channel}/subscriptions");
    rig.call(Method::DELETE, &path, &token, Value::Null).await;
    assert!(listed().await.is_empty());
}

#[tokio::test]
async fn one_forbidden_topic_sinks_the_request_unless_errors_are_ignored() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let (channel, _) = rig.channel(&token).await;
    let (good, bad) = (rig.presence(0), rig.presence(1));
    rig.post(
        "/_sim/fault",
        json!({ "kind": "forbid_topic", "topic": bad.to_uppercase() }),
    )
    .await;
    let whole = rig
        .subscribe(Method::PUT, &channel, "", &token, &[&good, &bad])
        .await;
    assert_eq!(
        (whole.status, whole.code().as_str()),
        (403, "missing.permissions")
    );
    let path = format!("{CHANNELS}/{channel}/subscriptions");
    assert_eq!(
        rig.get(&path, &token).await.json()["entities"],
        json!([]),
        "nothing is subscribed"
    );

    let each = rig
        .subscribe(
            Method::PUT,
            &channel,
            "?ignoreErrors=true",
            &token,
            &[&good, &bad],
        )
        .await;
    assert_eq!(each.status, 200);
    let entities = each.json()["entities"].clone();
    assert_eq!(
        (&entities[0]["id"], &entities[0]["state"]),
        (&json!(good), &json!("Permitted"))
    );
    assert_eq!(
        (&entities[1]["id"], &entities[1]["state"]),
        (&json!(bad), &json!("Rejected"))
    );
    assert!(
        !entities[1]["missingPermissions"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        rig.get(&path, &token).await.json()["entities"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_combined_topic_counts_once_and_its_refused_part_follows_it() {
    let rig = Rig::new().await;
    let user = rig.platform.users()[0].clone();
    let combined = format!("v2.users.{user}?presence&routingStatus");
    let (_, _, mut socket) = rig.listen(&[&combined]).await;
    let single = format!("v2.users.{user}.routingStatus");
    assert_eq!(rig.platform.emit(&single, json!({ "id": user })), 1);
    assert_eq!(socket.json().await["topicName"], json!(single));

    let topic = format!("v2.users.{user}.presence");
    rig.platform
        .fault(genesys_cloud::sim::Fault::ForbidTopic {
            topic: topic.clone(),
        })
        .unwrap();
    let token = rig.token().await;
    let (channel, _) = rig.channel(&token).await;
    let refused = rig
        .subscribe(Method::PUT, &channel, "", &token, &[&combined])
        .await;
    assert_eq!(refused.status, 403);
    let entities = rig
        .subscribe(
            Method::PUT,
            &channel,
            "?ignoreErrors=true",
            &token,
            &[&combined],
        )
        .await
        .json();
    assert_eq!(entities["entities"][0]["state"], "Permitted");
    assert_eq!(entities["entities"][1]["id"], json!(topic));
    assert_eq!(entities["entities"][1]["state"], "Rejected");
}

#[tokio::test]
async fn topics_that_do_not_exist_or_are_too_many_are_400() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let (channel, _) = rig.channel(&token).await;
    for bad in [
        "v2.users.x.nothing",
        &format!("v2.users.{}.presence", "x".repeat(190)),
    ] {
        let answer = rig
            .subscribe(Method::POST, &channel, "", &token, &[bad])
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "notification.invalid.topic")
        );
        assert_eq!(answer.json()["details"][0]["entityId"], json!(bad));
    }
    let many: Vec<String> = (0..1_000)
        .map(|n| format!("v2.users.{n}.presence"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(
        rig.subscribe(Method::PUT, &channel, "", &token, &many)
            .await
            .status,
        200
    );
    let over = rig
        .subscribe(Method::POST, &channel, "", &token, &["v2.users.x.presence"])
        .await;
    assert_eq!(
        (over.status, &over.json()["limit"]["value"]),
        (400, &json!(1_000))
    );
    let again = rig
        .subscribe(Method::POST, &channel, "", &token, &["v2.users.1.PRESENCE"])
        .await;
    assert_eq!(
        again.status, 200,
        "one that is there already is not one more"
    );
}

#[tokio::test]
async fn what_is_no_array_of_topics_and_what_does_not_exist_is_refused() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let (channel, _) = rig.channel(&token).await;
    let path = format!("{CHANNELS}/{channel}/subscriptions");
    for body in [json!({}), json!(["x"]), json!([{ "id": 1 }])] {
        assert_eq!(rig.call(Method::PUT, &path, &token, body).await.status, 400);
    }
    let other = rig.platform.add_client();
    let foreign = rig
        .token_of(other.client_id(), other.client_secret().expose())
        .await;
    assert_eq!(
        rig.get(&path, &foreign).await.status,
        404,
        "a channel of another client"
    );
    assert_eq!(rig.get("/api/v2/nothing", &token).await.status, 404);
    assert_eq!(
        rig.call(Method::PATCH, CHANNELS, &token, Value::Null)
            .await
            .status,
        405
    );
    let head = format!("{CHANNELS}/streaming-1-nothing");
    let head = rig.call(Method::HEAD, &head, &token, Value::Null).await;
    assert_eq!((head.status, head.text.as_str()), (404, ""));
}

#[tokio::test]
async fn all_242_topics_are_available() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let bare = rig
        .get("/api/v2/notifications/availabletopics", &token)
        .await
        .json();
    assert_eq!(bare["entities"].as_array().unwrap().len(), 242);
    let path =
        "/api/v2/notifications/availabletopics?expand=visibility,transports&expand=description";
    let full = rig.get(path, &token).await.json();
    assert_eq!(full["entities"][0].as_object().unwrap().len(), 4);
}

#[tokio::test]
async fn listings_are_paged_and_filtered() {
    let rig = Rig::of(quiet().users(7).queues(3)).await;
    let token = rig.token().await;
    let page = rig
        .get("/api/v2/users?pageSize=3&pageNumber=3", &token)
        .await
        .json();
    assert_eq!(page["entities"].as_array().unwrap().len(), 1);
    assert_eq!((&page["total"], &page["pageCount"]), (&json!(7), &json!(3)));
    assert!(page.get("nextUri").is_none() && page.get("previousUri").is_some());
    assert_eq!(
        rig.get("/api/v2/users?pageSize=0", &token).await.status,
        400
    );

    let ids = &rig.platform.users()[..2];
    for query in [
        format!("id={}&id={}", ids[0], ids[1]),
        format!("id={},{}", ids[0], ids[1]),
    ] {
        let found = rig
            .get(&format!("/api/v2/users?{query}"), &token)
            .await
            .json();
        assert_eq!(found["total"], 2, "{query}");
    }
    let queues = rig
        .get("/api/v2/routing/queues?name=*A*", &token)
        .await
        .json();
    assert_eq!(queues["entities"][0]["name"], "Sales");
    assert_eq!(queues["total"], 1);
    let user = rig
        .get(
            &format!("/api/v2/users/{}?expand=routingStatus", ids[0]),
            &token,
        )
        .await
        .json();
    assert_eq!(user["routingStatus"]["status"], "OFF_QUEUE");
    assert_eq!(
        rig.get("/api/v2/users/me", &token).await.code(),
        "not.a.user"
    );
    let definitions = rig.get("/api/v2/presence/definitions", &token).await.json();
    assert_eq!(definitions["entities"][0]["systemPresence"], "Available");
}

//! What each call sends, and what it makes of the answers.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::platform::{api, platform, topics};
use crate::core::ids::ChannelId;
use crate::core::ports::ChannelApi;
use crate::error::{Error, ErrorKind};
use crate::rest::available_topic::ExpandTopic;
use crate::rest::notifications::IncludeChannels;
use crate::transport::loopback::{Loopback, Reply};

const CHANNEL: &str = r#"{"connectUri":"wss://streaming.mypurecloud.com/channels/hush-channel","id":"hush-channel","expires":"2026-03-05T09:30:00.000Z"}"#;

fn assert_quiet(error: &Error) {
    let mut text = format!("{error} {error:?}");
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        text = format!("{text} {source} {source:?}");
        next = source.source();
    }
    assert!(!text.contains("hush"), "{text}");
}

#[tokio::test]
async fn a_channel_is_created_with_a_post_without_body() {
    let (server, notifications) = platform(|_, _| Reply::json(200, CHANNEL)).await;
    let channel = notifications.create_channel().await.unwrap();
    assert_eq!(channel.id.expose(), "hush-channel");
    assert!(channel.connect_uri.expose().ends_with("/hush-channel"));
    // 2026-03-05T09:30:00Z
    let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_703_000);
    assert_eq!(channel.expires, Some(expires));
    assert!(!format!("{channel:?} {notifications:?}").contains("hush"));
    let seen = &server.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("POST", "/api/v2/notifications/channels")
    );
    assert_eq!(seen.header("authorization"), Some("Bearer hush-token"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.body, "");
}

#[tokio::test]
async fn creating_a_channel_is_not_repeated_after_a_503_or_a_cut() {
    for reply in [Reply::json(503, "{}"), Reply::cut()] {
        let (server, notifications) = platform(move |_, _| reply.clone()).await;
        notifications.create_channel().await.unwrap_err();
        assert_eq!(server.count(), 1);
    }
}

#[tokio::test]
async fn a_new_channel_that_cannot_be_read_leaves_nothing_of_it_in_the_error() {
    for body in [
        r#"{"id":"hush-channel","connectUri":7}"#,
        r#"{"id":"hush-channel"}"#,
        r#"["hush-channel"]"#,
        r#"{"id":"hush-channel","connectUri":"hush""#,
    ] {
        let (_server, notifications) = platform(move |_, _| Reply::json(200, body)).await;
        let error = notifications.create_channel().await.unwrap_err();
        assert_eq!((error.kind(), error.body()), (ErrorKind::Decode, None));
        assert_quiet(&error);
    }
}

#[tokio::test]
async fn a_channel_exists_or_not_and_other_statuses_are_errors() {
    let id = ChannelId::new("hush-channel");
    for (status, expected) in [(200, Ok(true)), (404, Ok(false)), (403, Err(ErrorKind::Forbidden))]
    {
        let (server, notifications) = platform(move |_, _| Reply::new(status, &[], "")).await;
        let found = notifications.channel_exists(&id).await;
        assert_eq!(found.map_err(|error| error.kind()), expected);
        assert_eq!(server.seen()[0].method, "HEAD");
    }
}

#[tokio::test]
async fn an_id_of_the_user_cannot_leave_its_segment() {
    let (server, notifications) = platform(|_, _| Reply::json(200, "{}")).await;
    let id = ChannelId::new("../../users?x=1#y");
    notifications.subscriptions(&id).await.unwrap();
    assert_eq!(
        server.seen()[0].target,
        "/api/v2/notifications/channels/..%2F..%2Fusers%3Fx%3D1%23y/subscriptions"
    );
    for bad in ["", ".", ".."] {
        let error = notifications.remove_all(&ChannelId::new(bad)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_channel_that_is_gone_is_not_found_and_its_id_is_not_repeated() {
    let body =
        r#"{"message":"channel hush-channel not found","code":"not.found","contextId":"c-1"}"#;
    let (_server, notifications) = platform(move |_, _| Reply::json(404, body)).await;
    let id = ChannelId::new("hush-channel");
    let error = ChannelApi::replace(&notifications, &id, &topics(&["v2.a"])).await.unwrap_err();
    assert_eq!((error.kind(), error.correlation_id()), (ErrorKind::NotFound, Some("c-1")));
    assert_quiet(&error);
}

#[tokio::test]
async fn topics_over_the_limit_are_an_error_before_anything_is_sent() {
    let (server, notifications) = platform(|_, _| Reply::json(200, "{}")).await;
    let many: Vec<Box<str>> = (0..1001).map(|n| format!("v2.x.{n}").into()).collect();
    let id = ChannelId::new("c");
    let error = ChannelApi::add(&notifications, &id, &many).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Capacity);
    assert!(error.to_string().contains("1001") && error.to_string().contains("1000"));
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn removing_a_topic_writes_the_rest() {
    let listing = r#"{"entities":[{"id":"v2.a","state":"Permitted"},{"id":"v2.B","state":"Permitted"},{"id":"v2.c","state":"Rejected"}]}"#;
    let (server, notifications) = platform(move |_, _| Reply::json(200, listing)).await;
    let id = ChannelId::new("c");
    let left = notifications.remove(&id, &topics(&["v2.b"])).await.unwrap();
    assert_eq!(left.len(), 1);
    let seen = server.seen();
    assert_eq!((seen[0].method.as_str(), seen[1].method.as_str()), ("GET", "PUT"));
    assert_eq!(seen[1].body, r#"[{"id":"v2.a"}]"#);
    notifications.remove(&id, &topics(&["v2.a", "v2.b"])).await.unwrap();
    assert_eq!(server.seen()[3].method, "DELETE");
}

#[tokio::test]
async fn listings_ask_for_what_was_wanted() {
    let body = r#"{"entities":[{"id":"hush-channel","connectUri":"wss://x/hush-channel","expires":"never"},{"expires":"2026-03-05T09:30:00Z"}]}"#;
    let (server, notifications) = platform(move |_, _| Reply::json(200, body)).await;
    let channels = notifications.channels(IncludeChannels::OauthClient).await.unwrap();
    assert!(channels[0].channel.is_some() && channels[0].expires.is_none());
    assert!(channels[1].channel.is_none() && channels[1].expires.is_some());
    assert!(!format!("{channels:?}").contains("hush"));
    let expand = [ExpandTopic::Schema, ExpandTopic::Other("a&b".into())];
    let found = notifications.available_topics(&expand, true).await.unwrap();
    assert_eq!(found.len(), 2);
    let targets: Vec<_> = server.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(
        targets,
        [
            "/api/v2/notifications/channels?includechannels=oauthclient",
            "/api/v2/notifications/availabletopics?expand=schema&expand=a%26b&includePreview=true"
        ]
    );
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_names_the_place_and_keeps_the_evidence() {
    let body = r#"{"entities":[{"id":"v2.a"},{"id":7}]}"#;
    let server = Loopback::start(move |n, _| match n {
        0 => Reply::new(200, &[("inin-correlation-id", "c-9")], body),
        1 => Reply::new(200, &[("content-type", "text/html")], "<html>login</html>"),
        2 => Reply::json(200, ""),
        3 => Reply::json(200, "{}{}"),
        _ => Reply::json(200, r#"{"novel":[1]}"#),
    })
    .await;
    let notifications = crate::rest::notifications::Notifications::new(api(&server));
    let id = ChannelId::new("c");
    let error = notifications.subscriptions(&id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().contains("entities[1].id"), "{error}");
    assert_eq!((error.correlation_id(), error.status()), (Some("c-9"), Some(200)));
    assert_eq!(error.body(), Some(body));
    for words in ["page of a gateway", "no body", "not JSON"] {
        let error = notifications.subscriptions(&id).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let value: Value =
        api(&server).get("/api/v2/tokens/me").query("a", "b c").fetch().await.unwrap();
    assert_eq!(value["novel"][0], 1);
    assert_eq!(server.seen().last().unwrap().target, "/api/v2/tokens/me?a=b+c");
}

#[tokio::test]
async fn a_refused_static_token_is_an_error_that_does_not_show_it() {
    let body = r#"{"message":"bad hush-token","code":"bad.credentials","status":401}"#;
    let (server, notifications) = platform(move |_, _| Reply::json(401, body)).await;
    let error = notifications.create_channel().await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::Auth, 1));
    assert_quiet(&error);
}

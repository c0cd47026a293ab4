//! REST calls in trouble, as a user of the crate sees them, against the simulator.

use std::time::{Duration, Instant};

use genesys_cloud::sim::{Fault, Platform};
use genesys_cloud::{
    BackoffRetry, ChannelApi, Client, ClientBuilder, ErrorKind, IncludeChannels, NoRetry, Proxy,
    Tls,
};

const CHANNELS: &str = "/api/v2/notifications/channels";

fn builder(platform: &Platform) -> ClientBuilder {
    Client::builder(platform.endpoints())
        .credentials(platform.credentials())
        .proxy(Proxy::none())
        .retry(BackoffRetry::default().base(Duration::from_millis(1)))
}

fn status(status: u16, retry_after: Option<u64>, count: u32) -> Fault {
    Fault::Http { path: CHANNELS.into(), status, retry_after, count, html: status == 502 }
}

async fn platform() -> Platform {
    Platform::builder().seed(7).start().await.unwrap()
}

#[tokio::test]
async fn a_read_survives_two_5xx_in_a_row_and_a_create_is_not_repeated() {
    let platform = platform().await;
    let notifications = builder(&platform).build().unwrap().notifications();
    for code in [500, 502, 503, 504] {
        platform.fault(status(code, None, 2)).unwrap();
        notifications.channels(IncludeChannels::Token).await.unwrap();
        platform.fault(status(code, None, 1)).unwrap();
        let error = notifications.create_channel().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Status(code));
        assert!(error.is_retryable());
    }
    assert_eq!(platform.stats().channels, 0);
}

#[tokio::test]
async fn a_short_retry_after_is_waited_for_even_by_a_create_and_an_hour_is_returned() {
    let platform = platform().await;
    let notifications = builder(&platform).build().unwrap().notifications();
    platform.fault(status(429, Some(1), 1)).unwrap();
    let started = Instant::now();
    notifications.create_channel().await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
    platform.fault(status(429, Some(3600), 1)).unwrap();
    let error = notifications.create_channel().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    notifications.create_channel().await.unwrap();
}

#[tokio::test]
async fn no_retry_means_none() {
    let platform = platform().await;
    let client = builder(&platform).retry(NoRetry).build().unwrap();
    platform.fault(status(503, None, 1)).unwrap();
    let notifications = client.notifications();
    let error = notifications.channels(IncludeChannels::Token).await;
    assert_eq!(error.unwrap_err().status(), Some(503));
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_refused_and_a_root_makes_it_good() {
    let platform = Platform::builder().tls(true).start().await.unwrap();
    let error =
        builder(&platform).build().unwrap().notifications().create_channel().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_string().contains("Tls::add_root_pem"), "{error}");
    let root = platform.root_certificate_pem().unwrap();
    let tls = Tls::new().add_root_pem(root.as_bytes()).unwrap();
    let client = builder(&platform).tls(tls).build().unwrap();
    client.notifications().create_channel().await.unwrap();
}

#[tokio::test]
async fn one_malformed_topic_is_reported_for_that_topic_alone() {
    let platform = platform().await;
    let client = builder(&platform).build().unwrap();
    let api: &dyn ChannelApi = &client.notifications();
    let channel = api.create().await.unwrap().id;
    let good = format!("v2.users.{}.presence", platform.users()[0]);
    let other = format!("v2.users.{}.presence", platform.users()[1]);
    let forbidden = format!("v2.routing.queues.{}.observations", platform.queues()[0]);
    let topics: Vec<Box<str>> =
        [&good, "v2.no.such.topic", &other, &forbidden].map(Into::into).into();
    let forbid = Fault::ForbidTopic { topic: forbidden.clone() };
    platform.fault(forbid).unwrap();
    let mut states = api.replace(&channel, &topics).await.unwrap();
    states.retain(|state| state.rejected.is_some());
    let mut rejected: Vec<_> = states.iter().map(|state| &*state.topic).collect();
    rejected.sort_unstable();
    let mut expected = ["v2.no.such.topic", &*forbidden];
    expected.sort_unstable();
    assert_eq!(rejected, expected);
    let listed = client.notifications().subscriptions(&channel).await.unwrap();
    let mut taken: Vec<_> = listed
        .iter()
        .filter(|state| state.rejected.is_none())
        .map(|state| state.topic.to_string())
        .collect();
    taken.sort_unstable();
    let mut expected = [good, other];
    expected.sort_unstable();
    assert_eq!(taken, expected);
}

#[tokio::test]
async fn removing_topics_leaves_the_others() {
    let platform = platform().await;
    let client = builder(&platform).build().unwrap();
    let notifications = client.notifications();
    let channel = notifications.create_channel().await.unwrap().id;
    let topics: Vec<Box<str>> = platform
        .users()
        .iter()
        .take(3)
        .map(|user| format!("v2.users.{user}.presence").into())
        .collect();
    notifications.add(&channel, &topics, false).await.unwrap();
    notifications.remove(&channel, &topics[..1]).await.unwrap();
    let left = notifications.subscriptions(&channel).await.unwrap();
    assert_eq!(left.len(), 2);
    notifications.remove_all(&channel).await.unwrap();
    assert!(notifications.subscriptions(&channel).await.unwrap().is_empty());
    assert!(notifications.channel_exists(&channel).await.unwrap());
    let unknown = genesys_cloud::ChannelId::new("streaming-0-nothing");
    assert!(!notifications.channel_exists(&unknown).await.unwrap());
    let error = notifications.add(&unknown, &topics, true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn any_get_can_be_called_and_a_path_cannot_leave_the_api() {
    let platform = Platform::builder().start().await.unwrap();
    let client =
        Client::builder(platform.endpoints()).credentials(platform.credentials()).build().unwrap();
    let page: serde_json::Value =
        client.get("/api/v2/users", &[("pageSize", "2"), ("pageNumber", "1")]).await.unwrap();
    assert_eq!(page["entities"].as_array().unwrap().len(), 2);
    assert_eq!(page["total"], platform.users().len());
    let error = client.get::<serde_json::Value>("/api/v2/users/nobody", &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = client.get::<Vec<u8>>("/api/v2/users", &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    let before = platform.stats().requests;
    for path in
        ["/oauth/token", "/api/v2/../../x", "/api/v2//x", "/api/v2/x?y=1", "/api/v2/%2e%2e/x"]
    {
        let error = client.get::<serde_json::Value>(path, &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{path}");
    }
    assert_eq!(platform.stats().requests, before);
}

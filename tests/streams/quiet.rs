//! A platform that sends only what a test emits, and a stream of its first user's presence.

use std::time::Duration;

use futures::StreamExt;
use genesys_cloud::sim::Platform;
use genesys_cloud::{
    Client, Delivery, Event, EventStream, FixedDelay, Lifecycle, StreamBuilder, topics,
};
use serde_json::json;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A platform that sends only what a test emits.
pub(crate) async fn quiet() -> Platform {
    Platform::builder().events_per_second(0.0).start().await.unwrap()
}

pub(crate) fn client(platform: &Platform) -> Client {
    Client::builder(platform.endpoints()).credentials(platform.credentials()).build().unwrap()
}

pub(crate) fn builder(platform: &Platform) -> StreamBuilder {
    let user = &platform.users()[0];
    client(platform)
        .stream()
        .subscribe(topics::users::presence(user))
        .reconnect(FixedDelay::new(Duration::from_millis(50)))
}

pub(crate) fn topic(platform: &Platform) -> String {
    format!("v2.users.{}.presence", platform.users()[0])
}

pub(crate) fn emit(platform: &Platform, n: usize) -> usize {
    platform.emit(&topic(platform), json!({"source": "PURECLOUD", "message": n.to_string()}))
}

pub(crate) fn number(event: &Event) -> Option<usize> {
    match event {
        Event::UsersPresence(body) => body.message.as_ref()?.parse().ok(),
        _ => None,
    }
}

pub(crate) async fn next(events: &mut EventStream) -> Delivery {
    let item = tokio::time::timeout(PATIENCE, events.next()).await.expect("an item in time");
    item.expect("not the end").expect("no error")
}

pub(crate) async fn until<T>(events: &mut EventStream, pick: impl Fn(&Event) -> Option<T>) -> T {
    loop {
        if let Some(found) = pick(&next(events).await.event) {
            return found;
        }
    }
}

pub(crate) async fn until_what(events: &mut EventStream, what: &str) -> Lifecycle {
    until(events, |event| match event {
        Event::Lifecycle(item) if item.what() == what => Some(item.clone()),
        _ => None,
    })
    .await
}

pub(crate) async fn until_number(events: &mut EventStream, n: usize) {
    until(events, |event| (number(event) == Some(n)).then_some(())).await;
}

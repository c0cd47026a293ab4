//! The five sockets behind one face: what is sent is numbered, and what comes out has the same number.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use genesys_cloud::bodies::{
    AppMessage, InteractionFrame, PresenceUpdate, RealtimeEvent, RoutingInteraction,
};
use genesys_cloud::protocols::{
    AppFoundry, InteractionFrames, PresenceEvents, RealtimeAnalytics, RoutingInteractions,
};
use genesys_cloud::sim::SocketKind;
use genesys_cloud::{
    Attempt, Capacity, Client, Error, FixedDelay, Lifecycle, Overflow, ReconnectPolicy, Result,
    StreamBuilder, StreamHandle, StreamStats, Timing, Typed,
};
use serde_json::{Value, json};

/// Nothing here takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a case for every kind of socket, and prints its row of the table.
pub(crate) async fn each<F, Fut>(case: &str, not_for: &[(SocketKind, &str)], run: F)
where
    F: Fn(SocketKind) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let excused = |kind| not_for.iter().find(|(other, _)| *other == kind).map(|(_, why)| *why);
    let tasks = SocketKind::ALL.map(|kind| {
        if let Some(why) = excused(kind) {
            return (kind, Err(why));
        }
        let case = tokio::time::timeout(2 * PATIENCE, run(kind));
        (kind, Ok(tokio::spawn(async { case.await.expect("a verdict in time") })))
    });
    let (mut row, mut reasons, mut failed) = (format!("| {case:<44}"), String::new(), Vec::new());
    for (kind, task) in tasks {
        let cell = match task {
            Err(why) => {
                reasons = format!("{reasons} {}: {why}", kind.name());
                "n/a"
            }
            Ok(task) => {
                if task.await.is_ok() {
                    "ok"
                } else {
                    failed.push(kind.name());
                    "FAILED"
                }
            }
        };
        row = format!("{row} | {} {cell}", kind.name());
    }
    println!("{row} |{reasons}");
    assert!(failed.is_empty(), "{case}: fails for {failed:?}");
}

/// The beginning of the paths at which a kind of socket is dialled.
pub(crate) fn path(kind: SocketKind) -> &'static str {
    match kind {
        SocketKind::AppFoundry => "/api/v2/appfoundry/websocket",
        SocketKind::Routing => "/api/v2/routing/interactions/events",
        SocketKind::Frames => "/api/v2/streaming/interactions",
        SocketKind::Realtime => "/v2/analytics/events/realtime",
        SocketKind::Presence => "/api/v2/analytics/events",
        other => panic!("no such socket: {other:?}"),
    }
}

/// Where a socket is, and what it is about.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) origin: String,
    pub(crate) application: String,
    pub(crate) user: String,
}

/// The topic under which a loss is reported.
pub(crate) fn topic(kind: SocketKind, place: &Place) -> String {
    match kind {
        SocketKind::AppFoundry => format!("socket.appfoundry.{}", place.application),
        SocketKind::Routing => "socket.routing.interactions".into(),
        SocketKind::Frames => "socket.streaming.interactions".into(),
        SocketKind::Realtime => "socket.analytics.realtime".into(),
        _ => format!("socket.presence.{}", place.user),
    }
}

/// A message with a number.
pub(crate) fn body(kind: SocketKind, user: &str, n: usize) -> Value {
    match kind {
        SocketKind::Routing => json!({"queueId": "q", "waitTime": n}),
        SocketKind::Presence => {
            json!({"eventType": "presence", "userId": user, "state": n.to_string()})
        }
        _ => json!({"type": "numbered", "n": n}),
    }
}

fn number_in(text: &[u8]) -> Option<usize> {
    let value: Value = serde_json::from_slice(text).ok()?;
    usize::try_from(value["n"].as_u64()?).ok()
}

/// Settings of a stream.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) timing: Timing,
    pub(crate) overflow: Overflow,
    pub(crate) capacity: Capacity,
    pub(crate) policy: Arc<dyn ReconnectPolicy>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            overflow: Overflow::Wait,
            capacity: Capacity::default(),
            policy: Arc::new(FixedDelay::new(Duration::from_millis(20))),
        }
    }
}

/// What came out.
#[derive(Debug)]
pub(crate) enum Item {
    /// A body that has a number.
    Number(usize),
    /// Another body.
    Other,
    Unrecognized,
    Malformed,
    Lifecycle(Lifecycle),
}

/// A stream of any of the five.
pub(crate) struct Events {
    pub(crate) items: BoxStream<'static, Result<Item>>,
    pub(crate) handle: StreamHandle,
}

pub(crate) async fn open(
    kind: SocketKind,
    client: &Client,
    place: &Place,
    settings: Settings,
) -> Result<Events> {
    match kind {
        SocketKind::AppFoundry => {
            let protocol = AppFoundry::new(&place.application, &place.origin);
            start(client.connect(protocol), settings, |message: &AppMessage| match message {
                AppMessage::Json { value, .. } => number_in(value.as_str().as_bytes()),
                _ => None,
            })
            .await
        }
        SocketKind::Routing => {
            let number = |step: &RoutingInteraction| {
                usize::try_from(step.wait_time.as_ref()?.as_u64()?).ok()
            };
            start(client.connect(RoutingInteractions::new()), settings, number).await
        }
        SocketKind::Frames => {
            let number = |frame: &InteractionFrame| number_in(&frame.payload);
            start(client.connect(InteractionFrames::new()), settings, number).await
        }
        SocketKind::Realtime => {
            let number = |event: &RealtimeEvent| number_in(event.value.as_str().as_bytes());
            start(client.connect(RealtimeAnalytics::new("monitor-1")), settings, number).await
        }
        _ => {
            let builder = client.connect(PresenceEvents::new());
            let builder = builder.subscribe(PresenceEvents::user(&place.user));
            let number = |update: &PresenceUpdate| update.state.as_ref()?.parse().ok();
            start(builder, settings, number).await
        }
    }
}

pub(crate) async fn start<T: Send + 'static>(
    builder: StreamBuilder<Typed<T>>,
    settings: Settings,
    number: impl Fn(&T) -> Option<usize> + Send + 'static,
) -> Result<Events> {
    let Settings { timing, overflow, capacity, policy } = settings;
    let stream = builder
        .timing(timing)
        .overflow(overflow)
        .capacity(capacity)
        .reconnect(move |attempt: &Attempt<'_>| policy.decide(attempt));
    let stream = tokio::time::timeout(PATIENCE, stream.start()).await.expect("a start in time")?;
    let handle = stream.handle();
    let items = stream.map(move |item| {
        item.map(|delivery| match delivery.event {
            Typed::Body(body) => number(&body).map_or(Item::Other, Item::Number),
            Typed::Lifecycle(item) => Item::Lifecycle(item),
            Typed::Unrecognized { .. } => Item::Unrecognized,
            Typed::Malformed { .. } => Item::Malformed,
            _ => panic!("an item that is not known here"),
        })
    });
    Ok(Events { items: items.boxed(), handle })
}

impl Events {
    /// The next item as it is; `None` at the end.
    pub(crate) async fn item(&mut self) -> Option<Result<Item>> {
        tokio::time::timeout(PATIENCE, self.items.next()).await.expect("an item in time")
    }

    pub(crate) async fn next(&mut self) -> Item {
        self.item().await.expect("not the end").expect("no error")
    }

    /// Reads on to a lifecycle item.
    pub(crate) async fn until(&mut self, what: &str) -> Lifecycle {
        loop {
            match self.next().await {
                Item::Lifecycle(item) if item.what() == what => return item,
                _ => {}
            }
        }
    }

    /// Reads on to an event.
    pub(crate) async fn until_number(&mut self, n: usize) {
        while !matches!(self.next().await, Item::Number(found) if found == n) {}
    }

    /// Reads to the end, for the last lifecycle item and the error.
    pub(crate) async fn end(&mut self) -> (Option<Lifecycle>, Option<Error>) {
        let mut last = None;
        while let Some(item) = self.item().await {
            match item {
                Ok(Item::Lifecycle(item)) => last = Some(item),
                Ok(_) => {}
                Err(error) => {
                    assert!(self.item().await.is_none(), "fused");
                    return (last, Some(error));
                }
            }
        }
        (last, None)
    }

    pub(crate) fn stats(&self) -> StreamStats {
        self.handle.stats()
    }
}

//! The sockets that are not notification channels, against the simulator's.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use genesys_cloud::bodies::{AppMessage, InteractionFrame, RealtimeEvent, RoutingInteraction};
use genesys_cloud::protocols::{
    AppFoundry, InteractionFrames, PresenceEvents, RealtimeAnalytics, RoutingInteractions,
};
use genesys_cloud::sim::{Fault, Platform, SocketKind};
use genesys_cloud::{
    Client, ErrorKind, EventStream, FixedDelay, Lifecycle, Protocol, Signal, StreamBuilder,
    StreamEvent, Timing, Typed, topics,
};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(20);

async fn platform(events_per_second: f64) -> Platform {
    Platform::builder().seed(7).events_per_second(events_per_second).start().await.unwrap()
}

fn client(platform: &Platform) -> Client {
    Client::builder(platform.endpoints()).credentials(platform.credentials()).build().unwrap()
}

fn connect<E: StreamEvent>(platform: &Platform, protocol: impl Protocol<E>) -> StreamBuilder<E> {
    client(platform).connect(protocol).reconnect(FixedDelay::new(Duration::from_millis(20)))
}

async fn next<T: Send + 'static>(events: &mut EventStream<Typed<T>>) -> Typed<T> {
    let item = tokio::time::timeout(PATIENCE, events.next()).await.expect("an item in time");
    item.expect("not the end").expect("no error").event
}

async fn body<T: Send + 'static>(events: &mut EventStream<Typed<T>>) -> T {
    loop {
        if let Typed::Body(body) = next(events).await {
            return *body;
        }
    }
}

async fn gap<T: Send + 'static>(events: &mut EventStream<Typed<T>>) -> Vec<String> {
    loop {
        if let Typed::Lifecycle(Lifecycle::Gap { topics, .. }) = next(events).await {
            return topics.iter().map(ToString::to_string).collect();
        }
    }
}

/// Says it until somebody listens.
async fn emit(platform: &Platform, kind: SocketKind, body: &serde_json::Value) {
    let said = async {
        while platform.emit_on(kind, body) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, said).await.expect("somebody listens");
}

#[tokio::test]
async fn routing_delivers_the_queues_that_were_asked_for_in_any_spelling() {
    let platform = platform(500.0).await;
    let wanted: BTreeSet<&str> = platform.queues()[..2].iter().map(String::as_str).collect();
    let spelled = wanted.iter().map(|id| id.to_uppercase().replace('-', ""));
    let protocol = RoutingInteractions::new().queues(spelled);
    let mut events = connect(&platform, protocol).start().await.unwrap();
    let mut seen = BTreeSet::new();
    while seen.len() < wanted.len() {
        let step: RoutingInteraction = body(&mut events).await;
        let queue = step.queue_id.expect("a queue");
        assert!(wanted.contains(&*queue), "{queue}");
        seen.insert(queue);
    }
    assert!(events.stats().filtered > 0, "there are other queues");
}

#[tokio::test]
async fn a_cut_socket_comes_back_and_says_what_was_not_covered() {
    let platform = platform(0.0).await;
    let mut events = connect(&platform, RoutingInteractions::new()).start().await.unwrap();
    emit(&platform, SocketKind::Routing, &json!({"queueId": "q", "waitTime": 1})).await;
    assert_eq!(body(&mut events).await.queue_id.as_deref(), Some("q"));
    platform.fault_on_sockets(SocketKind::Routing, Fault::Reset).unwrap();
    assert_eq!(gap(&mut events).await, ["socket.routing.interactions"]);
    emit(&platform, SocketKind::Routing, &json!({"queueId": null, "waitTime": null})).await;
    let step = body(&mut events).await;
    assert_eq!((step.queue_id, step.wait_time), (None, None));
}

#[tokio::test]
async fn frames_come_as_they_were_sent_text_and_binary() {
    let platform = platform(0.0).await;
    let mut frames = connect(&platform, InteractionFrames::new()).start().await.unwrap();
    let message = json!({"type": "interaction.update", "id": "i"});
    emit(&platform, SocketKind::Frames, &message).await;
    let frame: InteractionFrame = body(&mut frames).await;
    assert!(!frame.binary);
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&frame.payload).unwrap(), message);
    let media = Bytes::from_static(b"\x80\x00\x00\x00\xff");
    assert_eq!(platform.emit_binary_on(SocketKind::Frames, media.clone()), 1);
    let frame = body(&mut frames).await;
    assert_eq!((frame.binary, frame.payload), (true, media));
}

#[tokio::test]
async fn a_frame_over_five_mebibytes_is_not_taken_and_the_stream_goes_on() {
    let platform = platform(0.0).await;
    let mut frames = connect(&platform, InteractionFrames::new()).start().await.unwrap();
    emit(&platform, SocketKind::Frames, &json!({"type": "keepalive"})).await;
    body(&mut frames).await;
    platform.fault_on_sockets(SocketKind::Frames, Fault::Oversize { bytes: 6 << 20 }).unwrap();
    assert_eq!(gap(&mut frames).await, ["socket.streaming.interactions"]);
    emit(&platform, SocketKind::Frames, &json!({"type": "keepalive"})).await;
    body(&mut frames).await;
}

#[tokio::test]
async fn real_time_analytics_takes_the_token_in_the_first_message() {
    let platform = platform(200.0).await;
    let protocol = RealtimeAnalytics::new("monitor-1");
    let mut events = connect(&platform, protocol).start().await.unwrap();
    let event: RealtimeEvent = body(&mut events).await;
    assert!(event.value.as_str().starts_with('{'), "{event:?}");
}

#[tokio::test]
async fn an_application_hears_its_acknowledgement_and_its_media() {
    let platform = platform(0.0).await;
    let origin = platform.base_url();
    let without_scheme = origin.strip_prefix("http://").unwrap();
    for (app, origin) in platform.applications().iter().zip([origin, without_scheme]) {
        let protocol = AppFoundry::new(app, origin).media("PCMU", 8_000);
        let mut messages = connect(&platform, protocol).start().await.unwrap();
        let first = body(&mut messages).await;
        assert!(matches!(&first, AppMessage::Json { kind, .. } if &**kind != "pong"), "{first:?}");
        let media = loop {
            if let AppMessage::Media(media) = body(&mut messages).await {
                break media;
            }
        };
        assert_eq!(media[0], AppMessage::MEDIA);
    }
}

#[tokio::test]
async fn an_applications_pongs_keep_it_alive_and_are_no_messages() {
    let platform = platform(0.0).await;
    let protocol = AppFoundry::new(&platform.applications()[0], platform.base_url());
    let timing = Timing::default().ping_after(Duration::from_millis(20));
    let mut messages = connect(&platform, protocol).timing(timing).start().await.unwrap();
    let pongs = async {
        while messages.stats().pongs < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, pongs).await.expect("pings are answered");
    assert!(messages.stats().last_rtt.is_some());
    messages.close().await;
    while let Some(item) = messages.next().await {
        if let Typed::Body(message) = item.unwrap().event {
            assert_ne!(message.kind(), "pong");
        }
    }
}

#[tokio::test]
async fn what_cannot_work_is_refused_before_anything_is_dialled() {
    let platform = platform(0.0).await;
    let kind = |result: Result<(), genesys_cloud::Error>| result.unwrap_err().kind();
    let bad = RealtimeAnalytics::new("x").ping_interval(Duration::ZERO);
    let error = connect(&platform, bad).start().await.unwrap_err();
    assert!(error.to_string().contains("connection_id"), "{error}");
    assert!(error.to_string().contains("ping_interval"), "{error}");
    let plain = AppFoundry::new("app", "ws://sockets.example");
    assert_eq!(kind(connect(&platform, plain).start().await.map(drop)), ErrorKind::Config);
    let other = topics::users::presence("u");
    let stream = connect(&platform, PresenceEvents::new()).subscribe(other);
    assert_eq!(kind(stream.start().await.map(drop)), ErrorKind::Config);
    let stream = client(&platform).stream().subscribe(PresenceEvents::user("u"));
    assert_eq!(kind(stream.start().await.map(drop)), ErrorKind::Config);
    let many = (0..101).map(|n| PresenceEvents::user(&format!("u{n}")));
    let stream = connect(&platform, PresenceEvents::new()).subscribe_all(many);
    assert_eq!(kind(stream.start().await.map(drop)), ErrorKind::Capacity);
    assert_eq!(platform.stats().dials, 0);
}

#[tokio::test]
async fn a_path_that_does_not_exist_ends_the_stream_and_says_what_to_check() {
    let platform = platform(0.0).await;
    let protocol = InteractionFrames::new().path("/api/v2/nowhere");
    let error = connect(&platform, protocol).start().await.unwrap_err();
    assert!(error.to_string().contains("region URL or path"), "{error}");
}

#[tokio::test]
async fn an_observer_is_told_once_of_the_end_of_every_connection_also_of_one_that_is_closed() {
    let platform = platform(0.0).await;
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let notes = told.clone();
    let client = Client::builder(platform.endpoints())
        .credentials(platform.credentials())
        .observer(move |signal: &Signal<'_>| {
            let note = match signal {
                Signal::Connected { .. } => "connected".to_owned(),
                Signal::Disconnected { cause, was_live, .. } => {
                    assert!(!was_live.is_zero(), "it flowed");
                    cause.what().to_owned()
                }
                _ => return,
            };
            notes.lock().unwrap().push(note);
        })
        .build()
        .unwrap();
    let stream = client.connect(RoutingInteractions::new());
    let stream = stream.reconnect(FixedDelay::new(Duration::from_millis(20)));
    let mut events = stream.start().await.unwrap();
    platform.fault_on_sockets(SocketKind::Routing, Fault::Reset).unwrap();
    gap(&mut events).await;
    events.close().await;
    let rest = async { while events.next().await.is_some() {} };
    tokio::time::timeout(PATIENCE, rest).await.expect("the end");
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!((&*told[0], &*told[2]), ("connected", "connected"));
    assert_eq!((&*told[1], &*told[3]), ("cut", "requested"));
}

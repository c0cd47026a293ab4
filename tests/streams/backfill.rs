//! What was missed while a stream was cut, from the simulator's REST API.

use std::time::Duration;

use genesys_cloud::sim::{Fault, Platform};
use genesys_cloud::{
    BackfillOptions, Client, Delivery, ErrorKind, Event, EventStream, FixedDelay, GapId, Lifecycle,
    Origin, RawEvent, StreamBuilder, models, operations, topics,
};
use serde_json::{Value, json};

use crate::quiet::{client, next, quiet, until, until_what};

/// Long enough to change something while nothing is connected.
const AWAY: Duration = Duration::from_millis(700);

fn stream(platform: &Platform, client: &Client) -> StreamBuilder {
    let users = platform.users();
    client
        .stream()
        .subscribe_all(users[..3].iter().map(topics::users::presence))
        .subscribe_all(users[..3].iter().map(topics::users::routing_status))
        .reconnect(FixedDelay::new(AWAY))
        .backfill(client.backfill().settle(Duration::ZERO))
}

async fn set_message(client: &Client, user: &str, message: &str) {
    let body: models::UserPresence = serde_json::from_value(json!({ "message": message })).unwrap();
    client.execute(operations::PatchUserPresencesPurecloud::new(user, body)).await.unwrap();
}

/// Cuts the stream, and returns while it is away.
async fn cut(platform: &Platform, events: &mut EventStream) {
    platform.fault(Fault::Reset).unwrap();
    until_what(events, "disconnected").await;
}

/// Items up to the end of the backfill of this many topics.
async fn filled(events: &mut EventStream, mut topics: usize) -> (Vec<Delivery>, Vec<Lifecycle>) {
    let (mut fetched, mut ends) = (Vec::new(), Vec::new());
    while topics > 0 {
        let delivery = next(events).await;
        match (&delivery.event, delivery.origin) {
            (
                Event::Lifecycle(
                    item @ (Lifecycle::BackfillComplete { topics: ended, .. }
                    | Lifecycle::BackfillFailed { topics: ended, .. }),
                ),
                _,
            ) => {
                topics -= ended.len();
                ends.push(item.clone());
            }
            (_, Origin::Backfill { .. }) => fetched.push(delivery),
            _ => {}
        }
    }
    (fetched, ends)
}

fn message(delivery: &Delivery) -> Option<&str> {
    match &delivery.event {
        Event::UsersPresence(body) => body.message.as_deref(),
        _ => None,
    }
}

#[tokio::test]
async fn states_that_changed_while_the_stream_was_cut_come_as_backfill() {
    let platform = quiet().await;
    let client = client(&platform);
    let mut events = stream(&platform, &client).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    cut(&platform, &mut events).await;
    let user = platform.users()[1].clone();
    set_message(&client, &user, "missed").await;
    let Lifecycle::Gap { gap, topics, .. } = until_what(&mut events, "gap").await else {
        unreachable!()
    };
    assert_eq!((gap, topics.len()), (GapId::new(1), 6));
    let (fetched, ends) = filled(&mut events, 6).await;
    assert!(
        ends.iter()
            .all(|end| matches!(end, Lifecycle::BackfillComplete { gap: of, .. } if *of == gap)),
        "{ends:?}"
    );
    assert_eq!(fetched.len(), 6);
    assert!(fetched.iter().all(|one| one.origin == Origin::Backfill { gap }));
    let missed: Vec<_> = fetched.iter().filter(|one| message(one) == Some("missed")).collect();
    assert_eq!(missed.len(), 1);
    assert_eq!(missed[0].topic.id(), user);
    let statuses =
        fetched.iter().filter(|one| matches!(one.event, Event::UsersRoutingStatus(_))).count();
    assert_eq!(statuses, 3);
    // And what happens now is live.
    set_message(&client, &user, "now").await;
    let live = loop {
        let delivery = next(&mut events).await;
        if message(&delivery) == Some("now") {
            break delivery;
        }
    };
    assert_eq!(live.origin, Origin::Live);
    let stats = events.stats();
    assert_eq!((stats.backfilled, stats.backfill_stale, stats.backfill_failed), (6, 0, 0));
}

#[tokio::test]
async fn observations_of_a_queue_are_fetched_too() {
    let platform = Platform::builder().events_per_second(0.0).start().await.unwrap();
    let client = client(&platform);
    let queue = platform.queues()[0].clone();
    let mut events = client
        .stream()
        .subscribe(topics::analytics::queue_observations(&queue))
        .reconnect(FixedDelay::new(AWAY))
        .backfill(client.backfill())
        .start()
        .await
        .unwrap();
    until_what(&mut events, "subscribed").await;
    cut(&platform, &mut events).await;
    let (fetched, ends) = filled(&mut events, 1).await;
    assert!(matches!(&ends[..], [Lifecycle::BackfillComplete { .. }]), "{ends:?}");
    assert!(!fetched.is_empty());
    for one in &fetched {
        assert!(matches!(one.event, Event::AnalyticsQueuesObservations(_)), "{one:?}");
    }
}

#[tokio::test]
async fn an_answer_that_refuses_or_fails_ends_the_topics_with_its_kind() {
    let table = [
        (403, None, ErrorKind::Forbidden),
        (503, None, ErrorKind::Status(503)),
        (429, Some(3_600), ErrorKind::Throttled),
    ];
    for (status, retry_after, expected) in table {
        let platform = quiet().await;
        let client = client(&platform);
        let user = &platform.users()[0];
        let mut events = client
            .stream()
            .subscribe(topics::users::presence(user))
            .reconnect(FixedDelay::new(AWAY))
            .backfill(client.backfill())
            .start()
            .await
            .unwrap();
        until_what(&mut events, "subscribed").await;
        cut(&platform, &mut events).await;
        let path = format!("/api/v2/users/{user}/presences");
        let fault = Fault::Http { path, status, retry_after, count: 100, html: false };
        platform.fault(fault).unwrap();
        let (fetched, ends) = filled(&mut events, 1).await;
        assert!(fetched.is_empty());
        let [Lifecycle::BackfillFailed { kind, error, .. }] = &ends[..] else {
            panic!("{ends:?}");
        };
        assert_eq!(*kind, expected, "{error}");
        assert!(error.contains(&status.to_string()), "{error}");
        assert_eq!(events.stats().backfill_failed, 1);
    }
}

#[tokio::test]
async fn a_short_429_is_waited_out() {
    let platform = quiet().await;
    let client = client(&platform);
    let mut events = stream(&platform, &client).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    cut(&platform, &mut events).await;
    let path = "/api/v2/users/presences".to_owned();
    let fault = Fault::Http { path, status: 429, retry_after: Some(1), count: 1, html: false };
    platform.fault(fault).unwrap();
    let (fetched, ends) = filled(&mut events, 6).await;
    assert_eq!(fetched.len(), 6, "{ends:?}");
}

#[tokio::test]
async fn a_stream_that_is_closed_meanwhile_ends_its_gaps_first() {
    let platform = quiet().await;
    let client = client(&platform);
    let mut events = stream(&platform, &client)
        .backfill_options(BackfillOptions::default().concurrency(1))
        .start()
        .await
        .unwrap();
    until_what(&mut events, "subscribed").await;
    cut(&platform, &mut events).await;
    let fault = Fault::Http {
        path: "/api/v2/users".to_owned(),
        status: 429,
        retry_after: Some(120),
        count: 100,
        html: false,
    };
    platform.fault(fault).unwrap();
    until_what(&mut events, "gap").await;
    until_what(&mut events, "resubscribed").await;
    events.close().await;
    let mut ended = 0;
    until(&mut events, |event| match event {
        Event::Lifecycle(Lifecycle::Stopped { .. }) => Some(()),
        _ => None,
    })
    .await;
    ended += events.stats().backfill_failed;
    assert_eq!(ended, 6);
}

#[tokio::test]
async fn a_raw_stream_gets_frames() {
    use futures::StreamExt;

    let platform = quiet().await;
    let client = client(&platform);
    let mut events = stream(&platform, &client).raw().start().await.unwrap();
    let mut fetched = Vec::new();
    let mut was_cut = false;
    while fetched.len() < 6 {
        let item = tokio::time::timeout(crate::quiet::PATIENCE, events.next()).await.unwrap();
        let delivery = item.unwrap().unwrap();
        match &delivery.event {
            RawEvent::Lifecycle(Lifecycle::Subscribed { .. }) if !was_cut => {
                was_cut = true;
                platform.fault(Fault::Reset).unwrap();
            }
            RawEvent::Frame(frame) => fetched.push(frame.clone()),
            _ => {}
        }
    }
    for frame in fetched {
        let whole: Value = serde_json::from_str(frame.text()).unwrap();
        assert_eq!(whole["topicName"], frame.topic().name());
        let variant = frame.decode().unwrap().variant();
        assert!(["UsersPresence", "UsersRoutingStatus"].contains(&variant), "{variant}");
    }
}

//! Presence of many users: over a scripted presence socket, over the simulator's, and over notification topics.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::SplitSink;
use futures::{SinkExt, StreamExt};
use genesys_cloud::bodies::PresenceUpdate;
use genesys_cloud::presence::{
    PresenceBuilder, PresenceItem, PresenceStream, PresenceTracker, ScopeCheck, TrackError,
};
use genesys_cloud::protocols::PresenceEvents;
use genesys_cloud::sim::{Fault, Platform, SocketKind};
use genesys_cloud::{
    AccessToken, BoxFuture, Client, Endpoints, FixedDelay, Lifecycle, TokenSource, Topic, Typed,
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tungstenite::Message;

const PATIENCE: Duration = Duration::from_secs(20);
const A: &str = "8f0c1d2e-3a4b-4c5d-8e6f-0123456789ab";
const B: &str = "00000000-3a4b-4c5d-8e6f-0123456789ab";

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

/// A server whose sockets do what a test says.
struct Scripted {
    base: String,
    sockets: mpsc::Receiver<Peer>,
    task: JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The server's end of one connection. Pings are answered at any time; dropping it cuts the connection.
struct Peer {
    say: SplitSink<WebSocketStream<TcpStream>, Message>,
    heard: mpsc::Receiver<Value>,
    reader: JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Scripted {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (give, sockets) = mpsc::channel(8);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(socket) = tokio_tungstenite::accept_async(stream).await {
                    let _ = give.send(Peer::new(socket)).await;
                }
            }
        });
        Self { base, sockets, task }
    }

    async fn next(&mut self) -> Peer {
        soon(self.sockets.recv()).await.unwrap()
    }

    fn over(base: &str, scopes: &[&str]) -> PresenceBuilder<Typed<PresenceUpdate>> {
        let scopes = scopes.iter().map(|scope| (*scope).into()).collect();
        let client = Client::builder(Endpoints::single(base).unwrap())
            .token_source(Scoped(scopes))
            .build()
            .unwrap();
        let stream = client.connect(PresenceEvents::new());
        PresenceTracker::builder(stream.reconnect(FixedDelay::new(Duration::from_millis(20))))
    }
}

/// A token with scopes.
struct Scoped(Vec<Box<str>>);

impl TokenSource for Scoped {
    fn token(&self) -> BoxFuture<'_, genesys_cloud::Result<AccessToken>> {
        let mut token = AccessToken::new("a-token-of-a-test", 1);
        token.scopes.clone_from(&self.0);
        Box::pin(std::future::ready(Ok(token)))
    }

    fn invalidate(&self, _: &AccessToken) {}
}

impl Peer {
    fn new(socket: WebSocketStream<TcpStream>) -> Self {
        let (say, mut messages) = socket.split();
        let (give, heard) = mpsc::channel(100);
        let reader = tokio::spawn(async move {
            while let Some(Ok(message)) = messages.next().await {
                if let Message::Text(text) = message {
                    let _ = give.send(serde_json::from_str(&text).unwrap()).await;
                }
            }
        });
        Self { say, heard, reader }
    }

    async fn say(&mut self, message: &Value) {
        self.say.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn presence(&mut self, user: &str, state: &str, second: u64) {
        let timestamp = format!("2026-03-04T09:30:{second:02}Z");
        let body = json!({"eventType": "presence", "userId": user, "state": state, "timestamp": timestamp});
        self.say(&body).await;
    }

    /// The next message of the client.
    async fn hear(&mut self) -> Value {
        soon(self.heard.recv()).await.expect("not the end")
    }

    /// The users of the client's next message, which is of this type.
    async fn users(&mut self, kind: &str) -> BTreeSet<String> {
        let message = self.hear().await;
        assert_eq!(
            (&message["type"], &message["eventTypes"]),
            (&json!(kind), &json!(["presence"]))
        );
        let users = message["filters"]["userId"].as_array().unwrap();
        users.iter().map(|user| user.as_str().unwrap().to_owned()).collect()
    }
}

async fn until<T>(items: &mut PresenceStream, pick: impl Fn(&PresenceItem) -> Option<T>) -> T {
    loop {
        let item = soon(items.next()).await.expect("not the end");
        if let Some(found) = pick(&item) {
            return found;
        }
    }
}

async fn changed(items: &mut PresenceStream) -> (String, Option<String>, String) {
    until(items, |item| match item {
        PresenceItem::Changed(change) => Some((
            change.user.to_string(),
            change.from.as_ref().map(|from| from.name.to_string()),
            change.to.name.to_string(),
        )),
        _ => None,
    })
    .await
}

async fn eventually(condition: impl Fn() -> bool) {
    soon(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// A tracker over a scripted socket, its server, and the first connection after its subscribe message.
async fn tracking(users: &[&str]) -> (PresenceTracker, Scripted, Peer) {
    let mut server = Scripted::start().await;
    let builder = Scripted::over(&server.base, &[]).users(users);
    let (tracker, peer) = tokio::join!(builder.start(), async {
        let mut peer = server.next().await;
        assert_eq!(peer.users("subscribe").await, set(users));
        peer.say(&json!({"type": "hello"})).await;
        peer
    });
    (tracker.unwrap(), server, peer)
}

#[tokio::test]
async fn changes_are_told_and_all_else_is_counted() {
    let (tracker, _server, mut peer) = tracking(&[A, B]).await;
    let mut items = tracker.subscribe(100);
    peer.presence(A, "Available", 10).await;
    assert_eq!(changed(&mut items).await, (A.into(), None, "Available".into()));
    peer.presence(A, "Available", 11).await;
    peer.presence(A, "Busy", 9).await;
    peer.say(&json!({"eventType": "presence", "userId": A})).await;
    peer.say(&json!({"eventType": "presence", "userId": A, "state": 7})).await;
    peer.presence("11111111-3a4b-4c5d-8e6f-0123456789ab", "Busy", 12).await;
    peer.presence(&A.to_uppercase().replace('-', ""), "Away", 13).await;
    let change = (A.to_owned(), Some("Available".to_owned()), "Away".to_owned());
    assert_eq!(changed(&mut items).await, change);
    let metrics = tracker.metrics();
    assert_eq!((metrics.updates, metrics.deltas), (4, 2));
    assert_eq!((metrics.unchanged, metrics.late), (1, 1));
    assert_eq!((metrics.errors, metrics.strangers, metrics.tracked), (2, 1, 2));
    assert_eq!(metrics.accuracy(), Some(0.5));
    assert_eq!(metrics.processing.unwrap().count, 2);
    let snapshot = tracker.snapshot();
    assert_eq!(snapshot[B].state, None);
    assert_eq!(&*snapshot[A].state.as_ref().unwrap().name, "Away");
    let json = serde_json::to_value(&snapshot).unwrap();
    assert_eq!(json[A]["since"], "2026-03-04T09:30:13.000Z");
}

#[tokio::test]
async fn after_a_cut_everybody_is_subscribed_again_and_nothing_is_counted_twice() {
    let (tracker, mut server, mut peer) = tracking(&[A]).await;
    let mut items = tracker.subscribe(100);
    assert_eq!(tracker.scope_check(), ScopeCheck::NotNeeded);
    let (added, users) = tokio::join!(tracker.track([B]), peer.users("subscribe"));
    assert_eq!((added.unwrap(), users), (1, set(&[A, B])));
    let added = |topic: &Topic| *topic == PresenceEvents::user(B);
    until(&mut items, |item| match item {
        PresenceItem::Lifecycle(item) => match &**item {
            Lifecycle::Subscribed { topics, .. } => topics.iter().any(added).then_some(()),
            _ => None,
        },
        _ => None,
    })
    .await;
    for (user, state) in [(A, "Available"), (B, "Busy")] {
        peer.presence(user, state, 1).await;
        assert_eq!(changed(&mut items).await.2, state);
    }
    // Without a close frame.
    drop(peer);
    let mut peer = server.next().await;
    assert_eq!(peer.users("subscribe").await, set(&[A, B]));
    for (user, state) in [(A, "Available"), (B, "Busy")] {
        peer.presence(user, state, 2).await;
    }
    let stale = until(&mut items, |item| match item {
        PresenceItem::Stale { users } => Some(users.len()),
        _ => None,
    });
    assert_eq!(stale.await, 2);
    eventually(|| tracker.metrics().updates == 4).await;
    let metrics = tracker.metrics();
    assert_eq!((metrics.deltas, metrics.unchanged), (2, 2), "the state was known");
    assert!(tracker.snapshot().values().all(|known| !known.stale), "both were heard of again");
    assert_eq!(tracker.stream().stats().reconnects, 1);
    peer.presence(B, "Available", 3).await;
    assert_eq!(changed(&mut items).await, (B.into(), Some("Busy".into()), "Available".into()));
    let (gone, users) = tokio::join!(tracker.untrack([A]), peer.users("unsubscribe"));
    assert_eq!((gone.unwrap(), users), (1, set(&[A])));
    assert!(tracker.get(A).is_none());
}

#[tokio::test]
async fn each_violation_has_its_own_error_and_sends_nothing() {
    let mut server = Scripted::start().await;
    let base = server.base.clone();
    let start = |scopes: &[&str]| {
        let builder = Scripted::over(&base, scopes);
        builder.needs_one_of(["presence"]).most_users(2).subscribe_limit(2, PATIENCE)
    };
    let refused = start(&["users"]).start().await.unwrap_err();
    assert!(matches!(refused, TrackError::MissingScope { .. }), "{refused}");
    let refused = start(&[]).users(["nobody"]).start().await.unwrap_err();
    assert!(matches!(refused, TrackError::BadIds { .. }), "{refused}");
    let third = "22222222-3a4b-4c5d-8e6f-0123456789ab";
    let refused = start(&[]).users([A, B, third]).start().await.unwrap_err();
    assert!(matches!(refused, TrackError::TooManyUsers { asked: 3, limit: 2, .. }), "{refused}");
    assert!(server.sockets.try_recv().is_err(), "nothing was dialled");

    let builder = start(&["presence"]).users([A]);
    let (tracker, mut peer) = tokio::join!(builder.start(), async {
        let mut peer = server.next().await;
        assert_eq!(peer.users("subscribe").await, set(&[A]));
        peer.say(&json!({"type": "hello"})).await;
        peer
    });
    let tracker = tracker.unwrap();
    assert_eq!(tracker.scope_check(), ScopeCheck::Granted);
    let refused = tracker.track([B, "nobody"]).await.unwrap_err();
    assert!(matches!(refused, TrackError::BadIds { .. }), "{refused}");
    let refused = tracker.track([B, third]).await.unwrap_err();
    let expected = matches!(refused, TrackError::TooManyUsers { tracked: 1, asked: 2, limit: 2 });
    assert!(expected, "{refused}");
    assert_eq!(tracker.track([A]).await.unwrap(), 0, "who is tracked costs no request");
    // The connection itself was the first request.
    eventually(|| tracker.stream().stats().frames > 0).await;
    let (added, users) = tokio::join!(tracker.track([B]), peer.users("subscribe"));
    assert_eq!((added.unwrap(), users), (1, set(&[A, B])));
    let refused = tracker.untrack([B]).await.unwrap_err();
    let TrackError::TooManyRequests { limit: 2, retry_after, .. } = refused else {
        panic!("{refused}")
    };
    assert!(retry_after > Duration::ZERO && retry_after <= PATIENCE);
    assert_eq!(tracker.snapshot().len(), 2);
    // Whatever was refused, the socket heard of none of it.
    let silence = tokio::time::timeout(Duration::from_millis(100), peer.hear()).await;
    assert!(silence.is_err(), "{silence:?}");
}

#[tokio::test]
async fn users_of_a_request_that_was_not_sent_are_not_tracked() {
    let (tracker, _server, _peer) = tracking(&[A]).await;
    let mut items = tracker.subscribe(100);
    soon(tracker.close()).await;
    let error = tracker.track([B]).await.unwrap_err();
    assert!(matches!(error, TrackError::Failed(_)), "{error}");
    assert_eq!(tracker.snapshot().len(), 1);
    until(&mut items, |item| matches!(item, PresenceItem::Stopped { error: None }).then_some(()))
        .await;
    assert!(items.next().await.is_none());
    let mut late = tracker.subscribe(1);
    assert!(matches!(late.next().await, Some(PresenceItem::Stopped { .. })));
    assert!(late.next().await.is_none());
}

#[tokio::test]
async fn a_subscriber_that_panics_fails_or_is_slow_stops_no_other() {
    let (tracker, _server, mut peer) = tracking(&[A]).await;
    let is_change = |item: &PresenceItem| matches!(item, PresenceItem::Changed(_));
    let panicking = tracker.on_item(10, move |item| {
        assert!(!is_change(item), "a fault of the user");
        Ok(())
    });
    let failing = tracker.on_item(100, |_| Err("not today".into()));
    let mut slow = tracker.subscribe(2);
    let told = Arc::new(AtomicUsize::new(0));
    let counted = told.clone();
    let good = tracker.on_item(100, move |item| {
        counted.fetch_add(usize::from(is_change(item)), Ordering::SeqCst);
        Ok(())
    });
    drop(tracker.subscribe(1));
    for second in 0..20 {
        peer.presence(A, if second % 2 == 0 { "Available" } else { "Busy" }, second).await;
    }
    eventually(|| told.load(Ordering::SeqCst) == 20).await;
    eventually(|| failing.failures() >= 20 && !panicking.is_active()).await;
    assert!(panicking.has_panicked() && good.is_active() && failing.is_active());
    let metrics = tracker.metrics();
    assert_eq!((metrics.panics, metrics.deltas), (1, 20));
    assert!(metrics.failures >= 20 && metrics.dropped >= 18, "{metrics:?}");
    let dropped = until(&mut slow, |item| match item {
        PresenceItem::Lagged { dropped } => Some(*dropped),
        _ => None,
    });
    let dropped = dropped.await;
    assert!(dropped >= 18 && dropped <= metrics.dropped, "{dropped} of {metrics:?}");
    assert_eq!(changed(&mut slow).await.2, "Available");
    assert_eq!(changed(&mut slow).await.2, "Busy");
    good.cancel();
    eventually(|| !good.is_active()).await;
}

#[tokio::test]
async fn a_refused_token_ends_the_tracker_and_its_subscribers_are_told_why() {
    let (tracker, mut server, mut peer) = tracking(&[A]).await;
    let mut items = tracker.subscribe(100);
    let refuse = tungstenite::protocol::CloseFrame { code: 1008.into(), reason: "scope".into() };
    peer.say.send(Message::Close(Some(refuse))).await.unwrap();
    // A source that has no other token leaves nothing to try again with but time.
    let mut again = server.next().await;
    assert_eq!(again.users("subscribe").await, set(&[A]));
    soon(tracker.close()).await;
    until(&mut items, |item| matches!(item, PresenceItem::Stopped { .. }).then_some(())).await;
    assert!(tracker.get(A).unwrap().stale, "nothing is certain after the end");
}

#[tokio::test]
async fn dropping_the_last_handle_closes_the_connection() {
    let (tracker, _server, mut peer) = tracking(&[A]).await;
    let copy = tracker.clone();
    drop(tracker);
    peer.presence(A, "Available", 1).await;
    eventually(|| copy.metrics().deltas == 1).await;
    let mut items = copy.subscribe(10);
    drop(copy);
    until(&mut items, |item| matches!(item, PresenceItem::Stopped { error: None }).then_some(()))
        .await;
    assert!(soon(peer.heard.recv()).await.is_none(), "the connection is closed");
}

async fn quiet() -> Platform {
    Platform::builder().events_per_second(0.0).start().await.unwrap()
}

fn client(platform: &Platform) -> Client {
    Client::builder(platform.endpoints()).credentials(platform.credentials()).build().unwrap()
}

/// What of a platform is a presence: the same test over both ways to it.
async fn a_platform_is_followed(
    tracker: PresenceTracker,
    platform: Platform,
    emit: impl Fn(&Platform, &str, &str, u64) -> usize,
) {
    let mut items = tracker.subscribe(1_000);
    let users = platform.users().to_vec();
    let (one, two) = (&users[0], &users[1]);
    eventually(|| emit(&platform, one, "BUSY", 1) > 0).await;
    assert_eq!(changed(&mut items).await, (one.clone(), None, "BUSY".into()));
    soon(async { assert_eq!(tracker.track([two]).await.unwrap(), 1) }).await;
    eventually(|| emit(&platform, two, "AVAILABLE", 1) > 0).await;
    assert_eq!(changed(&mut items).await, (two.clone(), None, "AVAILABLE".into()));
    emit(&platform, one, "MEETING", 2);
    assert_eq!(changed(&mut items).await, (one.clone(), Some("BUSY".into()), "MEETING".into()));
    platform.fault(Fault::Reset).unwrap();
    let stale = until(&mut items, |item| match item {
        PresenceItem::Stale { users } => Some(users.clone()),
        _ => None,
    });
    let stale: BTreeSet<String> = stale.await.iter().map(ToString::to_string).collect();
    assert!(stale.contains(one), "{stale:?}");
    let deltas = tracker.metrics().deltas;
    eventually(|| emit(&platform, one, "MEETING", 3) > 0).await;
    eventually(|| !tracker.get(one).unwrap().stale).await;
    eventually(|| emit(&platform, two, "AWAY", 3) > 0).await;
    assert_eq!(changed(&mut items).await, (two.clone(), Some("AVAILABLE".into()), "AWAY".into()));
    assert_eq!(tracker.metrics().deltas, deltas + 1, "what was known is no news");
    soon(tracker.close()).await;
}

#[tokio::test]
async fn a_platform_is_followed_over_notification_topics() {
    let platform = quiet().await;
    let stream = client(&platform).stream().reconnect(FixedDelay::new(Duration::from_millis(20)));
    let builder = PresenceTracker::builder(stream).users([&platform.users()[0]]).most_users(1_000);
    let tracker = builder.start().await.unwrap();
    a_platform_is_followed(tracker, platform, |platform, user, state, second| {
        let body = json!({
            "source": "PURECLOUD", "primary": true,
            "presenceDefinition": {"id": state.to_lowercase(), "systemPresence": state},
            "modifiedDate": format!("2026-03-04T09:30:{second:02}.000Z"),
        });
        platform.emit(&format!("v2.users.{user}.presence"), body)
    })
    .await;
}

#[tokio::test]
async fn a_platform_is_followed_over_the_presence_socket() {
    let platform = quiet().await;
    let stream = client(&platform).connect(PresenceEvents::new());
    let stream = stream.reconnect(FixedDelay::new(Duration::from_millis(20)));
    let builder = PresenceTracker::builder(stream).users([&platform.users()[0]]);
    let tracker = builder.start().await.unwrap();
    a_platform_is_followed(tracker, platform, |platform, user, state, second| {
        let timestamp = format!("2026-03-04T09:30:{second:02}.000Z");
        let body = json!({"eventType": "presence", "userId": user, "state": state, "timestamp": timestamp});
        platform.emit_on(SocketKind::Presence, body)
    })
    .await;
}

#[tokio::test]
async fn what_a_busy_platform_tells_adds_up() {
    let platform = Platform::builder().seed(7).events_per_second(500.0).start().await.unwrap();
    let stream = client(&platform).connect(PresenceEvents::new());
    let tracker =
        PresenceTracker::builder(stream).users(&platform.users()[..2]).start().await.unwrap();
    let seen: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let users = seen.clone();
    tracker.on_item(10_000, move |item| {
        if let PresenceItem::Changed(change) = item {
            users.lock().unwrap().insert(change.user.to_string());
        }
        Ok(())
    });
    eventually(|| seen.lock().unwrap().len() == 2 && tracker.metrics().unchanged > 0).await;
    let metrics = tracker.metrics();
    assert_eq!(metrics.updates, metrics.deltas + metrics.unchanged + metrics.late);
    assert_eq!((metrics.errors, metrics.strangers), (0, 0));
}

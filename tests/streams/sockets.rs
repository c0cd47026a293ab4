//! Sockets without a channel: tokens, refusals, coverage, and what is subscribed over the socket.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use genesys_cloud::{
    ErrorKind, FixedDelay, Gone, Lifecycle, LinkProbe, NoReconnect, Outbound, StopReason, Topic,
};

use crate::hub::{Do, Hub, Manners};
use crate::own_protocol::{
    Numbers, TokenIn, Tokens, connect, end, next, number, until_number, until_what,
};

const A: &str = "socket.test.a";
const B: &str = "socket.test.b";

fn names(topics: &[Topic]) -> Vec<&str> {
    topics.iter().map(Topic::name).collect()
}

#[tokio::test]
async fn the_token_goes_into_the_query_a_header_or_the_first_message() {
    for place in [TokenIn::Query, TokenIn::Header, TokenIn::FirstMessage, TokenIn::Nowhere] {
        let hub = Hub::start(Manners::default()).await;
        let mut events =
            connect(&hub, &Tokens::new(), Numbers::new(&hub, place)).start().await.unwrap();
        until_what(&mut events, "connected").await;
        let head = hub.heads().remove(0).to_lowercase();
        assert_eq!(head.contains("?access_token=token-1"), place == TokenIn::Query, "{head}");
        assert_eq!(head.contains("authorization: bearer token-1"), place == TokenIn::Header);
        let said = hub.heard().iter().any(|(_, text)| text == "token token-1");
        assert_eq!(said, place == TokenIn::FirstMessage);
    }
}

#[tokio::test]
async fn a_refused_token_is_dropped_and_another_is_tried() {
    for refusal in [401, 403] {
        let manners = Manners { refuse: vec![(refusal, None)], ..Manners::default() };
        let (hub, tokens) = (Hub::start(manners).await, Tokens::new());
        let mut events =
            connect(&hub, &tokens, Numbers::new(&hub, TokenIn::Query)).start().await.unwrap();
        until_what(&mut events, "connected").await;
        assert_eq!(tokens.refused.load(Ordering::SeqCst), 1);
        assert!(hub.heads()[1].contains("token-2"));
    }
}

#[tokio::test]
async fn two_refused_tokens_end_the_stream_with_what_to_check() {
    for (refuse, close_first, kind) in [
        (vec![(401, None), (401, None)], vec![], ErrorKind::Auth),
        (vec![(401, None), (403, None)], vec![], ErrorKind::Forbidden),
        (vec![], vec![1008, 1008], ErrorKind::Auth),
    ] {
        let manners = Manners { refuse, close_first, ..Manners::default() };
        let (hub, tokens) = (Hub::start(manners).await, Tokens::new());
        let protocol = Numbers::new(&hub, TokenIn::Query);
        let mut events = connect(&hub, &tokens, protocol).start().await.unwrap();
        let (last, error) = end(&mut events).await;
        let error = error.unwrap();
        assert_eq!(error.kind(), kind);
        let text = error.to_string();
        assert!(text.contains("token or scope") && text.contains("numbers:read"), "{text}");
        let auth = matches!(last, Some(Lifecycle::Stopped { reason: StopReason::Auth(_), .. }));
        assert!(auth, "{last:?}");
        assert_eq!(hub.heads().len(), 2);
        assert!(!text.contains("token-"), "no token is shown");
    }
}

#[tokio::test]
async fn a_close_for_policy_after_events_is_survived_with_another_token() {
    let hub = Hub::start(Manners { sends_all: true, ..Manners::default() }).await;
    let tokens = Tokens::new();
    let protocol = Numbers::new(&hub, TokenIn::Header);
    let mut events = connect(&hub, &tokens, protocol).start().await.unwrap();
    for n in 1..4 {
        until_what(&mut events, "connected").await;
        assert!(hub.heads()[n - 1].contains(&format!("token-{n}")));
        hub.all(&Do::Close(1008));
        let Lifecycle::Disconnected { cause, .. } = until_what(&mut events, "disconnected").await
        else {
            unreachable!()
        };
        assert!(matches!(cause, Gone::Closed { code, .. } if code.get() == 1008));
    }
}

#[tokio::test]
async fn a_wrong_path_ends_the_stream_and_a_busy_server_does_not() {
    let manners = Manners { refuse: vec![(404, None)], ..Manners::default() };
    let hub = Hub::start(manners).await;
    let protocol = Numbers::new(&hub, TokenIn::Nowhere);
    let error = connect(&hub, &Tokens::new(), protocol.clone()).start().await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::NotFound, Some(404)));
    assert!(error.to_string().contains("region URL or path"), "{error}");

    hub.manners(|manners| {
        manners.refuse = [408, 425, 429, 500, 503].map(|status| (status, None)).into();
    });
    let mut events = connect(&hub, &Tokens::new(), protocol.clone()).start().await.unwrap();
    until_what(&mut events, "connected").await;
    assert_eq!(hub.heads().len(), 7);

    hub.manners(|manners| manners.refuse = vec![(429, Some("1"))]);
    let began = Instant::now();
    let mut events = connect(&hub, &Tokens::new(), protocol).start().await.unwrap();
    until_what(&mut events, "connected").await;
    assert!(began.elapsed() >= Duration::from_secs(1), "Retry-After is a floor");
}

#[tokio::test]
async fn a_login_that_passes_is_waited_for_and_one_that_does_not_ends_the_stream() {
    let (hub, tokens) = (Hub::start(Manners::default()).await, Tokens::new());
    tokens.fails_with.store(1, Ordering::SeqCst);
    let protocol = Numbers::new(&hub, TokenIn::Query);
    let mut events = connect(&hub, &tokens, protocol.clone()).start().await.unwrap();
    let Lifecycle::Disconnected { cause, retry_in, .. } =
        until_what(&mut events, "disconnected").await
    else {
        unreachable!()
    };
    assert!(matches!(cause, Gone::Rest { .. }), "{cause}");
    assert!(retry_in >= Some(Duration::from_millis(30)));
    tokens.fails_with.store(0, Ordering::SeqCst);
    until_what(&mut events, "connected").await;

    tokens.fails_with.store(2, Ordering::SeqCst);
    let error = connect(&hub, &tokens, protocol).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(hub.heads().len(), 1, "nothing is dialled without a token");
}

#[tokio::test]
async fn a_policy_that_gives_up_on_a_protocol_error_says_what_to_check() {
    let hub = Hub::start(Manners { close_first: vec![1002], ..Manners::default() }).await;
    let protocol = Numbers::new(&hub, TokenIn::Nowhere);
    let builder = connect(&hub, &Tokens::new(), protocol).reconnect(NoReconnect);
    let error = builder.start().await.unwrap_err();
    assert!(error.to_string().contains("region URL"), "{error}");
}

#[tokio::test]
async fn what_a_socket_sends_unasked_has_a_gap_with_both_ends() {
    let hub = Hub::start(Manners { sends_all: true, ..Manners::default() }).await;
    let mut events = connect(&hub, &Tokens::new(), Numbers::covering(&hub)).start().await.unwrap();
    let Lifecycle::Subscribed { topics, .. } = until_what(&mut events, "subscribed").await else {
        unreachable!()
    };
    assert_eq!(names(&topics), ["socket.test.all"]);
    hub.emit("socket.test.all", 1);
    until_number(&mut events, 1).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    hub.all(&Do::Cut);
    let Lifecycle::Disconnected { last_inbound, .. } =
        until_what(&mut events, "disconnected").await
    else {
        unreachable!()
    };
    let Lifecycle::Gap { topics, covered_until, resumed_at, duration, .. } =
        until_what(&mut events, "gap").await
    else {
        unreachable!()
    };
    assert_eq!(names(&topics), ["socket.test.all"]);
    assert_eq!(Some(covered_until), last_inbound);
    assert!(duration >= Duration::from_millis(60), "from the last byte: {duration:?}");
    let wall = resumed_at.duration_since(covered_until).unwrap();
    assert!(wall.abs_diff(duration) < Duration::from_millis(20));
    hub.all(&Do::Text(r#"{"topic":"socket.test.all","n":2}"#.into()));
    let delivery = loop {
        let delivery = next(&mut events).await;
        if number(&delivery.event) == Some(2) {
            break delivery;
        }
    };
    assert_eq!((delivery.channel, delivery.topic.id()), (None, "all"));
    events.close().await;
    let (last, error) = end(&mut events).await;
    assert!(matches!(last, Some(Lifecycle::Stopped { uncovered, .. }) if uncovered.is_empty()));
    assert!(error.is_none());
}

#[tokio::test]
async fn topics_are_subscribed_over_the_socket_and_again_after_a_reconnect() {
    let hub = Hub::start(Manners::default()).await;
    let protocol = Numbers::new(&hub, TokenIn::Nowhere);
    let mut events = connect(&hub, &Tokens::new(), protocol).subscribe(A).start().await.unwrap();
    let Lifecycle::Subscribed { topics, .. } = until_what(&mut events, "subscribed").await else {
        unreachable!()
    };
    assert_eq!(names(&topics), [A]);
    events.subscribe(B).await.unwrap();
    let Lifecycle::Subscribed { topics, .. } = until_what(&mut events, "subscribed").await else {
        unreachable!()
    };
    assert_eq!(names(&topics), [B], "only what is new");
    // What the stream calls covered comes.
    hub.emit(B, 1);
    until_number(&mut events, 1).await;
    hub.all(&Do::Cut);
    let Lifecycle::Gap { topics, .. } = until_what(&mut events, "gap").await else {
        unreachable!()
    };
    assert_eq!(names(&topics), [A, B]);
    hub.emit(A, 2);
    until_number(&mut events, 2).await;
    events.unsubscribe(A).await.unwrap();
    until_what(&mut events, "unsubscribed").await;
    let count = || hub.heard().len();
    hub.until("the last subscription", |_| count() == 4).await;
    let both = format!("subscribe {A} {B}");
    let expected = [(0, format!("subscribe {A}")), (0, both.clone()), (1, both)];
    assert_eq!(hub.heard()[..3], expected, "once each, and all at once after the reconnect");
    assert_eq!(hub.heard()[3], (1, format!("subscribe {B}")));
}

#[tokio::test]
async fn a_topic_of_another_kind_and_one_too_many_are_refused() {
    let hub = Hub::start(Manners::default()).await;
    let protocol = Numbers::new(&hub, TokenIn::Nowhere);
    let builder = connect(&hub, &Tokens::new(), protocol.clone());
    let error = builder.subscribe("v2.users.1.presence").start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let events = connect(&hub, &Tokens::new(), protocol).subscribe(A).start().await.unwrap();
    for error in [
        events.subscribe("v2.users.1.presence").await.unwrap_err(),
        events.unsubscribe("v2.users.1.presence").await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("socket.test.NAME"), "{error}");
    }
    events.subscribe(B).await.unwrap();
    events.subscribe("socket.test.c").await.unwrap();
    let error = events.subscribe("socket.test.d").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Capacity);
    assert!(error.to_string().contains("4 topics are more than the 3"), "{error}");

    let channel = crate::quiet::quiet().await;
    let client = crate::quiet::client(&channel);
    let error = client.stream().subscribe(A).start().await.unwrap_err();
    assert!(error.to_string().contains("socket of its own"), "{error}");
}

#[tokio::test]
async fn a_subscription_that_is_too_early_is_sent_when_its_time_comes() {
    let hub = Hub::start(Manners::default()).await;
    let protocol = Numbers::new(&hub, TokenIn::Nowhere);
    let wait = Duration::from_millis(120);
    *protocol.throttle.lock().unwrap() = vec![wait];
    let mut events = connect(&hub, &Tokens::new(), protocol).subscribe(A).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    let began = Instant::now();
    events.subscribe(B).await.unwrap();
    events.subscribe("socket.test.c").await.unwrap();
    until_what(&mut events, "subscribed").await;
    assert!(began.elapsed() >= wait);
    assert_eq!(hub.heard()[1].1, format!("subscribe {A} {B} socket.test.c"));
}

#[tokio::test]
async fn a_topic_is_not_covered_before_the_server_has_read_that_it_is_wanted() {
    let hub = Hub::start(Manners { sends_all: true, ..Manners::default() }).await;
    let protocol = Numbers::new(&hub, TokenIn::Nowhere);
    let mut events = connect(&hub, &Tokens::new(), protocol).subscribe(A).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    hub.manners(|manners| manners.deaf = true);
    // Wakes the server, so that it becomes deaf before it reads the subscription.
    hub.emit(A, 1);
    until_number(&mut events, 1).await;
    events.subscribe(B).await.unwrap();
    for n in 2..50 {
        hub.emit(A, n);
        let item = next(&mut events).await.event;
        assert_eq!(number(&item), Some(n), "events, and no Subscribed: {item:?}");
    }
    hub.manners(|manners| manners.deaf = false);
    hub.emit(A, 50);
    let Lifecycle::Subscribed { topics, .. } = until_what(&mut events, "subscribed").await else {
        unreachable!()
    };
    assert_eq!(names(&topics), [B]);
}

#[tokio::test]
async fn a_message_of_the_owner_is_sent_while_the_stream_is_live() {
    let hub = Hub::start(Manners::default()).await;
    let delay = FixedDelay::new(Duration::from_secs(60));
    let protocol = Numbers::new(&hub, TokenIn::Nowhere);
    let builder = connect(&hub, &Tokens::new(), protocol).reconnect(delay);
    let mut events = builder.start().await.unwrap();
    until_what(&mut events, "connected").await;
    let handle = events.handle();
    let before = hub.pings();
    handle.send(Outbound::Text("hello".into())).await.unwrap();
    handle.send(Outbound::Ping("x".into())).await.unwrap();
    hub.until("both", |hub| hub.heard().len() == 1 && hub.pings() > before).await;
    assert_eq!(hub.heard()[0].1, "hello");
    for bad in [Outbound::Ping(vec![0; 126].into()), Outbound::Close(1000.into())] {
        assert_eq!(handle.send(bad).await.unwrap_err().kind(), ErrorKind::Config);
    }
    let long = Outbound::Text("x".repeat(1 << 20).into());
    let error = handle.send(long).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Capacity && error.is_retryable(), "{error}");
    hub.all(&Do::Cut);
    until_what(&mut events, "disconnected").await;
    let error = handle.send(Outbound::Text("lost".into())).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Closed && error.is_retryable(), "{error}");
    events.close().await;
    let error = handle.send(Outbound::Text("late".into())).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Closed && !error.is_retryable(), "{error}");
}

/// Pings every 5 ms, and writes down what it is told.
#[derive(Default)]
struct Monitor {
    told: Mutex<Vec<String>>,
    next: Mutex<Option<Instant>>,
}

impl LinkProbe for Monitor {
    fn opened(&self, now: Instant) {
        self.told.lock().unwrap().push("opened".into());
        *self.next.lock().unwrap() = Some(now);
    }

    fn next_ping(&self) -> Option<Instant> {
        *self.next.lock().unwrap()
    }

    fn ping(&self, now: Instant) -> Option<Box<str>> {
        *self.next.lock().unwrap() = Some(now + Duration::from_millis(5));
        let mut told = self.told.lock().unwrap();
        let id = format!("m{}", told.len());
        told.push(format!("ping {id}"));
        Some(id.into())
    }

    fn pong(&self, _: Instant, id: &str) {
        self.told.lock().unwrap().push(format!("pong {id}"));
    }

    fn closed(&self, _: Instant) {
        self.told.lock().unwrap().push("closed".into());
        *self.next.lock().unwrap() = None;
    }
}

#[tokio::test]
async fn a_monitor_sees_the_answers_to_its_pings_and_those_that_nobody_asked_for() {
    let hub = Hub::start(Manners::default()).await;
    let monitor = Arc::new(Monitor::default());
    let protocol = Numbers::new(&hub, TokenIn::Nowhere);
    let builder = connect(&hub, &Tokens::new(), protocol).subscribe(A).measure(monitor.clone());
    let mut events = builder.start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    let told = || monitor.told.lock().unwrap().clone();
    hub.until("a few answers", |_| {
        told().iter().filter(|line| line.starts_with("pong m")).count() > 3
    })
    .await;
    hub.all(&Do::Pong(b"stray"));
    hub.all(&Do::Ping(b"theirs"));
    hub.until("the stray one", |_| told().contains(&"pong stray".to_owned())).await;
    events.close().await;
    let told = told();
    assert_eq!((told[0].as_str(), told.last().unwrap().as_str()), ("opened", "closed"));
    for line in told.iter().filter(|line| line.starts_with("pong ") && *line != "pong stray") {
        assert!(told.contains(&line.replace("pong", "ping")), "only its own: {told:?}");
    }
}

//! Planned changes under load: nothing lost, nothing twice, no gap.
//!
//! The environment sets the size: `GENESYS_CLOUD_CHANGES` changes of each kind (3), `GENESYS_CLOUD_RATE` events a
//! second (1,000).

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use genesys_cloud::sim::{Fault, Platform};
use genesys_cloud::{
    AccessToken, BoxFuture, Client, Event, EventStream, FixedDelay, Lifecycle, RenewalReason,
    Result, StreamHandle, TokenSource,
};
use serde_json::json;
use tokio::sync::watch;

use crate::quiet::{PATIENCE, next};

fn size(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|size| size.parse().ok()).unwrap_or(default)
}

/// Real tokens, renewed when a test says so.
struct Rotating {
    platform: Client,
    current: Mutex<Option<AccessToken>>,
    generation: watch::Sender<u64>,
}

impl Rotating {
    /// Another token of the same client.
    async fn fresh(platform: &Platform) -> AccessToken {
        let client = Client::builder(platform.endpoints()).credentials(platform.credentials());
        client.build().unwrap().token_source().token().await.unwrap()
    }

    async fn rotate(&self, platform: &Platform) {
        let generation = *self.generation.borrow() + 1;
        let token = AccessToken::new(Self::fresh(platform).await.secret, generation);
        *self.current.lock().unwrap() = Some(token);
        self.generation.send_replace(generation);
    }
}

#[derive(Clone)]
struct Source(Arc<Rotating>);

impl TokenSource for Source {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken>> {
        Box::pin(async {
            let current = self.0.current.lock().unwrap().clone();
            match current {
                Some(token) => Ok(token),
                None => self.0.platform.token_source().token().await,
            }
        })
    }

    fn invalidate(&self, _: &AccessToken) {}

    fn rotated(&self, after: u64) -> BoxFuture<'_, u64> {
        let mut generation = self.0.generation.subscribe();
        Box::pin(async move {
            let newer = generation.wait_for(|generation| *generation > after).await;
            newer.map_or(after, |newer| *newer)
        })
    }
}

fn topic(platform: &Platform, n: usize) -> String {
    format!("v2.users.{}.presence", platform.users()[n])
}

/// What a change is asked for by, and how many renewals of which reason it makes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Renewal,
    Closing,
    Rotation,
}

/// Reads to the end of the test: each topic's numbers in order, each once; returns latencies and renewals.
struct Reader {
    events: EventStream,
    expected: Vec<usize>,
    start: Instant,
    latencies: Vec<(Duration, Duration)>,
    renewed: Arc<Mutex<Vec<RenewalReason>>>,
    /// Notices of the platform.
    notices: u64,
}

impl Reader {
    async fn read(&mut self, platform: &Platform, topics: &[String], totals: &[usize]) {
        while self.expected != totals {
            self.one(platform, topics).await;
        }
    }

    async fn one(&mut self, _: &Platform, topics: &[String]) {
        let delivery = next(&mut self.events).await;
        match delivery.event {
            Event::UsersPresence(body) => {
                let message = body.message.clone().unwrap_or_default();
                let (n, at) = message.split_once(' ').expect("ours");
                let which = topics.iter().position(|name| name == delivery.topic.name()).unwrap();
                assert_eq!(n.parse(), Ok(self.expected[which]), "in order, each once");
                self.expected[which] += 1;
                let sent = Duration::from_micros(at.parse().unwrap());
                let now = self.start.elapsed();
                self.latencies.push((now, now.saturating_sub(sent)));
            }
            Event::System(_) => self.notices += 1,
            Event::Lifecycle(Lifecycle::Renewed { reason, .. }) => {
                self.renewed.lock().unwrap().push(reason);
            }
            Event::Lifecycle(
                item @ (Lifecycle::Gap { .. }
                | Lifecycle::Disconnected { .. }
                | Lifecycle::Stopped { .. }),
            ) => panic!("{item:?}"),
            _ => {}
        }
    }
}

/// Events that have to be sent by now.
fn due(start: Instant, rate: usize) -> usize {
    usize::try_from(start.elapsed().as_millis()).unwrap() * rate / 1_000
}

fn p99(mut latencies: Vec<Duration>) -> Duration {
    latencies.sort();
    latencies.get(latencies.len() * 99 / 100).copied().unwrap_or_default()
}

async fn wait_for(renewed: &Mutex<Vec<RenewalReason>>, count: usize, what: RenewalReason) {
    let wait = async {
        while renewed.lock().unwrap().iter().filter(|reason| **reason == what).count() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let done = tokio::time::timeout(PATIENCE * 3, wait).await;
    assert!(done.is_ok(), "{count} {what} in vain: {:?}", renewed.lock().unwrap().len());
}

async fn change(
    what: Change,
    round: usize,
    platform: &Platform,
    handle: &StreamHandle,
    tokens: &Source,
    renewed: &Mutex<Vec<RenewalReason>>,
) {
    match what {
        Change::Renewal => {
            handle.renew().await.unwrap();
            wait_for(renewed, 2 * (round + 1), RenewalReason::Requested).await;
        }
        Change::Closing => {
            platform.fault(Fault::SocketClosing { after_ms: Some(60_000) }).unwrap();
            wait_for(renewed, 2 * (round + 1), RenewalReason::Closing).await;
        }
        Change::Rotation => {
            tokens.0.rotate(platform).await;
            wait_for(renewed, 2 * (round + 1), RenewalReason::Token).await;
        }
    }
}

async fn rig() -> (Platform, Source) {
    let builder = Platform::builder().events_per_second(0.0).requests_per_minute(10_000_000);
    let platform = builder.users(40).start().await.unwrap();
    let client =
        Client::builder(platform.endpoints()).credentials(platform.credentials()).build().unwrap();
    let generation = watch::Sender::new(1);
    let first = client.token_source().token().await.unwrap();
    let current = Mutex::new(Some(AccessToken::new(first.secret, 1)));
    let rotating = Rotating { platform: client, current, generation };
    (platform, Source(Arc::new(rotating)))
}

async fn under_load(what: Change) {
    const TOPICS: usize = 8;
    let (platform, tokens) = rig().await;
    let client =
        Client::builder(platform.endpoints()).token_source(tokens.clone()).build().unwrap();
    let topics: Vec<String> = (0..TOPICS).map(|n| topic(&platform, n)).collect();
    let mut events = client
        .stream()
        .subscribe_all(&topics)
        .topics_per_channel(TOPICS / 2)
        .overlap(Duration::from_millis(100))
        .reconnect(FixedDelay::new(Duration::from_millis(100)))
        .start()
        .await
        .unwrap();
    let mut covered = 0;
    while covered < TOPICS {
        if let Event::Lifecycle(Lifecycle::Subscribed { topics, .. }) =
            next(&mut events).await.event
        {
            covered += topics.len();
        }
    }
    let (rounds, rate) = (size("GENESYS_CLOUD_CHANGES", 3), size("GENESYS_CLOUD_RATE", 1_000));
    let handle = events.handle();
    let start = Instant::now();
    let renewed = Arc::new(Mutex::new(Vec::new()));
    let (expected, latencies) = (vec![0; TOPICS], Vec::new());
    let mut reader =
        Reader { events, expected, start, latencies, renewed: renewed.clone(), notices: 0 };
    let done = watch::Sender::new(false);
    let quiet = Duration::from_secs(1);
    let emit = async {
        let mut sent = vec![0; TOPICS];
        let mut tick = tokio::time::interval(Duration::from_millis(2));
        let mut total = 0;
        while !*done.borrow() {
            tick.tick().await;
            while total < due(start, rate) {
                let n = total % TOPICS;
                let message = format!("{} {}", sent[n], start.elapsed().as_micros());
                let body = json!({"source": "PURECLOUD", "message": message});
                assert!(platform.emit(&topics[n], body) > 0, "nobody hears");
                sent[n] += 1;
                total += 1;
            }
        }
        sent
    };
    let drive = async {
        tokio::time::sleep(quiet).await;
        for round in 0..rounds {
            change(what, round, &platform, &handle, &tokens, &renewed).await;
        }
        done.send_replace(true);
    };
    let read = async {
        while !*done.borrow() {
            tokio::select! {
                biased;
                () = reader.one(&platform, &topics) => {}
                () = tokio::time::sleep(Duration::from_millis(20)) => {}
            }
        }
    };
    let (sent, (), ()) = tokio::join!(emit, drive, read);
    reader.read(&platform, &topics, &sent).await;
    let stats = handle.stats();
    assert_eq!((stats.gaps, stats.reconnects), (0, 0));
    assert_eq!(stats.events - reader.notices, sent.iter().sum::<usize>() as u64);
    assert_eq!(platform.stats().evictions, 0);
    let (calm, busy): (Vec<_>, Vec<_>) = reader.latencies.iter().partition(|(at, _)| *at < quiet);
    let only = |list: Vec<&(Duration, Duration)>| list.iter().map(|(_, took)| *took).collect();
    println!(
        "{what:?}: {} renewals, {} events, {} duplicates removed, p99 {:?} before and {:?} during the changes",
        stats.renewals,
        stats.events,
        stats.duplicates_removed,
        p99(only(calm)),
        p99(only(busy)),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renewals_under_load_lose_nothing_and_repeat_nothing() {
    under_load(Change::Renewal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announced_closes_under_load_lose_nothing_and_repeat_nothing() {
    under_load(Change::Closing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn token_rotations_under_load_lose_nothing_and_repeat_nothing() {
    under_load(Change::Rotation).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rebalances_under_load_lose_nothing_and_repeat_nothing() {
    let (platform, tokens) = rig().await;
    let rounds = size("GENESYS_CLOUD_CHANGES", 3);
    let rate = size("GENESYS_CLOUD_RATE", 1_000);
    let names: Vec<String> = (0..24).map(|n| topic(&platform, n)).collect();
    // Two channels of twelve; the even ones come and go, and what stays fits into one.
    let stays: Vec<String> = names.iter().skip(1).step_by(2).take(6).cloned().collect();
    let mut totals = (0, 0);
    for _ in 0..rounds {
        let client =
            Client::builder(platform.endpoints()).token_source(tokens.clone()).build().unwrap();
        let mut events = client
            .stream()
            .subscribe_all(&names)
            .topics_per_channel(12)
            .overlap(Duration::from_millis(100))
            .start()
            .await
            .unwrap();
        let mut covered = 0;
        while covered < names.len() {
            let event = next(&mut events).await.event;
            if let Event::Lifecycle(Lifecycle::Subscribed { topics, .. }) = event {
                covered += topics.len();
            }
        }
        let handle = events.handle();
        let gone = names.iter().filter(|name| !stays.contains(name));
        let start = Instant::now();
        let renewed = Arc::new(Mutex::new(Vec::new()));
        let (expected, latencies) = (vec![0; stays.len()], Vec::new());
        let mut reader =
            Reader { events, expected, start, latencies, renewed: renewed.clone(), notices: 0 };
        let done = watch::Sender::new(false);
        let emit = async {
            let mut sent = vec![0; stays.len()];
            let mut total = 0;
            while !*done.borrow() {
                tokio::time::sleep(Duration::from_millis(2)).await;
                while total < due(start, rate) {
                    let n = total % stays.len();
                    let message = format!("{} {}", sent[n], start.elapsed().as_micros());
                    let body = json!({"source": "PURECLOUD", "message": message});
                    assert!(platform.emit(&stays[n], body) > 0, "nobody hears");
                    sent[n] += 1;
                    total += 1;
                }
            }
            sent
        };
        let drive = async {
            handle.unsubscribe_all(gone).await.unwrap();
            wait_for(&renewed, 1, RenewalReason::Rebalance).await;
            done.send_replace(true);
        };
        let read = async {
            while !*done.borrow() {
                tokio::select! {
                    biased;
                    () = reader.one(&platform, &stays) => {}
                    () = tokio::time::sleep(Duration::from_millis(20)) => {}
                }
            }
        };
        let (sent, (), ()) = tokio::join!(emit, drive, read);
        reader.read(&platform, &stays, &sent).await;
        assert_eq!((handle.stats().gaps, handle.channels().await.unwrap().len()), (0, 1));
        totals = (totals.0 + handle.stats().events, totals.1 + handle.stats().duplicates_removed);
        reader.events.close().await;
        platform.reset();
    }
    println!("Rebalance: {rounds} of {} events, {} duplicates removed", totals.0, totals.1);
}

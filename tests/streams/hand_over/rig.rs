//! A platform under load, and the account of what its events became.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use genesys_cloud::sim::Platform;
use genesys_cloud::{
    Checkpoint, Client, Event, EventStream, FixedDelay, Gone, Lifecycle, StreamBuilder,
};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::quiet::{PATIENCE, number};

/// Events a second.
const RATE: u64 = 500;
/// What is in a buffer when a connection ends was sent before the last byte that was read.
const ON_ITS_WAY: Duration = Duration::from_millis(250);

/// A platform that sends numbered events of each topic in turn.
pub(super) struct Rig {
    pub(super) platform: Arc<Platform>,
    pub(super) topics: Vec<String>,
    sent: Arc<Mutex<Vec<Vec<SystemTime>>>>,
    stop: Arc<AtomicBool>,
    load: Option<JoinHandle<()>>,
}

/// A stretch that was told to be missing.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) topics: Vec<String>,
    pub(super) from: SystemTime,
    pub(super) to: SystemTime,
    pub(super) cause: Gone,
}

/// What one process was delivered.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) events: Vec<(String, usize)>,
    pub(super) gaps: Vec<Told>,
}

/// What became of everything that was sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) sent: usize,
    pub(super) in_gaps: usize,
    pub(super) lost: usize,
    pub(super) twice: usize,
    pub(super) out_of_order: usize,
}

impl Rig {
    pub(super) async fn quiet(topics: usize) -> Self {
        let builder = Platform::builder().events_per_second(0.0).requests_per_minute(1_000_000);
        let platform = builder.users(topics.max(2)).start().await.unwrap();
        let name = |user: &String| format!("v2.users.{user}.presence");
        let topics: Vec<String> = platform.users().iter().take(topics).map(name).collect();
        let sent = Arc::new(Mutex::new(vec![Vec::new(); topics.len()]));
        let stop = Arc::new(AtomicBool::new(false));
        Self { platform: Arc::new(platform), topics, sent, stop, load: None }
    }

    pub(super) async fn loaded(topics: usize) -> Self {
        let mut rig = Self::quiet(topics).await;
        let (platform, names) = (rig.platform.clone(), rig.topics.clone());
        let (sent, stop) = (rig.sent.clone(), rig.stop.clone());
        rig.load = Some(tokio::spawn(async move {
            let start = std::time::Instant::now();
            let mut tick = tokio::time::interval(Duration::from_millis(2));
            let mut total = 0;
            while !stop.load(Ordering::Relaxed) {
                tick.tick().await;
                let due = u64::try_from(start.elapsed().as_millis()).unwrap() * RATE / 1_000;
                while total < due {
                    let topic = usize::try_from(total).unwrap() % names.len();
                    send(&platform, &sent, &names, topic);
                    total += 1;
                }
            }
        }));
        rig
    }

    /// Sends the next event of a topic.
    pub(super) fn emit(&self, topic: usize) {
        send(&self.platform, &self.sent, &self.topics, topic);
    }

    /// Ends the load, and waits until what was sent has arrived.
    pub(super) async fn calm(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(load) = self.load.take() {
            load.await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }

    /// Another process.
    pub(super) fn client(&self) -> Client {
        let builder = Client::builder(self.platform.endpoints());
        builder.credentials(self.platform.credentials()).build().unwrap()
    }

    pub(super) fn bare(&self) -> StreamBuilder {
        self.client().stream().reconnect(FixedDelay::new(Duration::from_millis(50)))
    }

    pub(super) fn builder(&self) -> StreamBuilder {
        self.bare().subscribe_all(&self.topics)
    }

    /// Holds everything that was sent, from the first that came on, against what the processes were delivered, one after the
    /// other.
    pub(super) fn account(&self, logs: &[&Log]) -> Account {
        let sent = self.sent.lock().unwrap();
        let mut account = Account::default();
        let gaps: Vec<&Told> = logs.iter().flat_map(|log| &log.gaps).collect();
        for (topic, times) in self.topics.iter().zip(sent.iter()) {
            let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
            let mut last = None;
            for (_, n) in logs.iter().flat_map(|log| &log.events).filter(|(name, _)| name == topic)
            {
                *seen.entry(*n).or_default() += 1;
                account.out_of_order += usize::from(last.is_some_and(|last| *n < last));
                last = last.max(Some(*n));
            }
            let first = seen.keys().next().copied().unwrap_or(times.len());
            account.sent += times.len() - first;
            account.twice += seen.values().map(|count| count - 1).sum::<usize>();
            for (_, at) in
                times.iter().enumerate().skip(first).filter(|(n, _)| !seen.contains_key(n))
            {
                let told = gaps.iter().any(|gap| {
                    let named = gap.topics.iter().any(|name| name == topic);
                    named && *at + ON_ITS_WAY >= gap.from && *at <= gap.to
                });
                *(if told { &mut account.in_gaps } else { &mut account.lost }) += 1;
            }
        }
        account
    }
}

fn send(platform: &Platform, sent: &Mutex<Vec<Vec<SystemTime>>>, names: &[String], topic: usize) {
    let n = {
        let mut sent = sent.lock().unwrap();
        sent[topic].push(SystemTime::now());
        sent[topic].len() - 1
    };
    platform.emit(&names[topic], json!({"source": "PURECLOUD", "message": n.to_string()}));
}

impl Log {
    /// Takes note of one item.
    pub(super) fn note(&mut self, name: &str, event: &Event) {
        if let Some(n) = number(event) {
            self.events.push((name.to_owned(), n));
        }
        match event {
            Event::Lifecycle(Lifecycle::Gap {
                topics, covered_until, resumed_at, cause, ..
            }) => {
                let topics = topics.iter().map(|topic| topic.name().to_owned()).collect();
                let (from, to, cause) = (*covered_until, *resumed_at, cause.clone());
                self.gaps.push(Told { topics, from, to, cause });
            }
            Event::Lifecycle(item @ Lifecycle::Lagged { .. }) => panic!("{item:?}"),
            _ => {}
        }
    }

    /// Reads so many events.
    pub(super) async fn read(&mut self, stream: &mut EventStream, events: usize) {
        let most = self.events.len() + events;
        while self.events.len() < most {
            let next = tokio::time::timeout(PATIENCE, stream.next()).await.expect("in time");
            let delivery = next.expect("not the end").expect("no error");
            self.note(delivery.topic.name(), &delivery.event);
        }
    }
}

/// A process that reads until its stream ends.
pub(super) fn process(mut stream: EventStream) -> JoinHandle<(Log, EventStream)> {
    tokio::spawn(async move {
        let mut log = Log::default();
        while let Some(item) = stream.next().await {
            let delivery = item.expect("no error");
            log.note(delivery.topic.name(), &delivery.event);
        }
        (log, stream)
    })
}

/// Through a file, as it were.
pub(super) fn carried(checkpoint: &Checkpoint) -> Checkpoint {
    let read = Checkpoint::from_json(&checkpoint.to_json().unwrap()).unwrap();
    assert_eq!(&read, checkpoint);
    read
}

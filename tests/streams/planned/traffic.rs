//! Events at a steady rate, and whether each of them came: in order, once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use genesys_cloud::sim::Platform;
use genesys_cloud::{ChannelId, Delivery, Event, EventStream, Lifecycle, RenewalReason};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::figures::Sample;
use crate::quiet::{PATIENCE, next};

/// The platform's events come in bursts so far apart.
const TICK: Duration = Duration::from_millis(2);
/// How often something that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// What was sent, and what came; clones are one.
#[derive(Clone)]
pub(super) struct Traffic {
    pub(super) topics: Arc<[String]>,
    start: Instant,
    books: Arc<Mutex<Books>>,
}

/// By topic, in the order of the topics.
struct Books {
    /// Topics that events are sent of.
    active: Vec<usize>,
    sent: Vec<usize>,
    taken: Vec<usize>,
    /// The channel that delivered the last one.
    channels: Vec<Option<ChannelId>>,
    subscribed: usize,
    renewed: Vec<(RenewalReason, Duration)>,
}

/// What a reader has seen in its time.
pub(super) struct Read {
    pub(super) samples: Vec<Sample>,
    /// Notices of the platform.
    pub(super) notices: u64,
    /// To be kept until the figures are had.
    pub(super) events: EventStream,
}

impl Traffic {
    pub(super) fn new(topics: &[String]) -> Self {
        let count = topics.len();
        let books = Books {
            active: Vec::new(),
            sent: vec![0; count],
            taken: vec![0; count],
            channels: vec![None; count],
            subscribed: 0,
            renewed: Vec::new(),
        };
        let books = Arc::new(Mutex::new(books));
        Self { topics: topics.into(), start: Instant::now(), books }
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// The time that samples and renewals are told in.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Waits until something holds, in time.
    async fn until(&self, what: &str, holds: impl Fn(&Books) -> bool) {
        let wait = async {
            while !holds(&self.lock()) {
                sleep(LOOK).await;
            }
        };
        let done = timeout(PATIENCE * 3, wait).await;
        assert!(done.is_ok(), "{what} in vain; renewals: {:?}", self.lock().renewed.len());
    }

    /// Waits for so many renewals for a reason, and says when the last of them was.
    pub(super) async fn until_renewed(&self, reason: RenewalReason, count: usize) -> Duration {
        let nth = |books: &Books| {
            let mut found = books.renewed.iter().filter(|(seen, _)| *seen == reason);
            found.nth(count - 1).map(|(_, at)| *at)
        };
        self.until(&format!("{count} {reason}"), |books| nth(books).is_some()).await;
        nth(&self.lock()).unwrap()
    }

    /// How many topics have come to flow so far, those that did so again included.
    pub(super) fn subscribed(&self) -> usize {
        self.lock().subscribed
    }

    pub(super) async fn until_subscribed(&self, count: usize) {
        self.until("to be subscribed", |books| books.subscribed >= count).await;
    }

    /// Sends events of all topics, and waits until each came.
    pub(super) async fn all(&self) {
        let before = {
            let mut books = self.lock();
            books.active = (0..self.topics.len()).collect();
            books.sent.clone()
        };
        let more = |(taken, before): (&usize, &usize)| taken > before;
        self.until("events of all topics", |books| books.taken.iter().zip(&before).all(more)).await;
    }

    /// Sends events of these topics only, and waits until those of the others have come.
    pub(super) async fn only(&self, active: &[usize]) {
        self.lock().active = active.to_vec();
        let rest = |n: &usize| !active.contains(n);
        self.until("the events of the others", |books| {
            (0..books.sent.len()).filter(rest).all(|n| books.sent[n] == books.taken[n])
        })
        .await;
    }

    /// Sends nothing any more, and waits until everything has come; says how much that is.
    pub(super) async fn end(&self) -> usize {
        self.only(&[]).await;
        self.lock().sent.iter().sum()
    }

    /// So many topics of each channel, as they were delivered last.
    pub(super) fn some_of_each_channel(&self, most: usize) -> Vec<usize> {
        let mut counts: HashMap<ChannelId, usize> = HashMap::new();
        let books = self.lock();
        let takes = |n: &usize| {
            let channel = books.channels[*n].clone().expect("an event of every topic");
            let count = counts.entry(channel).or_default();
            *count += 1;
            *count <= most
        };
        (0..self.topics.len()).filter(takes).collect()
    }

    /// Sends so many events a second, for as long as it is polled.
    pub(super) async fn send(self, platform: Arc<Platform>, rate: usize) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let due = || usize::try_from(self.now().as_millis()).unwrap() * rate / 1_000;
        let mut total = due();
        loop {
            tick.tick().await;
            let due = due();
            let mut books = self.lock();
            for number in std::mem::replace(&mut total, due)..due {
                let Some(n) = books.active.get(number % books.active.len().max(1)).copied() else {
                    break;
                };
                let message = format!("{} {}", books.sent[n], self.now().as_micros());
                let body = json!({"source": "PURECLOUD", "message": message});
                assert!(platform.emit(&self.topics[n], body) > 0, "nobody hears");
                books.sent[n] += 1;
            }
        }
    }

    /// Reads until it is told that this was all.
    pub(super) async fn read(self, events: EventStream, mut all: oneshot::Receiver<()>) -> Read {
        let places: HashMap<&str, usize> =
            self.topics.iter().enumerate().map(|(n, name)| (name.as_str(), n)).collect();
        let mut read = Read { samples: Vec::new(), notices: 0, events };
        loop {
            let delivery = tokio::select! {
                biased;
                _ = &mut all => return read,
                delivery = next(&mut read.events) => delivery,
            };
            self.take(&mut read, &delivery, &places);
        }
    }

    fn take(&self, read: &mut Read, delivery: &Delivery, places: &HashMap<&str, usize>) {
        match &delivery.event {
            Event::UsersPresence(body) => {
                let (n, sent) = body.message.as_deref().unwrap().split_once(' ').expect("ours");
                let arrived = self.now();
                let place = places[delivery.topic.name()];
                let mut books = self.lock();
                assert_eq!(n.parse(), Ok(books.taken[place]), "in order, each once");
                books.taken[place] += 1;
                books.channels[place].clone_from(&delivery.channel);
                let sent = Duration::from_micros(sent.parse().unwrap());
                read.samples.push(Sample { sent, arrived });
            }
            Event::System(_) => read.notices += 1,
            Event::Lifecycle(Lifecycle::Subscribed { topics, .. }) => {
                self.lock().subscribed += topics.len();
            }
            Event::Lifecycle(Lifecycle::Renewed { reason, .. }) => {
                let at = self.now();
                self.lock().renewed.push((*reason, at));
            }
            Event::Lifecycle(
                item @ (Lifecycle::Gap { .. }
                | Lifecycle::Lagged { .. }
                | Lifecycle::Disconnected { .. }
                | Lifecycle::Stopped { .. }),
            ) => panic!("{item:?}"),
            _ => {}
        }
    }
}

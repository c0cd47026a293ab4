//! A platform under load and a stream of two channels that reads it.

use std::sync::Arc;
use std::time::Duration;

use genesys_cloud::sim::Platform;
use genesys_cloud::{Client, FixedDelay, NoLimit, RenewalReason, StreamHandle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::tokens::Rotating;
use super::traffic::{Read, Traffic};

/// Topics, on two channels.
pub(super) const TOPICS: usize = 24;
/// Topics of each channel that stay when two are to become one: together no more than three quarters of one.
const STAY: usize = 4;
/// How long both connections of a change deliver.
pub(super) const OVERLAP: Duration = Duration::from_millis(100);

pub(super) struct Rig {
    pub(super) platform: Arc<Platform>,
    pub(super) tokens: Rotating,
    pub(super) handle: StreamHandle,
    pub(super) traffic: Traffic,
}

/// The tasks that send and read.
pub(super) struct Load {
    sender: JoinHandle<()>,
    reader: JoinHandle<Read>,
    all: oneshot::Sender<()>,
}

impl Rig {
    pub(super) async fn start(rate: usize) -> (Self, Load) {
        let builder = Platform::builder().events_per_second(0.0).requests_per_minute(10_000_000);
        let platform = Arc::new(builder.users(TOPICS).start().await.unwrap());
        let tokens = Rotating::new(&platform).await;
        // As many changes in a minute would need more requests than a client has.
        let client = Client::builder(platform.endpoints()).rate_limiter(NoLimit);
        let client = client.token_source(tokens.clone());
        let name = |user: &String| format!("v2.users.{user}.presence");
        let topics: Vec<String> = platform.users().iter().map(name).collect();
        let stream = client.build().unwrap().stream().subscribe_all(&topics);
        let events = stream
            .topics_per_channel(TOPICS / 2)
            .overlap(OVERLAP)
            .reconnect(FixedDelay::new(Duration::from_millis(100)))
            .start()
            .await
            .unwrap();
        let (handle, traffic) = (events.handle(), Traffic::new(&topics));
        let (all, told) = oneshot::channel();
        let reader = tokio::spawn(traffic.clone().read(events, told));
        traffic.until_subscribed(TOPICS).await;
        let sender = tokio::spawn(traffic.clone().send(platform.clone(), rate));
        traffic.all().await;
        (Self { platform, tokens, handle, traffic }, Load { sender, reader, all })
    }

    /// Leaves so few topics that one channel is enough for them; from when until when that took.
    pub(super) async fn rebalance(&self, nth: usize) -> (Duration, Duration) {
        let stay = self.traffic.some_of_each_channel(STAY);
        assert_eq!(stay.len(), 2 * STAY, "two channels");
        self.traffic.only(&stay).await;
        let topics = self.traffic.topics.iter().enumerate();
        let gone: Vec<&String> =
            topics.filter(|(n, _)| !stay.contains(n)).map(|(_, name)| name).collect();
        let asked = self.traffic.now();
        self.handle.unsubscribe_all(gone).await.unwrap();
        let done = self.traffic.until_renewed(RenewalReason::Rebalance, nth).await;
        assert_eq!(self.handle.channels().await.unwrap().len(), 1);
        (asked, done)
    }

    /// Subscribes all topics again: two channels.
    pub(super) async fn spread(&self) {
        let before = self.traffic.subscribed();
        self.handle.subscribe_all(self.traffic.topics.iter()).await.unwrap();
        self.traffic.until_subscribed(before + TOPICS - 2 * STAY).await;
        self.traffic.all().await;
    }
}

impl Load {
    /// Waits until one of the tasks has failed: then nothing else needs to be waited for.
    pub(super) async fn failed(&mut self) {
        let failed = tokio::select! {
            failed = &mut self.sender => failed,
            failed = &mut self.reader => failed.map(drop),
        };
        panic!("{failed:?}");
    }

    /// Ends the load once everything has come; what was sent, and what was read.
    pub(super) async fn end(self, traffic: &Traffic) -> (usize, Read) {
        let sent = traffic.end().await;
        self.sender.abort();
        self.all.send(()).unwrap();
        (sent, self.reader.await.unwrap())
    }
}

//! What two members in trouble do to the others: rounds with them and without, in turn.
//!
//! One of the two is answered 429 to every call; nothing is taken from the other, whose queue is full.

use std::time::{Duration, Instant};

use futures::StreamExt;
use genesys_cloud::Client;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::Failure;
use crate::control::Control;
use crate::figures::Latencies;
use crate::members::{Members, PATIENCE, fail_on_error, settings, text};
use crate::platform::Process;

/// The pace of events whose latency is measured.
const PACE: Duration = Duration::from_millis(1);
/// One of so many events is for the member that may not be read.
const UNREAD_EVERY: usize = 10;
/// Key of the member that is answered 429.
const THROTTLED: &str = "throttled";
/// The message of the events that are for the member that may not be read.
const FLOOD: &str = "flood";

/// The two in trouble; the last member is the one that may not be read.
pub(crate) struct Isolation<'a> {
    members: &'a mut Members,
    throttled: Client,
    /// The user of the one that is answered 429; its platform is another.
    user: String,
    /// Events of the one that is not read: made, and taken.
    flood: (usize, usize),
}

/// Rounds without and with the two.
#[derive(Default)]
pub(crate) struct Rounds {
    pub(crate) without: Vec<Latencies>,
    pub(crate) with: Vec<Latencies>,
}

impl<'a> Isolation<'a> {
    pub(crate) async fn new(members: &'a mut Members, trouble: &Process) -> Result<Self, Failure> {
        let throttled = members.client(trouble, 0)?;
        let fault = json!({
            "kind": "http", "path": "/api/v2", "status": 429, "retry_after": 0, "count": 1_000_000,
        });
        Control::open(trouble.base()).await?.post("/_sim/fault", &fault).await?;
        let user = trouble.user(0).to_owned();
        Ok(Self { members, throttled, user, flood: (0, 0) })
    }

    /// Rounds of so many events, and says how many of the one that was not read came afterwards: all of them.
    pub(crate) async fn compare(
        &mut self,
        rounds: usize,
        events: usize,
        flood: usize,
    ) -> Result<(Rounds, usize), Failure> {
        let mut measured = Rounds::default();
        for _ in 0..rounds {
            measured.without.push(self.round(events).await?);
            self.begin(flood).await?;
            measured.with.push(self.round(events).await?);
            self.end().await?;
        }
        Ok((measured, self.flood.1))
    }

    async fn begin(&mut self, flood: usize) -> Result<(), Failure> {
        let user = self.user.clone();
        self.members.fleet.add(THROTTLED, self.throttled.clone(), settings(user))?;
        let last = self.members.count() - 1;
        self.members.fleet.pause(&last.to_string())?;
        let topic = format!("v2.users.{}.presence", self.members.process.user(last));
        let body = json!({ "source": "PURECLOUD", "message": FLOOD });
        let flooding = json!({ "topic": topic, "body": body, "count": flood });
        let base = self.members.process.base().to_owned();
        let flooding =
            tokio::spawn(
                async move { Control::open(&base).await?.post("/_sim/emit", &flooding).await },
            );
        self.flood.0 += flood;
        while !flooding.is_finished() {
            self.members.drain_for(Duration::from_millis(20)).await?;
        }
        flooding.await??;
        self.members.drain_for(Duration::from_millis(200)).await
    }

    /// Both are gone again, and what waited has come.
    async fn end(&mut self) -> Result<(), Failure> {
        let last = (self.members.count() - 1).to_string();
        self.members.fleet.resume(&last)?;
        self.catch_up().await?;
        let fleet = self.members.fleet.clone();
        let removing = tokio::spawn(async move { fleet.remove(THROTTLED).await });
        while !removing.is_finished() {
            self.members.drain_for(Duration::from_millis(5)).await?;
        }
        Ok(removing.await??)
    }

    async fn catch_up(&mut self) -> Result<(), Failure> {
        while self.flood.1 < self.flood.0 {
            let delivery = timeout(PATIENCE, self.members.events.next()).await?.ok_or("the end")?;
            fail_on_error(&delivery)?;
            self.flood.1 += usize::from(text(&delivery) == Some(FLOOD));
        }
        Ok(())
    }

    /// From the call that makes an event to its being taken from the merged stream, for members in turn.
    async fn round(&mut self, events: usize) -> Result<Latencies, Failure> {
        let origin = Instant::now();
        let process = &self.members.process;
        let healthy = self.members.count() - 1;
        let users: Vec<String> = (0..=healthy).map(|n| process.user(n).to_owned()).collect();
        // Its own task, so that a slow consumer does not slow the platform down.
        let base = process.base().to_owned();
        let emitting = tokio::spawn(async move {
            let mut control = Control::open(&base).await?;
            for number in 0..events {
                let unread = number % UNREAD_EVERY == 0;
                let user = if unread { healthy } else { number * 7 % healthy };
                let at = u64::try_from(origin.elapsed().as_micros()).unwrap_or(u64::MAX);
                let message = if unread { FLOOD.to_owned() } else { format!("t{at}") };
                let topic = format!("v2.users.{}.presence", users[user]);
                let body = json!({ "source": "PURECLOUD", "message": message });
                control.post("/_sim/emit", &json!({ "topic": topic, "body": body })).await?;
                sleep(PACE).await;
            }
            Ok::<(), Failure>(())
        });
        let unread = events.div_ceil(UNREAD_EVERY);
        self.flood.0 += unread;
        let mut latencies = Vec::with_capacity(events);
        while latencies.len() < events - unread {
            let delivery = timeout(PATIENCE, self.members.events.next()).await?.ok_or("the end")?;
            fail_on_error(&delivery)?;
            match text(&delivery) {
                Some(FLOOD) => self.flood.1 += 1,
                Some(text) => {
                    let sent = text.strip_prefix('t').ok_or("not ours")?.parse()?;
                    let sent = Duration::from_micros(sent);
                    latencies.push(origin.elapsed().saturating_sub(sent));
                }
                None => {}
            }
        }
        emitting.await??;
        Ok(Latencies::new(&latencies))
    }
}

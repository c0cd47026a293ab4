//! The fleet that is measured.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures::StreamExt;
use genesys_cloud::fleet::{Fleet, FleetDelivery, FleetEvents};
use genesys_cloud::{
    Client, ClientCredentials, Endpoints, Event, FixedDelay, Proxy, StreamBuilder, Tls, topics,
};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::Failure;
use crate::control::Control;
use crate::figures::{Latencies, real};
use crate::platform::Process;

/// Nothing takes longer, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often the platform is asked how many dials there were.
const LOOK: Duration = Duration::from_millis(50);
/// The pace of events whose latency is measured.
const PACE: Duration = Duration::from_millis(2);
/// Key of the member that is in trouble.
const THROTTLED: &str = "throttled";

pub(crate) struct Members<'a> {
    process: &'a Process,
    control: Control,
    fleet: Fleet,
    events: FleetEvents,
    tls: Tls,
    count: usize,
    /// When there had been how many dials.
    dials: Vec<(Instant, u64)>,
}

impl<'a> Members<'a> {
    pub(crate) async fn new(process: &'a Process) -> Result<Self, Failure> {
        let (fleet, events) = Fleet::builder().build()?;
        let control = Control::open(process.base()).await?;
        let (tls, dials) = (Tls::new(), Vec::new());
        Ok(Self { process, control, fleet, events, tls, count: 0, dials })
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    fn client(&self, base: &str, id: &str, secret: &str) -> Result<Client, Failure> {
        let credentials = ClientCredentials::new(id, secret);
        let builder = Client::builder(Endpoints::single(base)?).credentials(credentials);
        Ok(builder.tls(self.tls.clone()).proxy(Proxy::none()).build()?)
    }

    /// Adds members, each a client with a topic of its own, and waits until they are live.
    pub(crate) async fn add(&mut self, count: usize) -> Result<Duration, Failure> {
        let begun = Instant::now();
        for _ in 0..count {
            let grant = json!({ "grant": "client_credentials" });
            let made = self.control.post("/_sim/client", &grant).await?;
            let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
            let (id, secret) = (text("client_id"), text("client_secret"));
            let client = self.client(self.process.base(), &id, &secret)?;
            let user = self.process.user(self.count).to_owned();
            self.fleet.add(self.count.to_string(), client, settings(user))?;
            self.count += 1;
            if self.dials.last().is_none_or(|(at, _)| at.elapsed() >= LOOK) {
                self.look().await?;
            }
        }
        self.until_live().await?;
        Ok(begun.elapsed())
    }

    pub(crate) async fn until_live(&mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        let mut looked: Option<Instant> = None;
        loop {
            if looked.is_none_or(|at| at.elapsed() >= LOOK) {
                looked = Some(Instant::now());
                let open = self.look().await?;
                let is_live = |(_, state): &(_, genesys_cloud::fleet::MemberState)| state.is_live();
                let live = self.fleet.states().iter().filter(|one| is_live(one)).count();
                if live >= self.count && open >= self.count {
                    return Ok(());
                }
                if begun.elapsed() > PATIENCE {
                    return Err(format!("only {live} of {} are live", self.count).into());
                }
            }
            self.drain_for(Duration::from_millis(10)).await?;
        }
    }

    /// Notes how many dials there were, and says how many sockets are open.
    async fn look(&mut self) -> Result<usize, Failure> {
        let stats = self.control.get("/_sim/stats").await?;
        let number = |name: &str| stats[name].as_u64().unwrap_or_default();
        self.dials.push((Instant::now(), number("dials")));
        Ok(usize::try_from(number("sockets_open"))?)
    }

    /// Most dials of any second since the last call.
    pub(crate) fn highest_dial_rate(&mut self) -> f64 {
        let mut window: VecDeque<(Instant, u64)> = VecDeque::new();
        let mut highest = 0;
        for (at, count) in self.dials.drain(..) {
            while window.front().is_some_and(|(from, _)| at - *from > Duration::from_secs(1)) {
                window.pop_front();
            }
            window.push_back((at, count));
            highest = highest.max(count - window.front().map_or(count, |(_, first)| *first));
        }
        real(usize::try_from(highest).unwrap_or_default())
    }

    /// Takes what comes for so long.
    pub(crate) async fn drain_for(&mut self, time: Duration) -> Result<(), Failure> {
        let until = tokio::time::Instant::now() + time;
        while let Ok(delivery) = tokio::time::timeout_at(until, self.events.next()).await {
            fail_on_error(&delivery.ok_or("the fleet has ended")?)?;
        }
        Ok(())
    }

    /// Cuts every connection, and says how long it takes until all are back.
    pub(crate) async fn cut(&mut self) -> Result<Duration, Failure> {
        let begun = Instant::now();
        self.control.post("/_sim/fault", &json!({ "kind": "reset" })).await?;
        self.drain_for(Duration::from_millis(100)).await?;
        self.until_live().await?;
        Ok(begun.elapsed())
    }

    /// From the call that makes an event to its being taken from the merged stream, for members in turn.
    pub(crate) async fn latencies(&mut self, events: usize) -> Result<Latencies, Failure> {
        let origin = Instant::now();
        let mut latencies = Vec::with_capacity(events);
        // Its own task, so that a slow consumer does not slow the platform down.
        let base = self.process.base().to_owned();
        // The last member is the one in trouble.
        let healthy = self.count - 1;
        let users: Vec<String> =
            (0..healthy).map(|number| self.process.user(number).to_owned()).collect();
        let emitting = tokio::spawn(async move {
            let mut control = Control::open(&base).await?;
            for number in 0..events {
                let at = u64::try_from(origin.elapsed().as_micros()).unwrap_or(u64::MAX);
                let topic = format!("v2.users.{}.presence", users[number * 7 % users.len()]);
                let body = json!({ "source": "PURECLOUD", "message": format!("t{at}") });
                control.post("/_sim/emit", &json!({ "topic": topic, "body": body })).await?;
                sleep(PACE).await;
            }
            Ok::<(), Failure>(())
        });
        while latencies.len() < events {
            let delivery = timeout(PATIENCE, self.events.next()).await?.ok_or("the end")?;
            fail_on_error(&delivery)?;
            if let Some(sent) = text(&delivery).and_then(|text| text.strip_prefix('t')) {
                latencies
                    .push(origin.elapsed().saturating_sub(Duration::from_micros(sent.parse()?)));
            }
        }
        emitting.await??;
        Ok(Latencies::new(latencies))
    }

    /// Adds a member whose platform answers every call with 429, at once.
    pub(crate) async fn add_throttled(&mut self, trouble: &Process) -> Result<(), Failure> {
        let mut control = Control::open(trouble.base()).await?;
        let made = control.post("/_sim/client", &json!({ "grant": "client_credentials" })).await?;
        let fault = json!({
            "kind": "http", "path": "/api/v2", "status": 429, "retry_after": 0, "count": 1_000_000,
        });
        control.post("/_sim/fault", &fault).await?;
        let text = |name: &str| made[name].as_str().unwrap_or_default();
        let client = self.client(trouble.base(), text("client_id"), text("client_secret"))?;
        self.fleet.add(THROTTLED, client, settings(trouble.user(0).to_owned()))?;
        self.drain_for(Duration::from_secs(1)).await
    }

    /// Floods the last member, from which nothing is taken.
    pub(crate) async fn flood_one_that_is_not_read(&mut self, count: u32) -> Result<(), Failure> {
        let last = (self.count - 1).to_string();
        self.fleet.pause(&last)?;
        let topic = format!("v2.users.{}.presence", self.process.user(self.count - 1));
        let body = json!({ "source": "PURECLOUD", "message": "flood" });
        let base = self.process.base().to_owned();
        let flood = json!({ "topic": topic, "body": body, "count": count });
        let flooding =
            tokio::spawn(
                async move { Control::open(&base).await?.post("/_sim/emit", &flood).await },
            );
        while !flooding.is_finished() {
            self.drain_for(Duration::from_millis(20)).await?;
        }
        flooding.await??;
        Ok(())
    }

    /// Lets the flooded member go on, and counts its events.
    pub(crate) async fn take_flood(&mut self, count: u32) -> Result<usize, Failure> {
        self.fleet.resume(&(self.count - 1).to_string())?;
        let mut taken = 0;
        while taken < count as usize {
            let delivery = timeout(PATIENCE, self.events.next()).await?.ok_or("the end")?;
            fail_on_error(&delivery)?;
            taken += usize::from(text(&delivery) == Some("flood"));
        }
        Ok(taken)
    }

    pub(crate) async fn shutdown(mut self) -> Result<Duration, Failure> {
        let begun = Instant::now();
        let outcome = self.fleet.shutdown(Duration::from_secs(60)).await;
        if !outcome.cut_off.is_empty() {
            return Err(format!("{} were cut off", outcome.cut_off.len()).into());
        }
        while timeout(PATIENCE, self.events.next()).await?.is_some() {}
        Ok(begun.elapsed())
    }
}

fn settings(user: String) -> impl Fn(StreamBuilder) -> StreamBuilder + Send + Sync + 'static {
    let second = FixedDelay::new(Duration::from_secs(1));
    move |stream| stream.subscribe(topics::users::presence(&user)).reconnect(second)
}

/// The message of an event.
fn text(delivery: &FleetDelivery) -> Option<&str> {
    match &delivery.item.as_ref().ok()?.event {
        Event::UsersPresence(event) => event.message.as_deref(),
        _ => None,
    }
}

fn fail_on_error(delivery: &FleetDelivery) -> Result<(), Failure> {
    match &delivery.item {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{} has ended: {error}", delivery.organisation).into()),
    }
}

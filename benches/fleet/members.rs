//! The fleet that is measured.

use std::time::{Duration, Instant};

use futures::StreamExt;
use genesys_cloud::fleet::{Fleet, FleetDelivery, FleetEvents};
use genesys_cloud::{
    Client, ClientCredentials, Endpoints, Event, FixedDelay, Proxy, StreamBuilder, Tls, topics,
};
use serde_json::json;
use tokio::time::{Instant as Moment, timeout, timeout_at};

use crate::Failure;
use crate::control::Control;
use crate::dials::Dials;
use crate::platform::Process;

/// Nothing takes longer, unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) struct Members {
    pub(crate) process: Process,
    control: Control,
    pub(crate) fleet: Fleet,
    pub(crate) events: FleetEvents,
    tls: Tls,
    count: usize,
    pub(crate) dials: Dials,
}

impl Members {
    pub(crate) async fn new(process: Process) -> Result<Self, Failure> {
        let (fleet, events) = Fleet::builder().build()?;
        let control = Control::open(process.base()).await?;
        let (tls, dials) = (Tls::new(), Dials::default());
        Ok(Self { process, control, fleet, events, tls, count: 0, dials })
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The client of a platform's user.
    pub(crate) fn client(&self, process: &Process, number: usize) -> Result<Client, Failure> {
        let (id, secret) = process.client(number);
        let endpoints = Endpoints::single(process.base())?;
        let builder = Client::builder(endpoints).credentials(ClientCredentials::new(id, secret));
        Ok(builder.tls(self.tls.clone()).proxy(Proxy::none()).build()?)
    }

    /// Adds members, each a client with a topic of its own, and waits until they are live.
    pub(crate) async fn add(&mut self, count: usize) -> Result<Duration, Failure> {
        let begun = Instant::now();
        for _ in 0..count {
            let client = self.client(&self.process, self.count)?;
            let user = self.process.user(self.count).to_owned();
            self.fleet.add(self.count.to_string(), client, settings(user))?;
            self.count += 1;
        }
        self.until_live().await?;
        Ok(begun.elapsed())
    }

    async fn until_live(&mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            if self.dials.is_due() {
                let open = self.dials.look(&mut self.control).await?;
                let mut states = self.fleet.states();
                states.retain(|(_, state)| !state.is_live());
                if states.is_empty() && open >= self.count {
                    return Ok(());
                }
                if begun.elapsed() > PATIENCE {
                    let (count, one) = (states.len(), states.first());
                    return Err(format!("{count} are not live, {open} are open: {one:?}").into());
                }
            }
            self.drain_for(Duration::from_millis(10)).await?;
        }
    }

    /// Takes what comes for so long.
    pub(crate) async fn drain_for(&mut self, time: Duration) -> Result<(), Failure> {
        let until = Moment::now() + time;
        while let Ok(delivery) = timeout_at(until, self.events.next()).await {
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

    /// Ends the platform for so long, and says how long it takes until all are live since it is back, knowing neither
    /// their tokens nor their channels.
    pub(crate) async fn restart(&mut self, gone: Duration) -> Result<Duration, Failure> {
        self.process.kill()?;
        self.drain_for(gone).await?;
        self.process.revive()?;
        let begun = Instant::now();
        self.control = Control::open(self.process.base()).await?;
        self.until_live().await?;
        Ok(begun.elapsed())
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

/// What a member subscribes.
pub(crate) fn settings(
    user: String,
) -> impl Fn(StreamBuilder) -> StreamBuilder + Send + Sync + 'static {
    let second = FixedDelay::new(Duration::from_secs(1));
    move |stream| stream.subscribe(topics::users::presence(&user)).reconnect(second)
}

/// The message of an event.
pub(crate) fn text(delivery: &FleetDelivery) -> Option<&str> {
    match &delivery.item.as_ref().ok()?.event {
        Event::UsersPresence(event) => event.message.as_deref(),
        _ => None,
    }
}

pub(crate) fn fail_on_error(delivery: &FleetDelivery) -> Result<(), Failure> {
    match &delivery.item {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{} has ended: {error}", delivery.organisation).into()),
    }
}

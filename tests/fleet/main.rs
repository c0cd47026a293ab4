//! Many organizations in one process, against simulators.

mod ending;
mod members;
mod replacing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use futures::StreamExt;
use genesys_cloud::fleet::{Fleet, FleetBuilder, FleetDelivery, FleetEvents};
use genesys_cloud::sim::{Platform, PlatformBuilder};
use genesys_cloud::{
    Client, ClientCredentials, Event, FixedDelay, Lifecycle, NoLimit, Proxy, StreamBuilder, Tls,
};
use serde_json::json;
use tokio::time::{sleep, timeout};

/// Nothing here takes longer, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// One for all clients: the system's certificates are read once.
static TLS: LazyLock<Tls> = LazyLock::new(Tls::new);

fn quiet() -> PlatformBuilder {
    Platform::builder().seed(7).events_per_second(0.0).users(60)
}

fn client(platform: &Platform, credentials: ClientCredentials) -> Client {
    Client::builder(platform.endpoints())
        .credentials(credentials)
        .proxy(Proxy::none())
        .rate_limiter(NoLimit)
        .tls(TLS.clone())
        .build()
        .unwrap()
}

fn topic(platform: &Platform, user: usize) -> String {
    format!("v2.users.{}.presence", platform.users()[user])
}

/// What every member's stream subscribes: one user.
fn settings(
    platform: &Platform,
    user: usize,
) -> impl Fn(StreamBuilder) -> StreamBuilder + Send + Sync + 'static {
    let topic = topic(platform, user);
    move |stream| stream.subscribe(&topic).reconnect(FixedDelay::new(Duration::from_millis(5)))
}

fn key(number: usize) -> String {
    format!("org-{number:02}")
}

struct Rig {
    platform: Platform,
    fleet: Fleet,
    events: FleetEvents,
}

impl Rig {
    /// A fleet whose members are clients of one platform, each about a user of its own.
    async fn new(members: usize) -> Self {
        Self::of(members, Fleet::builder().dials_per_second(2_000.0)).await
    }

    async fn of(members: usize, builder: FleetBuilder) -> Self {
        let platform = quiet().start().await.unwrap();
        let (fleet, events) = builder.build().unwrap();
        let mut rig = Self { platform, fleet, events };
        for number in 0..members {
            let client = client(&rig.platform, rig.platform.add_client());
            rig.fleet.add(key(number), client, settings(&rig.platform, number)).unwrap();
        }
        let all: BTreeSet<String> = (0..members).map(key).collect();
        rig.until_subscribed(all).await;
        rig
    }

    async fn next(&mut self) -> FleetDelivery {
        timeout(PATIENCE, self.events.next()).await.expect("nothing came").expect("the end")
    }

    async fn until_subscribed(&mut self, mut missing: BTreeSet<String>) {
        while !missing.is_empty() {
            let delivery = self.next().await;
            let what = lifecycle(&delivery).map(Lifecycle::what);
            if what == Some("subscribed") {
                missing.remove(&*delivery.organisation);
            }
        }
    }

    /// Sends a numbered event to one member.
    fn emit(&self, member: usize, number: usize) {
        let body = json!({ "source": "PURECLOUD", "message": number.to_string() });
        self.platform.emit(&topic(&self.platform, member), body);
    }

    /// Takes items until `count` events have come; what has come of each member, in order.
    async fn take(&mut self, count: usize) -> BTreeMap<String, Vec<usize>> {
        let mut seen: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut taken = 0;
        while taken < count {
            let delivery = self.next().await;
            if let Some(number) = number(&delivery) {
                seen.entry(delivery.organisation.to_string()).or_default().push(number);
                taken += 1;
            }
        }
        seen
    }

    async fn eventually(&self, what: &str, condition: impl Fn() -> bool) {
        let poll = async {
            while !condition() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(PATIENCE, poll).await.is_ok(), "waited for {what} in vain");
    }
}

fn number(delivery: &FleetDelivery) -> Option<usize> {
    match &delivery.item.as_ref().ok()?.event {
        Event::UsersPresence(event) => event.message.as_deref()?.parse().ok(),
        _ => None,
    }
}

fn lifecycle(delivery: &FleetDelivery) -> Option<&Lifecycle> {
    match &delivery.item.as_ref().ok()?.event {
        Event::Lifecycle(lifecycle) => Some(lifecycle),
        _ => None,
    }
}

//! One kind of socket on a platform that sends only what a test emits.

use std::time::Duration;

use genesys_cloud::sim::{Fault, Platform, SocketKind};
use genesys_cloud::{Client, Result};

use crate::five::{Events, PATIENCE, Place, Settings, body, open, path, topic};

pub(crate) struct Rig {
    pub(crate) kind: SocketKind,
    pub(crate) platform: Platform,
    pub(crate) client: Client,
    pub(crate) place: Place,
}

impl Rig {
    pub(crate) async fn new(kind: SocketKind) -> Self {
        let platform = Platform::builder().events_per_second(0.0).start().await.unwrap();
        let builder = Client::builder(platform.endpoints()).credentials(platform.credentials());
        let place = Place {
            origin: platform.base_url().into(),
            application: platform.applications()[0].clone(),
            user: platform.users()[0].clone(),
        };
        Self { kind, client: builder.build().unwrap(), platform, place }
    }

    /// A stream that is live.
    pub(crate) async fn live(&self, settings: Settings) -> Events {
        let mut events = self.start(settings).await.unwrap();
        events.until("subscribed").await;
        events
    }

    pub(crate) async fn start(&self, settings: Settings) -> Result<Events> {
        open(self.kind, &self.client, &self.place, settings).await
    }

    pub(crate) fn topic(&self) -> String {
        topic(self.kind, &self.place)
    }

    /// Whether a token opens the socket.
    pub(crate) fn has_token(&self) -> bool {
        self.kind != SocketKind::AppFoundry
    }

    /// Sends an event; returns to how many sockets.
    pub(crate) fn emit(&self, n: usize) -> usize {
        self.platform.emit_on(self.kind, body(self.kind, &self.place.user, n))
    }

    /// Sends an event that comes out.
    pub(crate) async fn delivers(&self, events: &mut Events, n: usize) {
        assert_eq!(self.emit(n), 1, "one socket hears");
        events.until_number(n).await;
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.platform.fault_on_sockets(self.kind, fault).unwrap();
    }

    /// The next dials get this status.
    pub(crate) fn refuse(&self, status: u16, retry_after: Option<u64>, count: u32) {
        let path = path(self.kind).into();
        self.platform.fault(Fault::Http { path, status, retry_after, count, html: false }).unwrap();
    }

    pub(crate) async fn eventually(&self, what: &str, condition: impl Fn() -> bool) {
        let poll = async {
            while !condition() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, poll).await;
        assert!(found.is_ok(), "{:?}: waited for {what} in vain", self.kind);
    }

    pub(crate) fn tokens_issued(&self) -> u64 {
        self.platform.stats().tokens_issued
    }

    pub(crate) fn dials(&self) -> u64 {
        self.platform.stats().dials
    }
}

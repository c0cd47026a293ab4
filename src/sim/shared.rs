//! What every task of a platform shares: settings, clock, and the state under one lock.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use fastrand::Rng;
use serde_json::Value;
use tokio::sync::{Notify, watch};

use super::channels::Channels;
use super::clock::Clock;
use super::config::Config;
use super::connection_log::ConnectionLog;
use super::frames::Event;
use super::handle::Handle;
use super::ids;
use super::knobs::Faults;
use super::limiter::Limiter;
use super::oauth::{GrantType, OAuth};
use super::open_sockets::OpenSockets;
use super::rest::Books;
use super::socket_kind::SocketKind;
use super::stats::{Counted, Live, Stats};
use super::world::World;
use crate::core::credentials::ClientCredentials;

/// One platform.
pub(super) struct Shared {
    pub(super) config: Config,
    /// Such as `http://127.0.0.1:8080`.
    pub(super) base_url: String,
    pub(super) clock: Clock,
    pub(super) live: Live,
    /// A deadline of a channel or token may have become earlier.
    pub(super) deadlines: Notify,
    /// What is heard may have changed.
    pub(super) interest: Notify,
    state: Mutex<State>,
    stop: watch::Sender<bool>,
}

/// What changes.
pub(super) struct State {
    /// Ids and tokens; events have a generator of their own, so that the number of requests does not change them.
    pub(super) rng: Rng,
    /// Correlation ids of answers, apart from the rest for the same reason.
    pub(super) correlations: Rng,
    pub(super) oauth: OAuth,
    pub(super) limiter: Limiter,
    pub(super) channels: Channels,
    pub(super) sockets: OpenSockets,
    pub(super) connections: ConnectionLog,
    pub(super) faults: Faults,
    pub(super) world: World,
    pub(super) books: Books,
    pub(super) counted: Counted,
}

impl State {
    /// Every open socket.
    pub(super) fn handles(&self) -> impl Iterator<Item = &Handle> {
        let of_channels = self.channels.iter().filter_map(|channel| channel.socket.as_ref());
        of_channels.chain(self.sockets.iter().map(|socket| &socket.handle))
    }
}

impl Shared {
    pub(super) fn new(config: Config, base_url: String, state: State) -> Arc<Self> {
        Arc::new(Self {
            clock: Clock::new(config.starts()),
            config,
            base_url,
            live: Live::default(),
            deadlines: Notify::new(),
            interest: Notify::new(),
            state: Mutex::new(state),
            stop: watch::Sender::new(false),
        })
    }

    /// The state. Never held across an await.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is told what sockets really do.
    #[cfg(test)]
    pub(super) fn tap(&self) -> Option<&super::tap::Tap> {
        self.config.tap.as_ref().map(|(_, tap)| &**tap)
    }

    /// Runs a task until it ends or the platform stops.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut stop = self.stop.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => {}
                () = task => {}
            }
        });
    }

    /// Stops every task.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until every task is gone.
    pub(super) async fn stopped(&self) {
        self.stop.closed().await;
    }

    /// Adds an OAuth client.
    pub(super) fn add_client(&self, grant: GrantType) -> ClientCredentials {
        let mut state = self.lock();
        let State { oauth, rng, .. } = &mut *state;
        let (id, secret) = oauth.add_client(grant, rng);
        ClientCredentials::new(&*id, secret)
    }

    /// The address of a channel's socket.
    pub(super) fn connect_uri(&self, channel: &str) -> String {
        format!("{}/channels/{channel}", self.streaming_url())
    }

    /// The base address of sockets, such as `ws://127.0.0.1:8080`.
    pub(super) fn streaming_url(&self) -> String {
        self.base_url.replacen("http", "ws", 1)
    }

    /// Sends an event to every open socket that listens; returns how many do.
    pub(super) fn emit(&self, topic: &str, body: &Value) -> usize {
        let correlation = ids::uuid(&mut self.lock().rng);
        // Written outside the lock: it may be large.
        let event = Event::new(topic, body, &correlation);
        self.lock().channels.deliver(&event)
    }

    /// Sends an event to every open socket of a kind that hears of it; returns how many do.
    ///
    /// An event with a `userId` goes to those who have subscribed to that user, where users are subscribed to.
    pub(super) fn emit_on(&self, kind: SocketKind, body: &Value) -> usize {
        let text = |name: &str| body.get(name)?.as_str().map(str::to_ascii_lowercase);
        let user = text("userId");
        // Faults keep the order within a user or a queue.
        let about = user.clone().or_else(|| text("queueId"));
        let event = Event::flat(&kind.topic(about.as_deref().unwrap_or_default()), body);
        self.lock().sockets.deliver(kind, user.as_deref(), &event)
    }

    /// Sends a binary frame to every open socket of a kind; returns how many there are.
    pub(super) fn emit_binary_on(&self, kind: SocketKind, bytes: Bytes) -> usize {
        let event = Event::binary(kind.name(), bytes);
        self.lock().sockets.deliver(kind, None, &event)
    }

    pub(super) fn stats(&self) -> Stats {
        let state = self.lock();
        Stats {
            tokens_issued: state.oauth.issued,
            channels: state.channels.len(),
            evictions: state.counted.evictions,
            sockets_open: self.live.open(),
            dials: state.counted.dials,
            frames_sent: self.live.frames(),
            throttled: state.counted.throttled,
            requests: state.counted.requests.clone(),
            sockets: state.sockets.counts(),
        }
    }

    /// A clean slate that a connected client does not notice: faults are lifted, permissions are as at the
    /// start, counts are zero, quotas are whole, and channels without a socket are gone. Tokens stay.
    pub(super) fn reset(&self) {
        let mut state = self.lock();
        state.faults = Faults::default();
        state.books.reset();
        state.counted = Counted::default();
        state.limiter.clear();
        state.oauth.issued = 0;
        self.live.clear();
        self.clock.skew(0);
        let idle: Vec<Arc<str>> = state
            .channels
            .iter()
            .filter(|channel| channel.socket.is_none())
            .map(|channel| Arc::clone(&channel.id))
            .collect();
        for id in idle {
            state.channels.remove(&id);
        }
        for socket in state.handles() {
            socket.lift();
        }
    }
}

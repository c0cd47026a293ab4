//! The task that owns a tracker's stream: the only writer of what is known.

use std::mem;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use tokio::sync::{mpsc, oneshot};

use super::admission::{Admission, TrackError, refusal};
use super::cache::{Cache, Heard};
use super::event::{PresenceEvent, Reading};
use super::metrics::Tally;
use super::subscriber::{Mishaps, PresenceItem, PresenceStream, outlet};
use crate::core::clock::Clock;
use crate::diagnostics::observer::{Observer, Signal};
use crate::error::Error;
use crate::events::Lifecycle;
use crate::streaming::delivery::Delivery;
use crate::streaming::queue::Sender;
use crate::streaming::stream::EventStream;

type Answer = oneshot::Sender<Result<usize, TrackError>>;

/// What a tracker is asked for.
#[derive(Debug)]
pub(super) enum Command {
    Track(Vec<Arc<str>>, Answer),
    Untrack(Vec<Arc<str>>, Answer),
    /// Answered by being dropped, when the stream has ended.
    Close(oneshot::Sender<()>),
}

/// What the task writes and others read.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) cache: Cache,
    pub(super) tally: Tally,
}

/// What a tracker's handles and its task share.
pub(super) struct Shared {
    known: Mutex<Known>,
    /// Subscribers whom the task has not met yet; `None` once it has ended.
    joining: Mutex<Option<Vec<Sender<PresenceItem>>>>,
    pub(super) mishaps: Arc<Mishaps>,
}

impl Shared {
    pub(super) fn new() -> Self {
        let joining = Mutex::new(Some(Vec::new()));
        Self { known: Mutex::default(), joining, mishaps: Arc::default() }
    }

    /// No code of a user runs under the lock, so a poisoned state is still whole.
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn subscribe(&self, capacity: usize) -> PresenceStream {
        let (sender, stream) = outlet(capacity);
        let mut joining = self.joining.lock().unwrap_or_else(PoisonError::into_inner);
        match joining.as_mut() {
            Some(joining) => {
                // Those who left before they were met are forgotten here, so that a quiet stream gathers none.
                joining.retain(|sender| !sender.is_abandoned());
                joining.push(sender);
            }
            None => end(&sender, None),
        }
        stream
    }

    /// Takes the subscribers who have come since.
    fn join(&self) -> Vec<Sender<PresenceItem>> {
        let mut joining = self.joining.lock().unwrap_or_else(PoisonError::into_inner);
        joining.as_mut().map(mem::take).unwrap_or_default()
    }

    fn no_more(&self) -> Vec<Sender<PresenceItem>> {
        self.joining.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }
}

fn end(sender: &Sender<PresenceItem>, error: Option<Arc<Error>>) {
    sender.push_fixed(PresenceItem::Stopped { error });
    sender.finish();
}

/// The task.
pub(super) struct Task<E: PresenceEvent> {
    stream: EventStream<E>,
    shared: Arc<Shared>,
    admission: Admission,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    outlets: Vec<Sender<PresenceItem>>,
    closing: Vec<oneshot::Sender<()>>,
}

impl<E: PresenceEvent> Task<E> {
    pub(super) fn new(
        stream: EventStream<E>,
        shared: Arc<Shared>,
        admission: Admission,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> Self {
        let (outlets, closing) = (Vec::new(), Vec::new());
        Self { stream, shared, admission, clock, observer, outlets, closing }
    }

    /// Runs until the stream ends, or the last handle is dropped.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let error = loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => break None,
                },
                item = self.stream.next() => match item {
                    Some(Ok(delivery)) => self.take(delivery),
                    Some(Err(error)) => break Some(Arc::new(error)),
                    None => break None,
                },
            }
        };
        let users = self.shared.known().cache.doubt_all();
        self.publish_stale(users);
        self.outlets.extend(self.shared.no_more());
        for outlet in &self.outlets {
            end(outlet, error.clone());
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Track(users, answer) => {
                let _ = answer.send(self.track(users).await);
            }
            Command::Untrack(users, answer) => {
                let _ = answer.send(self.untrack(users).await);
            }
            Command::Close(done) => {
                self.closing.push(done);
                self.stream.close().await;
            }
        }
    }

    /// A user is known as tracked only once the stream has taken the topic.
    async fn track(&mut self, mut users: Vec<Arc<str>>) -> Result<usize, TrackError> {
        let tracked = {
            let known = self.shared.known();
            users.retain(|user| !known.cache.tracks(user));
            known.cache.len()
        };
        if users.is_empty() {
            return Ok(0);
        }
        self.admission.room(tracked, users.len())?;
        let now = self.clock.now();
        self.admission.request(now)?;
        let topics: Vec<_> = users.iter().map(|user| E::topic(user)).collect();
        if let Err(error) = self.stream.handle().subscribe_all(topics).await {
            self.admission.unsent(now);
            return Err(TrackError::Failed(error));
        }
        let count = users.len();
        let mut known = self.shared.known();
        for user in users {
            known.cache.track(user);
        }
        Ok(count)
    }

    async fn untrack(&mut self, mut users: Vec<Arc<str>>) -> Result<usize, TrackError> {
        {
            let known = self.shared.known();
            users.retain(|user| known.cache.tracks(user));
        }
        if users.is_empty() {
            return Ok(0);
        }
        let now = self.clock.now();
        self.admission.request(now)?;
        let topics: Vec<_> = users.iter().map(|user| E::topic(user)).collect();
        if let Err(error) = self.stream.handle().unsubscribe_all(topics).await {
            self.admission.unsent(now);
            return Err(TrackError::Failed(error));
        }
        let mut known = self.shared.known();
        for user in &users {
            known.cache.untrack(user);
        }
        Ok(users.len())
    }

    fn take(&mut self, delivery: Delivery<E>) {
        let Delivery { event, topic, received_at, .. } = delivery;
        match event.read(&topic) {
            Reading::Presence(presence) => {
                let now = self.clock.wall();
                let heard = {
                    let mut known = self.shared.known();
                    let heard = known.cache.hear(presence, received_at);
                    known.tally.heard(&heard, now);
                    heard
                };
                if let Heard::Changed(change) = heard {
                    self.observer.observe(&Signal::Action { name: "delta", count: 1 });
                    self.publish(&PresenceItem::Changed(change));
                }
            }
            Reading::Lifecycle(item) => self.lifecycle(item),
            Reading::Malformed => self.shared.known().tally.malformed(),
            Reading::Other => self.shared.known().tally.other(),
        }
    }

    fn lifecycle(&mut self, item: &Lifecycle) {
        let mut stale = Vec::new();
        {
            let mut known = self.shared.known();
            match item {
                // Each greets with all users.
                Lifecycle::Connected { .. } | Lifecycle::Renewed { .. }
                    if known.cache.len() > 0 =>
                {
                    self.admission.connected(self.clock.now());
                }
                Lifecycle::Gap { topics, .. } => {
                    stale = known.cache.doubt(topics.iter().filter_map(E::user_of));
                }
                Lifecycle::Lagged { .. } => stale = known.cache.doubt_all(),
                Lifecycle::Subscribed { topics, .. } => {
                    for user in topics.iter().filter_map(E::user_of) {
                        known.cache.permit(user);
                    }
                }
                Lifecycle::Rejected { topic, reason, missing_permissions } => {
                    if let Some(user) = E::user_of(topic) {
                        known.cache.refuse(user, &refusal(reason, missing_permissions));
                    }
                }
                _ => {}
            }
        }
        self.publish(&PresenceItem::Lifecycle(Arc::new(item.clone())));
        self.publish_stale(stale);
    }

    fn publish_stale(&mut self, users: Vec<Arc<str>>) {
        if !users.is_empty() {
            self.publish(&PresenceItem::Stale { users: users.into() });
        }
    }

    fn publish(&mut self, item: &PresenceItem) {
        self.outlets.extend(self.shared.join());
        self.outlets.retain(|outlet| !outlet.is_abandoned());
        for outlet in &self.outlets {
            let dropped = outlet.push([(item.clone(), 0)]);
            self.shared.mishaps.dropped.fetch_add(dropped, Ordering::Relaxed);
        }
    }
}

impl<E: PresenceEvent> Drop for Task<E> {
    /// Nobody waits for a task that its runtime has dropped.
    fn drop(&mut self) {
        drop(self.shared.no_more());
    }
}

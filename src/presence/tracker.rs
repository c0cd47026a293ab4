//! The handle of a tracker.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{mpsc, oneshot};

use super::admission::{ScopeCheck, TrackError, ids};
use super::builder::PresenceBuilder;
use super::cache::KnownPresence;
use super::event::PresenceEvent;
use super::metrics::PresenceMetrics;
use super::subscriber::{PresenceItem, PresenceStream, PresenceSubscriber, call_back};
use super::task::{Command, Shared};
use crate::core::ports::TokenSource;
use crate::error::{Error, ErrorKind};
use crate::streaming::builder::StreamBuilder;
use crate::streaming::stream::StreamHandle;

/// The presence of many users over one stream. Cheap to clone; clones share everything.
///
/// It owns its stream on a task of its own, which runs until the last clone is dropped, [`close`](Self::close) is
/// called, or the stream ends. Subscribers never hold it up: each has a bounded queue, and is told how much it missed.
///
/// A user is known from the first event on. For how things are at the beginning ask `client.presence().of_many(..)`, of the
/// feature `rest-presence`, once the first subscription is confirmed. More users than one stream may have, 1,000 over
/// notification topics, need several trackers.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client, agents: Vec<String>) -> genesys_cloud::Result<()> {
/// use futures::StreamExt;
/// use genesys_cloud::presence::{PresenceItem, PresenceTracker};
///
/// let tracker = PresenceTracker::builder(client.stream()).users(&agents).start().await?;
/// let mut items = tracker.subscribe(1_000);
/// while let Some(item) = items.next().await {
///     match item {
///         PresenceItem::Changed(change) => println!("{} is {}", change.user, change.to.name),
///         PresenceItem::Stale { users } => println!("nothing is certain of {} users", users.len()),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PresenceTracker {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    handle: StreamHandle,
    scopes: Arc<Scopes>,
    checked: ScopeCheck,
}

/// What the token needs, and where it comes from.
pub(super) struct Scopes {
    pub(super) needs_one_of: Vec<Box<str>>,
    pub(super) tokens: Arc<dyn TokenSource>,
}

impl Scopes {
    /// Holds the scopes of the present token against what it needs.
    pub(super) async fn check(&self) -> Result<ScopeCheck, TrackError> {
        if self.needs_one_of.is_empty() {
            return Ok(ScopeCheck::NotNeeded);
        }
        let token = self.tokens.token().await.map_err(TrackError::Failed)?;
        ScopeCheck::of(&self.needs_one_of, &token)
    }
}

impl PresenceTracker {
    /// Settings of a tracker over a stream: [`Client::stream`](crate::Client::stream), or
    /// [`Client::connect`](crate::Client::connect) with
    /// [`PresenceEvents`](crate::protocols::PresenceEvents). Policies, buffers and deadlines are the stream's.
    pub fn builder<E: PresenceEvent>(stream: StreamBuilder<E>) -> PresenceBuilder<E> {
        PresenceBuilder::new(stream)
    }

    pub(super) fn new(
        shared: Arc<Shared>,
        commands: mpsc::Sender<Command>,
        handle: StreamHandle,
        scopes: Scopes,
        checked: ScopeCheck,
    ) -> Self {
        Self { shared, commands, handle, scopes: Arc::new(scopes), checked }
    }

    /// Tracks more users, all or none, in one subscribe request; returns how many were not tracked before.
    ///
    /// # Errors
    /// Each check has its own [`TrackError`], and none of them sends anything.
    ///
    /// # Cancel safety
    /// When this future is dropped, the users may or may not be tracked.
    pub async fn track<T: AsRef<str>>(
        &self,
        users: impl IntoIterator<Item = T>,
    ) -> Result<usize, TrackError> {
        let users = ids(&users.into_iter().collect::<Vec<_>>())?;
        self.scopes.check().await?;
        self.ask(|answer| Command::Track(users, answer)).await
    }

    /// Tracks users no more, in one subscribe request; returns how many were tracked.
    ///
    /// # Errors
    /// [`BadIds`](TrackError::BadIds), [`TooManyRequests`](TrackError::TooManyRequests) and
    /// [`Failed`](TrackError::Failed).
    ///
    /// # Cancel safety
    /// When this future is dropped, the users may or may not be tracked still.
    pub async fn untrack<T: AsRef<str>>(
        &self,
        users: impl IntoIterator<Item = T>,
    ) -> Result<usize, TrackError> {
        let users = ids(&users.into_iter().collect::<Vec<_>>())?;
        self.ask(|answer| Command::Untrack(users, answer)).await
    }

    async fn ask(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<usize, TrackError>>) -> Command,
    ) -> Result<usize, TrackError> {
        let over = || TrackError::Failed(Error::new(ErrorKind::Closed, "the tracker is over"));
        let (answer, answered) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| over())?;
        answered.await.map_err(|_| over())?
    }

    /// Who is in which state since when, of all users who are tracked, by their ids as the platform spells them.
    pub fn snapshot(&self) -> BTreeMap<Arc<str>, KnownPresence> {
        self.shared.known().cache.snapshot()
    }

    /// What is known of one user; `None` when the user is not tracked. The id may be spelled in any way.
    pub fn get(&self, user: &str) -> Option<KnownPresence> {
        self.shared.known().cache.get(user).cloned()
    }

    /// A subscriber as a stream: what happens from now on. Of more items than `capacity` that wait the oldest are dropped,
    /// and [`PresenceItem::Lagged`] says how many. Dropping the stream ends it.
    ///
    /// To miss nothing, subscribe first and look at the [`snapshot`](Self::snapshot) then.
    pub fn subscribe(&self, capacity: usize) -> PresenceStream {
        self.shared.subscribe(capacity)
    }

    /// A subscriber as a callback, on a task of its own and with a queue like that of [`subscribe`](Self::subscribe).
    ///
    /// An error that it returns is counted, and the next item is told all the same. A panic ends it, and only it. It may be
    /// slow, but like all code of a task it must not block its thread for long.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn on_item<F>(&self, capacity: usize, callback: F) -> PresenceSubscriber
    where
        F: FnMut(&PresenceItem) -> Result<(), Box<dyn StdError + Send + Sync>> + Send + 'static,
    {
        call_back(self.subscribe(capacity), self.shared.mishaps.clone(), callback)
    }

    /// What was counted and measured since the start.
    pub fn metrics(&self) -> PresenceMetrics {
        let mut metrics = {
            let known = self.shared.known();
            PresenceMetrics { tracked: known.cache.len(), ..known.tally.metrics() }
        };
        let mishaps = &self.shared.mishaps;
        metrics.dropped = mishaps.dropped.load(Ordering::Relaxed);
        metrics.failures = mishaps.failures.load(Ordering::Relaxed);
        metrics.panics = mishaps.panics.load(Ordering::Relaxed);
        metrics
    }

    /// What the token said of its scopes when the tracker started.
    pub fn scope_check(&self) -> ScopeCheck {
        self.checked
    }

    /// The stream: its state, its counters.
    pub fn stream(&self) -> &StreamHandle {
        &self.handle
    }

    /// Closes the connection with a close frame, tells subscribers what was received before, and waits until that is
    /// done.
    ///
    /// # Cancel safety
    /// The close goes on when this future is dropped.
    pub async fn close(&self) {
        let (done, ended) = oneshot::channel();
        if self.commands.send(Command::Close(done)).await.is_ok() {
            // The sender is dropped with the task.
            let _ = ended.await;
        }
    }
}

impl fmt::Debug for PresenceTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresenceTracker")
            .field("metrics", &self.metrics())
            .field("stream", &self.handle)
            .finish_non_exhaustive()
    }
}

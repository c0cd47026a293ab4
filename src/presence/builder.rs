//! Settings of a tracker.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::admission::{Admission, TrackError, ids};
use super::event::PresenceEvent;
use super::task::{Shared, Task};
use super::tracker::{PresenceTracker, Scopes};
use crate::streaming::builder::StreamBuilder;

/// Users who are tracked unless set otherwise.
const MOST_USERS: usize = 100;
/// Subscribe requests in a window unless set otherwise.
const MOST_REQUESTS: usize = 30;
/// The window unless set otherwise.
const WINDOW: Duration = Duration::from_secs(60);
/// Commands that may wait for the task.
const COMMANDS: usize = 16;

/// Settings of a [`PresenceTracker`], from [`PresenceTracker::builder`].
#[must_use = "a tracker begins with start()"]
pub struct PresenceBuilder<E: PresenceEvent> {
    stream: StreamBuilder<E>,
    users: Vec<Box<str>>,
    needs_one_of: Vec<Box<str>>,
    most_users: usize,
    requests: (usize, Duration),
}

impl<E: PresenceEvent> PresenceBuilder<E> {
    pub(super) fn new(stream: StreamBuilder<E>) -> Self {
        Self {
            stream,
            users: Vec::new(),
            needs_one_of: E::SCOPES.iter().map(|scope| (*scope).into()).collect(),
            most_users: MOST_USERS.min(E::MOST_USERS),
            requests: (MOST_REQUESTS, WINDOW),
        }
    }

    /// Tracks these users from the start. Ids are UUIDs, with or without hyphens and in any case.
    pub fn users<T: AsRef<str>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        self.users.extend(ids.into_iter().map(|id| id.as_ref().into()));
        self
    }

    /// Scopes of which the token needs any one, if the token response names scopes at all. Default: what is known of the
    /// kind of stream, [`PresenceEvent::SCOPES`].
    pub fn needs_one_of<T: AsRef<str>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.needs_one_of = scopes.into_iter().map(|scope| scope.as_ref().into()).collect();
        self
    }

    /// Most users who are tracked: at most what the kind of stream can hold, 1,000 over notification topics and 100
    /// over the presence socket. Default 100.
    pub fn most_users(mut self, users: usize) -> Self {
        self.most_users = users.min(E::MOST_USERS);
        self
    }

    /// Most subscribe requests in any stretch of time this long. Default 30 in 60 s.
    ///
    /// A request is a call of [`track`](PresenceTracker::track) or [`untrack`](PresenceTracker::untrack) that changes
    /// something, however many users it names, and each connection of the stream.
    pub fn subscribe_limit(mut self, requests: usize, window: Duration) -> Self {
        self.requests = (requests, window);
        self
    }

    /// Checks users and scopes, connects, and resolves once the first attempt is decided, as
    /// [`StreamBuilder::start`] does.
    ///
    /// # Errors
    /// Each check has its own [`TrackError`]; [`Failed`](TrackError::Failed) is of the token or of the stream.
    ///
    /// # Cancel safety
    /// Dropping the future ends everything that it began.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start(self) -> Result<PresenceTracker, TrackError> {
        let Self { stream, users, needs_one_of, most_users, requests } = self;
        let users = ids(&users)?;
        let admission = Admission::new(most_users, requests.0, requests.1);
        admission.room(0, users.len())?;
        let scopes = Scopes { needs_one_of, tokens: stream.parts.tokens.clone() };
        let checked = scopes.check().await?;
        let clock = stream.parts.connector.clock.clone();
        let observer = stream.parts.observer.clone();
        let stream = stream.subscribe_all(users.iter().map(|user| E::topic(user)));
        let stream = stream.start().await.map_err(TrackError::Failed)?;
        let shared = Arc::new(Shared::new());
        {
            let mut known = shared.known();
            for user in users {
                known.cache.track(user);
            }
        }
        let (commands, orders) = mpsc::channel(COMMANDS);
        let handle = stream.handle();
        let task = Task::new(stream, shared.clone(), admission, clock, observer);
        tokio::spawn(task.run(orders));
        Ok(PresenceTracker::new(shared, commands, handle, scopes, checked))
    }
}

impl<E: PresenceEvent> fmt::Debug for PresenceBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresenceBuilder")
            .field("stream", &self.stream)
            .field("users", &self.users.len())
            .field("needs_one_of", &self.needs_one_of)
            .field("most_users", &self.most_users)
            .field("requests", &self.requests)
            .finish()
    }
}

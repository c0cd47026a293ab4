//! One member as the handle and the merged stream both see it.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::join_all;
use futures::task::AtomicWaker;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::state::MemberState;
use crate::client::Client;
use crate::streaming::builder::StreamBuilder;
use crate::streaming::stream::{EventStream, StreamHandle};

/// What a member's stream is made with.
pub(super) type Settings = Arc<dyn Fn(StreamBuilder) -> StreamBuilder + Send + Sync>;

/// One member.
pub(super) struct Seat {
    pub(super) organisation: Arc<str>,
    about: Mutex<About>,
    /// Wakes the merged stream for this member.
    pub(super) waker: AtomicWaker,
    /// Held by the one replacement that is under way.
    pub(super) replacing: tokio::sync::Mutex<()>,
    /// Tells that a successor was taken or is no longer needed, or that the member was removed.
    pub(super) news: Notify,
}

pub(super) struct About {
    pub(super) client: Client,
    pub(super) settings: Settings,
    pub(super) phase: Phase,
    /// Whether another stream is about to take over.
    pub(super) awaits_successor: bool,
    /// The stream that takes over once this one has ended.
    pub(super) successor: Option<EventStream>,
    /// Whether nothing is taken from the stream.
    pub(super) paused: bool,
    /// Whether what is left is not delivered.
    pub(super) abandoned: bool,
    pub(super) removed: bool,
    /// Counts those that were put into the merged stream.
    pub(super) members: u64,
    pub(super) duplicates_removed: u64,
}

pub(super) enum Phase {
    /// A task starts it.
    Starting(Option<AbortHandle>),
    /// Its stream is in the merged stream.
    Running(StreamHandle),
    Ended(MemberState),
}

impl Seat {
    pub(super) fn new(organisation: Arc<str>, client: Client, settings: Settings) -> Arc<Self> {
        let about = About {
            client,
            settings,
            phase: Phase::Starting(None),
            awaits_successor: false,
            successor: None,
            paused: false,
            abandoned: false,
            removed: false,
            members: 0,
            duplicates_removed: 0,
        };
        Arc::new(Self {
            organisation,
            about: Mutex::new(about),
            waker: AtomicWaker::new(),
            replacing: tokio::sync::Mutex::default(),
            news: Notify::new(),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, About> {
        // No code of a user runs under the lock.
        self.about.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something that the merged stream acts on.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut About) -> T) -> T {
        let changed = change(&mut self.lock());
        self.waker.wake();
        changed
    }

    pub(super) fn state(&self) -> MemberState {
        let about = self.lock();
        if let Some(successor) = &about.successor {
            // The stream before it is closed, or about to be: this is the one that counts.
            return MemberState::Running(successor.state());
        }
        match &about.phase {
            Phase::Starting(_) => MemberState::Starting,
            Phase::Running(handle) => MemberState::Running(handle.state()),
            Phase::Ended(state) => state.clone(),
        }
    }

    /// Waits until something holds that [`news`](Self::news) tells of.
    pub(super) async fn until(&self, holds: impl Fn(&About) -> bool) {
        loop {
            let mut news = pin!(self.news.notified());
            // Before the look, so that what changes after it is not missed.
            news.as_mut().enable();
            if holds(&self.lock()) {
                return;
            }
            news.await;
        }
    }

    /// Ends it in an orderly way. What was received comes out all the same, of a successor too.
    ///
    /// It is begun by the call, and goes on when the future is dropped.
    pub(super) fn close(&self) -> impl Future<Output = ()> + use<> {
        let handles = self.change(|about| {
            about.removed = true;
            // What is left has to come out.
            about.paused = false;
            let mut handles: Vec<_> = about.successor.iter().map(EventStream::handle).collect();
            match &about.phase {
                Phase::Starting(task) => {
                    if let Some(task) = task {
                        task.abort();
                    }
                    about.phase = Phase::Ended(MemberState::closed());
                }
                Phase::Running(handle) => handles.push(handle.clone()),
                Phase::Ended(_) => {}
            }
            handles
        });
        self.news.notify_waiters();
        let closing: Vec<_> = handles.into_iter().map(closed).collect();
        async move {
            join_all(closing).await;
        }
    }

    /// Gives up what was not delivered.
    pub(super) fn abandon(&self) {
        self.change(|about| about.abandoned = true);
    }
}

/// Closes a stream on a task of its own: to tell it takes a part of a caller's turn, and one who closes many, or is dropped,
/// may have none left.
pub(super) fn closed(stream: StreamHandle) -> impl Future<Output = ()> {
    let closing = async move { stream.close().await };
    let runtime = Handle::try_current();
    let closing = match runtime {
        Ok(runtime) => Ok(runtime.spawn(closing)),
        // Without a runtime there are no turns.
        Err(_) => Err(closing),
    };
    async move {
        match closing {
            Ok(task) => drop(task.await),
            Err(closing) => closing.await,
        }
    }
}

//! Those who are told: each with a bounded queue of its own, so that none stops another.

use std::error::Error as StdError;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use futures::stream::{FusedStream, Stream, StreamExt};
use tokio::task::AbortHandle;

use super::cache::PresenceChange;
use crate::error::{Error, ErrorKind};
use crate::events::Lifecycle;
use crate::streaming::policy::Overflow;
use crate::streaming::queue::{Capacity, Receiver, Sender, Taken, queue};

/// What a subscriber is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PresenceItem {
    /// A user is in another state.
    Changed(PresenceChange),
    /// Changes of these users may have been missed; each stays so until heard of again.
    Stale {
        /// The users.
        users: Arc<[Arc<str>]>,
    },
    /// What happened to the stream.
    Lifecycle(Arc<Lifecycle>),
    /// This subscriber was too slow, and items were dropped here: look at the snapshot.
    Lagged {
        /// How many.
        dropped: u64,
    },
    /// The last item.
    Stopped {
        /// Why, unless the tracker was closed or dropped.
        error: Option<Arc<Error>>,
    },
}

/// Items of a [`PresenceTracker`](super::PresenceTracker), from [`subscribe`](super::PresenceTracker::subscribe).
///
/// # Cancel safety
/// Dropping the future of `next()` loses nothing.
#[must_use = "a stream does nothing until it is polled"]
pub struct PresenceStream {
    items: Receiver<PresenceItem>,
    ended: bool,
}

impl Stream for PresenceStream {
    type Item = PresenceItem;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<PresenceItem>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let item = match ready!(self.items.poll_take(cx)) {
            Some(Taken::Item(item)) => Some(item),
            Some(Taken::Dropped(dropped)) => Some(PresenceItem::Lagged { dropped }),
            None => {
                self.ended = true;
                let error = || Error::new(ErrorKind::Closed, "the tracker's runtime was shut down");
                let broken = || PresenceItem::Stopped { error: Some(Arc::new(error())) };
                self.items.is_broken().then(broken)
            }
        };
        Poll::Ready(item)
    }
}

impl FusedStream for PresenceStream {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl fmt::Debug for PresenceStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresenceStream").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// A subscriber's two ends.
pub(super) fn outlet(capacity: usize) -> (Sender<PresenceItem>, PresenceStream) {
    let (sender, items) = queue(Capacity::new(capacity, usize::MAX), Overflow::DropOldest);
    (sender, PresenceStream { items, ended: false })
}

/// What went wrong with subscribers.
#[derive(Debug, Default)]
pub(super) struct Mishaps {
    pub(super) dropped: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) panics: AtomicU64,
}

/// A callback that is told, from [`on_item`](super::PresenceTracker::on_item). Dropping this changes nothing.
#[derive(Clone, Debug)]
pub struct PresenceSubscriber {
    counts: Arc<Counts>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Counts {
    delivered: AtomicU64,
    failures: AtomicU64,
    panicked: AtomicBool,
}

impl PresenceSubscriber {
    /// Tells it no more. A call that is under way ends first.
    pub fn cancel(&self) {
        self.task.abort();
    }

    /// Whether it is told still.
    pub fn is_active(&self) -> bool {
        !self.task.is_finished()
    }

    /// How many items it was told, those that it failed at included.
    pub fn delivered(&self) -> u64 {
        self.counts.delivered.load(Ordering::Relaxed)
    }

    /// How often it returned an error.
    pub fn failures(&self) -> u64 {
        self.counts.failures.load(Ordering::Relaxed)
    }

    /// Whether it panicked, which ended it.
    pub fn has_panicked(&self) -> bool {
        self.counts.panicked.load(Ordering::Relaxed)
    }
}

/// Calls back on a task of its own.
pub(super) fn call_back<F>(
    mut stream: PresenceStream,
    mishaps: Arc<Mishaps>,
    mut callback: F,
) -> PresenceSubscriber
where
    F: FnMut(&PresenceItem) -> Result<(), Box<dyn StdError + Send + Sync>> + Send + 'static,
{
    let counts = Arc::new(Counts::default());
    let counted = counts.clone();
    let task = tokio::spawn(async move {
        while let Some(item) = stream.next().await {
            // After a panic it is not called again, so nobody sees what it left half done.
            let outcome = catch_unwind(AssertUnwindSafe(|| callback(&item)));
            counted.delivered.fetch_add(1, Ordering::Relaxed);
            match outcome {
                Ok(Ok(())) => {}
                Ok(Err(_)) => {
                    counted.failures.fetch_add(1, Ordering::Relaxed);
                    mishaps.failures.fetch_add(1, Ordering::Relaxed);
                }
                Err(_) => {
                    counted.panicked.store(true, Ordering::Relaxed);
                    mishaps.panics.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
            // A queue that is never empty must not keep the others of this thread waiting.
            tokio::task::yield_now().await;
        }
    });
    PresenceSubscriber { counts, task: task.abort_handle() }
}

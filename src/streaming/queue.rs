//! The bounded queue between a stream's tasks and its consumer.
//!
//! The bound counts items and bytes. What is not an event (lifecycle items, the final error) is never refused and
//! never dropped; its number is bounded because nothing dials while too much of it waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use super::policy::Overflow;

/// Items handed to the consumer under one lock.
const CHUNK: usize = 64;
/// Items that are not events which may wait before [`Sender::is_clogged`].
const CLOGGED: usize = 256;

/// The bound of a stream's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capacity {
    /// Most events that may wait. Default 8,192.
    pub items: usize,
    /// Most bytes of frames that may wait as events. Default 16 MiB.
    pub bytes: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { items: 8_192, bytes: 16 << 20 }
    }
}

impl Capacity {
    /// A bound in events and in bytes of their frames; at least one event.
    pub fn new(items: usize, bytes: usize) -> Self {
        Self { items: items.max(1), bytes: bytes.max(1) }
    }
}

/// One entry.
#[derive(Debug)]
enum Entry<T> {
    /// An event and the bytes of its frame.
    Event(T, usize),
    /// What must not be lost.
    Fixed(T),
    /// This many events were dropped here, of which the first is kept to be asked when it came.
    Dropped(u64, T),
}

/// What comes out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    /// An item.
    Item(T),
    /// This many events were dropped here.
    Dropped(u64),
}

struct State<T> {
    entries: VecDeque<Entry<T>>,
    /// Events and bytes that wait, those in the consumer's chunk included.
    items: usize,
    bytes: usize,
    fixed: usize,
    reader: Option<Waker>,
    done: bool,
    /// The last sender is gone, and nobody said that this was all.
    broken: bool,
    abandoned: bool,
    /// Nobody reads until the stream is closed.
    unread: bool,
    senders: usize,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    space: Notify,
    capacity: Capacity,
    overflow: Overflow,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No code of a user runs under the lock, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_unread(&self, yes: bool) {
        self.lock().unread = yes;
        self.space.notify_waiters();
    }

    /// What may wait: of a stream that is being closed by its reader, what is on its way too.
    fn capacity(&self, state: &State<T>) -> Capacity {
        let Capacity { items, bytes } = self.capacity;
        if !state.unread {
            return self.capacity;
        }
        let more = Capacity::default();
        Capacity {
            items: items.saturating_add(more.items),
            bytes: bytes.saturating_add(more.bytes),
        }
    }

    fn is_full(&self, state: &State<T>) -> bool {
        let Capacity { items, bytes } = self.capacity(state);
        state.items >= items || state.bytes >= bytes
    }
}

/// The writing end; clones write into the same queue.
pub(crate) struct Sender<T>(Arc<Shared<T>>);

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.lock().senders += 1;
        Self(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    /// A reader never waits for what nobody can send any more, not even after a panic.
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.senders -= 1;
        if state.senders == 0 && !state.done {
            (state.done, state.broken) = (true, true);
            let waker = state.reader.take();
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

/// The reading end.
pub(crate) struct Receiver<T> {
    shared: Arc<Shared<T>>,
    chunk: VecDeque<Entry<T>>,
    /// What the chunk counted when it was taken.
    chunk_items: usize,
    chunk_bytes: usize,
}

pub(crate) fn queue<T>(capacity: Capacity, overflow: Overflow) -> (Sender<T>, Receiver<T>) {
    let state = State {
        entries: VecDeque::new(),
        items: 0,
        bytes: 0,
        fixed: 0,
        reader: None,
        done: false,
        broken: false,
        senders: 1,
        abandoned: false,
        unread: false,
    };
    let state = Mutex::new(state);
    let shared = Arc::new(Shared { state, space: Notify::new(), capacity, overflow });
    let chunk = VecDeque::new();
    (Sender(shared.clone()), Receiver { shared, chunk, chunk_items: 0, chunk_bytes: 0 })
}

impl<T> Sender<T> {
    /// Queues events with the bytes of their frames, and says how many older ones were dropped for it.
    pub(crate) fn push(&self, events: impl IntoIterator<Item = (T, usize)>) -> u64 {
        let mut dropped = 0;
        let waker = {
            let mut state = self.0.lock();
            if state.abandoned {
                return 0;
            }
            for (event, bytes) in events {
                state.entries.push_back(Entry::Event(event, bytes));
                state.items += 1;
                state.bytes += bytes;
            }
            if self.0.overflow == Overflow::DropOldest {
                while state.items > self.0.capacity.items || state.bytes > self.0.capacity.bytes {
                    if !drop_oldest(&mut state) {
                        break;
                    }
                    dropped += 1;
                }
            }
            state.reader.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        dropped
    }

    /// Queues what must not be lost.
    pub(crate) fn push_fixed(&self, item: T) {
        let waker = {
            let mut state = self.0.lock();
            if state.abandoned {
                return;
            }
            state.entries.push_back(Entry::Fixed(item));
            state.fixed += 1;
            state.reader.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Nothing more will come.
    pub(crate) fn finish(&self) {
        let waker = {
            let mut state = self.0.lock();
            state.done = true;
            state.reader.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// How many more events and bytes fit: with [`Overflow::DropOldest`] always some.
    pub(crate) fn room(&self) -> Option<(usize, usize)> {
        if self.0.overflow == Overflow::DropOldest {
            return Some((CHUNK, usize::MAX));
        }
        let state = self.0.lock();
        (!self.0.is_full(&state)).then(|| {
            let Capacity { items, bytes } = self.0.capacity(&state);
            (items - state.items, bytes - state.bytes)
        })
    }

    /// Whether the consumer does not read until everything is closed.
    pub(crate) fn is_unread(&self) -> bool {
        self.0.lock().unread
    }

    /// Whether the consumer is gone.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.lock().abandoned
    }

    pub(crate) fn overflow(&self) -> Overflow {
        self.0.overflow
    }

    /// Whether the consumer is so far behind that dialling again would only pile up more.
    pub(crate) fn is_clogged(&self) -> bool {
        let state = self.0.lock();
        let full = self.0.overflow != Overflow::DropOldest && self.0.is_full(&state);
        !state.abandoned && (full || state.fixed > CLOGGED)
    }

    /// Whether a consumer that was too slow has taken at least half of what waited.
    pub(crate) fn has_caught_up(&self) -> bool {
        let state = self.0.lock();
        let Capacity { items, bytes } = self.0.capacity;
        state.abandoned || (state.items <= items / 2 && state.bytes <= bytes / 2)
    }

    /// Resolves once `condition` holds; it is asked again whenever the consumer took something.
    pub(crate) async fn until(&self, condition: impl Fn(&Self) -> bool) {
        loop {
            let mut taken = std::pin::pin!(self.0.space.notified());
            taken.as_mut().enable();
            if condition(self) {
                return;
            }
            taken.await;
        }
    }
}

/// Replaces the oldest event by a mark, or adds it to the mark before it.
fn drop_oldest<T>(state: &mut State<T>) -> bool {
    let Some(at) = state.entries.iter().position(|entry| matches!(entry, Entry::Event(..))) else {
        return false;
    };
    let Some(Entry::Event(event, bytes)) = state.entries.remove(at) else { return false };
    state.items -= 1;
    state.bytes -= bytes;
    match at.checked_sub(1).map(|before| &mut state.entries[before]) {
        Some(Entry::Dropped(count, _)) => *count += 1,
        _ => state.entries.insert(at, Entry::Dropped(1, event)),
    }
    true
}

impl<T> Receiver<T> {
    /// The next item; `None` after the last. Cancel-safe: nothing is taken unless it is returned.
    pub(crate) fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Option<Taken<T>>> {
        loop {
            match self.chunk.pop_front() {
                Some(Entry::Event(item, _) | Entry::Fixed(item)) => {
                    return Poll::Ready(Some(Taken::Item(item)));
                }
                Some(Entry::Dropped(count, _)) => return Poll::Ready(Some(Taken::Dropped(count))),
                None => {}
            }
            let mut state = self.shared.lock();
            let freed = self.chunk_items > 0;
            state.items -= std::mem::take(&mut self.chunk_items);
            state.bytes -= std::mem::take(&mut self.chunk_bytes);
            // A chunk is at most half of the bound, so that reading and writing overlap even with a small one.
            let most = CHUNK.min(self.shared.capacity.items.div_ceil(2)).min(state.entries.len());
            for entry in state.entries.drain(..most) {
                match &entry {
                    Entry::Event(_, bytes) => {
                        self.chunk_items += 1;
                        self.chunk_bytes += bytes;
                    }
                    Entry::Fixed(_) | Entry::Dropped(..) => {}
                }
                self.chunk.push_back(entry);
            }
            let fixed = self.chunk.iter().filter(|entry| matches!(entry, Entry::Fixed(_))).count();
            state.fixed -= fixed;
            let ended = state.done;
            if self.chunk.is_empty() && !ended {
                state.reader = Some(cx.waker().clone());
            }
            drop(state);
            if freed || fixed > 0 {
                self.shared.space.notify_waiters();
            }
            if self.chunk.is_empty() {
                return if ended { Poll::Ready(None) } else { Poll::Pending };
            }
        }
    }
}

impl<T> Receiver<T> {
    /// Shows everything that waits, in order; of events that were dropped the first.
    pub(crate) fn waiting(&self, mut see: impl FnMut(&T)) {
        let state = self.shared.lock();
        for entry in self.chunk.iter().chain(&state.entries) {
            match entry {
                Entry::Event(item, _) | Entry::Fixed(item) | Entry::Dropped(_, item) => see(item),
            }
        }
    }

    /// Says that nothing is taken until the returned guard is dropped, and that what comes meanwhile is to be kept: as much
    /// again as the default capacity.
    pub(crate) fn rest(&self) -> Rest<T> {
        self.shared.set_unread(true);
        Rest(self.shared.clone())
    }

    /// Whether there is no room for another event.
    pub(crate) fn is_full(&self) -> bool {
        self.shared.is_full(&self.shared.lock())
    }

    /// Whether the end came without being announced: a task of the stream panicked.
    pub(crate) fn is_broken(&self) -> bool {
        self.shared.lock().broken
    }
}

/// While it is there, nobody reads.
pub(crate) struct Rest<T>(Arc<Shared<T>>);

impl<T> Drop for Rest<T> {
    fn drop(&mut self) {
        self.0.set_unread(false);
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.abandoned = true;
        let entries = std::mem::take(&mut state.entries);
        state.items = 0;
        state.bytes = 0;
        state.fixed = 0;
        drop(state);
        drop(entries);
        self.shared.space.notify_waiters();
    }
}

#[cfg(test)]
mod tests;

//! What two streams of one organization both deliver, while one takes over from the other.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::time::{Duration, SystemTime};

use crate::events::Event;
use crate::streaming::delivery::Delivery;

/// Events of the old stream that are remembered: more than its queue holds by default, in about 2 MiB.
const KEPT: usize = 65_536;

/// How much later than the last event of the old stream the same one may come over the new one.
const BEHIND: Duration = Duration::from_secs(5);

/// What the old stream delivered: the same again from the new one is the same event.
///
/// A multiset: two changes that look alike are two events, and stay two.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    counts: HashMap<u64, u32>,
    order: VecDeque<u64>,
    /// When the last one came in.
    last: Option<SystemTime>,
}

impl Duplicates {
    /// Remembers an event; of too many the oldest are forgotten.
    pub(super) fn remember(&mut self, delivery: &Delivery) {
        let Some(mark) = mark(delivery) else { return };
        if self.order.len() >= KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.take(oldest);
        }
        self.last = self.last.max(Some(delivery.received_at));
        self.order.push_back(mark);
        *self.counts.entry(mark).or_default() += 1;
    }

    /// Whether an event was delivered before; it counts once.
    pub(super) fn was_delivered(&mut self, delivery: &Delivery) -> bool {
        mark(delivery).is_some_and(|mark| self.take(mark))
    }

    /// Whether an event came so late that neither it nor a later one can be the same as one of these.
    pub(super) fn are_past(&self, delivery: &Delivery) -> bool {
        let behind = |last: SystemTime| delivery.received_at.duration_since(last).ok();
        self.last.is_none_or(|last| behind(last).is_some_and(|behind| behind > BEHIND))
    }

    fn take(&mut self, mark: u64) -> bool {
        let Some(count) = self.counts.get_mut(&mark) else { return false };
        *count -= 1;
        if *count == 0 {
            self.counts.remove(&mark);
        }
        true
    }
}

/// What an event is known by: topic, correlation id and body. Items of the stream itself have none.
fn mark(delivery: &Delivery) -> Option<u64> {
    if matches!(delivery.event, Event::Lifecycle(_)) {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    delivery.topic.name().hash(&mut hasher);
    delivery.correlation_id.hash(&mut hasher);
    // Fails for nothing that was read: then it is known by the rest.
    let _ = serde_json::to_writer(Hashing(&mut hasher), &delivery.event);
    Some(hasher.finish())
}

/// Hashes what is written.
struct Hashing<'a>(&'a mut DefaultHasher);

impl io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::IntoTopic as _;
    use crate::streaming::delivery::Origin;

    fn delivery(topic: &str, correlation: &str, body: &str, second: u64) -> Delivery {
        let topic = topic.into_topic().unwrap();
        let body = serde_json::value::RawValue::from_string(body.to_owned()).unwrap();
        Delivery {
            event: Event::Unrecognized { topic: topic.clone(), body },
            topic,
            correlation_id: Some(correlation.into()),
            received_at: SystemTime::UNIX_EPOCH + Duration::from_secs(second),
            origin: Origin::Live,
            channel: None,
        }
    }

    #[test]
    fn an_event_is_known_by_topic_correlation_and_body_and_counts_once() {
        let mut seen = Duplicates::default();
        let event = delivery("v2.a", "c", "{\"n\":1}", 1);
        seen.remember(&event);
        for other in [
            delivery("v2.b", "c", "{\"n\":1}", 1),
            delivery("v2.a", "d", "{\"n\":1}", 1),
            delivery("v2.a", "c", "{\"n\":2}", 1),
        ] {
            assert!(!seen.was_delivered(&other), "{other:?}");
        }
        assert!(seen.was_delivered(&event));
        assert!(!seen.was_delivered(&event), "a second one is another event");
        seen.remember(&event);
        seen.remember(&event);
        assert!(seen.was_delivered(&event) && seen.was_delivered(&event));
        assert!(!seen.was_delivered(&event));
    }

    #[test]
    fn items_of_the_stream_itself_are_never_duplicates() {
        let mut seen = Duplicates::default();
        let own =
            Delivery::own(crate::events::Lifecycle::Lagged { dropped: 1 }, SystemTime::UNIX_EPOCH);
        seen.remember(&own);
        assert!(!seen.was_delivered(&own) && seen.are_past(&own));
    }

    #[test]
    fn what_comes_long_after_the_old_stream_is_no_duplicate() {
        let mut seen = Duplicates::default();
        seen.remember(&delivery("v2.a", "c", "1", 100));
        let later = |second| delivery("v2.a", "c", "1", second);
        assert!(!seen.are_past(&later(90)) && !seen.are_past(&later(105)));
        assert!(seen.are_past(&later(106)));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_are_forgotten() {
        let mut seen = Duplicates::default();
        let event = |n: usize| delivery("v2.a", "c", &n.to_string(), 1);
        (0..KEPT + 10).for_each(|n| seen.remember(&event(n)));
        assert_eq!((seen.order.len(), seen.counts.len()), (KEPT, KEPT));
        assert!(!seen.was_delivered(&event(9)) && seen.was_delivered(&event(10)));
    }
}

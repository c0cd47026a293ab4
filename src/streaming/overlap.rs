//! What two connections deliver both, taken out once.
//!
//! While one connection takes over from another, both deliver. What the old one delivered since the successor was
//! dialled is remembered as a multiset of fingerprints; when the successor speaks, an event that matches an entry takes
//! the entry out and is not delivered again. Two equal events that really were two have two entries.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ledger::LinkKey;

/// Fingerprints that are kept, the youngest; 65,536 take about 2 MiB, for as long as both connections are there.
const MOST: usize = 1 << 16;
/// How long after the switch the successor's events are still compared: what it has not delivered by then, it
/// never will, because it came before its beginning.
pub(crate) const AFTER_SWITCH: Duration = Duration::from_secs(5);

/// Stands for a message: a hash under a key of this process.
pub(crate) type Fingerprint = NonZeroU64;

/// A bounded multiset, the oldest entries dropped first.
#[derive(Debug)]
struct Window {
    counts: HashMap<Fingerprint, Count>,
    order: VecDeque<Fingerprint>,
    most: usize,
    len: usize,
}

#[derive(Debug, Default)]
struct Count {
    here: u32,
    /// Places in `order` whose entry was taken out.
    taken: u32,
}

impl Window {
    fn new(most: usize) -> Self {
        Self { counts: HashMap::new(), order: VecDeque::new(), most, len: 0 }
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn add(&mut self, print: Fingerprint) {
        if self.order.len() == self.most {
            self.drop_oldest();
        }
        self.order.push_back(print);
        self.counts.entry(print).or_default().here += 1;
        self.len += 1;
    }

    /// Takes one entry out, and says whether there was one.
    fn take(&mut self, print: Fingerprint) -> bool {
        let Some(count) = self.counts.get_mut(&print).filter(|count| count.here > 0) else {
            return false;
        };
        count.here -= 1;
        count.taken += 1;
        self.len -= 1;
        true
    }

    fn drop_oldest(&mut self) {
        let Some(print) = self.order.pop_front() else { return };
        let Some(count) = self.counts.get_mut(&print) else { return };
        // Of equal entries the oldest were taken out.
        if count.taken > 0 {
            count.taken -= 1;
        } else {
            count.here -= 1;
            self.len -= 1;
        }
        if count.here == 0 && count.taken == 0 {
            self.counts.remove(&print);
        }
    }
}

/// Two connections of which one takes over from the other.
#[derive(Debug)]
struct Pair {
    old: LinkKey,
    new: LinkKey,
    window: Window,
    /// When the successor's events are no longer compared; `None` before the switch.
    ends: Option<Instant>,
}

/// The overlap of a stream's connections; shared by its links.
#[derive(Debug, Default)]
pub(crate) struct Overlap {
    /// Whether there is a pair: asked for every frame, before the lock.
    active: AtomicBool,
    pair: Mutex<Option<Pair>>,
    keys: RandomState,
}

impl Overlap {
    fn lock(&self) -> MutexGuard<'_, Option<Pair>> {
        // No code of a user runs under the lock, so a poisoned state is still whole.
        self.pair.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on `new` may receive what `old` delivers too.
    pub(crate) fn begin(&self, old: LinkKey, new: LinkKey) {
        *self.lock() = Some(Pair { old, new, window: Window::new(MOST), ends: None });
        self.active.store(true, Ordering::Release);
    }

    /// The old connection is over, and the successor speaks.
    pub(crate) fn switch(&self, new: LinkKey, now: Instant) {
        let mut pair = self.lock();
        if let Some(pair) = pair.as_mut().filter(|pair| pair.new == new) {
            pair.ends.get_or_insert(now + AFTER_SWITCH);
        }
    }

    /// A connection is over. When it was the successor, there is nothing to compare any more.
    pub(crate) fn over(&self, link: LinkKey) {
        let mut pair = self.lock();
        if pair.as_ref().is_some_and(|pair| pair.new == link) {
            *pair = None;
            self.active.store(false, Ordering::Release);
        }
    }

    /// The fingerprint of a message and its topic, when anything is compared now.
    pub(crate) fn fingerprint(&self, topic: &str, message: &[u8]) -> Option<Fingerprint> {
        if !self.active.load(Ordering::Acquire) {
            return None;
        }
        let mut hasher = self.keys.build_hasher();
        topic.hash(&mut hasher);
        hasher.write(message);
        Some(NonZeroU64::new(hasher.finish()).unwrap_or(NonZeroU64::MIN))
    }

    /// Takes note of what `link` is about to deliver, and takes out what was delivered before. Entries of `prints` beside
    /// an item without a fingerprint are `None`. Says how many were taken out.
    pub(crate) fn settle<T>(
        &self,
        link: LinkKey,
        items: &mut Vec<T>,
        prints: &[Option<Fingerprint>],
        now: Instant,
    ) -> u64 {
        if prints.is_empty() || !self.active.load(Ordering::Acquire) {
            return 0;
        }
        let mut guard = self.lock();
        let Some(pair) = guard.as_mut() else { return 0 };
        if pair.old == link {
            prints.iter().flatten().for_each(|print| pair.window.add(*print));
            return 0;
        }
        if pair.new != link {
            return 0;
        }
        let ended = pair.ends.is_some_and(|ends| now >= ends);
        let mut taken = 0;
        if !ended {
            let mut prints = prints.iter();
            items.retain(|_| {
                let known = prints.next().copied().flatten().is_some_and(|p| pair.window.take(p));
                taken += u64::from(known);
                !known
            });
        }
        if ended || (pair.ends.is_some() && pair.window.is_empty()) {
            *guard = None;
            self.active.store(false, Ordering::Release);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn print(n: u64) -> Fingerprint {
        NonZeroU64::new(n + 1).unwrap()
    }

    fn some(numbers: &[u64]) -> Vec<Option<Fingerprint>> {
        numbers.iter().map(|n| Some(print(*n))).collect()
    }

    fn through(overlap: &Overlap, link: LinkKey, numbers: &[u64], now: Instant) -> Vec<u64> {
        let mut items = numbers.to_vec();
        let taken = overlap.settle(link, &mut items, &some(numbers), now);
        assert_eq!(taken, (numbers.len() - items.len()) as u64);
        items
    }

    #[test]
    fn what_both_deliver_comes_once_and_equal_events_stay_two() {
        let (overlap, now) = (Overlap::default(), Instant::now());
        overlap.begin(1, 2);
        assert_eq!(through(&overlap, 1, &[1, 7, 7, 2], now), [1, 7, 7, 2]);
        overlap.switch(2, now);
        assert_eq!(through(&overlap, 2, &[7, 7, 7, 2, 3], now), [7, 3], "the third 7 is another");
        assert_eq!(through(&overlap, 2, &[7, 2], now), [7, 2]);
    }

    #[test]
    fn the_window_ends_after_its_time_or_when_it_is_empty() {
        let (overlap, now) = (Overlap::default(), Instant::now());
        overlap.begin(1, 2);
        through(&overlap, 1, &[1, 2], now);
        overlap.switch(2, now);
        assert!(overlap.fingerprint("t", b"m").is_some());
        assert_eq!(through(&overlap, 2, &[1], now + AFTER_SWITCH), [1]);
        assert!(overlap.fingerprint("t", b"m").is_none());
        overlap.begin(2, 3);
        through(&overlap, 2, &[5], now);
        overlap.switch(3, now);
        assert!(through(&overlap, 3, &[5], now).is_empty());
        assert!(overlap.fingerprint("t", b"m").is_none());
    }

    #[test]
    fn a_successor_that_is_not_had_leaves_nothing_behind() {
        let (overlap, now) = (Overlap::default(), Instant::now());
        overlap.begin(1, 2);
        through(&overlap, 1, &[1], now);
        overlap.over(1);
        assert!(overlap.fingerprint("t", b"m").is_some(), "the old one may end first");
        overlap.over(2);
        assert!(overlap.fingerprint("t", b"m").is_none());
        assert_eq!(through(&overlap, 3, &[1], now), [1]);
    }

    #[test]
    fn topics_and_messages_make_different_fingerprints() {
        let overlap = Overlap::default();
        overlap.begin(1, 2);
        let of = |topic, message: &[u8]| overlap.fingerprint(topic, message).unwrap();
        assert_eq!(of("t", b"m"), of("t", b"m"));
        assert_ne!(of("t", b"m"), of("u", b"m"));
        assert_ne!(of("t", b"m"), of("t", b"n"));
    }

    proptest! {
        #[test]
        fn the_window_is_a_multiset_of_the_youngest(
            moves in proptest::collection::vec((any::<bool>(), 0u64..6), 0..200),
        ) {
            let mut window = Window::new(16);
            let mut model: VecDeque<(u64, bool)> = VecDeque::new();
            for (add, n) in moves {
                if add {
                    if model.len() == 16 {
                        model.pop_front();
                    }
                    model.push_back((n, true));
                    window.add(print(n));
                } else {
                    let found = model.iter_mut().find(|(m, here)| *m == n && *here);
                    prop_assert_eq!(window.take(print(n)), found.is_some());
                    if let Some((_, here)) = found {
                        *here = false;
                    }
                }
                prop_assert_eq!(window.len, model.iter().filter(|(_, here)| *here).count());
                prop_assert!(window.order.len() <= 16 && window.counts.len() <= 16);
            }
        }
    }
}

//! What two connections deliver both, taken out once.
//!
//! While one connection takes over from another, both deliver. What the old one delivered since the successor was
//! dialled is remembered as a multiset of fingerprints; an event of the successor that matches an entry takes the entry
//! out and is not delivered again. Two equal events that really were two have two entries.
//!
//! What makes two deliveries the same event is the [`fingerprint`](super::fingerprint): topic, correlation id and body, so
//! that metadata of a channel's own, or another order of the members, does not make it two. Outside the overlap of two
//! connections nothing is ever compared. What remains possible: an event that came before the successor's beginning, and
//! another after the end of the old one within [`AFTER_SWITCH`], of the same topic and transaction and equal in every byte
//! of the body, of which the second is taken for the first.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::fingerprint::Fingerprint;
use super::ledger::LinkKey;
use crate::core::limits::SILENCE;

/// Fingerprints that are kept, the youngest; 65,536 take about 2 MiB, for as long as both connections are there. Those
/// that the successor has delivered too are taken out as they come, so that a window holds little more than the one is
/// ahead of the other.
const MOST: usize = 1 << 16;
/// How long after the switch the successor's events are still compared, while it speaks: what it has not delivered by then,
/// it never will, because it came before its beginning.
pub(crate) const AFTER_SWITCH: Duration = Duration::from_secs(5);

/// Longest time without an event that counts towards [`AFTER_SWITCH`] as a whole: a fifth of it.
const LULL: Duration = Duration::from_secs(1);

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

/// Connections of which one takes over from the others.
#[derive(Debug)]
struct Pair {
    olds: Vec<LinkKey>,
    new: LinkKey,
    window: Window,
    /// For how long the successor's events are still compared; `None` before the switch.
    rest: Option<Rest>,
}

impl Pair {
    /// The successor has events: whether they are compared.
    fn compares(&mut self, now: Instant) -> bool {
        let Some(rest) = &mut self.rest else { return true };
        if !rest.is_over(now) {
            rest.heard(now);
        }
        !rest.is_over(now)
    }

    fn is_over(&self, now: Instant) -> bool {
        self.rest.as_ref().is_some_and(|rest| rest.is_over(now) || self.window.is_empty())
    }
}

/// Time in which a successor's events are still compared. A lull counts as little: what it has in common with the old ones
/// may be behind it.
#[derive(Debug)]
struct Rest {
    left: Duration,
    /// When its last events came; `None` while it is not read.
    last: Option<Instant>,
}

impl Rest {
    fn new(now: Instant) -> Self {
        Self { left: AFTER_SWITCH, last: Some(now) }
    }

    /// Events came.
    fn heard(&mut self, now: Instant) {
        if let Some(last) = self.last.replace(now) {
            self.left = self.left.saturating_sub(now.saturating_duration_since(last).min(LULL));
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        let lull = self.last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        self.left.is_zero() || lull > SILENCE
    }
}

/// The overlaps of a stream's connections; shared by its links.
#[derive(Debug, Default)]
pub(crate) struct Overlap {
    /// How many pairs there are: asked for every frame, before the lock.
    active: AtomicUsize,
    pairs: Mutex<Vec<Pair>>,
    /// Whether the consumer keeps fingerprints, to hand over to another process.
    kept: AtomicBool,
}

impl Overlap {
    fn lock(&self) -> MutexGuard<'_, Vec<Pair>> {
        // No code of a user runs under the lock, so a poisoned state is still whole.
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything is compared now.
    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire) > 0
    }

    /// From here on events have fingerprints, whether anything is compared or not.
    pub(crate) fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }

    /// Whether events have fingerprints now.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.is_active() || self.kept.load(Ordering::Relaxed)
    }

    fn count(&self, pairs: &[Pair]) {
        self.active.store(pairs.len(), Ordering::Release);
    }

    /// From here on `new` may receive what the others deliver too.
    pub(crate) fn begin(&self, olds: &[LinkKey], new: LinkKey) {
        let mut pairs = self.lock();
        pairs.retain(|pair| pair.new != new);
        pairs.push(Pair { olds: olds.to_vec(), new, window: Window::new(MOST), rest: None });
        self.count(&pairs);
    }

    /// The old connections are over, and the successor speaks.
    pub(crate) fn switch(&self, new: LinkKey, now: Instant) {
        let mut pairs = self.lock();
        if let Some(pair) = pairs.iter_mut().find(|pair| pair.new == new) {
            pair.rest.get_or_insert_with(|| Rest::new(now));
        }
    }

    /// Whether the successor that speaks is read. While it is not, what it has in common with the old ones still comes, and
    /// the time until it is no longer compared begins again after that.
    pub(crate) fn paused(&self, new: LinkKey, yes: bool, now: Instant) {
        let mut pairs = self.lock();
        let pair = pairs.iter_mut().find(|pair| pair.new == new);
        if let Some(rest) = pair.and_then(|pair| pair.rest.as_mut()) {
            *rest = Rest { last: (!yes).then_some(now), ..Rest::new(now) };
        }
    }

    /// A connection is over. When it was a successor, there is nothing to compare any more.
    pub(crate) fn over(&self, link: LinkKey) {
        let mut pairs = self.lock();
        pairs.retain(|pair| pair.new != link);
        self.count(&pairs);
    }

    /// Takes out what another link delivered before, items and fingerprints alike. Fingerprints are as many as items, or
    /// none; those of items without one are `None`. Says how many were taken out.
    pub(crate) fn sift<T>(
        &self,
        link: LinkKey,
        items: &mut Vec<T>,
        prints: &mut Vec<Option<Fingerprint>>,
        now: Instant,
    ) -> u64 {
        if prints.is_empty() || !self.is_active() {
            return 0;
        }
        let mut pairs = self.lock();
        let mut taken = 0;
        let mut own = pairs.iter_mut().find(|pair| pair.new == link);
        if let Some(pair) = own.take_if(|pair| pair.compares(now)) {
            prints.resize(items.len(), None);
            let known: Vec<bool> = prints
                .iter()
                .map(|print| print.is_some_and(|print| pair.window.take(print)))
                .collect();
            taken = known.iter().map(|known| u64::from(*known)).sum();
            if taken > 0 {
                let mut keep = known.iter().map(|known| !known);
                items.retain(|_| keep.next().unwrap_or(true));
                let mut keep = known.iter().map(|known| !known);
                prints.retain(|_| keep.next().unwrap_or(true));
            }
        }
        pairs.retain(|pair| !pair.is_over(now));
        self.count(&pairs);
        taken
    }

    /// Takes note of what `link` is about to deliver.
    pub(crate) fn note(&self, link: LinkKey, prints: &[Option<Fingerprint>]) {
        if prints.is_empty() || !self.is_active() {
            return;
        }
        let mut pairs = self.lock();
        for pair in pairs.iter_mut().filter(|pair| pair.olds.contains(&link)) {
            prints.iter().flatten().for_each(|print| pair.window.add(*print));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use proptest::prelude::*;

    use super::*;

    fn print(n: u64) -> Fingerprint {
        NonZeroU64::new(n + 1).unwrap()
    }

    fn some(numbers: &[u64]) -> Vec<Option<Fingerprint>> {
        numbers.iter().map(|n| Some(print(*n))).collect()
    }

    fn through(overlap: &Overlap, link: LinkKey, numbers: &[u64], now: Instant) -> Vec<u64> {
        let (mut items, mut prints) = (numbers.to_vec(), some(numbers));
        let taken = overlap.sift(link, &mut items, &mut prints, now);
        assert_eq!(taken, (numbers.len() - items.len()) as u64);
        assert_eq!(prints, some(&items));
        overlap.note(link, &prints);
        items
    }

    #[test]
    fn what_both_deliver_comes_once_and_equal_events_stay_two() {
        let (overlap, now) = (Overlap::default(), Instant::now());
        overlap.begin(&[1], 2);
        assert_eq!(through(&overlap, 1, &[1, 7, 7, 2], now), [1, 7, 7, 2]);
        overlap.switch(2, now);
        assert_eq!(through(&overlap, 2, &[7, 7, 7, 2, 3], now), [7, 3], "the third 7 is another");
        assert_eq!(through(&overlap, 2, &[7, 2], now), [7, 2]);
    }

    #[test]
    fn the_window_ends_after_its_time_or_when_it_is_empty() {
        let (overlap, now) = (Overlap::default(), Instant::now());
        overlap.begin(&[1], 2);
        through(&overlap, 1, &[1, 2], now);
        overlap.switch(2, now);
        for half in 1..10 {
            assert_eq!(through(&overlap, 2, &[9], now + half * LULL / 2), [9]);
            assert!(overlap.is_active());
        }
        assert_eq!(through(&overlap, 2, &[1], now + AFTER_SWITCH), [1]);
        assert!(!overlap.is_active());
        overlap.begin(&[2], 3);
        through(&overlap, 2, &[5], now);
        overlap.switch(3, now);
        assert!(through(&overlap, 3, &[5], now).is_empty());
        assert!(!overlap.is_active());
    }

    #[test]
    fn a_successor_that_falls_silent_repeats_nothing_when_it_speaks_again() {
        let (overlap, now) = (Overlap::default(), Instant::now());
        overlap.begin(&[1], 2);
        through(&overlap, 1, &[1, 2, 3], now);
        overlap.switch(2, now);
        let late = now + SILENCE;
        assert!(through(&overlap, 2, &[1], late).is_empty());
        assert!(through(&overlap, 2, &[2], late + LULL).is_empty());
        // Longer than a socket can be silent and live.
        assert_eq!(through(&overlap, 2, &[3], late + LULL + SILENCE * 2), [3]);
        assert!(!overlap.is_active());
    }

    #[test]
    fn a_successor_that_is_not_read_for_long_is_compared_all_the_same() {
        let (overlap, now) = (Overlap::default(), Instant::now());
        overlap.begin(&[1], 2);
        through(&overlap, 1, &[1, 2, 3], now);
        overlap.switch(2, now);
        overlap.paused(2, true, now);
        let late = now + AFTER_SWITCH * 100;
        assert!(through(&overlap, 2, &[1], late).is_empty());
        overlap.paused(2, false, late);
        assert!(through(&overlap, 2, &[2], late + AFTER_SWITCH / 2).is_empty());
        assert_eq!(through(&overlap, 2, &[3], late + SILENCE * 2), [3]);
    }

    #[test]
    fn two_may_be_replaced_by_one_and_a_successor_by_another_at_once() {
        let (overlap, now) = (Overlap::default(), Instant::now());
        overlap.begin(&[1, 2], 3);
        through(&overlap, 1, &[1, 2], now);
        through(&overlap, 2, &[11, 12], now);
        assert_eq!(through(&overlap, 4, &[1], now), [1], "no link of this pair");
        overlap.switch(3, now);
        overlap.begin(&[3], 5);
        assert_eq!(through(&overlap, 3, &[1, 11, 20], now), [20]);
        assert_eq!(
            through(&overlap, 5, &[1, 20], now),
            [1],
            "what was taken out was not delivered"
        );
        overlap.over(5);
        assert!(overlap.is_active());
        overlap.over(3);
        assert!(!overlap.is_active());
    }

    #[test]
    fn a_successor_that_is_not_had_leaves_nothing_behind() {
        let (overlap, now) = (Overlap::default(), Instant::now());
        overlap.begin(&[1], 2);
        through(&overlap, 1, &[1], now);
        overlap.over(1);
        assert!(overlap.is_active(), "the old one may end first");
        overlap.over(2);
        assert!(!overlap.is_active());
        assert_eq!(through(&overlap, 3, &[1], now), [1]);
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

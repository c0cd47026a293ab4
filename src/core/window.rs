//! A sliding window: at most so many of something in any stretch of time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// When the things of the last stretch of time happened.
///
/// Nothing is known of where somebody else's window begins, so ours slides: whatever stretch they count, it is under
/// the limit. Memory is bounded by the largest limit that is asked for.
#[derive(Clone, Debug)]
pub(crate) struct SlidingWindow {
    length: Duration,
    taken: VecDeque<Instant>,
}

impl SlidingWindow {
    pub(crate) fn new(length: Duration) -> Self {
        Self { length, taken: VecDeque::new() }
    }

    /// Drops what has left the window.
    pub(crate) fn forget(&mut self, now: Instant) {
        while self.taken.front().is_some_and(|taken| *taken + self.length <= now) {
            self.taken.pop_front();
        }
    }

    /// When one more is under the limit; `None` when it is now. Ask [`forget`](Self::forget) first.
    pub(crate) fn opens_at(&self, limit: usize) -> Option<Instant> {
        // The slot is free when all but `limit - 1` of those before have left the window.
        let blocking = self.taken.len().checked_sub(limit)?;
        self.taken.get(blocking).map(|taken| *taken + self.length)
    }

    /// How many things are in the window. Ask [`forget`](Self::forget) first.
    pub(crate) fn count(&self) -> usize {
        self.taken.len()
    }

    /// How many of them happened after this time.
    pub(crate) fn since(&self, time: Option<Instant>) -> usize {
        // What came late is at the end: the window is as long as one limit.
        self.taken.iter().rev().filter(|taken| time.is_none_or(|time| **taken > time)).count()
    }

    /// Takes a slot that is known to be free.
    pub(crate) fn take(&mut self, now: Instant) {
        self.taken.push_back(now);
    }

    /// Takes a slot whether it is free or not: for what happened without being asked. No more are kept than the limit.
    pub(crate) fn record(&mut self, now: Instant, limit: usize) {
        while self.taken.len() >= limit.max(1) {
            self.taken.pop_front();
        }
        self.taken.push_back(now);
    }

    /// Returns a slot that was taken at this time and not used.
    pub(crate) fn give_back(&mut self, slot: Instant) {
        if let Some(index) = self.taken.iter().rposition(|taken| *taken == slot) {
            self.taken.remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    proptest! {
        #[test]
        fn never_more_than_the_limit_in_any_window_and_the_wait_is_exact(
            limit in 1_usize..40,
            steps in proptest::collection::vec(0_u64..5_000, 1..300),
        ) {
            let mut now = Instant::now();
            let mut window = SlidingWindow::new(MINUTE);
            let mut sent: Vec<Instant> = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                window.forget(now);
                if let Some(at) = window.opens_at(limit) {
                    prop_assert!(at > now);
                    let just_before = at.checked_sub(Duration::from_nanos(1)).unwrap();
                    window.forget(just_before);
                    prop_assert!(window.opens_at(limit).is_some(), "it opens no earlier");
                    now = at;
                    window.forget(now);
                }
                prop_assert_eq!(window.opens_at(limit), None);
                window.take(now);
                sent.push(now);
                let within = sent.iter().filter(|at| **at + MINUTE > now).count();
                prop_assert!(within <= limit);
            }
        }
    }

    #[test]
    fn what_is_recorded_beyond_the_limit_closes_the_window_and_keeps_no_memory() {
        let mut window = SlidingWindow::new(MINUTE);
        let start = Instant::now();
        for second in 0..50 {
            window.record(start + Duration::from_secs(second), 3);
        }
        assert_eq!(window.taken.len(), 3);
        assert_eq!(window.opens_at(3), Some(start + Duration::from_secs(47) + MINUTE));
    }

    #[test]
    fn a_slot_that_is_given_back_is_free_again() {
        let mut window = SlidingWindow::new(MINUTE);
        let now = Instant::now();
        window.take(now);
        assert!(window.opens_at(1).is_some());
        window.give_back(now);
        assert_eq!(window.opens_at(1), None);
    }
}

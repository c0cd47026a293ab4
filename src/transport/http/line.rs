//! The line of those who wait for the rate limiter.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::transport::http::request::Priority;

/// Calls of users that may go while a backfill waits, before one of it does. Of the turns of users who wait, a backlog of
/// backfill takes a tenth, and a client whose users take everything still fills its gaps.
const TURNS: u32 = 9;

/// Those who wait, in the order in which they go: by priority, then by arrival.
///
/// [`Priority::Reconnect`] goes before everything, without exception: there are as many of them as channels, so they
/// starve nobody. [`Priority::Backfill`] goes behind [`Priority::User`], but for every tenth turn.
#[derive(Default)]
pub(crate) struct Line(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    places: BTreeMap<Key, Arc<Notify>>,
    /// Those that the platform refused, and until when they are expected back.
    away: BTreeMap<Key, Instant>,
    next: u64,
    passed_over: u32,
}

type Key = (Reverse<Priority>, u64);

/// When a request joined the line for the first time: it keeps its place when it is repeated.
pub(crate) type Ticket = Arc<OnceLock<u64>>;

/// A place in the line; dropping it lets the next one come forward.
pub(crate) struct Place {
    line: Arc<Line>,
    key: Key,
    called: Arc<Notify>,
}

impl Line {
    pub(crate) fn join(self: &Arc<Self>, priority: Priority, ticket: &Ticket) -> Place {
        let mut waiting = self.lock();
        let next = waiting.next;
        let number = *ticket.get_or_init(|| next);
        waiting.next = next + 1;
        let key = (Reverse(priority), number);
        let called = Arc::new(Notify::new());
        waiting.away.remove(&key);
        waiting.places.insert(key, called.clone());
        if priority == Priority::User && waiting.turns_to_backfill() {
            // It waits for what only backfill waits for, and may go now as a user.
            waiting.call();
        }
        Place { line: self.clone(), key, called }
    }

    /// A request that was refused comes back until `until`, and goes before those behind it.
    pub(crate) fn expect_back(
        &self,
        priority: Priority,
        ticket: &Ticket,
        now: Instant,
        until: Instant,
    ) {
        if let Some(number) = ticket.get() {
            let mut waiting = self.lock();
            waiting.away.retain(|_, until| *until > now);
            waiting.away.insert((Reverse(priority), *number), until);
        }
    }

    /// Lets the first one ask again: something has changed.
    pub(crate) fn call(&self) {
        self.lock().call();
    }

    /// How many wait with this priority.
    pub(crate) fn waiting(&self, priority: Priority) -> usize {
        let first = (Reverse(priority), 0);
        let last = (Reverse(priority), u64::MAX);
        self.lock().places.range(first..=last).count()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn first(&self) -> Option<(&Key, &Arc<Notify>)> {
        let top = self.places.first_key_value()?;
        if self.turns_to_backfill() {
            return self.backfill().or(Some(top));
        }
        Some(top)
    }

    /// Whether a backfill, if there is one, goes before users who wait.
    fn turns_to_backfill(&self) -> bool {
        let top = self.places.first_key_value();
        self.passed_over >= TURNS && top.is_some_and(|(key, _)| key.0.0 == Priority::User)
    }

    fn backfill(&self) -> Option<(&Key, &Arc<Notify>)> {
        self.places.range((Reverse(Priority::Backfill), 0)..).next()
    }

    fn call(&self) {
        if let Some((_, first)) = self.first() {
            first.notify_one();
        }
    }
}

impl Place {
    pub(crate) fn is_first(&self) -> bool {
        self.line.lock().first().is_some_and(|(key, _)| *key == self.key)
    }

    /// With which priority the first one asks. A backfill that has a turn of users asks as one of them: else they would wait
    /// for what only backfill has to wait for.
    pub(crate) fn asks_as(&self) -> Priority {
        let own = self.key.0.0;
        let is_users_turn = own == Priority::Backfill && self.line.lock().turns_to_backfill();
        if is_users_turn { Priority::User } else { own }
    }

    /// Until somebody before it has gone, or something has changed.
    pub(crate) async fn called(&self) {
        self.called.notified().await;
    }

    /// Until when somebody who was refused is expected back before it.
    pub(crate) fn held_until(&self, now: Instant) -> Option<Instant> {
        let mut waiting = self.line.lock();
        waiting.away.retain(|_, until| *until > now);
        waiting.away.range(..self.key).map(|(_, until)| *until).max()
    }

    /// It has its permit, and goes.
    pub(crate) fn serve(self) {
        let mut waiting = self.line.lock();
        waiting.passed_over = match self.key.0.0 {
            Priority::Backfill => 0,
            Priority::User if waiting.backfill().is_some() => waiting.passed_over + 1,
            _ => waiting.passed_over,
        };
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.line.lock();
        waiting.places.remove(&self.key);
        waiting.call();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt as _;

    use super::*;

    fn first(places: &[(&'static str, Place)]) -> Option<usize> {
        places.iter().position(|(_, place)| place.is_first())
    }

    /// Serves everyone, and tells the order.
    fn serve(mut places: Vec<(&'static str, Place)>) -> Vec<&'static str> {
        let mut order = Vec::new();
        while let Some(index) = first(&places) {
            let (name, place) = places.remove(index);
            place.serve();
            order.push(name);
        }
        assert!(places.is_empty(), "someone was never first");
        order
    }

    #[test]
    fn a_backfill_goes_at_every_tenth_turn_of_users_and_a_reconnect_before_everything() {
        let line = Arc::new(Line::default());
        let join = |priority| line.join(priority, &Ticket::default());
        let mut places: Vec<_> = (0..5).map(|_| ("backfill", join(Priority::Backfill))).collect();
        places.extend((0..40).map(|_| ("user", join(Priority::User))));
        places.extend((0..3).map(|_| ("reconnect", join(Priority::Reconnect))));
        assert_eq!([Priority::Backfill, Priority::User].map(|p| line.waiting(p)), [5, 40]);
        let order = serve(places);
        assert_eq!(order[..3], ["reconnect"; 3]);
        let of = |name| order.iter().enumerate().filter(move |(_, n)| **n == name).map(|(i, _)| i);
        assert_eq!(of("backfill").collect::<Vec<_>>(), [12, 22, 32, 42, 47]);
    }

    #[test]
    fn a_user_who_comes_when_a_backfill_has_its_turn_wakes_it() {
        let line = Arc::new(Line::default());
        let join = |priority| line.join(priority, &Ticket::default());
        let backfill = join(Priority::Backfill);
        (0..TURNS).for_each(|_| join(Priority::User).serve());
        // Each of them has called it; it waits for what only backfill waits for.
        while backfill.called().now_or_never().is_some() {}
        assert_eq!(backfill.asks_as(), Priority::Backfill);
        let user = join(Priority::User);
        assert!(backfill.is_first() && !user.is_first());
        assert!(backfill.called().now_or_never().is_some(), "else the user waits as long as it");
        assert_eq!(backfill.asks_as(), Priority::User);
        backfill.serve();
        assert!(user.is_first());
    }

    #[test]
    fn one_that_was_refused_keeps_its_place_and_those_behind_it_wait_for_it_a_while() {
        let line = Arc::new(Line::default());
        let (refused, now) = (Ticket::default(), Instant::now());
        line.join(Priority::User, &refused).serve();
        let second = line.join(Priority::User, &Ticket::default());
        let urgent = line.join(Priority::Reconnect, &Ticket::default());
        let back = now + Duration::from_secs(1);
        line.expect_back(Priority::User, &refused, now, back);
        assert_eq!((second.held_until(now), urgent.held_until(now)), (Some(back), None));
        let first = line.join(Priority::User, &refused);
        assert_eq!(second.held_until(now), None, "it is here");
        drop(urgent);
        assert!(first.is_first() && !second.is_first());
        line.expect_back(Priority::User, &Ticket::default(), now, back);
        assert_eq!(second.held_until(now), None, "who never was in line is not expected");
        first.serve();
        line.expect_back(Priority::User, &refused, now, back);
        assert_eq!(second.held_until(back), None, "it did not come");
        assert!(line.lock().away.is_empty());
    }
}

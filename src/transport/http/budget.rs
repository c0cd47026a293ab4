//! A retry budget: retries may add to the load, but not multiply it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::transport::http::classify::Class;

/// How many retries may be made, counted over everything that one client does. Plain data in, plain data out.
pub trait RetryBudget: Send + Sync {
    /// A request is made for the first time.
    fn deposit(&self, now: Instant);
    /// Asks for one retry after an outcome of this class; `false` means that the last answer has to do.
    fn withdraw(&self, now: Instant, class: Class) -> bool;
    /// How many retries could be made at once, for those who look; `None` of a budget that does not count.
    fn left(&self, now: Instant) -> Option<u32> {
        let _ = now;
        None
    }
}

const _: fn(&dyn RetryBudget) = |_| {};

/// The default: one retry for every five requests and one every second, at most ten saved up.
///
/// A fifth more load is what the retry budget of the HTTP library allows by default; one a second keeps a client that
/// makes few requests from running dry; ten are three requests that use all their retries at once. A retry at the time
/// that the platform itself named costs nothing: it is spaced by the platform, and adds to nobody's trouble.
#[derive(Debug)]
pub struct TokenBudget {
    state: Mutex<State>,
    per_request: f64,
    per_second: f64,
    most: f64,
}

#[derive(Debug)]
struct State {
    balance: f64,
    filled: Option<Instant>,
}

impl TokenBudget {
    /// A budget that earns `per_request` retries with every request and `per_second` with time, and saves up to `most`.
    ///
    /// What is negative or not a number counts as nothing.
    pub fn new(per_request: f64, per_second: f64, most: u32) -> Self {
        let most = f64::from(most);
        Self {
            state: Mutex::new(State { balance: most, filled: None }),
            // `max` also turns NaN into nothing.
            per_request: per_request.max(0.0),
            per_second: per_second.max(0.0),
            most,
        }
    }

    fn with<T>(&self, now: Instant, act: impl FnOnce(&mut f64) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let since = state.filled.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        state.filled = Some(state.filled.map_or(now, |at| at.max(now)));
        state.balance = (state.balance + since.as_secs_f64() * self.per_second).min(self.most);
        act(&mut state.balance)
    }
}

impl Default for TokenBudget {
    fn default() -> Self {
        Self::new(0.2, 1.0, 10)
    }
}

impl RetryBudget for TokenBudget {
    fn deposit(&self, now: Instant) {
        self.with(now, |balance| {
            *balance = (*balance + self.per_request).min(self.most);
        });
    }

    fn withdraw(&self, now: Instant, class: Class) -> bool {
        if matches!(class, Class::Throttled { wait: Some(_) }) {
            return true;
        }
        self.with(now, |balance| {
            // A little less than one: five deposits of 0.2 are one retry, whatever the rounding says.
            let enough = *balance >= 1.0 - 1e-9;
            if enough {
                *balance = (*balance - 1.0).max(0.0);
            }
            enough
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and a number that was a u32"
    )]
    fn left(&self, now: Instant) -> Option<u32> {
        Some(self.with(now, |balance| (*balance + 1e-9) as u32))
    }
}

/// No budget: every retry that the policy wants is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlimited;

impl RetryBudget for Unlimited {
    fn deposit(&self, _: Instant) {}

    fn withdraw(&self, _: Instant, _: Class) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_adds_a_fifth_and_no_more() {
        let budget = TokenBudget::new(0.2, 0.0, 10);
        let now = Instant::now();
        let mut retries = 0;
        for _ in 0..1000 {
            budget.deposit(now);
            retries += (0..3).filter(|_| budget.withdraw(now, Class::Transient)).count();
        }
        assert!((200..=210).contains(&retries), "{retries}");
    }

    #[test]
    fn time_refills_up_to_the_most() {
        let budget = TokenBudget::default();
        let now = Instant::now();
        let drained = |now| (0..100).filter(|_| budget.withdraw(now, Class::Transient)).count();
        assert_eq!(budget.left(now), Some(10));
        assert_eq!(drained(now), 10);
        assert_eq!(budget.left(now), Some(0));
        assert_eq!(drained(now + Duration::from_secs(3)), 3);
        assert_eq!(drained(now + Duration::from_secs(3600)), 10);
        assert_eq!(drained(now), 0, "a clock that steps back earns nothing");
    }

    #[test]
    fn a_retry_at_the_time_that_the_platform_named_is_free() {
        let budget = TokenBudget::new(0.0, 0.0, 0);
        let now = Instant::now();
        let told = Class::Throttled { wait: Some(Duration::from_secs(1)) };
        assert!(budget.withdraw(now, told));
        assert!(!budget.withdraw(now, Class::Throttled { wait: None }));
    }

    #[test]
    fn odd_numbers_do_not_make_retries() {
        let budget = TokenBudget::new(f64::NAN, -1.0, 0);
        let now = Instant::now();
        budget.deposit(now);
        assert!(!budget.withdraw(now + Duration::from_secs(10), Class::Transient));
    }
}

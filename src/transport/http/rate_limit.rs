//! The rate limiter seam, and a sliding window per token.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::core::limits;
use crate::core::window::SlidingWindow;
use crate::transport::http::request::Priority;

/// Says when a request may be sent. Plain data in, plain data out: whoever asks does the waiting.
///
/// Those who wait are asked for in the order of their priority, and of their arrival within one.
pub trait RateLimiter: Send + Sync {
    /// One request with the token of a generation wants to be sent.
    fn acquire(&self, now: Instant, token_generation: u64, priority: Priority) -> Grant;
}

const _: fn(&dyn RateLimiter) = |_| {};

/// A limiter's answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Grant {
    /// Send it, and settle the permit with what comes back.
    Go(Permit),
    /// Ask again at this time.
    WaitUntil(Instant),
}

/// What an answer says of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quota {
    /// When the answer came, or was given up.
    pub at: Instant,
    /// Its HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// Its `Retry-After`.
    pub retry_after: Option<Duration>,
    /// `inin-ratelimit-count`: retired in 2021, read where a gateway still sends it.
    pub count: Option<u32>,
    /// `inin-ratelimit-allowed`: likewise.
    pub allowed: Option<u32>,
    /// `inin-ratelimit-reset`: likewise; time to the end of the platform's window.
    pub reset: Option<Duration>,
}

impl Quota {
    /// Nothing is known but that a request was sent.
    pub fn unanswered(at: Instant) -> Self {
        Self { at, status: None, retry_after: None, count: None, allowed: None, reset: None }
    }
}

type Settle = Box<dyn FnOnce(Option<Quota>) + Send>;

/// The right to send one request.
#[must_use = "dropping a permit returns it unused"]
pub struct Permit(Option<Settle>);

impl Permit {
    /// A permit; `settle` is told once what came of it, or `None` when nothing was sent.
    pub fn new(settle: impl FnOnce(Option<Quota>) + Send + 'static) -> Self {
        Self(Some(Box::new(settle)))
    }

    /// The request was sent, and this is what came of it.
    pub fn settle(mut self, seen: Quota) {
        if let Some(settle) = self.0.take() {
            settle(Some(seen));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(settle) = self.0.take() {
            settle(None);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}

/// No limit of ours: only the platform's 429s.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLimit;

impl RateLimiter for NoLimit {
    fn acquire(&self, _: Instant, _: u64, _: Priority) -> Grant {
        Grant::Go(Permit::new(|_| {}))
    }
}

/// The window: limits are per minute. Source: limit keys `*.rate.per.minute`, see [`limits::REQUESTS_PER_MINUTE`].
const WINDOW: Duration = Duration::from_secs(60);

/// What is kept for streams that come back: one for each channel that a client may have, since each needs one request at least.
const RESERVE: u32 = 20;

/// Tokens that are counted at once: the current one, and those that requests in flight still carry.
const TOKENS: usize = 4;

/// Most that a header may raise the limit to: one instant is kept for each request of the window.
const MOST_ALLOWED: u32 = 10_000;

/// The default: at most so many requests of one token in any 60 seconds.
///
/// Nothing is known of where the platform's own window begins, so ours slides: whatever 60 seconds it counts, we are
/// under its limit. Some of it is kept for [`Priority::Reconnect`]. A 429 closes the window for its `Retry-After`;
/// one that asks for longer than a window is about another limit (such as a day's), and closes nothing here.
#[derive(Clone, Debug)]
pub struct WindowLimiter {
    state: Arc<Mutex<BTreeMap<u64, Window>>>,
    limit: u32,
    reserve: u32,
}

#[derive(Debug)]
struct Window {
    sent: SlidingWindow,
    closed_until: Option<Instant>,
    allowed: Option<u32>,
}

impl Default for Window {
    fn default() -> Self {
        Self { sent: SlidingWindow::new(WINDOW), closed_until: None, allowed: None }
    }
}

impl WindowLimiter {
    /// A limiter of `limit` requests a minute (at least 1), of which `reserve` are kept for streams that come back.
    pub fn new(limit: u32, reserve: u32) -> Self {
        let limit = limit.max(1);
        Self {
            state: Arc::default(),
            limit,
            // Someone without priority has to get through, too.
            reserve: reserve.min(limit - 1),
        }
    }
}

impl Default for WindowLimiter {
    /// [`limits::REQUESTS_PER_MINUTE`], and 20 of them kept: one for each channel that a client may have.
    fn default() -> Self {
        Self::new(limits::REQUESTS_PER_MINUTE, RESERVE)
    }
}

impl RateLimiter for WindowLimiter {
    fn acquire(&self, now: Instant, token_generation: u64, priority: Priority) -> Grant {
        let mut windows = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while windows.len() >= TOKENS && !windows.contains_key(&token_generation) {
            windows.pop_first();
        }
        let window = windows.entry(token_generation).or_default();
        window.forget(now);
        if let Some(until) = window.closed_until {
            return Grant::WaitUntil(until);
        }
        let limit = window.allowed.unwrap_or(self.limit);
        let open = match priority {
            Priority::Reconnect => limit,
            _ => limit.saturating_sub(self.reserve).max(1),
        } as usize;
        if let Some(at) = window.sent.opens_at(open) {
            return Grant::WaitUntil(at);
        }
        window.sent.take(now);
        let state = self.state.clone();
        Grant::Go(Permit::new(move |seen| {
            let mut windows = state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(window) = windows.get_mut(&token_generation) {
                match seen {
                    Some(quota) => window.learn(&quota),
                    None => window.sent.give_back(now),
                }
            }
        }))
    }
}

impl Window {
    fn forget(&mut self, now: Instant) {
        self.sent.forget(now);
        self.closed_until = self.closed_until.filter(|until| *until > now);
    }

    fn learn(&mut self, quota: &Quota) {
        if let Some(allowed) = quota.allowed.filter(|allowed| *allowed > 0) {
            self.allowed = Some(allowed.min(MOST_ALLOWED));
        }
        let spent = match (quota.count, quota.allowed) {
            (Some(count), Some(allowed)) if count >= allowed => quota.reset,
            _ => None,
        };
        let refused = match quota.status {
            Some(429) => quota.retry_after,
            _ => None,
        };
        let close = spent.max(refused).filter(|wait| *wait <= WINDOW);
        if let Some(wait) = close {
            self.closed_until = self.closed_until.max(Some(quota.at + wait));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn go(limiter: &WindowLimiter, now: Instant, priority: Priority) -> Result<(), Duration> {
        match limiter.acquire(now, 1, priority) {
            Grant::Go(permit) => {
                permit.settle(Quota::unanswered(now));
                Ok(())
            }
            Grant::WaitUntil(until) => Err(until - now),
        }
    }

    #[test]
    fn never_more_than_the_limit_in_any_minute_and_the_wait_is_exact() {
        for seed in 0..50 {
            let mut dice = fastrand::Rng::with_seed(seed);
            let limit = dice.u32(1..40);
            let limiter = WindowLimiter::new(limit, dice.u32(0..50));
            let mut now = Instant::now();
            let mut sent: Vec<Instant> = Vec::new();
            for _ in 0..600 {
                now += Duration::from_millis(dice.u64(0..3000));
                let priority =
                    [Priority::Backfill, Priority::User, Priority::Reconnect][dice.usize(0..3)];
                let at = match limiter.acquire(now, 1, priority) {
                    Grant::Go(permit) => {
                        permit.settle(Quota::unanswered(now));
                        now
                    }
                    Grant::WaitUntil(until) => {
                        assert!(until > now, "a wait must make progress");
                        now = until;
                        go(&limiter, now, priority)
                            .expect("the time it named is the time it opens");
                        now
                    }
                };
                sent.push(at);
                let minute = sent.iter().filter(|t| **t + WINDOW > at).count();
                assert!(minute <= limit as usize, "seed {seed}: {minute} > {limit}");
            }
        }
    }

    #[test]
    fn the_reserve_is_for_reconnects() {
        let limiter = WindowLimiter::new(10, 4);
        let now = Instant::now();
        for _ in 0..6 {
            go(&limiter, now, Priority::User).unwrap();
        }
        assert_eq!(go(&limiter, now, Priority::User), Err(S(60)));
        assert_eq!(go(&limiter, now, Priority::Backfill), Err(S(60)));
        for _ in 0..4 {
            go(&limiter, now, Priority::Reconnect).unwrap();
        }
        assert_eq!(go(&limiter, now, Priority::Reconnect), Err(S(60)));
    }

    #[test]
    fn a_dropped_permit_returns_its_slot() {
        let limiter = WindowLimiter::new(1, 0);
        let now = Instant::now();
        drop(limiter.acquire(now, 1, Priority::User));
        go(&limiter, now, Priority::User).unwrap();
        assert!(go(&limiter, now, Priority::User).is_err());
    }

    #[test]
    fn a_429_closes_the_window_for_its_retry_after_and_a_long_one_does_not() {
        let answer = |limiter: &WindowLimiter, now, status, wait| {
            let Grant::Go(permit) = limiter.acquire(now, 1, Priority::User) else {
                panic!("closed")
            };
            permit.settle(Quota {
                status: Some(status),
                retry_after: Some(wait),
                ..Quota::unanswered(now)
            });
        };
        let limiter = WindowLimiter::default();
        let now = Instant::now();
        answer(&limiter, now, 429, S(42));
        assert_eq!(go(&limiter, now, Priority::Reconnect), Err(S(42)));
        assert_eq!(go(&limiter, now + S(42), Priority::User), Ok(()));
        answer(&limiter, now + S(42), 429, S(3600));
        assert_eq!(go(&limiter, now + S(42), Priority::User), Ok(()));
        answer(&limiter, now + S(42), 503, S(10));
        assert_eq!(go(&limiter, now + S(42), Priority::User), Ok(()));
    }

    #[test]
    fn a_new_token_has_a_window_of_its_own_and_old_ones_are_forgotten() {
        let limiter = WindowLimiter::new(1, 0);
        let now = Instant::now();
        for generation in 0..100 {
            let grant = limiter.acquire(now, generation, Priority::User);
            let Grant::Go(permit) = grant else { panic!("{generation} had to wait") };
            permit.settle(Quota::unanswered(now));
        }
        assert!(limiter.state.lock().unwrap().len() <= TOKENS);
    }

    #[test]
    fn the_retired_headers_count_when_they_come() {
        let limiter = WindowLimiter::new(300, 0);
        let now = Instant::now();
        let Grant::Go(permit) = limiter.acquire(now, 1, Priority::User) else { panic!("closed") };
        permit.settle(Quota {
            status: Some(200),
            count: Some(20),
            allowed: Some(20),
            reset: Some(S(7)),
            ..Quota::unanswered(now)
        });
        assert_eq!(go(&limiter, now, Priority::User), Err(S(7)));
        let later = now + S(7);
        let taken = (0..100).filter(|_| go(&limiter, later, Priority::User).is_ok()).count();
        assert_eq!(taken, 19);
    }
}

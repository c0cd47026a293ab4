//! A sliding window per token.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::core::limits;
use crate::core::window::SlidingWindow;
use crate::transport::http::rate_limit::{
    Grant, NamedLimit, Permit, Quota, RateLimiter, WindowState,
};
use crate::transport::http::request::Priority;
use crate::transport::http::share::Share;

/// The window: limits are per minute. Source: limit keys `*.rate.per.minute`, see [`limits::REQUESTS_PER_MINUTE`].
const WINDOW: Duration = Duration::from_secs(60);

/// What is kept for streams that come back: one for each channel that a client may have, since each needs one request at least.
const RESERVE: u32 = 20;

/// Tokens that are counted at once: the current one, and those that requests in flight still carry.
const TOKENS: usize = 4;

/// Most that the platform may raise the limit to: one instant is kept for each request of the window.
const MOST_ALLOWED: u32 = 10_000;

/// How long the window is closed by a 429 that does not say how long. Source: what the official .NET and Java clients wait.
const UNTOLD: Duration = Duration::from_secs(3);

/// The default: at most so many requests of one token in any 60 seconds.
///
/// Nothing is known of where the platform's own window begins, so ours slides. A request counts from when it is sent
/// until 60 seconds after its answer: whenever the platform counted it in between, and whatever 60 seconds it looks at, we
/// are under its limit. Some of it is kept for [`Priority::Reconnect`].
///
/// A 429 closes the window for its `Retry-After`; one that asks for longer than a window, or whose body names another
/// limit, is about that limit (such as a day's), and closes nothing here. Since we count, a 429 means that somebody else
/// sends with the same token: the limiter then settles for what went well in the platform's window so far, spaces its
/// requests evenly, and tries for a twentieth of the limit more after each window without a 429. Requests of
/// [`Priority::Reconnect`] are not spaced.
#[derive(Clone, Debug)]
pub struct WindowLimiter {
    state: Arc<Mutex<State>>,
    reserve: u32,
    length: Duration,
}

#[derive(Debug)]
struct State {
    limit: u32,
    /// What the platform may not raise the limit over.
    most: u32,
    windows: BTreeMap<u64, Window>,
}

#[derive(Debug)]
struct Window {
    length: Duration,
    /// By the times of their answers.
    answered: SlidingWindow,
    under_way: usize,
    closed_until: Option<Instant>,
    allowed: Option<u32>,
    share: Option<Share>,
    /// The last one that was spaced.
    spaced: Option<Instant>,
}

impl WindowLimiter {
    /// A limiter of `limit` requests a minute (at least 1), of which `reserve` are kept for streams that come back.
    ///
    /// It never sends more than `limit`, whatever the platform says that it would take.
    pub fn new(limit: u32, reserve: u32) -> Self {
        Self::up_to(limit, reserve, limit)
    }

    fn up_to(limit: u32, reserve: u32, most: u32) -> Self {
        let limit = limit.clamp(1, MOST_ALLOWED);
        let state = State { limit, most: most.max(limit), windows: BTreeMap::new() };
        Self {
            state: Arc::new(Mutex::new(state)),
            // Someone without priority has to get through, too.
            reserve: reserve.min(limit - 1),
            length: WINDOW,
        }
    }

    /// The length of the window, for what counts in other times than minutes; the default is 60 s.
    #[must_use]
    pub fn window(mut self, length: Duration) -> Self {
        self.length = length.max(Duration::from_millis(1));
        self
    }
}

impl Default for WindowLimiter {
    /// [`limits::REQUESTS_PER_MINUTE`] until the platform says otherwise, and 20 of them kept: one for each channel that a
    /// client may have.
    fn default() -> Self {
        Self::up_to(limits::REQUESTS_PER_MINUTE, RESERVE, MOST_ALLOWED)
    }
}

impl RateLimiter for WindowLimiter {
    fn acquire(&self, now: Instant, token_generation: u64, priority: Priority) -> Grant {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (limit, most) = (state.limit, state.most);
        let windows = &mut state.windows;
        while windows.len() >= TOKENS && !windows.contains_key(&token_generation) {
            windows.pop_first();
        }
        let window = windows.entry(token_generation).or_insert_with(|| Window::new(self.length));
        window.forget(now, limit.min(most));
        if let Some(until) = window.closed_until {
            return Grant::WaitUntil(until);
        }
        let total = window.limit(limit, most);
        let kept = match priority {
            Priority::Reconnect => 0,
            _ => window.reserved(total, self.reserve),
        };
        if let Some(at) = window.opens_at(total.saturating_sub(kept).max(1), now) {
            return Grant::WaitUntil(at);
        }
        if priority != Priority::Reconnect {
            if let Some(at) = window.next_spaced().filter(|at| *at > now) {
                return Grant::WaitUntil(at);
            }
            window.spaced = Some(now);
        }
        window.under_way += 1;
        let state = self.state.clone();
        Grant::Go(Permit::new(move |seen| {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let (limit, most) = (state.limit, state.most);
            if let Some(window) = state.windows.get_mut(&token_generation) {
                window.settle(now, seen, limit, most);
            }
        }))
    }

    fn state(&self, now: Instant) -> Option<WindowState> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (limit, most) = (state.limit, state.most);
        let reserve = self.reserve.min(limit - 1);
        let Some(mut newest) = state.windows.last_entry() else {
            return Some(WindowState { reserved: reserve, ..WindowState::new(limit, 0) });
        };
        let window = newest.get_mut();
        window.forget(now, limit.min(most));
        let total = window.limit(limit, most);
        let sent = window.answered.count().saturating_add(window.under_way);
        Some(WindowState {
            most: limit,
            reserved: window.reserved(total, self.reserve),
            closed_until: window.closed_until,
            ..WindowState::new(total, u32::try_from(sent).unwrap_or(u32::MAX))
        })
    }

    fn adapt(&self, per_minute: u32) {
        let in_window = u128::from(per_minute) * self.length.as_nanos() / WINDOW.as_nanos();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.limit = u32::try_from(in_window).unwrap_or(u32::MAX).clamp(1, state.most);
    }
}

impl Window {
    fn new(length: Duration) -> Self {
        Self {
            length,
            answered: SlidingWindow::new(length),
            under_way: 0,
            closed_until: None,
            allowed: None,
            share: None,
            spaced: None,
        }
    }

    fn forget(&mut self, now: Instant, limit: u32) {
        self.answered.forget(now);
        self.closed_until = self.closed_until.filter(|until| *until > now);
        self.share = self.share.and_then(|share| share.later(limit, self.length, now));
    }

    /// Requests in the window, for everyone together.
    fn limit(&self, limit: u32, most: u32) -> u32 {
        let limit = self.allowed.unwrap_or(limit).min(most);
        self.share.map_or(limit, |share| share.limit().min(limit))
    }

    /// What is kept of it: of a share, half at most.
    fn reserved(&self, total: u32, reserve: u32) -> u32 {
        let most = if self.share.is_some() { total / 2 } else { total.saturating_sub(1) };
        reserve.min(most)
    }

    /// When one more is under the limit; `None` when it is now.
    fn opens_at(&self, limit: u32, now: Instant) -> Option<Instant> {
        match (limit as usize).checked_sub(self.under_way) {
            // None of those under way leaves the window earlier. If one turns out not to have been sent, who waits is woken.
            None | Some(0) => Some(now + self.length),
            Some(left) => self.answered.opens_at(left),
        }
    }

    fn next_spaced(&self) -> Option<Instant> {
        Some(self.spaced? + self.share?.spacing(self.length))
    }

    /// What became of a request that went at `sent`.
    fn settle(&mut self, sent: Instant, seen: Option<Quota>, limit: u32, most: u32) {
        self.under_way = self.under_way.saturating_sub(1);
        let Some(quota) = seen else { return };
        if let Some(allowed) = quota.allowed.filter(|allowed| *allowed > 0) {
            self.allowed = Some(allowed.min(MOST_ALLOWED));
        }
        let spent = match (quota.count, quota.allowed) {
            (Some(count), Some(allowed)) if count >= allowed => quota.reset,
            _ => None,
        };
        let is_ours = quota.status == Some(429) && quota.named != Some(NamedLimit::Other);
        let refused = is_ours
            .then(|| quota.retry_after.unwrap_or(UNTOLD))
            .filter(|wait| *wait <= self.length);
        if let Some(wait) = refused {
            self.shrink(sent, &quota, wait, limit.min(most));
        }
        self.answered.take(quota.at);
        if let Some(wait) = spent.max(refused).filter(|wait| *wait <= self.length) {
            self.closed_until = self.closed_until.max(Some(quota.at + wait));
        }
    }

    /// The platform's window ends after `wait`, or lets one more in then: what was answered since a window before that is
    /// ours, and fitted.
    fn shrink(&mut self, sent: Instant, quota: &Quota, wait: Duration, limit: u32) {
        if let Some(NamedLimit::Requests(Some(named))) = quota.named {
            self.allowed = Some(named.clamp(1, MOST_ALLOWED));
        }
        let began = quota.at.checked_sub(self.length.saturating_sub(wait));
        let fitted = u32::try_from(self.answered.since(began)).unwrap_or(u32::MAX);
        let limit = self.allowed.unwrap_or(limit).min(limit);
        self.share = Some(Share::after_refusal(self.share, limit, fitted, sent, quota.at));
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
        assert_eq!(go(&limiter, now + S(42), Priority::Reconnect), Ok(()));
        answer(&limiter, now + S(42), 429, S(3600));
        assert_eq!(go(&limiter, now + S(42), Priority::Reconnect), Ok(()));
        answer(&limiter, now + S(43), 503, S(10));
        assert_eq!(go(&limiter, now + S(43), Priority::Reconnect), Ok(()));
    }

    fn refuse(limiter: &WindowLimiter, now: Instant, wait: Option<Duration>, named: NamedLimit) {
        let Grant::Go(permit) = limiter.acquire(now, 1, Priority::Reconnect) else {
            panic!("closed")
        };
        permit.settle(Quota {
            status: Some(429),
            retry_after: wait,
            named: Some(named),
            ..Quota::unanswered(now)
        });
    }

    #[test]
    fn a_429_under_our_limit_leaves_what_went_well_in_the_platforms_window_and_spaces_it() {
        let limiter = WindowLimiter::new(300, 20);
        let now = Instant::now();
        // The window of before: it does not count for the one that refuses.
        (0..60).for_each(|_| go(&limiter, now, Priority::User).unwrap());
        let later = now + S(20);
        (0..200).for_each(|_| go(&limiter, later, Priority::User).unwrap());
        refuse(&limiter, later + S(1), Some(S(45)), NamedLimit::Requests(None));
        let state = limiter.state(later + S(1)).unwrap();
        assert_eq!((state.limit, state.most, state.reserved), (180, 300, 20));
        assert_eq!(state.closed_until, Some(later + S(46)));
        assert_eq!(state.left(Priority::Reconnect), 0);
        let opens = now + S(81);
        assert_eq!(go(&limiter, opens, Priority::User), Ok(()));
        let spacing = WINDOW / 195;
        assert_eq!(go(&limiter, opens, Priority::User), Err(spacing));
        assert_eq!(go(&limiter, opens, Priority::Backfill), Err(spacing));
        assert_eq!(go(&limiter, opens, Priority::Reconnect), Ok(()));
        assert_eq!(go(&limiter, opens + spacing, Priority::User), Ok(()));
        let state = limiter.state(opens + S(600)).unwrap();
        assert_eq!((state.limit, state.sent), (300, 0));
        assert_eq!(state.left(Priority::User), 280);
    }

    #[test]
    fn a_429_about_another_limit_is_none_of_ours_and_one_that_says_nothing_closes_shortly() {
        let now = Instant::now();
        let limiter = WindowLimiter::default();
        refuse(&limiter, now, Some(S(30)), NamedLimit::Other);
        assert_eq!(limiter.state(now).unwrap().limit, 300);
        assert_eq!(go(&limiter, now, Priority::User), Ok(()));
        refuse(&limiter, now, None, NamedLimit::Requests(Some(120)));
        assert_eq!(go(&limiter, now, Priority::Reconnect), Err(UNTOLD));
        assert!(limiter.state(now).unwrap().limit <= 120);
    }

    #[test]
    fn the_platform_may_raise_the_default_and_only_lower_what_the_owner_said() {
        let now = Instant::now();
        let limit = |limiter: WindowLimiter, says| {
            limiter.adapt(says);
            limiter.state(now).unwrap().limit
        };
        assert_eq!(limit(WindowLimiter::default(), 600), 600);
        assert_eq!(limit(WindowLimiter::default(), 0), 1);
        assert_eq!(limit(WindowLimiter::default(), u32::MAX), MOST_ALLOWED);
        assert_eq!(limit(WindowLimiter::new(100, 5), 600), 100);
        assert_eq!(limit(WindowLimiter::new(100, 5), 60), 60);
        assert_eq!(limit(WindowLimiter::default().window(S(6)), 600), 60);
    }

    #[test]
    fn a_request_counts_until_a_window_after_its_answer() {
        let limiter = WindowLimiter::new(2, 0);
        let now = Instant::now();
        let [first, second] = [(); 2].map(|()| limiter.acquire(now, 1, Priority::User));
        assert_eq!(go(&limiter, now + S(59), Priority::User), Err(S(60)), "both are under way");
        let (Grant::Go(first), Grant::Go(second)) = (first, second) else { panic!("closed") };
        first.settle(Quota::unanswered(now + S(30)));
        assert_eq!(go(&limiter, now + S(61), Priority::User), Err(S(29)));
        drop(second);
        assert_eq!(go(&limiter, now + S(61), Priority::User), Ok(()), "it was never sent");
    }

    #[test]
    fn a_new_token_has_a_window_of_its_own_and_old_ones_are_forgotten() {
        let limiter = WindowLimiter::new(1, 0);
        let now = Instant::now();
        assert_eq!(limiter.state(now), Some(WindowState::new(1, 0)));
        for generation in 0..100 {
            let grant = limiter.acquire(now, generation, Priority::User);
            let Grant::Go(permit) = grant else { panic!("{generation} had to wait") };
            permit.settle(Quota::unanswered(now));
        }
        assert!(limiter.state.lock().unwrap().windows.len() <= TOKENS);
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

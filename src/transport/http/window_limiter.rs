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

/// Of what is not reserved, backfill takes at most a half, so that users who come after a backlog of it find the other: two
/// fifths as it comes, while no more than that is used by all together, and a tenth spread over the window, which it has
/// also while users take much. Less than a half would help only users who take more than the other at once.
const BACKFILL_FREE: (u32, u32) = (2, 5);
const BACKFILL_SPREAD: u32 = 10;

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
/// are under its limit. Some of it is kept for [`Priority::Reconnect`], and half of the rest for
/// [`Priority::User`].
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
    /// The last one of backfill.
    backfill: Option<Instant>,
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
        let rest = total.saturating_sub(kept).max(1);
        let opens = match priority {
            Priority::Backfill => window.opens_to_backfill(rest, now),
            _ => window.opens_at(rest, now),
        };
        if let Some(at) = opens {
            return Grant::WaitUntil(at);
        }
        if priority != Priority::Reconnect {
            if let Some(at) = window.next_spaced().filter(|at| *at > now) {
                return Grant::WaitUntil(at);
            }
            window.spaced = Some(now);
        }
        if priority == Priority::Backfill {
            window.backfill = Some(now);
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
        let Some(mut newest) = state.windows.last_entry() else {
            let reserved = self.reserve.min(limit - 1);
            let for_users = for_users(limit - reserved);
            return Some(WindowState { reserved, for_users, ..WindowState::new(limit, 0) });
        };
        let window = newest.get_mut();
        window.forget(now, limit.min(most));
        let total = window.limit(limit, most);
        let sent = window.answered.count().saturating_add(window.under_way);
        let reserved = window.reserved(total, self.reserve);
        Some(WindowState {
            most: limit,
            reserved,
            for_users: for_users(total.saturating_sub(reserved)),
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

/// What backfill does not take as it comes, of what is not reserved.
fn for_users(rest: u32) -> u32 {
    rest.saturating_sub(backfill_free(rest))
}

fn backfill_free(rest: u32) -> u32 {
    let (part, of) = BACKFILL_FREE;
    let free = u64::from(rest) * u64::from(part) / u64::from(of);
    u32::try_from(free).unwrap_or(rest).max(1)
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
            backfill: None,
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

    /// When one more of backfill may go, of what is not reserved: when little is used, or when the last one was long ago and
    /// there is room.
    fn opens_to_backfill(&self, rest: u32, now: Instant) -> Option<Instant> {
        let free = self.opens_at(backfill_free(rest), now)?;
        let spacing = (self.length / rest).saturating_mul(BACKFILL_SPREAD);
        let turn = self.backfill.map(|last| last + spacing).filter(|at| *at > now);
        let spread = turn.max(self.opens_at(rest, now))?;
        Some(free.min(spread))
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
mod tests;

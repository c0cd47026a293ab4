//! The rate limiter seam.

use std::fmt;
use std::time::{Duration, Instant};

use crate::transport::http::request::Priority;

/// Says when a request may be sent. Plain data in, plain data out: whoever asks does the waiting.
///
/// Those who wait are asked for in the order of their priority, and of their arrival within one; see [`Priority`]. Only the
/// first one asks, so that the end of a wait wakes one and not all. One of backfill that has a turn of users asks as one of
/// them.
pub trait RateLimiter: Send + Sync {
    /// One request with the token of a generation wants to be sent.
    fn acquire(&self, now: Instant, token_generation: u64, priority: Priority) -> Grant;

    /// Where the newest token stands, for those who look; `None` of a limiter that does not count.
    fn state(&self, now: Instant) -> Option<WindowState> {
        let _ = now;
        None
    }

    /// The platform says how many requests of one token it takes in a minute. A limiter that has its number from its
    /// owner leaves it at that.
    fn adapt(&self, per_minute: u32) {
        let _ = per_minute;
    }
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

/// Where a limiter stands with one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowState {
    /// Requests that are allowed in a window now: less than `most` while somebody else seems to use the same token.
    pub limit: u32,
    /// Requests that the platform allows in a window, as far as is known.
    pub most: u32,
    /// Those of the limit that are kept for [`Priority::Reconnect`].
    pub reserved: u32,
    /// Those of the others that backfill leaves to users, but for a few spread over the window.
    pub for_users: u32,
    /// Requests that count in the window, those under way among them.
    pub sent: u32,
    /// Nothing goes before this time: the platform said so by a 429.
    pub closed_until: Option<Instant>,
}

impl WindowState {
    /// A window with a limit of which so many are used, and nothing special about it.
    pub fn new(limit: u32, sent: u32) -> Self {
        Self { limit, most: limit, reserved: 0, for_users: 0, sent, closed_until: None }
    }

    /// How many requests of a priority may go at once.
    pub fn left(&self, priority: Priority) -> u32 {
        let kept = match priority {
            Priority::Reconnect => 0,
            Priority::User => self.reserved,
            Priority::Backfill => self.reserved.saturating_add(self.for_users),
        };
        if self.closed_until.is_some() {
            0
        } else {
            self.limit.saturating_sub(kept).saturating_sub(self.sent)
        }
    }
}

/// Which limit a 429 is about, as its body names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NamedLimit {
    /// That of requests in a minute, with its number when it says so.
    Requests(Option<u32>),
    /// Another one, such as that of an operation or of a service: it says nothing of other requests.
    Other,
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
    /// Which limit was hit, where a 429 names it.
    pub named: Option<NamedLimit>,
}

impl Quota {
    /// Nothing is known but that a request was sent.
    pub fn unanswered(at: Instant) -> Self {
        Self {
            at,
            status: None,
            retry_after: None,
            count: None,
            allowed: None,
            reset: None,
            named: None,
        }
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

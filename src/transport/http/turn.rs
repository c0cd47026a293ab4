//! Waiting for the rate limiter, those with priority first.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::core::ports::BoxFuture;
use crate::diagnostics::observer::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::ambient::Ambient;
use crate::transport::http::executor::Execute;
use crate::transport::http::line::Line;
use crate::transport::http::rate_limit::{
    Grant, NamedLimit, Permit, Quota, RateLimiter, WindowState,
};
use crate::transport::http::request::{Priority, Request};
use crate::transport::http::response::Response;

/// How much later than the platform said a refused request may come back, and still goes before those behind it: the
/// jitter of the first repetition.
const BACK: Duration = Duration::from_millis(500);

/// Longest `Retry-After` for which those behind a refused request wait for it: a longer one is about another limit.
const LONGEST_AWAY: Duration = Duration::from_secs(60);

/// An executor that sends when the limiter says so.
pub(crate) struct Limited {
    inner: Arc<dyn Execute>,
    limiter: Arc<dyn RateLimiter>,
    line: Arc<Line>,
    /// Longest wait that is sat out.
    longest: Duration,
    refused: AtomicU64,
    ambient: Ambient,
}

impl Limited {
    pub(crate) fn new(
        inner: Arc<dyn Execute>,
        limiter: Arc<dyn RateLimiter>,
        longest: Duration,
        ambient: Ambient,
    ) -> Self {
        let refused = AtomicU64::new(0);
        Self { inner, limiter, line: Arc::default(), longest, refused, ambient }
    }

    /// Where the limiter stands.
    pub(crate) fn state(&self) -> Option<WindowState> {
        self.limiter.state(self.ambient.clock.now())
    }

    /// The platform says what the limit is.
    pub(crate) fn adapt(&self, per_minute: u32) {
        self.limiter.adapt(per_minute);
        self.line.call();
    }

    /// Calls that wait with this priority.
    pub(crate) fn waiting(&self, priority: Priority) -> usize {
        self.line.waiting(priority)
    }

    /// Answers with the status 429 so far.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    async fn permit(&self, request: &Request) -> Result<Permit> {
        let place = self.line.join(request.priority, &request.ticket);
        let mut told = false;
        loop {
            if !place.is_first() {
                place.called().await;
                continue;
            }
            let now = self.ambient.clock.now();
            // Only a limiter that makes us wait makes us wait for others.
            let held = if told { place.held_until(now) } else { None };
            let until = match held {
                Some(until) => until,
                None => match self.limiter.acquire(now, request.generation, place.asks_as()) {
                    Grant::Go(permit) => {
                        place.serve();
                        return Ok(permit);
                    }
                    Grant::WaitUntil(until) => until,
                },
            };
            let wait = until.saturating_duration_since(now);
            if wait > self.longest {
                return Err(Error::new(
                    ErrorKind::Throttled,
                    "requests of this token are held back for longer than we may wait",
                )
                .with_retry_after(wait)
                .retryable(true));
            }
            if !told {
                told = true;
                self.ambient.tell(&Signal::Throttled { wait });
            }
            tokio::select! {
                biased;
                // At least a little, so that a limiter that names the past does not spin.
                () = tokio::time::sleep(wait.max(Duration::from_millis(1))) => {}
                // An answer came, or something was not sent: it may open earlier.
                () = place.called() => {}
            }
        }
    }

    fn quota(&self, response: &Response) -> Quota {
        let number = |name: &str| response.header(name)?.trim().parse::<u32>().ok();
        let named = if response.status == 429 { response.named_limit() } else { None };
        Quota {
            status: Some(response.status),
            retry_after: response.retry_after,
            count: number("inin-ratelimit-count"),
            allowed: number("inin-ratelimit-allowed"),
            reset: number("inin-ratelimit-reset").map(|s| Duration::from_secs(s.into())),
            named,
            ..Quota::unanswered(self.ambient.clock.now())
        }
    }

    fn settle(&self, permit: Permit, response: &Response, request: &Request) {
        let quota = self.quota(response);
        let is_ours = quota.named != Some(NamedLimit::Other);
        if response.status == 429 {
            self.refused.fetch_add(1, Ordering::Relaxed);
            if let Some(wait) = quota.retry_after.filter(|wait| is_ours && *wait <= LONGEST_AWAY) {
                let until = quota.at + wait + BACK;
                self.line.expect_back(request.priority, &request.ticket, quota.at, until);
            }
        }
        permit.settle(quota);
    }
}

/// A request under way: if its future is dropped, it still counts as sent.
struct UnderWay<'a>(Option<Permit>, &'a Limited);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            permit.settle(Quota::unanswered(self.1.ambient.clock.now()));
        }
        self.1.line.call();
    }
}

impl Execute for Limited {
    fn execute<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async move {
            let mut under_way = UnderWay(Some(self.permit(request).await?), self);
            let result = self.inner.execute(request).await;
            if let Some(permit) = under_way.0.take() {
                match &result {
                    Ok(response) => self.settle(permit, response, request),
                    Err(error) if error.is_proven_unsent() => drop(permit),
                    Err(_) => permit.settle(Quota::unanswered(self.ambient.clock.now())),
                }
            }
            result
        })
    }
}

//! Waiting for the rate limiter, those with priority first.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::core::ports::BoxFuture;
use crate::diagnostics::observer::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::ambient::Ambient;
use crate::transport::http::executor::Execute;
use crate::transport::http::rate_limit::{Grant, Permit, Quota, RateLimiter};
use crate::transport::http::request::{Priority, Request};
use crate::transport::http::response::Response;

/// An executor that sends when the limiter says so.
pub(crate) struct Limited {
    inner: Arc<dyn Execute>,
    limiter: Arc<dyn RateLimiter>,
    line: Arc<Line>,
    /// Longest wait that is sat out.
    longest: Duration,
    ambient: Ambient,
}

/// Those who wait, in the order in which they go.
#[derive(Default)]
struct Line(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    places: BTreeMap<Key, Arc<Notify>>,
    next: u64,
}

type Key = (Reverse<Priority>, u64);

/// A place in the line; dropping it lets the next one come forward.
struct Place {
    line: Arc<Line>,
    key: Key,
    called: Arc<Notify>,
}

impl Line {
    fn join(self: &Arc<Self>, priority: Priority) -> Place {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (Reverse(priority), waiting.next);
        waiting.next += 1;
        let called = Arc::new(Notify::new());
        waiting.places.insert(key, called.clone());
        Place { line: self.clone(), key, called }
    }
}

impl Place {
    fn is_first(&self) -> bool {
        let waiting = self.line.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.places.first_key_value().is_some_and(|(key, _)| *key == self.key)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.line.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.places.remove(&self.key);
        if let Some((_, first)) = waiting.places.first_key_value() {
            first.notify_one();
        }
    }
}

impl Limited {
    pub(crate) fn new(
        inner: Arc<dyn Execute>,
        limiter: Arc<dyn RateLimiter>,
        longest: Duration,
        ambient: Ambient,
    ) -> Self {
        Self { inner, limiter, line: Arc::default(), longest, ambient }
    }

    async fn permit(&self, request: &Request) -> Result<Permit> {
        let place = self.line.join(request.priority);
        let mut told = false;
        loop {
            if !place.is_first() {
                place.called.notified().await;
                continue;
            }
            let now = self.ambient.clock.now();
            let grant = self.limiter.acquire(now, request.generation, request.priority);
            let until = match grant {
                Grant::Go(permit) => return Ok(permit),
                Grant::WaitUntil(until) => until,
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
            // At least a little, so that a limiter that names the past does not spin.
            tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
        }
    }

    fn quota(&self, response: &Response) -> Quota {
        let number = |name: &str| response.header(name)?.trim().parse::<u32>().ok();
        Quota {
            status: Some(response.status),
            retry_after: response.retry_after,
            count: number("inin-ratelimit-count"),
            allowed: number("inin-ratelimit-allowed"),
            reset: number("inin-ratelimit-reset").map(|s| Duration::from_secs(s.into())),
            ..Quota::unanswered(self.ambient.clock.now())
        }
    }
}

/// A request under way: if its future is dropped, it still counts as sent.
struct UnderWay<'a>(Option<Permit>, &'a Ambient);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            permit.settle(Quota::unanswered(self.1.clock.now()));
        }
    }
}

impl Execute for Limited {
    fn execute<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async move {
            let mut under_way = UnderWay(Some(self.permit(request).await?), &self.ambient);
            let result = self.inner.execute(request).await;
            if let Some(permit) = under_way.0.take() {
                match &result {
                    Ok(response) => permit.settle(self.quota(response)),
                    Err(error) if error.is_proven_unsent() => drop(permit),
                    Err(_) => permit.settle(Quota::unanswered(self.ambient.clock.now())),
                }
            }
            result
        })
    }
}

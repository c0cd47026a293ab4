//! The stack put together.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

#[cfg(feature = "preflight")]
use crate::core::ports::AccessToken;
use crate::core::ports::TokenSource;
use crate::error::Result;
use crate::transport::ambient::Ambient;
use crate::transport::http::auth::Authorized;
use crate::transport::http::budget::RetryBudget;
use crate::transport::http::executor::Execute;
use crate::transport::http::rate_limit::RateLimiter;
use crate::transport::http::request::Request;
use crate::transport::http::response::Response;
use crate::transport::http::retry::{RetryRules, Retrying};
use crate::transport::http::turn::Limited;

/// Sends requests with a token, in turn, and again where that does no harm. A cheap clone of one shared stack.
#[derive(Clone)]
pub(crate) struct HttpService(Arc<Stack>);

struct Stack {
    authorized: Authorized,
    limited: Arc<Limited>,
    retries: Arc<dyn RetryBudget>,
    ambient: Ambient,
}

impl HttpService {
    /// A stack on a bare executor. `rules` and `limiter` are those of one OAuth client: share them, do not copy them.
    pub(crate) fn new(
        bare: Arc<dyn Execute>,
        tokens: Arc<dyn TokenSource>,
        rules: RetryRules,
        limiter: Arc<dyn RateLimiter>,
        ambient: &Ambient,
    ) -> Self {
        let longest = rules.retry_after_cap;
        let limited = Arc::new(Limited::new(bare, limiter, longest, ambient.clone()));
        let retries = rules.budget.clone();
        let retrying = Retrying::new(limited.clone(), rules, ambient.clone());
        let authorized = Authorized::new(Arc::new(retrying), tokens);
        Self(Arc::new(Stack { authorized, limited, retries, ambient: ambient.clone() }))
    }

    /// The part that waits for the limiter.
    pub(crate) fn limited(&self) -> &Limited {
        &self.0.limited
    }

    /// Retries that may be made at once, if the budget says so.
    pub(crate) fn retries_left(&self) -> Option<u32> {
        self.0.retries.left(self.now())
    }

    /// Clock, dice and observer of this client.
    #[cfg(feature = "rest-oauth")]
    pub(crate) fn ambient(&self) -> &Ambient {
        &self.0.ambient
    }

    /// The time by this client's clock.
    pub(crate) fn now(&self) -> Instant {
        self.0.ambient.clock.now()
    }

    /// The token that a request sent now would carry.
    #[cfg(feature = "preflight")]
    pub(crate) async fn token(&self) -> Result<AccessToken> {
        self.0.authorized.token().await
    }

    /// Sends a request and returns a successful answer.
    ///
    /// # Errors
    /// Of the token source; [`Transport`](crate::ErrorKind::Transport) and [`Timeout`](crate::ErrorKind::Timeout) when
    /// no answer came; [`Capacity`](crate::ErrorKind::Capacity) for an answer over the limit; else the kind of the
    /// answer's status.
    ///
    /// # Cancel safety
    /// Dropping the future gives up a place in the line, or abandons an exchange that the platform may complete: a
    /// call that changes something may have taken effect.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response> {
        self.0.authorized.send(request).await
    }
}

impl fmt::Debug for HttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpService")
    }
}

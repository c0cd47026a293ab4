//! What is left of the requests of a client.

use std::time::Duration;

use crate::error::Result;
use crate::rest::api::Api;
use crate::transport::http::rate_limit::WindowState;
use crate::transport::http::request::Priority;

/// The requests of one OAuth client: everything that a [`Client`](crate::Client) and its clones send shares them.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// let budget = client.budget();
/// budget.settle_from_limits().await?;
/// let now = budget.snapshot();
/// if let Some(left) = now.left {
///     println!("{} calls may go now, {} wait", left.user, now.waiting.user);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Budget(Api);

impl Budget {
    pub(crate) fn new(api: Api) -> Self {
        Self(api)
    }

    /// How it stands at this moment. Nothing is sent.
    pub fn snapshot(&self) -> BudgetSnapshot {
        let service = self.0.service();
        let limited = service.limited();
        let window = limited.state();
        let until = window.and_then(|window| window.closed_until);
        BudgetSnapshot {
            window,
            left: window.map(|window| ByPriority::of(|priority| window.left(priority))),
            closed_for: until.map(|until| until.saturating_duration_since(service.now())),
            waiting: ByPriority::of(|priority| limited.waiting(priority)),
            refused: limited.refused(),
            retries_left: service.retries_left(),
        }
    }

    /// Reads how many requests of one token the platform takes in a minute, and has the limiter keep to it. Returns the
    /// number; `None` when the platform does not say, or the client may not read it: then everything stays as it is.
    ///
    /// It is one call with [`Priority::Backfill`]: those of users go first.
    /// [`learn_limits`](crate::ClientBuilder::learn_limits) does the same by itself.
    ///
    /// # Errors
    /// As [`Client::get`](crate::Client::get), but for [`Forbidden`](crate::ErrorKind::Forbidden) and
    /// [`NotFound`](crate::ErrorKind::NotFound).
    ///
    /// # Cancel safety
    /// Dropping the future abandons the call.
    pub async fn settle_from_limits(&self) -> Result<Option<u32>> {
        self.0.learn_limit().await
    }
}

/// How a [`Budget`] stands at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetSnapshot {
    /// The limit, what is used of it, and what is kept for streams that come back; `None` when the client's
    /// [`RateLimiter`](crate::RateLimiter) does not count.
    pub window: Option<WindowState>,
    /// How many calls of each priority may go at once. They are not added up: a call of one leaves less for the others.
    pub left: Option<ByPriority<u32>>,
    /// For how long nothing goes: the platform answered 429.
    pub closed_for: Option<Duration>,
    /// Calls that wait.
    pub waiting: ByPriority<usize>,
    /// Answers with the status 429 since the client was built.
    pub refused: u64,
    /// Repetitions that could be made at once; `None` when the client's [`RetryBudget`](crate::RetryBudget) does not count.
    pub retries_left: Option<u32>,
}

/// One value for each [`Priority`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ByPriority<T> {
    /// Of [`Priority::Backfill`].
    pub backfill: T,
    /// Of [`Priority::User`].
    pub user: T,
    /// Of [`Priority::Reconnect`].
    pub reconnect: T,
}

impl<T> ByPriority<T> {
    fn of(value: impl Fn(Priority) -> T) -> Self {
        Self {
            backfill: value(Priority::Backfill),
            user: value(Priority::User),
            reconnect: value(Priority::Reconnect),
        }
    }
}

//! The retry policy, and the one loop that follows it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::core::backoff::full_jitter;
use crate::core::limits;
use crate::core::ports::BoxFuture;
use crate::diagnostics::observer::Signal;
use crate::error::Result;
use crate::transport::ambient::Ambient;
use crate::transport::http::budget::{RetryBudget, TokenBudget};
use crate::transport::http::classify::{Class, Classify, Outcome, RequestMeta, SafeToRepeat};
use crate::transport::http::executor::Execute;
use crate::transport::http::request::Request;
use crate::transport::http::response::Response;

/// What a retry policy is asked about.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RetryAttempt<'a> {
    /// The request.
    pub request: &'a RequestMeta<'a>,
    /// What the last outcome means: [`Class::Transient`] or [`Class::Throttled`].
    pub class: Class,
    /// Which retry this would be, counted from 1.
    pub number: u32,
    /// Time since the first attempt began.
    pub elapsed: Duration,
    /// A random number in `0.0..1.0`, for jitter.
    pub unit_random: f64,
}

impl<'a> RetryAttempt<'a> {
    /// The question before retry `number`, for trying a policy out: no time has passed, and the dice show 1.
    pub fn new(request: &'a RequestMeta<'a>, class: Class, number: u32) -> Self {
        Self {
            request,
            class,
            number,
            elapsed: Duration::ZERO,
            unit_random: 1.0,
        }
    }
}

/// What a retry policy decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryVerdict {
    /// Again, after this long; what the platform asks for comes on top.
    RetryAfter(Duration),
    /// The last outcome has to do.
    GiveUp,
}

/// Decides whether and when to repeat what may be repeated. Plain data in, plain data out.
pub trait RetryPolicy: Send + Sync {
    /// One decision.
    fn decide(&self, attempt: &RetryAttempt<'_>) -> RetryVerdict;
}

impl<F: Fn(&RetryAttempt<'_>) -> RetryVerdict + Send + Sync> RetryPolicy for F {
    fn decide(&self, attempt: &RetryAttempt<'_>) -> RetryVerdict {
        self(attempt)
    }
}

const _: fn(&dyn RetryPolicy) = |_| {};

/// The default: a few retries with full jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct BackoffRetry {
    retries: u32,
    base: Duration,
    cap: Duration,
}

impl Default for BackoffRetry {
    /// Three retries: with a first delay of up to 500 ms they are over in 3.5 s, well inside a user's patience.
    fn default() -> Self {
        Self {
            retries: 3,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(20),
        }
    }
}

impl BackoffRetry {
    /// How many retries follow the first attempt; the default is 3.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Longest delay before the first retry; it doubles from there. The default is 500 ms.
    pub fn base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Longest delay before any retry; the default is 20 s.
    pub fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }
}

impl RetryPolicy for BackoffRetry {
    fn decide(&self, attempt: &RetryAttempt<'_>) -> RetryVerdict {
        if attempt.number > self.retries {
            return RetryVerdict::GiveUp;
        }
        let doublings = attempt.number.saturating_sub(1);
        let unit = attempt.unit_random;
        RetryVerdict::RetryAfter(full_jitter(
            self.base,
            self.cap,
            Duration::ZERO,
            doublings,
            unit,
        ))
    }
}

/// Never again: every outcome is the last.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRetry;

impl RetryPolicy for NoRetry {
    fn decide(&self, _: &RetryAttempt<'_>) -> RetryVerdict {
        RetryVerdict::GiveUp
    }
}

/// The objects that decide on retries, shared by everything that one OAuth client sends.
#[derive(Clone)]
pub(crate) struct RetryRules {
    pub(crate) classify: Arc<dyn Classify>,
    pub(crate) policy: Arc<dyn RetryPolicy>,
    pub(crate) budget: Arc<dyn RetryBudget>,
    /// Longest wait that the platform may ask for; what is over it is returned as an error.
    pub(crate) retry_after_cap: Duration,
}

impl Default for RetryRules {
    fn default() -> Self {
        Self {
            classify: Arc::new(SafeToRepeat),
            policy: Arc::new(BackoffRetry::default()),
            budget: Arc::new(TokenBudget::default()),
            retry_after_cap: limits::RETRY_AFTER_CAP,
        }
    }
}

impl fmt::Debug for RetryRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryRules")
            .field("retry_after_cap", &self.retry_after_cap)
            .finish_non_exhaustive()
    }
}

/// The retry loop around another executor.
pub(crate) struct Retrying {
    inner: Arc<dyn Execute>,
    rules: RetryRules,
    ambient: Ambient,
}

impl Retrying {
    pub(crate) fn new(inner: Arc<dyn Execute>, rules: RetryRules, ambient: Ambient) -> Self {
        Self {
            inner,
            rules,
            ambient,
        }
    }

    async fn run(&self, request: &Request) -> Result<Response> {
        let meta = RequestMeta::new(
            request.method.as_str(),
            &request.operation,
            request.may_repeat(),
        );
        let clock = &self.ambient.clock;
        let started = clock.now();
        self.rules.budget.deposit(started);
        let mut number = 0_u32;
        loop {
            let result = self.inner.execute(request).await;
            let (outcome, floor) = match &result {
                Ok(response) => (
                    Outcome::Answer {
                        status: response.status,
                        retry_after: response.retry_after,
                    },
                    response.retry_after.unwrap_or_default(),
                ),
                Err(error) => (
                    Outcome::Fault(error),
                    error.retry_after().unwrap_or_default(),
                ),
            };
            let class = self
                .rules
                .classify
                .classify(&meta, &outcome)
                .unwrap_or_else(|| SafeToRepeat::decide(&meta, &outcome));
            if !matches!(class, Class::Transient | Class::Throttled { .. })
                || floor > self.rules.retry_after_cap
            {
                return result;
            }
            number = number.saturating_add(1);
            let now = clock.now();
            let mut attempt = RetryAttempt::new(&meta, class, number);
            attempt.elapsed = now.saturating_duration_since(started);
            attempt.unit_random = self.ambient.entropy.unit();
            let verdict = self.rules.policy.decide(&attempt);
            let RetryVerdict::RetryAfter(delay) = verdict else {
                return result;
            };
            if !self.rules.budget.withdraw(now, class) {
                return result;
            }
            // On top of the floor, so that those who were told the same time do not come back at the same time.
            let wait = floor.saturating_add(delay);
            self.ambient.tell(&Signal::Retry {
                operation: &request.operation,
                attempt: number,
                wait,
            });
            tokio::time::sleep(wait).await;
        }
    }
}

impl Execute for Retrying {
    fn execute<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(self.run(request))
    }
}

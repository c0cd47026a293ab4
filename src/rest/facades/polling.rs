//! How the result of something that takes a while is asked for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::core::clock::{Entropy, ThreadEntropy};
use crate::error::{Error, ErrorKind, Result};
use crate::transport::http::classify::{Class, RequestMeta};
use crate::transport::http::retry::{BackoffRetry, RetryAttempt, RetryPolicy, RetryVerdict};

/// Whatever the dice say, nothing is asked for again before this.
const SHORTEST: Duration = Duration::from_millis(500);

/// How the result of something that takes a while is asked for: when, and for how long.
///
/// Default: after up to 5 s for the first time, then after up to twice as long each time until it is a minute, for ten
/// minutes. Source of the minute: the platform's advice for usage queries.
#[derive(Clone)]
#[must_use]
pub struct Polling {
    policy: Arc<dyn RetryPolicy>,
    deadline: Duration,
}

impl Default for Polling {
    fn default() -> Self {
        let policy = BackoffRetry::default()
            .retries(u32::MAX)
            .base(Duration::from_secs(5))
            .cap(Duration::from_secs(60));
        Self { policy: Arc::new(policy), deadline: Duration::from_secs(600) }
    }
}

impl Polling {
    /// Says when it is asked for again: the attempt's number counts the answers that were none. A wait under half a
    /// second is one of half a second.
    pub fn policy(mut self, policy: impl RetryPolicy + 'static) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// For how long it is asked for at most. Default 10 minutes. The last call may end a little later.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Begins to wait for the result of an operation.
    pub(super) fn begin(&self, operation: &'static str) -> Polls<'_> {
        Polls { polling: self, operation, began: Instant::now(), number: 0 }
    }
}

impl fmt::Debug for Polling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polling").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// Polls for one result.
pub(super) struct Polls<'a> {
    polling: &'a Polling,
    operation: &'static str,
    began: Instant,
    number: u32,
}

impl Polls<'_> {
    /// Waits until it may be asked again.
    ///
    /// # Errors
    /// [`Timeout`](ErrorKind::Timeout) when the policy gives up, or the deadline is reached.
    pub(super) async fn next(&mut self) -> Result<()> {
        self.number = self.number.saturating_add(1);
        let elapsed = self.began.elapsed();
        let meta = RequestMeta::new("GET", self.operation, true);
        let mut attempt = RetryAttempt::new(&meta, Class::Transient, self.number);
        attempt.elapsed = elapsed;
        attempt.unit_random = ThreadEntropy.unit();
        let left = self.polling.deadline.saturating_sub(elapsed);
        match self.polling.policy.decide(&attempt) {
            RetryVerdict::RetryAfter(wait) if !left.is_zero() => {
                tokio::time::sleep(wait.max(SHORTEST).min(left)).await;
                Ok(())
            }
            _ => {
                let (calls, seconds) = (self.number, elapsed.as_secs());
                let text = format!(
                    "no result after {calls} calls in {seconds} s; it may come later, with the id of the execution"
                );
                let operation = format!("GET {}", self.operation);
                Err(Error::new(ErrorKind::Timeout, text).with_operation(operation).retryable(true))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_the_waiting_and_the_policy_may_end_it_sooner() {
        let polling = Polling::default();
        let (mut polls, began) = (polling.begin("/x"), Instant::now());
        let mut calls = 0;
        let error = loop {
            calls += 1;
            match polls.next().await {
                Ok(()) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(began.elapsed().as_secs(), 600, "{error}");
        assert!(calls > 10, "a minute at most: {calls}");
        let polling = Polling::default().policy(BackoffRetry::default().retries(2));
        let mut polls = polling.begin("/x");
        assert!(polls.next().await.is_ok() && polls.next().await.is_ok());
        let error = polls.next().await.unwrap_err();
        assert!(error.to_string().contains("after 3 calls"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_policy_without_waits_makes_no_storm() {
        let polling = Polling::default()
            .policy(|_: &RetryAttempt<'_>| RetryVerdict::RetryAfter(Duration::ZERO));
        let (mut polls, began) = (polling.begin("/x"), Instant::now());
        for _ in 0..10 {
            polls.next().await.unwrap();
        }
        assert!(began.elapsed() >= SHORTEST * 10);
    }
}

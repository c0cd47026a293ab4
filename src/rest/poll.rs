//! Asking again and again until something on the platform is done.

use std::time::{Duration, Instant};

use crate::core::backoff::full_jitter;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::ambient::Ambient;
use crate::transport::clock::sleep_until;

/// How often the platform is asked whether work is done, and for how long.
///
/// The waits grow by two with full jitter between a shortest and a longest one, so that many who wait do not ask in step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Polling {
    shortest: Duration,
    longest: Duration,
    deadline: Duration,
}

impl Default for Polling {
    /// Waits of 1 s to 30 s, for 10 minutes: a job of a day is done in seconds, and one that takes minutes costs two
    /// requests a minute of the 300 that a token has.
    fn default() -> Self {
        Self {
            shortest: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            deadline: Duration::from_secs(600),
        }
    }
}

impl Polling {
    /// Shortest wait; the first one is as long. Default 1 s.
    pub fn shortest(mut self, wait: Duration) -> Self {
        self.shortest = wait;
        self
    }

    /// Longest wait. Default 30 s.
    pub fn longest(mut self, wait: Duration) -> Self {
        self.longest = wait;
        self
    }

    /// When to give up. Default 10 minutes.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    fn wait(&self, attempt: u32, unit: f64) -> Duration {
        full_jitter(self.shortest, self.longest, self.shortest, attempt, unit)
    }
}

/// What was found out by asking.
pub(crate) enum Progress<T> {
    Done(T),
    /// Not yet; the state in words.
    Waiting(Box<str>),
}

/// Asks until there is an answer, an error that does not pass, or the deadline is over: also while a call is under way.
pub(crate) async fn poll<T, F: Future<Output = Result<Progress<T>>>>(
    ambient: &Ambient,
    polling: Polling,
    what: &str,
    mut ask: impl FnMut() -> F,
) -> Result<T> {
    let clock = &*ambient.clock;
    let begin = clock.now();
    // A deadline that no clock can show is none.
    let far = Duration::from_secs(86_400 * 365);
    let end = begin + polling.deadline.min(far);
    let mut last: Box<str> = "not known".into();
    for attempt in 0..u32::MAX {
        let mut floor = Duration::ZERO;
        let left = end.saturating_duration_since(clock.now());
        match tokio::time::timeout(left, ask()).await {
            Ok(Ok(Progress::Done(value))) => return Ok(value),
            Ok(Ok(Progress::Waiting(state))) => last = state,
            Ok(Err(error)) if error.is_retryable() => {
                floor = error.retry_after().unwrap_or_default();
                last = error.summary();
            }
            Ok(Err(error)) => return Err(error),
            Err(_) => break,
        }
        let wait = polling.wait(attempt, ambient.entropy.unit()).max(floor);
        let next: Option<Instant> = clock.now().checked_add(wait);
        let Some(next) = next.filter(|next| *next < end) else { break };
        sleep_until(clock, next).await;
    }
    let text = format!(
        "{what} is not done after {:?}; the last that is known of it: {last}",
        polling.deadline
    );
    Err(Error::new(ErrorKind::Timeout, text).retryable(true))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[tokio::test(start_paused = true)]
    async fn it_asks_less_and_less_often_until_the_deadline_and_says_what_is_known() {
        let (ambient, asked) = (Ambient::default(), Cell::new(0));
        let begin = tokio::time::Instant::now();
        let polling = Polling::default().deadline(S(300));
        let failed = poll::<(), _>(&ambient, polling, "the job", || {
            asked.set(asked.get() + 1);
            async { Ok(Progress::Waiting("PENDING".into())) }
        });
        let error = failed.await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, true));
        assert!(error.to_string().contains("PENDING"), "{error}");
        assert!(begin.elapsed() <= S(300));
        // 1 s at least between two; at 30 s at most, ten or more.
        assert!((10..=300).contains(&asked.get()), "{}", asked.get());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_hangs_does_not_outlast_the_deadline() {
        let begin = tokio::time::Instant::now();
        let polling = Polling::default().deadline(S(5));
        let hangs = || async { std::future::pending::<Result<Progress<()>>>().await };
        let error = poll(&Ambient::default(), polling, "the job", hangs).await.unwrap_err();
        assert_eq!((error.kind(), begin.elapsed()), (ErrorKind::Timeout, S(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_that_passes_is_waited_out_as_long_as_it_says() {
        let (begin, asked) = (tokio::time::Instant::now(), Cell::new(0));
        let ambient = Ambient::default();
        let done = poll(&ambient, Polling::default(), "the job", || {
            asked.set(asked.get() + 1);
            let first = asked.get() == 1;
            async move {
                if first { Err(Error::throttled("slower", S(40))) } else { Ok(Progress::Done(7)) }
            }
        });
        assert_eq!(done.await.unwrap(), 7);
        assert!(begin.elapsed() >= S(40));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_that_does_not_pass_ends_it() {
        let (ambient, asked) = (Ambient::default(), Cell::new(0));
        let failed = poll::<(), _>(&ambient, Polling::default(), "the job", || {
            asked.set(asked.get() + 1);
            async { Err(Error::new(ErrorKind::Forbidden, "no")) }
        });
        assert_eq!(failed.await.unwrap_err().kind(), ErrorKind::Forbidden);
        assert_eq!(asked.get(), 1);
    }
}

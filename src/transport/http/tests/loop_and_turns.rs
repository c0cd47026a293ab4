//! Retry, rate limit and token replay, without sockets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use tokio::time::Instant;

use super::script::{Script, fails, request, status};
use crate::core::clock::Entropy;
use crate::core::ports::{AccessToken, BoxFuture, TokenSource};
use crate::diagnostics::observer::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::ambient::Ambient;
use crate::transport::http::budget::{TokenBudget, Unlimited};
use crate::transport::http::executor::Execute;
use crate::transport::http::rate_limit::{Grant, NoLimit, RateLimiter};
use crate::transport::http::request::Priority;
use crate::transport::http::retry::{NoRetry, RetryRules, Retrying};
use crate::transport::http::service::HttpService;
use crate::transport::http::turn::Limited;
use crate::transport::http::window_limiter::WindowLimiter;

const S: fn(u64) -> Duration = Duration::from_secs;

/// The dice always show the highest number.
struct Highest;

impl Entropy for Highest {
    fn unit(&self) -> f64 {
        1.0
    }
}

fn ambient() -> Ambient {
    Ambient { entropy: Arc::new(Highest), ..Ambient::default() }
}

fn retrying(script: &Arc<Script>, rules: RetryRules) -> Retrying {
    Retrying::new(script.clone(), rules, ambient())
}

/// A source that counts renewals; a token is refused by `invalidate` only.
#[derive(Default)]
pub(super) struct Counter {
    generation: AtomicU64,
    broken: Mutex<Option<Error>>,
}

impl TokenSource for Counter {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken>> {
        let generation = self.generation.load(Ordering::SeqCst);
        let broken = if generation > 0 { self.broken.lock().unwrap().take() } else { None };
        Box::pin(async move {
            match broken {
                Some(error) => Err(error),
                None => Ok(AccessToken::new(format!("hush-{generation}"), generation)),
            }
        })
    }

    fn invalidate(&self, refused: &AccessToken) {
        let next = refused.generation + 1;
        self.generation.fetch_max(next, Ordering::SeqCst);
    }
}

fn service(script: &Arc<Script>, tokens: Arc<Counter>) -> HttpService {
    HttpService::new(
        script.clone(),
        tokens,
        RetryRules::default(),
        Arc::new(WindowLimiter::default()),
        &ambient(),
    )
}

#[tokio::test(start_paused = true)]
async fn delays_double_with_full_jitter_and_end_after_three() {
    let script = Script::of((0..9).map(|_| status(503, &[])));
    let response = retrying(&script, RetryRules::default()).execute(&request(Method::GET)).await;
    assert_eq!(response.unwrap().status, 503);
    let log = script.log.lock().unwrap();
    let gaps: Vec<_> = log.windows(2).map(|w| (w[1].0 - w[0].0).as_millis()).collect();
    assert_eq!(gaps, [500, 1000, 2000]);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_a_floor_in_seconds_and_as_a_date() {
    let date = [
        ("retry-after", "Sun, 06 Nov 1994 08:49:50 GMT"),
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ];
    let script = Script::of([
        status(429, &[("retry-after", "7")]),
        status(429, &date),
        status(503, &[("retry-after", "60")]),
    ]);
    let rules = RetryRules::default();
    let response = retrying(&script, rules).execute(&request(Method::GET)).await;
    assert_eq!(response.unwrap().status, 200);
    let log = script.log.lock().unwrap();
    let gaps: Vec<_> = log.windows(2).map(|w| (w[1].0 - w[0].0).as_millis()).collect();
    assert_eq!(gaps, [7500, 14_000, 62_000]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_of_an_hour_is_returned_at_once_with_its_value() {
    let script = Script::of([status(429, &[("retry-after", "3600")])]);
    let started = Instant::now();
    let error = service(&script, Arc::default()).send(&request(Method::GET)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(error.retry_after(), Some(S(3600)));
    assert_eq!((script.count(), started.elapsed()), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_post_is_not_repeated_on_503_but_on_429_and_when_nothing_was_sent() {
    let cut = || Error::new(ErrorKind::Transport, "cut").retryable(true);
    let refused = || Error::new(ErrorKind::Transport, "refused").unsent();
    let cases =
        [(status(503, &[]), 1), (fails(cut()), 1), (status(429, &[]), 2), (fails(refused()), 2)];
    for (step, attempts) in cases {
        let script = Script::of([step]);
        let _ = retrying(&script, RetryRules::default()).execute(&request(Method::POST)).await;
        assert_eq!(script.count(), attempts);
    }
    let script = Script::of([status(503, &[]), fails(cut())]);
    let mut declared = request(Method::POST);
    declared.idempotent = Some(true);
    let retrying = retrying(&script, RetryRules::default());
    assert_eq!(retrying.execute(&declared).await.unwrap().status, 200);
    assert_eq!(script.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_empty_budget_ends_retries_and_every_object_can_be_replaced() {
    let count = |rules: RetryRules| async move {
        let script = Script::of((0..9).map(|_| status(503, &[])));
        let _ = retrying(&script, rules).execute(&request(Method::GET)).await;
        script.count()
    };
    let rules =
        RetryRules { budget: Arc::new(TokenBudget::new(0.0, 0.0, 1)), ..RetryRules::default() };
    assert_eq!(count(rules).await, 2);
    let rules = RetryRules {
        policy: Arc::new(NoRetry),
        budget: Arc::new(Unlimited),
        ..RetryRules::default()
    };
    assert_eq!(count(rules).await, 1);
    let never = |_: &crate::RequestMeta<'_>, _: &crate::Outcome<'_>| Some(crate::Class::Final);
    let rules = RetryRules { classify: Arc::new(never), ..RetryRules::default() };
    assert_eq!(count(rules).await, 1);
    let no_opinion = |_: &crate::RequestMeta<'_>, _: &crate::Outcome<'_>| None;
    let rules = RetryRules { classify: Arc::new(no_opinion), ..RetryRules::default() };
    assert_eq!(count(rules).await, 4);
}

#[tokio::test(start_paused = true)]
async fn a_401_is_replayed_exactly_once_with_a_new_token() {
    let script = Script::of([status(401, &[])]);
    service(&script, Arc::default()).send(&request(Method::POST)).await.unwrap();
    let sent = |script: &Script| -> Vec<_> {
        let log = script.log.lock().unwrap();
        log.iter().map(|(_, header)| header.clone().unwrap()).collect()
    };
    assert_eq!(sent(&script), ["Bearer hush-0", "Bearer hush-1"]);

    let script = Script::of((0..9).map(|_| status(401, &[])));
    let error = service(&script, Arc::default()).send(&request(Method::GET)).await.unwrap_err();
    assert_eq!((error.kind(), script.count()), (ErrorKind::Auth, 2));
    assert!(!format!("{error:?}").contains("hush"));
}

#[tokio::test(start_paused = true)]
async fn when_there_is_no_new_token_the_error_says_why_and_what_was_refused() {
    let script = Script::of([status(401, &[("inin-correlation-id", "c-1")])]);
    let tokens = Arc::new(Counter::default());
    *tokens.broken.lock().unwrap() = Some(Error::new(ErrorKind::Auth, "client disabled"));
    let error = service(&script, tokens).send(&request(Method::GET)).await.unwrap_err();
    assert_eq!(error.to_string(), "client disabled");
    assert_eq!((error.status(), error.correlation_id()), (Some(401), Some("c-1")));
    let (_, _, source) = error.into_parts();
    assert_eq!(source.unwrap().to_string(), "HTTP 401");
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn those_with_priority_go_first_and_a_dropped_waiter_blocks_nobody() {
    let script = Script::of([]);
    let limiter = Arc::new(WindowLimiter::new(1, 0));
    let limited = Arc::new(Limited::new(script, limiter, S(600), ambient()));
    let order: Arc<Mutex<Vec<&str>>> = Arc::default();
    let spawn = |name: &'static str, priority| {
        let (limited, order) = (limited.clone(), order.clone());
        tokio::spawn(async move {
            let mut request = request(Method::GET);
            request.priority = priority;
            limited.execute(&request).await.unwrap();
            order.lock().unwrap().push(name);
        })
    };
    spawn("first", Priority::User).await.unwrap();
    let mut tasks = vec![spawn("backfill", Priority::Backfill)];
    tokio::time::sleep(S(1)).await;
    tasks.push(spawn("user", Priority::User));
    let dropped = spawn("dropped", Priority::Reconnect);
    tasks.push(spawn("user 2", Priority::User));
    tokio::time::sleep(S(1)).await;
    tasks.push(spawn("reconnect", Priority::Reconnect));
    tokio::time::sleep(S(1)).await;
    dropped.abort();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), ["first", "reconnect", "user", "user 2", "backfill"]);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_calls_stay_under_the_limit_of_any_minute() {
    let script = Script::of([]);
    let limiter = Arc::new(WindowLimiter::new(300, 20));
    let limited = Arc::new(Limited::new(script.clone(), limiter, S(600), ambient()));
    let tasks: Vec<_> = (0..1000)
        .map(|_| {
            let limited = limited.clone();
            tokio::spawn(async move { limited.execute(&request(Method::GET)).await.map(drop) })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let log = script.log.lock().unwrap();
    for (at, _) in log.iter() {
        let minute = log.iter().filter(|(t, _)| *t <= *at && *t + S(60) > *at);
        assert!(minute.count() <= 300);
    }
    assert!(log.last().unwrap().0 - log[0].0 < S(240));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_under_way_counts_as_sent_and_an_unsent_one_does_not() {
    let limiter = Arc::new(WindowLimiter::new(1, 0));
    let refused = Error::new(ErrorKind::Transport, "refused").unsent();
    let script = Script::of([fails(refused)]);
    let limited = Limited::new(script, limiter.clone(), S(600), ambient());
    limited.execute(&request(Method::GET)).await.unwrap_err();
    let ask = || limiter.acquire(Instant::now().into_std(), 0, Priority::Reconnect);
    assert!(matches!(ask(), Grant::Go(_)), "nothing was sent");
    let slow = Arc::new(Script { takes: S(5), ..Script::default() });
    let limited = Limited::new(slow, limiter.clone(), S(600), ambient());
    let get = request(Method::GET);
    assert!(tokio::time::timeout(S(1), limited.execute(&get)).await.is_err());
    assert!(matches!(ask(), Grant::WaitUntil(_)), "it may have arrived");
}

#[tokio::test(start_paused = true)]
async fn a_wait_over_the_cap_is_an_error_and_a_wait_under_it_is_told() {
    let told: Arc<Mutex<Vec<Duration>>> = Arc::default();
    let sink = told.clone();
    let ambient = Ambient {
        observer: Arc::new(move |signal: &Signal<'_>| {
            if let Signal::Throttled { wait } = signal {
                sink.lock().unwrap().push(*wait);
            }
        }),
        ..ambient()
    };
    let limiter = Arc::new(WindowLimiter::new(1, 0));
    let short = Limited::new(Script::of([]), limiter.clone(), S(10), ambient.clone());
    let get = request(Method::GET);
    short.execute(&get).await.unwrap();
    let error = short.execute(&get).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Throttled, Some(S(60))));
    let long = Limited::new(Script::of([]), limiter, S(100), ambient);
    long.execute(&get).await.unwrap();
    assert_eq!(*told.lock().unwrap(), [S(60)]);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_token_is_not_retried_around_the_limiter() {
    let script = Script::of([status(429, &[("retry-after", "30")])]);
    let service = HttpService::new(
        script.clone(),
        Arc::new(Counter::default()),
        RetryRules::default(),
        Arc::new(NoLimit),
        &ambient(),
    );
    let started = Instant::now();
    service.send(&request(Method::POST)).await.unwrap();
    assert_eq!((script.count(), started.elapsed()), (2, Duration::from_millis(30_500)));
}

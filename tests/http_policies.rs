//! The policies as a user of the crate sees them: replaceable, object-safe, and quiet about secrets.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use genesys_cloud::{
    BackoffRetry, Class, Classify, Grant, Outcome, Permit, Priority, Proxy, Quota, RateLimiter,
    RequestMeta, RetryAttempt, RetryBudget, RetryPolicy, RetryVerdict, SafeToRepeat, StaticToken,
    Tls, TokenBudget, WindowLimiter,
};

#[test]
fn a_policy_may_be_a_closure_that_leans_on_the_default() {
    let default = BackoffRetry::default();
    let patient: Box<dyn RetryPolicy> =
        Box::new(
            move |attempt: &RetryAttempt<'_>| match default.decide(attempt) {
                RetryVerdict::RetryAfter(wait) => RetryVerdict::RetryAfter(wait * 2),
                other => other,
            },
        );
    let request = RequestMeta::new("GET", "/api/v2/users/{userId}", true);
    let ask = |number| patient.decide(&RetryAttempt::new(&request, Class::Transient, number));
    assert_eq!(ask(1), RetryVerdict::RetryAfter(Duration::from_secs(1)));
    assert_eq!(ask(4), RetryVerdict::GiveUp);
}

#[test]
fn a_classifier_may_hold_an_opinion_on_one_operation_only() {
    let classify: Box<dyn Classify> = Box::new(|request: &RequestMeta<'_>, _: &Outcome<'_>| {
        (request.operation == "/fragile").then_some(Class::Final)
    });
    let outcome = Outcome::Answer {
        status: 503,
        retry_after: None,
    };
    let fragile = RequestMeta::new("GET", "/fragile", true);
    let other = RequestMeta::new("GET", "/other", true);
    assert_eq!(classify.classify(&fragile, &outcome), Some(Class::Final));
    assert_eq!(classify.classify(&other, &outcome), None);
    assert_eq!(
        SafeToRepeat.classify(&other, &outcome),
        Some(Class::Transient)
    );
}

/// A user's own limiter: one request a second, and none counted that was not sent.
#[derive(Default)]
struct OneASecond(Arc<Mutex<Option<Instant>>>, Arc<AtomicU32>);

impl RateLimiter for OneASecond {
    fn acquire(&self, now: Instant, _: u64, _: Priority) -> Grant {
        let mut last = self.0.lock().unwrap();
        if let Some(next) = last
            .map(|at| at + Duration::from_secs(1))
            .filter(|at| *at > now)
        {
            return Grant::WaitUntil(next);
        }
        *last = Some(now);
        let settled = self.1.clone();
        Grant::Go(Permit::new(move |seen| {
            settled.fetch_add(u32::from(seen.is_some()), Ordering::SeqCst);
        }))
    }
}

#[test]
fn a_limiter_of_ones_own_gets_every_permit_back_once() {
    let limiter = OneASecond::default();
    let boxed: &dyn RateLimiter = &limiter;
    let now = Instant::now();
    let Grant::Go(permit) = boxed.acquire(now, 1, Priority::User) else {
        panic!("the first may go")
    };
    permit.settle(Quota::unanswered(now));
    assert!(matches!(
        boxed.acquire(now, 1, Priority::User),
        Grant::WaitUntil(_)
    ));
    drop(boxed.acquire(now + Duration::from_secs(1), 1, Priority::User));
    assert_eq!(limiter.1.load(Ordering::SeqCst), 1);
}

#[test]
fn what_is_configured_shows_no_secret() {
    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        Proxy::http("http://user:hush@proxy.corp:3128").unwrap(),
        Tls::new(),
        StaticToken::new("hush-token"),
        BackoffRetry::default(),
        TokenBudget::default(),
        WindowLimiter::default(),
    );
    assert!(!shown.contains("hush"), "{shown}");
}

#[test]
fn a_budget_is_an_object_like_the_others() {
    let budget: Box<dyn RetryBudget> = Box::new(TokenBudget::new(0.0, 0.0, 1));
    let now = Instant::now();
    assert!(budget.withdraw(now, Class::Transient));
    assert!(!budget.withdraw(now, Class::Transient));
}

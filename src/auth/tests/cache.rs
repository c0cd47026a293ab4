//! Single flight, early renewal, refusal and rotation.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::auth::cache::CachedTokens;
use crate::auth::keeper::{Grant, Keeper};
use crate::auth::token_answer::Issued;
use crate::core::clock::Entropy;
use crate::core::ports::{BoxFuture, TokenSource};
use crate::core::secret::Secret;
use crate::diagnostics::observer::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::ambient::Ambient;

const S: fn(u64) -> Duration = Duration::from_secs;

/// Answers with its script, then with tokens of an hour for ever; keeps when it was asked.
struct Scripted {
    answers: Mutex<VecDeque<Result<u64>>>,
    asked: Mutex<Vec<Instant>>,
    takes: Duration,
}

impl Grant for Scripted {
    fn request<'a>(&'a self, _: Option<&'a Secret>) -> BoxFuture<'a, Result<Issued>> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(Instant::now());
        let secret = Secret::new(format!("hush-{}", asked.len()));
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async move {
            sleep(self.takes).await;
            let life = answer.unwrap_or(Ok(3600))?;
            Ok(Issued { secret, life: S(life), age: None, scopes: Vec::new(), refresh: None })
        })
    }
}

struct Dice(f64);

impl Entropy for Dice {
    fn unit(&self) -> f64 {
        self.0
    }
}

struct Setup {
    tokens: Arc<CachedTokens>,
    grant: Arc<Scripted>,
    signals: Arc<Mutex<Vec<String>>>,
    start: Instant,
}

impl Setup {
    fn new(answers: impl IntoIterator<Item = Result<u64>>) -> Self {
        let grant = Arc::new(Scripted {
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Mutex::default(),
            takes: S(1),
        });
        let signals: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = signals.clone();
        let ambient = Ambient {
            entropy: Arc::new(Dice(0.0)),
            observer: Arc::new(move |signal: &Signal<'_>| {
                let text = match signal {
                    Signal::TokenIssued { generation, life } => {
                        format!("issued {generation} {}", life.as_secs())
                    }
                    Signal::TokenRenewalFailed { usable, .. } => format!("failed {usable}"),
                    other => format!("{other:?}"),
                };
                sink.lock().unwrap().push(text);
            }),
            ..Ambient::default()
        };
        Self {
            tokens: Arc::new(CachedTokens::new(
                Keeper::new(grant.clone(), None, ambient.clone()),
                ambient,
            )),
            grant,
            signals,
            start: Instant::now(),
        }
    }

    async fn generation(&self) -> u64 {
        self.tokens.token().await.unwrap().generation
    }

    /// When the grant was asked, in seconds.
    fn asked(&self) -> Vec<u64> {
        let asked = self.grant.asked.lock().unwrap();
        asked.iter().map(|at| (*at - self.start).as_secs()).collect()
    }
}

fn down() -> Error {
    Error::new(ErrorKind::Transport, "down")
        .with_source(std::io::Error::other("cable"))
        .retryable(true)
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_are_one_request() {
    let setup = Setup::new([]);
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let tokens = setup.tokens.clone();
            tokio::spawn(async move { tokens.token().await.unwrap() })
        })
        .collect();
    for caller in callers {
        let token = caller.await.unwrap();
        assert_eq!((token.generation, token.secret.expose()), (1, "hush-1"));
    }
    assert_eq!(setup.asked(), [0]);
    assert_eq!(*setup.signals.lock().unwrap(), ["issued 1 3600"]);
}

#[tokio::test(start_paused = true)]
async fn everybody_gets_the_error_of_the_one_request() {
    let setup = Setup::new([Err(down())]);
    let callers: Vec<_> = (0..10)
        .map(|_| {
            let tokens = setup.tokens.clone();
            tokio::spawn(async move { tokens.token().await.unwrap_err() })
        })
        .collect();
    for caller in callers {
        let error = caller.await.unwrap();
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert_eq!(error.into_parts().2.unwrap().to_string(), "cable");
    }
    assert_eq!(setup.asked(), [0]);
    assert_eq!(setup.generation().await, 1, "the next caller asks again");
    assert_eq!(*setup.signals.lock().unwrap(), ["failed false", "issued 1 3600"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_caller_takes_nothing_from_the_others_and_its_token_is_kept() {
    let setup = Setup::new([]);
    let first = timeout(Duration::from_millis(100), setup.tokens.token()).await;
    assert!(first.is_err(), "precondition: dropped under way");
    sleep(S(5)).await;
    assert_eq!(setup.generation().await, 1);
    assert_eq!(setup.asked(), [0]);
}

#[tokio::test(start_paused = true)]
async fn life_is_counted_from_the_sending_of_the_request() {
    let setup = Setup::new([]);
    let token = setup.tokens.token().await.unwrap();
    let expires = Instant::from_std(token.expires_at.unwrap());
    assert_eq!(expires - setup.start, S(3600));
    assert_eq!(setup.start.elapsed(), S(1), "precondition: the answer took its time");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_early_and_nobody_waits_for_it() {
    let setup = Setup::new([]);
    setup.generation().await;
    sleep(S(2800)).await;
    assert_eq!(setup.generation().await, 1);
    assert_eq!(setup.asked(), [0], "not yet due");
    sleep(S(100)).await;
    let before = Instant::now();
    assert_eq!(setup.generation().await, 1, "the old one, at once");
    assert_eq!(before.elapsed(), Duration::ZERO);
    sleep(S(2)).await;
    assert_eq!(setup.generation().await, 2);
    assert_eq!(setup.asked(), [0, 2901]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_leaves_the_old_token_in_use_and_backs_off() {
    let setup = Setup::new([Ok(3600), Err(down()), Err(down()), Err(down())]);
    setup.generation().await;
    sleep(S(2880)).await;
    for _ in 0..50 {
        assert_eq!(setup.generation().await, 1);
        sleep(Duration::from_millis(100)).await;
    }
    for _ in 0..100 {
        setup.generation().await;
        sleep(Duration::from_millis(100)).await;
    }
    let signals = setup.signals.lock().unwrap().clone();
    assert_eq!(
        signals,
        ["issued 1 3600", "failed true", "failed true", "failed true", "issued 2 3600"]
    );
    assert_eq!(setup.generation().await, 2);
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_not_handed_out() {
    let setup = Setup::new([Ok(100), Err(down()), Err(down())]);
    setup.generation().await;
    sleep(S(100)).await;
    assert_eq!(setup.tokens.token().await.unwrap_err().kind(), ErrorKind::Transport);
    assert_eq!(*setup.signals.lock().unwrap(), ["issued 1 100", "failed false"]);
}

#[tokio::test(start_paused = true)]
async fn only_the_refusal_of_the_current_token_counts() {
    let setup = Setup::new([]);
    let old = setup.tokens.token().await.unwrap();
    setup.tokens.invalidate(&old);
    let new = setup.tokens.token().await.unwrap();
    assert_eq!((new.generation, new.secret.expose()), (2, "hush-2"));
    setup.tokens.invalidate(&old);
    assert_eq!(setup.generation().await, 2);
    assert_eq!(setup.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_too_old_for_one_stays_good_for_everybody_else() {
    // Of a day, so that no renewal is due.
    let setup = Setup::new([Ok(86_400), Err(down()), Err(down())]);
    let old = setup.tokens.token().await.unwrap();
    sleep(S(2800)).await;
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let (tokens, old) = (setup.tokens.clone(), old.clone());
            tokio::spawn(async move { tokens.newer(&old).await.unwrap().generation })
        })
        .collect();
    sleep(Duration::from_millis(500)).await;
    assert_eq!(setup.generation().await, 1, "while another is asked for");
    for one in asking {
        assert_eq!(one.await.unwrap(), 1, "there is no other");
    }
    assert_eq!(setup.asked().len(), 2, "they are one request");
    assert_eq!(setup.generation().await, 1, "though the login service is down");
    let now = Instant::now();
    assert_eq!(setup.tokens.newer(&old).await.unwrap().generation, 1);
    assert_eq!((now.elapsed(), setup.asked().len()), (Duration::ZERO, 2), "it has just failed");
    sleep(S(600)).await;
    setup.tokens.newer(&old).await.unwrap();
    sleep(S(600)).await;
    assert_eq!(setup.tokens.newer(&old).await.unwrap().generation, 2);
    let asked = setup.asked().len();
    assert_eq!(setup.tokens.newer(&old).await.unwrap().generation, 2, "that one is newer");
    assert_eq!(setup.asked().len(), asked);
}

#[tokio::test(start_paused = true)]
async fn a_newer_token_is_told_of_as_a_rotation_and_one_that_was_refused_is_no_fallback() {
    let setup = Setup::new([Ok(86_400), Ok(86_400), Err(down())]);
    let first = setup.tokens.token().await.unwrap();
    let tokens = setup.tokens.clone();
    let waiting = tokio::spawn(async move { tokens.rotated(1).await });
    sleep(S(10)).await;
    let second = setup.tokens.newer(&first).await.unwrap();
    assert_eq!((second.generation, waiting.await.unwrap()), (2, 2));
    setup.tokens.invalidate(&second);
    let error = setup.tokens.newer(&second).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
}

#[tokio::test(start_paused = true)]
async fn rotation_renews_though_nobody_asks_for_a_token() {
    let setup = Setup::new([]);
    let first = setup.generation().await;
    assert_eq!(setup.tokens.rotated(first).await, 2);
    assert_eq!(setup.asked(), [0, 2880]);
    assert_eq!(setup.tokens.rotated(first).await, 2, "late listeners are told at once");
    assert_eq!(setup.tokens.rotated(2).await, 3);
    assert_eq!(setup.asked(), [0, 2880, 5760]);
}

#[tokio::test(start_paused = true)]
async fn rotation_goes_on_trying_while_the_login_service_is_down() {
    let mut answers = vec![Ok(3600)];
    answers.extend((0..20).map(|_| Err(down())));
    let setup = Setup::new(answers);
    let first = setup.generation().await;
    let rotated = timeout(S(86_400), setup.tokens.rotated(first)).await;
    assert_eq!(rotated.unwrap(), 2);
    let asked = setup.asked();
    assert_eq!(asked.len(), 22);
    let gaps: Vec<_> = asked[1..].windows(2).map(|w| w[1] - w[0]).collect();
    assert!(gaps.iter().all(|gap| (1..=302).contains(gap)), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_rotates_at_once() {
    let setup = Setup::new([]);
    let first = setup.tokens.token().await.unwrap();
    let tokens = setup.tokens.clone();
    let waiting = tokio::spawn(async move { tokens.rotated(1).await });
    sleep(S(10)).await;
    setup.tokens.invalidate(&first);
    assert_eq!(waiting.await.unwrap(), 2);
    assert_eq!(setup.asked(), [0, 11]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_rotation_ends_its_timer() {
    let setup = Setup::new([]);
    let first = setup.generation().await;
    drop(timeout(S(60), setup.tokens.rotated(first)).await);
    sleep(S(10_000)).await;
    assert_eq!(setup.asked(), [0]);
}

#[tokio::test(start_paused = true)]
async fn when_the_login_service_says_when_to_come_back_it_is_not_asked_before() {
    let throttled = Error::new(ErrorKind::Throttled, "later").with_retry_after(S(120));
    let setup = Setup::new([Err(throttled)]);
    for _ in 0..10 {
        let error = setup.tokens.token().await.unwrap_err();
        assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Throttled, Some(S(120))));
    }
    assert_eq!(setup.asked(), [0]);
    sleep(S(120)).await;
    assert_eq!(setup.generation().await, 1);
}

#[tokio::test(start_paused = true)]
async fn short_lives_do_not_make_a_storm_and_long_ones_do_not_overflow() {
    for (life, most) in [(1, 300), (10, 45), (300, 4)] {
        let answers: Vec<_> = (0..1000).map(|_| Ok(life)).collect();
        let setup = Setup::new(answers);
        for _ in 0..200 {
            setup.generation().await;
            sleep(S(1)).await;
        }
        assert!(setup.asked().len() <= most, "{life}: {}", setup.asked().len());
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_source_ends_the_request_under_way() {
    let setup = Setup::new([]);
    drop(timeout(Duration::from_millis(1), setup.tokens.token()).await);
    let grant = Arc::downgrade(&setup.grant);
    drop(setup);
    sleep(Duration::from_millis(10)).await;
    assert!(grant.upgrade().is_none());
}

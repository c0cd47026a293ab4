//! What is remembered of one token request for the next: in memory, and in a store.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as StdInstant, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::auth::cache::CachedTokens;
use crate::auth::keeper::{Grant, INVALID_GRANT, Keeper, Kept};
use crate::auth::memory_store::MemoryStore;
use crate::auth::token_answer::Issued;
use crate::auth::token_store::{StoredToken, TokenKey, TokenStore};
use crate::core::clock::Clock;
use crate::core::ports::{AccessToken, BoxFuture, TokenSource};
use crate::core::secret::Secret;
use crate::diagnostics::observer::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::ambient::Ambient;

const S: fn(u64) -> Duration = Duration::from_secs;

/// A wall clock that follows the paused one.
struct Walls(Instant, Duration);

impl Clock for Walls {
    fn now(&self) -> StdInstant {
        Instant::now().into_std()
    }

    fn wall(&self) -> SystemTime {
        UNIX_EPOCH + S(1_000_000_000) + self.1 + self.0.elapsed()
    }
}

/// Life in seconds and refresh token of an answer.
type Answer = Result<(u64, Option<&'static str>)>;

/// Answers with its script, then with tokens of an hour; keeps the refresh tokens that it was shown.
#[derive(Default)]
struct Scripted {
    answers: Mutex<VecDeque<Answer>>,
    shown: Mutex<Vec<Option<String>>>,
    takes: Duration,
    finishes: bool,
}

impl Grant for Scripted {
    fn request<'a>(&'a self, refresh: Option<&'a Secret>) -> BoxFuture<'a, Result<Issued>> {
        let mut shown = self.shown.lock().unwrap();
        shown.push(refresh.map(|refresh| refresh.expose().to_owned()));
        let secret = Secret::new(format!("hush-{}", shown.len()));
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async move {
            sleep(self.takes).await;
            let (life, refresh) = answer.unwrap_or(Ok((3600, None)))?;
            let refresh = refresh.map(Secret::new);
            Ok(Issued { secret, life: S(life), age: None, scopes: vec!["a".into()], refresh })
        })
    }

    fn must_finish(&self) -> bool {
        self.finishes
    }
}

/// One life of a program. Its tokens are `hush-1`, `hush-2` …, counted anew for each grant.
struct Life {
    tokens: CachedTokens,
    grant: Arc<Scripted>,
    signals: Arc<Mutex<Vec<String>>>,
}

struct World {
    start: Instant,
    store: Arc<dyn TokenStore>,
}

impl World {
    fn new() -> Self {
        Self::of(MemoryStore::new())
    }

    fn of(store: impl TokenStore + 'static) -> Self {
        Self { start: Instant::now(), store: Arc::new(store) }
    }

    fn key() -> TokenKey {
        TokenKey::new(&Url::parse("https://login.example").unwrap(), "id", None::<&str>)
    }

    fn life<const N: usize>(&self, answers: [Answer; N]) -> Life {
        self.life_of(Scripted { answers: Mutex::new(answers.into()), ..Scripted::default() })
    }

    fn life_of(&self, grant: Scripted) -> Life {
        self.life_at(grant, Duration::ZERO)
    }

    /// A life on a machine whose wall clock is ahead.
    fn life_at(&self, grant: Scripted, ahead: Duration) -> Life {
        let grant = Arc::new(grant);
        let signals: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = signals.clone();
        let ambient = Ambient {
            clock: Arc::new(Walls(self.start, ahead)),
            entropy: Arc::new(NoSpread),
            observer: Arc::new(move |signal: &Signal<'_>| {
                let text = match signal {
                    Signal::TokenIssued { life, .. } => format!("issued {}", life.as_secs()),
                    Signal::TokenRestored { life, .. } => format!("restored {}", life.as_secs()),
                    Signal::TokenRenewalFailed { .. } => "failed".to_owned(),
                    Signal::TokenStoreFailed { error } => format!("store: {error}"),
                    other => format!("{other:?}"),
                };
                sink.lock().unwrap().push(text);
            }),
        };
        let kept = Some(Kept { store: self.store.clone(), key: Self::key() });
        let keeper = Keeper::new(grant.clone(), kept, ambient.clone());
        Life { tokens: CachedTokens::new(keeper, ambient), grant, signals }
    }

    async fn stored(&self) -> Option<StoredToken> {
        self.store.load(&Self::key()).await.unwrap()
    }

    /// Access and refresh token of what is stored.
    async fn pair(&self) -> Option<(Option<String>, Option<String>)> {
        let text = |secret: Option<Secret>| secret.map(|secret| secret.expose().to_owned());
        self.stored().await.map(|token| (text(token.access_token), text(token.refresh_token)))
    }
}

struct NoSpread;

impl crate::core::clock::Entropy for NoSpread {
    fn unit(&self) -> f64 {
        0.0
    }
}

impl Life {
    async fn token(&self) -> AccessToken {
        self.tokens.token().await.unwrap()
    }

    async fn text(&self) -> String {
        self.token().await.secret.expose().to_owned()
    }

    fn shown(&self) -> Vec<Option<String>> {
        self.grant.shown.lock().unwrap().clone()
    }

    fn signals(&self) -> Vec<String> {
        self.signals.lock().unwrap().clone()
    }
}

fn down() -> Error {
    Error::new(ErrorKind::Transport, "down").retryable(true)
}

fn used_up() -> Error {
    Error::new(ErrorKind::Auth, "used up").with_code(INVALID_GRANT)
}

#[tokio::test(start_paused = true)]
async fn a_program_that_starts_again_asks_for_no_token() {
    let world = World::new();
    let first = world.life([]);
    let token = first.token().await;
    drop(first);
    sleep(S(1000)).await;
    let second = world.life([]);
    let again = second.token().await;
    assert_eq!(again.secret, token.secret);
    assert_eq!((again.issued_at, again.expires_at), (token.issued_at, token.expires_at));
    assert_eq!(again.scopes, token.scopes);
    assert!(second.shown().is_empty());
    assert_eq!(second.signals(), ["restored 2600"]);
    // It is renewed when the first life would have renewed it.
    assert_eq!(second.tokens.rotated(again.generation).await, 2);
    assert_eq!(world.start.elapsed().as_secs(), 2880);
    assert_eq!(second.shown(), [None]);
}

#[tokio::test(start_paused = true)]
async fn ones_own_token_in_the_store_does_not_pass_for_a_renewal() {
    let world = World::new();
    let life = world.life([]);
    assert_eq!(life.tokens.token().await.unwrap().generation, 1);
    assert_eq!(life.tokens.rotated(1).await, 2);
    assert_eq!(life.signals(), ["issued 3600", "issued 3600"]);
    assert_eq!(world.pair().await, Some((Some("hush-2".into()), None)));
}

#[tokio::test(start_paused = true)]
async fn a_stored_token_that_expires_soon_or_is_of_another_clock_is_not_used() {
    for (later, ahead) in [(3540, 0), (0, 3600), (10_000, 0)] {
        let world = World::new();
        world.life([]).token().await;
        sleep(S(later)).await;
        let next = world.life_at(Scripted::default(), S(ahead));
        next.token().await;
        assert_eq!(next.signals(), ["issued 3600"], "{later} {ahead}");
    }
    // The clock was set back by an hour: how old the token is cannot be known.
    let world = World::new();
    world.life_at(Scripted::default(), S(3600)).token().await;
    let next = world.life([]);
    next.token().await;
    assert_eq!(next.signals(), ["issued 3600"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_leaves_the_store_though_no_other_can_be_had() {
    let world = World::new();
    let life = world.life([Ok((3600, None)), Err(down())]);
    let token = life.token().await;
    assert!(world.stored().await.is_some(), "precondition");
    life.tokens.invalidate(&token);
    life.tokens.token().await.unwrap_err();
    assert_eq!(world.pair().await, None);

    // With a refresh token: that one stays.
    let life = world.life([Ok((3600, Some("hush-r1"))), Err(down())]);
    let token = life.token().await;
    life.tokens.invalidate(&token);
    life.tokens.token().await.unwrap_err();
    assert_eq!(world.pair().await, Some((None, Some("hush-r1".into()))));
    let next = world.life([]);
    next.token().await;
    assert_eq!(next.shown(), [Some("hush-r1".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_new_refresh_token_takes_the_place_of_the_old_one_everywhere() {
    let world = World::new();
    let hour = |refresh| Ok((3600, refresh));
    let life = world.life([hour(Some("hush-r1")), hour(Some("hush-r2")), hour(None), hour(None)]);
    let mut generation = life.token().await.generation;
    for stored in ["hush-r1", "hush-r2", "hush-r2"] {
        assert_eq!(world.pair().await.unwrap().1, Some(stored.into()));
        generation = life.tokens.rotated(generation).await;
    }
    let expected = [None, Some("hush-r1".into()), Some("hush-r2".into()), Some("hush-r2".into())];
    assert_eq!(life.shown(), expected, "an answer without one leaves the old one good");
}

#[tokio::test(start_paused = true)]
async fn a_refused_refresh_token_is_forgotten_and_not_shown_again() {
    let world = World::new();
    let life = world.life([Ok((3600, Some("hush-r1"))), Err(used_up()), Err(used_up())]);
    let token = life.token().await;
    life.tokens.invalidate(&token);
    let error = life.tokens.token().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, Some(INVALID_GRANT)));
    assert_eq!(world.pair().await, None);
    life.tokens.token().await.unwrap_err();
    assert_eq!(life.shown(), [None, Some("hush-r1".into()), None]);
}

#[tokio::test(start_paused = true)]
async fn a_passing_fault_does_not_lose_the_refresh_token() {
    let world = World::new();
    let life = world.life([Ok((3600, Some("hush-r1"))), Err(down()), Ok((3600, Some("hush-r2")))]);
    assert_eq!(life.tokens.rotated(life.token().await.generation).await, 2);
    assert_eq!(life.shown(), [None, Some("hush-r1".into()), Some("hush-r1".into())]);
}

#[tokio::test(start_paused = true)]
async fn two_processes_share_one_renewal() {
    let world = World::new();
    let one = world.life([]);
    one.token().await;
    let two = world.life([]);
    assert_eq!(two.text().await, "hush-1");
    sleep(S(2900)).await;
    one.token().await;
    sleep(S(1)).await;
    assert_eq!(one.text().await, "hush-2", "precondition: one has renewed");
    two.token().await;
    sleep(S(1)).await;
    assert_eq!(two.text().await, "hush-2");
    assert_eq!((one.shown().len(), two.shown().len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_another_process_has_just_used_is_no_loss() {
    let world = World::new();
    let one = world.life([Ok((3600, Some("hush-r1"))), Ok((3600, Some("hush-r2")))]);
    one.token().await;
    // The other one's request comes between the answer to the first and its being stored.
    let late = Scripted { takes: S(1), ..Scripted::default() };
    late.answers.lock().unwrap().push_back(Err(used_up()));
    let two = world.life_of(late);
    let stale = two.token().await;
    two.tokens.invalidate(&stale);
    let renewal = async {
        sleep(Duration::from_millis(1200)).await;
        let token = one.token().await;
        one.tokens.invalidate(&token);
        one.text().await
    };
    let (renewed, found) = tokio::join!(renewal, two.text());
    assert_eq!((renewed.as_str(), found.as_str()), ("hush-2", "hush-2"));
    assert_eq!(two.shown(), [Some("hush-r1".into())]);
    assert_eq!(world.pair().await, Some((Some("hush-2".into()), Some("hush-r2".into()))));
}

/// Fails in one way, and keeps nothing.
struct Failing(Option<fn() -> Error>);

impl TokenStore for Failing {
    fn load<'a>(&'a self, _: &'a TokenKey) -> BoxFuture<'a, Result<Option<StoredToken>>> {
        match self.0 {
            Some(error) => Box::pin(std::future::ready(Err(error()))),
            None => Box::pin(std::future::pending()),
        }
    }

    fn save<'a>(&'a self, _: &'a TokenKey, _: &'a StoredToken) -> BoxFuture<'a, Result<()>> {
        match self.0 {
            Some(error) => Box::pin(std::future::ready(Err(error()))),
            None => Box::pin(std::future::pending()),
        }
    }

    fn remove<'a>(&'a self, _: &'a TokenKey) -> BoxFuture<'a, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_or_hangs_is_told_of_and_done_without() {
    let world = World::of(Failing(Some(|| Error::new(ErrorKind::Decode, "damaged"))));
    let life = world.life([Ok((3600, Some("hush-r1"))), Ok((3600, Some("hush-r2")))]);
    let token = life.token().await;
    assert_eq!(life.signals(), ["store: damaged", "store: damaged", "issued 3600"]);
    life.tokens.invalidate(&token);
    life.token().await;
    assert_eq!(
        life.shown(),
        [None, Some("hush-r1".into())],
        "the refresh token is in memory all the same"
    );

    let world = World::of(Failing(None));
    let life = world.life([]);
    life.token().await;
    assert_eq!(world.start.elapsed(), S(20), "10 s for each of load and save");
    assert!(life.signals()[0].contains("took over 10 s"), "{:?}", life.signals());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_must_be_mended_fails_the_call() {
    let world = World::of(Failing(Some(|| Error::config("readable by others"))));
    let life = world.life([]);
    let error = life.tokens.token().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Config, "readable by others")
    );
    assert!(life.shown().is_empty(), "nothing is asked for that could not be kept");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_had_again_is_stored_though_the_client_is_gone() {
    for finishes in [true, false] {
        let world = World::new();
        let life = world.life_of(Scripted { takes: S(1), finishes, ..Scripted::default() });
        drop(timeout(Duration::from_millis(1), life.tokens.token()).await);
        drop(life);
        sleep(S(2)).await;
        assert_eq!(world.stored().await.is_some(), finishes);
    }
}

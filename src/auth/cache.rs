//! One token for everybody: asked for once, renewed early, replaced when it is refused.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::auth::keeper::Keeper;
use crate::auth::shared_error;
use crate::auth::token_answer::Issued;
use crate::core::backoff::full_jitter;
use crate::core::ports::{AccessToken, BoxFuture, TokenSource};
use crate::diagnostics::observer::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::ambient::Ambient;
use crate::transport::clock::sleep_until;

/// Share of a token's life after which it is renewed.
const RENEW_AT: f64 = 0.8;

/// By up to this share earlier, so that a fleet that started together does not renew together.
const RENEW_JITTER: f64 = 0.1;

/// A token is renewed at least this long before it ends: two retry loops at the default deadlines.
const RENEW_MARGIN: Duration = Duration::from_secs(60);

/// First delay after a failed renewal; it doubles from there.
const AGAIN_BASE: Duration = Duration::from_secs(2);

/// Longest delay after a failed renewal, and its share of the token's life when that is shorter.
const AGAIN_CAP: Duration = Duration::from_secs(300);
const AGAIN_SHARE: u32 = 20;

/// A [`TokenSource`] over a grant.
///
/// However many ask, one request is under way. It runs on a task of its own, so that a caller who is dropped takes
/// nothing from the others. While the old token is valid nobody waits for the new one.
pub(crate) struct CachedTokens {
    keeper: Arc<Keeper>,
    ambient: Ambient,
    shared: Arc<Shared>,
}

/// What the renewing task and the callers share; the task does not keep it alive.
struct Shared {
    state: Mutex<State>,
    /// Counts the changes of `state`.
    changed: watch::Sender<u64>,
    /// Whether a request under way is finished though nobody is left to take its answer.
    finishes: bool,
}

#[derive(Default)]
struct State {
    current: Option<Held>,
    /// Generation of the last token that was issued.
    generation: u64,
    under_way: Option<UnderWay>,
    failures: u32,
    /// No renewal before this.
    not_before: Option<Instant>,
    /// The login service said when to come back: until then, this is everybody's answer.
    told_to_wait: Option<(Instant, Arc<Error>)>,
}

struct Held {
    token: AccessToken,
    sent_at: Instant,
    expires_at: Instant,
    renew_at: Instant,
    life: Duration,
    refused: bool,
}

#[derive(Clone)]
struct UnderWay {
    done: watch::Receiver<Option<Result<AccessToken, Arc<Error>>>>,
    task: AbortHandle,
}

impl Held {
    fn is_valid(&self, now: Instant) -> bool {
        !self.refused && now < self.expires_at
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = &state.under_way
            && !self.finishes
        {
            under_way.task.abort();
        }
    }
}

impl CachedTokens {
    pub(crate) fn new(keeper: Keeper, ambient: Ambient) -> Self {
        let shared = Shared {
            state: Mutex::default(),
            changed: watch::Sender::new(0),
            finishes: keeper.must_finish(),
        };
        Self { keeper: Arc::new(keeper), ambient, shared: Arc::new(shared) }
    }

    /// The request that is under way, begun now if there is none.
    fn renew(&self, state: &mut State) -> UnderWay {
        if let Some(under_way) = &state.under_way
            && !under_way.task.is_finished()
        {
            return under_way.clone();
        }
        let (sender, done) = watch::channel(None);
        let keeper = self.keeper.clone();
        let ambient = self.ambient.clone();
        let shared = Arc::downgrade(&self.shared);
        let task = tokio::spawn(async move {
            let sent_at = ambient.clock.now();
            let result = keeper.request().await;
            let result = settle(&shared, &ambient, sent_at, result);
            sender.send_replace(Some(result));
        });
        let under_way = UnderWay { done, task: task.abort_handle() };
        state.under_way = Some(under_way.clone());
        under_way
    }

    async fn get(&self) -> Result<AccessToken> {
        let mut abandoned = false;
        loop {
            let mut under_way = {
                let mut state = self.shared.lock();
                let now = self.ambient.clock.now();
                if let Some(token) = self.valid(&mut state, now) {
                    return Ok(token);
                }
                match &state.told_to_wait {
                    Some((until, error)) if now < *until => return Err(shared_error::copy(error)),
                    _ => self.renew(&mut state),
                }
            };
            let seen = under_way.done.wait_for(Option::is_some).await;
            match seen.map(|seen| seen.clone()) {
                Ok(Some(Ok(token))) => return Ok(token),
                Ok(Some(Err(error))) => return Err(shared_error::copy(&error)),
                // The task ended without a result, because its runtime was shut down: ours begins another, once.
                Ok(None) | Err(_) if !abandoned => abandoned = true,
                Ok(None) | Err(_) => {
                    let message = "token request was abandoned by its runtime";
                    return Err(Error::new(ErrorKind::Closed, message));
                }
            }
        }
    }

    /// Waits for a renewal, begun now if none is under way; the token that is there stays in use until it succeeds.
    async fn get_newer(&self, than: u64) -> Result<AccessToken> {
        let under_way = {
            let mut state = self.shared.lock();
            let now = self.ambient.clock.now();
            let usable = state.current.as_ref().filter(|held| held.is_valid(now));
            match usable.map(|held| held.token.generation) {
                // A renewal has just failed: who asks again would be one of many.
                Some(held) if held <= than && !state.puts_off(now) => Some(self.renew(&mut state)),
                _ => None,
            }
        };
        if let Some(mut under_way) = under_way {
            // When it fails, the one that is there does.
            let _ = under_way.done.wait_for(Option::is_some).await;
        }
        self.get().await
    }

    /// The token that is there, if it is valid; renewed on the side when it is due.
    fn valid(&self, state: &mut State, now: Instant) -> Option<AccessToken> {
        let held = state.current.as_ref().filter(|held| held.is_valid(now))?;
        let token = held.token.clone();
        if state.wants_renewal_at().is_some_and(|at| at <= now) {
            self.renew(state);
        }
        Some(token)
    }

    async fn until_rotated(&self, after: u64) -> u64 {
        let mut changed = self.shared.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let renew_at = {
                let mut state = self.shared.lock();
                let now = self.ambient.clock.now();
                match &state.current {
                    Some(held) if held.token.generation > after && !held.refused => {
                        return held.token.generation;
                    }
                    _ => {}
                }
                let at = state.wants_renewal_at();
                if at.is_some_and(|at| at <= now) {
                    self.renew(&mut state);
                    None
                } else {
                    at
                }
            };
            let due = async {
                match renew_at {
                    Some(at) => sleep_until(&*self.ambient.clock, at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                // Cannot fail: `self` holds the sender.
                _ = changed.changed() => {}
                () = due => {}
            }
        }
    }
}

impl State {
    /// Whether a renewal has to wait, because one has failed.
    fn puts_off(&self, now: Instant) -> bool {
        self.not_before.is_some_and(|at| now < at)
    }

    /// When the next renewal should begin; `None` while one is under way, or before the first token.
    fn wants_renewal_at(&self) -> Option<Instant> {
        if self.under_way.as_ref().is_some_and(|under_way| !under_way.task.is_finished()) {
            return None;
        }
        let held = self.current.as_ref()?;
        let due = if held.refused { held.sent_at } else { held.renew_at };
        Some(self.not_before.map_or(due, |at| at.max(due)))
    }
}

/// Writes the result of a request down and tells of it.
fn settle(
    shared: &Weak<Shared>,
    ambient: &Ambient,
    sent_at: Instant,
    result: Result<Issued>,
) -> Result<AccessToken, Arc<Error>> {
    let result = result.map_err(Arc::new);
    let Some(shared) = shared.upgrade() else {
        return result.map(|issued| AccessToken::new(issued.secret, 0));
    };
    let now = ambient.clock.now();
    let unit = ambient.entropy.unit();
    let mut state = shared.lock();
    state.under_way = None;
    let outcome = match result {
        Ok(issued) => {
            let was_kept = issued.age.is_some();
            let (token, life) = state.accept(issued, sent_at, unit);
            drop(state);
            let generation = token.generation;
            ambient.tell(&if was_kept {
                Signal::TokenRestored { generation, life }
            } else {
                Signal::TokenIssued { generation, life }
            });
            Ok(token)
        }
        Err(error) => {
            let usable = state.postpone(&error, now, unit);
            drop(state);
            ambient.tell(&Signal::TokenRenewalFailed { error: &error, usable });
            Err(error)
        }
    };
    shared.tell();
    outcome
}

impl State {
    /// Takes a token; returns it with how much longer it lives.
    fn accept(&mut self, issued: Issued, sent_at: Instant, unit: f64) -> (AccessToken, Duration) {
        self.generation += 1;
        self.failures = 0;
        self.not_before = None;
        self.told_to_wait = None;
        let life = issued.life;
        // Short-lived tokens (of tests, or of gateways) have no minute to spare: half their life, then.
        let latest = life.saturating_sub(RENEW_MARGIN).max(life / 2);
        let early = life.mul_f64(RENEW_AT).min(latest);
        let age = issued.age.unwrap_or_default();
        let early = early.mul_f64(1.0 - RENEW_JITTER * unit.clamp(0.0, 1.0));
        let renew_at = sent_at + early.saturating_sub(age);
        let left = life.saturating_sub(age);
        let mut token = AccessToken::new(issued.secret, self.generation);
        // A machine that was started after the token was issued has no such moment.
        token.issued_at = sent_at.checked_sub(age);
        token.expires_at = Some(sent_at + left);
        token.scopes = issued.scopes;
        self.current = Some(Held {
            token: token.clone(),
            sent_at,
            expires_at: sent_at + left,
            renew_at,
            life,
            refused: false,
        });
        (token, left)
    }

    /// Puts the next renewal off; returns whether the old token still works.
    fn postpone(&mut self, error: &Arc<Error>, now: Instant, unit: f64) -> bool {
        let life = self.current.as_ref().map_or(AGAIN_CAP, |held| held.life);
        let cap = AGAIN_CAP.min(life / AGAIN_SHARE);
        let base = AGAIN_BASE.min(cap);
        let wait = full_jitter(base, cap, base / 2, self.failures, unit);
        let asked = error.retry_after().map(|wait| wait.min(AGAIN_CAP));
        let wait = wait.max(asked.unwrap_or_default());
        self.told_to_wait = asked.map(|asked| (now + asked, error.clone()));
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(now + wait);
        self.current.as_ref().is_some_and(|held| held.is_valid(now))
    }
}

impl TokenSource for CachedTokens {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken>> {
        Box::pin(self.get())
    }

    fn invalidate(&self, refused: &AccessToken) {
        let mut state = self.shared.lock();
        if let Some(held) = &mut state.current
            && held.token.generation == refused.generation
            && !held.refused
        {
            held.refused = true;
            drop(state);
            self.keeper.refused(&refused.secret);
            self.shared.tell();
        }
    }

    fn newer<'a>(&'a self, than: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken>> {
        Box::pin(self.get_newer(than.generation))
    }

    fn rotated(&self, after: u64) -> BoxFuture<'_, u64> {
        Box::pin(self.until_rotated(after))
    }
}

impl fmt::Debug for CachedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CachedTokens")
    }
}

//! One token request, with what is remembered of the one before: in memory, and in a store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::auth::token_answer::Issued;
use crate::auth::token_store::{StoredToken, TokenKey, TokenStore};
use crate::core::ports::BoxFuture;
use crate::core::secret::Secret;
use crate::diagnostics::observer::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::ambient::Ambient;

/// How long a store may take: a disk or a database that takes longer is one that is down.
const STORE_DEADLINE: Duration = Duration::from_secs(10);

/// How long another process has, after it has used the shared refresh token, to store the one that it got for it.
const OTHERS_WRITE: Duration = Duration::from_millis(500);

/// The code of a grant that is used up, too old or withdrawn (RFC 6749, section 5.2).
pub(crate) const INVALID_GRANT: &str = "invalid_grant";

/// Asks the login service for a token; every call is one new token.
pub(crate) trait Grant: Send + Sync {
    /// `refresh` is the refresh token of the last answer, if it had one.
    fn request<'a>(&'a self, refresh: Option<&'a Secret>) -> BoxFuture<'a, Result<Issued>>;

    /// Whether somebody has just signed in: what is stored is older.
    fn is_fresh(&self) -> bool {
        false
    }

    /// Whether a request that is under way must not be given up: its answer cannot be had again.
    fn must_finish(&self) -> bool {
        false
    }
}

const _: fn(&dyn Grant) = |_| {};

/// A store, and under which key.
pub(crate) struct Kept {
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) key: TokenKey,
}

/// A grant and its memory. Asked by one task at a time.
pub(crate) struct Keeper {
    grant: Arc<dyn Grant>,
    kept: Option<Kept>,
    ambient: Ambient,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// The token that was handed out last.
    current: Option<Secret>,
    /// When that was issued: what is stored is taken only if it is newer.
    issued_at: Option<SystemTime>,
    refresh: Option<Secret>,
    /// The last token that the platform refused.
    refused: Option<Secret>,
}

impl Keeper {
    pub(crate) fn new(grant: Arc<dyn Grant>, kept: Option<Kept>, ambient: Ambient) -> Self {
        Self { grant, kept, ambient, memory: Mutex::default() }
    }

    pub(crate) fn must_finish(&self) -> bool {
        self.grant.must_finish()
    }

    /// The platform refused a token: it is not taken from the store again.
    pub(crate) fn refused(&self, token: &Secret) {
        self.memory().refused = Some(token.clone());
    }

    /// A token: another process's from the store, or a new one.
    pub(crate) async fn request(&self) -> Result<Issued> {
        if !self.grant.is_fresh()
            && let Some(restored) = self.restore().await?
        {
            return Ok(restored);
        }
        let refresh = self.memory().refresh.clone();
        match self.ask(refresh.as_ref()).await {
            Err(error) => match refresh {
                Some(refresh) if is_used_up(&error) => self.look_again(&refresh, error).await,
                _ => {
                    self.forget_refused().await;
                    Err(error)
                }
            },
            issued => issued,
        }
    }

    /// One request, and its answer written down.
    async fn ask(&self, refresh: Option<&Secret>) -> Result<Issued> {
        let asked_at = self.ambient.clock.wall();
        let issued = self.grant.request(refresh).await?;
        // A login service may keep the refresh token as it is (RFC 6749, section 6).
        let refresh = issued.refresh.clone().or_else(|| refresh.cloned());
        {
            let mut memory = self.memory();
            memory.current = Some(issued.secret.clone());
            memory.issued_at = Some(asked_at);
            memory.refresh.clone_from(&refresh);
            memory.refused = None;
        }
        if let Some(Kept { store, key }) = &self.kept {
            let expires_at = asked_at.checked_add(issued.life).unwrap_or(asked_at);
            let mut token = StoredToken::new(issued.secret.clone(), asked_at, expires_at);
            token.refresh_token = refresh;
            token.scopes.clone_from(&issued.scopes);
            self.tell(self.within(store.save(key, &token)).await);
        }
        Ok(issued)
    }

    /// What is stored and can be used; also takes over its refresh token.
    async fn restore(&self) -> Result<Option<Issued>> {
        let Some(Kept { store, key }) = &self.kept else { return Ok(None) };
        let stored = match self.within(store.load(key)).await {
            // The store must be mended, and others may know what is in it.
            Err(error) if error.kind() == ErrorKind::Config => return Err(error),
            Err(error) => {
                self.tell(Err(error));
                None
            }
            Ok(stored) => stored,
        };
        let Some(stored) = stored else { return Ok(None) };
        let refused = {
            let mut memory = self.memory();
            // What is in memory could not be stored, perhaps: the newer one counts.
            if memory.issued_at.is_none_or(|ours| ours < stored.issued_at) {
                memory.issued_at = Some(stored.issued_at);
                memory.refresh = stored.refresh_token.clone().or_else(|| memory.refresh.take());
            }
            memory.refused.clone()
        };
        let Some(access) = &stored.access_token else { return Ok(None) };
        if refused.as_ref() == Some(access) {
            if stored.refresh_token.is_none() {
                self.tell(self.within(store.remove(key)).await);
            }
            return Ok(None);
        }
        let mut memory = self.memory();
        if memory.current.as_ref() == Some(access) {
            return Ok(None);
        }
        let Some((age, life)) = stored.age_and_life(self.ambient.clock.wall()) else {
            return Ok(None);
        };
        memory.current = Some(access.clone());
        Ok(Some(Issued {
            secret: access.clone(),
            life,
            age: Some(age),
            scopes: stored.scopes,
            refresh: stored.refresh_token,
        }))
    }

    /// The refresh token was refused: another process may have used it, and stored the next one.
    async fn look_again(&self, used: &Secret, error: Error) -> Result<Issued> {
        for wait in [Duration::ZERO, OTHERS_WRITE] {
            if self.kept.is_none() {
                break;
            }
            tokio::time::sleep(wait).await;
            if let Some(restored) = self.restore().await? {
                return Ok(restored);
            }
            let newer = self.memory().refresh.clone().filter(|newer| newer != used);
            if let Some(newer) = newer {
                match self.ask(Some(&newer)).await {
                    Err(error) if is_used_up(&error) => return self.lost(&newer, error).await,
                    other => return other,
                }
            }
        }
        self.lost(used, error).await
    }

    /// The sign-in is over: nothing is left to begin with.
    async fn lost(&self, used: &Secret, error: Error) -> Result<Issued> {
        self.memory().refresh = None;
        if let Some(Kept { store, key }) = &self.kept
            && let Ok(Some(stored)) = self.within(store.load(key)).await
            && stored.refresh_token.as_ref() == Some(used)
        {
            self.tell(self.within(store.remove(key)).await);
        }
        Err(error)
    }

    /// Takes a refused token out of the store when there is no other to put in its place.
    async fn forget_refused(&self) {
        let Some(Kept { store, key }) = &self.kept else { return };
        let Some(refused) = self.memory().refused.clone() else { return };
        if let Ok(Some(mut stored)) = self.within(store.load(key)).await
            && stored.access_token.as_ref() == Some(&refused)
        {
            stored.access_token = None;
            self.tell(self.within(store.save(key, &stored)).await);
        }
    }

    async fn within<T>(&self, work: BoxFuture<'_, Result<T>>) -> Result<T> {
        tokio::time::timeout(STORE_DEADLINE, work).await.unwrap_or_else(|_| {
            let text = format!("the token store took over {} s", STORE_DEADLINE.as_secs());
            Err(Error::new(ErrorKind::Timeout, text))
        })
    }

    fn tell(&self, done: Result<()>) {
        if let Err(error) = done {
            self.ambient.tell(&Signal::TokenStoreFailed { error: &error });
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_used_up(error: &Error) -> bool {
    error.kind() == ErrorKind::Auth && error.code() == Some(INVALID_GRANT)
}

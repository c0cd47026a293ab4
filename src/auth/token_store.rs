//! The seam to where tokens outlive the process.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::core::ports::BoxFuture;
use crate::core::secret::Secret;
use crate::error::{Error, ErrorKind, Result};

/// Keeps tokens, so that a program that starts again needs no new one.
///
/// Shipped are [`MemoryStore`](crate::MemoryStore) and [`FileStore`](crate::FileStore). Give one to
/// [`ClientBuilder::token_store`](crate::ClientBuilder::token_store); it is read before each token request and written
/// after each, from one task at a time for each client.
///
/// A store of your own holds credentials: encrypt it, or guard it as you guard a password.
///
/// ```
/// use genesys_cloud::{BoxFuture, Result, StoredToken, TokenKey, TokenStore};
///
/// struct Vault;
///
/// impl TokenStore for Vault {
///     fn load<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<StoredToken>>> {
///         Box::pin(async move {
///             let row: Option<String> = None; // SELECT … WHERE login = key.login() AND …
///             row.map(|json| StoredToken::from_json(json.as_bytes())).transpose()
///         })
///     }
///
///     fn save<'a>(&'a self, key: &'a TokenKey, token: &'a StoredToken) -> BoxFuture<'a, Result<()>> {
///         Box::pin(async move {
///             let _row = (key.client_id(), token.to_json()); // INSERT or UPDATE, in one statement
///             Ok(())
///         })
///     }
///
///     fn remove<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<()>> {
///         let _condition = (key.login(), key.client_id(), key.subject()); // DELETE
///         Box::pin(std::future::ready(Ok(())))
///     }
/// }
/// ```
///
/// # Errors
/// [`Config`](ErrorKind::Config) from [`load`](Self::load) fails the call that needs a token: the store must be mended.
/// Every other error is told to the observer, as [`Signal::TokenStoreFailed`](crate::Signal::TokenStoreFailed), and the
/// client goes on without the store. So it does when the store takes longer than 10 s.
pub trait TokenStore: Send + Sync {
    /// What is stored under a key.
    ///
    /// # Errors
    /// As stated on the trait. What is stored but cannot be read is an error, which counts as nothing stored.
    fn load<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<StoredToken>>>;

    /// Stores a token in the place of what is stored under the key: wholly or not at all.
    ///
    /// # Errors
    /// As stated on the trait.
    fn save<'a>(&'a self, key: &'a TokenKey, token: &'a StoredToken) -> BoxFuture<'a, Result<()>>;

    /// Removes what is stored under a key, if anything is.
    ///
    /// # Errors
    /// As stated on the trait.
    fn remove<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<()>>;
}

const _: fn(&dyn TokenStore) = |_| {};

impl<T: TokenStore + ?Sized> TokenStore for Arc<T> {
    fn load<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<StoredToken>>> {
        (**self).load(key)
    }

    fn save<'a>(&'a self, key: &'a TokenKey, token: &'a StoredToken) -> BoxFuture<'a, Result<()>> {
        (**self).save(key, token)
    }

    fn remove<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<()>> {
        (**self).remove(key)
    }
}

impl fmt::Debug for dyn TokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenStore")
    }
}

/// Whose token it is: the login service, the OAuth client, and whom of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenKey {
    login: Box<str>,
    client_id: Box<str>,
    subject: Option<Box<str>>,
}

impl TokenKey {
    /// A key. Tokens of a region's login service are good in that region only, so its address is part of it.
    pub fn new(
        login: &Url,
        client_id: impl Into<Box<str>>,
        subject: Option<impl Into<Box<str>>>,
    ) -> Self {
        let login = login.origin().ascii_serialization().into();
        Self { login, client_id: client_id.into(), subject: subject.map(Into::into) }
    }

    /// The login service: scheme, host, and port where it is not the usual one.
    pub fn login(&self) -> &str {
        &self.login
    }

    /// The OAuth client's id.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The account that was signed in, or the scopes that were asked for; `None` for the client itself.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }
}

/// A token as it is stored. All times are of the wall clock: nothing else outlives a process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredToken {
    /// What goes behind `Bearer`; `None` when the platform refused it and only the refresh token is still good.
    pub access_token: Option<Secret>,
    /// When it was asked for.
    pub issued_at: SystemTime,
    /// When the platform stops taking it.
    pub expires_at: SystemTime,
    /// What the next token is had for, after a user has signed in.
    pub refresh_token: Option<Secret>,
    /// The scopes that the token response named.
    pub scopes: Vec<Box<str>>,
}

/// How far in the future a token may have been issued: what clocks of two machines differ by.
const SKEW: Duration = Duration::from_secs(60);

/// A token with less than this left, or than half of its life, is not used: the same minute that is left to renew in.
const LEAST_LEFT: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// Milliseconds of the epoch.
    issued_at_ms: u64,
    expires_at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(default)]
    scopes: Vec<Box<str>>,
}

impl StoredToken {
    /// A token without a refresh token and scopes.
    pub fn new(
        access_token: impl Into<Secret>,
        issued_at: SystemTime,
        expires_at: SystemTime,
    ) -> Self {
        let access_token = Some(access_token.into());
        Self { access_token, issued_at, expires_at, refresh_token: None, scopes: Vec::new() }
    }

    /// The token as one JSON object, for a store of your own.
    pub fn to_json(&self) -> Secret {
        let text = |secret: &Option<Secret>| secret.as_ref().map(|one| one.expose().to_owned());
        let written = Written {
            access_token: text(&self.access_token),
            issued_at_ms: ms_of(self.issued_at),
            expires_at_ms: ms_of(self.expires_at),
            refresh_token: text(&self.refresh_token),
            scopes: self.scopes.clone(),
        };
        // Cannot fail: strings and numbers.
        Secret::new(serde_json::to_string(&written).unwrap_or_default())
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode) for anything else; nothing of the text is in the error.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let damaged =
            || Error::new(ErrorKind::Decode, "what is stored is no token: it counts as none");
        let written: Written = serde_json::from_slice(text).map_err(|_| damaged())?;
        let time = |ms| UNIX_EPOCH.checked_add(Duration::from_millis(ms)).ok_or_else(damaged);
        let secret = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Secret::new);
        Ok(Self {
            access_token: secret(written.access_token),
            issued_at: time(written.issued_at_ms)?,
            expires_at: time(written.expires_at_ms)?,
            refresh_token: secret(written.refresh_token),
            scopes: written.scopes,
        })
    }

    /// How old the token is and how long it lives in all, if it can be used at `now`.
    ///
    /// A token from the future was stored under another clock: how long it is still good cannot be known.
    pub(crate) fn age_and_life(&self, now: SystemTime) -> Option<(Duration, Duration)> {
        let life = self.expires_at.duration_since(self.issued_at).ok()?;
        let age = match now.duration_since(self.issued_at) {
            Ok(age) => age,
            Err(ahead) if ahead.duration() <= SKEW => Duration::ZERO,
            Err(_) => return None,
        };
        (life.saturating_sub(age) > LEAST_LEFT.min(life / 2)).then_some((age, life))
    }
}

fn ms_of(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + S(1_000_000 + seconds)
    }

    #[test]
    fn json_brings_back_what_was_written() {
        let mut token = StoredToken::new("hush-access", at(0), at(300));
        assert_eq!(StoredToken::from_json(token.to_json().expose().as_bytes()).unwrap(), token);
        token.access_token = None;
        token.refresh_token = Some("hush-refresh".into());
        token.scopes = vec!["a".into(), "b".into()];
        let json = token.to_json();
        assert_eq!(StoredToken::from_json(json.expose().as_bytes()).unwrap(), token);
        assert!(!format!("{token:?} {json:?}").contains("hush"));
    }

    #[test]
    fn what_is_no_token_is_an_error_that_repeats_nothing() {
        let far =
            r#"{"issued_at_ms":0,"expires_at_ms":18446744073709551615,"access_token":"hush"}"#;
        for bad in ["", "{}", "[]", "hush", r#"{"access_token":"hush"}"#, "{\"issued_at_ms\":-1}"] {
            let error = StoredToken::from_json(bad.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{bad}");
            assert!(!format!("{error} {error:?} {:?}", error.body()).contains("hush"));
        }
        // A time that no clock of this system can show, or one that can be shown: no panic.
        let _ = StoredToken::from_json(far.as_bytes());
    }

    #[test]
    fn a_token_that_expires_soon_or_comes_from_the_future_is_not_used() {
        let token = StoredToken::new("hush", at(0), at(1000));
        let left = |now| token.age_and_life(now).map(|(age, life)| (age.as_secs(), life.as_secs()));
        assert_eq!(left(at(0)), Some((0, 1000)));
        assert_eq!(left(at(939)), Some((939, 1000)));
        assert_eq!(left(at(940)), None, "a minute is left");
        assert_eq!(left(at(2000)), None);
        assert_eq!(left(UNIX_EPOCH + S(999_950)), Some((0, 1000)), "clocks differ a little");
        assert_eq!(left(UNIX_EPOCH + S(999_000)), None, "the clock was set back");
        let short = StoredToken::new("hush", at(0), at(10));
        assert!(short.age_and_life(at(4)).is_some() && short.age_and_life(at(5)).is_none());
        let reversed = StoredToken::new("hush", at(10), at(0));
        assert_eq!(reversed.age_and_life(at(5)), None);
    }

    #[test]
    fn a_key_tells_login_services_clients_and_subjects_apart() {
        let url = |text| Url::parse(text).unwrap();
        let one = TokenKey::new(&url("https://login.mypurecloud.com/oauth"), "id", None::<&str>);
        assert_eq!(
            (one.login(), one.client_id(), one.subject()),
            ("https://login.mypurecloud.com", "id", None)
        );
        assert_ne!(one, TokenKey::new(&url("https://login.mypurecloud.ie"), "id", None::<&str>));
        assert_ne!(one, TokenKey::new(&url("https://login.mypurecloud.com"), "id", Some("kim")));
    }
}

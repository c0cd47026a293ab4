//! What is checked before a user is tracked.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::core::id_text::uuid;
use crate::core::ports::AccessToken;
use crate::core::window::SlidingWindow;
use crate::error::{Error, ErrorKind, cut};

/// Why users are not tracked. Nothing of a call that fails takes effect.
///
/// Becomes an [`Error`] of the kind that is named here.
#[derive(Debug)]
#[non_exhaustive]
pub enum TrackError {
    /// These are no ids of users, which are UUIDs. [`Config`](ErrorKind::Config).
    BadIds {
        /// The texts, each cut to 64 characters.
        ids: Vec<Box<str>>,
    },
    /// There would be too many users. [`Capacity`](ErrorKind::Capacity).
    TooManyUsers {
        /// How many are tracked.
        tracked: usize,
        /// How many more were asked for.
        asked: usize,
        /// How many can be.
        limit: usize,
    },
    /// There would be too many subscribe requests in a stretch of time. [`Throttled`](ErrorKind::Throttled).
    TooManyRequests {
        /// How many are allowed.
        limit: usize,
        /// In which stretch of time.
        window: Duration,
        /// How long to wait before the next.
        retry_after: Duration,
    },
    /// The token has none of the scopes of which it needs one. [`Forbidden`](ErrorKind::Forbidden).
    MissingScope {
        /// The scopes of which it needs one.
        needs_one_of: Vec<Box<str>>,
        /// The scopes that the token response named.
        granted: Vec<Box<str>>,
    },
    /// The token could not be had, the subscription could not be sent, or the stream is over.
    Failed(Error),
}

impl fmt::Display for TrackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadIds { ids } => {
                write!(f, "{} of the ids are no UUIDs, such as {:?}", ids.len(), ids.first())?;
                f.write_str("; copy ids of users from the platform")
            }
            Self::TooManyUsers { tracked, asked, limit } => write!(
                f,
                "{asked} users more than the {tracked} that are tracked would be over the limit of {limit}; untrack \
                 some, or use another tracker"
            ),
            Self::TooManyRequests { limit, window, retry_after } => write!(
                f,
                "{limit} subscribe requests within {} s are allowed; wait for {:.1} s, and name many users in one request",
                window.as_secs(),
                retry_after.as_secs_f64()
            ),
            Self::MissingScope { needs_one_of, granted } => write!(
                f,
                "the token has the scopes {:?}, and needs {}",
                granted.join(" "),
                needs_one_of.join(" or ")
            ),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl StdError for TrackError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            _ => None,
        }
    }
}

impl From<TrackError> for Error {
    fn from(error: TrackError) -> Self {
        let text = error.to_string();
        match error {
            TrackError::BadIds { .. } => Self::config(text),
            TrackError::TooManyUsers { .. } => Self::new(ErrorKind::Capacity, text),
            TrackError::TooManyRequests { retry_after, .. } => {
                Self::new(ErrorKind::Throttled, text).with_retry_after(retry_after).retryable(true)
            }
            TrackError::MissingScope { .. } => Self::new(ErrorKind::Forbidden, text),
            TrackError::Failed(error) => error,
        }
    }
}

/// What the token says of the scopes that are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopeCheck {
    /// The token has one of them.
    Granted,
    /// The token response named no scopes, as of client credentials: the platform decides by roles, and by itself.
    Unknown,
    /// None is needed.
    NotNeeded,
}

impl ScopeCheck {
    /// Holds what is needed against what the token response named.
    pub(super) fn of(needs_one_of: &[Box<str>], token: &AccessToken) -> Result<Self, TrackError> {
        if needs_one_of.is_empty() {
            return Ok(Self::NotNeeded);
        }
        if token.scopes.is_empty() {
            return Ok(Self::Unknown);
        }
        if needs_one_of.iter().any(|needed| token.scopes.contains(needed)) {
            return Ok(Self::Granted);
        }
        let (needs_one_of, granted) = (needs_one_of.to_vec(), token.scopes.clone());
        Err(TrackError::MissingScope { needs_one_of, granted })
    }
}

/// Ids as the platform spells them, each once.
pub(super) fn ids<T: AsRef<str>>(texts: &[T]) -> Result<Vec<Arc<str>>, TrackError> {
    let (mut found, mut bad) = (Vec::new(), Vec::new());
    for text in texts {
        let text = text.as_ref().trim();
        match uuid(text) {
            Some(id) => found.push(Arc::from(&*id)),
            None => bad.push(text.chars().take(64).collect()),
        }
    }
    if !bad.is_empty() {
        return Err(TrackError::BadIds { ids: bad });
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// How many users and subscribe requests there may be.
#[derive(Debug)]
pub(super) struct Admission {
    most_users: usize,
    most_requests: usize,
    window: Duration,
    requests: SlidingWindow,
}

impl Admission {
    pub(super) fn new(most_users: usize, most_requests: usize, window: Duration) -> Self {
        let most_requests = most_requests.max(1);
        Self { most_users, most_requests, window, requests: SlidingWindow::new(window) }
    }

    /// Whether so many users more may be tracked.
    pub(super) fn room(&self, tracked: usize, asked: usize) -> Result<(), TrackError> {
        if tracked.saturating_add(asked) > self.most_users {
            return Err(TrackError::TooManyUsers { tracked, asked, limit: self.most_users });
        }
        Ok(())
    }

    /// Takes the right to one subscribe request; [`unsent`](Self::unsent) returns it.
    pub(super) fn request(&mut self, now: Instant) -> Result<(), TrackError> {
        self.requests.forget(now);
        if let Some(at) = self.requests.opens_at(self.most_requests) {
            let retry_after = at.saturating_duration_since(now);
            let (limit, window) = (self.most_requests, self.window);
            return Err(TrackError::TooManyRequests { limit, window, retry_after });
        }
        self.requests.take(now);
        Ok(())
    }

    /// The request that was allowed at this time was not sent.
    pub(super) fn unsent(&mut self, at: Instant) {
        self.requests.give_back(at);
    }

    /// A connection subscribed by itself, which nobody can refuse.
    pub(super) fn connected(&mut self, now: Instant) {
        self.requests.forget(now);
        self.requests.record(now, self.most_requests);
    }
}

/// The reason of a refusal, with what is missing.
pub(super) fn refusal(reason: &str, missing_permissions: &[Box<str>]) -> Box<str> {
    let text = match missing_permissions {
        [] => reason.to_owned(),
        missing => format!("{reason} (missing: {})", missing.join(", ")),
    };
    cut(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const ID: &str = "8f0c1d2e-3a4b-4c5d-8e6f-0123456789ab";

    fn token(scopes: &[&str]) -> AccessToken {
        let mut token = AccessToken::new("hush", 1);
        token.scopes = scopes.iter().map(|scope| (*scope).into()).collect();
        token
    }

    #[test]
    fn ids_are_taken_in_every_spelling_and_all_that_are_none_are_named() {
        let good = ids(&[ID, &ID.to_uppercase(), &ID.replace('-', "")]).unwrap();
        assert_eq!(good, [Arc::<str>::from(ID)]);
        let long = "x".repeat(1_000);
        let Err(TrackError::BadIds { ids }) = ids(&["", ID, "me@example.com", &long]) else {
            panic!()
        };
        assert_eq!((ids.len(), &*ids[1], ids[2].len()), (3, "me@example.com", 64));
        let error = Error::from(TrackError::BadIds { ids });
        assert_eq!(error.kind(), ErrorKind::Config);
    }

    #[test]
    fn the_hundred_and_first_user_is_refused_with_the_numbers() {
        let admission = Admission::new(100, 30, MINUTE);
        assert!(admission.room(99, 1).is_ok());
        let error = admission.room(99, 2).unwrap_err();
        assert!(matches!(error, TrackError::TooManyUsers { tracked: 99, asked: 2, limit: 100 }));
        assert_eq!(Error::from(error).kind(), ErrorKind::Capacity);
        assert!(admission.room(usize::MAX, 1).is_err());
    }

    #[test]
    fn the_thirty_first_request_of_any_minute_is_refused_and_told_when_to_come_back() {
        let mut admission = Admission::new(100, 30, MINUTE);
        let start = Instant::now();
        for second in 0..30 {
            admission.request(start + Duration::from_secs(second)).unwrap();
        }
        let now = start + Duration::from_secs(45);
        let error = admission.request(now).unwrap_err();
        let wait = Duration::from_secs(15);
        assert!(
            matches!(error, TrackError::TooManyRequests { retry_after, limit: 30, .. } if retry_after == wait)
        );
        let error = Error::from(error);
        assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Throttled, Some(wait)));
        admission.request(now + wait).unwrap();
        assert!(admission.request(now + wait).is_err(), "one slot was free");
    }

    #[test]
    fn a_request_that_was_not_sent_and_one_that_nobody_asked_for_are_counted_right() {
        let mut admission = Admission::new(100, 2, MINUTE);
        let now = Instant::now();
        admission.request(now).unwrap();
        admission.unsent(now);
        admission.connected(now);
        admission.request(now).unwrap();
        assert!(admission.request(now).is_err());
    }

    #[test]
    fn scopes_are_held_against_what_the_token_really_has() {
        let needed: Vec<Box<str>> = vec!["presence".into(), "presence:readonly".into()];
        let check = |scopes: &[&str]| ScopeCheck::of(&needed, &token(scopes));
        assert_eq!(check(&["users", "presence:readonly"]).unwrap(), ScopeCheck::Granted);
        assert_eq!(check(&[]).unwrap(), ScopeCheck::Unknown);
        assert_eq!(ScopeCheck::of(&[], &token(&["users"])).unwrap(), ScopeCheck::NotNeeded);
        let error = check(&["users", "presences"]).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("users presences") && text.contains("presence or presence:readonly"),
            "{text}"
        );
        assert_eq!(Error::from(error).kind(), ErrorKind::Forbidden);
    }
}

//! The request limit that the platform's limits resource states.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use crate::error::{ErrorKind, Result};
use crate::rest::api::Api;
use crate::transport::http::request::Priority;

/// The limits of an organization in one namespace. Source: description of the official clients' organization API; it says
/// that no permission is needed.
const LIMITS: &str = "/api/v2/organizations/limits/namespaces/{namespaceName}";

/// The namespace of limits that hold for every request.
const NAMESPACE: &str = "platform.api";

/// Requests of one token that was issued by client credentials; support raises it on demand.
const OF_CREDENTIALS: &str = "client.credentials.token.rate.per.minute";

/// Requests of one token.
const OF_TOKEN: &str = "token.rate.per.minute";

/// Requests of one user of one OAuth client, of all their tokens together.
const OF_USER: &str = "org.app.user.rate.per.minute";

/// Limits change by a request to support: once in a working day is early enough.
const REFRESH: Duration = Duration::from_secs(8 * 60 * 60);

/// When it is tried again after something that passes.
const AGAIN: Duration = Duration::from_secs(10 * 60);

/// Reads the limit and tells the limiter, once it is used and rarely after that. The default reads nothing by itself.
#[derive(Debug, Default)]
pub(crate) struct LearnedLimits {
    of_credentials: bool,
    by_itself: bool,
    due: Mutex<Option<Instant>>,
}

#[derive(Deserialize)]
struct Listing {
    entities: Option<Vec<Option<Limit>>>,
}

#[derive(Deserialize)]
struct Limit {
    key: Option<Box<str>>,
    value: Option<Value>,
}

impl LearnedLimits {
    /// For tokens that are known to be of client credentials, or not; read without being asked, or not.
    pub(crate) fn new(of_credentials: bool, by_itself: bool) -> Self {
        Self { of_credentials, by_itself, due: Mutex::default() }
    }

    /// The API is about to be used: reads the limit beside it, if that is due.
    pub(crate) fn touch(&self, api: &Api) {
        if self.by_itself && self.is_due(api.service().now()) {
            let api = api.clone();
            tokio::spawn(async move {
                if api.learn_limit().await.is_err() {
                    api.limits().again_at(api.service().now() + AGAIN);
                }
            });
        }
    }

    /// At most once in each period: whoever asks has to do it.
    fn is_due(&self, now: Instant) -> bool {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = due.is_none_or(|due| due <= now);
        if is_due {
            *due = Some(now + REFRESH);
        }
        is_due
    }

    fn again_at(&self, time: Instant) {
        *self.due.lock().unwrap_or_else(PoisonError::into_inner) = Some(time);
    }

    /// The limit that holds for these tokens.
    fn pick(&self, limits: &[Option<Limit>]) -> Option<u32> {
        let of = |key: &str| {
            let known = limits.iter().flatten();
            let mut found = known.filter(|limit| limit.key.as_deref() == Some(key));
            let value = found.find_map(|limit| limit.value.as_ref()?.as_u64())?;
            u32::try_from(value).ok().filter(|value| *value > 0)
        };
        let (own, any) = (of(OF_CREDENTIALS), of(OF_TOKEN));
        let of_token = if self.of_credentials {
            own.or(any)
        } else {
            // Whose token it is, is not known: the lower one is right in both cases.
            own.into_iter().chain(any).min()
        };
        of_token.map(|limit| limit.min(of(OF_USER).unwrap_or(limit)))
    }
}

impl Api {
    /// Reads the limit and tells the limiter. `None` when the platform does not say, or not to us.
    ///
    /// # Cancel safety
    /// As every call that reads: dropping the future abandons it.
    pub(crate) async fn learn_limit(&self) -> Result<Option<u32>> {
        let call = self.get(LIMITS).id("namespaceName", NAMESPACE).priority(Priority::Backfill);
        let listing: Listing = match call.fetch().await {
            Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound) => {
                return Ok(None);
            }
            read => read?,
        };
        let limit = self.limits().pick(&listing.entities.unwrap_or_default());
        if let Some(limit) = limit {
            self.service().limited().adapt(limit);
        }
        Ok(limit)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_limit_is_that_of_the_kind_of_token_and_never_over_that_of_the_user() {
        let pick = |of_credentials, entities: Value| {
            let listing: Listing = serde_json::from_value(json!({"entities": entities})).unwrap();
            LearnedLimits::new(of_credentials, true).pick(&listing.entities.unwrap())
        };
        let both = json!([
            null,
            {"key": OF_TOKEN, "value": 300, "namespace": NAMESPACE},
            {"key": OF_CREDENTIALS, "value": 900},
            {"key": OF_USER, "value": 3000},
            {"key": "request.bytes.max", "value": 512_000}
        ]);
        assert_eq!((pick(true, both.clone()), pick(false, both)), (Some(900), Some(300)));
        let one = json!([{"key": OF_TOKEN, "value": 300}, {"key": OF_USER, "value": 200}]);
        assert_eq!((pick(true, one.clone()), pick(false, one)), (Some(200), Some(200)));
        for odd in
            [json!([]), json!([{"key": OF_TOKEN, "value": "300"}, {"key": OF_TOKEN}]), json!([{}])]
        {
            assert_eq!(pick(true, odd), None);
        }
        assert_eq!(pick(true, json!([{"key": OF_TOKEN, "value": 0}])), None);
    }

    #[test]
    fn it_is_due_once_in_each_period() {
        let limits = LearnedLimits::new(true, true);
        let now = Instant::now();
        assert!(limits.is_due(now));
        assert!(!limits.is_due(now) && !limits.is_due(now + AGAIN));
        assert!(limits.is_due(now + REFRESH) && !limits.is_due(now + REFRESH));
        limits.again_at(now + REFRESH + AGAIN);
        assert!(!limits.is_due(now + REFRESH));
        assert!(limits.is_due(now + REFRESH + AGAIN));
    }
}

//! A token from somewhere else.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::core::ports::{AccessToken, BoxFuture, TokenSource};
use crate::core::secret::Secret;
use crate::error::{Error, ErrorKind, Result};

/// A [`TokenSource`] of one token that was obtained elsewhere and cannot be renewed.
///
/// Once the platform has refused it, every further call fails without being sent.
///
/// ```
/// use genesys_cloud::StaticToken;
///
/// assert!(!format!("{:?}", StaticToken::new("my-token")).contains("my-token"));
/// ```
#[derive(Debug)]
pub struct StaticToken {
    token: Secret,
    refused: AtomicBool,
}

impl StaticToken {
    /// A source of this token.
    pub fn new(token: impl Into<Secret>) -> Self {
        Self { token: token.into(), refused: AtomicBool::new(false) }
    }
}

impl TokenSource for StaticToken {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken>> {
        let result = if self.refused.load(Ordering::Relaxed) {
            Err(Error::new(
                ErrorKind::Auth,
                "the platform refused the token, and a static token cannot be renewed",
            ))
        } else {
            Ok(AccessToken::new(self.token.clone(), 1))
        };
        Box::pin(std::future::ready(result))
    }

    fn invalidate(&self, _: &AccessToken) {
        self.refused.store(true, Ordering::Relaxed);
    }

    /// There is no other.
    fn newer<'a>(&'a self, _: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken>> {
        self.token()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refused_static_token_is_not_handed_out_again() {
        let source = StaticToken::new("hush");
        let token = source.token().await.unwrap();
        assert_eq!(source.newer(&token).await.unwrap().generation, 1, "it is not used up by this");
        source.token().await.unwrap();
        source.invalidate(&token);
        let error = source.token().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(!format!("{source:?} {error:?} {token:?}").contains("hush"));
    }
}

//! The token in the header, and one replay when the platform refuses it.

use std::sync::Arc;

#[cfg(feature = "preflight")]
use crate::core::ports::AccessToken;
use crate::core::ports::TokenSource;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::http::executor::Execute;
use crate::transport::http::request::Request;
use crate::transport::http::response::Response;
use crate::transport::http::skew::Skew;

/// Sends with a token, and takes success for granted: everything else is an error.
pub(crate) struct Authorized {
    inner: Arc<dyn Execute>,
    tokens: Arc<dyn TokenSource>,
}

impl Authorized {
    pub(crate) fn new(inner: Arc<dyn Execute>, tokens: Arc<dyn TokenSource>) -> Self {
        Self { inner, tokens }
    }

    /// The token that a request sent now would carry.
    #[cfg(feature = "preflight")]
    pub(crate) async fn token(&self) -> Result<AccessToken> {
        self.tokens.token().await
    }

    pub(crate) async fn send(&self, request: &Request) -> Result<Response> {
        let token = self.tokens.token().await?;
        let authorized = request.authorized(&token)?;
        let response = self.inner.execute(&authorized).await?;
        if response.status != 401 {
            return response.success(&authorized);
        }
        self.tokens.invalidate(&token);
        match self.tokens.token().await {
            Ok(fresh) if fresh.generation != token.generation => {
                let replay = request.authorized(&fresh)?;
                self.inner.execute(&replay).await?.success(&replay)
            }
            Ok(_) => response.success(&authorized),
            // Why there is no new token says more than that the old one was refused.
            Err(error) if error.kind() == ErrorKind::Auth => {
                let hint = response.skew.map(Skew::hint).unwrap_or_default();
                Err(blame(error, response.into_error(&authorized)).with_hint(&hint))
            }
            Err(error) => Err(error),
        }
    }
}

/// Puts the refusal below the error, and its marks onto it where the error has none of its own.
fn blame(mut error: Error, refused: Error) -> Error {
    if error.status().is_none() {
        if let Some(status) = refused.status() {
            error = error.with_status(status);
        }
        if let Some(code) = refused.code() {
            error = error.with_code(code);
        }
        if let Some(id) = refused.correlation_id() {
            error = error.with_correlation_id(id);
        }
    }
    error.with_source(refused)
}

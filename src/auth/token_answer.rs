//! The answers of the token endpoint.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::core::limits;
use crate::core::secret::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::http::request::Request;
use crate::transport::http::response::{Complaint, Response};

/// A token as it was issued.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) secret: Secret,
    /// Counted from when the request was sent.
    pub(crate) life: Duration,
    /// How much of its life is over: of a token that was not asked for, but kept.
    pub(crate) age: Option<Duration>,
    pub(crate) scopes: Vec<Box<str>>,
    /// What the next token is had for.
    pub(crate) refresh: Option<Secret>,
}

/// What was shown to get a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    ClientCredentials,
    Code,
    Refresh,
    Saml2,
}

impl Asked {
    /// The grant as the administration of OAuth clients names it.
    fn grant_type(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client credentials",
            Self::Code | Self::Refresh => "code authorization",
            Self::Saml2 => "SAML2 bearer",
        }
    }

    /// What `invalid_grant` says about it.
    fn advice(self) -> &'static str {
        match self {
            Self::ClientCredentials => {
                "the login service refuses the grant; check that the OAuth client is of grant type client credentials"
            }
            Self::Code => {
                "the authorization code is refused: it was used before, is too old, or belongs to another client, \
                 redirect address or PKCE verifier; the user must sign in again"
            }
            Self::Refresh => "the refresh token is refused: the user must sign in again",
            Self::Saml2 => {
                "the SAML2 assertion is refused; check its signature, its audience, that it is not too old or used \
                 before, and the name of the organization"
            }
        }
    }
}

/// Longest life that is believed: SCIM-only clients get 450 days; more is a mistake, and would overflow clocks.
const LONGEST_LIFE: Duration = Duration::from_secs(450 * 86_400);

/// Reads a successful answer. Nothing of it is kept in an error: it may hold the token.
pub(crate) fn issued(response: &Response, request: &Request) -> Result<Issued> {
    let unusable = |why: &str| {
        let error = Error::new(
            ErrorKind::Decode,
            format!("the login service's answer is not a token: {why}"),
        );
        response.dress(error, &Complaint::default(), request)
    };
    let body: Map<String, Value> = serde_json::from_slice(&response.body)
        .map_err(|_| unusable("its body is not a JSON object"))?;
    let token = body
        .get("access_token")
        .and_then(Value::as_str)
        .map(str::trim)
        .filter(|token| !token.is_empty())
        .ok_or_else(|| unusable("access_token is missing or empty"))?;
    if let Some(kind) = body.get("token_type").filter(|kind| !kind.is_null())
        && !kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"))
    {
        return Err(unusable("token_type is not bearer"));
    }
    let life = match body.get("expires_in") {
        None | Some(Value::Null) => limits::TOKEN_LIFE,
        Some(value) => seconds(value)
            .filter(|life| !life.is_zero())
            .ok_or_else(|| unusable("expires_in is not a number of seconds"))?,
    };
    let scopes = body
        .get("scope")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .split_whitespace()
        .map(Into::into)
        .collect();
    let refresh = body
        .get("refresh_token")
        .and_then(Value::as_str)
        .map(str::trim)
        .filter(|token| !token.is_empty())
        .map(Secret::new);
    let life = life.min(LONGEST_LIFE);
    Ok(Issued { secret: Secret::new(token), life, age: None, scopes, refresh })
}

/// A number, or a number in a string, as some gateways send it.
fn seconds(value: &Value) -> Option<Duration> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok()?,
        other => other.as_f64()?,
    };
    Duration::try_from_secs_f64(number).ok()
}

/// The error of a refusal, with what to check.
pub(crate) fn refused(response: Response, request: &Request, asked: Asked) -> Error {
    let status = response.status;
    if !matches!(status, 400 | 401 | 403 | 404) {
        return response.into_error(request);
    }
    let complaint = response.complaint();
    let host = request.url.host_str().unwrap_or_default();
    let code = complaint.code.as_deref().unwrap_or_default();
    let words = complaint.words.as_deref().unwrap_or_default().to_ascii_lowercase();
    let (kind, advice) = match status {
        403 => (
            ErrorKind::Forbidden,
            "the OAuth client may not get a token; check its roles and the organisation's network restrictions".to_owned(),
        ),
        404 => (
            ErrorKind::NotFound,
            format!("{host} has no token endpoint; check the region or the login address"),
        ),
        _ if matches!(code, "unsupported_grant_type" | "unauthorized_client") => (
            ErrorKind::Auth,
            format!("the OAuth client must be of grant type {}", asked.grant_type()),
        ),
        _ if code == "invalid_grant" => (ErrorKind::Auth, asked.advice().to_owned()),
        _ if words.contains("disabled") || words.contains("inactive") => (
            ErrorKind::Auth,
            "the OAuth client is disabled; enable it in the administration".to_owned(),
        ),
        _ if words.contains("not found") => (
            ErrorKind::Auth,
            format!("{host} knows no such client id; check the client id and the region: every region has clients of its own"),
        ),
        _ if code == "invalid_scope" => (
            ErrorKind::Auth,
            "the OAuth client may not have the scopes that were asked for".to_owned(),
        ),
        401 => (
            ErrorKind::Auth,
            format!("{host} refuses the client secret; check the secret, that it belongs to this client id, and the region"),
        ),
        _ => (
            ErrorKind::Auth,
            format!(
                "{host} refuses the credentials; check client id, secret and region, that the client is enabled, \
                 and that it is of grant type {}",
                asked.grant_type()
            ),
        ),
    };
    let said = response.into_error(request);
    let mut error = Error::new(kind, advice).with_status(status);
    if let Some(code) = said.code() {
        error = error.with_code(code);
    }
    if let Some(id) = said.correlation_id() {
        error = error.with_correlation_id(id);
    }
    error.with_source(said)
}

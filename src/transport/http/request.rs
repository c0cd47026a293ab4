//! A request that can be sent again: everything in it is plain data.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use crate::core::ports::AccessToken;
use crate::core::secret::Secret;
use crate::error::{Error, Result};
use crate::transport::http::line::Ticket;

/// What is shorter than this is no secret, but would be found inside ordinary words.
const SHORTEST_SECRET: usize = 8;

/// Who goes first when requests wait for the rate limiter: the higher one, and of the same those that came first.
///
/// One that the platform refused keeps its place when it is repeated. Waiting does not raise a priority: a backlog of
/// backfill would then grow into one of users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Priority {
    /// Filling a gap in the past. Goes after users, but has every tenth turn while users wait: a client whose users take
    /// everything still fills its gaps. While none wait, [`WindowLimiter`](crate::WindowLimiter) lets it take half of the
    /// window at most, so that users who come after a backlog has begun find the other half, and are slowed only when they
    /// take more than that within a window.
    Backfill,
    /// A call that a user made.
    #[default]
    User,
    /// What a stream needs to come back. Goes before everything, and has a part of the limit for itself. There are as many
    /// of these as channels, so they starve nobody.
    Reconnect,
}

/// One HTTP request.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The path as a template, without ids: for signals and policies.
    pub(crate) operation: Cow<'static, str>,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    /// Longest time for one attempt, answer included; the executor has a default.
    pub(crate) deadline: Option<Duration>,
    /// Says that it may (or must not) be sent twice, against what the method says.
    pub(crate) idempotent: Option<bool>,
    pub(crate) priority: Priority,
    /// The generation of the token in it: the rate limiter counts by token.
    pub(crate) generation: u64,
    /// Its place in the line, which its copies and repetitions share.
    pub(crate) ticket: Ticket,
    /// What no error may repeat, should the server echo it.
    pub(crate) hidden: Vec<Secret>,
    /// Whether the answer holds a secret, so that no error may keep any of it.
    pub(crate) answer_is_secret: bool,
    /// Whether a redirect is the answer that is wanted.
    pub(crate) redirect_is_answer: bool,
}

impl Request {
    pub(crate) fn new(method: Method, operation: impl Into<Cow<'static, str>>, url: Url) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self {
            method,
            operation: operation.into(),
            url,
            headers,
            body: None,
            deadline: None,
            idempotent: None,
            priority: Priority::default(),
            generation: 0,
            ticket: Ticket::default(),
            hidden: Vec::new(),
            answer_is_secret: false,
            redirect_is_answer: false,
        }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = Some(body.into());
        self
    }

    /// A copy that carries a token.
    pub(crate) fn authorized(&self, token: &AccessToken) -> Result<Self> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.secret.expose()))
            .map_err(|_| {
                Error::config("access token holds characters that a header cannot carry")
            })?;
        value.set_sensitive(true);
        let mut request = self.clone();
        request.headers.insert(AUTHORIZATION, value);
        request.generation = token.generation;
        request.hidden.push(token.secret.clone());
        Ok(request)
    }

    /// Whether sending it twice does what sending it once does.
    pub(crate) fn may_repeat(&self) -> bool {
        self.idempotent.unwrap_or(matches!(
            self.method,
            Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS
        ))
    }

    /// Takes what must not be repeated out of a text of the server.
    pub(crate) fn scrub<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut clean = Cow::Borrowed(text);
        for secret in &self.hidden {
            let secret = secret.expose();
            if secret.len() >= SHORTEST_SECRET && clean.contains(secret) {
                clean = Cow::Owned(clean.replace(secret, "(hidden)"));
            }
        }
        clean
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("operation", &self.operation)
            .field("body_bytes", &self.body.as_ref().map(Bytes::len))
            .field("deadline", &self.deadline)
            .field("may_repeat", &self.may_repeat())
            .field("priority", &self.priority)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        let url = Url::parse("https://api.example/api/v2/x/hush-id?token=hush").unwrap();
        Request::new(Method::POST, "/api/v2/x/{id}", url).body("application/json", "hush")
    }

    #[test]
    fn debug_shows_no_url_header_or_body() {
        let token = AccessToken::new("hush-token", 3);
        let shown = format!("{:?}", request().authorized(&token).unwrap());
        assert!(shown.contains("/api/v2/x/{id}") && !shown.contains("hush"), "{shown}");
    }

    #[test]
    fn a_token_with_a_line_break_is_refused_and_not_shown() {
        let error = request().authorized(&AccessToken::new("hush\r\nX: y", 1)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hush"));
    }

    #[test]
    fn an_echoed_secret_is_taken_out() {
        let request = request().authorized(&AccessToken::new("hush-token", 1)).unwrap();
        assert_eq!(request.scrub("bad token hush-token!"), "bad token (hidden)!");
    }

    #[test]
    fn post_and_patch_may_not_be_repeated_unless_the_caller_says_so() {
        let mut request = request();
        assert!(!request.may_repeat());
        request.idempotent = Some(true);
        assert!(request.may_repeat());
        request.method = Method::GET;
        request.idempotent = None;
        assert!(request.may_repeat());
        request.method = Method::PATCH;
        assert!(!request.may_repeat());
    }
}

//! The crate's one error type: pointer-wide, with a small kind to match on and questions to ask.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// Longest part of a body that an error keeps.
const BODY_CUT: usize = 512;

/// The result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync>;

/// What went wrong, coarse enough to match on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting or an argument is invalid; nothing was sent.
    Config,
    /// The platform refuses the credentials or the token.
    Auth,
    /// The credentials are good, but a scope, role or permission is missing.
    Forbidden,
    /// What was asked for does not exist (HTTP 404).
    NotFound,
    /// The platform asks to slow down (HTTP 429) for longer than we may wait.
    Throttled,
    /// The connection failed: DNS, TCP, TLS, proxy, or cut half way.
    Transport,
    /// A deadline passed.
    Timeout,
    /// Any other HTTP status that is not a success.
    Status(u16),
    /// An answer could not be understood.
    Decode,
    /// More was asked for or sent than a limit allows, such as topics per channel or the size of a body (HTTP 413).
    Capacity,
    /// Work that the platform took on, such as a job, failed there or was cancelled.
    Failed,
    /// A stream or client is closed, or its reconnect policy gave up.
    Closed,
}

impl ErrorKind {
    /// The kind of an HTTP status that is not a success.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Auth,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            413 => Self::Capacity,
            429 => Self::Throttled,
            other => Self::Status(other),
        }
    }
}

/// An error of this crate.
///
/// [`kind`](Self::kind) is for matching; `Display` is one clause about this level, and
/// [`source`](StdError::source) has the rest.
///
/// ```
/// use genesys_cloud::{ErrorKind, Region};
///
/// let error = "us-east-99".parse::<Region>().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Config);
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Box<str>,
    source: Option<Source>,
    operation: Option<Box<str>>,
    status: Option<u16>,
    code: Option<Box<str>>,
    correlation_id: Option<Box<str>>,
    retry_after: Option<Duration>,
    retryable: bool,
    proven_unsent: bool,
    body: Option<Box<str>>,
}

const _: () = assert!(size_of::<Error>() == size_of::<usize>());

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Box<str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            source: None,
            operation: None,
            status: None,
            code: None,
            correlation_id: None,
            retry_after: None,
            retryable: false,
            proven_unsent: false,
            body: None,
        }))
    }

    /// The message and the cause at the bottom, in one clause: for places that keep no source.
    pub(crate) fn summary(&self) -> Box<str> {
        let mut root: Option<&(dyn StdError + 'static)> = self.source();
        while let Some(below) = root.and_then(StdError::source) {
            root = Some(below);
        }
        match root.map(ToString::to_string) {
            Some(cause) if !self.0.message.contains(&cause) => {
                format!("{}: {cause}", self.0.message).into()
            }
            _ => self.0.message.clone(),
        }
    }

    /// A setting or an argument that is invalid: for those who write a [`Protocol`](crate::Protocol).
    pub fn config(message: impl Into<Box<str>>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// Something that may be tried again after a wait: for those who write a [`Protocol`](crate::Protocol).
    pub fn throttled(message: impl Into<Box<str>>, wait: Duration) -> Self {
        Self::new(ErrorKind::Throttled, message).with_retry_after(wait).retryable(true)
    }

    pub(crate) fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds to the end of the message.
    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        if !hint.is_empty() {
            self.0.message = format!("{}{hint}", self.0.message).into();
        }
        self
    }

    /// The same under another kind.
    #[cfg_attr(not(feature = "rest-analytics"), allow(dead_code))] // Only jobs know better.
    pub(crate) fn into_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Names the REST operation, by method and template.
    pub(crate) fn with_operation(mut self, operation: impl Into<Box<str>>) -> Self {
        self.0.operation = Some(operation.into());
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_code(mut self, code: impl Into<Box<str>>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    pub(crate) fn with_correlation_id(mut self, id: impl Into<Box<str>>) -> Self {
        self.0.correlation_id = Some(id.into());
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    pub(crate) fn retryable(mut self, yes: bool) -> Self {
        self.0.retryable = yes;
        self
    }

    /// Marks a fault of which it is certain that no byte of the request reached the server.
    pub(crate) fn unsent(mut self) -> Self {
        self.0.proven_unsent = true;
        self.0.retryable = true;
        self
    }

    /// Keeps the first 512 bytes of a body, for [`body`](Self::body).
    pub(crate) fn with_body(mut self, body: &[u8]) -> Self {
        self.0.body = Some(cut(body));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The REST operation that failed, by method and template: `GET /api/v2/users/{userId}`.
    pub fn operation(&self) -> Option<&str> {
        self.0.operation.as_deref()
    }

    /// The HTTP status, when the platform answered.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The platform's dotted machine code, such as `missing.permissions`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The `ININ-Correlation-Id` of the answer: what Genesys support asks for.
    pub fn correlation_id(&self) -> Option<&str> {
        self.0.correlation_id.as_deref()
    }

    /// How long the platform asked us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Whether it is certain that the server never saw the request.
    pub fn is_proven_unsent(&self) -> bool {
        self.0.proven_unsent
    }

    /// Whether what was to be changed has been changed by somebody else meanwhile (HTTP 409): nothing was done, and the
    /// same change may be made to what is there now.
    pub fn is_conflict(&self) -> bool {
        self.0.kind == ErrorKind::Status(409)
    }

    /// Whether a deadline passed.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// The body that could not be used, cut to 512 bytes. Never part of `Debug` or `Display`.
    pub fn body(&self) -> Option<&str> {
        self.0.body.as_deref()
    }

    /// Takes the error apart: its kind, its message, and the cause below it.
    pub fn into_parts(self) -> (ErrorKind, String, Option<Box<dyn StdError + Send + Sync>>) {
        let inner = *self.0;
        (inner.kind, inner.message.into(), inner.source)
    }
}

/// Cuts a body to what an error or an event keeps, at a character boundary.
pub(crate) fn cut(body: &[u8]) -> Box<str> {
    let text = String::from_utf8_lossy(&body[..body.len().min(BODY_CUT + 3)]);
    let mut end = text.len().min(BODY_CUT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].into()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind).field("message", &self.0.message);
        if let Some(operation) = &self.0.operation {
            out.field("operation", operation);
        }
        if let Some(status) = self.0.status {
            out.field("status", &status);
        }
        if let Some(code) = &self.0.code {
            out.field("code", code);
        }
        if let Some(id) = &self.0.correlation_id {
            out.field("correlation_id", id);
        }
        if let Some(wait) = self.0.retry_after {
            out.field("retry_after", &wait);
        }
        if let Some(source) = &self.0.source {
            out.field("source", source);
        }
        out.finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_this_level_only_and_the_source_is_the_rest() {
        let error = Error::new(ErrorKind::Transport, "could not reach the login host")
            .with_source(std::io::Error::other("refused"));
        assert_eq!(error.to_string(), "could not reach the login host");
        assert_eq!(error.source().unwrap().to_string(), "refused");
    }

    #[test]
    fn a_summary_has_the_root_cause_once() {
        let error = Error::config("no connection").with_source(std::io::Error::other("refused"));
        assert_eq!(&*error.summary(), "no connection: refused");
        assert_eq!(&*Error::config("alone").summary(), "alone");
    }

    #[test]
    fn into_parts_returns_the_source() {
        let error = Error::config("bad").with_source(std::io::Error::other("below"));
        let (kind, message, source) = error.into_parts();
        assert_eq!((kind, message.as_str()), (ErrorKind::Config, "bad"));
        assert_eq!(source.unwrap().to_string(), "below");
    }

    #[test]
    fn body_is_cut_at_a_character_boundary_and_is_not_in_debug() {
        let body = "é".repeat(400);
        let error = Error::new(ErrorKind::Decode, "bad").with_body(body.as_bytes());
        assert_eq!(error.body().unwrap().len(), 512);
        assert!(!format!("{error:?}").contains('é'));
    }
}

//! The answer of an operation, before it is read.

use std::fmt;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::events::place_of;
use crate::transport::http::request::Request;
use crate::transport::http::response::{Complaint, Response};

/// Answers over this are not looked through for an error: the platform's are a few hundred bytes.
const LARGEST_ERROR: usize = 64 * 1024;

/// The members of the platform's error body (its `ErrorBody`, and what older services add).
const ERROR_MEMBERS: &[&str] = &[
    "code",
    "contextId",
    "details",
    "entityId",
    "entityName",
    "errors",
    "limit",
    "message",
    "messageParams",
    "messageWithParams",
    "status",
];

/// The answer of an operation: a success, with its body read to the end.
pub struct Answer {
    response: Response,
    request: Request,
}

impl Answer {
    pub(crate) fn new(response: Response, request: Request) -> Self {
        Self { response, request }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.response.status
    }

    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.header(name)
    }

    /// The `ININ-Correlation-Id`: what Genesys support asks for.
    pub fn correlation_id(&self) -> Option<&str> {
        self.response.correlation_id()
    }

    /// The body as it came.
    pub fn body(&self) -> &Bytes {
        &self.response.body
    }

    /// The body as a type.
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode) when there is no body, when it says that it is something else than JSON, when it
    /// does not fit or goes on after its end. When it is the platform's error body in spite of its status, the kind of
    /// the status in it.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        self.check()?;
        serde_json::from_slice(self.body()).map_err(|error| self.misfit(error))
    }

    fn check(&self) -> Result<()> {
        if self.body().is_empty() {
            return Err(self.failed(ErrorKind::Decode, "answer has no body"));
        }
        if self.response.is_foreign() {
            let kind = self.header("content-type").unwrap_or_default();
            let kind: String = kind.chars().take(80).collect();
            let message =
                format!("answer is {kind} and not JSON, probably the page of a gateway in between");
            return Err(self.failed(ErrorKind::Decode, &message));
        }
        self.hidden_error().map_or(Ok(()), Err)
    }

    /// The error in a body that came with a successful status.
    fn hidden_error(&self) -> Option<Error> {
        let body = self.body();
        // Whatever is no error is found out without being read, but for a few of the small ones.
        let may_be = body.len() <= LARGEST_ERROR && body.trim_ascii_start().starts_with(b"{");
        let found = |name: &[u8]| body.windows(name.len()).any(|part| part == name);
        if !may_be || ![&b"\"status\""[..], b"\"code\"", b"\"message\""].into_iter().all(found) {
            return None;
        }
        let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return None };
        let status = u16::try_from(members.get("status")?.as_u64()?).ok()?;
        let is_text = |name: &str| members.get(name).is_some_and(Value::is_string);
        let is_error = (400..600).contains(&status)
            && is_text("code")
            && is_text("message")
            && members.keys().all(|name| ERROR_MEMBERS.contains(&name.as_str()));
        is_error.then(|| {
            let complaint = self.response.complaint();
            let words = complaint.words.as_deref().unwrap_or_default();
            let code = complaint.code.as_deref().unwrap_or_default();
            let text = format!("HTTP {} with the error {status}: {code}: {words}", self.status());
            let text: String = self.request.scrub(&text).chars().take(400).collect();
            let error = Error::new(ErrorKind::of_status(status), text);
            self.response.dress(error, &complaint, &self.request)
        })
    }

    fn misfit(&self, error: serde_json::Error) -> Error {
        let text = String::from_utf8_lossy(self.body());
        let path = place_of(&text, &error);
        let place = if path.is_empty() { "its beginning" } else { &path };
        let (line, column) = (error.line(), error.column());
        let message = match error.classify() {
            serde_json::error::Category::Eof => "answer is cut off".to_owned(),
            serde_json::error::Category::Syntax => {
                format!("answer is not JSON (line {line} column {column})")
            }
            _ => format!("answer cannot be read at {place} (line {line} column {column})"),
        };
        let failed = self.failed(ErrorKind::Decode, &message);
        // The parser's own words may quote the value.
        if self.request.answer_is_secret { failed } else { failed.with_source(error) }
    }

    fn failed(&self, kind: ErrorKind, message: &str) -> Error {
        let error = Error::new(kind, self.request.scrub(message).into_owned());
        self.response.dress(error, &Complaint::default(), &self.request)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.response.status)
            .field("body_bytes", &self.response.body.len())
            .finish_non_exhaustive()
    }
}

//! The answer of an operation, before it is read.

use std::fmt;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::core::secret::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::events::place_of;
use crate::region::is_loopback;
use crate::rest::list_body;
use crate::transport::http::request::Request;
use crate::transport::http::response::{Complaint, Response};

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
    /// does not fit or goes on after its end. When it is the platform's error body in spite of its status, or a list of
    /// errors and nothing else, the kind of the status in it.
    ///
    /// Nulls in a list that is the whole body are left out, as they are of lists within; a type that has a place for them,
    /// such as a `Vec` of `Option`, gets them.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        self.check()?;
        list_body::read(self.body()).map_err(|error| self.misfit(error))
    }

    /// Looks whether an answer that should have nothing in it is none: whatever the platform sends is as good as nothing,
    /// but not an error that comes with a successful status, nor the page of a gateway.
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode) for a page; the kind of the status in the platform's error body.
    pub fn nothing(&self) -> Result<()> {
        let page = self.response.page_error(&self.request);
        page.or_else(|| self.response.disguised_error(&self.request)).map_or(Ok(()), Err)
    }

    /// The address in an answer that is a redirect, for an operation that [asks for it](crate::Arguments::redirects).
    ///
    /// It is a signed link: whoever has it needs no token. Follow it without one.
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode) when there is none, or none that leads to an encrypted connection; plain HTTP is taken
    /// on loopback only. What [`nothing`](Self::nothing) finds.
    pub fn location(&self) -> Result<Secret> {
        let fail = |message| Err(self.failed(ErrorKind::Decode, message));
        let Some(location) = self.header("location") else {
            self.nothing()?;
            return fail("answer is no redirect: it has no location");
        };
        let Ok(url) = self.request.url.join(location.trim()) else {
            return fail("answer redirects to an address that cannot be read");
        };
        if url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url) {
            Ok(Secret::new(url.as_str()))
        } else {
            fail("answer redirects to an address that is not encrypted")
        }
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
        self.response.disguised_error(&self.request).map_or(Ok(()), Err)
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

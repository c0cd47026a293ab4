//! An answer, and the error that it stands for when it is not a success.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::transport::http::rate_limit::NamedLimit;
use crate::transport::http::request::Request;
use crate::transport::http::retry_after::retry_after;
use crate::transport::http::skew::Skew;

/// The header in which the platform names a transaction.
const CORRELATION: &str = "inin-correlation-id";

/// Error bodies over this are not parsed, only cut: the platform's are a few hundred bytes, the rest is some gateway's page.
const LARGEST_ERROR_BODY: usize = 64 * 1024;

/// Characters of a server's own words that go into a message.
const LONGEST_WORDS: usize = 300;

/// Statuses after which the same request may succeed: what Genesys' own clients retry (408 as in its streaming client).
const WORTH_ANOTHER_TRY: [u16; 6] = [408, 429, 500, 502, 503, 504];

/// Limits of all requests together, as the body of a 429 names them. Source: namespace `platform.api` of the limits.
const REQUEST_LIMITS: [&str; 3] = [
    "token.rate.per.minute",
    "client.credentials.token.rate.per.minute",
    "org.app.user.rate.per.minute",
];

/// One answer, whatever its status, with its body read to the end.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) retry_after: Option<Duration>,
    /// How far the local clock is off, as far as this answer tells, when that is too far.
    pub(crate) skew: Option<Skew>,
}

impl Response {
    pub(crate) fn new(status: u16, headers: HeaderMap, body: Bytes, wall: SystemTime) -> Self {
        let retry_after = retry_after(&headers, wall);
        let skew = Skew::of(&headers, wall);
        Self { status, headers, body, retry_after, skew }
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn correlation_id(&self) -> Option<&str> {
        self.header(CORRELATION)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the body claims to be something else than JSON; no claim is no objection.
    pub(crate) fn is_foreign(&self) -> bool {
        self.header(CONTENT_TYPE.as_str())
            .is_some_and(|kind| !kind.to_ascii_lowercase().contains("json"))
    }

    /// What the server says of its refusal, from either of its two error bodies.
    pub(crate) fn complaint(&self) -> Complaint {
        if self.body.len() > LARGEST_ERROR_BODY {
            return Complaint::default();
        }
        let Ok(Value::Object(body)) = serde_json::from_slice(&self.body) else {
            return Complaint::default();
        };
        let text = |name: &str| {
            let found = body.get(name).and_then(Value::as_str)?.trim();
            (!found.is_empty()).then(|| found.to_owned())
        };
        Complaint {
            code: text("code").or_else(|| text("error")),
            words: text("message")
                .or_else(|| text("error_description"))
                .or_else(|| text("description")),
            context_id: text("contextId"),
        }
    }

    /// Which limit its body names: that of the error, or of one in its list.
    pub(crate) fn named_limit(&self) -> Option<NamedLimit> {
        if self.body.len() > LARGEST_ERROR_BODY {
            return None;
        }
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        let limit = body.get("limit")?;
        let key = limit.get("key")?.as_str()?;
        Some(match REQUEST_LIMITS.iter().position(|known| *known == key) {
            // The last one is of several tokens together: its number is not that of one.
            Some(2) => NamedLimit::Requests(None),
            Some(_) => {
                let value = limit.get("value").and_then(Value::as_u64);
                NamedLimit::Requests(value.and_then(|value| u32::try_from(value).ok()))
            }
            None => NamedLimit::Other,
        })
    }

    /// The answer if it is a success, its error if not. A redirect is one where the request says so.
    pub(crate) fn success(self, request: &Request) -> Result<Self> {
        let is_wanted = request.redirect_is_answer && (300..400).contains(&self.status);
        if self.is_success() || is_wanted { Ok(self) } else { Err(self.into_error(request)) }
    }

    /// The error of an answer that is not a success.
    pub(crate) fn into_error(self, request: &Request) -> Error {
        let complaint = self.complaint();
        let kind = ErrorKind::of_status(self.status);
        let mut message = format!("HTTP {}", self.status);
        for part in [&complaint.code, &complaint.words].into_iter().flatten() {
            message.push_str(": ");
            message.push_str(&shortened(&request.scrub(part)));
        }
        if complaint.code.is_none() && complaint.words.is_none() {
            message.push_str(self.explanation());
        }
        if let Some(skew) = self.skew.filter(|_| self.may_be_about_time(&complaint)) {
            message.push_str(&skew.hint());
        }
        self.dress(Error::new(kind, message), &complaint, request)
    }

    /// Adds to an error what every error about an answer has.
    pub(crate) fn dress(&self, error: Error, complaint: &Complaint, request: &Request) -> Error {
        let mut error =
            error.with_status(self.status).retryable(WORTH_ANOTHER_TRY.contains(&self.status));
        if let Some(code) = &complaint.code {
            error = error.with_code(shortened(&request.scrub(code)));
        }
        if let Some(id) = complaint.context_id.as_deref().or(self.correlation_id()) {
            error = error.with_correlation_id(shortened(&request.scrub(id)));
        }
        if let Some(wait) = self.retry_after {
            error = error.with_retry_after(wait);
        }
        if !request.answer_is_secret && !self.body.is_empty() {
            let kept = String::from_utf8_lossy(&self.body[..self.body.len().min(4096)]);
            error = error.with_body(request.scrub(&kept).as_bytes());
        }
        error
    }

    /// Whether a wrong clock may be the reason: of a token that is refused, or of a time in what was asked.
    fn may_be_about_time(&self, complaint: &Complaint) -> bool {
        let parts = [&complaint.code, &complaint.words];
        let mut texts = parts.into_iter().flatten().map(|text| text.to_lowercase());
        match self.status {
            401 => true,
            400 => texts.any(|text| {
                ["date", "interval", "time", "future"].iter().any(|word| text.contains(word))
            }),
            _ => false,
        }
    }

    fn explanation(&self) -> &'static str {
        match self.status {
            300..=399 => ": a redirect, which is not followed; check the address",
            407 => ": the proxy asks for credentials",
            413 => ": what was sent is over the platform's limit of one request; send it in parts",
            _ if self.body.is_empty() => "",
            _ if self.is_foreign() => {
                ": an answer that is not JSON, probably of a gateway in between"
            }
            _ => "",
        }
    }
}

/// The parts of an error body that every error keeps.
#[derive(Default)]
pub(crate) struct Complaint {
    pub(crate) code: Option<String>,
    pub(crate) words: Option<String>,
    pub(crate) context_id: Option<String>,
}

fn shortened(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_WORDS).collect()
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue, Method};
    use url::Url;

    use crate::core::secret::Secret;

    fn request() -> Request {
        let url = Url::parse("https://api.example/").unwrap();
        let mut request = Request::new(Method::GET, "/x", url);
        request.hidden.push(Secret::new("hush-channel"));
        request
    }

    fn response(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Response {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let body = Bytes::copy_from_slice(body.as_bytes());
        Response::new(status, headers, body, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn the_platforms_error_body_becomes_code_message_and_correlation_id() {
        let body = r#"{"message":"Missing permission routing:queue:view","code":"missing.permissions","status":403,"contextId":"7d0f"}"#;
        let error =
            response(403, &[("inin-correlation-id", "header")], body).into_error(&request());
        assert_eq!(error.kind(), ErrorKind::Forbidden);
        assert_eq!(error.code(), Some("missing.permissions"));
        assert_eq!(error.correlation_id(), Some("7d0f"));
        assert_eq!(
            error.to_string(),
            "HTTP 403: missing.permissions: Missing permission routing:queue:view"
        );
        assert!(!error.is_retryable());
    }

    #[test]
    fn an_empty_context_id_falls_back_to_the_header() {
        let error = response(
            404,
            &[("inin-correlation-id", "header")],
            r#"{"contextId":"","code":"not.found"}"#,
        )
        .into_error(&request());
        assert_eq!(error.correlation_id(), Some("header"));
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_gateways_page_is_an_error_with_its_status() {
        let error = response(502, &[("content-type", "text/html")], "<html>Bad Gateway</html>")
            .into_error(&request());
        assert_eq!(error.kind(), ErrorKind::Status(502));
        assert!(error.to_string().contains("not JSON"), "{error}");
        assert_eq!(error.body(), Some("<html>Bad Gateway</html>"));
        assert!(error.is_retryable());
        let empty = response(504, &[], "").into_error(&request());
        assert_eq!(empty.to_string(), "HTTP 504");
    }

    #[test]
    fn a_429_carries_its_wait() {
        let error = response(429, &[("retry-after", "42")], "").into_error(&request());
        assert_eq!(error.kind(), ErrorKind::Throttled);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(42)));
    }

    #[test]
    fn a_secret_that_the_server_echoes_is_in_no_part_of_the_error() {
        let body = r#"{"message":"channel hush-channel not found","code":"hush-channel","contextId":"hush-channel"}"#;
        let error = response(404, &[], body).into_error(&request());
        assert!(!format!("{error} {error:?} {:?}", error.body()).contains("hush-channel"));
    }

    #[test]
    fn the_limit_that_a_429_names_is_read() {
        use NamedLimit::{Other, Requests};
        let named = |limit: &str| {
            let body = format!(r#"{{"code":"too.many.requests.retry.after","limit":{limit}}}"#);
            response(429, &[], &body).named_limit()
        };
        for (limit, expected) in [
            (r#"{"key":"token.rate.per.minute","value":300}"#, Some(Requests(Some(300)))),
            (r#"{"key":"client.credentials.token.rate.per.minute"}"#, Some(Requests(None))),
            (r#"{"key":"token.rate.per.minute","value":-1}"#, Some(Requests(None))),
            (r#"{"key":"org.app.user.rate.per.minute","value":3000}"#, Some(Requests(None))),
            (r#"{"key":"details.jobs.rate.per.second","value":2}"#, Some(Other)),
            (r#"{"key":7}"#, None),
            ("null", None),
            ("[]", None),
        ] {
            assert_eq!(named(limit), expected, "{limit}");
        }
    }

    #[test]
    fn a_clock_that_is_off_is_mentioned_where_it_may_be_the_reason() {
        let date = [("date", "Sun, 06 Nov 1994 08:49:37 GMT")];
        let hint = "; the clock here is 784111777 s behind the platform's";
        for (status, body, mentioned) in [
            (401, r#"{"code":"credentials.expired"}"#, true),
            (401, "", true),
            (400, r#"{"code":"invalid.date","message":"no"}"#, true),
            (400, r#"{"code":"bad.request","message":"Interval is in the future"}"#, true),
            (400, r#"{"code":"bad.request","message":"no name"}"#, false),
            (403, r#"{"code":"missing.permissions","message":"date"}"#, false),
        ] {
            let error = response(status, &date, body).into_error(&request());
            assert_eq!(error.to_string().ends_with(hint), mentioned, "{error}");
            let error = response(status, &[], body).into_error(&request());
            assert!(!error.to_string().contains("clock"), "{error}");
        }
    }

    #[test]
    fn bodies_of_any_shape_are_survived() {
        let bodies = ["[]", "null", "{", "\u{feff}{}", r#"{"message":7,"code":{"a":1}}"#, "\0"];
        for body in bodies {
            let error = response(400, &[], body).into_error(&request());
            assert_eq!(error.kind(), ErrorKind::Status(400), "{body}");
        }
        let long = "é".repeat(100_000);
        assert_eq!(response(400, &[], &long).into_error(&request()).body().unwrap().len(), 512);
        let long = format!(r#"{{"message":"{}"}}"#, "x\\n".repeat(10_000));
        assert!(response(400, &[], &long).into_error(&request()).to_string().len() < 400);
    }
}

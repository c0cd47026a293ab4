//! Answers: plain ones, and the platform's error body.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The header that carries the correlation id.
pub(super) const CORRELATION: HeaderName = HeaderName::from_static("inin-correlation-id");

/// An answer that the router finishes: correlation id, common headers, no body for HEAD.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Empty,
    Json(Vec<u8>),
    Html(String),
    /// Finished with the correlation id.
    Error(Map<String, Value>),
}

impl Reply {
    /// 200 with a JSON body.
    pub(super) fn json(body: &impl Serialize) -> Self {
        Self::json_with(StatusCode::OK, body)
    }

    /// Any status with a JSON body.
    pub(super) fn json_with(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(text) => Self::new(status, Body::Json(text)),
            Err(error) => Self::error(500, "internal.server.error", &error.to_string()),
        }
    }

    /// A status without a body.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self::new(status, Body::Empty)
    }

    /// What a gateway in front of the platform answers.
    pub(super) fn html(status: StatusCode) -> Self {
        let text = format!(
            "<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center></body></html>"
        );
        Self::new(status, Body::Html(text))
    }

    /// The platform's error body.
    pub(super) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = json!({
            "message": message, "code": code, "status": status, "details": [], "errors": [],
        });
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match body {
            Value::Object(body) => Self::new(status, Body::Error(body)),
            _ => Self::empty(status),
        }
    }

    pub(super) fn bad_request(message: &str) -> Self {
        Self::error(400, "bad.request", message)
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::error(404, "not.found", &format!("The requested {what} was not found."))
    }

    /// The 429 of the platform; `seconds` until the window ends.
    pub(super) fn throttled(seconds: u64) -> Self {
        let message =
            format!("Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds");
        Self::error(429, "too.many.requests.retry.after", &message).retry_after(seconds)
    }

    pub(super) fn retry_after(self, seconds: u64) -> Self {
        self.header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sets a field of an error body; other answers have none.
    pub(super) fn field(mut self, name: &str, value: Value) -> Self {
        if let Body::Error(body) = &mut self.body {
            body.insert(name.to_owned(), value);
        }
        self
    }

    fn new(status: StatusCode, body: Body) -> Self {
        Self { status, headers: Vec::new(), body }
    }

    /// The response to send.
    pub(super) fn finish(self, correlation: &str, head: bool) -> Response<Full<Bytes>> {
        let (content_type, bytes) = match self.body {
            Body::Empty => (None, Bytes::new()),
            Body::Json(text) => (Some("application/json"), text.into()),
            Body::Html(text) => (Some("text/html"), text.into()),
            Body::Error(mut body) => {
                body.insert("contextId".to_owned(), json!(correlation));
                let text = Value::Object(body).to_string();
                (Some("application/json"), text.into())
            }
        };
        let body = if head { Bytes::new() } else { bytes };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(correlation) {
            headers.insert(CORRELATION, id);
        }
        headers
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate"));
        if let Some(kind) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}

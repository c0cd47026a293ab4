//! One request, read: path, query, headers and body.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::Value;
use url::form_urlencoded;

use super::response::Reply;

/// Largest request body. Source: limit `request.bytes.max` of namespace `platform.api`.
const BODY_MAX: usize = 512_000;

/// A request whose body is complete.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) parts: Parts,
    pub(super) body: Bytes,
}

impl Request {
    /// Reads the body, chunked or not, up to the limit.
    pub(super) async fn read(parts: Parts, body: Incoming) -> Result<Self, Reply> {
        let too_large =
            || Reply::error(413, "request.entity.too.large", "The request is over the size limit.");
        match Limited::new(body, BODY_MAX).collect().await {
            Ok(body) => Ok(Self { parts, body: body.to_bytes() }),
            Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
            Err(_) => Err(Reply::bad_request("The request body could not be read.")),
        }
    }

    pub(super) fn authorization(&self) -> Option<&str> {
        self.parts.headers.get(AUTHORIZATION)?.to_str().ok()
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Result<Value, Reply> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Reply::bad_request(&format!("The request body is not JSON: {error}")))
    }

    /// The last value of a query parameter.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        self.pairs().filter(|(key, _)| key == name).map(|(_, value)| value).last()
    }

    /// Every value of a query parameter, repeated or comma-joined.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        self.pairs()
            .filter(|(key, _)| key == name)
            .flat_map(|(_, value)| value.split(',').map(str::to_owned).collect::<Vec<_>>())
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// A boolean query parameter; absent is false.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.query(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn pairs(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let query = self.parts.uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).into_owned()
    }
}

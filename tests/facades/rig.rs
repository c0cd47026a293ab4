//! A client, and a server that answers from a closure and notes what it was sent.

use genesys_cloud::{Client, Endpoints, NoLimit, NoRetry, Proxy, RateLimiter, StaticToken};
use serde_json::{Value, json};

use crate::loopback::{Loopback, Reply, Seen};

/// A call as it arrived.
#[derive(Debug, PartialEq)]
pub(crate) struct Call {
    /// Method and path.
    pub(crate) line: String,
    /// The query, decoded, in the order in which it came.
    pub(crate) query: Vec<(String, String)>,
    /// The body; null without one.
    pub(crate) body: Value,
}

impl Call {
    pub(crate) fn of(seen: &Seen) -> Self {
        let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
        Self {
            line: format!("{} {path}", seen.method),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            body: serde_json::from_str(&seen.body).unwrap_or_default(),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let found = self.query.iter().filter(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).collect()
    }
}

pub(crate) struct Rig {
    pub(crate) server: Loopback,
    pub(crate) client: Client,
}

impl Rig {
    /// A server that answers with a status and a body.
    pub(crate) async fn start(
        answer: impl Fn(usize, &Call) -> (u16, Value) + Send + Sync + 'static,
    ) -> Self {
        Self::limited(NoLimit, answer).await
    }

    /// The same with a limiter.
    pub(crate) async fn limited(
        limiter: impl RateLimiter + 'static,
        answer: impl Fn(usize, &Call) -> (u16, Value) + Send + Sync + 'static,
    ) -> Self {
        let server = Loopback::start(move |number, seen| {
            let (status, body) = answer(number, &Call::of(seen));
            let body = if body.is_null() { String::new() } else { body.to_string() };
            Reply::json(status, &body)
        })
        .await;
        let client = Client::builder(Endpoints::single(&server.url()).unwrap())
            .token_source(StaticToken::new("hush-token"))
            .proxy(Proxy::none())
            .retry(NoRetry)
            .rate_limiter(limiter)
            .build()
            .unwrap();
        Self { server, client }
    }

    /// A server that always answers the same.
    pub(crate) async fn always(body: Value) -> Self {
        Self::start(move |_, _| (200, body.clone())).await
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.server.seen().iter().map(Call::of).collect()
    }

    /// The last call.
    pub(crate) fn last(&self) -> Call {
        self.calls().pop().unwrap()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.line).collect()
    }
}

/// The platform's error body.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> (u16, Value) {
    (status, json!({ "status": status, "code": code, "message": message, "contextId": "c-1" }))
}

pub(crate) fn forbidden(permission: &str) -> (u16, Value) {
    refusal(403, "missing.permissions", &format!("Missing the permission {permission}"))
}

pub(crate) fn not_found() -> (u16, Value) {
    refusal(404, "not.found", "The requested resource was not found")
}

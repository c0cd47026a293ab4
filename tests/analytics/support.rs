//! A scripted platform, and what was sent to it.

use genesys_cloud::{Client, Endpoints, NoLimit, NoRetry, Proxy, StaticToken};
use serde_json::Value;

use crate::loopback::{Loopback, Reply, Seen};
use crate::schema::Schema;

pub(crate) async fn platform(
    answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
) -> (Loopback, Client) {
    let server = Loopback::start(answer).await;
    let client = Client::builder(Endpoints::single(&server.url()).unwrap())
        .token_source(StaticToken::new("hush-token"))
        .proxy(Proxy::none())
        .retry(NoRetry)
        .rate_limiter(NoLimit)
        .build()
        .unwrap();
    (server, client)
}

/// A platform that answers everything with this.
pub(crate) async fn answering(status: u16, body: Value) -> (Loopback, Client) {
    platform(move |_, _| Reply::json(status, &body.to_string())).await
}

/// The platform's error body.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let body = serde_json::json!({ "status": status, "code": code, "message": message });
    Reply::json(status, &body.to_string())
}

/// Holds the only request against what was expected, and against the published shape when the file is there.
pub(crate) fn sent(server: &Loopback, method: &str, path: &str, wanted: &Value) {
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!((&*seen[0].method, &*seen[0].target), (method, path));
    let body: Value = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!(&body, wanted, "{body:#}");
    let Some(schema) = Schema::load("rest.json") else { return };
    let operations = schema.file["operations"].as_array().unwrap();
    let found = operations.iter().find(|one| one["method"] == method && one["path"] == path);
    schema.check(&found.unwrap()["body"], &body, path);
}

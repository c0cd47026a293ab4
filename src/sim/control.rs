//! `/_sim`: what tests in any language steer the platform with.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

use super::fault::Fault;
use super::inject;
use super::oauth::GrantType;
use super::request::Request;
use super::response::Reply;
use super::router::wrong_method;
use super::shared::Shared;
use super::socket_kind::SocketKind;
use crate::error::ErrorKind;

/// Most events of one call.
const COUNT_MAX: u32 = 1_000_000;

/// Events that are sent before the sockets are given time to write.
const SLICE: u32 = 256;

/// How long a call waits for sockets whose queue is half full, before it goes on regardless.
const PATIENCE: Duration = Duration::from_secs(10);

/// Body of `POST /_sim/emit`: a topic or a socket, and what to send.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Emit {
    topic: Option<String>,
    socket: Option<String>,
    body: Option<Value>,
    /// In Base64.
    binary: Option<String>,
    #[serde(default = "once")]
    count: u32,
}

/// What is sent, and to whom.
enum Sent {
    Topic(String, Value),
    Socket(SocketKind, Value),
    Binary(SocketKind, Bytes),
}

const EMIT_SHAPE: &str = "the body is {\"topic\":…,\"body\":{…},\"count\":1}, \
    {\"socket\":…,\"body\":{…},\"count\":1} or {\"socket\":…,\"binary\":base64,\"count\":1}";

impl Emit {
    fn read(self) -> Result<Sent, String> {
        match (self.topic, self.socket, self.body, self.binary) {
            (Some(topic), None, Some(body), None) => Ok(Sent::Topic(topic, body)),
            (None, Some(name), Some(body), None) => {
                let kind = SocketKind::of_name(&name).map_err(|error| error.to_string())?;
                Ok(Sent::Socket(kind, body))
            }
            (None, Some(name), None, Some(text)) => {
                let kind = SocketKind::of_name(&name).map_err(|error| error.to_string())?;
                let bytes = BASE64_STANDARD.decode(text).map_err(|error| error.to_string())?;
                Ok(Sent::Binary(kind, bytes.into()))
            }
            _ => Err("a topic or a socket is needed, and what to send".to_owned()),
        }
    }
}

impl Sent {
    fn emit(&self, shared: &Shared) -> usize {
        match self {
            Self::Topic(topic, body) => shared.emit(topic, body),
            Self::Socket(kind, body) => shared.emit_on(*kind, body),
            Self::Binary(kind, bytes) => shared.emit_binary_on(*kind, bytes.clone()),
        }
    }

    fn has_room(&self, shared: &Shared) -> bool {
        match self {
            Self::Topic(topic, _) => shared.lock().channels.has_room(&topic.to_ascii_lowercase()),
            Self::Socket(kind, _) | Self::Binary(kind, _) => shared.lock().sockets.has_room(*kind),
        }
    }
}

fn once() -> u32 {
    1
}

/// Answers a request to `/_sim/{what}`.
pub(super) async fn answer(shared: &Shared, what: &str, request: &Request) -> Result<Reply, Reply> {
    match (what, &request.parts.method) {
        ("emit", &Method::POST) => emit(shared, request).await,
        ("fault", &Method::POST) => fault(shared, request),
        ("client", &Method::POST) => client(shared, request),
        ("stats", &Method::GET) => Ok(Reply::json(&shared.stats())),
        ("rest", &Method::POST) => rest(shared, request),
        ("reset", &Method::POST) => {
            shared.reset();
            Ok(Reply::json(&json!({ "reset": true })))
        }
        ("emit" | "fault" | "client" | "stats" | "rest" | "reset", _) => Err(wrong_method()),
        _ => Err(Reply::error(
            404,
            "not.found",
            "There are: POST /_sim/emit, POST /_sim/fault, POST /_sim/client, POST /_sim/rest, GET /_sim/stats, \
             POST /_sim/reset",
        )),
    }
}

/// Sends an event so many times; answers to how many channels, or sockets, it went.
async fn emit(shared: &Shared, request: &Request) -> Result<Reply, Reply> {
    let refused = |error: String| Reply::bad_request(&format!("{error}; {EMIT_SHAPE}"));
    let emit: Emit =
        serde_json::from_slice(&request.body).map_err(|error| refused(error.to_string()))?;
    let count = emit.count;
    let sent = emit.read().map_err(refused)?;
    if count > COUNT_MAX {
        return Err(Reply::bad_request(&format!("count must be at most {COUNT_MAX}")));
    }
    let mut reached = 0;
    for number in 0..count {
        if number % SLICE == SLICE - 1 {
            wait_for_room(shared, &sent).await;
        }
        reached = sent.emit(shared);
    }
    Ok(Reply::json(&match sent {
        Sent::Topic(..) => json!({ "channels": reached }),
        Sent::Socket(..) | Sent::Binary(..) => json!({ "sockets": reached }),
    }))
}

/// Lets the sockets write, so that a burst does not end a client that reads.
async fn wait_for_room(shared: &Shared, sent: &Sent) {
    tokio::task::yield_now().await;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && !sent.has_room(shared) {
        sleep(Duration::from_millis(2)).await;
    }
}

/// Body of `POST /_sim/rest`: permissions that nobody has, those that are given back, and how many jobs fail.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
struct Rest {
    #[serde(default)]
    deny: Vec<String>,
    #[serde(default)]
    allow: Vec<String>,
    fail_jobs: Option<u32>,
}

/// Changes what clients may do; answers with every permission that is denied now.
fn rest(shared: &Shared, request: &Request) -> Result<Reply, Reply> {
    let change: Rest = serde_json::from_slice(&request.body).map_err(|error| {
        let shape = "{\"deny\":[permissions],\"allow\":[permissions],\"fail_jobs\":1}";
        Reply::bad_request(&format!("{error}; the body is {shape}, and each part may be left out"))
    })?;
    let mut state = shared.lock();
    for permission in &change.deny {
        state.books.deny(permission);
    }
    for permission in &change.allow {
        state.books.allow(permission);
    }
    if let Some(count) = change.fail_jobs {
        state.books.fail_jobs(count);
    }
    Ok(Reply::json(&json!({ "denied": state.books.denied().collect::<Vec<_>>() })))
}

/// Body of `POST /_sim/client`.
#[derive(Deserialize)]
#[serde(tag = "grant", rename_all = "snake_case", deny_unknown_fields)]
enum NewClient {
    ClientCredentials {},
    Code { redirect_uri: String },
    Saml2 {},
}

/// Adds an OAuth client.
fn client(shared: &Shared, request: &Request) -> Result<Reply, Reply> {
    let asked: NewClient = serde_json::from_slice(&request.body).map_err(|error| {
        Reply::bad_request(&format!(
            "{error}; the body is {{\"grant\":\"code\",\"redirect_uri\":…}}, {{\"grant\":\"saml2\"}} or \
             {{\"grant\":\"client_credentials\"}}"
        ))
    })?;
    let credentials = shared.add_client(match asked {
        NewClient::ClientCredentials {} => GrantType::ClientCredentials,
        NewClient::Code { redirect_uri } => GrantType::Code { redirect_uri },
        NewClient::Saml2 {} => GrantType::Saml2,
    });
    Ok(Reply::json(&json!({
        "client_id": credentials.client_id(),
        "client_secret": credentials.client_secret().expose(),
    })))
}

fn fault(shared: &Shared, request: &Request) -> Result<Reply, Reply> {
    let Value::Object(body) = request.json()? else {
        return Err(Reply::bad_request("The body must be an object with a kind."));
    };
    let injected =
        Fault::read(body).and_then(|(fault, target)| inject::inject(shared, fault, target));
    match injected {
        Ok(sockets) => Ok(Reply::json(&json!({ "sockets": sockets }))),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Reply::not_found("channel")),
        Err(error) => Err(Reply::bad_request(&error.to_string())),
    }
}

//! `/_sim`: what tests in any language steer the platform with.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

use super::fault::Fault;
use super::inject;
use super::request::Request;
use super::response::Reply;
use super::router::wrong_method;
use super::shared::Shared;
use crate::error::ErrorKind;

/// Most events of one call.
const COUNT_MAX: u32 = 1_000_000;

/// Events that are sent before the sockets are given time to write.
const SLICE: u32 = 256;

/// How long a call waits for sockets whose queue is half full, before it goes on regardless.
const PATIENCE: Duration = Duration::from_secs(10);

/// Body of `POST /_sim/emit`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Emit {
    topic: String,
    body: Value,
    #[serde(default = "once")]
    count: u32,
}

fn once() -> u32 {
    1
}

/// Answers a request to `/_sim/{what}`.
pub(super) async fn answer(shared: &Shared, what: &str, request: &Request) -> Result<Reply, Reply> {
    match (what, &request.parts.method) {
        ("emit", &Method::POST) => emit(shared, request).await,
        ("fault", &Method::POST) => fault(shared, request),
        ("stats", &Method::GET) => Ok(Reply::json(&shared.stats())),
        ("reset", &Method::POST) => {
            shared.reset();
            Ok(Reply::json(&json!({ "reset": true })))
        }
        ("emit" | "fault" | "stats" | "reset", _) => Err(wrong_method()),
        _ => Err(Reply::error(
            404,
            "not.found",
            "There are: POST /_sim/emit, POST /_sim/fault, GET /_sim/stats, POST /_sim/reset",
        )),
    }
}

/// Sends an event so many times; answers to how many channels it went.
async fn emit(shared: &Shared, request: &Request) -> Result<Reply, Reply> {
    let emit: Emit = serde_json::from_slice(&request.body).map_err(|error| {
        let message = format!("{error}; the body is {{\"topic\":…,\"body\":{{…}},\"count\":1}}");
        Reply::bad_request(&message)
    })?;
    if emit.count > COUNT_MAX {
        return Err(Reply::bad_request(&format!("count must be at most {COUNT_MAX}")));
    }
    let mut channels = 0;
    for number in 0..emit.count {
        if number % SLICE == SLICE - 1 {
            wait_for_room(shared, &emit.topic).await;
        }
        channels = shared.emit(&emit.topic, &emit.body);
    }
    Ok(Reply::json(&json!({ "channels": channels })))
}

/// Lets the sockets write, so that a burst does not end a client that reads.
async fn wait_for_room(shared: &Shared, topic: &str) {
    tokio::task::yield_now().await;
    let (topic, deadline) = (topic.to_ascii_lowercase(), Instant::now() + PATIENCE);
    while Instant::now() < deadline && !shared.lock().channels.has_room(&topic) {
        sleep(Duration::from_millis(2)).await;
    }
}

fn fault(shared: &Shared, request: &Request) -> Result<Reply, Reply> {
    let Value::Object(body) = request.json()? else {
        return Err(Reply::bad_request("The body must be an object with a kind."));
    };
    let injected = Fault::read(body)
        .and_then(|(fault, channel)| inject::inject(shared, fault, channel.as_deref()));
    match injected {
        Ok(sockets) => Ok(Reply::json(&json!({ "sockets": sockets }))),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Reply::not_found("channel")),
        Err(error) => Err(Reply::bad_request(&error.to_string())),
    }
}

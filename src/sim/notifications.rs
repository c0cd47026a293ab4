//! `/api/v2/notifications`: channels, subscriptions, available topics.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::channels::Channel;
use super::lifecycle::{Why, end_channel};
use super::oauth::Caller;
use super::request::Request;
use super::response::Reply;
use super::router::wrong_method;
use super::shared::{Shared, State};
use super::subscribe::{self, Mode, Refused};
use super::topics;
use crate::core::limits::TOPICS_PER_CHANNEL;

/// Answers a request below `/api/v2/notifications`.
pub(super) fn answer(
    shared: &Shared,
    caller: &Caller,
    path: &[&str],
    request: &Request,
) -> Result<Reply, Reply> {
    let method = &request.parts.method;
    match (path, method) {
        (["availabletopics"], &Method::GET) => {
            Ok(Reply::json(&topics::available(&request.list("expand"))))
        }
        (["channels"], &Method::POST) => Ok(create(shared, caller)),
        (["channels"], &Method::GET) => list(shared, caller, request),
        (["channels", id], &Method::HEAD) => {
            own(&mut shared.lock(), caller, id)?;
            Ok(Reply::empty(StatusCode::OK))
        }
        (["channels", id, "subscriptions"], _) => subscriptions(shared, caller, id, request),
        (["availabletopics" | "channels"] | ["channels", _], _) => Err(wrong_method()),
        _ => Err(Reply::not_found("resource")),
    }
}

fn create(shared: &Shared, caller: &Caller) -> Reply {
    let mut state = shared.lock();
    let state = &mut *state;
    let limit = shared.config.channels_per_client;
    while let Some(oldest) = state.channels.to_evict(&caller.client, limit) {
        end_channel(state, &oldest, Why::Displaced);
    }
    let life = shared.config.channel_life;
    let channel = state.channels.create(caller, life, &mut state.rng);
    let reply = Reply::json(&body(shared, channel));
    shared.deadlines.notify_one();
    reply
}

fn body(shared: &Shared, channel: &Channel) -> Value {
    json!({
        "connectUri": shared.connect_uri(&channel.id),
        "id": channel.id,
        "expires": shared.clock.at(channel.expires),
    })
}

fn list(shared: &Shared, caller: &Caller, request: &Request) -> Result<Reply, Reply> {
    let every_token = match request.query("includechannels").as_deref() {
        None | Some("token") => false,
        Some("oauthclient") => true,
        Some(_) => {
            let message = "includechannels must be one of: token, oauthclient";
            return Err(Reply::error(400, "invalid.value", message));
        }
    };
    let state = shared.lock();
    let entities: Vec<Value> = state
        .channels
        .iter()
        .filter(|channel| channel.client == caller.client)
        .filter_map(|channel| {
            if channel.token == caller.token {
                return Some(body(shared, channel));
            }
            // Whoever knows the id can open the socket, so that of another token is not told.
            let expires = shared.clock.at(channel.expires);
            every_token.then(|| json!({ "expires": expires }))
        })
        .collect();
    Ok(Reply::json(&json!({ "entities": entities })))
}

/// The channel, when it is one of the caller's client.
fn own(state: &mut State, caller: &Caller, id: &str) -> Result<Arc<str>, Reply> {
    let channel = state
        .channels
        .get(id)
        .filter(|channel| channel.client == caller.client)
        .ok_or_else(|| Reply::not_found("channel").field("entityId", json!(id)))?;
    Ok(Arc::clone(&channel.id))
}

fn subscriptions(
    shared: &Shared,
    caller: &Caller,
    id: &str,
    request: &Request,
) -> Result<Reply, Reply> {
    let mut state = shared.lock();
    let state = &mut *state;
    let channel = own(state, caller, id)?;
    let mode = match request.parts.method {
        Method::GET => return Ok(listing(state, &channel)),
        Method::DELETE => {
            state.channels.set_subscriptions(&channel, Vec::new());
            state.channels.touch(&channel);
            shared.interest.notify_one();
            return Ok(Reply::empty(StatusCode::OK));
        }
        Method::POST => Mode::Add,
        Method::PUT => Mode::Replace,
        _ => return Err(wrong_method()),
    };
    let ids = topic_ids(&request.json()?)?;
    let ignore_errors = request.flag("ignoreErrors");
    let life = shared.config.channel_life;
    let entities = subscribe::subscribe(state, &channel, &ids, mode, ignore_errors, life)
        .map_err(|why| refusal(&why))?;
    if let Some(channel) = state.channels.get_mut(&channel) {
        // A later token of the same client keeps the channel alive.
        channel.token = Arc::clone(&caller.token);
        channel.token_ended = None;
    }
    shared.interest.notify_one();
    shared.deadlines.notify_one();
    Ok(Reply::json(&json!({ "entities": entities })))
}

fn listing(state: &State, channel: &Arc<str>) -> Reply {
    let subscriptions =
        state.channels.get(channel).map_or(&[][..], |channel| &channel.subscriptions);
    let entities: Vec<Value> = subscriptions
        .iter()
        .map(|subscription| subscribe::permitted(channel, &subscription.id))
        .collect();
    Reply::json(&json!({ "entities": entities }))
}

fn topic_ids(body: &Value) -> Result<Vec<String>, Reply> {
    let wrong = || Reply::bad_request("The request body must be an array of topics with an id.");
    let topics = body.as_array().ok_or_else(wrong)?;
    topics
        .iter()
        .map(|topic| topic.get("id")?.as_str().map(str::to_owned))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(wrong)
}

fn refusal(why: &Refused) -> Reply {
    match why {
        Refused::Invalid(ids) => {
            let details: Vec<Value> = ids
                .iter()
                .map(|id| json!({ "errorCode": "notification.invalid.topic", "fieldName": "id", "entityId": id }))
                .collect();
            let message = format!("Invalid topics: {}", ids.join(", "));
            Reply::error(400, "notification.invalid.topic", &message)
                .field("details", json!(details))
        }
        Refused::Forbidden(ids) => {
            let mut missing: Vec<&str> =
                ids.iter().flat_map(|id| topics::permissions(id).iter().copied()).collect();
            missing.sort_unstable();
            missing.dedup();
            let missing = missing.join(", ");
            let message = format!(
                "Missing the following permission(s): [{missing}] for topics: {}",
                ids.join(", ")
            );
            let details: Vec<Value> = ids
                .iter()
                .map(|id| json!({ "errorCode": "missing.permissions", "fieldName": "id", "entityId": id }))
                .collect();
            Reply::error(403, "missing.permissions", &message)
                .field("messageParams", json!({ "permissions": missing }))
                .field("details", json!(details))
        }
        Refused::TooMany => {
            let message = format!("A channel has at most {TOPICS_PER_CHANNEL} topics.");
            let limit = json!({
                "key": "channel.topics.max",
                "namespace": "notifications",
                "value": TOPICS_PER_CHANNEL,
            });
            Reply::error(400, "bad.request", &message).field("limit", limit)
        }
    }
}

//! Applications: their ids, and what REST tells about their sockets.

use std::sync::Arc;

use http::Method;
use serde_json::json;

use super::request::Request;
use super::response::Reply;
use super::router::wrong_method;
use super::shared::Shared;

/// How an application says where its socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// As `ws://host:port`.
    WithScheme,
    /// As `host:port`.
    WithoutScheme,
    /// There is no socket.
    None,
}

/// One application.
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub(super) id: Arc<str>,
    pub(super) origin: Origin,
}

/// Answers a request below `/api/v2/appfoundry`.
pub(super) fn answer(shared: &Shared, path: &[&str], request: &Request) -> Result<Reply, Reply> {
    let ["applications", id] = path else {
        return Err(Reply::not_found("resource"));
    };
    if request.parts.method != Method::GET {
        return Err(wrong_method());
    }
    let state = shared.lock();
    let application = state
        .world
        .application(id)
        .ok_or_else(|| Reply::not_found("application").field("entityId", json!(id)))?;
    let streaming = shared.streaming_url();
    let origin = match application.origin {
        Origin::WithScheme => Some(streaming.as_str()),
        Origin::WithoutScheme => streaming.split_once("://").map(|(_, host)| host),
        Origin::None => None,
    };
    let mut body = json!({
        "id": application.id,
        "name": "Simulated application",
        "selfUri": format!("/api/v2/appfoundry/applications/{}", application.id),
    });
    if let Some(origin) = origin {
        body["webSocket"] = json!({
            "originUrl": origin,
            "timeoutMillis": u64::try_from(shared.config.application_idle.as_millis()).unwrap_or(u64::MAX),
            "maxMessageSize": shared.config.application_message_max,
        });
    }
    Ok(Reply::json(&body))
}

//! Dials: from an HTTP request to a WebSocket on a channel.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use hyper::body::Incoming;
use tokio::time::{Instant, sleep};
use tungstenite::handshake::derive_accept_key;

use super::handle::{Command, Handle};
use super::io::Link;
use super::lifecycle::GOING_AWAY;
use super::response::Reply;
use super::shared::{Shared, State};
use super::socket::{self, Attached};

/// The channel whose socket a path leads to.
pub(super) fn channel_of(path: &str) -> Option<&str> {
    let id = path.strip_prefix("/channels/")?;
    (!id.is_empty() && !id.contains('/')).then_some(id)
}

/// Answers a dial; an error breaks the connection.
pub(super) async fn dial(
    shared: &Arc<Shared>,
    link: &Arc<Link>,
    id: &str,
    request: http::Request<Incoming>,
) -> io::Result<Reply> {
    let (knobs, fault) = {
        let mut state = shared.lock();
        state.counted.dials += 1;
        (state.faults.knobs(id), state.faults.take_http(request.uri().path()))
    };
    if knobs.refuse_until.is_some_and(|until| until > Instant::now()) {
        link.reset();
        return Err(io::Error::from(io::ErrorKind::ConnectionRefused));
    }
    sleep(Duration::from_millis(knobs.slow_ms)).await;
    Ok(match fault {
        Some(reply) => reply,
        None => open(shared, link, id, request).unwrap_or_else(|reply| reply),
    })
}

/// Gives the channel its new socket, and the client the 101.
///
/// The channel has the socket before the client has the answer, so that an event that follows the handshake at once
/// is not lost. An offer of `permessage-deflate` is declined by not repeating it.
fn open(
    shared: &Arc<Shared>,
    link: &Arc<Link>,
    id: &str,
    mut request: http::Request<Incoming>,
) -> Result<Reply, Reply> {
    let accept = accept_key(request.method(), request.headers())?;
    let mut state = shared.lock();
    let State { channels, oauth, .. } = &mut *state;
    let dead = shared.config.dead_channel_status;
    let channel = channels
        .get(id)
        .ok_or_else(|| Reply::error(dead, "not.found", "The requested channel was not found."))?;
    if oauth.expiry(&channel.token).is_none_or(|end| end <= Instant::now()) {
        return Err(Reply::error(
            401,
            "credentials.expired",
            "The token of the channel has expired.",
        ));
    }
    let channel = Arc::clone(&channel.id);
    let serial = channels.next_serial();
    let (handle, inbox) = Handle::new(serial);
    if let Some(first) = channels.attach(&channel, handle) {
        let reason = "another socket was opened on the channel".to_owned();
        first.send(Command::Close(GOING_AWAY, reason));
    }
    let knobs = state.faults.knobs(&channel);
    drop(state);
    let attached = Attached::new(shared, &channel, serial);
    let upgrade = hyper::upgrade::on(&mut request);
    let link = Arc::clone(link);
    shared.spawn(socket::serve(attached, upgrade, link, inbox, knobs));
    shared.interest.notify_one();
    Ok(Reply::empty(StatusCode::SWITCHING_PROTOCOLS)
        .header(UPGRADE, HeaderValue::from_static("websocket"))
        .header(CONNECTION, HeaderValue::from_static("Upgrade"))
        .header(SEC_WEBSOCKET_ACCEPT, accept))
}

/// Checks the handshake, and computes what proves that it was understood.
fn accept_key(method: &Method, headers: &HeaderMap) -> Result<HeaderValue, Reply> {
    let has = |name: HeaderName, wanted: &str| {
        headers.get_all(name).iter().any(|value| {
            let value = value.to_str().unwrap_or_default();
            value.split(',').any(|part| part.trim().eq_ignore_ascii_case(wanted))
        })
    };
    if method != Method::GET || !has(UPGRADE, "websocket") || !has(CONNECTION, "upgrade") {
        return Err(Reply::bad_request("This address is for WebSockets."));
    }
    if !has(SEC_WEBSOCKET_VERSION, "13") {
        let version = HeaderValue::from_static("13");
        return Err(Reply::error(426, "bad.request", "Only WebSocket version 13 is understood.")
            .header(SEC_WEBSOCKET_VERSION, version));
    }
    headers
        .get(SEC_WEBSOCKET_KEY)
        .and_then(|key| HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok())
        .ok_or_else(|| Reply::bad_request("Sec-WebSocket-Key is missing."))
}

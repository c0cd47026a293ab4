//! Dials: from an HTTP request to a WebSocket.

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

use super::admission::{self, Admitted};
use super::attached::Attached;
use super::channel_socket::ChannelSocket;
use super::farewell::{Farewell, GOING_AWAY};
use super::handle::{Command, Handle};
use super::io::Link;
use super::place::Place;
use super::response::Reply;
use super::shared::{Shared, State};
use super::socket;
use super::socket_kind::SocketKind;

/// Answers a dial; an error breaks the connection.
pub(super) async fn dial(
    shared: &Arc<Shared>,
    link: &Arc<Link>,
    place: Place,
    request: http::Request<Incoming>,
) -> io::Result<Reply> {
    let (knobs, fault) = {
        let mut state = shared.lock();
        state.counted.dials += 1;
        let knobs = match &place {
            Place::Channel(id) => state.faults.knobs(id),
            Place::Application(_) => state.faults.knobs_of_kind(SocketKind::AppFoundry),
            Place::Socket(kind) | Place::Astray(kind) => state.faults.knobs_of_kind(*kind),
        };
        (knobs, state.faults.take_http(request.uri().path()))
    };
    if knobs.refuse_until.is_some_and(|until| until > Instant::now()) {
        link.reset();
        return Err(io::Error::from(io::ErrorKind::ConnectionRefused));
    }
    sleep(Duration::from_millis(knobs.slow_ms)).await;
    Ok(match fault {
        Some(reply) => reply,
        None => open(shared, link, &place, request).unwrap_or_else(|reply| reply),
    })
}

/// Opens the socket, and gives the client the 101.
///
/// The socket is in the books before the client has the answer, so that an event that follows the handshake at once
/// is not lost. An offer of `permessage-deflate` is declined by not repeating it.
fn open(
    shared: &Arc<Shared>,
    link: &Arc<Link>,
    place: &Place,
    request: http::Request<Incoming>,
) -> Result<Reply, Reply> {
    let accept = accept_key(request.method(), request.headers())?;
    let (parts, body) = request.into_parts();
    let admitted = match place {
        Place::Channel(id) => channel(shared, id)?,
        other => admission::admit(shared, other, &parts)?,
    };
    let upgrade = hyper::upgrade::on(http::Request::from_parts(parts, body));
    shared.spawn(socket::serve(admitted, upgrade, Arc::clone(link)));
    shared.interest.notify_one();
    Ok(Reply::empty(StatusCode::SWITCHING_PROTOCOLS)
        .header(UPGRADE, HeaderValue::from_static("websocket"))
        .header(CONNECTION, HeaderValue::from_static("Upgrade"))
        .header(SEC_WEBSOCKET_ACCEPT, accept))
}

/// Gives a channel its new socket.
fn channel(shared: &Arc<Shared>, id: &str) -> Result<Admitted, Reply> {
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
        let reason = "another socket was opened on the channel";
        first.send(Command::Close(Farewell::new(GOING_AWAY, reason)));
    }
    let knobs = state.faults.knobs(&channel);
    drop(state);
    let attached = Attached::of_channel(shared, &channel, serial);
    let dialogue = Box::new(ChannelSocket { shared: Arc::clone(shared), channel });
    Ok(Admitted { attached, inbox, knobs, dialogue })
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

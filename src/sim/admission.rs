//! Who may open a socket that has no channel, and what it does then.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts;
use tokio::time::Instant;
use url::form_urlencoded;

use super::application_socket::ApplicationSocket;
use super::applications::Origin;
use super::attached::Attached;
use super::connection_log::Connection;
use super::dialogue::{Dialogue, Listener, Refusal};
use super::farewell::{Farewell, POLICY, PROTOCOL};
use super::handle::{Handle, Inbox};
use super::ids;
use super::knobs::Knobs;
use super::oauth::Caller;
use super::open_sockets::{Hears, OpenSocket};
use super::place::Place;
use super::presence_socket::PresenceSocket;
use super::realtime_socket::RealtimeSocket;
use super::response::Reply;
use super::shared::{Shared, State};
use super::socket_kind::SocketKind;

/// What a token needs for the routing socket.
const ROUTING_SCOPE: &str = "routing:interaction:read";

/// What a token needs for the socket of frames.
const FRAMES_SCOPES: [&str; 2] = ["streaming:subscribe", "interaction:read"];

/// A socket that may be opened.
pub(super) struct Admitted {
    pub(super) attached: Attached,
    pub(super) inbox: Inbox,
    pub(super) knobs: Knobs,
    pub(super) dialogue: Box<dyn Dialogue>,
}

/// What a dial has proven.
struct Pass {
    kind: SocketKind,
    token: Option<Arc<str>>,
    application: Option<Arc<str>>,
    /// Said as soon as the socket is open.
    farewell: Option<Farewell>,
}

/// Enters a socket without a channel into the books, or refuses the dial.
pub(super) fn admit(shared: &Arc<Shared>, place: &Place, parts: &Parts) -> Result<Admitted, Reply> {
    let mut state = shared.lock();
    let pass = check(&state, place, parts)?;
    let serial = state.channels.next_serial();
    let (handle, inbox) = Handle::new(serial);
    let knobs = state.faults.knobs_of_kind(pass.kind);
    let connection = pass.application.clone().map(|application| {
        let id = ids::uuid(&mut state.correlations);
        Connection { application, id, opened: shared.clock.now_ms() }
    });
    if let Some(connection) = &connection {
        state.connections.opened(connection);
    }
    let at_once = matches!(pass.kind, SocketKind::Routing | SocketKind::Frames);
    state.sockets.insert(OpenSocket {
        kind: pass.kind,
        handle,
        token: pass.token.clone(),
        hears: if at_once && pass.farewell.is_none() { Hears::All } else { Hears::Nothing },
        token_ended: false,
    });
    drop(state);
    let attached = Attached::free(shared, serial, connection);
    shared.deadlines.notify_one();
    Ok(Admitted { attached, inbox, knobs, dialogue: dialogue(shared, serial, pass) })
}

fn check(state: &State, place: &Place, parts: &Parts) -> Result<Pass, Reply> {
    let pass = |kind| Pass { kind, token: None, application: None, farewell: None };
    match place {
        Place::Application(id) => {
            let found = state.world.application(id).filter(|one| one.origin != Origin::None);
            let found = found.ok_or_else(|| Reply::not_found("socket of the application"))?;
            Ok(Pass { application: Some(Arc::clone(&found.id)), ..pass(SocketKind::AppFoundry) })
        }
        Place::Socket(SocketKind::Routing) => {
            let caller = by_query(state, parts, "access_token")?;
            let farewell = (!state.oauth.permits(&caller, ROUTING_SCOPE)).then(|| {
                Farewell::new(POLICY, format!("the token lacks the scope {ROUTING_SCOPE}"))
            });
            Ok(Pass { token: Some(caller.token), farewell, ..pass(SocketKind::Routing) })
        }
        Place::Socket(SocketKind::Frames) => {
            let authorization = parts.headers.get(AUTHORIZATION);
            let caller = state.oauth.check(authorization.and_then(|value| value.to_str().ok()))?;
            for scope in FRAMES_SCOPES {
                if !state.oauth.permits(&caller, scope) {
                    let message = format!("The token lacks the scope {scope}.");
                    return Err(Reply::error(403, "not.authorized", &message));
                }
            }
            Ok(Pass { token: Some(caller.token), ..pass(SocketKind::Frames) })
        }
        Place::Socket(SocketKind::Presence) => {
            let caller = by_query(state, parts, "token")?;
            Ok(Pass { token: Some(caller.token), ..pass(SocketKind::Presence) })
        }
        Place::Socket(kind) => Ok(pass(*kind)),
        Place::Astray(kind) => {
            let reason = "no socket here: check the address of the region, and the path";
            Ok(Pass { farewell: Some(Farewell::new(PROTOCOL, reason)), ..pass(*kind) })
        }
        Place::Channel(_) => Err(Reply::not_found("socket")),
    }
}

/// The caller whose token is in the query.
fn by_query(state: &State, parts: &Parts, name: &str) -> Result<Caller, Reply> {
    let query = parts.uri.query().unwrap_or_default();
    let token = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
    let Some((_, token)) = token.filter(|(_, token)| !token.is_empty()) else {
        let message = format!("No token in the query parameter {name}.");
        return Err(Reply::error(401, "authentication.required", &message));
    };
    state.oauth.check_token(&token)
}

fn dialogue(shared: &Arc<Shared>, serial: u64, pass: Pass) -> Box<dyn Dialogue> {
    let Pass { kind, application, farewell, .. } = pass;
    if farewell.is_some() {
        return Box::new(Refusal { farewell, since: Instant::now(), kind });
    }
    let shared = Arc::clone(shared);
    match (kind, application) {
        (SocketKind::AppFoundry, Some(application)) => {
            Box::new(ApplicationSocket { shared, serial, application, media: None })
        }
        (SocketKind::Realtime, _) => {
            let deadline = Instant::now().checked_add(shared.config.subscribe_deadline);
            Box::new(RealtimeSocket { shared, serial, deadline, subscribed: false })
        }
        (SocketKind::Presence, _) => {
            Box::new(PresenceSocket { shared, serial, users: BTreeSet::new() })
        }
        _ => Box::new(Listener { kind }),
    }
}

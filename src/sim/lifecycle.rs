//! How channels end: expiry, displacement, and the end of their token.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::channels::Channel;
use super::farewell::{Cause, Farewell, GOING_AWAY};
use super::frames::{self, Event};
use super::handle::Command;
use super::ids;
use super::open_sockets::OpenSocket;
use super::shared::{Shared, State};

/// How long the housekeeper sleeps when nothing is due.
const IDLE: Duration = Duration::from_secs(3_600);

/// Longest time between the end of a token and the close of its sockets.
const TOKEN_GRACE: Duration = Duration::from_secs(60);

/// Why a channel ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Expired,
    Displaced,
    Revoked,
}

/// Removes a channel; an open socket is told and closed.
pub(super) fn end_channel(state: &mut State, id: &str, why: Why) {
    let Some(channel) = state.channels.remove(id) else {
        return;
    };
    state.faults.forget(id);
    if why == Why::Displaced {
        state.counted.evictions += 1;
    }
    let message = match why {
        Why::Expired => "channel has expired",
        Why::Displaced => "channel was displaced by another",
        Why::Revoked => "token of the channel was revoked",
    };
    if let Some(event) = notice(state, &channel, why) {
        channel.send(Command::Event(event));
    }
    channel.send(Command::Send(frames::gone(message)));
    channel.send(Command::Close(Farewell::new(GOING_AWAY, message)));
}

/// The system message that goes before the end of a channel.
fn notice(state: &mut State, channel: &Channel, why: Why) -> Option<Event> {
    let (kind, reason) = match why {
        Why::Expired => return None,
        Why::Displaced => ("no_longer_subscribed", "another_channel_subscribed"),
        Why::Revoked => ("token_revoked", "user_tokens_revoked"),
    };
    let correlation = ids::uuid(&mut state.rng);
    let organization = state.world.organization["id"].clone();
    let body = json!({
        "channelId": channel.id,
        "systemTopicType": kind,
        "reason": reason,
        "organizationId": organization,
        "oauthClientOrgId": organization,
        // The client itself is the user of a client-credentials token.
        "userId": channel.client,
        "oauthClientId": channel.client,
        "message": kind.replace('_', " "),
        "correlationId": correlation,
        "data": Value::Object(serde_json::Map::new()),
    });
    let topic = format!("v2.system.{kind}.{}", channel.client);
    Some(Event::new(&topic, &body, &correlation))
}

/// Revokes tokens, one or all, and ends their channels; returns how many had an open socket.
pub(super) fn revoke(state: &mut State, token: Option<&str>) -> usize {
    state.oauth.revoke(token);
    let of_token = |channel: &&Channel| token.is_none_or(|token| *channel.token == *token);
    let ended: Vec<(Arc<str>, bool)> = state
        .channels
        .iter()
        .filter(of_token)
        .map(|channel| (Arc::clone(&channel.id), channel.socket.is_some()))
        .collect();
    for (id, _) in &ended {
        end_channel(state, id, Why::Revoked);
    }
    let of_channels = ended.iter().filter(|(_, open)| *open).count();
    let is_meant =
        |socket: &OpenSocket| token.is_none_or(|token| socket.token.as_deref() == Some(token));
    of_channels + end_sockets(state, is_meant, &Farewell::token_revoked())
}

/// Closes sockets that have no channel; returns how many.
pub(super) fn end_sockets(
    state: &mut State,
    is_meant: impl Fn(&OpenSocket) -> bool,
    farewell: &Farewell,
) -> usize {
    let mut ended = 0;
    for socket in state.sockets.iter_mut().filter(|socket| is_meant(socket)) {
        socket.token_ended |= matches!(farewell.cause, Cause::TokenExpired | Cause::TokenRevoked);
        socket.handle.send(Command::Close(farewell.clone()));
        ended += 1;
    }
    ended
}

/// Ends what has come to its end, for as long as the platform runs.
pub(super) async fn keep_house(shared: Arc<Shared>) {
    loop {
        let next = {
            let mut state = shared.lock();
            tidy(&mut state, shared.config.closing_notice)
        };
        tokio::select! {
            biased;
            () = sleep_until(next) => {}
            () = shared.deadlines.notified() => {}
        }
    }
}

/// Ends what is due, and returns when something is due next.
fn tidy(state: &mut State, closing_notice: Duration) -> Instant {
    let now = Instant::now();
    let expired: Vec<Arc<str>> = state
        .channels
        .iter()
        .filter(|channel| channel.expires <= now)
        .map(|channel| Arc::clone(&channel.id))
        .collect();
    for id in expired {
        end_channel(state, &id, Why::Expired);
    }
    let mut next = now + IDLE;
    let ids: Vec<Arc<str>> = state.channels.iter().map(|c| Arc::clone(&c.id)).collect();
    for id in ids {
        let State { channels, oauth, .. } = &mut *state;
        let Some(channel) = channels.get_mut(&id) else {
            continue;
        };
        next = next.min(channel.expires);
        let token_ends = oauth.expiry(&channel.token).unwrap_or(now);
        if token_ends > now {
            channel.token_ended = None;
            next = next.min(token_ends);
            continue;
        }
        match channel.token_ended {
            None => {
                let close = now + closing_notice.min(TOKEN_GRACE);
                channel.token_ended = Some(close);
                channel.send(Command::Send(frames::gone("token of the channel has expired")));
                next = next.min(close);
            }
            Some(close) if close <= now => {
                // The channel stays for another token of the same client; until one comes, it cannot be opened.
                let reason = "token of the channel has expired";
                channel.send(Command::Close(Farewell::new(GOING_AWAY, reason)));
            }
            Some(close) => next = next.min(close),
        }
    }
    next.min(tidy_sockets(state, now))
}

/// Closes sockets without a channel whose token has ended, and returns when the next one does.
fn tidy_sockets(state: &mut State, now: Instant) -> Instant {
    let State { sockets, oauth, .. } = state;
    let mut next = now + IDLE;
    for socket in sockets.iter_mut().filter(|socket| !socket.token_ended) {
        let Some(token) = &socket.token else { continue };
        let end = oauth.expiry(token).unwrap_or(now);
        if end <= now {
            socket.token_ended = true;
            socket.handle.send(Command::Close(Farewell::token_expired()));
        } else {
            next = next.min(end);
        }
    }
    next
}

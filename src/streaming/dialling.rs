//! From nothing to an open socket: the token, the address, the dial.

use std::sync::Arc;
use std::time::Duration;

use super::delivery::add;
use super::driver::Parts;
use super::link::Link;
use super::protocol::{DialContext, Needs, StreamEvent};
use super::supervisor::is_old;
use crate::core::close::Gone;
use crate::core::ports::AccessToken;
use crate::error::{Error, Result};
use crate::events::Topic;
use crate::transport::ws::Socket;

/// An open socket, and the token that it was opened with.
pub(super) struct Dialled {
    pub(super) socket: Box<Socket>,
    pub(super) token: Option<AccessToken>,
}

/// Why there is none.
pub(super) struct DialFailure {
    pub(super) gone: Gone,
    pub(super) retry_after: Option<Duration>,
    /// When it was not the socket that failed.
    pub(super) error: Option<Error>,
    /// The token that was tried.
    pub(super) token: Option<AccessToken>,
}

impl From<Error> for DialFailure {
    fn from(error: Error) -> Self {
        let gone = Gone::Rest { status: error.status(), detail: error.summary() };
        Self { gone, retry_after: error.retry_after(), error: Some(error), token: None }
    }
}

/// How long a dial waits for a newer token while the one that is there is good: a login service that takes longer is down.
/// What it answers later is for the next connection.
const NEWER: Duration = Duration::from_secs(10);

/// A token that is younger than a connection of the protocol becomes, if it can be had.
async fn young_token<E: StreamEvent>(parts: &Parts<E>) -> Result<AccessToken> {
    let life = parts.protocol.renew_after();
    let is_old = |token: &AccessToken| is_old(token.issued_at, life, parts.connector.clock.now());
    let token = parts.tokens.token().await?;
    if !is_old(&token) {
        return Ok(token);
    }
    let newer = tokio::time::timeout(NEWER, parts.tokens.newer(&token)).await;
    let mut token = newer.ok().and_then(Result::ok).unwrap_or(token);
    if is_old(&token) {
        // Its source has no other now. To renew the connection because of it would not mend that.
        token.issued_at = None;
    }
    Ok(token)
}

pub(super) async fn dial<E: StreamEvent>(
    link: Arc<Link<E>>,
    wanted: Vec<Topic>,
) -> Result<Dialled, DialFailure> {
    let parts = &link.parts;
    let token = match parts.protocol.needs() {
        Needs::Token => Some(young_token(parts).await?),
        Needs::Nothing | Needs::Channel => None,
    };
    let now = parts.connector.clock.moment();
    let context = DialContext {
        endpoints: &parts.endpoints,
        channel: link.channel.as_ref(),
        token: token.as_ref(),
        wanted: &wanted,
        now: now.wall,
        mono: now.mono,
    };
    let request = parts.protocol.dial(&context)?;
    add(&link.counters.dials, 1);
    // What the other links deliver from here on may come over this one too.
    if !link.replaces.is_empty() {
        link.overlap.begin(&link.replaces, link.key);
    }
    match parts.connector.connect(&request, parts.buffers).await {
        Ok(socket) => Ok(Dialled { socket: Box::new(socket), token }),
        Err(error) => Err(DialFailure {
            gone: error.gone,
            retry_after: error.retry_after,
            error: None,
            token,
        }),
    }
}

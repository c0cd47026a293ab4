//! Tokens: introspection, revocation, and the idle timeout.

use http::StatusCode;
use serde_json::json;

use super::asked::{Answer, Asked, deleted, missing};
use crate::sim::lifecycle;
use crate::sim::response::Reply;

/// Bounds of the idle timeout, in seconds. Source: documentation of the operation.
const IDLE: std::ops::RangeInclusive<u64> = 300..=28_800;

/// `GET /api/v2/tokens/me`.
pub(super) fn info(asked: &mut Asked<'_>) -> Answer {
    let state = &asked.state;
    Ok(Reply::json(&state.oauth.token_info(asked.caller, &state.world.organization)))
}

/// `HEAD /api/v2/tokens/me`: who comes this far has a good token.
pub(super) fn check(_: &mut Asked<'_>) -> Answer {
    Ok(Reply::empty(StatusCode::OK))
}

/// `DELETE /api/v2/tokens/me`.
pub(super) fn revoke(asked: &mut Asked<'_>) -> Answer {
    lifecycle::revoke(asked.state, Some(&asked.caller.token));
    Ok(Reply::empty(StatusCode::OK))
}

/// `DELETE /api/v2/tokens/{userId}`: the tokens of a user, or of a client, which is its own user.
pub(super) fn revoke_of_user(asked: &mut Asked<'_>) -> Answer {
    let id = asked.id(0).to_owned();
    let known =
        asked.state.oauth.has_client(&id) || super::asked::agent(&asked.state.world, &id).is_ok();
    if !known {
        return Err(missing("user", &id));
    }
    let tokens: Vec<_> = asked.state.oauth.tokens_of(&id).collect();
    for token in tokens {
        lifecycle::revoke(asked.state, Some(&token));
    }
    Ok(deleted())
}

/// `GET /api/v2/tokens/timeout`.
pub(super) fn timeout(asked: &mut Asked<'_>) -> Answer {
    Ok(Reply::json(&asked.state.books.idle_timeout))
}

/// `PUT /api/v2/tokens/timeout`: it is kept, and no token idles out.
pub(super) fn set_timeout(asked: &mut Asked<'_>) -> Answer {
    let body = asked.object()?;
    let current = &mut asked.state.books.idle_timeout;
    if let Some(seconds) = body["idleTokenTimeoutSeconds"].as_u64() {
        if !IDLE.contains(&seconds) {
            let text = "idleTokenTimeoutSeconds must be from 300 to 28800";
            return Err(Reply::error(400, "invalid.value", text));
        }
        current["idleTokenTimeoutSeconds"] = json!(seconds);
    }
    if let Some(enabled) = body["enableIdleTokenTimeout"].as_bool() {
        current["enableIdleTokenTimeout"] = json!(enabled);
    }
    Ok(Reply::json(current))
}

//! From a request to its answer.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{DATE, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::Instant;

use super::io::Link;
use super::limiter::Quota;
use super::oauth::Caller;
use super::place::place_of;
use super::request::Request;
use super::response::Reply;
use super::shared::Shared;
use super::{applications, control, ids, notifications, rest, sign_in, upgrade};

/// Answers one request; an error breaks the connection.
pub(super) async fn handle(
    shared: Arc<Shared>,
    link: Arc<Link>,
    request: http::Request<Incoming>,
) -> io::Result<Response<Full<Bytes>>> {
    let correlation = ids::uuid(&mut shared.lock().correlations);
    let head = request.method() == Method::HEAD;
    let reply = match place_of(request.uri().path(), request.headers()) {
        Some(place) => upgrade::dial(&shared, &link, place, request).await?,
        None => plain(&shared, request).await,
    };
    if reply.status == StatusCode::TOO_MANY_REQUESTS {
        shared.lock().counted.throttled += 1;
    }
    let mut response = reply.finish(&correlation, head);
    if let Ok(date) = HeaderValue::from_str(&shared.clock.http_date()) {
        response.headers_mut().insert(DATE, date);
    }
    Ok(response)
}

async fn plain(shared: &Shared, request: http::Request<Incoming>) -> Reply {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let control = path.starts_with("/_sim/");
    if !control {
        let mut state = shared.lock();
        state.counted.request(ids::template(&path));
        if let Some(reply) = state.faults.take_http(&path) {
            return reply;
        }
    }
    let request = match Request::read(parts, body).await {
        Ok(request) => request,
        Err(reply) => return reply,
    };
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let reply = match segments.as_slice() {
        ["_sim", what] => control::answer(shared, what, &request).await,
        ["oauth", "token"] => token(shared, &request),
        ["oauth", "authorize"] if request.parts.method == Method::GET => {
            sign_in::authorize(shared, &request)
        }
        ["oauth", "authorize"] => Err(wrong_method()),
        ["api", "v2", rest @ ..] => api(shared, rest, &request),
        _ => Err(Reply::not_found("resource")),
    };
    reply.unwrap_or_else(|reply| reply)
}

fn token(shared: &Shared, request: &Request) -> Result<Reply, Reply> {
    if request.parts.method != Method::POST {
        return Err(wrong_method());
    }
    let mut state = shared.lock();
    let state = &mut *state;
    let asked = state.oauth.authenticate(request.authorization(), &request.body)?;
    // Token requests have a quota of their own, by client; the platform does not publish its number.
    let quota =
        state.limiter.count(&asked.client, shared.config.requests_per_minute, Instant::now());
    if quota.exceeded {
        return Err(Reply::throttled(quota.reset));
    }
    let own = state.books.token_life(&asked.client);
    let life = own.unwrap_or(shared.config.token_life);
    let granted = state.oauth.redeem(asked, &state.world, shared.config.code_life)?;
    let reply = state.oauth.issue(granted, life, &mut state.rng);
    shared.deadlines.notify_one();
    Ok(reply)
}

fn api(shared: &Shared, path: &[&str], request: &Request) -> Result<Reply, Reply> {
    let (caller, quota) = {
        let mut state = shared.lock();
        let caller = state.oauth.check(request.authorization())?;
        let allowed = shared.config.requests_per_minute;
        let quota = state.limiter.count(&caller.token, allowed, Instant::now());
        (caller, quota)
    };
    let reply = if quota.exceeded {
        Err(over_quota(quota, shared.config.requests_per_minute))
    } else {
        route(shared, &caller, path, request)
    };
    {
        let mut state = shared.lock();
        let status = match &reply {
            Ok(reply) | Err(reply) => reply.status.as_u16(),
        };
        let template = ids::template(request.parts.uri.path());
        let method = request.parts.method.as_str();
        state.books.count(&caller.client, method, &template, shared.clock.now_ms(), status);
    }
    if !shared.config.legacy_rate_headers {
        return reply;
    }
    reply
        .map(|reply| legacy_headers(reply, quota, shared))
        .map_err(|reply| legacy_headers(reply, quota, shared))
}

fn route(
    shared: &Shared,
    caller: &Caller,
    path: &[&str],
    request: &Request,
) -> Result<Reply, Reply> {
    let method = &request.parts.method;
    match path {
        ["notifications", rest @ ..] => notifications::answer(shared, caller, rest, request),
        ["appfoundry", rest @ ..] => applications::answer(shared, rest, request),
        ["analytics", "events", "query"] if method == Method::POST => {
            shared.lock().connections.query(request)
        }
        ["analytics", "events", "query"] => Err(wrong_method()),
        _ => rest::answer(shared, caller, path, request),
    }
}

/// The answer to a method that a resource does not have.
pub(super) fn wrong_method() -> Reply {
    Reply::error(405, "method.not.allowed", "The resource does not have this method.")
}

fn over_quota(quota: Quota, allowed: u32) -> Reply {
    let limit = serde_json::json!({
        "key": "client.credentials.token.rate.per.minute",
        "namespace": "platform.api",
        "value": allowed,
    });
    Reply::throttled(quota.reset).field("limit", limit)
}

/// The headers that the platform sent until 2021, for tests of tolerance.
fn legacy_headers(reply: Reply, quota: Quota, shared: &Shared) -> Reply {
    let number = |value: u64| HeaderValue::from(value);
    let allowed = u64::from(shared.config.requests_per_minute);
    reply
        .header(
            http::HeaderName::from_static("inin-ratelimit-count"),
            number(u64::from(quota.count)),
        )
        .header(http::HeaderName::from_static("inin-ratelimit-allowed"), number(allowed))
        .header(http::HeaderName::from_static("inin-ratelimit-reset"), number(quota.reset))
}

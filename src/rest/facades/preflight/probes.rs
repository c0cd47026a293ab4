//! Permissions that are found out by using them: calls that only read, and as little as can be.

use std::time::{Duration, SystemTime};

use http::Method;
use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Result};
use crate::rest::app_foundry::iso;
use crate::rest::facades::caller::Caller;

/// A call that needs one permission.
struct Probe {
    permission: &'static str,
    path: &'static str,
    /// `None` is a GET of one entity.
    body: Option<fn() -> Result<Value>>,
}

/// Source: permissions that the official SDKs name with each call.
const PROBES: &[Probe] = &[
    get("integrations:integration:view", "/api/v2/integrations"),
    get("oauth:client:view", "/api/v2/oauth/clients"),
    get("routing:queue:view", "/api/v2/routing/queues"),
    get("routing:wrapupCode:view", "/api/v2/routing/wrapupcodes"),
    get(
        "analytics:conversationDetail:view",
        "/api/v2/analytics/conversations/details/jobs/availability",
    ),
    get("analytics:userDetail:view", "/api/v2/analytics/users/details/jobs/availability"),
    Probe {
        permission: "analytics:conversationAggregate:view",
        path: "/api/v2/analytics/conversations/aggregates/query",
        body: Some(|| minute("nOffered")),
    },
    Probe {
        permission: "analytics:userAggregate:view",
        path: "/api/v2/analytics/users/aggregates/query",
        body: Some(|| minute("tSystemPresence")),
    },
    Probe {
        permission: "analytics:queueObservation:view",
        path: "/api/v2/analytics/queues/observations/query",
        body: Some(|| Ok(nobody("queueId", "oWaiting"))),
    },
    Probe {
        permission: "analytics:userObservation:view",
        path: "/api/v2/analytics/users/observations/query",
        body: Some(|| Ok(nobody("userId", "oActiveQueues"))),
    },
];

const fn get(permission: &'static str, path: &'static str) -> Probe {
    Probe { permission, path, body: None }
}

/// A figure of the last minute.
fn minute(metric: &str) -> Result<Value> {
    let now = SystemTime::now();
    let interval = format!("{}/{}", iso(now - Duration::from_secs(60))?, iso(now)?);
    Ok(json!({ "interval": interval, "metrics": [metric] }))
}

/// A figure of something that does not exist.
fn nobody(dimension: &str, metric: &str) -> Value {
    let id = "00000000-0000-0000-0000-000000000000";
    let predicate =
        json!({ "type": "dimension", "dimension": dimension, "operator": "matches", "value": id });
    json!({ "filter": { "type": "or", "predicates": [predicate] }, "metrics": [metric] })
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The permission is there; the text says how that is known.
    Held(String),
    /// It is not.
    Lacking(String),
    /// It was not found out.
    Unclear(String),
}

/// Finds out whether the caller has a permission by using it.
pub(super) async fn probe(caller: &Caller, permission: &str) -> Found {
    let Some(probe) = PROBES.iter().find(|probe| probe.permission.eq_ignore_ascii_case(permission))
    else {
        let text = "the platform does not list the roles of this token, and there is no call to try it with that only reads";
        return Found::Unclear(text.to_owned());
    };
    match try_it(caller, probe).await {
        Ok(()) => Found::Held(format!("{} answers", probe.path)),
        Err(error) => judge(&error, permission, probe.path),
    }
}

async fn try_it(caller: &Caller, probe: &Probe) -> Result<()> {
    let call = match probe.body {
        None => caller.api.call(Method::GET, probe.path).query("pageSize", "1"),
        Some(body) => caller.api.call(Method::POST, probe.path).json(&body()?).retry_unsafe(),
    };
    // Secrets of OAuth clients may be in an answer.
    call.secret_answer().priority(caller.options.priority).send().await
}

fn judge(error: &Error, permission: &str, path: &str) -> Found {
    let code = error.code().unwrap_or_default();
    let is_about_permissions = code.starts_with("missing.") && code.ends_with("permissions");
    if error.kind() == ErrorKind::Forbidden && is_about_permissions {
        return Found::Lacking(format!("{path} is refused without {permission}"));
    }
    Found::Unclear(format!("{path}: {}", error.summary()))
}

//! The organisation, and its limits.

use serde_json::{Value, json};

use super::asked::{Answer, Asked, conflict, missing};
use crate::sim::response::Reply;

/// Fields of the organisation that a client may set.
const SETTABLE: &[&str] = &[
    "name",
    "defaultLanguage",
    "defaultCountryCode",
    "thirdPartyURI",
    "supportURI",
    "voicemailEnabled",
];

/// Version of the organisation at the start.
const VERSION: i64 = 12;

/// Namespaces of limits.
const NAMESPACES: &[&str] = &[
    "platform.api",
    "notifications",
    "analytics",
    "analytics.realtime",
    "analytics.data.extraction",
    "auth.api",
    "integrations",
    "presence",
    "routing",
    "conversation",
];

/// `Organization`.
pub(super) fn shown(asked: &Asked<'_>) -> Value {
    let known = &asked.state.world.organization;
    let mut shown = json!({
        "id": known["id"],
        "name": known["name"],
        "defaultLanguage": "en-US",
        "defaultCountryCode": "US",
        "thirdPartyOrgName": "acme",
        "domain": "acme.example",
        "version": VERSION,
        "state": "active",
        "voicemailEnabled": true,
        "productPlatform": "GenesysCloud",
        "features": { "chat": true },
        "selfUri": "/api/v2/organizations/me",
    });
    for (name, value) in &asked.state.books.organization {
        shown[name] = value.clone();
    }
    shown
}

/// `GET /api/v2/organizations/me`.
pub(super) fn me(asked: &mut Asked<'_>) -> Answer {
    Ok(Reply::json(&shown(asked)))
}

/// `PUT /api/v2/organizations/me`: with the version that was read, if it is given.
pub(super) fn change(asked: &mut Asked<'_>) -> Answer {
    let body = asked.object()?;
    let current = shown(asked)["version"].as_i64().unwrap_or(VERSION);
    if let Some(sent) = body["version"].as_i64().filter(|sent| *sent != current) {
        return Err(conflict(sent, current));
    }
    let books = &mut asked.state.books;
    for name in SETTABLE {
        if let Some(value) = body.get(*name).filter(|value| !value.is_null()) {
            books.organization.insert((*name).to_owned(), value.clone());
        }
    }
    books.organization.insert("version".to_owned(), json!(current + 1));
    me(asked)
}

/// `GET /api/v2/organizations/limits/namespaces`.
pub(super) fn namespaces(_: &mut Asked<'_>) -> Answer {
    Ok(Reply::json(&json!({
        "entities": NAMESPACES, "total": NAMESPACES.len(),
        "selfUri": "/api/v2/organizations/limits/namespaces",
    })))
}

/// The limits of a namespace, as this platform holds them or as they are by default.
fn of(asked: &Asked<'_>, defaults: bool) -> Answer {
    let namespace = asked.id(0);
    if !NAMESPACES.contains(&namespace) {
        return Err(missing("namespace", namespace));
    }
    let config =
        if defaults { crate::sim::config::Config::default() } else { asked.shared.config.clone() };
    let of_channels = u32::try_from(config.channels_per_client).unwrap_or(u32::MAX);
    let limits: Vec<(&str, u32)> = match namespace {
        "platform.api" => vec![
            ("client.credentials.token.rate.per.minute", config.requests_per_minute),
            ("org.app.user.rate.per.minute", 3_000),
            ("request.bytes.max", 512_000),
            ("token.rate.per.minute", config.requests_per_minute),
        ],
        "notifications" => vec![("channels.per.user.app.max", of_channels)],
        _ => Vec::new(),
    };
    let entities: Vec<Value> = limits
        .into_iter()
        .map(|(key, value)| json!({ "key": key, "namespace": namespace, "value": value }))
        .collect();
    Ok(Reply::json(&json!({
        "entities": entities, "total": entities.len(),
        "selfUri": asked.request.parts.uri.path(),
    })))
}

/// `GET /api/v2/organizations/limits/namespaces/{namespaceName}`.
pub(super) fn limits(asked: &mut Asked<'_>) -> Answer {
    of(asked, false)
}

/// `GET /api/v2/organizations/limits/namespaces/{namespaceName}/defaults`.
pub(super) fn limit_defaults(asked: &mut Asked<'_>) -> Answer {
    of(asked, true)
}

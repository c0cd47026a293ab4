//! OAuth clients and scopes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::asked::{Answer, Asked, deleted, invalid, missing, required};
use super::books::RECORDS;
use super::listing::{PAGE_MAX, numbered};
use crate::core::secret::Secret;
use crate::sim::clock::iso;
use crate::sim::oauth::GrantType;
use crate::sim::response::Reply;

const GRANTS: &[&str] = &["CODE", "TOKEN", "SAML2-BEARER", "PASSWORD", "CLIENT-CREDENTIALS"];

/// Seconds that a token may live. Source: `OAuthClient` of the platform's published models.
const VALIDITY: std::ops::RangeInclusive<u64> = 300..=172_800;

/// Fields that a client may be told, besides its name and grant.
const SETTABLE: &[&str] = &[
    "description",
    "registeredRedirectUri",
    "scope",
    "roleDivisions",
    "accessTokenValiditySeconds",
    "state",
];

/// Scopes of user grants; each is there for reading only, too.
const SCOPES: &[&str] = &[
    "analytics",
    "conversations",
    "integrations",
    "notifications",
    "oauth",
    "organization",
    "presence",
    "routing",
    "users",
];

/// What is known of a client besides its name and secret.
#[derive(Clone, Debug)]
pub(super) struct ClientRecord {
    fields: Map<String, Value>,
    grant: &'static str,
    created: i64,
    modified: i64,
}

impl ClientRecord {
    pub(super) fn token_life(&self) -> Option<Duration> {
        let seconds = self.fields.get("accessTokenValiditySeconds")?.as_u64()?;
        Some(Duration::from_secs(seconds))
    }

    /// Of a client that was there without REST.
    fn plain(now: i64) -> Self {
        Self { fields: Map::new(), grant: "CLIENT-CREDENTIALS", created: now, modified: now }
    }
}

/// `OAuthClient`; the secret only where the platform shows it.
fn shown(asked: &Asked<'_>, id: &str, secret: Option<&Secret>) -> Value {
    let plain = ClientRecord::plain(asked.state.books.history.end);
    let record = asked.state.books.clients.get(id).unwrap_or(&plain);
    let mut shown = json!({
        "id": id,
        "name": asked.state.oauth.client_name(id),
        "accessTokenValiditySeconds": asked.shared.config.token_life.as_secs(),
        "authorizedGrantType": record.grant,
        "registeredRedirectUri": [],
        "scope": [],
        "roleDivisions": [],
        "state": "active",
        "dateCreated": iso(record.created),
        "dateModified": iso(record.modified),
        "selfUri": format!("/api/v2/oauth/clients/{id}"),
    });
    for (name, value) in &record.fields {
        shown[name] = value.clone();
    }
    if let Some(secret) = secret {
        shown["secret"] = json!(secret.expose());
    }
    shown
}

fn known(asked: &Asked<'_>) -> Result<String, Reply> {
    let id = asked.id(0);
    if asked.state.oauth.has_client(id) {
        Ok(id.to_owned())
    } else {
        Err(missing("OAuth client", id))
    }
}

/// `GET /api/v2/oauth/clients`: without secrets.
pub(super) fn list(asked: &mut Asked<'_>) -> Answer {
    let ids: Vec<Arc<str>> = asked.state.oauth.client_ids().collect();
    numbered(asked.request, PAGE_MAX, &ids, |id| shown(asked, id, None))
}

/// `GET /api/v2/oauth/clients/{clientId}`: without the secret.
pub(super) fn one(asked: &mut Asked<'_>) -> Answer {
    let id = known(asked)?;
    Ok(Reply::json(&shown(asked, &id, None)))
}

/// What is set by a body.
fn fields(body: &Value) -> Result<(String, &'static str, Map<String, Value>), Reply> {
    let name = required(body, "name")?.to_owned();
    let Some(grant) = body["authorizedGrantType"].as_str() else {
        return Err(Reply::error(400, "grant.type.required", "authorizedGrantType is required."));
    };
    let Some(grant) = GRANTS.iter().find(|one| **one == grant) else {
        let text = format!("authorizedGrantType must be one of: {}", GRANTS.join(", "));
        return Err(Reply::error(400, "bad.grant.type", &text));
    };
    let roles = body["roleDivisions"].as_array().is_some_and(|list| !list.is_empty())
        || body["roleIds"].as_array().is_some_and(|list| !list.is_empty());
    if *grant == "CLIENT-CREDENTIALS" && !roles {
        let text = "A client of client credentials needs roleDivisions.";
        return Err(Reply::error(400, "missing.client.roles", text));
    }
    if let Some(seconds) = body.get("accessTokenValiditySeconds").filter(|one| !one.is_null())
        && !seconds.as_u64().is_some_and(|seconds| VALIDITY.contains(&seconds))
    {
        let text = "accessTokenValiditySeconds must be from 300 to 172800";
        return Err(Reply::error(400, "invalid.value", text));
    }
    if let Some(state) = body["state"].as_str()
        && !["active", "disabled", "inactive"].contains(&state)
    {
        return Err(invalid("state", "active, disabled, inactive"));
    }
    let kept = SETTABLE
        .iter()
        .filter_map(|name| {
            let value = body.get(*name).filter(|value| !value.is_null())?;
            Some(((*name).to_owned(), value.clone()))
        })
        .collect();
    Ok((name, grant, kept))
}

/// What a client of this grant asks for tokens with.
fn asks_with(grant: &str, fields: &Map<String, Value>) -> GrantType {
    match grant {
        "CODE" => {
            let uri = fields.get("registeredRedirectUri").and_then(|uris| uris[0].as_str());
            GrantType::Code { redirect_uri: uri.unwrap_or_default().to_owned() }
        }
        "SAML2-BEARER" => GrantType::Saml2,
        _ => GrantType::ClientCredentials,
    }
}

/// `POST /api/v2/oauth/clients`: the answer has the secret.
pub(super) fn create(asked: &mut Asked<'_>) -> Answer {
    let (name, grant, fields) = fields(&asked.object()?)?;
    if asked.state.oauth.client_ids().count() >= RECORDS {
        return Err(Reply::error(400, "auth.too.many.clients", "There are too many clients."));
    }
    let now = asked.now;
    let state = &mut *asked.state;
    let (id, secret) = state.oauth.add_client(asks_with(grant, &fields), &mut state.rng);
    state.oauth.rename_client(&id, name);
    let record = ClientRecord { fields, grant, created: now, modified: now };
    state.books.clients.insert(Arc::clone(&id), record);
    Ok(Reply::json(&shown(asked, &id, Some(&secret))))
}

/// `PUT /api/v2/oauth/clients/{clientId}`.
pub(super) fn update(asked: &mut Asked<'_>) -> Answer {
    let id = known(asked)?;
    let (name, grant, fields) = fields(&asked.object()?)?;
    let state = &mut *asked.state;
    let created =
        state.books.clients.get(id.as_str()).map_or(state.books.history.end, |one| one.created);
    state.oauth.rename_client(&id, name);
    let record = ClientRecord { fields, grant, created, modified: asked.now };
    state.books.clients.insert(id.as_str().into(), record);
    Ok(Reply::json(&shown(asked, &id, None)))
}

/// `DELETE /api/v2/oauth/clients/{clientId}`: its tokens end with it.
pub(super) fn delete(asked: &mut Asked<'_>) -> Answer {
    let id = known(asked)?;
    let tokens: Vec<Arc<str>> = asked.state.oauth.tokens_by(&id).collect();
    for token in tokens {
        crate::sim::lifecycle::revoke(asked.state, Some(&token));
    }
    asked.state.oauth.remove_client(&id);
    asked.state.books.clients.remove(id.as_str());
    Ok(deleted())
}

/// `POST /api/v2/oauth/clients/{clientId}/secret`: a new one; the old one is good no longer.
pub(super) fn secret(asked: &mut Asked<'_>) -> Answer {
    let id = known(asked)?;
    let state = &mut *asked.state;
    let secret = state.oauth.new_secret(&id, &mut state.rng);
    Ok(Reply::json(&shown(asked, &id, secret.as_ref())))
}

fn scope_shown(id: &str) -> Value {
    let (area, what) = match id.split_once(':') {
        Some((area, _)) => (area, "Read"),
        None => (id, "Read and change"),
    };
    json!({
        "id": id, "description": format!("{what} {area}"),
        "selfUri": format!("/api/v2/oauth/scopes/{id}"),
    })
}

/// `GET /api/v2/oauth/scopes`.
pub(super) fn scopes(_: &mut Asked<'_>) -> Answer {
    let entities: Vec<Value> = SCOPES
        .iter()
        .flat_map(|area| [scope_shown(area), scope_shown(&format!("{area}:readonly"))])
        .collect();
    Ok(Reply::json(&json!({
        "total": entities.len(), "entities": entities, "selfUri": "/api/v2/oauth/scopes",
    })))
}

/// `GET /api/v2/oauth/scopes/{scopeId}`.
pub(super) fn scope(asked: &mut Asked<'_>) -> Answer {
    let id = asked.id(0);
    let area = id.strip_suffix(":readonly").unwrap_or(id);
    if SCOPES.contains(&area) {
        Ok(Reply::json(&scope_shown(id)))
    } else {
        Err(missing("scope", id))
    }
}

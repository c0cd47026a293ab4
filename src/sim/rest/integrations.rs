//! Integrations, their configurations, and the apps among them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::asked::{Answer, Asked, conflict, invalid, missing, required};
use super::books::RECORDS;
use super::credentials::info as credential_info;
use super::history::History;
use super::listing::{PAGE_MAX, numbered};
use super::types;
use crate::sim::clock::iso;
use crate::sim::response::Reply;
use crate::sim::world::World;

/// States that an integration can be told to have.
const INTENDED: &[&str] = &["ENABLED", "DISABLED"];

/// One integration.
#[derive(Clone, Debug)]
pub(super) struct IntegrationRecord {
    id: String,
    name: String,
    notes: String,
    kind: &'static str,
    enabled: bool,
    since: i64,
    version: i64,
    properties: Value,
    advanced: Value,
    /// Ids of credentials by their names.
    credentials: Map<String, Value>,
}

impl IntegrationRecord {
    fn new(id: String, name: String, kind: &'static str, enabled: bool, since: i64) -> Self {
        Self {
            id,
            name,
            notes: String::new(),
            kind,
            enabled,
            since,
            version: 1,
            properties: json!({}),
            advanced: json!({}),
            credentials: Map::new(),
        }
    }

    /// Those from the start: each application of the world is one, and there is one of each other kind.
    pub(super) fn first(history: &History, world: &World) -> BTreeMap<String, Self> {
        let mut all = BTreeMap::new();
        for (number, application) in world.applications.iter().enumerate() {
            let id = application.id.to_string();
            let name = format!("Simulated application {}", number + 1);
            let mut one = Self::new(id.clone(), name, "premium-app-example", true, history.end);
            one.properties = json!({
                "url": "https://app.acme.example/?langTag={{gcLangTag}}&environment={{gcTargetEnv}}",
                "displayType": "standalone", "featureCategory": "", "groupFilter": [],
            });
            all.insert(id, one);
        }
        let others = types::TYPES.iter().filter(|(kind, ..)| *kind != "premium-app-example");
        for ((kind, name, ..), number) in others.zip(200..) {
            let id = history.id_for(number);
            let enabled = number % 2 == 0;
            let one = Self::new(id.clone(), (*name).to_owned(), kind, enabled, history.end);
            all.insert(id, one);
        }
        all
    }

    fn state(&self) -> &'static str {
        if self.enabled { "ACTIVE" } else { "INACTIVE" }
    }

    fn config(&self, asked: &Asked<'_>) -> Value {
        let credentials: Map<String, Value> = self
            .credentials
            .iter()
            .filter_map(|(name, id)| {
                let found = asked.state.books.credentials.get(id.as_str()?)?;
                Some((name.clone(), credential_info(found)))
            })
            .collect();
        json!({
            "id": "current",
            "name": self.name,
            "version": self.version,
            "properties": self.properties,
            "advanced": self.advanced,
            "notes": self.notes,
            "credentials": credentials,
            "selfUri": format!("/api/v2/integrations/{}/config/current", self.id),
        })
    }

    /// `Integration`.
    fn shown(&self, asked: &Asked<'_>, with_config: bool) -> Value {
        let mut shown = json!({
            "id": self.id,
            "name": self.name,
            "notes": self.notes,
            "integrationType": types::short(self.kind),
            "intendedState": if self.enabled { "ENABLED" } else { "DISABLED" },
            "reportedState": {
                "code": self.state(),
                "effective": if self.enabled { "Active" } else { "Inactive" },
                "lastUpdated": iso(self.since),
            },
            "attributes": {},
            "selfUri": format!("/api/v2/integrations/{}", self.id),
        });
        if with_config {
            shown["config"] = json!({ "current": self.config(asked) });
        }
        shown
    }
}

fn with_config(asked: &Asked<'_>) -> bool {
    asked.request.list("expand").iter().any(|field| field.starts_with("config"))
}

/// `GET /api/v2/integrations`.
pub(super) fn list(asked: &mut Asked<'_>) -> Answer {
    let request = asked.request;
    let (ids, kind, state) =
        (request.list("ids"), request.query("integrationType"), request.query("reportedState"));
    let credential = request.query("credentialId");
    let mut found: Vec<&IntegrationRecord> = asked
        .state
        .books
        .integrations
        .values()
        .filter(|one| ids.is_empty() || ids.contains(&one.id))
        .filter(|one| kind.as_deref().is_none_or(|kind| kind == one.kind))
        .filter(|one| state.as_deref().is_none_or(|state| state == one.state()))
        .filter(|one| {
            let mut own = one.credentials.values();
            credential.as_deref().is_none_or(|id| own.any(|one| one.as_str() == Some(id)))
        })
        .collect();
    match request
        .query("sortBy")
        .as_deref()
        .map(|by| by.trim_start_matches('-').to_owned())
        .as_deref()
    {
        None | Some("name") => {
            found.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)))
        }
        Some("id") => {}
        Some(_) => return Err(invalid("sortBy", "id, name")),
    }
    if request.query("sortBy").is_some_and(|by| by.starts_with('-')) {
        found.reverse();
    }
    let config = with_config(asked);
    numbered(request, PAGE_MAX, &found, |one| one.shown(asked, config))
}

/// `POST /api/v2/integrations`: it starts disabled.
pub(super) fn create(asked: &mut Asked<'_>) -> Answer {
    let body = asked.object()?;
    let kind = required(&body["integrationType"], "id")?;
    let Some((kind, name, ..)) = types::known(kind) else {
        return Err(missing("integration type", kind));
    };
    if asked.state.books.integrations.len() >= RECORDS {
        return Err(Reply::bad_request("There are too many integrations."));
    }
    let name = body["name"].as_str().unwrap_or(name).to_owned();
    let id = asked.new_id();
    let one = IntegrationRecord::new(id.clone(), name, kind, false, asked.now);
    let reply = Reply::json(&one.shown(asked, false));
    asked.state.books.integrations.insert(id, one);
    Ok(reply)
}

fn found<'a>(asked: &'a Asked<'_>) -> Result<&'a IntegrationRecord, Reply> {
    let found = asked.state.books.integrations.get(asked.id(0));
    found.ok_or_else(|| missing("integration", asked.id(0)))
}

fn found_mut<'a>(asked: &'a mut Asked<'_>) -> Result<&'a mut IntegrationRecord, Reply> {
    let id = asked.id(0).to_owned();
    asked.state.books.integrations.get_mut(&id).ok_or_else(|| missing("integration", &id))
}

/// `GET /api/v2/integrations/{integrationId}`.
pub(super) fn one(asked: &mut Asked<'_>) -> Answer {
    let config = with_config(asked);
    Ok(Reply::json(&found(asked)?.shown(asked, config)))
}

/// `PATCH /api/v2/integrations/{integrationId}`: name, notes, and whether it is enabled.
pub(super) fn change(asked: &mut Asked<'_>) -> Answer {
    let (body, now) = (asked.object()?, asked.now);
    let intended = body["intendedState"].as_str();
    if intended.is_some_and(|state| !INTENDED.contains(&state)) {
        return Err(invalid("intendedState", &INTENDED.join(", ")));
    }
    let one = found_mut(asked)?;
    if let Some(state) = intended {
        let enabled = state == "ENABLED";
        if enabled != one.enabled {
            one.enabled = enabled;
            one.since = now;
        }
    }
    for (field, to) in [("name", &mut one.name), ("notes", &mut one.notes)] {
        if let Some(text) = body[field].as_str() {
            text.clone_into(to);
        }
    }
    self::one(asked)
}

/// `DELETE /api/v2/integrations/{integrationId}`: the answer is the integration as it was.
pub(super) fn delete(asked: &mut Asked<'_>) -> Answer {
    let mut gone = found(asked)?.shown(asked, false);
    gone["intendedState"] = json!("DELETED");
    let id = asked.id(0).to_owned();
    asked.state.books.integrations.remove(&id);
    Ok(Reply::json(&gone))
}

/// `GET /api/v2/integrations/{integrationId}/config/current`.
pub(super) fn config(asked: &mut Asked<'_>) -> Answer {
    Ok(Reply::json(&found(asked)?.config(asked)))
}

/// `PUT /api/v2/integrations/{integrationId}/config/current`: with the version that was read.
pub(super) fn configure(asked: &mut Asked<'_>) -> Answer {
    let body = asked.object()?;
    let current = found(asked)?.version;
    let Some(sent) = body["version"].as_i64() else {
        return Err(Reply::error(400, "required.field.missing", "The field version is required."));
    };
    if sent != current {
        return Err(conflict(sent, current));
    }
    let name = required(&body, "name")?.to_owned();
    for field in ["properties", "advanced", "credentials"] {
        if !body[field].is_object() {
            let text =
                format!("The field {field} is required: an empty object, when there is nothing.");
            return Err(Reply::error(400, "required.field.missing", &text));
        }
    }
    let mut credentials = Map::new();
    for (name, info) in body["credentials"].as_object().into_iter().flatten() {
        let id = required(info, "id")?;
        if !asked.state.books.credentials.contains_key(id) {
            return Err(missing("credential", id));
        }
        credentials.insert(name.clone(), json!(id));
    }
    let one = found_mut(asked)?;
    one.name = name;
    body["notes"].as_str().unwrap_or_default().clone_into(&mut one.notes);
    one.properties = body["properties"].clone();
    one.advanced = body["advanced"].clone();
    one.credentials = credentials;
    one.version += 1;
    config(asked)
}

/// `GET /api/v2/integrations/clientapps`: the apps that are enabled.
pub(super) fn client_apps(asked: &mut Asked<'_>) -> Answer {
    let is_app = |kind: &str| types::known(kind).is_some_and(|(.., is_app)| *is_app);
    let all = asked.state.books.integrations.values();
    let mut found: Vec<&IntegrationRecord> =
        all.filter(|one| one.enabled && is_app(one.kind)).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
    numbered(asked.request, PAGE_MAX * 2, &found, |one| {
        let mut shown = one.shown(asked, false);
        let current = one.config(asked);
        let mut effective = Map::new();
        for field in ["properties", "advanced", "name", "notes", "credentials"] {
            effective.insert(field.to_owned(), current[field].clone());
        }
        shown["config"] = json!({ "current": current, "effective": effective });
        shown
    })
}

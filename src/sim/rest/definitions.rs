//! Presence definitions, in both their listings, and the sources of presences.

use serde_json::{Map, Value, json};

use super::asked::{Answer, Asked, deleted, invalid, missing, required};
use super::books::RECORDS;
use super::listing::{PAGE_MAX, numbered};
use super::presence::SOURCE;
use crate::sim::response::Reply;
use crate::sim::world::{Definition, definition};

/// Presences of the system that an organisation can make its own of.
const SYSTEM: &[(&str, &str)] = definition::NAMES;

impl Definition {
    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.in_rest)
    }

    fn labels(&self) -> Value {
        if self.labels.is_empty() {
            return json!({ "en_US": self.name() });
        }
        Value::Object(self.labels.clone())
    }

    /// `OrganizationPresenceDefinition`.
    fn newer(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name(),
            "type": if self.name.is_some() { "User" } else { "System" },
            "languageLabels": self.labels(),
            "systemPresence": self.in_rest,
            "divisionId": "*",
            "deactivated": self.deactivated,
            "selfUri": format!("/api/v2/presence/definitions/{}", self.id),
        })
    }

    /// `OrganizationPresence`.
    fn older(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name(),
            "languageLabels": self.labels(),
            "systemPresence": self.in_rest,
            "deactivated": self.deactivated,
            "primary": self.name.is_none(),
            "selfUri": format!("/api/v2/presencedefinitions/{}", self.id),
        })
    }
}

/// Of a listing: those that are in use, those that are not, or all.
fn wanted(asked: &Asked<'_>, parameter: &str, unset: &str) -> Result<Vec<usize>, Reply> {
    let text = asked.request.query(parameter).unwrap_or_else(|| unset.to_owned());
    let wants: fn(bool) -> bool = match text.to_lowercase().as_str() {
        "true" => |gone| gone,
        "false" => |gone| !gone,
        "any" | "all" => |_| true,
        _ => return Err(invalid(parameter, "true, false, any, all")),
    };
    let all = asked.state.world.definitions.iter().enumerate();
    Ok(all.filter(|(_, one)| wants(one.deactivated)).map(|(place, _)| place).collect())
}

fn found<'a>(asked: &'a mut Asked<'_>) -> Result<&'a mut Definition, Reply> {
    let id = asked.id(0).to_owned();
    let mut all = asked.state.world.definitions.iter_mut();
    all.find(|one| one.id.eq_ignore_ascii_case(&id))
        .ok_or_else(|| missing("presence definition", &id))
}

/// `GET /api/v2/presence/definitions`: one listing without pages.
pub(super) fn list(asked: &mut Asked<'_>) -> Answer {
    let found = wanted(asked, "deactivated", "false")?;
    let all = &asked.state.world.definitions;
    let entities: Vec<Value> =
        found.iter().filter_map(|place| Some(all.get(*place)?.newer())).collect();
    Ok(Reply::json(&json!({
        "total": entities.len(),
        "entities": entities,
        "selfUri": "/api/v2/presence/definitions",
    })))
}

/// `GET /api/v2/presencedefinitions`: the older listing, in pages.
pub(super) fn older_list(asked: &mut Asked<'_>) -> Answer {
    let found = wanted(asked, "deleted", "false")?;
    let all = &asked.state.world.definitions;
    let found: Vec<&Definition> = found.iter().filter_map(|place| all.get(*place)).collect();
    numbered(asked.request, PAGE_MAX, &found, |one| one.older())
}

/// `GET /api/v2/presence/definitions/{definitionId}`.
pub(super) fn one(asked: &mut Asked<'_>) -> Answer {
    Ok(Reply::json(&found(asked)?.newer()))
}

/// `GET /api/v2/presencedefinitions/{presenceId}`.
pub(super) fn older_one(asked: &mut Asked<'_>) -> Answer {
    Ok(Reply::json(&found(asked)?.older()))
}

fn labels(body: &Value) -> Result<Map<String, Value>, Reply> {
    let labels = body["languageLabels"].as_object().cloned().unwrap_or_default();
    if labels.values().all(Value::is_string) {
        return Ok(labels);
    }
    Err(Reply::bad_request("languageLabels must be texts by locale"))
}

fn add(asked: &mut Asked<'_>) -> Result<Definition, Reply> {
    let body = asked.object()?;
    let wanted = required(&body, "systemPresence")?.replace([' ', '_'], "");
    let system = SYSTEM.iter().find(|(name, _)| name.eq_ignore_ascii_case(&wanted));
    let Some((in_rest, in_events)) = system else {
        let names: Vec<&str> = SYSTEM.iter().map(|(name, _)| *name).collect();
        return Err(invalid("systemPresence", &names.join(", ")));
    };
    let labels = labels(&body)?;
    let name = body["name"].as_str().or_else(|| labels.values().find_map(Value::as_str));
    let Some(name) = name.filter(|name| !name.trim().is_empty()).map(str::to_owned) else {
        return Err(Reply::error(400, "required.field.missing", "languageLabels are required."));
    };
    if asked.state.world.definitions.len() >= RECORDS {
        return Err(Reply::bad_request("There are too many presence definitions."));
    }
    let made = Definition {
        id: asked.new_id(),
        name: Some(name),
        labels,
        deactivated: body["deactivated"].as_bool().unwrap_or(false),
        in_rest,
        in_events,
    };
    asked.state.world.definitions.push(made.clone());
    Ok(made)
}

/// `POST /api/v2/presence/definitions`.
pub(super) fn create(asked: &mut Asked<'_>) -> Answer {
    Ok(Reply::json(&add(asked)?.newer()))
}

/// `POST /api/v2/presencedefinitions`.
pub(super) fn older_create(asked: &mut Asked<'_>) -> Answer {
    Ok(Reply::json(&add(asked)?.older()))
}

fn change<'a>(asked: &'a mut Asked<'_>) -> Result<&'a Definition, Reply> {
    let body = asked.object()?;
    let labels = labels(&body)?;
    let one = found(asked)?;
    if !labels.is_empty() {
        one.labels = labels;
    }
    if let Some(name) = body["name"].as_str().filter(|_| one.name.is_some()) {
        one.name = Some(name.to_owned());
    }
    if let Some(deactivated) = body["deactivated"].as_bool() {
        if one.name.is_none() && deactivated {
            return Err(Reply::bad_request("A presence of the system cannot be deactivated."));
        }
        one.deactivated = deactivated;
    }
    Ok(one)
}

/// `PUT /api/v2/presence/definitions/{definitionId}`.
pub(super) fn update(asked: &mut Asked<'_>) -> Answer {
    Ok(Reply::json(&change(asked)?.newer()))
}

/// `PUT /api/v2/presencedefinitions/{presenceId}`.
pub(super) fn older_update(asked: &mut Asked<'_>) -> Answer {
    Ok(Reply::json(&change(asked)?.older()))
}

/// `DELETE` of both: it is deactivated, and still found by its id.
pub(super) fn delete(asked: &mut Asked<'_>) -> Answer {
    let one = found(asked)?;
    if one.name.is_none() {
        return Err(Reply::bad_request("A presence of the system cannot be deleted."));
    }
    one.deactivated = true;
    Ok(deleted())
}

/// `GET /api/v2/systempresences`.
pub(super) fn system(_: &mut Asked<'_>) -> Answer {
    let all: Vec<Value> = SYSTEM
        .iter()
        .map(|(name, id)| json!({ "id": id, "name": name, "selfUri": "/api/v2/systempresences" }))
        .collect();
    Ok(Reply::json(&all))
}

fn only_source() -> Value {
    json!({
        "id": SOURCE, "name": SOURCE, "type": "System", "deactivated": false,
        "selfUri": format!("/api/v2/presence/sources/{SOURCE}"),
    })
}

/// `GET /api/v2/presence/sources`: there is one.
pub(super) fn sources(asked: &mut Asked<'_>) -> Answer {
    let gone = asked.request.query("deactivated").is_some_and(|text| text == "true");
    let entities = if gone { Vec::new() } else { vec![only_source()] };
    Ok(Reply::json(&json!({
        "total": entities.len(), "entities": entities, "selfUri": "/api/v2/presence/sources",
    })))
}

/// `GET /api/v2/presence/sources/{sourceId}`.
pub(super) fn source(asked: &mut Asked<'_>) -> Answer {
    if asked.id(0).eq_ignore_ascii_case(SOURCE) {
        return Ok(Reply::json(&only_source()));
    }
    Err(missing("presence source", asked.id(0)))
}

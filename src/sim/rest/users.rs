//! Users.

use serde_json::{Value, json};

use super::asked::{Answer, Asked, conflict, invalid};
use super::listing::{PAGE_MAX, Slice, descending, numbered};
use super::organization;
use super::presence::{routing, shown as presence};
use crate::sim::agents::Agent;
use crate::sim::response::Reply;
use crate::sim::world::World;

/// Fields of a user that a client may set.
const SETTABLE: &[&str] = &[
    "title",
    "department",
    "preferredName",
    "acdAutoAnswer",
    "state",
    "profileSkills",
    "certifications",
];

/// `User`, with what is asked for besides.
pub(super) fn shown(world: &World, agent: &Agent, expand: &[String]) -> Value {
    let division = world.division["id"].as_str().unwrap_or_default();
    let mut shown = json!({
        "id": agent.id,
        "name": agent.name,
        "division": {
            "id": division,
            "name": world.division["name"],
            "selfUri": format!("/api/v2/authorization/divisions/{division}"),
        },
        "email": agent.email,
        "username": agent.email,
        "state": "active",
        "version": agent.version,
        "acdAutoAnswer": false,
        "selfUri": format!("/api/v2/users/{}", agent.id),
    });
    for (name, value) in &agent.fields {
        shown[name] = value.clone();
    }
    for field in expand {
        match field.as_str() {
            "presence" => shown["presence"] = presence(world, agent),
            "routingStatus" => shown["routingStatus"] = routing(agent),
            "skills" | "languages" | "groups" | "locations" => shown[field] = json!([]),
            // An expansion is given as far as it is there.
            _ => {}
        }
    }
    shown
}

pub(super) fn state(agent: &Agent) -> &str {
    agent.fields.get("state").and_then(Value::as_str).unwrap_or("active")
}

/// Users in the order of their names, with the state that is asked for.
fn found<'a>(asked: &'a Asked<'_>) -> Result<Vec<&'a Agent>, Reply> {
    let ids = asked.request.list("id");
    let wanted = asked.request.query("state").unwrap_or_else(|| "active".to_owned());
    if !["active", "inactive", "deleted", "any"].contains(&wanted.as_str()) {
        return Err(invalid("state", "active, inactive, deleted, any"));
    }
    let mut found: Vec<&Agent> = asked
        .state
        .world
        .agents
        .iter()
        .filter(|agent| wanted == "any" || state(agent) == wanted)
        .filter(|agent| ids.is_empty() || ids.contains(&agent.id))
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
    if descending(asked.request) {
        found.reverse();
    }
    Ok(found)
}

/// `GET /api/v2/users`.
pub(super) fn list(asked: &mut Asked<'_>) -> Answer {
    let (found, expand) = (found(asked)?, asked.request.list("expand"));
    numbered(asked.request, PAGE_MAX, &found, |agent| shown(&asked.state.world, agent, &expand))
}

/// `GET /api/v2/users/query`: the same behind a cursor.
pub(super) fn by_cursor(asked: &mut Asked<'_>) -> Answer {
    let (found, expand) = (found(asked)?, asked.request.list("expand"));
    let slice = Slice::asked(asked.request, "cursor", found.len(), 25, PAGE_MAX)?;
    let page = found.get(slice.begin..slice.end).unwrap_or_default();
    let entities: Vec<Value> =
        page.iter().map(|agent| shown(&asked.state.world, agent, &expand)).collect();
    let mut listing = json!({
        "results": entities.len(), "entities": entities, "selfUri": slice.self_uri,
    });
    if let Some((uri, cursor)) = slice.next {
        listing["nextUri"] = json!(uri);
        listing["cursor"] = json!(cursor);
    }
    Ok(Reply::json(&listing))
}

/// `GET /api/v2/users/{userId}`.
pub(super) fn one(asked: &mut Asked<'_>) -> Answer {
    let place = asked.agent()?;
    let (world, expand) = (&asked.state.world, asked.request.list("expand"));
    let agent = world.agents.get(place).ok_or_else(|| Reply::not_found("user"))?;
    Ok(Reply::json(&shown(world, agent, &expand)))
}

/// What a token without a user is told.
pub(super) fn not_a_user() -> Reply {
    Reply::error(
        400,
        "not.a.user",
        "This request requires a user context. Client credentials cannot be used.",
    )
}

/// `GET /api/v2/users/me`: for a user who has signed in.
pub(super) fn me(asked: &mut Asked<'_>) -> Answer {
    let place = asked.user().ok_or_else(not_a_user)?;
    let (world, expand) = (&asked.state.world, asked.request.list("expand"));
    let agent = world.agents.get(place).ok_or_else(not_a_user)?;
    let mut me = shown(world, agent, &expand);
    for field in &expand {
        match field.as_str() {
            "organization" => me["organization"] = organization::shown(asked),
            "token" => {
                me["token"] = asked.state.oauth.token_info(asked.caller, &world.organization);
            }
            "date" => me["date"] = json!({ "currentDate": crate::sim::clock::iso(asked.now) }),
            _ => {}
        }
    }
    Ok(Reply::json(&me))
}

/// `PATCH /api/v2/users/{userId}`: with the version that was read.
pub(super) fn change(asked: &mut Asked<'_>) -> Answer {
    let (place, body) = (asked.agent()?, asked.object()?);
    let Some(sent) = body["version"].as_i64() else {
        return Err(Reply::error(400, "required.field.missing", "The field version is required."));
    };
    if let Some(state) = body["state"].as_str() {
        if !["active", "inactive"].contains(&state) {
            return Err(invalid("state", "active, inactive"));
        }
    }
    let agent = asked.state.world.agents.get_mut(place).ok_or_else(|| Reply::not_found("user"))?;
    if sent != agent.version {
        return Err(conflict(sent, agent.version));
    }
    if let Some(name) = body["name"].as_str() {
        if name.trim().is_empty() {
            return Err(Reply::error(400, "name.cannot.be.blank", "The name cannot be blank."));
        }
        name.clone_into(&mut agent.name);
    }
    for name in SETTABLE {
        match body.get(*name) {
            Some(Value::Null) => drop(agent.fields.remove(*name)),
            Some(value) => drop(agent.fields.insert((*name).to_owned(), value.clone())),
            None => {}
        }
    }
    agent.version += 1;
    one(asked)
}

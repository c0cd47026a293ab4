//! Who and what there is: organisation, presence definitions, users, queues.

use http::Method;
use serde_json::{Value, json};

use super::agents::Agent;
use super::clock::iso;
use super::request::Request;
use super::response::Reply;
use super::router::wrong_method;
use super::shared::Shared;
use super::world::{Definition, Queue, World};

/// Entities of a page when the caller does not say. Source: documentation of the JavaScript SDK.
const PAGE: usize = 25;

/// Most entities of a page. The platform's own maximum differs by resource.
const PAGE_MAX: usize = 500;

/// Answers a request below `/api/v2`.
pub(super) fn answer(shared: &Shared, path: &[&str], request: &Request) -> Result<Reply, Reply> {
    let reply = {
        let state = shared.lock();
        find(&state.world, path, request)
    };
    match reply {
        Some(_) if request.parts.method != Method::GET => Err(wrong_method()),
        Some(reply) => reply,
        None => Err(Reply::not_found("resource")),
    }
}

fn find(world: &World, path: &[&str], request: &Request) -> Option<Result<Reply, Reply>> {
    let reply = match path {
        ["organizations", "me"] => Ok(Reply::json(&organization(world))),
        ["presence", "definitions"] => definitions(world, request),
        ["presence", "definitions", id] => world
            .definitions
            .iter()
            .find(|definition| definition.id == *id)
            .map(|found| Reply::json(&definition(found)))
            .ok_or_else(|| Reply::not_found("presence definition")),
        ["users"] => users(world, request),
        // A token of client credentials has no user.
        ["users", "me"] => Err(Reply::error(
            400,
            "not.a.user",
            "This request requires a user context. Client credentials cannot be used.",
        )),
        ["users", id] => world
            .agents
            .iter()
            .find(|agent| agent.id == *id)
            .map(|agent| Reply::json(&user(world, agent, &request.list("expand"))))
            .ok_or_else(|| Reply::not_found("user").field("entityId", json!(id))),
        ["routing", "queues"] => queues(world, request),
        ["routing", "queues", id] => world
            .queues
            .iter()
            .position(|queue| queue.id == *id)
            .and_then(|place| Some(Reply::json(&queue(world, place, world.queues.get(place)?))))
            .ok_or_else(|| Reply::not_found("queue").field("entityId", json!(id))),
        _ => return None,
    };
    Some(reply)
}

fn organization(world: &World) -> Value {
    json!({
        "id": world.organization["id"],
        "name": world.organization["name"],
        "defaultLanguage": "en-US",
        "defaultCountryCode": "US",
        "thirdPartyOrgName": "acme",
        "domain": "acme.example",
        "version": 12,
        "state": "active",
        "voicemailEnabled": true,
        "productPlatform": "GenesysCloud",
        "features": { "chat": true },
        "selfUri": "/api/v2/organizations/me",
    })
}

fn definition(definition: &Definition) -> Value {
    json!({
        "id": definition.id,
        "name": definition.in_rest,
        "type": "System",
        "languageLabels": { "en_US": definition.in_rest },
        "systemPresence": definition.in_rest,
        "divisionId": "*",
        "deactivated": false,
        "selfUri": format!("/api/v2/presence/definitions/{}", definition.id),
    })
}

fn definitions(world: &World, request: &Request) -> Result<Reply, Reply> {
    // `true` asks for the deactivated ones only, of which there are none.
    let entities: Vec<Value> = match request.query("deactivated").as_deref() {
        Some("true") => Vec::new(),
        None | Some("false" | "any" | "all") => world.definitions.iter().map(definition).collect(),
        Some(_) => {
            let message = "deactivated must be one of: true, false, any, all";
            return Err(Reply::error(400, "invalid.value", message));
        }
    };
    Ok(Reply::json(&json!({
        "total": entities.len(),
        "entities": entities,
        "selfUri": "/api/v2/presence/definitions",
    })))
}

fn user(world: &World, agent: &Agent, expand: &[String]) -> Value {
    let self_uri = format!("/api/v2/users/{}", agent.id);
    let mut user = json!({
        "id": agent.id,
        "name": agent.name,
        "division": {
            "id": world.division["id"],
            "name": world.division["name"],
            "selfUri": format!("/api/v2/authorization/divisions/{}", world.division["id"].as_str().unwrap_or_default()),
        },
        "email": agent.email,
        "username": agent.email,
        "state": "active",
        "version": 1,
        "acdAutoAnswer": false,
        "selfUri": self_uri,
    });
    for field in expand {
        match (field.as_str(), world.definitions.get(agent.presence)) {
            ("presence", Some(definition)) => {
                user["presence"] = json!({
                    "id": agent.id,
                    "source": "PURECLOUD",
                    "primary": true,
                    "presenceDefinition": {
                        "id": definition.id,
                        "systemPresence": definition.in_rest,
                        "selfUri": format!("/api/v2/presencedefinitions/{}", definition.id),
                    },
                    "message": "",
                    "modifiedDate": iso(agent.presence_since),
                    "selfUri": format!("{self_uri}/presences/PURECLOUD"),
                });
            }
            ("routingStatus", _) => {
                user["routingStatus"] = json!({
                    "userId": agent.id,
                    "status": agent.routing,
                    "startTime": iso(agent.routing_since),
                });
            }
            _ => {}
        }
    }
    user
}

fn users(world: &World, request: &Request) -> Result<Reply, Reply> {
    let (ids, expand) = (request.list("id"), request.list("expand"));
    // Every generated user is active.
    let active = match request.query("state").as_deref() {
        None | Some("active" | "any") => true,
        Some("inactive" | "deleted") => false,
        Some(_) => {
            let message = "state must be one of: active, inactive, deleted, any";
            return Err(Reply::error(400, "invalid.value", message));
        }
    };
    let mut found: Vec<&Agent> = world
        .agents
        .iter()
        .filter(|agent| active && (ids.is_empty() || ids.contains(&agent.id)))
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
    if descending(request) {
        found.reverse();
    }
    page("/api/v2/users", request, &found, |agent| user(world, agent, &expand))
}

fn queue(world: &World, place: usize, queue: &Queue) -> Value {
    let members = world.agents.iter().filter(|agent| agent.queues.contains(&place));
    let members: Vec<&Agent> = members.collect();
    let joined = members.iter().filter(|agent| agent.routing != "OFF_QUEUE").count();
    json!({
        "id": queue.id,
        "name": queue.name,
        "division": { "id": world.division["id"], "name": world.division["name"] },
        "memberCount": members.len(),
        "userMemberCount": members.len(),
        "joinedMemberCount": joined,
        "skillEvaluationMethod": "ALL",
        "scoringMethod": "TimestampAndPriority",
        "acwSettings": { "wrapupPrompt": "OPTIONAL", "timeoutMs": 30_000 },
        "autoAnswerOnly": false,
        "enableTranscription": false,
        "enableManualAssignment": false,
        "selfUri": format!("/api/v2/routing/queues/{}", queue.id),
    })
}

fn queues(world: &World, request: &Request) -> Result<Reply, Reply> {
    let (ids, name) = (request.list("id"), request.query("name"));
    let mut found: Vec<(usize, &Queue)> = world
        .queues
        .iter()
        .enumerate()
        .filter(|(_, queue)| ids.is_empty() || ids.contains(&queue.id))
        .filter(|(_, queue)| name.as_deref().is_none_or(|name| matches(name, &queue.name)))
        .collect();
    found.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    if descending(request) {
        found.reverse();
    }
    page("/api/v2/routing/queues", request, &found, |(place, found)| queue(world, *place, found))
}

fn descending(request: &Request) -> bool {
    let order = request.query("sortOrder");
    order.is_some_and(|order| order.to_ascii_lowercase().starts_with("desc"))
}

/// A name with `*` at its ends, in any case.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let wanted = pattern.trim_matches('*');
    match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (true, true) => name.contains(wanted),
        (true, false) => name.ends_with(wanted),
        (false, true) => name.starts_with(wanted),
        (false, false) => name == wanted,
    }
}

/// One page of a listing, with the links to the others.
fn page<T>(
    path: &str,
    request: &Request,
    all: &[T],
    entity: impl Fn(&T) -> Value,
) -> Result<Reply, Reply> {
    let size = number(request, "pageSize", PAGE, PAGE_MAX)?;
    let number = number(request, "pageNumber", 1, usize::MAX)?;
    let pages = all.len().div_ceil(size);
    let uri = |number: usize| format!("{path}?pageSize={size}&pageNumber={number}");
    let begin = size.saturating_mul(number - 1).min(all.len());
    let entities: Vec<Value> = all.iter().skip(begin).take(size).map(entity).collect();
    let mut listing = json!({
        "entities": entities,
        "pageSize": size,
        "pageNumber": number,
        "total": all.len(),
        "pageCount": pages,
        "firstUri": uri(1),
        "selfUri": uri(number),
        "lastUri": uri(pages.max(1)),
    });
    if number < pages {
        listing["nextUri"] = json!(uri(number + 1));
    }
    if number > 1 {
        listing["previousUri"] = json!(uri(number - 1));
    }
    Ok(Reply::json(&listing))
}

fn number(request: &Request, name: &str, default: usize, max: usize) -> Result<usize, Reply> {
    let Some(text) = request.query(name) else {
        return Ok(default);
    };
    text.parse().ok().filter(|number| (1..=max).contains(number)).ok_or_else(|| {
        let message = format!("{name} must be a number from 1 to {max}");
        Reply::error(400, "invalid.value", &message)
    })
}

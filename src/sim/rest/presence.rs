//! Presence and routing status of users.

use serde_json::{Value, json};

use super::asked::{Answer, Asked, agent, missing};
use crate::sim::agents::Agent;
use crate::sim::clock::iso;
use crate::sim::response::Reply;
use crate::sim::world::World;

/// The only source of presences, in the path and in bodies.
pub(super) const SOURCE: &str = "PURECLOUD";

/// Most users of one call. Source: documentation of the operation.
const BULK_MAX: usize = 50;

/// `UserPresence`.
pub(super) fn shown(world: &World, agent: &Agent) -> Value {
    let definition = world.definitions.get(agent.presence);
    json!({
        "id": agent.id,
        "source": SOURCE,
        "sourceId": SOURCE,
        "primary": true,
        "presenceDefinition": definition.map(|definition| json!({
            "id": definition.id,
            "systemPresence": definition.in_rest,
            "selfUri": format!("/api/v2/presencedefinitions/{}", definition.id),
        })),
        "message": agent.message,
        "modifiedDate": iso(agent.presence_since),
        "selfUri": format!("/api/v2/users/{}/presences/{SOURCE}", agent.id),
    })
}

/// `GET /api/v2/users/{userId}/presences/purecloud`.
pub(super) fn one(asked: &mut Asked<'_>) -> Answer {
    let place = asked.agent()?;
    reply(asked, place)
}

fn reply(asked: &Asked<'_>, place: usize) -> Answer {
    let world = &asked.state.world;
    let agent = world.agents.get(place).ok_or_else(|| Reply::not_found("user"))?;
    Ok(Reply::json(&shown(world, agent)))
}

/// A source in the path: there is one.
fn check_source(source: &str) -> Result<(), Reply> {
    if source.eq_ignore_ascii_case(SOURCE) {
        return Ok(());
    }
    Err(missing("presence source", source))
}

/// `GET /api/v2/users/{userId}/presences/{sourceId}`.
pub(super) fn one_of_source(asked: &mut Asked<'_>) -> Answer {
    check_source(asked.id(1))?;
    one(asked)
}

/// `PATCH /api/v2/users/{userId}/presences/purecloud`: the events of it go out before the answer.
pub(super) fn set(asked: &mut Asked<'_>) -> Answer {
    let (place, body) = (asked.agent()?, asked.object()?);
    let wanted = Wanted::read(&asked.state.world, &body)?;
    wanted.carry_out(asked, place);
    reply(asked, place)
}

/// `PATCH /api/v2/users/{userId}/presences/{sourceId}`.
pub(super) fn set_of_source(asked: &mut Asked<'_>) -> Answer {
    check_source(asked.id(1))?;
    set(asked)
}

/// `PUT /api/v2/users/presences/bulk`: all or nothing.
pub(super) fn set_several(asked: &mut Asked<'_>) -> Answer {
    let Value::Array(list) = asked.request.json()? else {
        return Err(Reply::bad_request("The request body must be a list of presences."));
    };
    if list.len() > BULK_MAX {
        return Err(too_many());
    }
    let world = &asked.state.world;
    let wanted: Vec<(usize, Wanted)> = list
        .iter()
        .map(|body| {
            let id = super::asked::required(body, "id")?;
            Ok((agent(world, id)?, Wanted::read(world, body)?))
        })
        .collect::<Result<_, Reply>>()?;
    let places: Vec<usize> = wanted.iter().map(|(place, _)| *place).collect();
    for (place, wanted) in wanted {
        wanted.carry_out(asked, place);
    }
    let world = &asked.state.world;
    let all = places.into_iter().filter_map(|place| world.agents.get(place));
    Ok(Reply::json(&all.map(|agent| shown(world, agent)).collect::<Vec<_>>()))
}

fn too_many() -> Reply {
    Reply::bad_request(&format!("at most {BULK_MAX} users"))
}

/// What a body asks for.
struct Wanted {
    definition: Option<usize>,
    message: Option<String>,
}

impl Wanted {
    fn read(world: &World, body: &Value) -> Result<Self, Reply> {
        if let Some(source) = body["source"].as_str().or(body["sourceId"].as_str()) {
            check_source(source)?;
        }
        let definition = &body["presenceDefinition"];
        let named = match (definition["id"].as_str(), definition["systemPresence"].as_str()) {
            (Some(id), _) => {
                let found = world.definitions.iter().position(|one| one.id == id);
                Some(found.ok_or_else(|| bad_definition(id))?)
            }
            (None, Some(name)) => {
                let plain = |text: &str| text.replace([' ', '_'], "").to_lowercase();
                let found =
                    world.definitions.iter().position(|one| plain(one.in_rest) == plain(name));
                Some(found.ok_or_else(|| bad_definition(name))?)
            }
            (None, None) => None,
        };
        if let Some(gone) = named.and_then(|place| world.definitions.get(place)) {
            if gone.deactivated {
                return Err(bad_definition(&gone.id));
            }
        }
        let message = body["message"].as_str().map(str::to_owned);
        if named.is_none() && message.is_none() && body["primary"] != json!(true) {
            let text = "The body must have a presenceDefinition, a message or primary.";
            return Err(Reply::bad_request(text));
        }
        Ok(Self { definition: named, message })
    }

    fn carry_out(self, asked: &mut Asked<'_>, place: usize) {
        let Some(agent) = asked.state.world.agents.get(place) else { return };
        if self.definition.is_none() && self.message.is_none() {
            return;
        }
        let presence = self.definition.unwrap_or(agent.presence);
        let message = self.message.unwrap_or_else(|| {
            // A new presence begins without a text.
            if self.definition.is_some() { String::new() } else { agent.message.clone() }
        });
        let changes = asked.state.world.set_presence(place, presence, &message, asked.now);
        asked.tell(changes);
    }
}

fn bad_definition(id: &str) -> Reply {
    Reply::error(400, "invalid.value", &format!("There is no active presence definition {id:?}."))
}

/// `GET /api/v2/users/presences/purecloud/bulk`: ids that are not known are left out.
pub(super) fn several(asked: &mut Asked<'_>) -> Answer {
    let ids = asked.request.list("id");
    if ids.len() > BULK_MAX {
        return Err(too_many());
    }
    let world = &asked.state.world;
    let found = ids.iter().filter_map(|id| world.agents.get(agent(world, id).ok()?));
    let list: Vec<Value> = found
        .map(|agent| {
            let mut one = shown(world, agent);
            one["userId"] = json!(agent.id);
            if let Some(one) = one.as_object_mut() {
                one.remove("primary");
            }
            one
        })
        .collect();
    Ok(Reply::json(&list))
}

/// `GET /api/v2/users/presences/{sourceId}/bulk`.
pub(super) fn several_of_source(asked: &mut Asked<'_>) -> Answer {
    check_source(asked.id(0))?;
    several(asked)
}

/// `GET /api/v2/presence/users/{userId}/primarysource`.
pub(super) fn primary_source(asked: &mut Asked<'_>) -> Answer {
    let place = asked.agent()?;
    let id = asked.state.world.agents.get(place).map(|agent| agent.id.clone());
    Ok(Reply::json(&json!({
        "id": id,
        "sourceId": SOURCE,
        "registered": true,
        "selfUri": asked.request.parts.uri.path(),
    })))
}

/// `RoutingStatus`.
pub(super) fn routing(agent: &Agent) -> Value {
    json!({ "userId": agent.id, "status": agent.routing, "startTime": iso(agent.routing_since) })
}

/// `GET /api/v2/users/{userId}/routingstatus`: somebody who is not known is off queue.
pub(super) fn routing_status(asked: &mut Asked<'_>) -> Answer {
    let world = &asked.state.world;
    let found = agent(world, asked.id(0)).ok().and_then(|place| world.agents.get(place));
    let body =
        found.map_or_else(|| json!({ "userId": asked.id(0), "status": "OFF_QUEUE" }), routing);
    Ok(Reply::json(&body))
}

/// `PUT /api/v2/users/{userId}/routingstatus`: what a user cannot change to is refused.
pub(super) fn set_routing_status(asked: &mut Asked<'_>) -> Answer {
    let (place, body) = (asked.agent()?, asked.object()?);
    let status = super::asked::required(&body, "status")?;
    let known = ["OFF_QUEUE", "IDLE", "INTERACTING", "NOT_RESPONDING", "COMMUNICATING"];
    let Some(status) = known.into_iter().find(|one| *one == status) else {
        return Err(super::asked::invalid("status", &known.join(", ")));
    };
    let world = &asked.state.world;
    let agent = world.agents.get(place).ok_or_else(|| Reply::not_found("user"))?;
    let on_queue =
        world.definitions.get(agent.presence).is_some_and(|one| one.in_rest == "OnQueue");
    // On queue and off queue come with the presence; the others come with conversations.
    let legal = agent.routing == status
        || (status == "IDLE" && agent.routing == "NOT_RESPONDING" && on_queue)
        || (status == "OFF_QUEUE" && agent.call.is_none() && !on_queue)
        || (status == "COMMUNICATING" && agent.routing == "IDLE");
    let legal = legal || (status == "IDLE" && agent.routing == "COMMUNICATING" && on_queue);
    if !legal {
        let text = format!(
            "The routing status cannot change from {} to {status} in the present state of the user.",
            agent.routing
        );
        return Err(Reply::error(400, "general.bad.request", &text));
    }
    if agent.routing != status {
        let changes = asked.state.world.set_routing(place, status, asked.now);
        asked.tell(changes);
    }
    let agent = asked.state.world.agents.get(place).ok_or_else(|| Reply::not_found("user"))?;
    Ok(Reply::json(&routing(agent)))
}

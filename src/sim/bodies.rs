//! Bodies of the generated events, in the platform's shapes.

use serde_json::{Value, json};

use super::agents::Agent;
use super::call::{Call, Phase};
use super::clock::iso;
use super::world::{Queue, World};

fn definition(world: &World, agent: &Agent) -> Value {
    world.definitions.get(agent.presence).map_or_else(
        || json!({}),
        |definition| json!({ "id": definition.id, "systemPresence": definition.in_events }),
    )
}

/// `v2.users.{id}.presence`: there is no user id inside.
pub(super) fn presence(world: &World, agent: &Agent) -> Value {
    json!({
        "source": "PURECLOUD",
        "presenceDefinition": definition(world, agent),
        "primary": true,
        "message": agent.message,
        "modifiedDate": iso(agent.presence_since),
    })
}

/// `v2.users.{id}.routingStatus`.
pub(super) fn routing_status(agent: &Agent) -> Value {
    json!({
        "id": agent.id,
        "routingStatus": { "status": agent.routing, "startTime": iso(agent.routing_since) },
    })
}

/// `v2.users.{id}.activity`: both of the above.
pub(super) fn activity(world: &World, agent: &Agent) -> Value {
    let queues: Vec<&str> = if agent.routing == "OFF_QUEUE" {
        Vec::new()
    } else {
        let ids = agent.queues.iter().filter_map(|queue| world.queues.get(*queue));
        ids.map(|queue| queue.id.as_str()).collect()
    };
    json!({
        "id": agent.id,
        "routingStatus": { "status": agent.routing, "startTime": iso(agent.routing_since) },
        "presence": {
            "presenceDefinition": definition(world, agent),
            "presenceMessage": agent.message,
            "modifiedDate": iso(agent.presence_since),
        },
        "outOfOffice": { "active": false, "modifiedDate": iso(agent.presence_since) },
        "activeQueueIds": queues,
        "dateActiveQueuesChanged": iso(agent.presence_since),
    })
}

/// `v2.users.{id}.conversations` and `v2.routing.queues.{id}.conversations`: a full snapshot.
pub(super) fn conversation(world: &World, agent: &Agent, call: &Call) -> Value {
    let queue = queue_id(world, call);
    let mut participants = vec![customer(call, queue), acd(world, call, queue)];
    if call.phase != Phase::Waiting {
        participants.push(agent_participant(agent, call, queue));
    }
    json!({
        "id": call.id,
        "maxParticipants": participants.len(),
        "participants": participants,
        "recentTransfers": [],
        "recordingState": "ACTIVE",
        "address": call.number,
        "securePause": false,
        "divisions": [{ "division": { "id": world.division["id"] }, "entities": [] }],
    })
}

fn queue_id<'a>(world: &'a World, call: &Call) -> &'a str {
    world.queues.get(call.queue).map_or("", |queue| queue.id.as_str())
}

fn leg(call: &Call, place: usize, state: &str, initial: &str) -> Value {
    json!({
        "id": call.communications.get(place),
        "state": state,
        "initialState": initial,
        "direction": "inbound",
        "recording": place == 0,
        "recordingState": if place == 0 { "active" } else { "none" },
        "muted": false,
        "confined": false,
        "held": false,
        "securePause": false,
        "provider": "Edge",
        "disconnectReasons": [],
    })
}

fn customer(call: &Call, queue: &str) -> Value {
    let state = if call.ended.is_some() { "disconnected" } else { "connected" };
    let mut leg = leg(call, 0, state, "offering");
    leg["connectedTime"] = json!(iso(call.started));
    leg["self"] = json!({
        "name": call.caller, "nameRaw": call.caller, "addressNormalized": call.number,
        "addressRaw": call.number, "addressDisplayable": call.number,
    });
    let mut participant = json!({
        "id": call.participants[0],
        "purpose": "customer",
        "name": call.caller,
        "address": call.number,
        "queueId": queue,
        "connectedTime": iso(call.started),
        "wrapupRequired": false,
        "mediaRoles": ["full"],
        "attributes": {},
    });
    if let Some(ended) = call.ended {
        leg["disconnectedTime"] = json!(iso(ended));
        leg["disconnectType"] = json!("endpoint");
        participant["endTime"] = json!(iso(ended));
    }
    participant["calls"] = json!([leg]);
    participant
}

fn acd(world: &World, call: &Call, queue: &str) -> Value {
    let left = call.answered.or(call.ended);
    let state = if left.is_some() { "disconnected" } else { "connected" };
    let mut leg = leg(call, 1, state, "offering");
    leg["connectedTime"] = json!(iso(call.started));
    leg["peerId"] = json!(call.communications[0]);
    let name = world.queues.get(call.queue).map_or("", |queue| queue.name.as_str());
    let mut participant = json!({
        "id": call.participants[1],
        "purpose": "acd",
        "name": name,
        "queueId": queue,
        "connectedTime": iso(call.started),
        "wrapupRequired": false,
        "mediaRoles": ["full"],
        "attributes": {},
        "conversationRoutingData": {
            "queue": { "id": queue, "name": name }, "priority": 0, "skills": [], "scoredAgents": [],
        },
    });
    if let Some(left) = left {
        leg["disconnectedTime"] = json!(iso(left));
        leg["disconnectType"] = json!("transfer");
        participant["endTime"] = json!(iso(left));
    }
    participant["calls"] = json!([leg]);
    participant
}

fn agent_participant(agent: &Agent, call: &Call, queue: &str) -> Value {
    let mut leg = leg(call, 2, call.state(), "alerting");
    leg["peerId"] = json!(call.communications[0]);
    leg["publicIpAddress"] = json!("203.0.113.7");
    let mut participant = json!({
        "id": call.participants[2],
        "purpose": "agent",
        "userId": agent.id,
        "name": agent.name,
        "queueId": queue,
        "wrapupRequired": true,
        "wrapupExpected": true,
        "wrapupPrompt": "optional",
        "alertingTimeoutMs": 8_000,
        "mediaRoles": ["full"],
        "attributes": {},
    });
    if let Some(answered) = call.answered {
        leg["connectedTime"] = json!(iso(answered));
        participant["connectedTime"] = json!(iso(answered));
    }
    if let (Some(ended), Some((kind, carrier))) = (call.ended, call.disconnect) {
        leg["disconnectedTime"] = json!(iso(ended));
        leg["disconnectType"] = json!(kind);
        if let Some((source, code, phrase)) = carrier {
            leg["disconnectReasons"] =
                json!([{ "type": source, "code": code, "phrase": phrase, "reason": "network" }]);
        }
        participant["endTime"] = json!(iso(ended));
        participant["startAcwTime"] = json!(iso(ended));
        leg["afterCallWorkRequired"] = json!(true);
        leg["afterCallWork"] = json!({ "state": "pending", "startTime": iso(ended) });
        if let Some(done) = call.wrapped_up {
            leg["afterCallWork"]["state"] = json!("complete");
            leg["afterCallWork"]["endTime"] = json!(iso(done));
            participant["endAcwTime"] = json!(iso(done));
        }
    }
    participant["calls"] = json!([leg]);
    participant
}

/// The `.calls` topics: the same call, with the fields of each leg in its participant.
pub(super) fn call_conversation(world: &World, agent: &Agent, call: &Call) -> Value {
    /// Fields of a leg that such a participant has.
    const OF_LEG: &[&str] = &[
        "state",
        "initialState",
        "direction",
        "disconnectType",
        "held",
        "muted",
        "confined",
        "recording",
        "recordingState",
        "securePause",
        "provider",
        "publicIpAddress",
    ];
    /// Fields that both kinds of participant have.
    const OF_BOTH: &[&str] = &[
        "id",
        "name",
        "address",
        "connectedTime",
        "endTime",
        "purpose",
        "wrapupRequired",
        "wrapupPrompt",
        "alertingTimeoutMs",
        "mediaRoles",
        "attributes",
        "startAcwTime",
        "endAcwTime",
    ];
    let full = conversation(world, agent, call);
    let flat = |participant: &Value| {
        let leg = &participant["calls"][0];
        let mut out = json!({ "queue": { "id": participant["queueId"] } });
        for (source, fields) in [(participant, OF_BOTH), (leg, OF_LEG)] {
            for field in fields {
                if let Some(value) = source.get(field) {
                    out[*field] = value.clone();
                }
            }
        }
        for (from, to) in [("userId", "user"), ("peerId", "peer")] {
            if let Some(id) = participant.get(from).or_else(|| leg.get(from)) {
                out[to] = if to == "user" { json!({ "id": id }) } else { id.clone() };
            }
        }
        out
    };
    let participants: Vec<Value> =
        full["participants"].as_array().map_or_else(Vec::new, |all| all.iter().map(flat).collect());
    json!({
        "id": call.id,
        "participants": participants,
        "otherMediaUris": [],
        "recordingState": "active",
        "address": call.number,
        "securePause": false,
        "maxParticipants": full["maxParticipants"],
        "divisions": full["divisions"],
    })
}

/// `v2.analytics.queues.{id}.observations`.
pub(super) fn observations(queue: &Queue, now: i64) -> Value {
    json!({
        "group": { "queueId": queue.id, "mediaType": "voice" },
        "data": [{
            "interval": format!("{0}/{0}", iso(now)),
            "metrics": [
                { "metric": "oWaiting", "stats": { "count": queue.waiting } },
                { "metric": "oInteracting", "stats": { "count": queue.interacting } },
            ],
        }],
    })
}

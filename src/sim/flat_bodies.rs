//! Bodies of the events that have no envelope: those of the sockets that are not channels.

use serde_json::{Value, json};

use super::agents::Agent;
use super::call::Call;
use super::clock::iso;
use super::world::{Queue, World};

/// One step of an interaction in a queue.
pub(super) fn routing(agent: &Agent, call: &Call, queue: &Queue, now: i64) -> Value {
    json!({
        "queueId": queue.id,
        "interactionId": call.id,
        "eventType": call.event_type(),
        "waitTime": call.wait(now),
        "agentStatus": agent.routing,
        "timestamp": iso(now),
    })
}

/// The presence of a user.
pub(super) fn presence(world: &World, agent: &Agent, at: i64) -> Value {
    let state = world.definitions.get(agent.presence).map_or("OFFLINE", |known| known.in_events);
    json!({ "eventType": "presence", "userId": agent.id, "state": state, "timestamp": iso(at) })
}

/// An interaction, as a JSON frame among binary ones.
pub(super) fn interaction(call: &Call, queue: &Queue, now: i64) -> Value {
    json!({
        "type": "interaction.update",
        "id": call.id,
        "routing": { "queueId": queue.id, "queueName": queue.name, "waitTime": call.wait(now) },
        "state": call.event_type(),
        "timestamp": iso(now),
    })
}

/// A sign of life among frames.
pub(super) fn keepalive(now: i64) -> Value {
    json!({ "type": "keepalive", "timestamp": iso(now) })
}

/// Live figures of a queue.
pub(super) fn figures(queue: &Queue, now: i64) -> Value {
    json!({
        "type": "event",
        "eventType": "queue.observation",
        "queueId": queue.id,
        "waiting": queue.waiting,
        "interacting": queue.interacting,
        "timestamp": iso(now),
    })
}

/// What an application is told.
pub(super) fn notification(call: &Call, queue: &Queue, now: i64) -> Value {
    json!({
        "type": "notification",
        "eventType": call.event_type(),
        "interactionId": call.id,
        "queueId": queue.id,
        "timestamp": iso(now),
    })
}

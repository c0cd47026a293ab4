//! Queues.

use serde_json::{Map, Value, json};

use super::asked::{Answer, Asked, deleted, queues as all_queues, required};
use super::books::RECORDS;
use super::listing::{PAGE_MAX, descending, matches, numbered};
use crate::sim::call::Phase;
use crate::sim::response::Reply;
use crate::sim::world::{Queue, World};

/// Fields of a queue that a client may set.
const SETTABLE: &[&str] = &[
    "description",
    "mediaSettings",
    "acwSettings",
    "skillEvaluationMethod",
    "scoringMethod",
    "lastAgentRoutingMode",
    "autoAnswerOnly",
    "enableTranscription",
    "enableAudioMonitoring",
    "enableManualAssignment",
    "callingPartyName",
    "callingPartyNumber",
    "routingRules",
    "suppressInQueueCallRecording",
    "peerId",
];

/// Seconds that an estimate gives to each conversation that waits: this simulator's own number.
const WAIT_EACH: u32 = 30;

/// `Queue`.
pub(super) fn shown(world: &World, place: usize, queue: &Queue) -> Value {
    let members = || world.agents.iter().filter(|agent| agent.queues.contains(&place));
    let count = members().count();
    let joined = members().filter(|agent| !agent.unjoined.contains(&place)).count();
    let mut shown = json!({
        "id": queue.id,
        "name": queue.name,
        "division": { "id": world.division["id"], "name": world.division["name"] },
        "memberCount": count,
        "userMemberCount": count,
        "joinedMemberCount": joined,
        "skillEvaluationMethod": "ALL",
        "scoringMethod": "TimestampAndPriority",
        "acwSettings": { "wrapupPrompt": "OPTIONAL", "timeoutMs": 30_000 },
        "mediaSettings": { "call": {
            "alertingTimeoutSeconds": 8,
            "serviceLevel": { "percentage": 0.8, "durationMs": 20_000 },
        } },
        "autoAnswerOnly": false,
        "enableTranscription": false,
        "enableManualAssignment": false,
        "selfUri": format!("/api/v2/routing/queues/{}", queue.id),
    });
    for (name, value) in &queue.fields {
        shown[name] = value.clone();
    }
    shown
}

/// `GET /api/v2/routing/queues`, and the views of it by division.
pub(super) fn list(asked: &mut Asked<'_>) -> Answer {
    let request = asked.request;
    let (ids, divisions) = (request.list("id"), request.list("divisionId"));
    let (name, world) = (request.query("name"), &asked.state.world);
    let division = world.division["id"].as_str().unwrap_or_default();
    let in_division = divisions.is_empty() || divisions.iter().any(|one| one == division);
    // No queue has a peer, or a library of its own.
    let none = request.query("hasPeer").is_some_and(|text| text == "true")
        || !request.list("peerId").is_empty()
        || request.query("cannedResponseLibraryId").is_some();
    let mut found: Vec<(usize, &Queue)> = all_queues(world)
        .filter(|_| in_division && !none)
        .filter(|(_, queue)| ids.is_empty() || ids.contains(&queue.id))
        .filter(|(_, queue)| name.as_deref().is_none_or(|name| matches(name, &queue.name)))
        .collect();
    found.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    if descending(request) {
        found.reverse();
    }
    numbered(request, PAGE_MAX, &found, |(place, queue)| shown(world, *place, queue))
}

/// `GET /api/v2/routing/queues/{queueId}`.
pub(super) fn one(asked: &mut Asked<'_>) -> Answer {
    let place = asked.queue()?;
    reply(asked, place)
}

fn reply(asked: &Asked<'_>, place: usize) -> Answer {
    let world = &asked.state.world;
    let queue = world.queues.get(place).ok_or_else(|| Reply::not_found("queue"))?;
    Ok(Reply::json(&shown(world, place, queue)))
}

/// A name that no other queue has.
fn name(asked: &Asked<'_>, body: &Value, own: Option<usize>) -> Result<String, Reply> {
    let name = required(body, "name")?.trim();
    let taken = all_queues(&asked.state.world)
        .any(|(place, queue)| Some(place) != own && queue.name.eq_ignore_ascii_case(name));
    if taken {
        let text = format!("There is a queue named {name:?} already.");
        return Err(Reply::error(400, "duplicate.name", &text));
    }
    Ok(name.to_owned())
}

fn set(fields: &mut Map<String, Value>, body: &Value) {
    for name in SETTABLE {
        if let Some(value) = body.get(*name) {
            if value.is_null() {
                fields.remove(*name);
            } else {
                fields.insert((*name).to_owned(), value.clone());
            }
        }
    }
}

/// `POST /api/v2/routing/queues`.
pub(super) fn create(asked: &mut Asked<'_>) -> Answer {
    let body = asked.object()?;
    let name = name(asked, &body, None)?;
    let mut fields = match body["sourceQueueId"].as_str() {
        Some(source) => {
            let place = super::asked::queue(&asked.state.world, source)?;
            asked.state.world.queues.get(place).map_or_else(Map::new, |queue| queue.fields.clone())
        }
        None => Map::new(),
    };
    set(&mut fields, &body);
    let now = json!(crate::sim::clock::iso(asked.now));
    fields.insert("dateCreated".to_owned(), now.clone());
    fields.insert("dateModified".to_owned(), now);
    let id = asked.new_id();
    let queues = &mut asked.state.world.queues;
    if queues.len() >= asked.shared.config.queues.saturating_add(RECORDS) {
        return Err(Reply::bad_request("There are too many queues."));
    }
    queues.push(Queue { id, name, waiting: 0, interacting: 0, deleted: false, fields });
    let place = queues.len() - 1;
    reply(asked, place)
}

/// `PUT /api/v2/routing/queues/{queueId}`.
pub(super) fn update(asked: &mut Asked<'_>) -> Answer {
    let (place, body) = (asked.queue()?, asked.object()?);
    let name = name(asked, &body, Some(place))?;
    let now = json!(crate::sim::clock::iso(asked.now));
    if let Some(queue) = asked.state.world.queues.get_mut(place) {
        queue.name = name;
        set(&mut queue.fields, &body);
        queue.fields.insert("dateModified".to_owned(), now);
    }
    reply(asked, place)
}

/// `DELETE /api/v2/routing/queues/{queueId}`: one that has members goes by force only.
pub(super) fn delete(asked: &mut Asked<'_>) -> Answer {
    let place = asked.queue()?;
    let world = &mut asked.state.world;
    let busy = world
        .agents
        .iter()
        .any(|agent| agent.call.as_ref().is_some_and(|call| call.queue == place));
    let used = busy || world.agents.iter().any(|agent| agent.queues.contains(&place));
    if used && !asked.request.flag("forceDelete") {
        let text =
            "The queue has members or conversations: forceDelete=true deletes it all the same.";
        return Err(Reply::error(400, "general.bad.request", text));
    }
    for agent in &mut world.agents {
        agent.queues.retain(|queue| *queue != place);
        agent.unjoined.retain(|queue| *queue != place);
    }
    if let Some(queue) = world.queues.get_mut(place) {
        queue.deleted = true;
    }
    Ok(deleted())
}

/// `GET /api/v2/routing/queues/{queueId}/estimatedwaittime`.
pub(super) fn estimated_wait(asked: &mut Asked<'_>) -> Answer {
    let place = asked.queue()?;
    let waiting = asked.state.world.agents.iter().filter_map(|agent| agent.call.as_ref());
    let waiting = waiting
        .filter(|call| {
            call.queue == place && matches!(call.phase, Phase::Waiting | Phase::Alerting)
        })
        .count();
    let seconds = u32::try_from(waiting).unwrap_or(u32::MAX).saturating_mul(WAIT_EACH);
    Ok(Reply::json(&json!({ "results": [
        { "intent": "ALL", "formula": "SIMPLE", "estimatedWaitTimeSeconds": seconds },
    ] })))
}

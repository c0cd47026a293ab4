//! Observations: what queues, users and flows are like right now.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::{Answer, Asked, invalid, queues as all_queues};
use super::dimensions::{FLOW_NOW, QUEUE_NOW, USER};
use super::filter::{Filter, Known, Row};
use super::user_figures::mappings;
use crate::sim::agents::Agent;
use crate::sim::call::{Call, Phase};
use crate::sim::clock::iso;
use crate::sim::response::Reply;

/// Observations that are listed of one metric; of more the oldest are. The platform does not publish it.
const LISTED: usize = 100;

const OF_CALLS: &[&str] =
    &["oAlerting", "oInteracting", "oLongestInteracting", "oLongestWaiting", "oWaiting"];
const OF_MEMBERS: &[&str] = &[
    "oActiveUsers",
    "oMemberUsers",
    "oOffQueueUsers",
    "oOnQueueUsers",
    "oUserPresences",
    "oUserRoutingStatuses",
];
const OF_USERS: &[&str] = &["oActiveQueues", "oMemberQueues"];
const OF_FLOWS: &[&str] = &["oFlow"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Query {
    filter: Filter,
    #[serde(default)]
    metrics: Option<Vec<String>>,
    #[serde(default)]
    detail_metrics: Option<Vec<String>>,
}

struct Facts<'a>(&'a [(&'a str, &'a str)]);

impl Row for Facts<'_> {
    fn text(&self, dimension: &str) -> Option<Cow<'_, str>> {
        let found = self.0.iter().find(|(name, _)| *name == dimension);
        found.map(|(_, value)| Cow::Borrowed(*value))
    }
}

impl Query {
    fn read(asked: &Asked<'_>, dimensions: Known, metrics: &[&[&str]]) -> Result<Self, Reply> {
        let query: Self = asked.body()?;
        query.filter.check(dimensions)?;
        let known = metrics.concat();
        let named = query.metrics.iter().chain(&query.detail_metrics).flatten();
        if let Some(unknown) = named.clone().find(|name| !known.contains(&name.as_str())) {
            let what = format!("metric {unknown:?} is not known: it");
            return Err(invalid(&what, &known.join(", ")));
        }
        Ok(query)
    }

    /// Whether a metric is asked for; when none is, all are.
    fn wants(&self, metric: &str) -> bool {
        let metrics = self.metrics.as_deref().unwrap_or_default();
        (metrics.is_empty() && self.detail_metrics.is_none())
            || metrics.iter().any(|one| one == metric)
            || self.details(metric)
    }

    fn details(&self, metric: &str) -> bool {
        self.detail_metrics.iter().flatten().any(|one| one == metric)
    }
}

/// `POST /api/v2/analytics/queues/observations/query`.
pub(super) fn queues(asked: &mut Asked<'_>) -> Answer {
    let query = Query::read(asked, QUEUE_NOW, &[OF_CALLS, OF_MEMBERS])?;
    let world = &asked.state.world;
    let mut results = Vec::new();
    for (place, queue) in all_queues(world) {
        let facts = [("queueId", queue.id.as_str()), ("mediaType", "voice")];
        let mut data = Vec::new();
        if query.filter.fits(&Facts(&facts)) {
            data = of_calls(asked, &query, place);
        }
        if !data.is_empty() {
            let group = json!({ "queueId": queue.id, "mediaType": "voice" });
            results.push(json!({ "group": group, "data": data }));
        }
        // Figures of members are of no medium; a filter that names one does not exclude them.
        if query.filter.fits(&Facts(&facts)) || query.filter.fits(&Facts(&facts[..1])) {
            let data = of_members(asked, &query, place);
            if !data.is_empty() {
                results.push(json!({ "group": { "queueId": queue.id }, "data": data }));
            }
        }
    }
    let mut body = json!({ "systemToOrganizationMappings": mappings(world) });
    if !results.is_empty() {
        body["results"] = results.into();
    }
    Ok(Reply::json(&body))
}

fn of_calls(asked: &Asked<'_>, query: &Query, place: usize) -> Vec<Value> {
    let world = &asked.state.world;
    let calls = || {
        let all = world.agents.iter().filter_map(|agent| Some((agent, agent.call.as_ref()?)));
        all.filter(|(_, call)| call.queue == place)
    };
    // As the events count: a call that rings at an agent still waits.
    let waits = |call: &Call| matches!(call.phase, Phase::Waiting | Phase::Alerting);
    let mut data = Vec::new();
    for metric in OF_CALLS.iter().filter(|metric| query.wants(metric)) {
        let mut found: Vec<(i64, &Agent, &Call)> = calls()
            .filter(|(_, call)| match *metric {
                "oWaiting" | "oLongestWaiting" => waits(call),
                "oAlerting" => call.phase == Phase::Alerting,
                _ => call.phase == Phase::Connected,
            })
            .map(|(agent, call)| (call.answered.unwrap_or(call.started), agent, call))
            .collect();
        found.sort_by_key(|(since, ..)| *since);
        let oldest = found.first().map(|(since, ..)| asked.now - since);
        let mut shown = if metric.starts_with("oLongest") {
            let Some(longest) = oldest else { continue };
            json!({ "metric": metric, "stats": { "calculatedMetricValue": longest } })
        } else {
            json!({ "metric": metric, "stats": { "count": found.len() } })
        };
        if query.details(metric) && !metric.starts_with("oLongest") {
            shown["truncated"] = json!(found.len() > LISTED);
            shown["observations"] = found
                .iter()
                .take(LISTED)
                .map(|(since, agent, call)| observation(*since, agent, call))
                .collect();
        }
        data.push(shown);
    }
    data
}

fn observation(since: i64, agent: &Agent, call: &Call) -> Value {
    let mut shown = json!({
        "observationDate": iso(since), "conversationId": call.id,
        "sessionId": call.communications[1], "ani": call.number, "direction": "inbound",
        "routingPriority": 0, "requestedRoutingSkillIds": [], "participantName": call.caller,
    });
    if call.phase == Phase::Connected {
        shown["userId"] = json!(agent.id);
        shown["sessionId"] = json!(call.communications[2]);
    }
    shown
}

fn of_members(asked: &Asked<'_>, query: &Query, place: usize) -> Vec<Value> {
    let world = &asked.state.world;
    let members: Vec<&Agent> =
        world.agents.iter().filter(|agent| agent.queues.contains(&place)).collect();
    let mut data = Vec::new();
    for metric in OF_MEMBERS.iter().filter(|metric| query.wants(metric)) {
        let mut counts: BTreeMap<Option<&str>, Vec<&Agent>> = BTreeMap::new();
        for agent in members.iter().copied() {
            let joined = !agent.unjoined.contains(&place);
            let presence = world.definitions.get(agent.presence).map(|one| one.id.as_str());
            let on_queue = agent.routing != "OFF_QUEUE";
            let qualifier = match *metric {
                "oMemberUsers" => None,
                "oActiveUsers" if joined => None,
                "oUserPresences" => presence,
                "oUserRoutingStatuses" => Some(agent.routing),
                "oOnQueueUsers" if joined && on_queue => Some(agent.routing),
                "oOffQueueUsers" if joined && !on_queue => presence,
                _ => continue,
            };
            counts.entry(qualifier).or_default().push(agent);
        }
        if matches!(*metric, "oMemberUsers" | "oActiveUsers") {
            counts.entry(None).or_default();
        }
        for (qualifier, users) in counts {
            let mut shown = json!({ "metric": metric, "stats": { "count": users.len() } });
            if let Some(qualifier) = qualifier {
                shown["qualifier"] = json!(qualifier);
            }
            if query.details(metric) {
                shown["truncated"] = json!(users.len() > LISTED);
                let listed = users.iter().take(LISTED);
                shown["observations"] = listed
                    .map(|agent| json!({ "observationDate": iso(agent.routing_since), "userId": agent.id }))
                    .collect();
            }
            data.push(shown);
        }
    }
    data
}

/// `POST /api/v2/analytics/users/observations/query`.
pub(super) fn users(asked: &mut Asked<'_>) -> Answer {
    let query = Query::read(asked, USER, &[OF_USERS])?;
    let mut wanted = Vec::new();
    query.filter.values("userId", &mut wanted);
    if wanted.is_empty() {
        return Err(Reply::bad_request("the filter must name at least one userId"));
    }
    let agents = asked.state.world.agents.iter();
    let results: Vec<Value> = agents
        .filter(|agent| query.filter.fits(&Facts(&[("userId", &agent.id)])))
        .map(|agent| {
            let data: Vec<Value> = OF_USERS
                .iter()
                .filter(|metric| query.wants(metric))
                .map(|metric| {
                    let active =
                        agent.queues.iter().filter(|queue| !agent.unjoined.contains(queue));
                    let count = if *metric == "oActiveQueues" {
                        active.count()
                    } else {
                        agent.queues.len()
                    };
                    json!({ "metric": metric, "stats": { "count": count } })
                })
                .collect();
            json!({ "group": { "userId": agent.id }, "data": data })
        })
        .collect();
    Ok(Reply::json(&if results.is_empty() { json!({}) } else { json!({ "results": results }) }))
}

/// `POST /api/v2/analytics/flows/observations/query`: live calls go to a queue at once, so that no flow has any.
pub(super) fn flows(asked: &mut Asked<'_>) -> Answer {
    let query = Query::read(asked, FLOW_NOW, &[OF_FLOWS])?;
    let flows = asked.state.books.history.flows.iter();
    let results: Vec<Value> = flows
        .filter_map(|flow| {
            let media = if flow.kind == "INBOUNDCALL" { "voice" } else { "message" };
            let facts = Facts(&[("flowId", flow.id.as_str()), ("mediaType", media)]);
            query.filter.fits(&facts).then(|| {
                json!({
                    "group": { "flowId": flow.id, "mediaType": media },
                    "data": [{ "metric": "oFlow", "stats": { "count": 0 } }],
                })
            })
        })
        .collect();
    Ok(Reply::json(&if results.is_empty() { json!({}) } else { json!({ "results": results }) }))
}

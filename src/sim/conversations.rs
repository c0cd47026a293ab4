//! Calls that are over, as analytics have them, and the query that reads them.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::{Value, json};

use super::agents::Agent;
use super::call::Call;
use super::clock::iso;
use super::connection_log::moment;
use super::request::Request;
use super::response::Reply;
use super::world::World;

/// Calls that are kept; of more the oldest are forgotten.
const KEPT: usize = 2_000;

/// Conversations of a page when the caller does not say.
const PAGE: usize = 25;

/// Most conversations of a page, and the last one that can be paged to. The platform publishes neither.
const PAGE_MAX: usize = 100;
const WINDOW_MAX: usize = 100_000;

/// Longest interval, in milliseconds. The platform does not publish it.
const INTERVAL_MAX: i64 = 31 * DAY;

const DAY: i64 = 86_400_000;

/// Dimensions that a predicate may name.
const DIMENSIONS: &str =
    "conversationId, mediaType, purpose, userId, queueId, disconnectType, errorCode, segmentType";

/// One call that is over.
#[derive(Clone, Debug)]
struct Finished {
    call: Call,
    agent: String,
    name: String,
}

/// The latest calls that are over.
#[derive(Clone, Debug, Default)]
pub(super) struct FinishedCalls(VecDeque<Finished>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Query {
    interval: String,
    #[serde(default)]
    order: Option<String>,
    #[serde(default)]
    order_by: Option<String>,
    #[serde(default)]
    paging: Paging,
    #[serde(default)]
    conversation_filters: Vec<Filter>,
    #[serde(default)]
    segment_filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Paging {
    page_size: usize,
    page_number: usize,
}

impl Default for Paging {
    fn default() -> Self {
        Self { page_size: PAGE, page_number: 1 }
    }
}

#[derive(Deserialize)]
struct Filter {
    r#type: Join,
    #[serde(default)]
    predicates: Vec<Predicate>,
    #[serde(default)]
    clauses: Vec<Filter>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Join {
    And,
    Or,
}

#[derive(Deserialize)]
struct Predicate {
    dimension: String,
    #[serde(default)]
    operator: Operator,
    #[serde(default)]
    value: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
enum Operator {
    #[default]
    Matches,
    Exists,
    NotExists,
}

impl FinishedCalls {
    /// Notes a call whose last event is out.
    pub(super) fn push(&mut self, call: Call, agent: &str, name: &str) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Finished { call, agent: agent.to_owned(), name: name.to_owned() });
    }
}

/// `POST /api/v2/analytics/conversations/details/query`: calls that began on a day that the interval touches.
pub(super) fn query(world: &World, request: &Request) -> Result<Reply, Reply> {
    let query: Query = serde_json::from_slice(&request.body)
        .map_err(|error| Reply::bad_request(&format!("The query cannot be read: {error}")))?;
    let (from, to) = query.days()?;
    let Paging { page_size: size, page_number: number } = query.paging;
    if !(1..=PAGE_MAX).contains(&size) || number == 0 {
        let text = format!("pageSize must be from 1 to {PAGE_MAX}, and pageNumber at least 1");
        return Err(Reply::bad_request(&text));
    }
    if number.saturating_mul(size) > WINDOW_MAX {
        let text = format!("pageSize times pageNumber must be at most {WINDOW_MAX}");
        return Err(Reply::bad_request(&text));
    }
    query.conversation_filters.iter().chain(&query.segment_filters).try_for_each(Filter::check)?;
    let mut found: Vec<(i64, Value)> = world
        .finished
        .0
        .iter()
        .filter(|one| (from..to).contains(&one.call.started))
        .map(|one| (query.key(one), conversation(world, one)))
        .filter(|(_, conversation)| query.wants(conversation))
        .collect();
    found.sort_by_key(|(key, _)| *key);
    if query.order.as_deref() == Some("desc") {
        found.reverse();
    }
    let total = found.len();
    let page: Vec<Value> =
        found.into_iter().skip((number - 1) * size).take(size).map(|(_, one)| one).collect();
    let mut body = json!({ "totalHits": total });
    // An empty page has no list at all.
    if !page.is_empty() {
        body["conversations"] = page.into();
    }
    Ok(Reply::json(&body))
}

impl Query {
    /// The days that the interval touches, in milliseconds of the epoch; the end is not included.
    fn days(&self) -> Result<(i64, i64), Reply> {
        let (start, end) = self
            .interval
            .split_once('/')
            .ok_or_else(|| Reply::bad_request("interval must be start/end"))?;
        let (start, end) = (moment("start", start)?, moment("end", end)?);
        if start > end {
            return Err(Reply::bad_request("the start is after the end"));
        }
        if end.saturating_sub(start) > INTERVAL_MAX {
            return Err(Reply::bad_request("the interval must be at most 31 days"));
        }
        let (known, shown) = (["asc", "desc", "unordered"], self.order.as_deref());
        if shown.is_some_and(|order| !known.contains(&order)) {
            return Err(Reply::bad_request("order must be one of: asc, desc, unordered"));
        }
        let known = ["conversationStart", "conversationEnd", "segmentStart", "segmentEnd"];
        if self.order_by.as_deref().is_some_and(|by| !known.contains(&by)) {
            let text = format!("orderBy must be one of: {}", known.join(", "));
            return Err(Reply::bad_request(&text));
        }
        Ok((start.div_euclid(DAY) * DAY, (end.div_euclid(DAY) + 1) * DAY))
    }

    fn key(&self, one: &Finished) -> i64 {
        match self.order_by.as_deref() {
            Some("conversationEnd") => one.call.ended.unwrap_or(one.call.started),
            Some("segmentEnd") => one.last(),
            _ => one.call.started,
        }
    }

    /// Filters of conversations hold for any of their segments; those of segments for one and the same segment.
    fn wants(&self, conversation: &Value) -> bool {
        let whole = rows(conversation);
        self.conversation_filters.iter().all(|filter| whole.iter().any(|row| filter.fits(row)))
            && self.segment_filters.iter().all(|filter| whole.iter().any(|row| filter.fits(row)))
    }
}

impl Finished {
    fn last(&self) -> i64 {
        self.call.wrapped_up.or(self.call.ended).unwrap_or(self.call.started)
    }
}

impl Filter {
    fn check(&self) -> Result<(), Reply> {
        for Predicate { dimension, operator, value } in &self.predicates {
            if !DIMENSIONS.split(", ").any(|known| known == dimension) {
                let text =
                    format!("dimension {dimension:?} is not simulated; there are: {DIMENSIONS}");
                return Err(Reply::bad_request(&text));
            }
            if *operator == Operator::Matches && value.is_none() {
                return Err(Reply::bad_request("a predicate that matches needs a value"));
            }
        }
        self.clauses.iter().try_for_each(Self::check)
    }

    fn fits(&self, row: &Value) -> bool {
        let mut parts = self.predicates.iter().map(|one| one.fits(row));
        let mut clauses = self.clauses.iter().map(|one| one.fits(row));
        match self.r#type {
            Join::And => parts.all(|fits| fits) && clauses.all(|fits| fits),
            Join::Or => parts.any(|fits| fits) || clauses.any(|fits| fits),
        }
    }
}

impl Predicate {
    fn fits(&self, row: &Value) -> bool {
        let field = row.get(&self.dimension).and_then(Value::as_str);
        match self.operator {
            Operator::Matches => field.is_some() && field == self.value.as_deref(),
            Operator::Exists => field.is_some(),
            Operator::NotExists => field.is_none(),
        }
    }
}

/// Each segment with what stands above it, flat.
fn rows(conversation: &Value) -> Vec<Value> {
    let list = |of: &Value, name: &str| of[name].as_array().cloned().unwrap_or_default();
    let mut rows = Vec::new();
    for participant in list(conversation, "participants") {
        for session in list(&participant, "sessions") {
            for mut segment in list(&session, "segments") {
                segment["conversationId"] = conversation["conversationId"].clone();
                segment["mediaType"] = session["mediaType"].clone();
                segment["purpose"] = participant["purpose"].clone();
                segment["userId"] = participant["userId"].clone();
                rows.push(segment);
            }
        }
    }
    rows
}

/// The call as analytics show it.
fn conversation(world: &World, one: &Finished) -> Value {
    let call = &one.call;
    let ended = call.ended.unwrap_or(call.started);
    let disconnect = call.disconnect.map_or("endpoint", |(kind, _)| in_analytics(kind));
    let answered = call.answered.is_some();
    let queue = world.queues.get(call.queue).map(|queue| queue.id.as_str());
    // The leg that did not end the call ends because of the other.
    let customer = if disconnect == "peer" { "endpoint" } else { "peer" };
    let mut last = json!({
        "segmentType": if answered { "interact" } else { "alert" },
        "segmentStart": iso(call.answered.unwrap_or(call.started)),
        "segmentEnd": iso(ended),
        "queueId": queue,
        "conference": false,
        "disconnectType": disconnect,
    });
    if let Some((_, Some((kind, code, phrase)))) = call.disconnect {
        let codes = if kind == "sip" { "sipResponseCodes" } else { "q850ResponseCodes" };
        last[codes] = json!([code]);
        if disconnect == "error" {
            let code = phrase.to_lowercase().replace(' ', ".");
            last["errorCode"] = json!(format!("error.simulated.{code}"));
        }
    }
    let lost = disconnect == "transportFailure";
    let (mos, latency, discarded) = if lost { (2.87, 640, 210) } else { (4.41, 82, 3) };
    let mut session = json!({
        "sessionId": call.communications[2],
        "mediaType": "voice",
        "direction": "inbound",
        "remote": call.caller,
        "ani": call.number,
        "segments": [last],
    });
    if answered {
        session["mediaEndpointStats"] = json!([{
            "codecs": ["audio/PCMU"], "minMos": mos, "maxLatencyMs": latency, "receivedPackets": 2_000,
            "discardedPackets": discarded, "eventTime": iso(ended),
        }]);
    }
    if let (Some(wrapped_up), Some(list)) = (call.wrapped_up, session["segments"].as_array_mut()) {
        list.push(json!({
            "segmentType": "wrapup", "segmentStart": iso(ended), "segmentEnd": iso(wrapped_up),
            "queueId": queue, "conference": false,
        }));
    }
    let other = |purpose: &str, place: usize, session: &str, kind: &str, until: i64| {
        json!({
            "participantId": call.participants[place],
            "purpose": purpose,
            "sessions": [{
                "sessionId": session,
                "mediaType": "voice",
                "direction": "inbound",
                "segments": [{
                    "segmentType": "interact",
                    "segmentStart": iso(call.started),
                    "segmentEnd": iso(until),
                    "conference": false,
                    "disconnectType": kind,
                }],
            }],
        })
    };
    json!({
        "conversationId": call.id,
        "conversationStart": iso(call.started),
        "conversationEnd": iso(ended),
        "originatingDirection": "inbound",
        "divisionIds": [world.division["id"]],
        "participants": [
            other("customer", 0, &call.communications[0], customer, ended),
            other("acd", 1, &call.communications[1], "transfer", call.answered.unwrap_or(ended)),
            {
                "participantId": call.participants[2],
                "participantName": one.name,
                "purpose": "agent",
                "userId": one.agent,
                "sessions": [session],
            },
        ],
    })
}

/// The spelling of analytics for that of conversation events.
fn in_analytics(kind: &str) -> &str {
    match kind {
        "transport.failure" => "transportFailure",
        "transfer.noanswer" => "noAnswerTransfer",
        other => other,
    }
}

impl World {
    /// The call of an agent is over, and its last event is out.
    pub(super) fn finish(&mut self, place: usize) {
        let Some(Agent { id, name, call, .. }) = self.agents.get_mut(place) else { return };
        if let Some(call) = call.take() {
            self.finished.push(call, id, name);
        }
    }
}

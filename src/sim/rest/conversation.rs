//! A conversation as analytics have it: participants, sessions, segments and metrics, out of a plan.

use serde_json::{Value, json};

use super::history::Flow;
use super::plan::{ACD, AGENT, CUSTOMER, FLOW, Plan, Text};
use crate::sim::clock::iso;

/// What an answer within so many milliseconds is within the service level of every queue.
pub(super) const SERVICE_LEVEL_MS: i64 = 20_000;

/// The share of answers that have to be within it.
pub(super) const SERVICE_TARGET: f64 = 0.8;

#[derive(Clone, Debug)]
pub(super) struct Conversation<'a> {
    pub(super) plan: Plan<'a>,
    /// Of the leg with the worst quality.
    pub(super) mos: Option<f64>,
    pub(super) participants: Vec<Participant<'a>>,
}

/// A participant; each has one session.
#[derive(Clone, Debug)]
pub(super) struct Participant<'a> {
    pub(super) place: usize,
    pub(super) purpose: &'static str,
    pub(super) flow: Option<&'a Flow>,
    pub(super) segments: Vec<Segment<'a>>,
    pub(super) metrics: Vec<Metric>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) kind: &'static str,
    pub(super) start: i64,
    pub(super) end: Option<i64>,
    pub(super) queue: Option<&'a str>,
    pub(super) disconnect: Option<&'static str>,
    /// What the carrier said, and its words for it.
    pub(super) carrier: Option<(&'static str, u16, &'static str)>,
    pub(super) wrap_up: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    /// Milliseconds for `t…`, a count for `n…`.
    pub(super) value: i64,
    pub(super) at: i64,
}

/// The spelling of analytics for that of conversation events.
fn in_analytics(kind: &'static str) -> &'static str {
    match kind {
        "transport.failure" => "transportFailure",
        "transfer.noanswer" => "noAnswerTransfer",
        other => other,
    }
}

fn metric(name: &'static str, value: i64, at: i64) -> Metric {
    Metric { name, value, at }
}

impl Segment<'_> {
    /// The platform's code for an error; other ends have none.
    pub(super) fn error(&self) -> Option<String> {
        let (_, _, phrase) = self.carrier.filter(|_| self.disconnect == Some("error"))?;
        Some(format!("error.simulated.{}", phrase.to_lowercase().replace(' ', ".")))
    }
}

impl<'a> Conversation<'a> {
    pub(super) fn of(plan: Plan<'a>) -> Self {
        let mut participants = Vec::with_capacity(4);
        participants.push(customer(&plan));
        participants.extend(plan.flow.map(|flow| through_flow(&plan, flow)));
        if plan.queued < plan.ended.unwrap_or(i64::MAX) || plan.flow.is_none() {
            participants.push(acd(&plan));
        }
        participants.extend(plan.agent.map(|_| agent(&plan)));
        let mos = (plan.ended.is_some() && plan.answered.is_some() && plan.media == "voice")
            .then(|| if is_lost(&plan) { 2.87 } else { 4.41 });
        Self { plan, mos, participants }
    }

    /// What is shown of the conversation; with attributes where the platform has them, which is in jobs only.
    pub(super) fn json(&self, division: &Value, with_attributes: bool) -> Value {
        let plan = &self.plan;
        let participants: Vec<Value> =
            self.participants.iter().map(|one| self.participant(one, with_attributes)).collect();
        let mut shown = json!({
            "conversationId": plan.id.to_string(),
            "conversationStart": iso(plan.started),
            "originatingDirection": "inbound",
            "divisionIds": [division["id"]],
            "participants": participants,
        });
        if let Some(ended) = plan.ended {
            shown["conversationEnd"] = json!(iso(ended));
        }
        if let Some(mos) = self.mos {
            shown["mediaStatsMinConversationMos"] = json!(mos);
        }
        shown
    }

    fn participant(&self, one: &Participant<'a>, with_attributes: bool) -> Value {
        let plan = &self.plan;
        let text = |list: &[Text<'_>; 4]| list.get(one.place).map(ToString::to_string);
        let mut session = json!({
            "sessionId": text(&plan.sessions),
            "mediaType": plan.media,
            "direction": "inbound",
            "remote": plan.remote,
            "segments": one.segments.iter().map(segment).collect::<Vec<_>>(),
        });
        match plan.media {
            "voice" | "callback" => session["ani"] = json!(plan.ani.to_string()),
            _ => session["addressFrom"] = json!(plan.ani.to_string()),
        }
        if one.place != CUSTOMER {
            session["peerId"] = json!(plan.sessions[CUSTOMER].to_string());
        }
        if plan.media == "voice" {
            session["provider"] = json!("Edge");
        }
        if !one.metrics.is_empty() {
            let metrics = one.metrics.iter();
            session["metrics"] = metrics
                .map(|one| json!({ "name": one.name, "value": one.value, "emitDate": iso(one.at) }))
                .collect();
        }
        if let Some(flow) = one.flow {
            session["flow"] = json!({
                "flowId": flow.id, "flowName": flow.name, "flowType": flow.kind,
                "exitReason": "TRANSFER", "entryType": "dnis",
            });
        }
        let mut shown = json!({
            "participantId": text(&plan.participants),
            "purpose": one.purpose,
        });
        if one.place == AGENT && plan.media == "voice" && plan.answered.is_some() {
            if let Some(ended) = plan.ended {
                session["mediaEndpointStats"] = json!([endpoint(is_lost(plan), ended)]);
            }
        }
        if let (AGENT, Some(agent)) = (one.place, plan.agent) {
            shown["userId"] = json!(agent.id);
            shown["participantName"] = json!(agent.name);
        }
        if with_attributes && one.place == CUSTOMER {
            shown["attributes"] = json!({ "language": "en" });
        }
        shown["sessions"] = json!([session]);
        shown
    }
}

fn is_lost(plan: &Plan<'_>) -> bool {
    plan.disconnect.is_some_and(|(kind, _)| kind == "transport.failure")
}

fn endpoint(lost: bool, ended: i64) -> Value {
    let (mos, latency, discarded) = if lost { (2.87, 640, 210) } else { (4.41, 82, 3) };
    json!({
        "codecs": ["audio/PCMU"], "minMos": mos, "maxLatencyMs": latency, "receivedPackets": 2_000,
        "discardedPackets": discarded, "eventTime": iso(ended),
    })
}

fn segment(one: &Segment<'_>) -> Value {
    let mut shown = json!({
        "segmentType": one.kind, "segmentStart": iso(one.start), "conference": false,
    });
    if let Some(end) = one.end {
        shown["segmentEnd"] = json!(iso(end));
    }
    for (name, text) in
        [("queueId", one.queue), ("disconnectType", one.disconnect), ("wrapUpCode", one.wrap_up)]
    {
        if let Some(text) = text {
            shown[name] = json!(text);
        }
    }
    if let Some((kind, code, _)) = one.carrier {
        let codes = if kind == "sip" { "sipResponseCodes" } else { "q850ResponseCodes" };
        shown[codes] = json!([code]);
    }
    if let Some(error) = one.error() {
        shown["errorCode"] = json!(error);
    }
    shown
}

fn plain<'a>(kind: &'static str, start: i64, end: Option<i64>) -> Segment<'a> {
    Segment { kind, start, end, queue: None, disconnect: None, carrier: None, wrap_up: None }
}

fn customer<'a>(plan: &Plan<'a>) -> Participant<'a> {
    let kind = plan.disconnect.map_or("endpoint", |(kind, _)| in_analytics(kind));
    // The leg that did not end the call ends because of the other; a caller who gives up hangs up.
    let kind = if kind == "peer" || plan.answered.is_none() { "endpoint" } else { "peer" };
    let mut whole = plain("interact", plan.started, plan.ended);
    whole.disconnect = plan.ended.map(|_| kind);
    Participant {
        place: CUSTOMER,
        purpose: "customer",
        flow: None,
        segments: vec![whole],
        metrics: vec![metric("nConnected", 1, plan.started)],
    }
}

fn through_flow<'a>(plan: &Plan<'a>, flow: &'a Flow) -> Participant<'a> {
    let left = plan.queued;
    let mut whole = plain("ivr", plan.started, Some(left));
    whole.disconnect = Some("transfer");
    let took = left - plan.started;
    Participant {
        place: FLOW,
        purpose: if plan.media == "voice" { "ivr" } else { "workflow" },
        flow: Some(flow),
        segments: vec![whole],
        metrics: vec![
            metric("nFlow", 1, plan.started),
            metric("tFlow", took, left),
            metric("tFlowExit", took, left),
            metric("tIvr", took, left),
        ],
    }
}

fn acd<'a>(plan: &Plan<'a>) -> Participant<'a> {
    let left = plan.answered.or(plan.ended);
    let abandoned = plan.answered.is_none();
    let mut whole = plain("interact", plan.queued, left);
    whole.queue = plan.queue;
    whole.disconnect = left.map(|_| if abandoned { "peer" } else { "transfer" });
    let mut metrics = vec![metric("nOffered", 1, plan.queued)];
    if let Some(left) = left {
        let waited = left - plan.queued;
        metrics.push(metric("tWait", waited, left));
        metrics.push(metric("tAcd", waited, left));
        metrics.push(metric(if abandoned { "tAbandon" } else { "tAnswered" }, waited, left));
    }
    Participant { place: ACD, purpose: "acd", flow: None, segments: vec![whole], metrics }
}

fn agent<'a>(plan: &Plan<'a>) -> Participant<'a> {
    let of_queue = |kind, start, end| Segment { queue: plan.queue, ..plain(kind, start, end) };
    let alerted = plan.alerted.unwrap_or(plan.queued);
    let kind = plan.disconnect.map_or("endpoint", |(kind, _)| in_analytics(kind));
    let carrier = plan.disconnect.and_then(|(_, carrier)| carrier);
    let finish = |mut last: Segment<'a>| {
        if plan.ended.is_some() {
            last.disconnect = Some(kind);
            last.carrier = carrier;
        }
        last
    };
    let (mut segments, mut metrics) = (Vec::with_capacity(5), Vec::with_capacity(8));
    let Some(answered) = plan.answered else {
        segments.push(finish(of_queue("alert", alerted, plan.ended)));
        if let Some(ended) = plan.ended {
            metrics.push(metric("tAlert", ended - alerted, ended));
            metrics.push(metric("tNotResponding", ended - alerted, ended));
        }
        return Participant { place: AGENT, purpose: "agent", flow: None, segments, metrics };
    };
    segments.push(of_queue("alert", alerted, Some(answered)));
    metrics.push(metric("tAlert", answered - alerted, answered));
    match (plan.held, plan.ended) {
        (held, Some(ended)) if held > 0 => {
            let from = answered + (ended - answered - held) / 2;
            segments.push(of_queue("interact", answered, Some(from)));
            segments.push(of_queue("hold", from, Some(from + held)));
            segments.push(finish(of_queue("interact", from + held, Some(ended))));
        }
        (_, ended) => segments.push(finish(of_queue("interact", answered, ended))),
    }
    if let Some(ended) = plan.ended {
        let talked = ended - answered - plan.held;
        metrics.push(metric("tTalk", talked, ended));
        metrics.push(metric("tTalkComplete", talked, ended));
        if plan.held > 0 {
            metrics.push(metric("tHeld", plan.held, ended));
            metrics.push(metric("tHeldComplete", plan.held, ended));
        }
        match kind {
            "error" => metrics.push(metric("nError", 1, ended)),
            "transfer" => metrics.push(metric("nTransferred", 1, ended)),
            _ => {}
        }
    }
    if let (Some(ended), Some(done)) = (plan.ended, plan.wrapped_up) {
        segments.push(Segment { wrap_up: plan.wrap_up, ..of_queue("wrapup", ended, Some(done)) });
        metrics.push(metric("tAcw", done - ended, done));
        metrics.push(metric("tHandle", done - answered, done));
    }
    Participant { place: AGENT, purpose: "agent", flow: None, segments, metrics }
}

//! The frames of the run: presence, observations and conversations, as the platform writes them.

use serde_json::{Value, json};

/// Distinct frames; they are repeated.
const DISTINCT: usize = 2_000;
/// The platform's sign of life: a stream is live with the first frame.
const HEARTBEAT: &str =
    r#"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#;
/// The topic of the last frame.
pub(crate) const LAST: &str = "v2.users.ffffffff-0000-4000-8000-00000000ffff.presence";

/// WebSocket frames, one after the other, ready to be sent.
pub(crate) struct Frames {
    pub(crate) bytes: Vec<u8>,
    pub(crate) count: usize,
    /// One frame with the topic [`LAST`].
    pub(crate) last: Vec<u8>,
    pub(crate) heartbeat: Vec<u8>,
}

impl Frames {
    pub(crate) fn new() -> Self {
        let mut bytes = Vec::new();
        for number in 0..DISTINCT {
            push(&mut bytes, &text(number));
        }
        let mut last = Vec::new();
        push(&mut last, &frame(LAST, 0, &presence(0)));
        let mut heartbeat = Vec::new();
        push(&mut heartbeat, HEARTBEAT);
        Self { bytes, count: DISTINCT, last, heartbeat }
    }

    /// Mean size of a frame in bytes.
    pub(crate) fn mean(&self) -> usize {
        self.bytes.len() / self.count
    }
}

fn text(number: usize) -> String {
    let id = id(number % 25);
    match number % 10 {
        0..=3 => frame(&format!("v2.users.{id}.presence"), number, &presence(number)),
        4..=5 => {
            let topic = format!("v2.analytics.queues.{id}.observations");
            frame(&topic, number, &observations(number, &id))
        }
        _ => {
            let topic = format!("v2.users.{id}.conversations");
            frame(&topic, number, &conversation(number))
        }
    }
}

fn id(number: usize) -> String {
    format!("8f0c{number:04x}-0000-4000-8000-00000000{number:04x}")
}

fn time(number: usize) -> String {
    format!("2026-03-04T09:{:02}:{:02}.120Z", number / 60 % 60, number % 60)
}

fn frame(topic: &str, number: usize, body: &Value) -> String {
    let correlation = id(number);
    format!(
        r#"{{"topicName":"{topic}","version":"2","eventBody":{body},"metadata":{{"CorrelationId":"{correlation}"}}}}"#
    )
}

fn presence(number: usize) -> Value {
    json!({
        "source": "PURECLOUD",
        "presenceDefinition": {"id": id(number % 7), "systemPresence": "ON_QUEUE"},
        "primary": true,
        "message": "",
        "modifiedDate": time(number),
    })
}

fn observations(number: usize, queue: &str) -> Value {
    let metric = |name: &str, qualifier: Option<&str>| {
        let mut metric = json!({"metric": name, "stats": {"count": number % 40}});
        if let Some(qualifier) = qualifier {
            metric["qualifier"] = json!(qualifier);
        }
        metric
    };
    let metrics = [
        metric("oWaiting", None),
        metric("oInteracting", None),
        metric("oOnQueueUsers", Some("IDLE")),
        metric("oOnQueueUsers", Some("INTERACTING")),
        metric("oActiveUsers", None),
    ];
    let interval = format!("{0}/{0}", time(number));
    json!({
        "group": {"queueId": queue, "mediaType": "voice"},
        "data": [{"interval": interval, "metrics": metrics}],
    })
}

fn conversation(number: usize) -> Value {
    let part = |purpose: &str, place: usize| {
        let mut part = json!({
            "id": id(number + place),
            "connectedTime": time(number),
            "name": "Kim Agent",
            "queueId": id(number % 9),
            "purpose": purpose,
            "address": "tel:+15550100",
            "wrapupRequired": place > 0,
            "wrapupPrompt": "optional",
            "mediaRoles": ["full"],
            "attributes": {"caseNumber": number.to_string()},
            "calls": [{
                "id": id(number + place + 9),
                "state": "connected",
                "initialState": "alerting",
                "recording": place == 0,
                "recordingState": "active",
                "muted": false,
                "confined": false,
                "held": false,
                "securePause": false,
                "direction": "inbound",
                "provider": "Edge",
                "connectedTime": time(number),
                "disconnectReasons": [],
                "self": {
                    "name": "Kim Agent", "nameRaw": "Kim Agent",
                    "addressNormalized": "sip:kim@example.com", "addressRaw": "sip:kim@example.com",
                },
                "afterCallWork": {"state": "pending"},
            }],
        });
        if purpose == "agent" {
            part["userId"] = json!(id(number % 25));
        }
        part
    };
    json!({
        "id": id(number),
        "maxParticipants": 3,
        "participants": [part("customer", 0), part("acd", 1), part("agent", 2)],
        "recordingState": "ACTIVE",
        "divisions": [{"division": {"id": id(1)}, "entities": []}],
    })
}

/// Appends a text frame as a server sends it: final, not masked.
fn push(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(0x81);
    match u16::try_from(text.len()) {
        Ok(short @ 0..126) => bytes.push(u8::try_from(short).unwrap_or_default()),
        Ok(middle) => {
            bytes.push(126);
            bytes.extend(middle.to_be_bytes());
        }
        Err(_) => {
            bytes.push(127);
            bytes.extend((text.len() as u64).to_be_bytes());
        }
    }
    bytes.extend(text.as_bytes());
}

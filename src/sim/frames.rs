//! Frames: the event envelope, events without one, system messages, and frames that are wrong on purpose.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tungstenite::{Message, Utf8Bytes};

use super::knobs::Knobs;

/// The heartbeat, as the platform words it.
pub(super) const HEARTBEAT: &str =
    r#"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#;

/// The answer to `{"message":"ping"}`.
pub(super) const PONG: &str = r#"{"topicName":"channel.metadata","eventBody":{"message":"pong"}}"#;

/// The value that no enumeration has.
const NEW_VALUE: &str = "SIMULATED_NEW_VALUE";

/// Fields of event bodies whose values are enumerations.
const ENUMS: &[&str] = &[
    "systemPresence",
    "status",
    "state",
    "initialState",
    "disconnectType",
    "metric",
    "direction",
    "recordingState",
    "agentStatus",
];

/// Fields of events without an envelope that a client can do without.
const DISPENSABLE: &[&str] = &["agentStatus", "waitTime"];

/// One event, written once and sent to many sockets.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// In lower case: names are compared in any case.
    pub(super) topic: Arc<str>,
    pub(super) message: Message,
}

/// In the order in which the platform writes the fields.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    topic_name: &'a str,
    version: &'a str,
    event_body: &'a Value,
    metadata: Value,
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// An envelope that was written before.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    topic_name: &'a str,
    version: Value,
    #[serde(borrow)]
    event_body: &'a RawValue,
    metadata: Value,
}

/// An event without an envelope: its type comes first.
#[derive(Serialize)]
struct Flat<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a Value>,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl Event {
    /// An event in its envelope.
    pub(super) fn new(topic: &str, body: &Value, correlation: &str) -> Self {
        Self::with(topic, body, correlation, Map::new())
    }

    /// An event that is written already.
    #[cfg(test)]
    pub(super) fn of_text(topic: &str, text: String) -> Self {
        Self { topic: topic.to_ascii_lowercase().into(), message: Message::text(text) }
    }

    /// An event without an envelope. `type` comes first when there is one.
    pub(super) fn flat(topic: &str, body: &Value) -> Self {
        let text = match body {
            Value::Object(fields) => {
                let mut fields = fields.clone();
                let kind = fields.remove("type");
                serde_json::to_string(&Flat { kind: kind.as_ref(), fields }).unwrap_or_default()
            }
            other => other.to_string(),
        };
        Self { topic: topic.to_ascii_lowercase().into(), message: Message::text(text) }
    }

    /// A binary frame.
    pub(super) fn binary(topic: &str, bytes: impl Into<Bytes>) -> Self {
        let message = Message::Binary(bytes.into());
        Self { topic: topic.to_ascii_lowercase().into(), message }
    }

    fn with(topic: &str, body: &Value, correlation: &str, more: Map<String, Value>) -> Self {
        let envelope = Envelope {
            topic_name: topic,
            version: "2",
            event_body: body,
            metadata: json!({ "CorrelationId": correlation }),
            more,
        };
        let text = serde_json::to_string(&envelope).unwrap_or_default();
        Self { topic: topic.to_ascii_lowercase().into(), message: Message::text(text) }
    }

    /// The text; empty for a binary frame.
    pub(super) fn text(&self) -> &str {
        match &self.message {
            Message::Text(text) => text,
            _ => "",
        }
    }

    /// The same event with fields or values that nobody knows, or without some that everybody knows.
    pub(super) fn altered(&self, knobs: &Knobs) -> Self {
        let Ok(Value::Object(mut frame)) = serde_json::from_str(self.text()) else {
            return self.clone();
        };
        if !frame.contains_key("topicName") {
            return self.altered_flat(frame, knobs);
        }
        let (topic, mut body) = (frame.remove("topicName"), frame.remove("eventBody"));
        let correlation = frame
            .get("metadata")
            .and_then(|metadata| metadata.get("CorrelationId")?.as_str())
            .unwrap_or_default();
        let (Some(Value::String(topic)), Some(body)) = (topic, body.as_mut()) else {
            return self.clone();
        };
        let mut more = Map::new();
        if knobs.unknown_enum {
            alter_enums(body);
        }
        if knobs.unknown_field {
            more.insert("simulatedEnvelopeField".into(), json!({ "new": [1, 2] }));
            if let Value::Object(fields) = body {
                fields.insert("simulatedField".into(), json!({ "new": true }));
            }
        }
        Self::with(&topic, body, correlation, more)
    }

    fn altered_flat(&self, mut fields: Map<String, Value>, knobs: &Knobs) -> Self {
        for name in DISPENSABLE {
            if knobs.missing_fields {
                fields.remove(*name);
            } else if knobs.null_fields
                && let Some(field) = fields.get_mut(*name)
            {
                *field = Value::Null;
            }
        }
        if knobs.unknown_field {
            fields.insert("simulatedField".into(), json!({ "new": true }));
        }
        let mut body = Value::Object(fields);
        if knobs.unknown_enum {
            alter_enums(&mut body);
        }
        Self::flat(&self.topic, &body)
    }

    /// The same event in an envelope that is written in another manner: the body stays as it is, to the byte.
    pub(super) fn worded(&self, manner: u64) -> Self {
        let Ok(Written { topic_name, version, event_body, metadata }) =
            serde_json::from_str::<Written<'_>>(self.text())
        else {
            return self.clone();
        };
        let topic = Value::from(topic_name);
        let id = metadata.get("CorrelationId").cloned().unwrap_or_default();
        let text = match manner % 3 {
            0 => format!(
                r#"{{"metadata":{{"type":"event","CorrelationId":{id},"socket":{manner}}},"eventBody":{event_body},"version":{version},"topicName":{topic}}}"#
            ),
            1 => format!(
                r#"{{ "topicName": {topic}, "version": {version}, "eventBody": {event_body}, "metadata": {{ "CorrelationId": {id} }} }}"#
            ),
            _ => format!(
                r#"{{"topicName":{topic},"version":{version},"eventBody":{event_body},"socket":{{"n":{manner}}},"metadata":{{"CorrelationId":{id}}}}}"#
            ),
        };
        Self { topic: Arc::clone(&self.topic), message: Message::text(text) }
    }

    /// The same event, filled up so that its frame has exactly so many bytes, or as few as it can have.
    pub(super) fn of_size(&self, bytes: usize) -> Self {
        const FIELD: usize = r#","message":"""#.len();
        let text = self.text();
        // Before the end of the body, which the envelope closes after the metadata.
        let place = text.find(r#"},"metadata""#).or_else(|| text.rfind('}')).unwrap_or(text.len());
        let (head, tail) = text.split_at(place);
        let comma = if head.ends_with('{') { "" } else { "," };
        let fixed = text.len() + FIELD - 1 + comma.len();
        let fill = "x".repeat(bytes.saturating_sub(fixed));
        let text = format!(r#"{head}{comma}"message":"{fill}"{tail}"#);
        Self { topic: Arc::clone(&self.topic), message: Message::text(text) }
    }

    /// The beginning of the event: no JSON.
    pub(super) fn malformed(&self) -> Utf8Bytes {
        let text = self.text();
        let half = text.char_indices().nth(text.len() / 2).map_or(0, |(place, _)| place);
        text.split_at(half).0.into()
    }

    /// The event with a lone continuation byte and an overlong form in its first string: not UTF-8.
    pub(super) fn invalid_utf8(&self) -> Vec<u8> {
        let text = self.text();
        let place = text.find(r#":""#).map_or(text.len(), |place| place + 2);
        let (head, tail) = text.split_at(place);
        [head.as_bytes(), &[0x80, 0xc0, 0xaf], tail.as_bytes()].concat()
    }
}

fn alter_enums(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if field.is_string() && ENUMS.contains(&name.as_str()) {
                    *field = json!(NEW_VALUE);
                } else {
                    alter_enums(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(alter_enums),
        _ => {}
    }
}

/// What a socket is told when its channel is no more, or its token.
pub(super) fn gone(message: &str) -> String {
    json!({ "result": "404", "message": message }).to_string()
}

/// `v2.system.socket_closing`.
pub(super) fn closing(channel: &str, seconds: u64, correlation: &str) -> Event {
    let body = json!({
        "message": format!("closing in {seconds} seconds"),
        "channelId": channel,
    });
    Event::new("v2.system.socket_closing", &body, correlation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(event: &Event) -> Value {
        serde_json::from_str(event.text()).unwrap()
    }

    fn with(change: impl FnOnce(&mut Knobs)) -> Knobs {
        let mut knobs = Knobs::default();
        change(&mut knobs);
        knobs
    }

    fn presence() -> Event {
        let body = json!({ "presenceDefinition": { "id": "a", "systemPresence": "AWAY" } });
        Event::new("v2.users.a.presence", &body, "c")
    }

    #[test]
    fn an_envelope_begins_with_its_topic() {
        let event = Event::new("v2.users.A.routingStatus", &json!({ "a": 1 }), "c");
        assert_eq!(
            event.text(),
            r#"{"topicName":"v2.users.A.routingStatus","version":"2","eventBody":{"a":1},"metadata":{"CorrelationId":"c"}}"#
        );
        assert_eq!(&*event.topic, "v2.users.a.routingstatus");
    }

    #[test]
    fn envelopes_differ_by_socket_and_bodies_do_not() {
        let event = presence();
        let flat = Event::flat("x", &json!({ "b": 1 }));
        let (body, was) = (json!(event.text()), parse(&event));
        for manner in 0..3 {
            let other = event.worded(manner);
            assert_ne!(json!(other.text()), body);
            let frame = parse(&other);
            for member in ["topicName", "version", "eventBody"] {
                assert_eq!(frame[member], was[member]);
            }
            assert_eq!(frame["metadata"]["CorrelationId"], "c");
            assert_eq!(flat.worded(manner).text(), flat.text());
        }
    }

    #[test]
    fn an_event_without_an_envelope_begins_with_its_type() {
        let event = Event::flat("frames.A", &json!({ "id": 1, "type": "keepalive", "a": {} }));
        assert_eq!(event.text(), r#"{"type":"keepalive","a":{},"id":1}"#);
        assert_eq!(Event::flat("x", &json!({ "b": 1, "a": 2 })).text(), r#"{"a":2,"b":1}"#);
    }

    #[test]
    fn an_oversize_event_has_exactly_the_size() {
        for event in [
            Event::new("v2.x", &json!({ "message": "" }), "c"),
            Event::new("v2.x", &json!({}), "c"),
            Event::flat("x", &json!({ "type": "event" })),
        ] {
            for bytes in [200, 70_000] {
                let large = event.of_size(bytes);
                assert_eq!(large.text().len(), bytes);
                assert!(parse(&large).is_object());
            }
        }
    }

    #[test]
    fn altered_events_keep_the_rest() {
        let fields = parse(&presence().altered(&with(|knobs| knobs.unknown_field = true)));
        assert_eq!(fields["eventBody"]["simulatedField"]["new"], true);
        assert!(fields.get("simulatedEnvelopeField").is_some());
        let enums = parse(&presence().altered(&with(|knobs| knobs.unknown_enum = true)));
        assert_eq!(enums["eventBody"]["presenceDefinition"]["id"], "a");
        assert_eq!(enums["eventBody"]["presenceDefinition"]["systemPresence"], NEW_VALUE);
        assert_eq!(enums["metadata"]["CorrelationId"], "c");
    }

    #[test]
    fn fields_are_null_or_missing_only_where_there_is_no_envelope() {
        let event = Event::flat("x", &json!({ "queueId": "q", "waitTime": 5, "state": "A" }));
        let null = parse(&event.altered(&with(|knobs| knobs.null_fields = true)));
        assert_eq!(null, json!({ "queueId": "q", "waitTime": null, "state": "A" }));
        let missing = parse(&event.altered(&with(|knobs| knobs.missing_fields = true)));
        assert_eq!(missing, json!({ "queueId": "q", "state": "A" }));
        let whole = presence().altered(&with(|knobs| knobs.null_fields = true));
        assert_eq!(whole.text(), presence().text());
    }

    #[test]
    fn wrong_frames_are_wrong() {
        for event in [presence(), Event::flat("x", &json!({ "type": "event" }))] {
            assert!(serde_json::from_str::<Value>(&event.malformed()).is_err());
            assert!(String::from_utf8(event.invalid_utf8()).is_err());
        }
    }
}

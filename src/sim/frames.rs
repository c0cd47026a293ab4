//! The text of frames: the event envelope, system messages, and frames that are wrong on purpose.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};
use tungstenite::Utf8Bytes;

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
];

/// One event, written once and sent to many sockets.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// In lower case: names are compared in any case.
    pub(super) topic: Arc<str>,
    pub(super) text: Utf8Bytes,
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

impl Event {
    /// An event in its envelope.
    pub(super) fn new(topic: &str, body: &Value, correlation: &str) -> Self {
        Self::with(topic, body, correlation, Map::new())
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
        Self {
            topic: topic.to_ascii_lowercase().into(),
            text: text.into(),
        }
    }

    /// The same event with fields or values that nobody knows.
    pub(super) fn altered(&self, unknown_field: bool, unknown_enum: bool) -> Self {
        let Ok(Value::Object(mut frame)) = serde_json::from_str(&self.text) else {
            return self.clone();
        };
        let (topic, mut body) = (frame.remove("topicName"), frame.remove("eventBody"));
        let correlation = frame
            .get("metadata")
            .and_then(|metadata| metadata.get("CorrelationId")?.as_str())
            .unwrap_or_default();
        let (Some(Value::String(topic)), Some(body)) = (topic, body.as_mut()) else {
            return self.clone();
        };
        let mut more = Map::new();
        if unknown_enum {
            alter_enums(body);
        }
        if unknown_field {
            more.insert("simulatedEnvelopeField".into(), json!({ "new": [1, 2] }));
            if let Value::Object(fields) = body {
                fields.insert("simulatedField".into(), json!({ "new": true }));
            }
        }
        Self::with(&topic, body, correlation, more)
    }

    /// An event whose frame has exactly so many bytes, or as few as an envelope can have.
    pub(super) fn of_size(topic: &str, bytes: usize, correlation: &str) -> Self {
        const EMPTY: &str = r#""message":"""#;
        let empty = Self::new(topic, &json!({ "message": "" }), correlation);
        let fill = "x".repeat(bytes.saturating_sub(empty.text.len()));
        let filled = format!(r#""message":"{fill}""#);
        Self {
            text: empty.text.replacen(EMPTY, &filled, 1).into(),
            ..empty
        }
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

/// The beginning of an event: no JSON.
pub(super) fn malformed(topic: &str) -> String {
    format!(r#"{{"topicName":"{topic}","version":"2","eventBody":{{"source":"PURECL"#)
}

/// A frame that is not UTF-8: a lone continuation byte and an overlong form within JSON.
pub(super) fn invalid_utf8(topic: &str) -> Vec<u8> {
    let mut bytes = format!(r#"{{"topicName":"{topic}","eventBody":{{"message":""#).into_bytes();
    bytes.extend_from_slice(&[0x80, 0xc0, 0xaf]);
    bytes.extend_from_slice(br#""}}"#);
    bytes
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
        serde_json::from_str(&event.text).unwrap()
    }

    #[test]
    fn an_envelope_begins_with_its_topic() {
        let event = Event::new("v2.users.A.routingStatus", &json!({ "a": 1 }), "c");
        assert_eq!(
            &*event.text,
            r#"{"topicName":"v2.users.A.routingStatus","version":"2","eventBody":{"a":1},"metadata":{"CorrelationId":"c"}}"#
        );
        assert_eq!(&*event.topic, "v2.users.a.routingstatus");
    }

    #[test]
    fn an_oversize_event_has_exactly_the_size() {
        for bytes in [200, 70_000] {
            assert_eq!(Event::of_size("v2.x", bytes, "c").text.len(), bytes);
        }
    }

    #[test]
    fn altered_events_keep_the_rest() {
        let body = json!({ "presenceDefinition": { "id": "a", "systemPresence": "AWAY" } });
        let event = Event::new("v2.users.a.presence", &body, "c");
        let fields = parse(&event.altered(true, false));
        assert_eq!(fields["eventBody"]["simulatedField"]["new"], true);
        assert!(fields.get("simulatedEnvelopeField").is_some());
        let enums = parse(&event.altered(false, true));
        assert_eq!(enums["eventBody"]["presenceDefinition"]["id"], "a");
        assert_eq!(
            enums["eventBody"]["presenceDefinition"]["systemPresence"],
            NEW_VALUE
        );
        assert_eq!(enums["metadata"]["CorrelationId"], "c");
    }

    #[test]
    fn wrong_frames_are_wrong() {
        assert!(serde_json::from_str::<Value>(&malformed("v2.x")).is_err());
        assert!(String::from_utf8(invalid_utf8("v2.x")).is_err());
    }
}

//! A frame that is read and written again is the same JSON, whatever the platform adds, leaves out or sets to null.

use genesys_cloud::Frame;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::Union;
use serde_json::{Map, Value, json};

/// A body for each type, with every field that the platform's models have.
fn full_bodies() -> Map<String, Value> {
    serde_json::from_str(include_str!("data/full_bodies.json")).expect("the file holds JSON")
}

fn frame(topic: &str, body: &Value) -> Value {
    json!({
        "topicName": topic, "version": "2", "eventBody": body,
        "metadata": {"CorrelationId": "290034f4"}
    })
}

fn round_trip(frame: &Value) -> Value {
    let text = frame.to_string();
    let decoded = Frame::decode(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    serde_json::to_value(&decoded).expect("a frame is JSON")
}

/// Any value, for a member that nobody knows.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((any::<String>(), inner), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A body like the full one: fields missing or null, other texts and numbers, lists of other lengths, and members that
/// nobody knows, at every level.
fn variation(full: &Value) -> BoxedStrategy<Value> {
    match full {
        Value::Object(members) => {
            let known: Vec<_> = members
                .iter()
                .map(|(name, value)| {
                    let value = prop_oneof![
                        2 => Just(None),
                        1 => Just(Some(Value::Null)),
                        4 => variation(value).prop_map(Some),
                    ];
                    (Just(name.clone()), value)
                })
                .collect();
            // What would fit the member of a free-form object fits an unknown member of any other.
            let added = match members.get("k") {
                Some(value) => variation(value),
                None => anything().boxed(),
            };
            (known, vec(("[a-zA-Z\"\\\\é]{1,6}new", added), 0..2))
                .prop_map(|(known, added)| {
                    let known = known.into_iter().filter_map(|(n, v)| Some((n, v?)));
                    Value::Object(known.chain(added).collect())
                })
                .boxed()
        }
        Value::Array(items) => match items.as_slice() {
            [item] => {
                let item = prop_oneof![1 => Just(Value::Null), 6 => variation(item)];
                vec(item, 0..3).prop_map(Value::from).boxed()
            }
            _ => Just(full.clone()).boxed(),
        },
        Value::Bool(_) => any::<bool>().prop_map(Value::from).boxed(),
        Value::Number(number) if number.is_f64() => prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(|n| if n.is_finite() { json!(n) } else { json!(0.0) }),
        ]
        .boxed(),
        Value::Number(_) => any::<i64>().prop_map(Value::from).boxed(),
        Value::String(text) => {
            let own = Just(Value::from(text.clone()));
            prop_oneof![own, any::<String>().prop_map(Value::from)].boxed()
        }
        Value::Null => Just(Value::Null).boxed(),
    }
}

fn any_frame() -> impl Strategy<Value = Value> {
    let kinds = full_bodies().into_iter().map(|(topic, full)| {
        (variation(&full), vec(("[a-z]{1,5}New", anything()), 0..2)).prop_map(
            move |(body, added)| {
                let mut frame = frame(&topic, &body);
                let members = frame.as_object_mut().expect("a frame is an object");
                members.extend(added);
                frame
            },
        )
    });
    Union::new(kinds.map(Strategy::boxed).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_event_loses_anything(frame in any_frame()) {
        prop_assert_eq!(round_trip(&frame), frame);
    }

    #[test]
    fn an_unknown_topic_loses_nothing(body in anything()) {
        let frame = frame("v2.nobody.knows.this", &body);
        prop_assert_eq!(round_trip(&frame), frame);
    }
}

#[test]
fn every_field_of_the_platforms_models_has_a_field_here() {
    for (topic, body) in full_bodies() {
        let text = frame(&topic, &body).to_string();
        let decoded = Frame::decode(&text).expect("a valid frame");
        assert_ne!(decoded.event.variant(), "Unrecognized", "{topic}");
        let shown = format!("{:?}", decoded.event);
        assert!(!shown.contains("extra: "), "{topic}: {shown}");
        assert_eq!(round_trip(&frame(&topic, &body)), frame(&topic, &body));
    }
}

#[test]
fn envelopes_keep_what_they_had_and_get_nothing_new() {
    for text in [
        r#"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#,
        r#"{"topicName":"v2.users.1.presence","version":2,"eventBody":null,"metadata":null}"#,
        r#"{"topicName":"v2.users.1.presence"}"#,
        r#"{"topicName":"v2.users.1.presence","version":null,"eventBody":{},"metadata":{"type":"x","CorrelationId":"1"},"new":[1.0,1e2]}"#,
        r#"{"topicName":"v2.nobody.knows","eventBody":[123456789012345678901234567890,0.10,-0,1E5]}"#,
        r#"{"topicName":"v2.analytics.queues.1.observations","eventBody":{"group":{"queueId":null},"data":[{"metrics":[{"stats":{"count":1,"sum":1.0,"max":null}}]}]}}"#,
    ] {
        let frame = Frame::decode(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(serde_json::to_string(&frame).expect("JSON"), text);
    }
}

#[test]
fn a_body_before_its_topic_is_the_same_frame() {
    let text = r#"{"eventBody":{"primary":true},"metadata":{"CorrelationId":"1"},"topicName":"v2.users.1.presence"}"#;
    let frame = Frame::decode(text).expect("a valid frame");
    assert_eq!(frame.event.variant(), "UsersPresence");
    assert_eq!(frame.correlation_id().as_deref(), Some("1"));
    let again: Value = serde_json::to_value(&frame).expect("JSON");
    assert_eq!(again, serde_json::from_str::<Value>(text).expect("JSON"));
}

#[test]
fn a_number_is_written_with_the_same_value() {
    // Long fractions and both ends of the range: where a parser that rounds approximately is off.
    for number in [
        "0.1234567890123456789",
        "1.7976931348623157e308",
        "2.2250738585072014e-308",
        "9007199254740993.0",
    ] {
        let text = format!(
            r#"{{"topicName":"v2.analytics.queues.1.observations","eventBody":{{"data":[{{"metrics":[{{"stats":{{"sum":{number}}}}}]}}]}}}}"#
        );
        let frame = Frame::decode(&text).expect("a valid frame");
        let json = frame.event.body_json().expect("JSON").get().to_owned();
        let written = json.split("\"sum\":").nth(1).expect("a sum").trim_end_matches(['}', ']']);
        let value = |text: &str| text.parse::<f64>().expect("a number");
        assert_eq!(value(written).to_bits(), value(number).to_bits(), "{written}");
    }
}

#[test]
fn faults_are_errors_that_name_topic_and_place() {
    let text = r#"{"topicName":"v2.users.1.conversations","eventBody":{"participants":[{},{"attributes":{"a":7}}]}}"#;
    let error = Frame::decode(text).expect_err("7 is not a text");
    let message = error.to_string();
    assert!(message.contains("v2.users.1.conversations"), "{message}");
    assert!(message.contains("participants[1].attributes.a"), "{message}");
    assert!(error.body().is_some_and(|body| body.starts_with("{\"participants\"")));
    for text in ["", "{}", "[]", "{\"result\":\"200\"}", "{\"topicName\":7}", "nonsense"] {
        assert!(Frame::decode(text).is_err(), "{text}");
    }
}

//! However a frame is written, it is the same event in every way of reading it: as usual or with care, by a stream or as
//! a [`Frame`].

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use serde_json::value::RawValue;

use crate::events::decoder::Decoder;
use crate::events::generated::table::Event;
use crate::events::incoming::Incoming;
use crate::events::topic::Topic;
use crate::events::{Frame, template};

/// Topics with many kinds of field, some without a type, and those that are for the stream.
const TOPICS: &[&str] = &[
    "v2.users.1.presence",
    "v2.users.1.conversations",
    "v2.users.1.alerting.alerts",
    "v2.analytics.queues.1.observations",
    "v2.conversations.1.transcription",
    "v2.system.socket_closing",
    "v2.nobody.knows",
    "channel.metadata",
];

/// Names of fields, most of them of these topics, with how they are written.
const NAMES: &[&str] = &[
    "id",
    "source",
    "primary",
    "message",
    "presenceDefinition",
    "participants",
    "calls",
    "held",
    "attributes",
    "self",
    "disconnectReasons",
    "code",
    "data",
    "metrics",
    "stats",
    "count",
    "sum",
    "transcripts",
    "confidence",
    "clauses",
    "conditions",
    "active",
    "mediaRoles",
    "channelId",
    "modifiedDate",
    "additionalProperties",
    "new",
    "topicName",
    "\\u0069d",
    "mess\\u0061ge",
    "",
];

/// Values of a leaf: valid or not, and in unusual spellings.
const LEAVES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "7",
    "-12",
    "1.5",
    "1e2",
    "1E400",
    "01",
    "+1",
    "-",
    "1.",
    ".5",
    "0.10",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "123456789012345678",
    "1234567890123456789",
    "\"\"",
    "\"x\"",
    "\"line\\nbreak\"",
    "\"\\u00e9\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\q\"",
    "\"\u{e9}\u{1f600}\"",
    "\"tab\there\"",
    "\"del\u{7f}\"",
    "\"2026-03-04T09:30:00Z\"",
    "tru",
    "nul",
    "\"open",
    "{",
    "]",
    "[]",
    "{}",
    "[null]",
    "[ 1 , null ]",
    "[1,]",
    "{\"a\":1,}",
];

const SPACES: &[&str] = &["", "", "", "", " ", "\n", "\t \r\n", "\u{b}", "\u{a0}"];

fn space() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&SPACES[..7])
}

/// Any JSON, or nearly so.
fn value() -> impl Strategy<Value = String> {
    // A quarter of the leaves decides whether most bodies are valid: the first of the list are.
    let leaf = prop_oneof![
        8 => proptest::sample::select(&LEAVES[..8]).prop_map(str::to_owned),
        8 => "[ -~]{0,20}".prop_map(|text| json!(text).to_string()),
        2 => proptest::sample::select(LEAVES).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(6, 48, 5, |inner| {
        prop_oneof![
            (vec(inner.clone(), 0..4), space()).prop_map(|(items, space)| format!(
                "[{space}{}]",
                items.join(&[space, ","].concat())
            )),
            object(inner),
        ]
    })
}

fn object(inner: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (proptest::sample::select(NAMES), inner, space(), space());
    vec(member, 0..6).prop_map(|members| {
        let members: Vec<String> = members
            .into_iter()
            .map(|(name, value, before, behind)| {
                format!("{before}\"{name}\"{behind}:{before}{value}{behind}")
            })
            .collect();
        format!("{{{}}}", members.join(","))
    })
}

/// A frame in the usual form, or with its members in any order, twice, missing or unknown.
fn frame() -> impl Strategy<Value = String> {
    let topic = proptest::sample::select(TOPICS);
    let body = prop_oneof![3 => object(value()), 1 => value()];
    let usual = (topic.clone(), any::<bool>(), body.clone(), space()).prop_map(
        |(topic, version, body, space)| {
            let version = if version { "\"version\":\"2\"," } else { "" };
            format!(
                "{{{space}\"topicName\"{space}:\"{topic}\",{version}{space}\"eventBody\":{body}{space},\"metadata\":{space}{{\"CorrelationId\":\"c-1\"}}{space}}}{space}"
            )
        },
    );
    let member = prop_oneof![
        topic.prop_map(|topic| format!("\"topicName\":\"{topic}\"")),
        body.prop_map(|body| format!("\"eventBody\":{body}")),
        value().prop_map(|value| format!("\"metadata\":{value}")),
        Just("\"metadata\":{\"CorrelationId\":\"c-1\"}".to_owned()),
        value().prop_map(|value| format!("\"version\":{value}")),
        value().prop_map(|value| format!("\"more\":{value}")),
    ];
    let any = vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(",")));
    prop_oneof![3 => usual, 2 => any]
}

/// What is the same in both: the topic, the event, and the correlation id.
fn parts(incoming: Incoming<Event>) -> Option<(Topic, Event, Option<Box<str>>)> {
    match incoming {
        Incoming::Event { topic, event, correlation_id, .. }
        | Incoming::System { topic, event, correlation_id, .. } => {
            Some((topic, event, correlation_id))
        }
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_frame_is_the_same_event_in_every_way_of_reading_it(text in frame()) {
        let mut decoder = Decoder::new();
        let usual = decoder.decode_usual(&text).map(parts);
        let any = parts(decoder.decode_any(&text));
        if let Some(usual) = usual {
            prop_assert_eq!(&usual, &any);
        }
        match (Frame::decode(&text), any) {
            (Ok(frame), Some((topic, event, correlation_id))) => {
                prop_assert_eq!(frame.correlation_id(), correlation_id);
                prop_assert_eq!((frame.topic, frame.event), (topic, event));
            }
            (Err(_), Some((_, event, _))) => prop_assert_eq!(event.variant(), "Malformed"),
            // Heartbeats and pongs are nobody's event, and replies are no frames.
            (_, None) => {}
        }
    }

    #[test]
    fn a_body_is_the_same_whichever_reader_reads_it(
        topic in proptest::sample::select(TOPICS),
        body in prop_oneof![3 => object(value()).boxed(), 1 => value().boxed()],
    ) {
        let topic = Topic::unchecked(topic);
        let Some(kind) = template::find(topic.name()).and_then(|found| found.kind) else { return Ok(()) };
        let quick = Event::of_text(&topic, Some(kind), &body);
        match serde_json::from_str::<&RawValue>(&body) {
            Ok(raw) => match (quick, Event::of_any_text(&topic, kind, raw)) {
                (Some(quick), careful) => {
                    let written = serde_json::to_string(&quick).unwrap();
                    let again = serde_json::from_str::<Box<RawValue>>(&written).unwrap();
                    prop_assert_eq!(&quick, &careful);
                    prop_assert_eq!(Event::of_any_text(&topic, kind, &again), careful);
                }
                (None, careful) => {
                    prop_assert!(["Malformed", "Unrecognized"].contains(&careful.variant()), "{:?}", careful);
                }
            },
            Err(_) => prop_assert!(quick.is_none(), "{:?}", quick),
        }
    }
}

#[test]
fn bodies_deeper_than_the_quick_reader_goes_are_read_all_the_same() {
    let topic = Topic::unchecked("v2.users.1.alerting.alerts");
    let kind = template::find(topic.name()).and_then(|found| found.kind);
    for depth in [10, 45, 55, 60, 80, 1000] {
        let open = "{\"clauses\":[".repeat(depth);
        let body = format!("{{\"conditions\":{open}{}}}", "]}".repeat(depth));
        let raw: &RawValue = serde_json::from_str(&body).unwrap();
        let event = Event::of_body(&topic, kind, Some(raw));
        let careful = Event::of_any_text(&topic, kind.unwrap(), raw);
        assert_eq!(event, careful, "{depth}");
        assert_eq!(event.variant(), if depth < 62 { "UsersAlertingAlerts" } else { "Malformed" });
    }
}

//! What can be learnt of a frame without reading its body.

use std::borrow::Cow;

use crate::events::cursor::plain;
use crate::events::envelope::Envelope;

/// The topic of a frame, found without walking its body when it comes first, as the platform writes it.
///
/// `None` when the frame has no topic or is not JSON. Nothing behind a leading topic is looked at.
pub(crate) fn peek_topic(text: &str) -> Option<Cow<'_, str>> {
    match leading_topic(text) {
        Some(topic) => Some(Cow::Borrowed(topic)),
        None => Envelope::parse(text).ok()?.topic,
    }
}

/// The topic of a frame that begins with it; `None` when it does not, or holds an escape.
pub(crate) fn leading_topic(text: &str) -> Option<&str> {
    Some(split_topic(text)?.0)
}

/// The correlation id of a frame that ends with `"metadata":{"CorrelationId":"…"}}`; `None` when it does not.
///
/// In a valid frame the last two braces close the envelope and one of its members, and a string without an escape
/// begins at the quote before its end: so this needs no look at the body.
pub(crate) fn trailing_correlation_id(text: &str) -> Option<&str> {
    Some(split_metadata(text)?.2)
}

/// A frame with the members that the platform writes, in the order in which it writes them.
pub(crate) struct Split<'a> {
    pub(crate) topic: &'a str,
    /// With its quotes.
    pub(crate) version: Option<&'a str>,
    /// One JSON value if the frame is valid; whoever reads it must find its end here.
    pub(crate) body: &'a str,
    /// The object that holds the correlation id, and nothing else.
    pub(crate) metadata: &'a str,
    pub(crate) correlation_id: &'a str,
}

/// Takes a frame apart without walking its body; `None` when it has other members, or another order.
pub(crate) fn split(text: &str) -> Option<Split<'_>> {
    let (topic, rest) = split_topic(text)?;
    let mut rest = after(rest, ",")?;
    let mut version = None;
    if let Some(behind) = after(rest, "\"version\"") {
        let at = after(behind, ":")?;
        let (_, behind) = string_after(at)?;
        version = at.get(..at.len() - behind.len()).map(str::trim_ascii_start);
        rest = after(behind, ",")?;
    }
    let body_and_more = after(after(rest, "\"eventBody\"")?, ":")?;
    let (before_metadata, metadata, correlation_id) = split_metadata(body_and_more)?;
    let body = before(before_metadata, ",")?;
    Some(Split { topic, version, body, metadata, correlation_id })
}

/// A leading topic, and what is behind it.
fn split_topic(text: &str) -> Option<(&str, &str)> {
    leading_member(text, "\"topicName\"")
}

/// The string that an object begins with under this name, quotes included, and what is behind it.
///
/// `None` when the object begins with another member, or the string holds an escape.
pub(crate) fn leading_member<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    string_after(after(after(after(text, "{")?, name)?, ":")?)
}

/// What is before trailing metadata, the metadata, and the correlation id in it.
fn split_metadata(text: &str) -> Option<(&str, &str, &str)> {
    let within = before(text, "}")?.trim_ascii_end();
    let (rest, id) = string_before(before(within, "}")?)?;
    let rest = before(before(before(rest, ":")?, "\"CorrelationId\"")?, "{")?;
    let metadata = within.get(rest.len()..)?;
    let rest = before(before(rest, ":")?, "\"metadata\"")?;
    Some((rest, metadata, id))
}

/// A text that begins with a token, behind the token.
fn after<'a>(text: &'a str, token: &str) -> Option<&'a str> {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let text = match text.as_bytes().first() {
        Some(first) if space(first) => text.trim_start_matches([' ', '\t', '\n', '\r']),
        _ => text,
    };
    text.strip_prefix(token)
}

/// A text that ends with a token, before the token.
fn before<'a>(text: &'a str, token: &str) -> Option<&'a str> {
    text.trim_end_matches([' ', '\t', '\n', '\r']).strip_suffix(token)
}

/// The string that a text begins with, and what is behind it; `None` when the string holds an escape.
fn string_after(text: &str) -> Option<(&str, &str)> {
    let rest = after(text, "\"")?;
    let end = plain(rest.as_bytes());
    Some((rest.get(..end)?, rest.get(end..)?.strip_prefix('"')?))
}

/// What is before the string that a text ends with, and the string; `None` when the string holds an escape.
fn string_before(text: &str) -> Option<(&str, &str)> {
    let rest = before(text, "\"")?;
    let begin = rest.rfind('"')?;
    let string = rest.get(begin + 1..)?;
    (plain(string.as_bytes()) == string.len()).then_some((rest.get(..begin)?, string))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_leading_topic_is_found_before_a_body_that_is_not_json() {
        let text = " {\n\"topicName\" : \"v2.users.1.presence\", \"eventBody\": ]]]";
        assert_eq!(leading_topic(text), Some("v2.users.1.presence"));
    }

    #[test]
    fn the_topic_inside_a_body_is_not_the_frames() {
        let text = r#"{"eventBody":{"topicName":"v2.wrong"},"topicName":"v2.right"}"#;
        assert_eq!(peek_topic(text).as_deref(), Some("v2.right"));
        assert_eq!(peek_topic(r#"{"eventBody":{"topicName":"v2.wrong"}}"#), None);
        assert_eq!(peek_topic("\"topicName\""), None);
    }

    #[test]
    fn the_correlation_id_of_another_member_is_not_the_frames() {
        let id = trailing_correlation_id;
        assert_eq!(id(r#"{"metadata":{"CorrelationId":"a"}}"#), Some("a"));
        assert_eq!(id("{\"metadata\" : { \"CorrelationId\" :\"a\" }\n}\n"), Some("a"));
        assert_eq!(id(r#"{"e":{"metadata":{"CorrelationId":"a"}}}"#), None);
        assert_eq!(id(r#"{"metadata":{"CorrelationId":"a"},"b":{}}"#), None);
        assert_eq!(id(r#"{"metadata":{"CorrelationId":"a","b":"c"}}"#), None);
        assert_eq!(id(r#"{"x":"\"metadata\":{\"CorrelationId\":\"a\"}}"}"#), None);
        assert_eq!(id(r#"{"other":{"CorrelationId":"a"}}"#), None);
    }

    fn member() -> impl Strategy<Value = (String, Value)> {
        let name = prop_oneof![
            Just("topicName".to_owned()),
            Just("eventBody".to_owned()),
            Just("version".to_owned()),
            "[a-z\"\\\\]{1,5}"
        ];
        let value = prop_oneof![
            any::<String>().prop_map(Value::from),
            "v2\\.[a-z.]{1,20}".prop_map(Value::from),
            "[a-z\"\\\\:{}, ]{0,20}"
                .prop_map(|s| json!({"topicName": s, "metadata": {"CorrelationId": s}})),
        ];
        (name, value)
    }

    proptest! {
        #[test]
        fn agrees_with_a_full_parse(
            members in proptest::collection::vec(member(), 0..5),
            tail in proptest::option::of("[a-z\"\\\\{}: ]{0,12}"),
            pretty in any::<bool>(),
        ) {
            let mut frame = serde_json::Map::new();
            let mut parts = Vec::new();
            let metadata = tail.map(|id| ("metadata".to_owned(), json!({"CorrelationId": id})));
            for (name, value) in members.into_iter().chain(metadata) {
                if !frame.contains_key(&name) {
                    parts.push(format!("{}:{value}", json!(name)));
                    frame.insert(name, value);
                }
            }
            let text = if pretty {
                serde_json::to_string_pretty(&frame).unwrap()
            } else {
                format!("{{{}}}", parts.join(","))
            };
            let topic = frame.get("topicName");
            if topic.is_none_or(Value::is_string) {
                let peeked = peek_topic(&text);
                prop_assert_eq!(peeked.as_deref(), topic.and_then(Value::as_str));
            }
            if let Some(id) = trailing_correlation_id(&text) {
                prop_assert_eq!(frame["metadata"]["CorrelationId"].as_str(), Some(id));
            }
        }

        #[test]
        fn a_split_frame_is_the_whole_frame(
            topic in "[ -~]{0,12}",
            version in proptest::option::of("[ -~]{0,4}"),
            body in member(),
            more in proptest::option::of(member()),
            id in "[ -~]{0,12}",
        ) {
            let mut text = format!("{{\"topicName\":{}", json!(topic));
            if let Some(version) = &version {
                text += &[",\"version\":", &json!(version).to_string()].concat();
            }
            text += &[",\"eventBody\":", &body.1.to_string()].concat();
            if let Some((name, value)) = &more {
                text += &[",", &json!(name).to_string(), ":", &value.to_string()].concat();
            }
            text += &[",\"metadata\":", &json!({"CorrelationId": id}).to_string(), "}"].concat();
            match split(&text) {
                Some(split) if serde_json::from_str::<Value>(split.body).is_ok() => {
                    prop_assert!(more.is_none());
                    prop_assert_eq!(split.topic, topic);
                    prop_assert_eq!(split.body, body.1.to_string());
                    let metadata: Value = serde_json::from_str(split.metadata).unwrap();
                    prop_assert_eq!(&metadata["CorrelationId"], &split.correlation_id);
                    prop_assert_eq!(split.correlation_id, id);
                    let version = version.map(|version| json!(version).to_string());
                    prop_assert_eq!(split.version, version.as_deref());
                }
                Some(_) => prop_assert!(more.is_some()),
                None => prop_assert!(text.contains('\\')),
            }
        }

        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = (peek_topic(&text), trailing_correlation_id(&text), split(&text).is_some());
        }
    }
}

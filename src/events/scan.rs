//! What can be learnt of a frame without reading its body.

use std::borrow::Cow;

use crate::events::envelope::Envelope;

/// The topic of a frame, found without walking its body when it comes first, as the platform writes it.
///
/// `None` when the frame has no topic or is not JSON. Nothing behind a leading topic is looked at.
pub(crate) fn peek_topic(text: &str) -> Option<Cow<'_, str>> {
    match leading_topic(text) {
        Some(topic) => Some(Cow::Borrowed(topic)),
        None => Envelope::parse(text, |_| None).ok()?.topic,
    }
}

/// The topic of a frame that begins with it; `None` when it does not, or holds an escape.
pub(crate) fn leading_topic(text: &str) -> Option<&str> {
    let rest = after(after(text, "{")?, "\"topicName\"")?;
    let rest = after(after(rest, ":")?, "\"")?;
    let end = rest.find('"')?;
    let topic = rest.get(..end)?;
    plain(topic).then_some(topic)
}

/// The correlation id of a frame that ends with `"metadata":{"CorrelationId":"…"}}`; `None` when it does not.
///
/// In a valid frame the last two braces close the envelope and one of its members, and a string without an escape
/// begins at the quote before its end: so this needs no look at the body.
pub(crate) fn trailing_correlation_id(text: &str) -> Option<&str> {
    let rest = before(before(text, "}")?, "}")?;
    let (rest, id) = string_before(rest)?;
    let (rest, name) = string_before(before(rest, ":")?)?;
    if name != "CorrelationId" {
        return None;
    }
    let (_, member) = string_before(before(before(rest, "{")?, ":")?)?;
    (member == "metadata").then_some(id)
}

const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

fn plain(text: &str) -> bool {
    !text.bytes().any(|byte| byte == b'\\' || byte < b' ')
}

fn after<'a>(text: &'a str, token: &str) -> Option<&'a str> {
    text.trim_start_matches(SPACE).strip_prefix(token)
}

fn before<'a>(text: &'a str, token: &str) -> Option<&'a str> {
    text.trim_end_matches(SPACE).strip_suffix(token)
}

/// The string that a text ends with, and what is before it.
fn string_before(text: &str) -> Option<(&str, &str)> {
    let (rest, string) = before(text, "\"")?.rsplit_once('"')?;
    plain(string).then_some((rest, string))
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
        assert_eq!(
            peek_topic(r#"{"eventBody":{"topicName":"v2.wrong"}}"#),
            None
        );
        assert_eq!(peek_topic("\"topicName\""), None);
    }

    #[test]
    fn the_correlation_id_of_another_member_is_not_the_frames() {
        let id = trailing_correlation_id;
        assert_eq!(id(r#"{"metadata":{"CorrelationId":"a"}}"#), Some("a"));
        assert_eq!(
            id("{\"metadata\" : { \"CorrelationId\" :\"a\" }\n}\n"),
            Some("a")
        );
        assert_eq!(id(r#"{"e":{"metadata":{"CorrelationId":"a"}}}"#), None);
        assert_eq!(id(r#"{"metadata":{"CorrelationId":"a"},"b":{}}"#), None);
        assert_eq!(id(r#"{"metadata":{"CorrelationId":"a","b":"c"}}"#), None);
        assert_eq!(
            id(r#"{"x":"\"metadata\":{\"CorrelationId\":\"a\"}}"}"#),
            None
        );
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
        fn never_panics(text in any::<String>()) {
            let _ = (peek_topic(&text), trailing_correlation_id(&text));
        }
    }
}

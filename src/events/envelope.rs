//! The envelope of a frame: read once, borrowed, with every member kept.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A string that is borrowed unless it holds an escape.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// One frame.
#[derive(Default)]
pub(crate) struct Envelope<'a> {
    pub(crate) topic: Option<Cow<'a, str>>,
    /// The text of the body.
    pub(crate) body: Option<&'a RawValue>,
    pub(crate) version: Option<&'a RawValue>,
    pub(crate) metadata: Option<&'a RawValue>,
    pub(crate) extra: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Envelope<'a> {
    /// Reads a frame.
    pub(crate) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        let mut from = serde_json::Deserializer::from_str(text);
        let envelope = from.deserialize_map(EnvelopeVisitor)?;
        from.end()?;
        Ok(envelope)
    }

    /// A member that is neither topic, body, version nor metadata.
    pub(crate) fn other(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.extra.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| *value)
    }

    /// The platform's id of the transaction that the event is part of.
    pub(crate) fn correlation_id(&self) -> Option<Box<str>> {
        correlation_id(self.metadata?.get())
    }
}

/// The correlation id in the metadata of a frame; whatever else is there does not matter.
pub(crate) fn correlation_id(metadata: &str) -> Option<Box<str>> {
    #[derive(Deserialize)]
    struct Metadata<'a> {
        #[serde(borrow, rename = "CorrelationId", alias = "correlationId")]
        id: Option<Text<'a>>,
    }
    let only = metadata
        .strip_prefix("{\"CorrelationId\":\"")
        .and_then(|rest| rest.strip_suffix("\"}"))
        .filter(|id| !id.bytes().any(|byte| byte == b'"' || byte == b'\\'));
    match only {
        Some(id) => Some(id.into()),
        None => Some(serde_json::from_str::<Metadata<'_>>(metadata).ok()?.id?.0.into()),
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a frame: an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(Text(name)) = map.next_key()? {
            match &*name {
                "topicName" => {
                    if envelope.topic.is_some() {
                        return Err(A::Error::custom("two topicName members"));
                    }
                    envelope.topic = map.next_value::<Option<Text<'de>>>()?.map(|text| text.0);
                }
                "eventBody" => {
                    if envelope.body.is_some() {
                        return Err(A::Error::custom("two eventBody members"));
                    }
                    envelope.body = Some(map.next_value()?);
                }
                "version" => envelope.version = Some(map.next_value()?),
                "metadata" => envelope.metadata = Some(map.next_value()?),
                _ => envelope.extra.push((name, map.next_value()?)),
            }
        }
        Ok(envelope)
    }
}

/// The body of a frame that may not be valid; empty when it is not, or has none.
pub(crate) fn body_of(frame: &str) -> &str {
    Envelope::parse(frame).ok().and_then(|envelope| envelope.body).map_or("", RawValue::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Envelope<'_> {
        Envelope::parse(text).unwrap()
    }

    #[test]
    fn what_the_platform_leaves_out_or_writes_differently_is_taken() {
        let heartbeat = r#"{"topicName":"channel.metadata","eventBody":{"message":"x"}}"#;
        let envelope = parse(heartbeat);
        assert!(envelope.version.is_none() && envelope.metadata.is_none());

        let envelope = parse(r#"{"eventBody":null,"version":2,"topicName":"v2.a","x":[1]}"#);
        assert_eq!(envelope.topic.as_deref(), Some("v2.a"));
        assert!(envelope.body.is_some_and(|body| body.get() == "null"));
        assert_eq!(envelope.version.unwrap().get(), "2");
        assert_eq!(envelope.other("x").unwrap().get(), "[1]");
    }

    #[test]
    fn the_correlation_id_is_found_in_any_metadata() {
        let id = |metadata: &str| parse(&format!("{{\"metadata\":{metadata}}}")).correlation_id();
        assert_eq!(id(r#"{"CorrelationId":"a-1"}"#).as_deref(), Some("a-1"));
        assert_eq!(id(r#"{ "type":"x", "CorrelationId" : "a\u002d1" }"#).as_deref(), Some("a-1"));
        assert_eq!(id(r#"{"CorrelationId":"a","b":"c"}"#).as_deref(), Some("a"));
        assert_eq!(id(r#"{"correlationId":"a"}"#).as_deref(), Some("a"));
        for none in [
            "null",
            "{}",
            "7",
            "\"a\"",
            "[]",
            r#"{"CorrelationId":7}"#,
            r#"{"CorrelationId":null}"#,
        ] {
            assert_eq!(id(none), None, "{none}");
        }
    }

    #[test]
    fn a_frame_with_two_topics_or_bodies_is_refused() {
        for text in [
            r#"{"topicName":"a","topicName":"b"}"#,
            r#"{"eventBody":1,"eventBody":2}"#,
            r#"{"topicName":7}"#,
            "{} {}",
            "[]",
            "",
            "{",
        ] {
            assert!(Envelope::parse(text).is_err(), "{text}");
        }
    }
}

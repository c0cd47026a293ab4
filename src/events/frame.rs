//! One whole frame, read and written without loss.

use std::borrow::Cow;
use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::events::envelope::{Envelope, correlation_id};
use crate::events::event::clause;
use crate::events::extra::Extra;
use crate::events::generated::table::{Event, TopicKind};
use crate::events::json::Json;
use crate::events::scan;
use crate::events::template;
use crate::events::topic::Topic;

/// A frame of a notification socket: the envelope with its event.
///
/// Written again, it is the same JSON: no member, null or number is lost.
///
/// ```
/// use genesys_cloud::{Event, Frame};
///
/// let text = r#"{"topicName":"v2.users.8f0c.presence","version":"2","eventBody":{"primary":true,"new":1}}"#;
/// let frame = Frame::decode(text)?;
/// let Event::UsersPresence(presence) = &frame.event else { panic!() };
/// assert_eq!(presence.primary, Some(true));
/// assert_eq!(serde_json::to_string(&frame).unwrap(), text);
/// # Ok::<(), genesys_cloud::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Frame {
    /// What the event is about.
    pub topic: Topic,
    /// What happened.
    pub event: Event,
    /// Members of the envelope that this version does not know.
    pub extra: Extra,
    version: Option<Json>,
    metadata: Option<Json>,
    has_body: bool,
}

impl Frame {
    /// Decodes one frame.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when the text is not a frame with a topic, or when the body of a topic that has a type does
    /// not fit it: the message has the JSON path, [`Error::body`] the beginning of the body. An unknown topic is not an
    /// error.
    pub fn decode(text: &str) -> Result<Self> {
        match Self::decode_usual(text) {
            Some(frame) => Ok(frame),
            None => Self::decode_any(text),
        }
    }

    /// Decodes a frame that looks as usual and is valid.
    fn decode_usual(text: &str) -> Option<Self> {
        let split = scan::split(text)?;
        let topic = Topic::unchecked(split.topic);
        let event = Event::of_text(&topic, kind_of(&topic), split.body)?;
        let json = |text: &str| Some(Json::new(RawValue::from_string(text.to_owned()).ok()?));
        Some(Self {
            topic,
            event,
            extra: Extra::default(),
            version: match split.version {
                Some(version) => Some(json(version)?),
                None => None,
            },
            metadata: Some(json(split.metadata)?),
            has_body: true,
        })
    }

    /// Decodes any other frame.
    fn decode_any(text: &str) -> Result<Self> {
        let envelope = Envelope::parse(text).map_err(|error| {
            let message = format!("frame is not a notification: {}", clause(&error));
            Error::new(ErrorKind::Decode, message).with_body(text.as_bytes())
        })?;
        let Some(name) = envelope.topic else {
            let error = Error::new(ErrorKind::Decode, "frame has no topicName");
            return Err(error.with_body(text.as_bytes()));
        };
        let topic = Topic::unchecked(name);
        let event = Event::of_body(&topic, kind_of(&topic), envelope.body);
        if let Event::Malformed { error, path, body, .. } = &event {
            let place = if path.is_empty() { "its beginning" } else { path };
            let message = format!("body of {topic} is malformed at {place}: {error}");
            return Err(Error::new(ErrorKind::Decode, message).with_body(body.as_bytes()));
        }
        let mut extra = Extra::default();
        for (name, value) in envelope.extra {
            extra.push(name, Json::from(value));
        }
        Ok(Self {
            topic,
            event,
            extra,
            version: envelope.version.map(Json::from),
            metadata: envelope.metadata.map(Json::from),
            has_body: envelope.body.is_some(),
        })
    }

    /// The topic of a frame, without decoding it: its body is not even walked when the topic comes first, as the
    /// platform writes it.
    ///
    /// `None` when there is no topic, or the text is not JSON as far as it was read.
    pub fn peek_topic(text: &str) -> Option<Cow<'_, str>> {
        scan::peek_topic(text)
    }

    /// The version as JSON: `"2"` with its quotes, as the platform writes it.
    pub fn version(&self) -> Option<&Json> {
        self.version.as_ref()
    }

    /// The metadata as JSON.
    pub fn metadata(&self) -> Option<&Json> {
        self.metadata.as_ref()
    }

    /// The platform's id of the transaction that the event is part of. Not unique: one transaction makes many events.
    pub fn correlation_id(&self) -> Option<Box<str>> {
        correlation_id(self.metadata()?.as_str())
    }
}

fn kind_of(topic: &Topic) -> Option<TopicKind> {
    template::find(topic.name()).and_then(|found| found.kind)
}

impl Serialize for Frame {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("topicName", self.topic.name())?;
        if let Some(version) = &self.version {
            map.serialize_entry("version", version)?;
        }
        if self.has_body {
            map.serialize_entry("eventBody", &self.event)?;
        }
        if let Some(metadata) = &self.metadata {
            map.serialize_entry("metadata", metadata)?;
        }
        self.extra.write(&mut map)?;
        map.end()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("topic", &self.topic)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

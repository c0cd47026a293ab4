//! The raw level: topic and text, for those who forward or filter.

use std::fmt;

use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::events::decoder::read_frame;
use crate::events::envelope::body_of;
use crate::events::generated::table::Event;
use crate::events::lifecycle::Lifecycle;
use crate::events::topic::Topic;

/// One item of a raw stream.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RawEvent {
    /// A frame as it was received.
    Frame(RawFrame),
    /// Not from the platform: what happened to the stream itself.
    Lifecycle(Lifecycle),
}

impl RawEvent {
    /// The topic; `None` for a lifecycle item.
    pub fn topic(&self) -> Option<&Topic> {
        match self {
            Self::Frame(frame) => Some(frame.topic()),
            Self::Lifecycle(_) => None,
        }
    }

    /// The text of the body; empty for a lifecycle item. See [`RawFrame::body`].
    pub fn body(&self) -> &str {
        match self {
            Self::Frame(frame) => frame.body(),
            Self::Lifecycle(_) => "",
        }
    }

    /// The typed event.
    ///
    /// # Errors
    /// As [`RawFrame::decode`].
    pub fn decode(&self) -> Result<Event> {
        match self {
            Self::Frame(frame) => frame.decode(),
            Self::Lifecycle(item) => Ok(Event::Lifecycle(item.clone())),
        }
    }
}

impl From<Lifecycle> for RawEvent {
    fn from(item: Lifecycle) -> Self {
        Self::Lifecycle(item)
    }
}

/// A frame that was not decoded: one copy of its text, and its topic.
///
/// Only the topic has been looked at, so the text may turn out not to be JSON. `Debug` shows its length only.
#[derive(Clone, PartialEq)]
pub struct RawFrame {
    topic: Topic,
    text: Box<str>,
}

impl RawFrame {
    pub(crate) fn new(topic: Topic, text: &str) -> Self {
        Self { topic, text: text.into() }
    }

    /// A frame around a body that came without one.
    pub(crate) fn around(topic: &Topic, body: &RawValue) -> Self {
        let name = serde_json::Value::from(topic.name());
        let text = format!(r#"{{"topicName":{name},"version":"2","eventBody":{body}}}"#);
        Self { topic: topic.clone(), text: text.into() }
    }

    /// The topic; [`Topic::none`] when the frame has none.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The whole frame as it was received, envelope included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of the body, found by reading the frame at each call; empty when it has none, or is not valid JSON.
    pub fn body(&self) -> &str {
        body_of(&self.text)
    }

    /// The typed event.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when the frame cannot be understood: what a typed stream delivers as
    /// [`Event::Malformed`].
    pub fn decode(&self) -> Result<Event> {
        match read_frame(&self.topic, &self.text) {
            Event::Malformed { error, path, body, .. } => {
                let place = if path.is_empty() { "its envelope" } else { &path };
                let message = format!("frame of {} is malformed at {place}: {error}", self.topic);
                Err(Error::new(ErrorKind::Decode, message).with_body(body.as_bytes()))
            }
            event => Ok(event),
        }
    }
}

impl fmt::Debug for RawFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawFrame")
            .field("topic", &self.topic)
            .field("bytes", &self.text.len())
            .finish()
    }
}

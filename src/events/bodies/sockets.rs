//! What the sockets of [`protocols`](crate::protocols) send that are not notification channels.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Number;

use crate::core::id_text::canonical;
use crate::error::cut;
use crate::events::body::body;
use crate::events::event::clause;
use crate::events::json::Json;
use crate::events::place;
use crate::events::timestamp::Timestamp;
use crate::events::topic::Topic;

/// What the topics of the presence socket begin with.
const PRESENCE: &str = "socket.presence.";

body! {
    /// One step of an interaction in a queue: what the routing socket sends.
    pub struct RoutingInteraction {
        /// The queue, spelled as the socket spells it.
        queue_id: Box<str> = "queueId",
        /// The interaction.
        interaction_id: Box<str> = "interactionId",
        /// What happened.
        event_type: Box<str> = "eventType",
        /// How long the interaction waited, in milliseconds.
        wait_time: Number = "waitTime",
        /// How the agent stands.
        agent_status: Box<str> = "agentStatus",
        /// When.
        timestamp: Timestamp = "timestamp",
    }
}

body! {
    /// The presence of one user: what the presence socket sends.
    pub struct PresenceUpdate {
        /// What it is about; `presence`.
        event_type: Box<str> = "eventType",
        /// The user.
        user_id: Box<str> = "userId",
        /// The presence.
        state: Box<str> = "state",
        /// When the user came to it.
        timestamp: Timestamp = "timestamp",
    }
}

/// What an `AppFoundry` socket sends: anything.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum AppMessage {
    /// A JSON message.
    Json {
        /// Its `type`; empty when it has none.
        kind: Box<str>,
        /// The message as received.
        value: Json,
    },
    /// A media frame: binary data that begins with [`MEDIA`](Self::MEDIA). The bytes are the socket's own, not copied.
    Media(Bytes),
    /// Text that is not JSON.
    Text(Box<str>),
    /// Any other binary data.
    Binary(Bytes),
}

impl AppMessage {
    /// The first byte of a media frame.
    pub const MEDIA: u8 = 0x80;

    /// What it is to be counted by: the `type` of a JSON message, `json` when it has none, `media`, `text` or `binary`.
    pub fn kind(&self) -> &str {
        match self {
            Self::Json { kind, .. } if kind.is_empty() => "json",
            Self::Json { kind, .. } => kind,
            Self::Media(_) => "media",
            Self::Text(_) => "text",
            Self::Binary(_) => "binary",
        }
    }
}

impl fmt::Debug for AppMessage {
    /// Shows what it is and how long, not what it says: it may be anything, a caller's voice included.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { kind, value } => {
                write!(f, "Json({:?}, {} bytes)", kind, value.as_str().len())
            }
            Self::Media(data) => write!(f, "Media({} bytes)", data.len()),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Binary(data) => write!(f, "Binary({} bytes)", data.len()),
        }
    }
}

/// One message of the interaction stream, undecoded. The bytes are the socket's own, not copied.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InteractionFrame {
    /// The message.
    pub payload: Bytes,
    /// Whether it came as binary data; else it is text, and UTF-8.
    pub binary: bool,
}

impl InteractionFrame {
    /// A message.
    pub fn new(payload: impl Into<Bytes>, binary: bool) -> Self {
        Self { payload: payload.into(), binary }
    }
}

impl fmt::Debug for InteractionFrame {
    /// Shows the length, not the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.binary { "Binary" } else { "Text" };
        write!(f, "{what}({} bytes)", self.payload.len())
    }
}

/// One JSON message of the real-time analytics socket.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct RealtimeEvent {
    /// Its `type`, or its `eventType`; empty when it has neither.
    pub kind: Box<str>,
    /// The message as received.
    pub value: Json,
}

impl RealtimeEvent {
    /// A message.
    pub fn new(kind: impl Into<Box<str>>, value: Json) -> Self {
        Self { kind: kind.into(), value }
    }
}

impl fmt::Debug for RealtimeEvent {
    /// Shows what it is and how long, not what it says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RealtimeEvent({:?}, {} bytes)", self.kind, self.value.as_str().len())
    }
}

impl PresenceUpdate {
    /// The topic of a user's presence on the presence socket: `socket.presence.{userId}`.
    ///
    /// A UUID is written as the platform writes it, with hyphens and in lower case, so that one user has one topic.
    pub fn topic(user: &str) -> Topic<Self> {
        Topic::unchecked(format!("{PRESENCE}{}", canonical(user)))
    }

    /// The user of such a topic.
    pub(crate) fn user_of(topic: &Topic) -> Option<&str> {
        topic.name().strip_prefix(PRESENCE).filter(|user| !user.is_empty())
    }
}

/// Why a message is not the body that its socket sends.
#[derive(Debug)]
pub(crate) struct Misfit {
    /// In one clause that holds nothing of the body.
    pub(crate) error: Box<str>,
    /// Where in the body.
    pub(crate) path: Box<str>,
}

/// Reads a message as a body.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Misfit> {
    serde_json::from_str(text).map_err(|error| {
        let path = if error.is_data() { place::path(text, &error) } else { String::new() };
        Misfit { error: clause(&error), path: cut(path.as_bytes()) }
    })
}

/// The text of a member of a message, without reading what is behind it; `None` when there is none, or it is no text.
///
/// Of several names it is the one that comes first in the message.
pub(crate) fn peek<'a>(text: &'a str, names: &[&str]) -> Option<Cow<'a, str>> {
    let mut found = None;
    let mut from = serde_json::Deserializer::from_str(text);
    // The member ends the reading as an error does.
    let _ = from.deserialize_map(Peek { names, found: &mut found });
    found
}

struct Peek<'n, 'a> {
    names: &'n [&'n str],
    found: &'n mut Option<Cow<'a, str>>,
}

/// A string that is borrowed unless it holds an escape.
#[derive(Deserialize)]
#[serde(transparent)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for Peek<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Borrowed(name)) = map.next_key()? {
            if self.names.contains(&&*name) {
                *self.found = map.next_value::<Option<Borrowed<'de>>>()?.map(|text| text.0);
                return Err(A::Error::custom("found"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_at_the_top_only_and_nothing_behind_it_is_read() {
        let table = [
            (r#"{"queueId":"a","broken":"#, Some("a")),
            (r#"{"x":{"queueId":"b"},"queueId":"a"}"#, Some("a")),
            (r#"{"x":{"queueId":"b"}}"#, None),
            (r#"{"queueId":null}"#, None),
            (r#"{"queueId":7}"#, None),
            (r#"{"x":]"#, None),
            (r#"["queueId","a"]"#, None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(peek(text, &["queueId"]).as_deref(), expected, "{text}");
        }
        assert!(matches!(peek(r#"{"q":"plain"}"#, &["q"]), Some(Cow::Borrowed(_))));
        assert_eq!(peek(r#"{"q":"\u0061b"}"#, &["p", "q"]).as_deref(), Some("ab"));
    }

    #[test]
    fn what_was_heard_or_said_is_not_in_debug() {
        let json: Json = serde_json::from_str(r#"{"a":"hush"}"#).unwrap();
        let shown = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?}",
            AppMessage::Json { kind: "k".into(), value: json.clone() },
            AppMessage::Media(Bytes::from_static(b"\x80hush")),
            AppMessage::Text("hush".into()),
            AppMessage::Binary(Bytes::from_static(b"hush")),
            InteractionFrame::new("hush", false),
            RealtimeEvent::new("k", json),
        );
        assert!(!shown.contains("hush"), "{shown}");
    }

    #[test]
    fn a_user_has_one_topic_however_the_id_is_spelled() {
        let id = "8f0c1d2e-3a4b-4c5d-8e6f-0123456789ab";
        let topic = PresenceUpdate::topic(&id.to_uppercase().replace('-', ""));
        assert_eq!(topic.name(), format!("socket.presence.{id}"));
        assert_eq!(PresenceUpdate::user_of(&topic.untyped()), Some(id));
        assert_eq!(PresenceUpdate::user_of(&Topic::unchecked("socket.presence.")), None);
        assert_eq!(PresenceUpdate::user_of(&Topic::unchecked("v2.users.a.presence")), None);
    }
}

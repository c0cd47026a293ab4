//! What of an event is a presence, whatever the kind of stream.

use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

#[cfg(feature = "users")]
use crate::core::limits;
use crate::events::bodies::PresenceUpdate;
#[cfg(feature = "users")]
use crate::events::{Event, topics};
use crate::events::{Lifecycle, Timestamp, Topic};
use crate::streaming::protocol::StreamEvent;
use crate::streaming::typed::Typed;

/// The state of a user. Two are the same when both parts are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct PresenceState {
    /// Its name, such as `AVAILABLE`, spelled as it came.
    pub name: Arc<str>,
    /// The id of the organization's definition, where the source names one: several share a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition: Option<Arc<str>>,
}

impl PresenceState {
    /// A state.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), definition: None }
    }

    /// Sets [`definition`](Self::definition).
    pub fn definition(mut self, id: impl Into<Arc<str>>) -> Self {
        self.definition = Some(id.into());
        self
    }
}

/// That a user came to a state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Presence {
    /// The user's id.
    pub user: Arc<str>,
    /// The state.
    pub state: PresenceState,
    /// When, by the platform's clock; `None` when the event does not say.
    pub at: Option<SystemTime>,
}

impl Presence {
    /// A presence.
    pub fn new(user: impl Into<Arc<str>>, state: PresenceState, at: Option<SystemTime>) -> Self {
        Self { user: user.into(), state, at }
    }
}

/// What an event is to a tracker.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reading<'a> {
    /// A presence.
    Presence(Presence),
    /// What happened to the stream itself.
    Lifecycle(&'a Lifecycle),
    /// It should have been a presence, and cannot be read as one.
    Malformed,
    /// Something else.
    Other,
}

/// An event of a stream that can tell presences: what a [`PresenceTracker`](crate::presence::PresenceTracker) works over.
///
/// Implemented for [`Event`](crate::Event), whose topics are `v2.users.{id}.presence` (with the feature `users`), and
/// for `Typed<PresenceUpdate>` of [`PresenceEvents`](crate::protocols::PresenceEvents).
pub trait PresenceEvent: StreamEvent {
    /// Most users of one stream.
    const MOST_USERS: usize;

    /// Scopes of which the token needs any one; empty when nothing is known of it.
    const SCOPES: &'static [&'static str];

    /// The topic by which a user is subscribed.
    fn topic(user: &str) -> Topic;

    /// The user of such a topic; `None` for other topics.
    fn user_of(topic: &Topic) -> Option<&str>;

    /// What the event under this topic is.
    fn read(&self, topic: &Topic) -> Reading<'_>;
}

impl PresenceEvent for Typed<PresenceUpdate> {
    /// As many as the socket takes.
    const MOST_USERS: usize = 100;

    /// The socket is not in the published API, and neither is its scope.
    const SCOPES: &'static [&'static str] = &[];

    fn topic(user: &str) -> Topic {
        PresenceUpdate::topic(user).untyped()
    }

    fn user_of(topic: &Topic) -> Option<&str> {
        PresenceUpdate::user_of(topic)
    }

    fn read(&self, _: &Topic) -> Reading<'_> {
        match self {
            Self::Lifecycle(item) => Reading::Lifecycle(item),
            Self::Body(body) => match (&body.user_id, &body.state) {
                (Some(user), Some(state)) => {
                    let at = body.timestamp.as_ref().and_then(Timestamp::to_system_time);
                    let state = PresenceState::new(&**state);
                    Reading::Presence(Presence::new(&**user, state, at))
                }
                _ => Reading::Malformed,
            },
            Self::Malformed { .. } => Reading::Malformed,
            Self::Unrecognized { .. } => Reading::Other,
        }
    }
}

/// What the topics of users begin and end with.
#[cfg(feature = "users")]
const AROUND: (&str, &str) = ("v2.users.", ".presence");

#[cfg(feature = "users")]
impl PresenceEvent for Event {
    /// As many as a channel has topics.
    const MOST_USERS: usize = limits::TOPICS_PER_CHANNEL;

    /// Source: the list of scopes, `GET /api/v2/oauth/scopes`.
    const SCOPES: &'static [&'static str] = &["presence", "presence:readonly"];

    fn topic(user: &str) -> Topic {
        topics::users::presence(user).untyped()
    }

    fn user_of(topic: &Topic) -> Option<&str> {
        let user = topic.name().strip_prefix(AROUND.0)?.strip_suffix(AROUND.1)?;
        (!user.is_empty() && !user.contains('.')).then_some(user)
    }

    /// A presence whose source is not the user's primary one is another thing: the user's state stays.
    fn read(&self, topic: &Topic) -> Reading<'_> {
        let body = match self {
            Self::Lifecycle(item) => return Reading::Lifecycle(item),
            Self::UsersPresence(body) => body,
            Self::Malformed { topic: Some(topic), .. }
                if <Self as PresenceEvent>::user_of(topic).is_some() =>
            {
                return Reading::Malformed;
            }
            Self::Malformed { topic: None, .. } => return Reading::Malformed,
            _ => return Reading::Other,
        };
        if body.primary == Some(false) {
            return Reading::Other;
        }
        let definition = body.presence_definition.as_ref();
        let name = definition.and_then(|definition| definition.system_presence.as_deref());
        let (Some(user), Some(name)) = (<Self as PresenceEvent>::user_of(topic), name) else {
            return Reading::Malformed;
        };
        let state = PresenceState {
            name: name.into(),
            definition: definition.and_then(|definition| definition.id.as_deref()).map(Into::into),
        };
        let at = body.modified_date.as_ref().and_then(Timestamp::to_system_time);
        Reading::Presence(Presence::new(user, state, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(feature = "users")]
    use crate::events::{Decoder, Incoming};

    fn update(text: &str) -> Typed<PresenceUpdate> {
        Typed::Body(Box::new(serde_json::from_str(text).unwrap()))
    }

    #[test]
    fn an_update_of_the_socket_is_a_presence() {
        let event = update(r#"{"userId":"u","state":"Busy","timestamp":"1970-01-01T00:00:01Z"}"#);
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
        let expected = Presence::new("u", PresenceState::new("Busy"), Some(at));
        assert!(
            matches!(event.read(&Topic::none()), Reading::Presence(found) if found == expected)
        );
        for text in [r#"{"userId":"u"}"#, r#"{"state":"Busy"}"#, "{}"] {
            assert!(matches!(update(text).read(&Topic::none()), Reading::Malformed), "{text}");
        }
        let odd = update(r#"{"userId":"u","state":"Busy","timestamp":"yesterday"}"#);
        assert!(matches!(odd.read(&Topic::none()), Reading::Presence(found) if found.at.is_none()));
    }

    #[cfg(feature = "users")]
    #[test]
    fn a_notification_is_a_presence_when_its_source_is_the_primary_one() {
        let read = |topic: &str, body: &str| {
            let text = format!(r#"{{"topicName":"{topic}","eventBody":{body}}}"#);
            let Incoming::Event { event, topic, .. } = Decoder::new().decode(&text) else {
                panic!("{text}")
            };
            match event.read(&topic) {
                Reading::Presence(found) => format!(
                    "{} {} {}",
                    found.user,
                    found.state.name,
                    found.state.definition.as_deref().unwrap_or("-")
                ),
                Reading::Malformed => "malformed".into(),
                Reading::Lifecycle(_) => "lifecycle".into(),
                Reading::Other => "other".into(),
            }
        };
        let topic = "v2.users.u-1.presence";
        let table = [
            (topic, r#"{"presenceDefinition":{"id":"d","systemPresence":"BUSY"}}"#, "u-1 BUSY d"),
            (
                topic,
                r#"{"primary":true,"presenceDefinition":{"systemPresence":"BUSY"}}"#,
                "u-1 BUSY -",
            ),
            (topic, r#"{"primary":false,"presenceDefinition":{"systemPresence":"BUSY"}}"#, "other"),
            (topic, r#"{"presenceDefinition":null}"#, "malformed"),
            (topic, r#"{"presenceDefinition":7}"#, "malformed"),
            (topic, "null", "other"),
            ("v2.users.u-1.routingStatus", "{}", "other"),
            ("v2.users.u-1.routingStatus", r#"{"routingStatus":7}"#, "other"),
        ];
        for (topic, body, expected) in table {
            assert_eq!(read(topic, body), expected, "{topic} {body}");
        }
        let of =
            |name| <Event as PresenceEvent>::user_of(&Topic::unchecked(name)).map(str::to_owned);
        assert_eq!(of(topic).as_deref(), Some("u-1"));
        for other in ["v2.users.presence", "v2.users..presence", "v2.users.a.b.presence", "x"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}

//! What a stream delivers, and how a body becomes it.

use std::any::Any;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::cut;
use crate::events::bodies::{ChannelMetadata, SystemMessage};
use crate::events::cursor::Cursor;
use crate::events::generated::table::{Event, TopicKind};
use crate::events::json::Json;
use crate::events::place;
use crate::events::serde_source;
use crate::events::topic::Topic;

/// Topics about the stream itself: their types are written by hand, and need no feature.
pub(crate) static OWN: &[(&str, TopicKind)] = &[
    ("channel.metadata", TopicKind::ChannelMetadata),
    ("v2.subscription.updated", TopicKind::System),
    ("v2.system.no_longer_subscribed.{id}", TopicKind::System),
    ("v2.system.socket_closing", TopicKind::System),
    ("v2.system.token_revoked.{id}", TopicKind::System),
    ("v2.system.{id}.{id}", TopicKind::System),
];

/// Defines [`Event`] and [`TopicKind`] from a table of topics, the types of their bodies, and their features.
macro_rules! event_table {
    ($($(#[$doc:meta])* $variant:ident($body:ident) = $template:literal, $feature:literal;)*) => {
        /// One event.
        ///
        /// `Debug` shows typed bodies, but of what could not be typed only the length: it may be anything. `Serialize`
        /// writes the body alone.
        #[derive(Clone)]
        #[non_exhaustive]
        pub enum Event {
            $($(#[$doc])* #[cfg(feature = $feature)] $variant(Box<$crate::events::bodies::$body>),)*
            /// The platform speaks about the channel or its subscriptions.
            System(Box<$crate::events::bodies::SystemMessage>),
            /// A heartbeat, or the answer to a ping.
            ChannelMetadata(Box<$crate::events::bodies::ChannelMetadata>),
            /// There is no type for the topic, or its body is null.
            Unrecognized {
                /// The topic.
                topic: Topic,
                /// The body as received, on one line; `null` when there was none.
                body: Box<RawValue>,
            },
            /// The frame could not be decoded.
            Malformed {
                /// The topic, when the frame had one.
                topic: Option<Topic>,
                /// What is wrong, in one clause that holds nothing of the body.
                error: Box<str>,
                /// Where in the body, such as `participants[0].calls[1].state`; empty when the whole frame is bad.
                path: Box<str>,
                /// The body, or the frame when it has none, cut to 512 bytes.
                body: Box<str>,
            },
            /// Not from the platform: what happened to the stream itself.
            Lifecycle(Lifecycle),
        }

        /// The kinds of topic that have a type for their bodies.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum TopicKind {
            $(#[cfg(feature = $feature)] $variant,)*
            System,
            ChannelMetadata,
        }

        /// The kinds of topics.
        pub(crate) static TYPED: &[(&str, TopicKind)] = &[
            $(#[cfg(feature = $feature)] ($template, TopicKind::$variant),)*
        ];

        impl Event {
            /// The name of the variant, such as `UsersPresence`.
            pub fn variant(&self) -> &'static str {
                match self {
                    $(#[cfg(feature = $feature)] Self::$variant(_) => stringify!($variant),)*
                    Self::System(_) => "System",
                    Self::ChannelMetadata(_) => "ChannelMetadata",
                    Self::Unrecognized { .. } => "Unrecognized",
                    Self::Malformed { .. } => "Malformed",
                    Self::Lifecycle(_) => "Lifecycle",
                }
            }

            /// Reads the body of a topic of this kind; `None` when it is null.
            pub(crate) fn read(
                kind: TopicKind,
                from: &mut dyn $crate::events::read::Source,
            ) -> Result<Option<Self>, $crate::events::read::Failed> {
                use $crate::events::read::Value;
                match kind {
                    $(#[cfg(feature = $feature)] TopicKind::$variant => {
                        Ok(Value::read_boxed(from)?.map(Self::$variant))
                    })*
                    TopicKind::System => Ok(Value::read_boxed(from)?.map(Self::System)),
                    TopicKind::ChannelMetadata => {
                        Ok(Value::read_boxed(from)?.map(Self::ChannelMetadata))
                    }
                }
            }

            /// The body, whatever its type; `None` when it has none.
            pub(crate) fn any(&self) -> Option<&(dyn std::any::Any + Send + Sync)> {
                match self {
                    $(#[cfg(feature = $feature)] Self::$variant(body) => Some(&**body),)*
                    Self::System(body) => Some(&**body),
                    Self::ChannelMetadata(body) => Some(&**body),
                    _ => None,
                }
            }

            /// The body, taken out; `None` when it has none.
            pub(crate) fn into_any(self) -> Option<Box<dyn std::any::Any + Send + Sync>> {
                match self {
                    $(#[cfg(feature = $feature)] Self::$variant(body) => Some(body),)*
                    Self::System(body) => Some(body),
                    Self::ChannelMetadata(body) => Some(body),
                    _ => None,
                }
            }
        }

        impl serde::Serialize for Event {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let body: &dyn $crate::events::write::Write = match self {
                    $(#[cfg(feature = $feature)] Self::$variant(body) => body,)*
                    Self::System(body) => body,
                    Self::ChannelMetadata(body) => body,
                    Self::Unrecognized { body, .. } => return body.serialize(to),
                    Self::Malformed { error, path, body, .. } => {
                        return to.collect_map([("error", error), ("path", path), ("body", body)]);
                    }
                    Self::Lifecycle(item) => return item.serialize(to),
                };
                $crate::events::write::value(body, to)
            }
        }

        impl PartialEq for Event {
            /// Compares bodies without a type by their text.
            fn eq(&self, other: &Self) -> bool {
                match (self, other) {
                    $(#[cfg(feature = $feature)] (Self::$variant(a), Self::$variant(b)) => a == b,)*
                    (Self::System(a), Self::System(b)) => a == b,
                    (Self::ChannelMetadata(a), Self::ChannelMetadata(b)) => a == b,
                    (
                        Self::Unrecognized { topic: a, body: x },
                        Self::Unrecognized { topic: b, body: y },
                    ) => a == b && x.get() == y.get(),
                    (
                        Self::Malformed { topic: a, error: e, path: p, body: x },
                        Self::Malformed { topic: b, error: f, path: q, body: y },
                    ) => (a, e, p, x) == (b, f, q, y),
                    (Self::Lifecycle(a), Self::Lifecycle(b)) => a == b,
                    _ => false,
                }
            }
        }

        impl std::fmt::Debug for Event {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let body: &dyn std::fmt::Debug = match self {
                    $(#[cfg(feature = $feature)] Self::$variant(body) => body,)*
                    Self::System(body) => body,
                    Self::ChannelMetadata(body) => body,
                    Self::Lifecycle(item) => item,
                    Self::Unrecognized { topic, body } => {
                        return f
                            .debug_struct("Unrecognized")
                            .field("topic", topic)
                            .field("body_bytes", &body.get().len())
                            .finish();
                    }
                    Self::Malformed { topic, error, path, body } => {
                        return f
                            .debug_struct("Malformed")
                            .field("topic", topic)
                            .field("error", error)
                            .field("path", path)
                            .field("body_bytes", &body.len())
                            .finish();
                    }
                };
                f.debug_tuple(self.variant()).field(body).finish()
            }
        }
    };
}
pub(crate) use event_table;

/// The body of a typed event: what [`Event::body_as`] and [`EventStream::of`](crate::EventStream::of) look for.
///
/// Implemented by the types in [`bodies`](crate::bodies) that are a whole body, and by no other.
pub trait TopicBody:
    Sealed + Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

/// Says which types are whole bodies, and which features they need: any one of them.
macro_rules! topic_bodies {
    ($($body:ident = $($feature:literal),+;)*) => {
        $(
            #[cfg(any($(feature = $feature),+))]
            impl $crate::events::event::Sealed for $crate::events::bodies::$body {}
            #[cfg(any($(feature = $feature),+))]
            impl $crate::events::event::TopicBody for $crate::events::bodies::$body {}
        )*
    };
}
pub(crate) use topic_bodies;

/// Nobody else's types are bodies.
pub trait Sealed {}

impl Sealed for SystemMessage {}
impl TopicBody for SystemMessage {}
impl Sealed for ChannelMetadata {}
impl TopicBody for ChannelMetadata {}

// Events are moved through queues by value. The largest variant is a gap: four times and a list of topics.
const _: () = assert!(size_of::<Event>() <= 96);

impl Event {
    /// The body as JSON on one line: what was received, for every event that has a type.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) when it cannot be written; nothing that was decoded is such.
    pub fn body_json(&self) -> crate::Result<Box<RawValue>> {
        serde_json::value::to_raw_value(self).map_err(|error| {
            crate::Error::new(crate::ErrorKind::Decode, "event cannot be written as JSON")
                .with_source(error)
        })
    }

    /// The body, when it is of this type: whatever the topic, since topics may share a type.
    ///
    /// ```
    /// use genesys_cloud::{Event, Frame, bodies::SystemMessage};
    ///
    /// let text = r#"{"topicName":"v2.system.socket_closing","eventBody":{"message":"soon"}}"#;
    /// let event = Frame::decode(text)?.event;
    /// assert_eq!(event.body_as::<SystemMessage>().unwrap().message.as_deref(), Some("soon"));
    /// # Ok::<(), genesys_cloud::Error>(())
    /// ```
    pub fn body_as<T: TopicBody>(&self) -> Option<&T> {
        self.any()?.downcast_ref()
    }

    /// The body, taken out, when it is of this type; the event is gone either way.
    pub fn into_body<T: TopicBody>(self) -> Option<Box<T>> {
        let body: Box<dyn Any> = self.into_any()?;
        body.downcast().ok()
    }

    /// Decodes a text that is a valid body and nothing else; null is none.
    pub(crate) fn of_text(topic: &Topic, kind: Option<TopicKind>, text: &str) -> Option<Self> {
        let Some(kind) = kind else {
            return Some(Self::unrecognized(topic, serde_json::from_str(text).ok()?));
        };
        let mut from = Cursor::new(text);
        let event = Self::read(kind, &mut from).ok()??;
        from.end().ok()?;
        Some(event)
    }

    /// Decodes a body whose envelope is read, if there is one.
    pub(crate) fn of_body(topic: &Topic, kind: Option<TopicKind>, body: Option<&RawValue>) -> Self {
        let (Some(kind), Some(body)) = (kind, body) else {
            return Self::unrecognized(topic, body.unwrap_or(RawValue::NULL));
        };
        let event = Self::of_text(topic, Some(kind), body.get());
        event.unwrap_or_else(|| Self::of_any_text(topic, kind, body))
    }

    /// Decodes any body. Slower, and knows why when it cannot.
    pub(crate) fn of_any_text(topic: &Topic, kind: TopicKind, body: &RawValue) -> Self {
        let mut from = serde_json::Deserializer::from_str(body.get());
        match serde_source::with(&mut from, |from| Self::read(kind, from)) {
            Ok(Some(event)) => event,
            Ok(None) => Self::unrecognized(topic, body),
            Err(error) => {
                let path = place::path(body.get(), &error);
                Self::Malformed {
                    topic: Some(topic.clone()),
                    error: clause(&error),
                    path: cut(path.as_bytes()),
                    body: cut(body.get().as_bytes()),
                }
            }
        }
    }

    /// A frame that is not a valid envelope.
    pub(crate) fn of_bad_frame(topic: Option<Topic>, error: &str, frame: &str) -> Self {
        Self::Malformed {
            topic,
            error: error.into(),
            path: Box::default(),
            body: cut(frame.as_bytes()),
        }
    }

    fn unrecognized(topic: &Topic, body: &RawValue) -> Self {
        Self::Unrecognized { topic: topic.clone(), body: Json::from(body).into_raw() }
    }
}

/// The error as one clause, without the value that a type mismatch quotes from the body.
pub(crate) fn clause(error: &serde_json::Error) -> Box<str> {
    let text = error.to_string();
    let quoted = text.split_once(['"', '`']);
    match (quoted, text.rsplit_once(", expected ")) {
        (Some((head, _)), Some((before, expected))) if head.len() < before.len() => {
            format!("{}, expected {expected}", head.trim_end()).into()
        }
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn decode(name: &str, body: &str) -> Event {
        let kind = crate::events::template::find(name).and_then(|found| found.kind);
        Event::of_body(&Topic::unchecked(name), kind, Some(&raw(body)))
    }

    #[test]
    fn a_wrong_type_is_reported_with_its_path_and_without_its_text() {
        let body = r#"{"id":"c","participants":[{"calls":[{},{"held":"hush, expected x"}]}]}"#;
        let event = decode("v2.users.1.conversations", body);
        let Event::Malformed { topic, error, path, body: kept } = &event else {
            panic!("{event:?}");
        };
        assert_eq!(topic.as_ref().unwrap().name(), "v2.users.1.conversations");
        assert_eq!(&**path, "participants[0].calls[1].held");
        assert!(error.starts_with("invalid type: string, expected a boolean"), "{error}");
        assert_eq!(&**kept, body);
        assert!(!format!("{event:?}").contains("hush"), "{event:?}");
    }

    #[test]
    fn a_body_without_a_type_is_kept_and_not_printed() {
        let event = decode("v2.brand.new", "{\"a\":\n[1.0,1,1e400]}");
        assert_eq!(event.variant(), "Unrecognized");
        assert_eq!(event.body_json().unwrap().get(), "{\"a\": [1.0,1,1e400]}");
        assert!(!format!("{event:?}").contains("1e400"));
    }

    #[test]
    fn a_null_body_is_not_a_fault() {
        assert_eq!(decode("v2.users.1.presence", "null").variant(), "Unrecognized");
    }

    #[test]
    fn a_body_of_the_wrong_shape_is_malformed() {
        for body in ["[]", "1", "\"x\"", "[[]]", "true"] {
            let event = decode("v2.users.1.presence", body);
            assert!(matches!(event, Event::Malformed { .. }), "{body}: {event:?}");
        }
    }

    #[test]
    fn ten_thousand_nested_values_are_kept_or_refused_and_never_overflow_the_stack() {
        let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
        let unknown = decode("v2.users.1.presence", &format!("{{\"new\":{deep}}}"));
        assert_eq!(unknown.variant(), "UsersPresence");
        assert_eq!(unknown.body_json().unwrap().get(), format!("{{\"new\":{deep}}}"));
        let known = decode("v2.users.1.presence", &format!("{{\"presenceDefinition\":{deep}}}"));
        assert_eq!(known.variant(), "Malformed");
        assert_eq!(decode("v2.nobody.knows", &deep).variant(), "Unrecognized");
    }
}

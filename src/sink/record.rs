//! An item as one line of JSON.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::events::{Event, Json, Lifecycle, RawEvent};
use crate::streaming::delivery::Delivery;
use crate::streaming::typed::Typed;

/// What can be written as one line of JSON.
pub trait ToRecord {
    /// What it is about; empty when it is about nothing in particular.
    #[expect(clippy::unnecessary_literal_bound, reason = "an implementation has its own")]
    fn topic(&self) -> &str {
        ""
    }

    /// The line, without its line break.
    ///
    /// # Errors
    /// [`Decode`](crate::ErrorKind::Decode) when it cannot be written as JSON.
    fn to_record(&self) -> Result<Vec<u8>>;
}

/// What of an event goes into the record of its [`Delivery`].
///
/// Implemented by [`Event`](crate::Event), [`RawEvent`](crate::RawEvent) and [`Typed`](crate::Typed).
pub trait RecordEvent {
    /// The item of the stream itself, if this is one.
    fn lifecycle(&self) -> Option<&Lifecycle>;

    /// The members after `origin`: what the platform sent.
    ///
    /// # Errors
    /// Those of the map.
    fn members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

impl RecordEvent for Event {
    fn lifecycle(&self) -> Option<&Lifecycle> {
        match self {
            Self::Lifecycle(item) => Some(item),
            _ => None,
        }
    }

    fn members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("variant", self.variant())?;
        map.serialize_entry("body", self)
    }
}

impl RecordEvent for RawEvent {
    fn lifecycle(&self) -> Option<&Lifecycle> {
        match self {
            Self::Lifecycle(item) => Some(item),
            Self::Frame(_) => None,
        }
    }

    /// The whole frame; as a string when it is not JSON.
    fn members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let text = match self {
            Self::Frame(frame) => frame.text(),
            Self::Lifecycle(_) => "",
        };
        match serde_json::from_str::<&RawValue>(text) {
            Ok(frame) => map.serialize_entry("frame", &Json::from(frame)),
            Err(_) => map.serialize_entry("text", text),
        }
    }
}

impl<T: Serialize> RecordEvent for Typed<T> {
    fn lifecycle(&self) -> Option<&Lifecycle> {
        match self {
            Self::Lifecycle(item) => Some(item),
            _ => None,
        }
    }

    fn members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Body(body) => map.serialize_entry("body", body),
            Self::Unrecognized { kind, body } => {
                map.serialize_entry("variant", "Unrecognized")?;
                map.serialize_entry("type", kind)?;
                map.serialize_entry("text", body)
            }
            Self::Malformed { error, path, body } => {
                map.serialize_entry("variant", "Malformed")?;
                map.serialize_entry("error", error)?;
                map.serialize_entry("path", path)?;
                map.serialize_entry("text", body)
            }
            Self::Lifecycle(_) => Ok(()),
        }
    }
}

/// The record of a delivery.
struct Record<'a, E>(&'a Delivery<E>);

impl<E: RecordEvent> Serialize for Record<'_, E> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Delivery { event, topic, correlation_id, received_at, origin, .. } = self.0;
        if let Some(item) = event.lifecycle() {
            return Own { kind: "lifecycle", item }.serialize(to);
        }
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("kind", "event")?;
        map.serialize_entry("topic", topic.name())?;
        map.serialize_entry("origin", origin.as_str())?;
        map.serialize_entry("received_at", &crate::events::Timestamp::from(*received_at))?;
        if let Some(id) = correlation_id {
            map.serialize_entry("correlation_id", id)?;
        }
        event.members(&mut map)?;
        map.end()
    }
}

/// An item of the stream itself.
#[derive(Serialize)]
struct Own<'a> {
    kind: &'static str,
    #[serde(flatten)]
    item: &'a Lifecycle,
}

impl<E: RecordEvent> ToRecord for Delivery<E> {
    fn topic(&self) -> &str {
        self.topic.name()
    }

    /// `{"kind":"event","topic":…,"origin":"live","received_at":…,"variant":…,"body":…}`, or
    /// `{"kind":"lifecycle","what":…}` for an item of the stream itself.
    fn to_record(&self) -> Result<Vec<u8>> {
        line(&Record(self))
    }
}

impl ToRecord for Json {
    fn to_record(&self) -> Result<Vec<u8>> {
        Ok(self.as_str().as_bytes().to_vec())
    }
}

impl ToRecord for Lifecycle {
    fn to_record(&self) -> Result<Vec<u8>> {
        line(&Own { kind: "lifecycle", item: self })
    }
}

fn line(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| {
        Error::new(ErrorKind::Decode, "event cannot be written as JSON").with_source(error)
    })
}

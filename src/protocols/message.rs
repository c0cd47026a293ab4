//! What the sockets' decoders have in common.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::cut;
use crate::events::Topic;
use crate::events::bodies::{Misfit, read};
use crate::streaming::protocol::{Decoded, DecodedItem, Health, Inbound, Outbound};
use crate::streaming::typed::Typed;

/// The text of a message, whichever way it came.
pub(super) fn text_of<T>(message: Inbound<'_>) -> Result<&str, Typed<T>> {
    match message {
        Inbound::Text(text, _) => Ok(text),
        Inbound::Binary(data) => std::str::from_utf8(data).map_err(|_| Typed::Malformed {
            error: "binary data that is not UTF-8".into(),
            path: Box::default(),
            body: cut(data),
        }),
    }
}

/// A message as the body of its socket, or what is wrong with it.
pub(super) fn body_of<T: DeserializeOwned, E>(text: &str) -> Result<T, Typed<E>> {
    read(text).map_err(|misfit| malformed(misfit, text))
}

pub(super) fn malformed<T>(misfit: Misfit, text: &str) -> Typed<T> {
    let Misfit { error, path } = misfit;
    Typed::Malformed { error, path, body: cut(text.as_bytes()) }
}

/// A message that says that it is something else.
pub(super) fn unrecognized<T>(kind: &str, text: &str) -> Typed<T> {
    Typed::Unrecognized { kind: cut(kind.as_bytes()), body: text.into() }
}

/// The event under its topic.
pub(super) fn event<T>(topic: Topic, event: Typed<T>) -> Decoded<Typed<T>> {
    let health = match &event {
        Typed::Malformed { .. } => Health::Malformed,
        Typed::Unrecognized { .. } => Health::Unrecognized,
        Typed::Body(_) | Typed::Lifecycle(_) => Health::Typed,
    };
    Decoded::event(DecodedItem::new(topic, event).health(health))
}

/// A message of ours. Texts, numbers and flags can always be written.
pub(super) fn json(message: &impl Serialize) -> Outbound {
    Outbound::Text(serde_json::to_string(message).unwrap_or_default().into())
}

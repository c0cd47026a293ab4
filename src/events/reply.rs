//! Frames without a topic: answers to what was sent over the socket.

use std::fmt;

use serde_json::value::RawValue;

use crate::events::envelope::Envelope;

/// An answer such as `{"result":"200","status":"subscribed","correlationId":"…"}`.
///
/// A 404 comes without being asked for: the channel has expired, was displaced, or its token has.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SocketReply {
    /// The status, a string or a number on the wire.
    pub(crate) result: Option<u16>,
    /// `subscribed`, `unsubscribed`, `failure`, `error`.
    pub(crate) status: Option<Box<str>>,
    /// What went wrong.
    pub(crate) message: Option<Box<str>>,
    /// The correlation id of the request.
    pub(crate) correlation_id: Option<Box<str>>,
}

impl SocketReply {
    /// The reply in a frame without a topic; `None` when it has none of a reply's members.
    pub(crate) fn of(envelope: &Envelope<'_>) -> Option<Self> {
        let member = |name: &str| envelope.other(name);
        if ["result", "status", "message"].iter().all(|name| member(name).is_none()) {
            return None;
        }
        Some(Self {
            result: member("result").and_then(text).and_then(|text| text.parse().ok()),
            status: member("status").and_then(text),
            message: member("message").and_then(text),
            correlation_id: member("correlationId").and_then(text),
        })
    }
}

/// A string without its quotes, or any other value as it is written; `None` for null.
fn text(value: &RawValue) -> Option<Box<str>> {
    match value.get() {
        "null" => None,
        quoted if quoted.starts_with('"') => serde_json::from_str(quoted).ok(),
        bare => Some(bare.into()),
    }
}

impl fmt::Debug for SocketReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketReply")
            .field("result", &self.result)
            .field("status", &self.status)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Option<SocketReply> {
        SocketReply::of(&Envelope::parse(text).unwrap())
    }

    #[test]
    fn replies_are_read_with_string_and_number_results() {
        let yes = reply(r#"{"result":"200","status":"subscribed","correlationId":"abc"}"#).unwrap();
        assert_eq!(yes.result, Some(200));
        assert_eq!(yes.correlation_id.as_deref(), Some("abc"));
        let gone = reply(r#"{"result":404,"message":"gone"}"#).unwrap();
        assert_eq!((gone.result, gone.message.as_deref()), (Some(404), Some("gone")));
        let odd = reply(r#"{"result":{"a":1},"message":null,"status":"error"}"#).unwrap();
        assert_eq!((odd.result, odd.message, odd.status.as_deref()), (None, None, Some("error")));
    }

    #[test]
    fn an_object_without_a_replys_members_is_none() {
        assert_eq!(reply(r#"{"hello":"world"}"#), None);
    }
}

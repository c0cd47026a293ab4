//! What a probe sees of an event.

use crate::events::bodies::AppMessage;
use crate::events::{Event, Lifecycle, RawEvent};
use crate::media::MediaHeader;
use crate::streaming::typed::Typed;

/// What an event is to a probe.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Seen<'a> {
    /// A message of a type; the empty type counts as `(no type)`.
    Message {
        /// Its type.
        kind: &'a str,
    },
    /// A message that is not JSON, or could not be decoded.
    NotJson,
    /// Audio.
    Media {
        /// Position of its first sample, counted from the begin of the stream, in samples.
        position: u64,
        /// Samples a second.
        sample_rate: u32,
        /// The length of the frame in bytes.
        bytes: usize,
    },
    /// An item of the stream itself.
    Lifecycle(&'a Lifecycle),
}

/// An event, or a body of [`Typed`], that a probe can count.
pub trait Probed {
    /// What it is to a probe.
    fn seen(&self) -> Seen<'_>;
}

impl Probed for Event {
    fn seen(&self) -> Seen<'_> {
        match self {
            Self::Lifecycle(item) => Seen::Lifecycle(item),
            Self::Malformed { .. } => Seen::NotJson,
            event => Seen::Message { kind: event.variant() },
        }
    }
}

impl Probed for RawEvent {
    fn seen(&self) -> Seen<'_> {
        match self {
            Self::Lifecycle(item) => Seen::Lifecycle(item),
            Self::Frame(_) => Seen::Message { kind: "notification" },
        }
    }
}

impl Probed for AppMessage {
    fn seen(&self) -> Seen<'_> {
        match self {
            Self::Json { kind, .. } => Seen::Message { kind },
            Self::Text(_) => Seen::NotJson,
            Self::Media(frame) => match MediaHeader::parse(frame) {
                Some(MediaHeader { position, sample_rate, .. }) => {
                    Seen::Media { position, sample_rate, bytes: frame.len() }
                }
                None => Seen::Message { kind: self.kind() },
            },
            Self::Binary(_) => Seen::Message { kind: self.kind() },
        }
    }
}

impl<T: Probed> Probed for Typed<T> {
    fn seen(&self) -> Seen<'_> {
        match self {
            Self::Body(body) => body.seen(),
            Self::Lifecycle(item) => Seen::Lifecycle(item),
            Self::Unrecognized { kind, .. } => Seen::Message { kind },
            Self::Malformed { .. } => Seen::NotJson,
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::media::MediaFormat;

    #[test]
    fn a_message_of_an_application_is_counted_as_what_it_is() {
        let shown = |message: AppMessage| format!("{:?}", message.seen());
        let json = |kind: &str| {
            let value = serde_json::from_str("{}").unwrap();
            shown(AppMessage::Json { kind: kind.into(), value })
        };
        assert_eq!(json("init_ack"), r#"Message { kind: "init_ack" }"#);
        assert_eq!(json(""), r#"Message { kind: "" }"#);
        assert_eq!(shown(AppMessage::Text("hello".into())), "NotJson");
        assert_eq!(
            shown(AppMessage::Binary(Bytes::from_static(b"\x01"))),
            r#"Message { kind: "binary" }"#
        );
        let mut frame = Vec::new();
        MediaHeader::new(MediaFormat::Pcmu, 8_000, 320).write(&mut frame);
        frame.extend([0xff; 160]);
        assert_eq!(
            shown(AppMessage::Media(frame.into())),
            "Media { position: 320, sample_rate: 8000, bytes: 176 }"
        );
        assert_eq!(
            shown(AppMessage::Media(Bytes::from_static(b"\x80\x00"))),
            r#"Message { kind: "media" }"#
        );
    }
}

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

/// Audio without a header that is understood counts as a message of the type `media`.
impl Probed for AppMessage {
    fn seen(&self) -> Seen<'_> {
        match self {
            Self::Json { kind, .. } => Seen::Message { kind },
            Self::Media(data) => match MediaHeader::parse(data) {
                Some(MediaHeader { position, sample_rate, .. }) => {
                    Seen::Media { position, sample_rate }
                }
                None => Seen::Message { kind: self.kind() },
            },
            Self::Text(_) | Self::Binary(_) => Seen::NotJson,
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
    fn a_message_of_an_application_is_json_audio_or_neither() {
        let mut audio = Vec::new();
        MediaHeader::new(MediaFormat::Pcmu, 8_000, 320).write(&mut audio);
        let seen = AppMessage::Media(audio.into());
        let expected = Seen::Media { position: 320, sample_rate: 8_000 };
        assert_eq!(format!("{:?}", seen.seen()), format!("{expected:?}"));
        let opaque = AppMessage::Media(Bytes::from_static(b"\x80\xff"));
        assert!(matches!(opaque.seen(), Seen::Message { kind: "media" }));
        let value = serde_json::from_str("{}").unwrap();
        let message = AppMessage::Json { kind: "init_ack".into(), value };
        assert!(matches!(message.seen(), Seen::Message { kind: "init_ack" }));
        for other in [AppMessage::Text("x".into()), AppMessage::Binary(Bytes::new())] {
            assert!(matches!(other.seen(), Seen::NotJson));
        }
    }
}

//! Messages of sockets as frames of a media pipeline.

use std::time::SystemTime;

use bytes::Bytes;

use crate::core::clock::Moment;
use crate::events::bodies::{AppMessage, InteractionFrame};
use crate::media::{FrameSource, WireFrame};
use crate::streaming::delivery::Delivery;
use crate::streaming::typed::Typed;

/// A frame that came in at this time, on both clocks.
fn frame(payload: impl Into<Bytes>, binary: bool, at: SystemTime, now: Moment) -> WireFrame {
    // The wall clock may have been set since.
    let age = now.wall.duration_since(at).unwrap_or_default();
    let mono = now.mono.checked_sub(age).unwrap_or(now.mono);
    WireFrame::new(payload, binary, Moment { mono, wall: at })
}

/// A message of [`InteractionFrames`](crate::protocols::InteractionFrames); items of the stream itself hold no frame.
impl FrameSource for Delivery<Typed<InteractionFrame>> {
    type Rest = Self;

    fn into_frame(self, now: Moment) -> Result<WireFrame, Self> {
        match self.event {
            Typed::Body(body) => Ok(frame(body.payload, body.binary, self.received_at, now)),
            event => Err(Self { event, ..self }),
        }
    }
}

/// A message of [`AppFoundry`](crate::protocols::AppFoundry); items of the stream itself hold no frame.
impl FrameSource for Delivery<Typed<AppMessage>> {
    type Rest = Self;

    fn into_frame(self, now: Moment) -> Result<WireFrame, Self> {
        let at = self.received_at;
        match self.event {
            Typed::Body(body) => Ok(match *body {
                AppMessage::Json { value, .. } => {
                    frame(value.as_str().as_bytes().to_vec(), false, at, now)
                }
                AppMessage::Text(text) => frame(text.into_string(), false, at, now),
                AppMessage::Media(data) | AppMessage::Binary(data) => frame(data, true, at, now),
            }),
            event => Err(Self { event, ..self }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::events::{Json, Lifecycle};

    const AGE: Duration = Duration::from_millis(40);

    fn delivery<T>(event: Typed<T>, at: SystemTime) -> Delivery<Typed<T>> {
        let own: Delivery<Typed<T>> = Delivery::own(Lifecycle::Lagged { dropped: 1 }, at);
        Delivery { event, ..own }
    }

    fn now() -> Moment {
        Moment { mono: Instant::now() + Duration::from_secs(1), wall: SystemTime::now() }
    }

    #[test]
    fn a_message_is_a_frame_that_came_in_when_the_message_did() {
        let (now, bytes) = (now(), Bytes::from_static(b"\x80abc"));
        let body = Typed::Body(Box::new(InteractionFrame::new(bytes.clone(), true)));
        let frame = delivery(body.clone(), now.wall - AGE).into_frame(now).unwrap();
        assert_eq!(frame.payload.as_ptr(), bytes.as_ptr(), "not copied");
        assert!(frame.binary);
        let received = frame.received_at;
        assert_eq!((received.mono + AGE, received.wall + AGE), (now.mono, now.wall));
        let frame = delivery(body, now.wall + AGE).into_frame(now).unwrap();
        assert_eq!(frame.received_at.mono, now.mono, "the clock was set back");
    }

    #[test]
    fn what_the_stream_says_of_itself_is_no_frame_and_is_handed_back() {
        let now = now();
        let item = Typed::Lifecycle(Lifecycle::Lagged { dropped: 3 });
        let rest = delivery::<InteractionFrame>(item, now.wall).into_frame(now).unwrap_err();
        assert!(matches!(rest.event, Typed::Lifecycle(Lifecycle::Lagged { dropped: 3 })));
    }

    #[test]
    fn an_application_says_text_or_bytes() {
        let value: Json = serde_json::from_str(r#"{"type":"x"}"#).unwrap();
        let table = [
            (AppMessage::Json { kind: "x".into(), value }, &br#"{"type":"x"}"#[..], false),
            (AppMessage::Text("hello".into()), b"hello", false),
            (AppMessage::Media(Bytes::from_static(b"\x80\x01")), b"\x80\x01", true),
            (AppMessage::Binary(Bytes::from_static(b"\x01")), b"\x01", true),
        ];
        for (message, payload, binary) in table {
            let now = now();
            let body = Typed::Body(Box::new(message));
            let frame = delivery(body, now.wall).into_frame(now).unwrap();
            assert_eq!((&*frame.payload, frame.binary), (payload, binary));
        }
    }
}

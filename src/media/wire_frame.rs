//! A message as it came from a socket, and what it can be taken from.

use std::convert::Infallible;
use std::fmt;

use bytes::Bytes;
use tungstenite::Message;

use super::checksum::Sha256;
use crate::core::clock::Moment;

/// A message as it came from a socket, before anybody looked at it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct WireFrame {
    /// The bytes.
    pub payload: Bytes,
    /// Whether it was a binary message rather than text.
    pub binary: bool,
    /// When its last byte came in.
    pub received_at: Moment,
    /// The checksum that the payload must have, when it is known from elsewhere.
    pub checksum: Option<Sha256>,
}

impl WireFrame {
    /// A message that came in at this moment.
    pub fn new(payload: impl Into<Bytes>, binary: bool, received_at: Moment) -> Self {
        Self { payload: payload.into(), binary, received_at, checksum: None }
    }

    /// Sets [`checksum`](Self::checksum). It goes before what [`PipelineBuilder::checksum`] would find.
    ///
    /// [`PipelineBuilder::checksum`]: super::PipelineBuilder::checksum
    pub fn checksum(mut self, expected: Sha256) -> Self {
        self.checksum = Some(expected);
        self
    }
}

/// Shows the length, not the content: it may be a caller's voice.
impl fmt::Debug for WireFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireFrame")
            .field("bytes", &self.payload.len())
            .field("binary", &self.binary)
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}

/// What a frame can be taken from: an item of a stream that [`Pipeline::frames`](super::Pipeline::frames) reads.
pub trait FrameSource {
    /// What an item is that holds no frame. It is delivered as
    /// [`FrameItem::Other`](super::FrameItem::Other), in its place.
    type Rest;

    /// The frame; `now` is the time for items that have none of their own.
    ///
    /// # Errors
    /// The item itself, when it holds no frame.
    fn into_frame(self, now: Moment) -> Result<WireFrame, Self::Rest>;
}

impl FrameSource for WireFrame {
    type Rest = Infallible;

    fn into_frame(self, _: Moment) -> Result<WireFrame, Infallible> {
        Ok(self)
    }
}

/// A payload, and whether it was binary.
impl FrameSource for (Bytes, bool) {
    type Rest = Infallible;

    fn into_frame(self, now: Moment) -> Result<WireFrame, Infallible> {
        Ok(WireFrame::new(self.0, self.1, now))
    }
}

/// A message of the WebSocket library; pings, pongs and close frames hold no frame.
impl FrameSource for Message {
    type Rest = Self;

    fn into_frame(self, now: Moment) -> Result<WireFrame, Self> {
        match self {
            Self::Text(text) => Ok(WireFrame::new(text, false, now)),
            Self::Binary(data) => Ok(WireFrame::new(data, true, now)),
            other => Err(other),
        }
    }
}

/// An item that may be an error.
impl<T: FrameSource, E> FrameSource for Result<T, E> {
    type Rest = Result<T::Rest, E>;

    fn into_frame(self, now: Moment) -> Result<WireFrame, Self::Rest> {
        match self {
            Ok(item) => item.into_frame(now).map_err(Ok),
            Err(error) => Err(Err(error)),
        }
    }
}

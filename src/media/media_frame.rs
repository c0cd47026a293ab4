//! A frame that was read.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use super::checksum::ChecksumState;
use super::json_view::{JsonView, at_path, string};
use super::media_header::MediaHeader;
use super::payload_type::PayloadType;
use super::problem::Problem;
use crate::core::clock::Moment;

/// A frame, and what was found out about it.
///
/// `Debug` shows lengths, not contents: a frame may hold a caller's voice.
#[derive(Clone)]
#[non_exhaustive]
pub struct MediaFrame {
    /// Counts the frames of a pipeline from 0.
    pub id: u64,
    /// What it is.
    pub kind: PayloadType,
    /// All of its bytes, in the allocation that they came in. Kept for long, a small frame holds the whole buffer of the
    /// socket that it was read into: see [`detach`](Self::detach).
    pub payload: Bytes,
    /// Whether it was a binary message rather than text.
    pub binary: bool,
    /// Its JSON; `None` for what is not JSON.
    pub value: Option<JsonView>,
    /// The header of its audio; `None` when it is no media frame, or its audio is opaque.
    pub header: Option<MediaHeader>,
    /// What its checksum says.
    pub checksum: ChecksumState,
    /// When its last byte came in.
    pub received_at: Moment,
    /// What is wrong with it. A pipeline returns a frame with a problem in a [`FrameError`](super::FrameError).
    pub problems: Vec<Problem>,
    /// Length of the payload without a trailer.
    pub(super) content: usize,
}

impl MediaFrame {
    /// The audio of a media frame: what is behind the header and before a checksum. Not copied.
    pub fn audio(&self) -> Option<Bytes> {
        self.header?;
        let end = self.content.clamp(MediaHeader::LEN, self.payload.len());
        Some(self.payload.slice(MediaHeader::LEN..end))
    }

    /// The `type` that a JSON frame says it has, known or not.
    pub fn type_name(&self) -> Option<Cow<'_, str>> {
        string(self.value.as_ref()?.member("type")?)
    }

    /// The same frame in an allocation of its own, so that keeping it keeps nothing else. Copies the payload.
    pub fn detach(mut self) -> Self {
        let payload = Bytes::copy_from_slice(&self.payload);
        if self.value.is_some()
            && let Ok(text) = tungstenite::Utf8Bytes::try_from(payload.clone())
        {
            self.value = Some(JsonView::new(text));
        }
        self.payload = payload;
        self
    }
}

impl fmt::Debug for MediaFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaFrame")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("bytes", &self.payload.len())
            .field("binary", &self.binary)
            .field("header", &self.header)
            .field("checksum", &self.checksum)
            .field("received_at", &self.received_at)
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

/// A frame as a validator sees it. `Debug` shows the length, not the content.
#[derive(Clone, Copy)]
pub struct FrameView<'a> {
    pub(super) kind: &'a PayloadType,
    pub(super) payload: &'a [u8],
    pub(super) binary: bool,
    pub(super) json: Option<&'a str>,
    pub(super) header: Option<MediaHeader>,
    pub(super) received_at: Moment,
}

impl<'a> FrameView<'a> {
    /// What it is.
    pub fn kind(&self) -> &'a PayloadType {
        self.kind
    }

    /// All of its bytes.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Whether it was a binary message rather than text.
    pub fn is_binary(&self) -> bool {
        self.binary
    }

    /// Its text, when it is valid JSON.
    pub fn json(&self) -> Option<&'a str> {
        self.json
    }

    /// The text of a member of its JSON, by its dotted path.
    pub fn member(&self, path: &str) -> Option<&'a str> {
        at_path(self.json?, path)
    }

    /// The header of its audio.
    pub fn header(&self) -> Option<MediaHeader> {
        self.header
    }

    /// When its last byte came in.
    pub fn received_at(&self) -> Moment {
        self.received_at
    }
}

impl fmt::Debug for FrameView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameView")
            .field("kind", &self.kind)
            .field("bytes", &self.payload.len())
            .field("binary", &self.binary)
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

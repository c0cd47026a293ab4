//! A frame that is not sound.

use std::fmt;

use super::media_frame::MediaFrame;
use super::problem::Problem;
use crate::error::{Error, ErrorKind};

/// Why a frame is not sound, with the frame: nothing is lost.
///
/// It turns into an [`Error`], of kind [`Capacity`](ErrorKind::Capacity) for a frame that was not read and of kind
/// [`Decode`](ErrorKind::Decode) for every other.
#[derive(Clone)]
pub struct FrameError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    frame: MediaFrame,
    first: Problem,
    dropped: bool,
}

const _: () = assert!(size_of::<FrameError>() == size_of::<usize>());

impl FrameError {
    /// The frame is sound when it has no problem.
    pub(super) fn check(frame: MediaFrame) -> Result<MediaFrame, Self> {
        match frame.problems.first().cloned() {
            None => Ok(frame),
            Some(first) => Err(Self(Box::new(Inner { frame, first, dropped: false }))),
        }
    }

    /// Lets go of the payload.
    pub(super) fn dropping(mut self) -> Self {
        self.0.frame.payload = bytes::Bytes::new();
        self.0.dropped = true;
        self
    }

    /// What is wrong; the first problem that was found.
    pub fn problem(&self) -> &Problem {
        &self.0.first
    }

    /// All that is wrong.
    pub fn problems(&self) -> &[Problem] {
        &self.0.frame.problems
    }

    /// Whether the payload was dropped, by [`Oversize::Drop`](super::Oversize::Drop).
    pub fn is_dropped(&self) -> bool {
        self.0.dropped
    }

    /// The frame.
    pub fn frame(&self) -> &MediaFrame {
        &self.0.frame
    }

    /// The frame, to be kept.
    pub fn into_frame(self) -> MediaFrame {
        self.0.frame
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { frame, first, .. } = &*self.0;
        write!(f, "frame {} ({}) is not sound: {first}", frame.id, frame.kind)?;
        match frame.problems.len() {
            0 | 1 => Ok(()),
            more => write!(f, ", and {} more", more - 1),
        }
    }
}

impl fmt::Debug for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameError")
            .field("frame", &self.0.frame)
            .field("dropped", &self.0.dropped)
            .finish()
    }
}

impl std::error::Error for FrameError {}

impl From<FrameError> for Error {
    fn from(error: FrameError) -> Self {
        let kind = match error.problem() {
            Problem::Oversize { .. } | Problem::Tripped { .. } => ErrorKind::Capacity,
            _ => ErrorKind::Decode,
        };
        Self::new(kind, error.to_string()).with_source(error)
    }
}

//! The pipeline: messages in, frames out.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;

use super::breaker::SizeBreaker;
use super::builder::{Oversize, PipelineBuilder};
use super::checksum::{Checksum, ChecksumState};
use super::frame_error::FrameError;
use super::frames::Frames;
use super::media_frame::MediaFrame;
use super::metrics::{ChecksumSeen, Entry, FrameMetrics, Recorder};
use super::payload_type::PayloadType;
use super::problem::Problem;
use super::read::read;
use super::registry::Registry;
use super::wire_frame::{FrameSource, WireFrame};
use crate::core::clock::Clock;

/// Reads the messages of a socket, one by one, in fixed memory.
///
/// Each message comes out exactly once and in order. The steps, of which the first that fails decides:
/// 1. **Size.** A frame above [`max_frame`](PipelineBuilder::max_frame) is not looked at.
/// 2. **Circuit breaker.** While it is open no frame is looked at; each comes back as
///    [`Tripped`](Problem::Tripped), is counted, and can be given in again later. See [`SizeBreaker`].
/// 3. **Type.** By the leading byte of a binary message, or by `type` of a JSON object, text or binary. JSON that begins
///    with `{"type":` is recognised from its first bytes; in other JSON the member is searched. What nobody registered
///    is [`Unknown`](PayloadType::Unknown), and sound.
/// 4. **UTF-8, JSON and schema**, of what begins as an object, in one walk.
/// 5. **Checksum**, if one is expected, and then the type's validator.
///
/// For what is received over a stream, [`frames`](Self::frames) is the same as a `Stream`.
pub struct Pipeline {
    pub(super) next: u64,
    pub(super) max_frame: usize,
    pub(super) oversize: Oversize,
    pub(super) registry: Registry,
    pub(super) checksum: Checksum,
    pub(super) breaker: Option<SizeBreaker>,
    pub(super) metrics: Recorder,
    pub(super) clock: Arc<dyn Clock>,
}

impl Pipeline {
    /// Settings, all with defaults.
    pub fn builder() -> PipelineBuilder {
        PipelineBuilder::new()
    }

    /// A message that came in now, by the pipeline's clock.
    pub fn frame(&self, payload: Bytes, binary: bool) -> WireFrame {
        WireFrame::new(payload, binary, self.clock.moment())
    }

    /// Reads one message.
    ///
    /// # Errors
    /// Something is wrong with it, or it was not looked at; the error holds the frame.
    pub fn process(&mut self, frame: WireFrame) -> Result<MediaFrame, FrameError> {
        let bytes = frame.payload.len();
        self.metrics.arrived(bytes);
        let admitted = self.breaker.as_mut().is_none_or(|b| b.admit(frame.received_at.mono, bytes));
        if bytes > self.max_frame {
            let dropped = self.oversize == Oversize::Drop;
            self.metrics.oversize(dropped);
            let problem = Problem::Oversize { bytes, limit: self.max_frame };
            let outcome = FrameError::check(self.unread(frame, problem));
            return if dropped { outcome.map_err(FrameError::dropping) } else { outcome };
        }
        if !admitted {
            self.metrics.tripped();
            let average = self.breaker.as_ref().map_or(0, SizeBreaker::average);
            return FrameError::check(self.unread(frame, Problem::Tripped { average }));
        }
        let start = self.clock.now();
        let found = read(&self.registry, &self.checksum, &frame);
        let parse = self.clock.now().saturating_duration_since(start);
        self.metrics.read(Entry {
            bytes,
            parse,
            index: found.index,
            sound: found.problems.is_empty(),
            checksum: ChecksumSeen::from(&found.checksum),
        });
        FrameError::check(MediaFrame {
            id: self.number(),
            kind: found.kind,
            payload: frame.payload,
            binary: frame.binary,
            value: found.value,
            header: found.header,
            checksum: found.checksum,
            received_at: frame.received_at,
            problems: found.problems,
            content: found.content,
        })
    }

    /// Reads the messages of a stream: an [`EventStream`](crate::EventStream) whose events hold frames, a
    /// `WebSocketStream` of `tokio-tungstenite`, or any other whose items are a [`FrameSource`].
    pub fn frames<S>(self, stream: S) -> Frames<S>
    where
        S: Stream<Item: FrameSource>,
    {
        Frames::new(self, stream)
    }

    /// What was counted. The percentiles are computed at each call.
    pub fn metrics(&self) -> FrameMetrics {
        let breaker = self.breaker.as_ref().map(SizeBreaker::state);
        self.metrics.snapshot(&self.registry, breaker)
    }

    fn number(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        id
    }

    /// A frame that nobody looked at.
    fn unread(&mut self, frame: WireFrame, problem: Problem) -> MediaFrame {
        MediaFrame {
            id: self.number(),
            kind: PayloadType::Unread,
            content: frame.payload.len(),
            payload: frame.payload,
            binary: frame.binary,
            value: None,
            header: None,
            checksum: ChecksumState::NotChecked,
            received_at: frame.received_at,
            problems: vec![problem],
        }
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("frames", &self.next)
            .field("max_frame", &self.max_frame)
            .field("checksum", &self.checksum)
            .field("breaker", &self.breaker.as_ref().map(SizeBreaker::state))
            .finish_non_exhaustive()
    }
}

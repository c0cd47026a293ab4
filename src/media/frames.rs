//! A pipeline as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::Stream;
use futures::stream::FusedStream;

use super::frame_error::FrameError;
use super::media_frame::MediaFrame;
use super::metrics::FrameMetrics;
use super::pipeline::Pipeline;
use super::wire_frame::FrameSource;

/// Frames that may be dropped in one turn before others on the same thread get theirs.
const DROPPED_IN_A_TURN: usize = 64;

/// The frames of a stream, from [`Pipeline::frames`].
///
/// Yields one [`FrameItem`] for each item of the stream within, in order; only frames that
/// [`Oversize::Drop`](super::Oversize::Drop) drops are passed over. It ends when the stream within ends.
///
/// # Cancel safety
/// As of the stream within: dropping the future of `next()` loses nothing here.
///
/// ```
/// use bytes::Bytes;
/// use futures::{StreamExt, stream};
/// use genesys_cloud::media::{FrameItem, Pipeline};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let socket = stream::iter([(Bytes::from_static(br#"{"type":"keepalive"}"#), false)]);
/// let mut frames = Pipeline::builder().build()?.frames(socket);
/// while let Some(item) = frames.next().await {
///     match item {
///         FrameItem::Frame(frame) => println!("{}: {} bytes", frame.kind, frame.payload.len()),
///         FrameItem::Invalid(error) => println!("{error}"),
///         _ => {} // not a frame: what the stream says of itself
///     }
/// }
/// # assert_eq!(frames.metrics().sound, 1);
/// # Ok::<(), genesys_cloud::Error>(())
/// # }).unwrap();
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct Frames<S> {
    pipeline: Pipeline,
    stream: S,
}

/// One item of [`Frames`].
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "a box would be an allocation for every sound frame")]
pub enum FrameItem<R> {
    /// A sound frame.
    Frame(MediaFrame),
    /// A frame with a problem.
    Invalid(FrameError),
    /// An item that holds no frame, such as an error or a lifecycle item.
    Other(R),
}

impl<R> From<Result<MediaFrame, FrameError>> for FrameItem<R> {
    fn from(outcome: Result<MediaFrame, FrameError>) -> Self {
        match outcome {
            Ok(frame) => Self::Frame(frame),
            Err(error) => Self::Invalid(error),
        }
    }
}

impl<S> Frames<S> {
    pub(super) fn new(pipeline: Pipeline, stream: S) -> Self {
        Self { pipeline, stream }
    }

    /// What was counted. The percentiles are computed at each call.
    pub fn metrics(&self) -> FrameMetrics {
        self.pipeline.metrics()
    }

    /// The stream within, for what it tells of itself.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream within, to close it for instance. A frame that is taken from it here is not seen by the pipeline.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The pipeline and the stream within: another connection can go on with the same metrics.
    pub fn into_parts(self) -> (Pipeline, S) {
        (self.pipeline, self.stream)
    }
}

impl<S> Stream for Frames<S>
where
    S: Stream<Item: FrameSource> + Unpin,
{
    type Item = FrameItem<<S::Item as FrameSource>::Rest>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        for _ in 0..DROPPED_IN_A_TURN {
            let Some(item) = ready!(Pin::new(&mut this.stream).poll_next(cx)) else {
                return Poll::Ready(None);
            };
            let frame = match item.into_frame(this.pipeline.clock.moment()) {
                Ok(frame) => frame,
                Err(rest) => return Poll::Ready(Some(FrameItem::Other(rest))),
            };
            match this.pipeline.process(frame) {
                Err(error) if error.is_dropped() => {}
                outcome => return Poll::Ready(Some(outcome.into())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S> FusedStream for Frames<S>
where
    S: FusedStream<Item: FrameSource> + Unpin,
{
    fn is_terminated(&self) -> bool {
        self.stream.is_terminated()
    }
}

impl<S> fmt::Debug for Frames<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").field("pipeline", &self.pipeline).finish_non_exhaustive()
    }
}

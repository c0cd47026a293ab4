//! Settings of a pipeline.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::breaker::SizeBreaker;
use super::checksum::Checksum;
use super::frame_type::FrameType;
use super::metrics::Recorder;
use super::pipeline::Pipeline;
use super::registry::Registry;
use crate::core::clock::Clock;
use crate::error::{Error, Result};

/// The longest frame that is read, unless said otherwise: 5 MiB.
const MAX_FRAME: usize = 5 << 20;
/// Frames in the window of the metrics, unless said otherwise.
const WINDOW: usize = 1_000;
/// The most frames that the window can hold; one costs 64 bytes at most.
const MAX_WINDOW: usize = 1_000_000;

/// What happens to a frame above the limit of size. It is counted either way, and its bytes are not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Oversize {
    /// It is returned, whole, in an error.
    #[default]
    Keep,
    /// Its payload is dropped. The error says so and holds no bytes; a [`Frames`](super::Frames) stream passes it over.
    Drop,
}

/// Settings of a [`Pipeline`], from [`Pipeline::builder`].
#[derive(Clone)]
#[must_use = "a pipeline is made by build()"]
pub struct PipelineBuilder {
    max_frame: usize,
    oversize: Oversize,
    types: Vec<FrameType>,
    checksum: Checksum,
    window: usize,
    breaker: Option<SizeBreaker>,
    clock: Arc<dyn Clock>,
}

impl PipelineBuilder {
    pub(super) fn new() -> Self {
        Self {
            max_frame: MAX_FRAME,
            oversize: Oversize::default(),
            types: Vec::new(),
            checksum: Checksum::default(),
            window: WINDOW,
            breaker: Some(SizeBreaker::default()),
            clock: Arc::new(SystemClock),
        }
    }

    /// The longest frame in bytes that is read. Default 5 MiB. The socket has a limit of its own: see the
    /// [module](super#two-limits-of-size).
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// What happens to longer ones. Default [`Oversize::Keep`].
    pub fn oversize(mut self, oversize: Oversize) -> Self {
        self.oversize = oversize;
        self
    }

    /// Adds a type of frames. One with the name of a built-in type takes its place.
    pub fn register(mut self, kind: FrameType) -> Self {
        self.types.push(kind);
        self
    }

    /// Where the expected checksum of a frame is found. Default: nowhere; frames whose
    /// [`WireFrame::checksum`](super::WireFrame::checksum) is set are checked all the same.
    pub fn checksum(mut self, checksum: Checksum) -> Self {
        self.checksum = checksum;
        self
    }

    /// Frames in the window of the metrics. Default 1,000; at most 1,000,000.
    pub fn window(mut self, frames: usize) -> Self {
        self.window = frames;
        self
    }

    /// The circuit breaker. Default [`SizeBreaker::default`]: 2 MiB on average over 60 s.
    pub fn breaker(mut self, breaker: SizeBreaker) -> Self {
        self.breaker = Some(breaker);
        self
    }

    /// No circuit breaker.
    pub fn without_breaker(mut self) -> Self {
        self.breaker = None;
        self
    }

    /// The clock: of the moment at which frames come in that have none of their own, and of how long reading takes.
    /// Default: the system's. [`RuntimeClock`](crate::RuntimeClock) follows a paused runtime.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Makes the pipeline.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) for types that cannot be told apart, a schema that contradicts itself, or a
    /// window of no frame or of more than 1,000,000.
    pub fn build(self) -> Result<Pipeline> {
        if !(1..=MAX_WINDOW).contains(&self.window) {
            return Err(Error::config(format!(
                "the window of the metrics holds 1 to {MAX_WINDOW} frames, not {}",
                self.window
            )));
        }
        let registry = Registry::new(self.types)?;
        let metrics = Recorder::new(registry.types().len(), self.window);
        Ok(Pipeline {
            next: 0,
            max_frame: self.max_frame,
            oversize: self.oversize,
            registry,
            checksum: self.checksum,
            breaker: self.breaker,
            metrics,
            clock: self.clock,
        })
    }
}

impl std::fmt::Debug for PipelineBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PipelineBuilder")
            .field("max_frame", &self.max_frame)
            .field("oversize", &self.oversize)
            .field("types", &self.types)
            .field("checksum", &self.checksum)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

/// Time that no runtime can pause: reading a frame is work, whatever a test does with its clock.
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

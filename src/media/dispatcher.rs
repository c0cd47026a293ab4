//! Handlers by type, each isolated from the others.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use super::frame_error::FrameError;
use super::media_frame::MediaFrame;
use super::payload_type::PayloadType;
use crate::error::cut;

/// What a handler returns: its failure is text, or any error.
pub type HandlerResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

type OnFrame = Box<dyn FnMut(&MediaFrame) -> HandlerResult + Send>;
type OnInvalid = Box<dyn FnMut(&FrameError) -> HandlerResult + Send>;

/// Calls handlers by the type of a frame.
///
/// Handlers run one after the other, in the order in which they were added, on the thread that dispatches: return
/// quickly, and hand what takes long to a task of your own. A handler that returns an error or panics is counted, and
/// the others run all the same; it is called again with the next frame. (A program that is built with `panic = "abort"`
/// ends at a panic.)
///
/// ```
/// use bytes::Bytes;
/// use genesys_cloud::media::{Dispatcher, PayloadType, Pipeline};
///
/// let mut pipeline = Pipeline::builder().build()?;
/// let mut dispatcher = Dispatcher::new()
///     .on(PayloadType::InteractionUpdate, |frame| {
///         println!("{:?}", frame.value);
///         Ok(())
///     })
///     .on(PayloadType::TelephonyMedia, |_| Err("the recorder is away".into()))
///     .on_invalid(|error| Ok(eprintln!("{error}")));
/// let media = pipeline.frame(Bytes::from_static(&[0x80, 1, 2]), true);
/// let done = dispatcher.dispatch(&pipeline.process(media));
/// assert_eq!((done.handled, done.failed), (0, 1));
/// # Ok::<(), genesys_cloud::Error>(())
/// ```
#[derive(Default)]
pub struct Dispatcher {
    handlers: Vec<Entry>,
    unhandled: u64,
}

struct Entry {
    handler: Handler,
    stats: HandlerStats,
}

enum Handler {
    Of(PayloadType, OnFrame),
    Every(OnFrame),
    Invalid(OnInvalid),
}

/// What became of one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dispatched {
    /// Handlers that took it.
    pub handled: usize,
    /// Handlers that failed.
    pub failed: usize,
}

/// What a handler did so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HandlerStats {
    /// What it is for: the name of a type, `every` or `invalid`.
    pub of: String,
    /// Frames that it took.
    pub handled: u64,
    /// Frames for which it returned an error.
    pub errors: u64,
    /// Frames for which it panicked.
    pub panics: u64,
    /// Its last error or the message of its last panic, cut to 512 bytes.
    pub last_error: Option<Box<str>>,
}

impl Dispatcher {
    /// Without handlers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a handler of sound frames of one type. Several may have the same type. For types of your own:
    /// [`PayloadType::named`].
    pub fn on(
        self,
        kind: PayloadType,
        handler: impl FnMut(&MediaFrame) -> HandlerResult + Send + 'static,
    ) -> Self {
        let of = kind.to_string();
        self.with(of, Handler::Of(kind, Box::new(handler)))
    }

    /// Adds a handler of all sound frames.
    pub fn on_every(
        self,
        handler: impl FnMut(&MediaFrame) -> HandlerResult + Send + 'static,
    ) -> Self {
        self.with("every".into(), Handler::Every(Box::new(handler)))
    }

    /// Adds a handler of frames that are not sound.
    pub fn on_invalid(
        self,
        handler: impl FnMut(&FrameError) -> HandlerResult + Send + 'static,
    ) -> Self {
        self.with("invalid".into(), Handler::Invalid(Box::new(handler)))
    }

    fn with(mut self, of: String, handler: Handler) -> Self {
        let stats = HandlerStats { of, ..HandlerStats::default() };
        self.handlers.push(Entry { handler, stats });
        self
    }

    /// Calls the handlers that a frame is for.
    pub fn dispatch(&mut self, outcome: &Result<MediaFrame, FrameError>) -> Dispatched {
        match outcome {
            Ok(frame) => self.dispatch_frame(frame),
            Err(error) => self.dispatch_invalid(error),
        }
    }

    /// Calls the handlers of a sound frame.
    pub fn dispatch_frame(&mut self, frame: &MediaFrame) -> Dispatched {
        self.run(|handler| match handler {
            Handler::Of(kind, handler) if *kind == frame.kind => Some(call(|| handler(frame))),
            Handler::Every(handler) => Some(call(|| handler(frame))),
            _ => None,
        })
    }

    /// Calls the handlers of frames that are not sound.
    pub fn dispatch_invalid(&mut self, error: &FrameError) -> Dispatched {
        self.run(|handler| match handler {
            Handler::Invalid(handler) => Some(call(|| handler(error))),
            _ => None,
        })
    }

    /// What each handler did, in the order in which they were added.
    pub fn stats(&self) -> impl Iterator<Item = &HandlerStats> {
        self.handlers.iter().map(|entry| &entry.stats)
    }

    /// Frames that no handler was for.
    pub fn unhandled(&self) -> u64 {
        self.unhandled
    }

    fn run(&mut self, mut run: impl FnMut(&mut Handler) -> Option<Called>) -> Dispatched {
        let mut done = Dispatched::default();
        for Entry { handler, stats } in &mut self.handlers {
            let Some(called) = run(handler) else { continue };
            let text = match called {
                Called::Done => {
                    stats.handled += 1;
                    done.handled += 1;
                    continue;
                }
                Called::Failed(text) => {
                    stats.errors += 1;
                    text
                }
                Called::Panicked(text) => {
                    stats.panics += 1;
                    text
                }
            };
            stats.last_error = Some(cut(text.as_bytes()));
            done.failed += 1;
        }
        self.unhandled += u64::from(done == Dispatched::default());
        done
    }
}

enum Called {
    Done,
    Failed(String),
    Panicked(String),
}

fn call(handler: impl FnOnce() -> HandlerResult) -> Called {
    // Its error is formatted within: that is the handler's code too.
    match catch_unwind(AssertUnwindSafe(|| handler().map_err(|error| error.to_string()))) {
        Ok(Ok(())) => Called::Done,
        Ok(Err(text)) => Called::Failed(text),
        Err(panic) => Called::Panicked(message(&*panic)),
    }
}

/// What `panic!` was called with.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.stats()).finish()
    }
}

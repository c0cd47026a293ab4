//! The seam to whatever stores events.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::core::ports::BoxFuture;
use crate::error::{Error, ErrorKind};

/// Stores events: turns each item into a record, and writes records a batch at a time.
///
/// `T` is what the stream yields. A [`SinkRunner`](super::SinkRunner) does the rest: it batches, buffers, repeats and
/// counts. It asks for one batch at a time, so that order is kept, and goes on encoding while a batch is written.
///
/// ```
/// use genesys_cloud::BoxFuture;
/// use genesys_cloud::sink::{Ack, Batch, Encoded, EventSink, WriteError};
///
/// struct Printer;
///
/// impl EventSink<String> for Printer {
///     type Record = String;
///
///     fn encode(&self, item: String) -> Encoded<String> {
///         let bytes = item.len();
///         Encoded::record(item, bytes)
///     }
///
///     fn write<'a>(&'a self, batch: Batch<'a, String>) -> BoxFuture<'a, Result<Ack, WriteError>> {
///         Box::pin(async move {
///             for text in batch.records {
///                 println!("{text}");
///             }
///             Ok(Ack::all(&batch))
///         })
///     }
/// }
/// ```
pub trait EventSink<T>: Send + Sync {
    /// What is kept of an item until it is written.
    type Record: Send + Sync;

    /// Turns an item into a record, or says why there is none. Called once for each item, in order.
    fn encode(&self, item: T) -> Encoded<Self::Record>;

    /// Writes a batch and says which records are durable.
    ///
    /// A batch that failed, or was not answered in time, comes again with the same [`id`](Batch::id) and the same
    /// records: a sink that can tell whether it was written must not write it twice.
    ///
    /// # Errors
    /// [`WriteError::passing`] when the same batch may succeed later, [`WriteError::fatal`] when it never will.
    ///
    /// # Cancel safety
    /// The future is dropped when it takes longer than
    /// [`write_timeout`](super::SinkOptions::write_timeout), or at the end of a drain. The next call must cope with that.
    fn write<'a>(
        &'a self,
        batch: Batch<'a, Self::Record>,
    ) -> BoxFuture<'a, Result<Ack, WriteError>>;

    /// A record that says, in their place, that events were dropped because the buffer was full. Default: none.
    ///
    /// It is written with the batch that follows, and counts as no event.
    fn lagged(&self, dropped: u64) -> Option<Self::Record> {
        let _ = dropped;
        None
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T, S: EventSink<T> + ?Sized> EventSink<T> for $pointer {
            type Record = S::Record;

            fn encode(&self, item: T) -> Encoded<Self::Record> {
                (**self).encode(item)
            }

            fn write<'a>(
                &'a self,
                batch: Batch<'a, Self::Record>,
            ) -> BoxFuture<'a, Result<Ack, WriteError>> {
                (**self).write(batch)
            }

            fn lagged(&self, dropped: u64) -> Option<Self::Record> {
                (**self).lagged(dropped)
            }
        }
    )*};
}
forward!(&S, Box<S>, Arc<S>);

const _: fn(&dyn EventSink<u32, Record = u32>) = |_| {};

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoded<R> {
    /// It is to be written.
    Record {
        /// What is kept of it.
        record: R,
        /// What it counts against the bound of the buffer, in bytes.
        bytes: usize,
    },
    /// It is not for this sink.
    Skipped,
    /// It is for this sink, but cannot be written; why, in one clause that holds nothing of the item.
    Refused(Box<str>),
}

impl<R> Encoded<R> {
    /// A record, and what it counts in bytes.
    pub fn record(record: R, bytes: usize) -> Self {
        Self::Record { record, bytes }
    }

    /// An item that cannot be written.
    pub fn refused(reason: impl Into<Box<str>>) -> Self {
        Self::Refused(reason.into())
    }
}

/// Records to be written together.
#[derive(Debug)]
#[non_exhaustive]
pub struct Batch<'a, R> {
    /// Names the batch: the same for every attempt at the same records, different from every other batch of the process.
    pub id: u64,
    /// Counts the attempts from 1.
    pub attempt: u32,
    /// The records, in order.
    pub records: &'a [R],
}

impl<'a, R> Batch<'a, R> {
    /// A batch, to try a sink out.
    pub fn new(id: u64, attempt: u32, records: &'a [R]) -> Self {
        Self { id, attempt, records }
    }
}

impl<R> Clone for Batch<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Batch<'_, R> {}

/// How much of a batch is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ack {
    pub(super) done: usize,
    pub(super) refused: Vec<(usize, Box<str>)>,
}

impl Ack {
    /// Every record.
    pub fn all<R>(batch: &Batch<'_, R>) -> Self {
        Self::first(batch.records.len())
    }

    /// The first `count` records. The others come again, as a batch of their own.
    pub fn first(count: usize) -> Self {
        Self { done: count, refused: Vec::new() }
    }

    /// Says that the record at `index` can never be written, and why; it must be among those that are done.
    pub fn refuse(mut self, index: usize, reason: impl Into<Box<str>>) -> Self {
        self.refused.push((index, reason.into()));
        self
    }
}

/// Why a batch was not written.
pub struct WriteError {
    pub(super) error: Error,
    pub(super) fatal: bool,
}

impl WriteError {
    /// The same batch may succeed later; whether it was written is not known.
    pub fn passing(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { error: own(cause.into()), fatal: false }
    }

    /// Nothing but a change by somebody mends it: the run ends.
    pub fn fatal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { error: own(cause.into()), fatal: true }
    }

    /// Whether the run ends.
    pub fn is_fatal(&self) -> bool {
        self.fatal
    }

    /// What happened.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

/// An error of this crate stays what it is.
fn own(cause: Box<dyn StdError + Send + Sync>) -> Error {
    match cause.downcast::<Error>() {
        Ok(error) => *error,
        Err(cause) => {
            Error::new(ErrorKind::Transport, "the sink could not write").with_source(cause)
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl fmt::Debug for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteError")
            .field("fatal", &self.fatal)
            .field("error", &self.error)
            .finish()
    }
}

impl StdError for WriteError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}

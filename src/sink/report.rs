//! What a run came to.

use std::fmt;

use super::losses::Losses;
use crate::error::Error;

/// Counters of one runner. At every moment
/// `events == written + refused + skipped + dropped + waiting`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkStats {
    /// Items that were taken from the stream.
    pub events: u64,
    /// Events that the sink acknowledged as durable.
    pub written: u64,
    /// Events that cannot be written.
    pub refused: u64,
    /// Items that are not for this sink.
    pub skipped: u64,
    /// Events that [`SinkOverflow::DropOldest`](super::SinkOverflow::DropOldest) dropped.
    pub dropped: u64,
    /// Events in the buffer, the batch that is being written included.
    pub waiting: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// Batches that were acknowledged.
    pub batches: u64,
    /// Attempts that failed.
    pub failures: u64,
}

/// Why a run ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum SinkEnd {
    /// The stream ended, and everything was written.
    Finished,
    /// [`SinkHandle::shutdown`](super::SinkHandle::shutdown) was called, and everything was written.
    Shutdown,
    /// The stream ended with this error; everything before it was written.
    StreamFailed(Error),
    /// The deadline of the drain passed with events unwritten; the last failure of the sink, if there was one.
    DrainTimedOut(Option<Error>),
    /// The sink failed for good, or too often.
    SinkFailed(Error),
}

impl fmt::Display for SinkEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("the stream ended"),
            Self::Shutdown => f.write_str("shut down"),
            Self::StreamFailed(error) => write!(f, "the stream failed: {error}"),
            Self::DrainTimedOut(None) => f.write_str("the drain took too long"),
            Self::DrainTimedOut(Some(error)) => write!(f, "the drain took too long: {error}"),
            Self::SinkFailed(error) => write!(f, "the sink failed: {error}"),
        }
    }
}

/// What a run came to, with the records that were not written.
#[derive(Debug)]
#[non_exhaustive]
pub struct SinkReport<R> {
    /// Why it ended.
    pub end: SinkEnd,
    /// The counters at the end; `waiting` is how many events were not written.
    pub stats: SinkStats,
    /// Events that were dropped or refused, by their numbers.
    pub losses: Losses,
    /// The records that were not written, in order.
    pub unwritten: Vec<R>,
    /// How many of them, from the first on, were in a batch whose outcome is not known: the sink may have them.
    pub unknown: usize,
}

impl<R> SinkReport<R> {
    /// Whether every event that was for the sink is durable.
    pub fn is_complete(&self) -> bool {
        self.stats.waiting == 0 && self.losses.total() == 0
    }
}

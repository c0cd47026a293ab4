//! How a runner batches, buffers and repeats.

use std::time::Duration;

use crate::streaming::queue::Capacity;

/// What happens when the buffer is full because the sink is slow or away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SinkOverflow {
    /// Stop taking from the stream; its own overflow policy decides then. Nothing is dropped here.
    #[default]
    Wait,
    /// Drop the oldest records that are not being written. Each drop is counted, and listed in
    /// [`SinkReport::losses`](super::SinkReport::losses).
    DropOldest,
}

/// How a [`SinkRunner`](super::SinkRunner) batches, buffers and repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkOptions {
    pub(super) batch_items: usize,
    pub(super) batch_bytes: usize,
    pub(super) linger: Duration,
    pub(super) capacity: Capacity,
    pub(super) overflow: SinkOverflow,
    pub(super) backoff: (Duration, Duration),
    pub(super) max_attempts: Option<u32>,
    pub(super) write_timeout: Duration,
    pub(super) drain: Duration,
}

impl Default for SinkOptions {
    fn default() -> Self {
        Self {
            batch_items: 1_000,
            batch_bytes: 1 << 20,
            linger: Duration::from_millis(100),
            capacity: Capacity::new(100_000, 64 << 20),
            overflow: SinkOverflow::default(),
            backoff: (Duration::from_millis(200), Duration::from_secs(10)),
            max_attempts: None,
            write_timeout: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

impl SinkOptions {
    /// Most records in a batch, and most bytes of them; a batch holds at least one record. Default 1,000 and 1 MiB: one
    /// round trip for a thousand events, and no pause that a reader of the same server would notice.
    #[must_use]
    pub fn batch(mut self, items: usize, bytes: usize) -> Self {
        (self.batch_items, self.batch_bytes) = (items.max(1), bytes.max(1));
        self
    }

    /// How long a record waits at most for others before a batch is written. Default 100 ms: what a wallboard does not
    /// notice.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// The bound of the buffer, in records and bytes, the batch that is being written included. Default 100,000 and
    /// 64 MiB: more than a minute of a thousand events a second. A record that alone is larger than the bound is refused.
    #[must_use]
    pub fn capacity(mut self, capacity: Capacity) -> Self {
        self.capacity = capacity;
        self
    }

    /// What happens when the buffer is full. Default [`SinkOverflow::Wait`].
    #[must_use]
    pub fn overflow(mut self, overflow: SinkOverflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// The wait after a failure: a random share of `base`, doubled with every failure of the same batch up to `cap`, and
    /// never under half of `base`. Default 200 ms to 10 s: most restarts of a server are over by then.
    #[must_use]
    pub fn backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.backoff = (base, cap);
        self
    }

    /// Gives up after this many failed attempts at one batch; the run ends, and what was not written is handed back.
    /// Default: never.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts.max(1));
        self
    }

    /// How long one attempt may take before it is abandoned and made again. Default 30 s; a sink may have shorter
    /// deadlines of its own.
    #[must_use]
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// How long the buffer is still written once the stream has ended or [`SinkHandle::shutdown`](super::SinkHandle::shutdown)
    /// was called. Default 10 s: what is left of the usual 30 s between SIGTERM and SIGKILL when the rest has been closed.
    #[must_use]
    pub fn drain(mut self, deadline: Duration) -> Self {
        self.drain = deadline;
        self
    }
}

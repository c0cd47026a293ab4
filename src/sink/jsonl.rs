//! JSON lines: one object to a line, acknowledged when the writer has been flushed.

use std::fmt;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tokio::task::JoinHandle;

use super::event_sink::{Ack, Batch, Encoded, EventSink, WriteError};
use super::record::ToRecord;
use crate::core::ports::BoxFuture;
use crate::events::Lifecycle;

/// Writes every item as one line of JSON; a batch is acknowledged when it has been flushed.
///
/// Every item of the stream is a line, lifecycle items included; [`ToRecord`] says what is in it. Events that the buffer
/// dropped are a line too, in their place: `{"kind":"lifecycle","what":"lagged","dropped":n}`.
///
/// What the writer has taken of a batch that failed is not written again, so that no line occurs twice or is torn as long
/// as the process lives. Flushed means handed to the operating system: a machine that loses power may lose the last
/// lines of a file.
pub struct JsonLines<W> {
    state: tokio::sync::Mutex<State<W>>,
}

struct State<W> {
    writer: W,
    /// The batch that is being written.
    batch: Option<Progress>,
}

#[derive(Clone, Copy)]
struct Progress {
    id: u64,
    /// Bytes that the writer has taken.
    taken: usize,
    /// Whether a line break goes first, because an earlier batch was given up half way.
    apart: bool,
}

impl<W: AsyncWrite + Unpin + Send> JsonLines<W> {
    /// Writes to this.
    pub fn new(writer: W) -> Self {
        Self { state: tokio::sync::Mutex::new(State { writer, batch: None }) }
    }
}

impl<W: Write + Send + 'static> JsonLines<BlockingWriter<W>> {
    /// Writes to this on the threads that the runtime keeps for what blocks, such as a file or standard output.
    pub fn blocking(writer: W) -> Self {
        Self::new(BlockingWriter::new(writer))
    }
}

impl<W> JsonLines<W> {
    /// The writer.
    pub fn into_inner(self) -> W {
        self.state.into_inner().writer
    }
}

impl<W> fmt::Debug for JsonLines<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines").finish_non_exhaustive()
    }
}

impl<W: AsyncWrite + Unpin> State<W> {
    /// Goes on where an earlier attempt at the same batch ended.
    async fn write(&mut self, batch: Batch<'_, Bytes>) -> io::Result<()> {
        let at = match self.batch {
            Some(progress) if progress.id == batch.id => progress,
            earlier => {
                if earlier.is_some() {
                    // Takes the outcome of a write that was given up while it ran.
                    self.flush().await?;
                }
                Progress { id: batch.id, taken: 0, apart: earlier.is_some() }
            }
        };
        let mut lines = Vec::new();
        if at.apart {
            lines.push(b'\n');
        }
        lines.extend(batch.records.iter().flatten());
        let Self { writer, batch: progress } = self;
        let mut done = at.taken;
        *progress = Some(at);
        while done < lines.len() {
            let count = std::future::poll_fn(|cx| {
                let count = ready!(Pin::new(&mut *writer).poll_write(cx, &lines[done..]))?;
                // Noted in the same poll: a future that is dropped here has not forgotten what was taken.
                *progress = Some(Progress { taken: done + count, ..at });
                Poll::Ready(io::Result::Ok(count))
            })
            .await?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            done += count;
        }
        self.flush().await?;
        self.batch = None;
        Ok(())
    }

    async fn flush(&mut self) -> io::Result<()> {
        std::future::poll_fn(|cx| Pin::new(&mut self.writer).poll_flush(cx)).await
    }
}

/// Faults that no repetition mends.
fn is_final(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        K::BrokenPipe | K::NotConnected | K::PermissionDenied | K::Unsupported | K::InvalidInput
    )
}

impl<T: ToRecord, W: AsyncWrite + Unpin + Send> EventSink<T> for JsonLines<W> {
    type Record = Bytes;

    fn encode(&self, item: T) -> Encoded<Bytes> {
        match item.to_record() {
            Ok(mut line) => {
                line.push(b'\n');
                let bytes = line.len();
                Encoded::record(line.into(), bytes)
            }
            Err(error) => Encoded::refused(error.summary()),
        }
    }

    fn write<'a>(&'a self, batch: Batch<'a, Bytes>) -> BoxFuture<'a, Result<Ack, WriteError>> {
        Box::pin(async move {
            let outcome = self.state.lock().await.write(batch).await;
            match outcome {
                Ok(()) => Ok(Ack::all(&batch)),
                Err(error) if is_final(&error) => Err(WriteError::fatal(error)),
                Err(error) => Err(WriteError::passing(error)),
            }
        })
    }

    fn lagged(&self, dropped: u64) -> Option<Bytes> {
        let mut line = Lifecycle::Lagged { dropped }.to_record().ok()?;
        line.push(b'\n');
        Some(line.into())
    }
}

/// Makes a `std::io::Write` a `tokio::io::AsyncWrite`: each write runs on a thread for blocking calls.
pub struct BlockingWriter<W> {
    writer: Arc<Mutex<W>>,
    running: Option<JoinHandle<io::Result<usize>>>,
}

impl<W: Write + Send + 'static> BlockingWriter<W> {
    /// Wraps a writer.
    pub fn new(writer: W) -> Self {
        Self { writer: Arc::new(Mutex::new(writer)), running: None }
    }

    /// Starts `work` unless something runs, and waits for what runs.
    fn poll<J: FnOnce(&mut W) -> io::Result<usize> + Send + 'static>(
        &mut self,
        cx: &mut Context<'_>,
        work: impl FnOnce() -> J,
    ) -> Poll<io::Result<usize>> {
        let running = self.running.get_or_insert_with(|| {
            let (writer, work) = (self.writer.clone(), work());
            tokio::task::spawn_blocking(move || {
                work(&mut writer.lock().unwrap_or_else(PoisonError::into_inner))
            })
        });
        let done = ready!(Pin::new(running).poll(cx));
        self.running = None;
        Poll::Ready(done.map_err(io::Error::other)?)
    }
}

impl<W: Write + Send + 'static> AsyncWrite for BlockingWriter<W> {
    /// Must be called again with the same bytes until it is ready, as `AsyncWrite` asks of everyone who writes lines.
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, || {
            let bytes = bytes.to_vec();
            move |writer: &mut W| writer.write(&bytes)
        })
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, || |writer: &mut W| writer.flush().map(|()| 0)).map_ok(drop)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl<W> fmt::Debug for BlockingWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingWriter").finish_non_exhaustive()
    }
}

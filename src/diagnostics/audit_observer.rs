//! An audit log: one JSON object to a line for every action.

use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::core::clock::Clock;
use crate::diagnostics::audit_record::{Record, Totals};
use crate::diagnostics::observer::{Observer, Signal};
use crate::error::{Error, ErrorKind, Result};

/// Records that wait for a slow writer; each is under 4 KiB.
const QUEUE: usize = 1_024;

/// How long an observer that is dropped waits for its last records.
const PARTING: Duration = Duration::from_secs(1);

/// Writes one JSON object to a line for every [`Signal`], to any writer.
///
/// The writer has a thread of its own: a slow one never holds up a connection. 1,024 records wait for it; when they are
/// full, further records are dropped and counted, and the hole shows in `seq`. A record that cannot be written is counted
/// too, and the next is tried. To read the counts, give the client a clone of an `Arc` of the observer.
///
/// ```no_run
/// use std::sync::Arc;
/// use genesys_cloud::{AuditObserver, Client, ClientCredentials, Region};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = std::fs::OpenOptions::new().create(true).append(true).open("audit.jsonl")?;
/// let audit = Arc::new(AuditObserver::new(file)?);
/// let client = Client::builder(Region::UsEast1)
///     .credentials(ClientCredentials::from_env()?)
///     .observer(audit.clone())
///     .build()?;
/// // … and before the process ends:
/// audit.flush(std::time::Duration::from_secs(5))?;
/// # Ok(())
/// # }
/// ```
///
/// A file that is to be rotated is the writer's business: give it a writer that rotates, such as the
/// `RollingFileAppender` of `tracing-appender` or the `FileRotate` of `file-rotate`.
///
/// # Records
/// Every record has `time` (RFC 3339, UTC, microseconds), `seq` (counts from 0, without holes unless records were
/// dropped), `action`, and `totals`: `connects`, `disconnects`, `gaps`, `dropped` events, `malformed`, `requests`, `pings`
/// settled and `timeouts` among them, this record included. Ids of channels are shortened, texts are cut to 512 bytes, and
/// no record holds a token, a secret or the content of a message. The rest depends on `action`:
///
/// | `action` | with |
/// |---|---|
/// | `token_issued` | `generation`, `life_s` |
/// | `token_restored` | `generation`, `life_s`: what is left of it |
/// | `token_store_failed` | `error` |
/// | `token_renewal_failed` | `error`, `usable`: whether the old token still works |
/// | `request` | `method`, `operation`, `status`, `elapsed_ms` |
/// | `retry` | `operation`, `attempt`, `wait_ms` |
/// | `throttled` | `wait_ms` |
/// | `dial` | `channel` or null, `attempt`: failures before it |
/// | `connected` | `channel` or null |
/// | `renewed` | `channel` or null, `overlap_ms` |
/// | `disconnected` | `channel` or null, `cause` (see [`Gone::what`](crate::Gone::what)), `code` (see [`Gone::close_code`](crate::Gone::close_code)), `detail`, `was_live_ms` |
/// | `pong` | `rtt_ms` |
/// | `latency` | `ping`: a [`Measurement`](crate::Measurement) |
/// | `sent` | `kind`, `bytes` |
/// | `subscribed` | `topics`: how many |
/// | `rejected` | `topic` |
/// | `gap` | `topics`: how many, `duration_ms` |
/// | `lagged` | `dropped` |
/// | `sink_failed` | `error`, `attempt`: counts from 1, `wait_ms` |
/// | `malformed` | `topic` or null |
/// | `action` | `name`, `count` |
///
/// # Ending
/// An observer that is dropped waits up to a second for its records to be written.
pub struct AuditObserver {
    state: Mutex<State>,
    clock: Option<Arc<dyn Clock>>,
    lost: Arc<Lost>,
}

struct State {
    next: u64,
    totals: Totals,
    queue: SyncSender<Message>,
}

enum Message {
    Line(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(SyncSender<()>),
}

#[derive(Debug, Default)]
struct Lost {
    queue_full: AtomicU64,
    not_written: AtomicU64,
}

impl AuditObserver {
    /// An observer that writes to `writer`, which is flushed whenever nothing waits.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when the system has no thread left for it.
    pub fn new(writer: impl Write + Send + 'static) -> Result<Self> {
        let (queue, records) = mpsc::sync_channel(QUEUE);
        let lost = Arc::new(Lost::default());
        let counters = lost.clone();
        thread::Builder::new()
            .name("genesys-audit".into())
            .spawn(move || write_all(writer, &records, &counters))
            .map_err(|error| Error::config("no thread for the audit log").with_source(error))?;
        let state = State { next: 0, totals: Totals::default(), queue };
        Ok(Self { state: Mutex::new(state), clock: None, lost })
    }

    /// Where the time of a record is read. Default: the system.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Records that were dropped because the writer was too slow.
    pub fn dropped(&self) -> u64 {
        self.lost.queue_full.load(Ordering::Relaxed)
    }

    /// Records that the writer failed to write.
    pub fn write_errors(&self) -> u64 {
        self.lost.not_written.load(Ordering::Relaxed)
    }

    /// Blocks until every record so far is written, at most for `deadline`: for the end of a program.
    ///
    /// # Errors
    /// [`Timeout`](ErrorKind::Timeout) when the writer is not done by then, and [`Closed`](ErrorKind::Closed) when it has
    /// panicked.
    pub fn flush(&self, deadline: Duration) -> Result<()> {
        let late = || Error::new(ErrorKind::Timeout, "the audit log is not written in time");
        let gone = || Error::new(ErrorKind::Closed, "the writer of the audit log has panicked");
        let (done, is_done) = mpsc::sync_channel(1);
        let queue = self.state.lock().unwrap_or_else(PoisonError::into_inner).queue.clone();
        let began = std::time::Instant::now();
        let mut message = Message::Flush(done);
        while let Err(refused) = queue.try_send(message) {
            match refused {
                TrySendError::Full(back) if began.elapsed() < deadline => message = back,
                TrySendError::Full(_) => return Err(late()),
                TrySendError::Disconnected(_) => return Err(gone()),
            }
            thread::sleep(Duration::from_millis(1));
        }
        is_done.recv_timeout(deadline.saturating_sub(began.elapsed())).map_err(
            |error| match error {
                mpsc::RecvTimeoutError::Timeout => late(),
                mpsc::RecvTimeoutError::Disconnected => gone(),
            },
        )
    }
}

impl Observer for AuditObserver {
    fn observe(&self, signal: &Signal<'_>) {
        // The order of `seq`, time and lines is one and the same.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.totals.count(signal);
        let at = self.clock.as_ref().map_or_else(SystemTime::now, |clock| clock.wall());
        let record = Record { at, seq: state.next, signal, totals: state.totals };
        state.next += 1;
        let Some(line) = record.line() else {
            self.lost.not_written.fetch_add(1, Ordering::Relaxed);
            return;
        };
        match state.queue.try_send(Message::Line(line)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.lost.queue_full.fetch_add(1, Ordering::Relaxed);
            }
            Err(TrySendError::Disconnected(_)) => {
                self.lost.not_written.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for AuditObserver {
    fn drop(&mut self) {
        // What cannot be written by then is lost with the program.
        let _ = self.flush(PARTING);
    }
}

impl fmt::Debug for AuditObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditObserver").field("lost", &self.lost).finish_non_exhaustive()
    }
}

fn write_all(mut writer: impl Write, records: &Receiver<Message>, lost: &Lost) {
    let mut unflushed = false;
    loop {
        let message = match records.try_recv() {
            Ok(message) => message,
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {
                if std::mem::take(&mut unflushed) && writer.flush().is_err() {
                    lost.not_written.fetch_add(1, Ordering::Relaxed);
                }
                match records.recv() {
                    Ok(message) => message,
                    Err(_) => break,
                }
            }
        };
        match message {
            Message::Line(line) => {
                unflushed = true;
                if writer.write_all(&line).is_err() {
                    lost.not_written.fetch_add(1, Ordering::Relaxed);
                }
            }
            Message::Flush(done) => {
                unflushed = false;
                if writer.flush().is_err() {
                    lost.not_written.fetch_add(1, Ordering::Relaxed);
                }
                // Nobody waits any longer: fine.
                let _ = done.try_send(());
            }
        }
    }
}

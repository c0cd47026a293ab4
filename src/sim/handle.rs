//! The platform's end of an open socket: a bounded queue in front of it, and a signal past the queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::farewell::Farewell;
use super::frames::Event;
use super::knobs::Knobs;

/// Commands that wait for a socket: enough for a burst, and an end to it.
const QUEUE_COMMANDS: usize = 65_536;

/// Bytes of events that wait for a socket.
const QUEUE_BYTES: usize = 64 * 1024 * 1024;

/// What a socket is given to do, in order.
#[derive(Debug)]
pub(super) enum Command {
    /// Send an event.
    Event(Event),
    /// Send a text that the network leaves alone.
    Send(String),
    /// Send the beginning of an event.
    Malformed,
    /// Send a text frame that is not UTF-8.
    InvalidUtf8,
    /// Send an event of exactly so many bytes.
    Oversize(usize),
    /// Change what lasts.
    Knobs(Knobs),
    /// Read and write nothing until then.
    Silence(Instant),
    /// Send no heartbeat until then.
    NoHeartbeat(Instant),
    /// Send a pong that no ping has asked for.
    Pong(String),
    /// Answer no pings until then.
    NoPong(Instant),
    /// Close at some time.
    CloseAt(Instant, Farewell),
    /// Close now.
    Close(Farewell),
    /// End the TCP connection at some time, within a frame and without a close frame.
    CutAt(Instant),
}

/// What reaches a socket past its queue, even while it writes or is silent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signal {
    /// Ends it.
    pub(super) end: Option<End>,
    /// Counts resets of the platform, which end silence.
    pub(super) lifts: u64,
}

/// How a socket ends without a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By a TCP RST.
    Reset,
    /// Dropped: the client does not read, and its queue is full.
    Overrun,
}

/// The sender's side.
#[derive(Debug)]
pub(super) struct Handle {
    /// Tells this socket from the one that had the channel before.
    pub(super) serial: u64,
    queue: mpsc::Sender<Command>,
    bytes: Arc<AtomicUsize>,
    signal: watch::Sender<Signal>,
}

/// The socket's side.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) queue: mpsc::Receiver<Command>,
    pub(super) signal: watch::Receiver<Signal>,
    bytes: Arc<AtomicUsize>,
}

impl Handle {
    pub(super) fn new(serial: u64) -> (Self, Inbox) {
        let (queue, commands) = mpsc::channel(QUEUE_COMMANDS);
        let (signal, signals) = watch::channel(Signal::default());
        let bytes = Arc::new(AtomicUsize::new(0));
        let inbox = Inbox { queue: commands, signal: signals, bytes: Arc::clone(&bytes) };
        let handle = Self { serial, queue, bytes, signal };
        (handle, inbox)
    }

    /// Gives the socket something to do; when its queue is full, the socket is ended instead.
    pub(super) fn send(&self, command: Command) {
        let bytes = command.bytes();
        let waiting = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if waiting.saturating_add(bytes) > QUEUE_BYTES || self.queue.try_send(command).is_err() {
            self.end(End::Overrun);
        }
    }

    /// Ends the socket past its queue.
    pub(super) fn end(&self, end: End) {
        self.signal.send_modify(|signal| {
            signal.end.get_or_insert(end);
        });
    }

    /// Ends silence and everything that lasts.
    pub(super) fn lift(&self) {
        self.signal.send_modify(|signal| signal.lifts += 1);
    }

    /// Whether the queue is less than half full.
    pub(super) fn has_room(&self) -> bool {
        self.queue.capacity() > QUEUE_COMMANDS / 2
            && self.bytes.load(Ordering::Relaxed) < QUEUE_BYTES / 2
    }
}

impl Inbox {
    /// Takes note that a command has left the queue.
    pub(super) fn took(&self, command: &Command) {
        self.bytes.fetch_sub(command.bytes(), Ordering::Relaxed);
    }
}

impl Command {
    fn bytes(&self) -> usize {
        match self {
            Self::Event(event) => event.message.len(),
            Self::Send(text) => text.len(),
            Self::Oversize(bytes) => *bytes,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ended(inbox: &Inbox) -> Option<End> {
        inbox.signal.borrow().end
    }

    #[test]
    fn a_queue_is_bounded_by_count() {
        let (handle, inbox) = Handle::new(1);
        let event = Event::new("v2.a", &json!({}), "c");
        for _ in 0..QUEUE_COMMANDS {
            handle.send(Command::Event(event.clone()));
        }
        assert_eq!(ended(&inbox), None);
        assert!(!handle.has_room());
        handle.send(Command::Event(event));
        assert_eq!(ended(&inbox), Some(End::Overrun));
    }

    #[test]
    fn a_queue_is_bounded_by_bytes_and_what_has_left_it_does_not_count() {
        let (handle, mut inbox) = Handle::new(1);
        let event = Event::new("v2.a", &json!({}), "c").of_size(QUEUE_BYTES / 2);
        for _ in 0..2 {
            handle.send(Command::Event(event.clone()));
        }
        let first = inbox.queue.try_recv().unwrap();
        inbox.took(&first);
        handle.send(Command::Event(event.clone()));
        assert_eq!(ended(&inbox), None);
        handle.send(Command::Event(event));
        assert_eq!(ended(&inbox), Some(End::Overrun));
    }
}

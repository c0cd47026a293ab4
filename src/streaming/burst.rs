//! Reading a socket in bursts: many frames for one turn of the link's loop.

use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use tokio::task::coop::has_budget_remaining;

use super::delivery::{Delivery, Origin};
use super::driver::Item;
use super::fingerprint::{Fingerprint, fingerprint};
use super::overlap::Overlap;
use super::protocol::{Decode, Decoded, Inbound, Notice};
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::core::ids::ChannelId;
use crate::transport::ws::{Frame, Socket};

/// Frames that are read and decoded before the task looks at anything else.
const BURST: usize = 64;

/// Frames decoded in one burst.
pub(super) struct Burst<E> {
    /// Events, each with the bytes of its frame.
    pub(super) items: Vec<(Item<E>, usize)>,
    /// Of the items, when they are compared with those of another connection; else empty.
    pub(super) prints: Vec<Option<Fingerprint>>,
    /// The first inbound message, and what every message means for the connection.
    pub(super) notices: Vec<Sign>,
    pub(super) frames: u64,
    pub(super) filtered: u64,
    /// What was read last; `None` when nothing was, or what ended it.
    pub(super) read: Option<Read>,
    /// The close frame or fault that ended it.
    pub(super) end: Option<Gone>,
}

/// How far the socket was read.
pub(super) enum Read {
    /// Nothing waits; this is the newest byte.
    All(Moment),
    /// More waits; this is the newest byte.
    Some(Moment),
}

/// What one message means for the connection.
#[derive(Debug, PartialEq)]
pub(super) enum Sign {
    Notice(Notice),
    /// A pong, or the answer to a ping with an id, and when it came in.
    Answer(Box<str>, Instant),
}

impl<E> Burst<E> {
    pub(super) fn new() -> Self {
        Self {
            items: Vec::new(),
            prints: Vec::new(),
            notices: Vec::new(),
            frames: 0,
            filtered: 0,
            read: None,
            end: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames == 0
    }
}

/// Reads up to a burst of frames, and flushes what waits to be written. Everything read is in `burst`, also when this
/// is dropped; a fault before the first frame is returned at once.
pub(super) fn poll_socket<E>(
    cx: &mut Context<'_>,
    socket: &mut Socket,
    room: Option<(usize, usize)>,
    decoder: &mut dyn Decode<E>,
    burst: &mut Burst<E>,
    channel: Option<&ChannelId>,
    overlap: &Overlap,
) -> Poll<Option<Gone>> {
    // Once it is written, the time that it had to be written in is over: that is for the next turn to see.
    if socket.is_dirty()
        && let Poll::Ready(written) = socket.poll_flush(cx)
    {
        return Poll::Ready(written.err());
    }
    let Some((items, bytes)) = room else {
        return Poll::Pending;
    };
    let most = items.min(BURST);
    let mut used = 0;
    let mut drained = false;
    while burst.items.len() < most && used < bytes && burst.frames < BURST as u64 {
        let frame = match socket.poll_frame(cx) {
            Poll::Pending => {
                // Also the answer to a task that has had its turn.
                drained = has_budget_remaining();
                break;
            }
            Poll::Ready(Ok(frame)) => frame,
            Poll::Ready(Err(gone)) => {
                if burst.frames == 0 {
                    return Poll::Ready(Some(gone));
                }
                burst.end = Some(gone);
                break;
            }
        };
        burst.frames += 1;
        let size = match &frame {
            Frame::Text(text) => text.len(),
            Frame::Binary(data) => data.len(),
            Frame::Ping => {
                burst.notices.push(Sign::Notice(Notice::None));
                continue;
            }
            Frame::Pong(payload) => {
                let id = String::from_utf8_lossy(payload).into();
                burst.notices.push(Sign::Answer(id, socket.last_inbound().mono));
                continue;
            }
            Frame::Close(code, reason) => {
                // The answer to a close frame is worth one try.
                let _ = socket.poll_flush(cx);
                burst.end = Some(Gone::Closed { code: *code, reason: reason.clone() });
                break;
            }
        };
        let message = match &frame {
            Frame::Binary(data) => Inbound::Binary(data),
            Frame::Text(text) => Inbound::Text(text, text.as_ref()),
            Frame::Ping | Frame::Pong(_) | Frame::Close(..) => continue,
        };
        let Decoded { notice, item } = decoder.decode(message);
        // Only the first plain message matters to the session, which then knows that the connection flows.
        let silent = notice == Notice::None;
        if !silent || burst.notices.is_empty() {
            burst.notices.push(match notice {
                Notice::Probe(id) => Sign::Answer(id, socket.last_inbound().mono),
                notice => Sign::Notice(notice),
            });
        }
        match item {
            Some(item) => {
                used += size;
                let print = overlap.is_asked_for().then(|| {
                    let bytes = match message {
                        Inbound::Text(text, _) => text.as_bytes(),
                        Inbound::Binary(data) => data,
                    };
                    let id = item.correlation_id.as_deref();
                    fingerprint(item.topic.name(), id, item.body.of(bytes))
                });
                if print.is_some() || !burst.prints.is_empty() {
                    burst.prints.resize(burst.items.len(), None);
                    burst.prints.push(print);
                }
                let delivery = Delivery {
                    event: item.event,
                    topic: item.topic,
                    correlation_id: item.correlation_id,
                    received_at: received(socket),
                    origin: Origin::Live,
                    channel: channel.cloned(),
                };
                burst.items.push((Item::Event(delivery, item.health, print), size));
            }
            None if silent => burst.filtered += 1,
            None => {}
        }
    }
    let newest = socket.last_inbound();
    burst.read = match burst.end {
        Some(_) => None,
        None if drained => Some(Read::All(newest)),
        None => Some(Read::Some(newest)),
    };
    if burst.frames > 0 { Poll::Ready(None) } else { Poll::Pending }
}

fn received(socket: &Socket) -> SystemTime {
    socket.last_inbound().wall
}

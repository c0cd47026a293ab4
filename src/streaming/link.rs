//! The task of one connection: dials, polls the socket, decodes, and performs what its [`Session`] asks for.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use super::delivery::{Counters, Delivery, Origin, add};
use super::driver::{Item, Parts};
use super::ledger::LinkKey;
use super::policy::Overflow;
use super::protocol::{Decode, Decoded, DialContext, Health, Notice, StreamEvent};
use super::queue::Sender;
use super::session::{Action, Input, Session, Timing};
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::core::ids::ChannelId;
use crate::core::ports::ChannelInfo;
use crate::diagnostics::observer::Signal;
use crate::error::Error;
use crate::transport::ws::{DialError, Frame, Outbound, Socket};

/// Frames that are read and decoded before the task looks at anything else.
const BURST: usize = 64;

/// What a link is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// Show that you flow from now on.
    Probe,
    /// Close in an orderly way.
    Close(Gone),
}

/// What a link tells.
#[derive(Debug)]
pub(crate) enum Report {
    /// The connection flows. Nothing more is delivered until the answer, so that what the supervisor has to say of
    /// this moment comes first in the stream.
    Flowing {
        link: LinkKey,
        at: Moment,
        go: oneshot::Sender<()>,
    },
    /// The peer said something about the connection.
    Notice { link: LinkKey, notice: Notice },
    /// The connection is over.
    Gone {
        link: LinkKey,
        cause: Gone,
        /// The last inbound byte; `None` when the socket never opened.
        last_in: Option<Moment>,
        retry_after: Option<Duration>,
        /// The error that makes it pointless to go on.
        fatal: Option<Error>,
    },
}

/// One connection.
pub(crate) struct Link<E: StreamEvent> {
    pub(crate) key: LinkKey,
    pub(crate) channel: Option<ChannelInfo>,
    pub(crate) parts: Arc<Parts<E>>,
    pub(crate) timing: Timing,
    pub(crate) events: Sender<Item<E>>,
    pub(crate) reports: mpsc::Sender<Report>,
    pub(crate) counters: Arc<Counters>,
}

/// What one turn of the loop brought.
enum Turn {
    Dialled(Result<Socket, DialFailure>),
    Order(Option<Order>),
    Timer,
    Frames,
    Lost(Gone),
    Room,
    WriteStalled,
}

enum DialFailure {
    Gone(DialError),
    Fatal(Error),
}

/// Frames decoded in one burst.
struct Burst<E> {
    items: Vec<(Item<E>, usize)>,
    /// The first inbound message, and what every message means for the connection.
    notices: Vec<Notice>,
    frames: u64,
    filtered: u64,
    /// The close frame or fault that ended it.
    end: Option<Gone>,
}

impl<E: StreamEvent> Link<E> {
    /// Runs the connection to its end. Reports [`Report::Gone`] exactly once, last.
    pub(crate) async fn run(self, mut orders: mpsc::Receiver<Order>) {
        let mut session = Session::new(self.timing);
        let mut actions = Vec::new();
        let mut socket: Option<Socket> = None;
        let mut decoder = self
            .parts
            .protocol
            .decoder(self.parts.filter.clone(), self.channel.as_ref());
        let mut dialling = None;
        let mut dirty_since: Option<Instant> = None;
        let mut paused = false;
        let mut retry_after = None;
        let mut fatal = None;
        let clock = self.parts.connector.clock.clone();
        let opened_at = clock.now();
        let channel_id = self.channel.as_ref().map(|channel| channel.id.clone());

        session.step(clock.now(), Input::Start, &mut actions);
        loop {
            // Perform what the session asked for.
            let mut done = None;
            for action in std::mem::take(&mut actions) {
                match action {
                    Action::Dial => dialling = Some(Box::pin(self.dial())),
                    Action::Greet => {
                        for message in self.parts.protocol.greeting() {
                            send(&mut socket, Outbound::Text(message));
                        }
                    }
                    Action::Ping => {
                        if let Some(message) = self.parts.protocol.ping() {
                            send(&mut socket, Outbound::Text(message));
                        }
                    }
                    Action::SendClose(code) => send(&mut socket, Outbound::Close(code)),
                    Action::Rtt(rtt) => {
                        let nanos = u64::try_from(rtt.as_nanos()).unwrap_or(u64::MAX);
                        self.counters
                            .last_rtt_ns
                            .store(nanos.max(1), Ordering::Relaxed);
                        self.parts.observer.observe(&Signal::Pong { rtt });
                    }
                    Action::Flowing => self.flowing(&clock.moment()).await,
                    Action::Done(cause) => done = Some(cause),
                }
            }
            if let Some(cause) = done {
                let last_in = socket.as_ref().map(Socket::last_inbound);
                // The socket goes before the report: nobody may dial again while it is still there.
                drop(socket.take());
                let link = self.key;
                let report = Report::Gone {
                    link,
                    cause,
                    last_in,
                    retry_after,
                    fatal,
                };
                let _ = self.reports.send(report).await;
                return;
            }

            let now = clock.now();
            dirty_since = match &socket {
                Some(socket) if socket.is_dirty() => dirty_since.or(Some(now)),
                _ => None,
            };
            let stalled_at = dirty_since.map(|since| since + self.timing.write);
            let last_in = socket
                .as_ref()
                .map_or(opened_at, |socket| socket.last_inbound().mono);
            let wake = session.wake_at(last_in);
            let room = if paused { None } else { self.events.room() };
            let mut burst = Burst::new();

            let turn = tokio::select! {
                biased;
                order = orders.recv() => Turn::Order(order),
                () = at(stalled_at) => Turn::WriteStalled,
                () = at(wake) => Turn::Timer,
                dialled = until(&mut dialling) => Turn::Dialled(dialled),
                end = poll_fn(|cx| {
                    let Some(socket) = &mut socket else { return Poll::Pending };
                    poll_socket(cx, socket, room, &mut *decoder, &mut burst, channel_id.as_ref())
                }) => end.map_or(Turn::Frames, Turn::Lost),
                () = self.events.until(|events| events.room().is_some()), if paused => Turn::Room,
            };

            let now = clock.now();
            let mut step = |input| session.step(now, input, &mut actions);
            match turn {
                Turn::Dialled(result) => {
                    dialling = None;
                    match result {
                        Ok(opened) => {
                            socket = Some(opened);
                            step(Input::Opened);
                        }
                        Err(DialFailure::Gone(error)) => {
                            retry_after = error.retry_after;
                            step(Input::Gone(error.gone));
                        }
                        Err(DialFailure::Fatal(error)) => {
                            let detail = error.to_string().into();
                            let status = error.status();
                            fatal = Some(error);
                            step(Input::Gone(Gone::Rest { status, detail }));
                        }
                    }
                }
                Turn::Order(Some(Order::Probe)) => step(Input::Probe),
                Turn::Order(Some(Order::Close(cause))) => step(Input::Close(cause)),
                // Nobody is left to report to.
                Turn::Order(None) => return,
                Turn::WriteStalled => step(Input::Gone(Gone::WriteTimeout)),
                Turn::Timer => step(Input::Timer { last_in }),
                Turn::Lost(cause) => step(Input::Gone(cause)),
                Turn::Room => {
                    paused = false;
                    step(Input::Paused(false));
                }
                Turn::Frames => {}
            }
            if !burst.is_empty() {
                self.take(burst, &mut session, &mut actions, now).await;
            }
            if !paused && socket.is_some() && self.events.room().is_none() {
                if self.events.overflow() == Overflow::Disconnect {
                    session.step(now, Input::Gone(Gone::Overflow), &mut actions);
                } else {
                    paused = true;
                    session.step(now, Input::Paused(true), &mut actions);
                }
            }
        }
    }

    /// Hands a burst to the session, the supervisor and the consumer, in the order of its frames.
    async fn take(
        &self,
        burst: Burst<E>,
        session: &mut Session,
        actions: &mut Vec<Action>,
        now: Instant,
    ) {
        add(&self.counters.frames, burst.frames);
        add(&self.counters.filtered, burst.filtered);
        let mut first = Vec::new();
        for notice in burst.notices {
            let input = if notice == Notice::Pong {
                Input::Pong
            } else {
                Input::Message
            };
            match &notice {
                Notice::Heartbeat => add(&self.counters.heartbeats, 1),
                Notice::Pong => add(&self.counters.pongs, 1),
                _ => {}
            }
            session.step(now, input, &mut first);
            if matches!(notice, Notice::Closing | Notice::ChannelGone(_)) {
                let _ = self
                    .reports
                    .send(Report::Notice {
                        link: self.key,
                        notice,
                    })
                    .await;
            }
        }
        // What the supervisor says of the first sign of life comes before the events that follow it.
        for action in first {
            if action == Action::Flowing {
                self.flowing(&self.parts.connector.clock.moment()).await;
            } else {
                actions.push(action);
            }
        }
        if !burst.items.is_empty() {
            self.count(&burst.items);
            let dropped = self.events.push(burst.items);
            if dropped > 0 {
                add(&self.counters.dropped, dropped);
                self.parts.observer.observe(&Signal::Lagged { dropped });
            }
        }
        if let Some(end) = burst.end {
            session.step(now, Input::Gone(end), actions);
        }
    }

    fn count(&self, items: &[(Item<E>, usize)]) {
        add(&self.counters.events, items.len() as u64);
        for (item, _) in items {
            let Item::Event(delivery, health) = item else {
                continue;
            };
            match health {
                Health::Typed => {}
                Health::Unrecognized => add(&self.counters.unrecognized, 1),
                Health::Malformed => {
                    add(&self.counters.malformed, 1);
                    let topic = Some(delivery.topic.name());
                    self.parts.observer.observe(&Signal::Malformed { topic });
                }
            }
        }
    }

    async fn flowing(&self, at: &Moment) {
        let (go, gone) = oneshot::channel();
        let report = Report::Flowing {
            link: self.key,
            at: *at,
            go,
        };
        if self.reports.send(report).await.is_ok() {
            let _ = gone.await;
        }
    }

    async fn dial(&self) -> Result<Socket, DialFailure> {
        let protocol = &self.parts.protocol;
        add(&self.counters.dials, 1);
        let context = DialContext {
            endpoints: &self.parts.endpoints,
            channel: self.channel.as_ref(),
        };
        let request = protocol.dial(&context).map_err(DialFailure::Fatal)?;
        let dialled = self
            .parts
            .connector
            .connect(&request, self.parts.buffers)
            .await;
        dialled.map_err(DialFailure::Gone)
    }
}

impl<E> Burst<E> {
    fn new() -> Self {
        Self {
            items: Vec::new(),
            notices: Vec::new(),
            frames: 0,
            filtered: 0,
            end: None,
        }
    }

    fn is_empty(&self) -> bool {
        self.frames == 0
    }
}

/// Reads up to a burst of frames, and flushes what waits to be written. Everything read is in `burst`, also when this
/// is dropped; a fault before the first frame is returned at once.
fn poll_socket<E>(
    cx: &mut Context<'_>,
    socket: &mut Socket,
    room: Option<(usize, usize)>,
    decoder: &mut dyn Decode<E>,
    burst: &mut Burst<E>,
    channel: Option<&ChannelId>,
) -> Poll<Option<Gone>> {
    if socket.is_dirty()
        && let Poll::Ready(Err(gone)) = socket.poll_flush(cx)
    {
        return Poll::Ready(Some(gone));
    }
    let Some((items, bytes)) = room else {
        return Poll::Pending;
    };
    let most = items.min(BURST);
    let mut used = 0;
    while burst.items.len() < most && used < bytes && burst.frames < BURST as u64 {
        let frame = match socket.poll_frame(cx) {
            Poll::Pending => break,
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
            Frame::Ping | Frame::Pong => {
                burst.notices.push(Notice::None);
                continue;
            }
            Frame::Close(code, reason) => {
                burst.end = Some(Gone::Closed {
                    code: *code,
                    reason: reason.clone(),
                });
                break;
            }
        };
        let Decoded { notice, item } = decoder.decode(&frame);
        // Only the first plain message matters to the session, which then knows that the connection flows.
        if notice != Notice::None || burst.notices.is_empty() {
            burst.notices.push(notice.clone());
        }
        match item {
            Some(item) => {
                used += size;
                let delivery = Delivery {
                    event: item.event,
                    topic: item.topic,
                    correlation_id: item.correlation_id,
                    received_at: received(socket),
                    origin: Origin::Live,
                    channel: channel.cloned(),
                };
                burst.items.push((Item::Event(delivery, item.health), size));
            }
            None if notice == Notice::None => burst.filtered += 1,
            None => {}
        }
    }
    if burst.frames > 0 {
        Poll::Ready(None)
    } else {
        Poll::Pending
    }
}

fn received(socket: &Socket) -> SystemTime {
    socket.last_inbound().wall
}

/// Queues a message; a fault shows at the next read or flush.
fn send(socket: &mut Option<Socket>, out: Outbound) {
    if let Some(socket) = socket {
        let _ = socket.queue(out);
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

async fn until<F: Future + Unpin>(future: &mut Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}

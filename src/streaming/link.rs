//! The task of one connection: dials, polls the socket, decodes, and performs what its [`Session`] asks for.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use super::burst::{Burst, poll_socket};
use super::delivery::{Counters, add};
use super::driver::{Item, Parts};
use super::ledger::LinkKey;
use super::policy::Overflow;
use super::protocol::{
    Decode, DecoderContext, DialContext, GreetingContext, Health, Needs, Notice, StreamEvent,
};
use super::queue::Sender;
use super::session::{Action, Input, Session, Timing};
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::core::ports::{AccessToken, BoxFuture, ChannelInfo};
use crate::diagnostics::observer::Signal;
use crate::error::{Error, ErrorKind};
use crate::events::Topic;
use crate::transport::ws::{DialError, Outbound, Socket};

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
    Flowing { link: LinkKey, at: Moment, go: oneshot::Sender<()> },
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
    /// What the first messages subscribe; empty for links to a channel.
    pub(crate) wanted: Vec<Topic>,
    pub(crate) parts: Arc<Parts<E>>,
    pub(crate) timing: Timing,
    pub(crate) events: Sender<Item<E>>,
    pub(crate) reports: mpsc::Sender<Box<Report>>,
    pub(crate) counters: Arc<Counters>,
}

/// What one turn of the loop brought.
enum Turn {
    Dialled(Result<Dialled, DialFailure>),
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

/// An open socket, and the token that it was opened with.
struct Dialled {
    socket: Box<Socket>,
    token: Option<AccessToken>,
}

type Dialling = BoxFuture<'static, Result<Dialled, DialFailure>>;

/// The state of a link that runs.
struct Running<E: StreamEvent> {
    link: Arc<Link<E>>,
    session: Session,
    actions: Vec<Action>,
    socket: Option<Box<Socket>>,
    token: Option<AccessToken>,
    decoder: Box<dyn Decode<E>>,
    dialling: Option<Dialling>,
    burst: Burst<E>,
    /// Since when something waits to be written.
    dirty_since: Option<Instant>,
    /// Whether our own back-pressure keeps us from reading.
    paused: bool,
    retry_after: Option<Duration>,
    fatal: Option<Error>,
    began: Instant,
}

impl<E: StreamEvent> Link<E> {
    /// Runs the connection to its end. Reports [`Report::Gone`] exactly once, last.
    pub(crate) async fn run(self, mut orders: mpsc::Receiver<Box<Order>>) {
        let filter = self.parts.filter.clone();
        let channel = self.channel.as_ref().map(|channel| &channel.id);
        let decoder = self.parts.protocol.decoder(&DecoderContext { filter, channel });
        let began = self.parts.connector.clock.now();
        // Says farewell when a filter or an observer panics: the driver must not wait for a link that is no more.
        let mut farewell = Farewell { link: self.key, reports: Some(self.reports.clone()) };
        let mut running = Running {
            session: Session::new(self.timing),
            link: Arc::new(self),
            actions: Vec::new(),
            socket: None,
            token: None,
            decoder,
            dialling: None,
            burst: Burst::new(),
            dirty_since: None,
            paused: false,
            retry_after: None,
            fatal: None,
            began,
        };
        running.session.step(began, Input::Start, &mut running.actions);
        loop {
            if let Some(cause) = running.perform().await {
                farewell.reports = None;
                running.report_gone(cause).await;
                return;
            }
            let turn = running.turn(&mut orders).await;
            // Without a supervisor there is nobody left to report to.
            if matches!(turn, Turn::Order(None)) {
                farewell.reports = None;
                return;
            }
            running.handle(turn).await;
        }
    }
}

impl<E: StreamEvent> Running<E> {
    /// Performs what the session asked for; returns why the connection is over, once it is.
    async fn perform(&mut self) -> Option<Gone> {
        for action in std::mem::take(&mut self.actions) {
            match action {
                Action::Dial => self.dialling = Some(Box::pin(dial(self.link.clone()))),
                Action::Greet => {
                    let parts = &self.link.parts;
                    let context = GreetingContext {
                        token: self.token.as_ref(),
                        wanted: &self.link.wanted,
                        now: parts.connector.clock.wall(),
                    };
                    for message in parts.protocol.greeting(&context) {
                        self.send(message);
                    }
                }
                Action::Ping => {
                    let ping = self.link.parts.protocol.ping();
                    self.send(ping);
                }
                Action::SendClose(code) => self.send(Outbound::Close(code)),
                Action::Rtt(rtt) => {
                    let nanos = u64::try_from(rtt.as_nanos()).unwrap_or(u64::MAX);
                    self.link.counters.last_rtt_ns.store(nanos.max(1), Ordering::Relaxed);
                    self.link.parts.observer.observe(&Signal::Pong { rtt });
                }
                Action::Flowing => self.flowing().await,
                Action::Done(cause) => return Some(cause),
            }
        }
        None
    }

    /// Queues a message; a fault shows at the next read or flush.
    fn send(&mut self, out: Outbound) {
        if let Some(socket) = &mut self.socket {
            let _ = socket.queue(out);
        }
    }

    /// Waits for whatever comes next. Nothing is lost when this is dropped: frames that were read are in `burst`.
    async fn turn(&mut self, orders: &mut mpsc::Receiver<Box<Order>>) -> Turn {
        let now = self.now();
        self.dirty_since = match &self.socket {
            Some(socket) if socket.is_dirty() => self.dirty_since.or(Some(now)),
            _ => None,
        };
        let stalled_at = self.dirty_since.map(|since| since + self.link.timing.write);
        let wake = self.session.wake_at(self.last_in());
        let room = if self.paused { None } else { self.link.events.room() };
        let Self { link, socket, decoder, dialling, burst, paused, .. } = self;
        let events = &link.events;
        let channel = link.channel.as_ref().map(|channel| &channel.id);
        tokio::select! {
            biased;
            order = orders.recv() => Turn::Order(order.map(|order| *order)),
            () = at(stalled_at) => Turn::WriteStalled,
            () = at(wake) => Turn::Timer,
            dialled = until(dialling) => Turn::Dialled(dialled),
            end = poll_fn(|cx| match socket {
                Some(socket) => poll_socket(cx, socket, room, &mut **decoder, burst, channel),
                None => Poll::Pending,
            }) => end.map_or(Turn::Frames, Turn::Lost),
            () = events.until(|events| events.room().is_some()), if *paused => Turn::Room,
        }
    }

    async fn handle(&mut self, turn: Turn) {
        let now = self.now();
        let last_in = self.last_in();
        let input = match turn {
            Turn::Dialled(Ok(opened)) => {
                self.dialling = None;
                self.socket = Some(opened.socket);
                self.token = opened.token;
                Some(Input::Opened)
            }
            Turn::Dialled(Err(DialFailure::Gone(error))) => {
                self.dialling = None;
                self.retry_after = error.retry_after;
                Some(Input::Gone(error.gone))
            }
            Turn::Dialled(Err(DialFailure::Fatal(error))) => {
                self.dialling = None;
                let detail = error.summary();
                let status = error.status();
                self.fatal = Some(error);
                Some(Input::Gone(Gone::Rest { status, detail }))
            }
            Turn::Order(Some(Order::Probe)) => Some(Input::Probe),
            Turn::Order(Some(Order::Close(cause))) => Some(Input::Close(cause)),
            Turn::WriteStalled => Some(Input::Gone(Gone::WriteTimeout)),
            Turn::Timer => Some(Input::Timer { last_in }),
            Turn::Lost(cause) => Some(Input::Gone(cause)),
            Turn::Room => {
                self.paused = false;
                Some(Input::Paused(false))
            }
            Turn::Frames | Turn::Order(None) => None,
        };
        if let Some(input) = input {
            self.session.step(now, input, &mut self.actions);
        }
        if !self.burst.is_empty() {
            let burst = std::mem::replace(&mut self.burst, Burst::new());
            self.take(burst, now).await;
        }
        if !self.paused && self.socket.is_some() && self.link.events.room().is_none() {
            let disconnect = self.link.events.overflow() == Overflow::Disconnect;
            self.paused = !disconnect;
            let input = if disconnect { Input::Gone(Gone::Overflow) } else { Input::Paused(true) };
            self.session.step(now, input, &mut self.actions);
        }
    }

    /// Hands a burst to the session, the supervisor and the consumer, in the order of its frames.
    async fn take(&mut self, burst: Burst<E>, now: Instant) {
        let counters = &self.link.counters;
        add(&counters.frames, burst.frames);
        add(&counters.filtered, burst.filtered);
        let mut first = Vec::new();
        for notice in burst.notices {
            let pong = notice == Notice::Pong;
            match &notice {
                Notice::Heartbeat => add(&self.link.counters.heartbeats, 1),
                Notice::Pong => add(&self.link.counters.pongs, 1),
                _ => {}
            }
            self.session.step(now, if pong { Input::Pong } else { Input::Message }, &mut first);
            if matches!(notice, Notice::Closing | Notice::ChannelGone(_)) {
                let link = self.link.key;
                let _ = self.link.reports.send(Box::new(Report::Notice { link, notice })).await;
            }
        }
        // What the supervisor says of the first sign of life comes before the events that follow it.
        for action in first {
            if action == Action::Flowing {
                self.flowing().await;
            } else {
                self.actions.push(action);
            }
        }
        if !burst.items.is_empty() {
            self.count(&burst.items);
            let dropped = self.link.events.push(burst.items);
            if dropped > 0 {
                add(&self.link.counters.dropped, dropped);
                self.link.parts.observer.observe(&Signal::Lagged { dropped });
            }
        }
        if let Some(end) = burst.end {
            self.session.step(now, Input::Gone(end), &mut self.actions);
        }
    }

    fn count(&self, items: &[(Item<E>, usize)]) {
        let counters = &self.link.counters;
        add(&counters.events, items.len() as u64);
        for (item, _) in items {
            let Item::Event(delivery, health) = item else {
                continue;
            };
            match health {
                Health::Typed => {}
                Health::Unrecognized => add(&counters.unrecognized, 1),
                Health::Malformed => {
                    add(&counters.malformed, 1);
                    let topic = Some(delivery.topic.name());
                    self.link.parts.observer.observe(&Signal::Malformed { topic });
                }
            }
        }
    }

    /// Tells the supervisor, and waits until what it says of it is in the queue.
    async fn flowing(&mut self) {
        let at = match &self.socket {
            Some(socket) => socket.last_inbound(),
            None => self.link.parts.connector.clock.moment(),
        };
        let (go, gone) = oneshot::channel();
        let report = Box::new(Report::Flowing { link: self.link.key, at, go });
        if self.link.reports.send(report).await.is_ok() {
            let _ = gone.await;
        }
    }

    async fn report_gone(mut self, cause: Gone) {
        let last_in = self.socket.as_ref().map(|socket| socket.last_inbound());
        // The socket goes before the report: nobody may dial again while it is still there.
        drop(self.socket.take());
        let (link, retry_after, fatal) = (self.link.key, self.retry_after, self.fatal);
        let report = Box::new(Report::Gone { link, cause, last_in, retry_after, fatal });
        let _ = self.link.reports.send(report).await;
    }

    fn now(&self) -> Instant {
        self.link.parts.connector.clock.now()
    }

    /// The last inbound byte; before the socket is open, the beginning.
    fn last_in(&self) -> Instant {
        self.socket.as_ref().map_or(self.began, |socket| socket.last_inbound().mono)
    }
}

/// Reports the end of a link whose task did not come to report it.
struct Farewell {
    link: LinkKey,
    reports: Option<mpsc::Sender<Box<Report>>>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let Some(reports) = self.reports.take() else { return };
        let detail = "the link's task panicked: look at the stream's filter and observer";
        let fatal = Some(Error::new(ErrorKind::Closed, detail));
        let (link, cause) = (self.link, Gone::Cut { detail: detail.into() });
        // Full only when the driver is gone too.
        let _ = reports.try_send(Box::new(Report::Gone {
            link,
            cause,
            last_in: None,
            retry_after: None,
            fatal,
        }));
    }
}

async fn dial<E: StreamEvent>(link: Arc<Link<E>>) -> Result<Dialled, DialFailure> {
    add(&link.counters.dials, 1);
    let parts = &link.parts;
    let token = match parts.protocol.needs() {
        Needs::Token => Some(parts.tokens.token().await.map_err(DialFailure::Fatal)?),
        Needs::Nothing | Needs::Channel => None,
    };
    let context = DialContext {
        endpoints: &parts.endpoints,
        channel: link.channel.as_ref(),
        token: token.as_ref(),
        now: parts.connector.clock.wall(),
    };
    let request = parts.protocol.dial(&context).map_err(DialFailure::Fatal)?;
    let dialled = parts.connector.connect(&request, parts.buffers).await;
    let socket = Box::new(dialled.map_err(DialFailure::Gone)?);
    Ok(Dialled { socket, token })
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

//! The task of one connection: dials, polls the socket, decodes, and performs what its [`Session`] asks for.

mod ending;
mod inbound;
mod outbound;

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use super::burst::{Burst, Read, poll_socket};
use super::delivery::Counters;
use super::dialling::{DialFailure, Dialled, dial};
use super::driver::{Item, Parts};
use super::hold::Hold;
use super::ledger::LinkKey;
use super::overlap::Overlap;
use super::pings::Pings;
use super::progress::Progress;
use super::proof::Proof;
use super::protocol::{Decode, DecoderContext, GreetingContext, StreamEvent};
use super::queue::Sender;
use super::report::Farewell;
pub(crate) use super::report::{Order, Report};
use super::session::{Action, Input, Session, Timing};
use crate::core::clock::{Moment, later};
use crate::core::close::Gone;
use crate::core::ports::{AccessToken, BoxFuture, ChannelInfo};
use crate::diagnostics::link_probe::LinkProbe;
use crate::diagnostics::observer::Signal;
use crate::error::{Error, Result};
use crate::events::Topic;
use crate::transport::ws::{Outbound, Socket};

/// How often a link that holds as much as it may looks whether another has delivered it.
const SIFT_EVERY: Duration = Duration::from_millis(2);

/// One connection.
pub(crate) struct Link<E: StreamEvent> {
    pub(crate) key: LinkKey,
    pub(crate) channel: Option<ChannelInfo>,
    /// The links that it takes over from.
    pub(crate) replaces: Vec<LinkKey>,
    /// What two deliver is taken out by this.
    pub(crate) overlap: Arc<Overlap>,
    pub(crate) parts: Arc<Parts<E>>,
    pub(crate) timing: Timing,
    pub(crate) events: Sender<Item<E>>,
    pub(crate) reports: mpsc::Sender<Box<Report>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) progress: Arc<Progress>,
}

/// What one turn of the loop brought.
enum Turn {
    Dialled(Result<Dialled, DialFailure>),
    Order(Option<Order>),
    Timer,
    Measure,
    Frames,
    Lost(Gone),
    Go,
    Room,
    WriteStalled,
}

/// Whether what comes in is delivered.
enum Voice {
    /// Not yet: it is held.
    Silent,
    /// The connection flows, and the supervisor has not answered: it is held.
    Waiting(oneshot::Receiver<()>),
    Speaking,
    /// Never: another link delivers it.
    Mute,
}

type Dialling = BoxFuture<'static, Result<Dialled, DialFailure>>;

/// The state of a link that runs.
struct Running<E: StreamEvent> {
    link: Arc<Link<E>>,
    session: Session,
    actions: Vec<Action>,
    socket: Option<Box<Socket>>,
    token: Option<AccessToken>,
    /// What the peer is asked for; empty for links to a channel.
    wanted: Vec<Topic>,
    decoder: Box<dyn Decode<E>>,
    dialling: Option<Dialling>,
    burst: Burst<E>,
    voice: Voice,
    hold: Hold<E>,
    /// Since when something waits to be written.
    dirty_since: Option<Instant>,
    /// Whether we keep ourselves from reading.
    paused: bool,
    retry_after: Option<Duration>,
    error: Option<Error>,
    /// Whether the peer's close frame was read.
    drained: bool,
    /// When somebody last wanted to see that it flows.
    probed: Option<Moment>,
    /// Whether it has delivered.
    spoke: bool,
    /// Until when it is sure to have brought everything, once it flows.
    proof: Option<Proof>,
    began: Instant,
    pings: Pings,
    /// When our close frame was sent.
    closed_at: Option<Moment>,
    /// Who measures, while this link speaks.
    probe: Option<Arc<dyn LinkProbe>>,
    /// No ping of the monitor's before this.
    measure_from: Instant,
}

impl<E: StreamEvent> Link<E> {
    /// Runs the connection to its end. Reports [`Report::Gone`] exactly once, last.
    pub(crate) async fn run(
        self,
        wanted: Vec<Topic>,
        mut orders: mpsc::Receiver<Box<Order>>,
        mut farewell: Farewell,
    ) {
        let filter = self.parts.filter.clone();
        let channel = self.channel.as_ref().map(|channel| &channel.id);
        let decoder = self.parts.protocol.decoder(&DecoderContext { filter, channel });
        let began = self.parts.connector.clock.now();
        let mut running = Running {
            session: Session::new(self.timing),
            link: Arc::new(self),
            actions: Vec::new(),
            socket: None,
            token: None,
            wanted: Vec::new(),
            decoder,
            dialling: None,
            burst: Burst::new(),
            voice: Voice::Silent,
            hold: Hold::new(),
            dirty_since: None,
            paused: false,
            retry_after: None,
            error: None,
            drained: false,
            probed: None,
            spoke: false,
            proof: None,
            began,
            pings: Pings::default(),
            closed_at: None,
            probe: None,
            measure_from: began,
        };
        running.want(wanted);
        running.session.step(began, Input::Start, &mut running.actions);
        loop {
            if let Some(cause) = running.perform().await {
                running.report_gone(cause).await;
                farewell.reports = None;
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
                Action::Dial => {
                    let dialling = dial(self.link.clone(), self.wanted.clone());
                    self.dialling = Some(Box::pin(dialling));
                }
                Action::Greet => {
                    let parts = &self.link.parts;
                    let now = parts.connector.clock.moment();
                    let context = GreetingContext {
                        token: self.token.as_ref(),
                        wanted: &self.wanted,
                        now: now.wall,
                        mono: now.mono,
                    };
                    for message in parts.protocol.greeting(&context) {
                        let _ = self.greet(message);
                    }
                }
                Action::Ping => {
                    let ping = self.link.parts.protocol.ping();
                    self.pings.sent(&ping, self.moment());
                    self.send("ping", ping);
                }
                Action::Mark => {
                    let id = self.pings.mark(self.moment());
                    self.send_probe(&id);
                }
                Action::SendClose(code) => {
                    self.closed_at = Some(self.moment());
                    self.send("close", Outbound::Close(code));
                }
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

    /// Waits for whatever comes next. Nothing is lost when this is dropped: frames that were read are in `burst`.
    async fn turn(&mut self, orders: &mut mpsc::Receiver<Box<Order>>) -> Turn {
        let now = self.now();
        self.dirty_since = match &self.socket {
            Some(socket) if socket.is_dirty() => self.dirty_since.or(Some(now)),
            _ => None,
        };
        let stalled_at = self.dirty_since.map(|since| later(since, self.link.timing.write));
        let wake = self.session.wake_at(self.last_in(), self.heard());
        let room = match &self.voice {
            Voice::Silent | Voice::Waiting(_) => self.hold.room(),
            Voice::Speaking if self.paused => None,
            Voice::Speaking => self.link.events.room(),
            Voice::Mute => Some((usize::MAX, usize::MAX)),
        };
        let measure = self.probe.as_deref().and_then(LinkProbe::next_ping);
        let measure = measure.map(|at| at.max(self.measure_from));
        let full = self.paused && matches!(self.voice, Voice::Speaking);
        // What another link delivers meanwhile makes room, and nobody tells us.
        let sifts = self.paused && matches!(self.voice, Voice::Waiting(_) | Voice::Silent);
        let sift = sifts.then(|| now + SIFT_EVERY);
        let Self { link, socket, decoder, dialling, burst, voice, .. } = self;
        let events = &link.events;
        let overlap = &*link.overlap;
        let channel = link.channel.as_ref().map(|channel| &channel.id);
        tokio::select! {
            biased;
            order = orders.recv() => Turn::Order(order.map(|order| *order)),
            () = at(stalled_at) => Turn::WriteStalled,
            () = at(wake) => Turn::Timer,
            () = at(measure) => Turn::Measure,
            () = at(sift) => Turn::Room,
            dialled = until(dialling) => Turn::Dialled(dialled),
            go = go(voice) => if go { Turn::Go } else { Turn::Order(None) },
            end = poll_fn(|cx| match socket {
                Some(socket) => {
                    poll_socket(cx, socket, room, &mut **decoder, burst, channel, overlap)
                }
                None => Poll::Pending,
            }) => end.map_or(Turn::Frames, Turn::Lost),
            () = events.until(|events| events.room().is_some() || events.is_unread()), if full => Turn::Room,
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
            Turn::Dialled(Err(failure)) => {
                self.dialling = None;
                self.retry_after = failure.retry_after;
                self.error = failure.error;
                self.token = failure.token;
                Some(Input::Gone(failure.gone))
            }
            Turn::Order(Some(Order::Probe)) => {
                self.probed = Some(self.moment());
                Some(Input::Probe)
            }
            Turn::Order(Some(Order::Subscribe(wanted))) => self.subscribe(wanted).await,
            Turn::Order(Some(Order::Send(message, answer))) => {
                let _ = answer.send(self.send_own(message));
                None
            }
            Turn::Order(Some(Order::Hush)) => {
                self.hold.clear();
                self.voice = Voice::Mute;
                None
            }
            Turn::Order(Some(Order::Close(cause))) => {
                self.stop_waiting(now);
                Some(Input::Close(cause))
            }
            Turn::WriteStalled => Some(Input::Gone(Gone::WriteTimeout)),
            Turn::Timer => Some(Input::Timer { last_in, heard: self.heard() }),
            Turn::Measure => {
                self.measure(now);
                None
            }
            Turn::Lost(cause) => Some(Input::Gone(cause)),
            Turn::Go => {
                self.speak(now);
                None
            }
            Turn::Frames | Turn::Room | Turn::Order(None) => None,
        };
        if let Some(input) = input {
            self.session.step(now, input, &mut self.actions);
        }
        if let Some(proof) = &mut self.proof {
            match self.burst.read.take() {
                Some(Read::All(newest)) => proof.read_all(newest),
                Some(Read::Some(newest)) => proof.read_some(newest),
                None => {}
            }
        }
        if !self.burst.is_empty() {
            let burst = std::mem::replace(&mut self.burst, Burst::new());
            self.take(burst, now).await;
        }
        if self.socket.is_some() {
            self.pace(now);
            self.note_progress();
        }
    }

    fn want(&mut self, wanted: Vec<Topic>) {
        self.session.set_asks(!wanted.is_empty());
        self.wanted = wanted;
    }

    fn moment(&self) -> Moment {
        self.link.parts.connector.clock.moment()
    }

    fn now(&self) -> Instant {
        self.link.parts.connector.clock.now()
    }

    /// The last inbound byte; before the socket is open, the beginning.
    fn last_in(&self) -> Instant {
        self.socket.as_ref().map_or(self.began, |socket| socket.last_inbound().mono)
    }

    /// Until when what came in shows that the peer was there: what a reader that is behind reads is old.
    fn heard(&self) -> Instant {
        self.proof.and_then(|proof| proof.stands_at()).unwrap_or_else(|| self.last_in())
    }
}

/// Whether the link may speak, once that is decided; `false` when there is nobody left to decide it.
async fn go(voice: &mut Voice) -> bool {
    match voice {
        Voice::Waiting(go) => go.await.is_ok(),
        _ => pending().await,
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

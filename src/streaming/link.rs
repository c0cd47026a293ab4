//! The task of one connection: dials, polls the socket, decodes, and performs what its [`Session`] asks for.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use super::burst::{Burst, Read, Sign, poll_socket};
use super::delivery::{Counters, add};
use super::dialling::{DialFailure, Dialled, dial};
use super::driver::{Item, Parts};
use super::hold::{Batch, Hold};
use super::ledger::LinkKey;
use super::overlap::Overlap;
use super::pings::{Answer, Pings};
use super::policy::Overflow;
use super::progress::Progress;
use super::proof::Proof;
use super::protocol::{
    Decode, DecoderContext, GreetingContext, Health, Notice, StreamEvent, SubscriptionContext,
};
use super::queue::Sender;
use super::report::Farewell;
pub(crate) use super::report::{Order, Report};
use super::session::{Action, Input, Session, Timing};
use super::supervisor::{Ending, TokenUsed, refuses_token};
use crate::core::clock::Moment;
use crate::core::close::{CloseCode, Gone};
use crate::core::ports::{AccessToken, BoxFuture, ChannelInfo};
use crate::diagnostics::link_probe::LinkProbe;
use crate::diagnostics::observer::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Topic;
use crate::transport::ws::{Outbound, Socket};

/// Most bytes of a control frame (RFC 6455, section 5.5).
const MOST_OF_PING: usize = 125;
/// How often a link that holds as much as it may looks whether another has delivered it.
const SIFT_EVERY: Duration = Duration::from_millis(2);
/// Shortest time between two pings of a monitor, whatever it says.
const MEASURE_PAUSE: Duration = Duration::from_millis(1);

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
    pub(crate) async fn run(self, wanted: Vec<Topic>, mut orders: mpsc::Receiver<Box<Order>>) {
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

    /// Queues a message; a fault shows at the next read or flush.
    fn send(&mut self, kind: &str, out: Outbound) {
        let _ = self.queue(kind, out);
    }

    /// Queues a first message, and tells of it.
    fn greet(&mut self, out: Outbound) -> Result<(), Gone> {
        let bytes = out.bytes();
        if let Some(socket) = &mut self.socket {
            socket.greet(out)?;
            self.told_sent("greeting", bytes);
        }
        Ok(())
    }

    fn told_sent(&self, kind: &str, bytes: usize) {
        self.link.counters.sent(bytes);
        self.link.parts.observer.observe(&Signal::Sent { kind, bytes });
    }

    /// Queues a message, and tells of it.
    fn queue(&mut self, kind: &str, out: Outbound) -> Result<(), Gone> {
        let Some(socket) = &mut self.socket else { return Ok(()) };
        let bytes = out.bytes();
        socket.queue(out)?;
        self.told_sent(kind, bytes);
        Ok(())
    }

    /// Sends a ping whose answer repeats the id.
    fn send_probe(&mut self, id: &str) {
        let parts = &self.link.parts;
        let ping = parts.protocol.probe(id, parts.connector.clock.wall());
        // A longer one would break the protocol.
        if !matches!(&ping, Outbound::Ping(payload) if payload.len() > MOST_OF_PING) {
            self.send("ping", ping);
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
            () = events.until(|events| events.room().is_some()), if full => Turn::Room,
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
            Turn::Order(Some(Order::Probe)) => Some(Input::Probe),
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

    /// Says how far what was read is in the queue; a link that never delivers says nothing.
    fn note_progress(&self) {
        let proof = self.proof.filter(|_| !matches!(self.voice, Voice::Mute));
        self.link.progress.set(proof, self.hold.oldest());
    }

    /// Delivers what is held as far as there is room, and stops reading when there is none.
    fn pace(&mut self, now: Instant) {
        if !self.hold.is_empty() && !self.link.replaces.is_empty() {
            let removed = self.hold.sift(&self.link.overlap, self.link.key, now);
            add(&self.link.counters.duplicates_removed, removed);
        }
        let full = match &self.voice {
            Voice::Silent => {
                if self.hold.room().is_none() {
                    // Events of what was asked for are as good an answer as any.
                    self.session.step(now, Input::Answered, &mut self.actions);
                }
                false
            }
            Voice::Mute => false,
            Voice::Waiting(_) => self.hold.room().is_none(),
            Voice::Speaking => {
                let mut room = self.link.events.room();
                while let Some(some) = room.filter(|_| !self.hold.is_empty()) {
                    let batch = self.hold.take(some);
                    self.deliver(batch, now);
                    room = self.link.events.room();
                }
                if room.is_none() && self.link.events.overflow() == Overflow::Disconnect {
                    self.session.step(now, Input::Gone(Gone::Overflow), &mut self.actions);
                    return;
                }
                room.is_none()
            }
        };
        self.set_paused(full, now);
    }

    fn set_paused(&mut self, yes: bool, now: Instant) {
        if self.paused != yes {
            self.paused = yes;
            if !self.link.replaces.is_empty() && matches!(self.voice, Voice::Speaking) {
                self.link.overlap.paused(self.link.key, yes, now);
            }
            self.session.step(now, Input::Paused(yes), &mut self.actions);
        }
    }

    fn want(&mut self, wanted: Vec<Topic>) {
        self.session.set_asks(!wanted.is_empty());
        self.wanted = wanted;
    }

    /// Makes topics the subscription, over the socket; one that is not open yet has them in its first messages.
    async fn subscribe(&mut self, wanted: Vec<Topic>) -> Option<Input> {
        let answer = if self.session.is_open() {
            let parts = &self.link.parts;
            let now = parts.connector.clock.moment();
            let context = SubscriptionContext {
                wanted: &wanted,
                before: &self.wanted,
                now: now.wall,
                mono: now.mono,
            };
            parts.protocol.subscription(&context)
        } else if self.socket.is_none() {
            Ok(Vec::new())
        } else {
            return None;
        };
        let mut input = None;
        let answer = match answer {
            Ok(messages) => {
                for message in messages {
                    if let Err(gone) = self.queue("subscribe", message) {
                        return Some(Input::Gone(gone));
                    }
                }
                if self.session.is_open() && !wanted.is_empty() {
                    input = Some(Input::Asked);
                }
                self.want(wanted.clone());
                Ok(wanted)
            }
            Err(error) => Err(error),
        };
        let report = Report::Asked { link: self.link.key, answer };
        let _ = self.link.reports.send(Box::new(report)).await;
        input
    }

    /// Queues a message of the owner's.
    fn send_own(&mut self, message: Outbound) -> Result<()> {
        if self.socket.is_none() || !self.session.is_open() {
            let text = "the connection is closing: nothing was sent";
            return Err(Error::new(ErrorKind::Closed, text).retryable(true));
        }
        self.queue("message", message).map_err(|gone| match gone {
            Gone::WriteTimeout => {
                let text = "too much waits to be written: send less, or raise Buffers::write_limit";
                Error::new(ErrorKind::Capacity, text).retryable(true)
            }
            gone => {
                Error::new(ErrorKind::Closed, format!("nothing was sent: {gone}")).retryable(true)
            }
        })
    }

    fn measure(&mut self, now: Instant) {
        self.measure_from = now + MEASURE_PAUSE;
        if let Some(id) = self.probe.as_ref().and_then(|probe| probe.ping(now)) {
            self.send_probe(&id);
        }
    }

    /// What a pong, or the answer to a ping with an id, means.
    fn answered(&mut self, id: &str, at: Instant) -> Input {
        let (input, sent) = match self.pings.answered(id) {
            Answer::Mark(sent) => (Input::Answered, Some(sent)),
            Answer::OldMark => (Input::Message, None),
            Answer::Ping(sent) => {
                add(&self.link.counters.pongs, 1);
                (Input::Pong, Some(sent))
            }
            Answer::Other => {
                if let Some(probe) = &self.probe {
                    probe.pong(at, id);
                }
                (Input::Message, None)
            }
        };
        self.proves(sent);
        input
    }

    /// Hands a burst to the session, the supervisor and the consumer, in the order of its frames.
    async fn take(&mut self, burst: Burst<E>, now: Instant) {
        let counters = &self.link.counters;
        add(&counters.frames, burst.frames);
        add(&counters.filtered, burst.filtered);
        for sign in burst.notices {
            let input = match sign {
                Sign::Answer(id, at) => self.answered(&id, at),
                Sign::Notice(notice) => {
                    let input = if notice == Notice::Pong { Input::Pong } else { Input::Message };
                    match &notice {
                        Notice::Heartbeat => add(&self.link.counters.heartbeats, 1),
                        Notice::Pong => {
                            add(&self.link.counters.pongs, 1);
                            let sent = self.pings.pong();
                            self.proves(sent);
                        }
                        _ => {}
                    }
                    if matches!(notice, Notice::Closing | Notice::ChannelGone(_)) {
                        let report = Report::Notice { link: self.link.key, notice };
                        let _ = self.link.reports.send(Box::new(report)).await;
                    }
                    input
                }
            };
            self.session.step(now, input, &mut self.actions);
        }
        let batch = (burst.items, burst.prints);
        // What the supervisor says of the first sign of life comes before the events that follow it.
        let flows = self.actions.contains(&Action::Flowing);
        match &self.voice {
            Voice::Mute => {}
            Voice::Speaking if !flows && self.hold.is_empty() => self.deliver(batch, now),
            _ => self.hold.add(batch),
        }
        if let Some(end) = burst.end {
            if let Gone::Closed { code, .. } = &end {
                self.drained = true;
                // The answer to a close frame has its code; whoever closes at the same time has another one.
                if matches!(*code, CloseCode::NORMAL | CloseCode::NO_STATUS) {
                    self.proves(self.closed_at);
                }
            }
            self.session.step(now, Input::Gone(end), &mut self.actions);
        }
    }

    fn deliver(&self, (mut items, mut prints): Batch<E>, now: Instant) {
        let link = &self.link;
        let removed = link.overlap.sift(link.key, &mut items, &mut prints, now);
        add(&link.counters.duplicates_removed, removed);
        link.overlap.note(link.key, &prints);
        if items.is_empty() {
            return;
        }
        self.count(&items);
        let dropped = link.events.push(items);
        if dropped > 0 {
            add(&link.counters.dropped, dropped);
            link.parts.observer.observe(&Signal::Lagged { dropped });
        }
    }

    fn count(&self, items: &[(Item<E>, usize)]) {
        let counters = &self.link.counters;
        add(&counters.events, items.len() as u64);
        for (item, _) in items {
            let Item::Event(delivery, health, _) = item else {
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

    /// Tells the supervisor; until it has answered, what comes in is held.
    async fn flowing(&mut self) {
        let at = match &self.socket {
            Some(socket) => socket.last_inbound(),
            None => self.link.parts.connector.clock.moment(),
        };
        self.proof.get_or_insert_with(|| Proof::new(at));
        self.note_progress();
        let (go, gone) = oneshot::channel();
        let token = self
            .token
            .as_ref()
            .map(|token| TokenUsed { generation: token.generation, issued_at: token.issued_at });
        let report = Report::Flowing { link: self.link.key, at, token, go };
        if self.link.reports.send(Box::new(report)).await.is_ok() {
            self.voice = Voice::Waiting(gone);
        }
    }

    /// What is held, and what comes in from now on, is delivered.
    fn speak(&mut self, now: Instant) {
        self.voice = Voice::Speaking;
        if !self.link.replaces.is_empty() {
            self.link.overlap.switch(self.link.key, now);
        }
        if self.probe.is_none() {
            self.probe.clone_from(&self.link.parts.probe);
            if let Some(probe) = &self.probe {
                probe.opened(now);
            }
        }
    }

    /// A link that is closed before it may speak leaves it to the other, which delivers the same.
    fn stop_waiting(&mut self, now: Instant) {
        if let Voice::Waiting(go) = &mut self.voice {
            if go.try_recv().is_ok() {
                self.speak(now);
            } else {
                self.hold.clear();
                self.voice = Voice::Mute;
            }
        }
    }

    async fn report_gone(mut self, cause: Gone) {
        let ended = self.now();
        // It flowed to its end: what it has is delivered once the supervisor has said what there is to say.
        if let Voice::Waiting(go) = &mut self.voice {
            let fading = Report::Fading { link: self.link.key };
            let _ = self.link.reports.send(Box::new(fading)).await;
            if go.await.is_ok() {
                let now = self.now();
                self.speak(now);
            }
        }
        let now = self.now();
        if matches!(self.voice, Voice::Speaking) && !self.hold.is_empty() {
            let batch = self.hold.take((usize::MAX, usize::MAX));
            self.deliver(batch, now);
        }
        if let Some(probe) = self.probe.take() {
            probe.closed(now);
        }
        let last_in = self.socket.as_ref().map(|socket| socket.last_inbound());
        // The socket goes before the report: nobody may dial again while it is still there.
        drop(self.socket.take());
        let link = &self.link;
        link.overlap.over(link.key);
        let mut ending = Ending::new(cause, last_in);
        if let Some(proof) = &self.proof {
            ending.sure = Some(proof.until(ended));
        }
        if let Some(token) = &self.token {
            ending.token = Some(token.generation);
            if refuses_token(&ending.cause) {
                link.parts.tokens.invalidate(token);
                let hint = link.parts.protocol.refusal_hint(&ending.cause);
                ending.hint = hint.map(Into::into);
            }
        }
        ending.retry_after = self.retry_after;
        ending.drained = self.drained;
        ending.error = self.error.take();
        let report = Report::Gone { link: link.key, ending };
        let _ = link.reports.send(Box::new(report)).await;
    }

    /// The peer was there at this moment.
    fn proves(&mut self, then: Option<Moment>) {
        if let (Some(proof), Some(then)) = (&mut self.proof, then) {
            proof.answered(then);
        }
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

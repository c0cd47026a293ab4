//! One notification socket, from its upgrade to its end.

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tungstenite::error::CapacityError;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error as WsError, Message, Utf8Bytes};

use super::channels::Channel;
use super::delivery::Delivery;
use super::frames::{self, Event};
use super::handle::{Command, End, Inbox, Signal};
use super::ids;
use super::io::Link;
use super::knobs::Knobs;
use super::shared::Shared;
use super::socket_message;

/// A client that takes longer than this to make room for one batch of frames does not read; it is dropped.
const WRITE_DEADLINE: Duration = Duration::from_secs(60);

/// How long the client's half of the closing handshake is awaited.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// Largest message of a client: as for request bodies.
const MESSAGE_MAX: usize = 512_000;

/// Commands that are taken from the queue at once.
const BATCH: usize = 64;

/// Why a socket ends.
enum Ended {
    Reset,
    Closed,
}

type Step = Result<(), Ended>;

struct Socket {
    shared: Arc<Shared>,
    channel: Arc<str>,
    ws: WebSocketStream<TokioIo<Upgraded>>,
    link: Arc<Link>,
    inbox: Inbox,
    delivery: Delivery,
    out: Vec<Message>,
    heartbeat_at: Instant,
    quiet_until: Option<Instant>,
    close_at: Option<(Instant, u16, String)>,
    lifts: u64,
}

/// Counts an open socket, and takes it off its channel at the end, however it ends.
pub(super) struct Attached {
    shared: Arc<Shared>,
    channel: Arc<str>,
    serial: u64,
}

impl Attached {
    /// For a socket whose handle its channel has already.
    pub(super) fn new(shared: &Arc<Shared>, channel: &Arc<str>, serial: u64) -> Self {
        shared.live.opened();
        Self { shared: Arc::clone(shared), channel: Arc::clone(channel), serial }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.shared.live.closed();
        self.shared.lock().channels.detach(&self.channel, self.serial);
    }
}

/// Serves a socket from its upgrade to its end.
pub(super) async fn serve(
    attached: Attached,
    upgrade: OnUpgrade,
    link: Arc<Link>,
    inbox: Inbox,
    knobs: Knobs,
) {
    let Ok(upgraded) = upgrade.await else { return };
    let config = WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .write_buffer_size(16 * 1024)
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX));
    let io = TokioIo::new(upgraded);
    let ws = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    link.trickle(knobs.trickle);
    let shared = Arc::clone(&attached.shared);
    let socket = Socket {
        channel: Arc::clone(&attached.channel),
        delivery: Delivery::new(knobs, shared.config.seed ^ attached.serial),
        heartbeat_at: Instant::now() + shared.config.heartbeat,
        out: Vec::new(),
        quiet_until: None,
        close_at: None,
        lifts: 0,
        shared,
        ws,
        link,
        inbox,
    };
    socket.run().await;
}

enum Turn {
    /// Something past the queue, or the end of it.
    Signal(bool),
    Timer,
    Incoming(Option<Result<Message, WsError>>),
    Commands,
}

impl Socket {
    async fn run(mut self) {
        let mut commands = Vec::with_capacity(BATCH);
        loop {
            match self.turn(&mut commands).await {
                Ok(()) => {}
                Err(Ended::Reset) => return self.link.reset(),
                Err(Ended::Closed) => return,
            }
        }
    }

    /// Waits for one thing to happen, and deals with it.
    async fn turn(&mut self, commands: &mut Vec<Command>) -> Step {
        self.obey_signal()?;
        let room = self.delivery.has_room();
        let wake = self.wake();
        let turn = tokio::select! {
            biased;
            changed = self.inbox.signal.changed() => Turn::Signal(changed.is_ok()),
            () = sleep_until(wake) => Turn::Timer,
            message = self.ws.next() => Turn::Incoming(message),
            _ = self.inbox.queue.recv_many(commands, BATCH), if room => Turn::Commands,
        };
        match turn {
            Turn::Signal(true) => Ok(()),
            Turn::Signal(false) => self.drain(commands).await,
            Turn::Timer => self.timer().await,
            Turn::Incoming(message) => self.incoming(message).await,
            Turn::Commands => self.obey(commands).await,
        }
    }

    fn wake(&self) -> Instant {
        let close = self.close_at.as_ref().map(|(at, ..)| *at);
        let others = self.delivery.wake().into_iter().chain(close);
        others.fold(self.heartbeat_at, Instant::min)
    }

    fn obey_signal(&mut self) -> Step {
        let signal = *self.inbox.signal.borrow_and_update();
        if signal.lifts != self.lifts {
            self.lifts = signal.lifts;
            self.quiet_until = None;
            self.close_at = None;
            self.delivery.set(Knobs::default());
            self.link.trickle(false);
        }
        signal.end.map_or(Ok(()), |end| Err(end.into()))
    }

    /// The channel has let go of this socket: what it left in the queue is done, and then there is no more to do.
    async fn drain(&mut self, commands: &mut Vec<Command>) -> Step {
        while self.inbox.queue.recv_many(commands, BATCH).await > 0 {
            self.obey(commands).await?;
        }
        Err(Ended::Closed)
    }

    async fn timer(&mut self) -> Step {
        let now = Instant::now();
        self.quiet_until.take_if(|until| *until <= now);
        let mut due = Vec::new();
        self.delivery.due(now, &mut due);
        self.out.extend(due.into_iter().map(Message::Text));
        if self.heartbeat_at <= now {
            self.heartbeat_at = now + self.shared.config.heartbeat;
            if self.quiet_until.is_none() {
                self.out.push(Message::text(frames::HEARTBEAT));
            }
        }
        self.write().await?;
        match self.close_at.take_if(|(at, ..)| *at <= now) {
            Some((_, code, reason)) => self.close(code, reason).await,
            None => Ok(()),
        }
    }

    async fn incoming(&mut self, message: Option<Result<Message, WsError>>) -> Step {
        match message {
            Some(Ok(Message::Text(text))) => {
                self.shared.lock().channels.touch(&self.channel);
                let answer = socket_message::answer(&self.shared, &self.channel, &text);
                self.out.push(Message::text(answer));
                self.write().await
            }
            // The pong, or the answer to the close frame, is prepared already; writing nothing flushes it.
            Some(Ok(Message::Ping(_))) => self.write().await,
            Some(Ok(Message::Close(_))) => {
                self.write().await?;
                Err(Ended::Closed)
            }
            Some(Ok(_)) => Ok(()),
            Some(Err(WsError::Capacity(CapacityError::MessageTooLong { .. }))) => {
                self.close(1009, "message too big".to_owned()).await
            }
            Some(Err(WsError::Utf8(_))) => self.close(1007, "invalid UTF-8".to_owned()).await,
            Some(Err(WsError::Protocol(_))) => self.close(1002, "protocol error".to_owned()).await,
            Some(Err(_)) | None => Err(Ended::Closed),
        }
    }

    /// Does what was in the queue, in order.
    async fn obey(&mut self, commands: &mut Vec<Command>) -> Step {
        let now = Instant::now();
        let mut events: Vec<Utf8Bytes> = Vec::new();
        for command in commands.drain(..) {
            self.inbox.took(&command);
            match command {
                Command::Event(event) => {
                    self.delivery.push(now, event, &mut events);
                    self.out.extend(events.drain(..).map(Message::Text));
                }
                Command::Send(text) => self.out.push(Message::text(text)),
                Command::Raw(bytes) => {
                    let frame = Frame::message(bytes, OpCode::Data(Data::Text), true);
                    self.out.push(Message::Frame(frame));
                }
                Command::Oversize(bytes) => {
                    let text = self.oversize(bytes);
                    self.out.push(Message::Text(text));
                }
                Command::Knobs(knobs) => {
                    self.link.trickle(knobs.trickle);
                    self.delivery.set(knobs);
                }
                Command::Silence(until) => {
                    self.write().await?;
                    self.silence(until).await?;
                }
                Command::NoHeartbeat(until) => self.quiet_until = Some(until),
                Command::CloseAt(at, code, reason) => self.close_at = Some((at, code, reason)),
                Command::Close(code, reason) => return self.close(code, reason).await,
            }
        }
        self.write().await
    }

    fn oversize(&self, bytes: usize) -> Utf8Bytes {
        let mut state = self.shared.lock();
        let correlation = ids::uuid(&mut state.rng);
        let channel = state.channels.get(&self.channel);
        let topic = channel.map_or("v2.system.socket_closing", Channel::any_topic);
        Event::of_size(topic, bytes, &correlation).text
    }

    /// Neither reads nor writes until then, or until a reset of the platform.
    async fn silence(&mut self, until: Instant) -> Step {
        let lifts = self.lifts;
        let past = |signal: &Signal| signal.end.is_some() || signal.lifts != lifts;
        tokio::select! {
            () = sleep_until(until) => {}
            // An error means that the channel has let go of the socket, which silence outlasts.
            Ok(_) = self.inbox.signal.wait_for(past) => {}
        }
        self.obey_signal()
    }

    /// Writes all that is prepared.
    async fn write(&mut self) -> Step {
        let frames = self.out.iter().filter(|message| !message.is_close()).count();
        let Self { ws, out, .. } = self;
        let work = async {
            for message in out.drain(..) {
                ws.feed(message).await?;
            }
            ws.flush().await
        };
        tokio::select! {
            biased;
            ended = ended(&mut self.inbox.signal) => Err(ended),
            done = timeout(WRITE_DEADLINE, work) => {
                self.shared.live.sent(frames as u64);
                match done {
                    Ok(Ok(())) => Ok(()),
                    _ => Err(Ended::Closed),
                }
            }
        }
    }

    /// Sends a close frame, waits for the client's, and ends.
    async fn close(&mut self, code: u16, reason: String) -> Step {
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        self.out.push(Message::Close(Some(frame)));
        self.write().await?;
        let ws = &mut self.ws;
        let rest = async { while let Some(Ok(_)) = ws.next().await {} };
        tokio::select! {
            biased;
            ended = ended(&mut self.inbox.signal) => Err(ended),
            _ = timeout(CLOSE_DEADLINE, rest) => Err(Ended::Closed),
        }
    }
}

impl From<End> for Ended {
    fn from(end: End) -> Self {
        match end {
            End::Reset => Self::Reset,
            End::Overrun => Self::Closed,
        }
    }
}

/// Waits until the socket is ended past its queue.
async fn ended(signal: &mut watch::Receiver<Signal>) -> Ended {
    let end = match signal.wait_for(|signal| signal.end.is_some()).await {
        Ok(signal) => signal.end,
        Err(_) => None,
    };
    match end {
        Some(end) => end.into(),
        // The channel has let go of the socket: nothing can come past the queue any more.
        None => std::future::pending().await,
    }
}

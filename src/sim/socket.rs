//! One socket, from its upgrade to its end. What its kind says and hears is its [`Dialogue`].

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error as WsError, Message};

use super::admission::Admitted;
use super::attached::Attached;
use super::delivery::Delivery;
use super::dialogue::{Answer, Dialogue};
use super::ending::{Ended, Step, ended, outlast};
use super::farewell::{
    ABNORMAL, Cause, Farewell, GOING_AWAY, INVALID, NO_STATUS, PROTOCOL, TOO_BIG,
};
use super::gate::Gate;
use super::handle::{Command, Inbox, Signal};
use super::io::Link;
use super::knobs::Knobs;
use super::pongs::Pongs;
use super::shared::Shared;

/// A client that takes longer than this to make room for one batch of frames does not read; it is dropped.
const WRITE_DEADLINE: Duration = Duration::from_secs(60);

/// Commands that are taken from the queue at once.
const BATCH: usize = 64;

/// Bytes of its last frame that a connection still sends when it is cut as by a proxy.
const CUT_AFTER: usize = 24;

struct Socket {
    shared: Arc<Shared>,
    attached: Attached,
    dialogue: Box<dyn Dialogue>,
    ws: WebSocketStream<Gate<TokioIo<Upgraded>>>,
    link: Arc<Link>,
    inbox: Inbox,
    delivery: Delivery,
    pongs: Pongs,
    out: Vec<Message>,
    heartbeat_at: Instant,
    heard_at: Instant,
    quiet_until: Option<Instant>,
    close_at: Option<(Instant, Farewell)>,
    cut_at: Option<Instant>,
    lifts: u64,
    /// What was queued during a silence, and goes out before the client is read again.
    behind: usize,
}

/// Serves a socket from its upgrade to its end.
pub(super) async fn serve(admitted: Admitted, upgrade: OnUpgrade, link: Arc<Link>) {
    let Admitted { attached, inbox, knobs, dialogue } = admitted;
    let Ok(upgraded) = upgrade.await else { return };
    let config = WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .write_buffer_size(16 * 1024)
        .max_message_size(Some(dialogue.message_max()))
        .max_frame_size(Some(dialogue.message_max()));
    let io = Gate::new(TokioIo::new(upgraded));
    let ws = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let shared = Arc::clone(attached.shared());
    let mut socket = Socket {
        delivery: Delivery::new(knobs, shared.config.seed ^ attached.serial())
            .worded(shared.config.mixed_envelopes.then(|| attached.serial())),
        pongs: Pongs::default(),
        heartbeat_at: Instant::now() + shared.config.heartbeat,
        heard_at: Instant::now(),
        out: Vec::new(),
        quiet_until: None,
        close_at: None,
        cut_at: None,
        lifts: 0,
        behind: 0,
        shared,
        attached,
        dialogue,
        ws,
        link,
        inbox,
    };
    socket.set(knobs);
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
        let ended = loop {
            if let Err(ended) = self.turn(&mut commands).await {
                break ended;
            }
        };
        #[cfg(test)]
        self.tell_lost(commands);
        match ended {
            Ended::Reset => {
                self.attached.lost();
                self.link.reset();
            }
            Ended::Over(cause, code) => self.attached.ended(cause, code),
        }
    }

    /// Tells what was never written.
    #[cfg(test)]
    fn tell_lost(&mut self, mut commands: Vec<Command>) {
        let Some(tap) = self.shared.tap() else { return };
        let socket = self.attached.serial();
        tap.closed(socket);
        while let Ok(command) = self.inbox.queue.try_recv() {
            commands.push(command);
        }
        let queued = commands.iter().filter_map(|command| match command {
            Command::Event(event) => Some(&event.message),
            _ => None,
        });
        tap.lost(queued.chain(self.delivery.under_way()).chain(&self.out));
    }

    /// Waits for one thing to happen, and deals with it.
    async fn turn(&mut self, commands: &mut Vec<Command>) -> Step {
        self.obey_signal()?;
        let room = self.delivery.has_room();
        if room && self.behind > 0 {
            let batch = self.behind.min(BATCH);
            self.behind -= self.inbox.queue.recv_many(commands, batch).await.max(1);
            return self.obey(commands).await;
        }
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
        let spoken = if self.delivery.has_room() { self.dialogue.wake() } else { None };
        let timers = [
            self.delivery.wake(),
            self.pongs.wake(),
            self.close_at.as_ref().map(|(at, _)| *at),
            self.cut_at,
            self.idle_at(),
            spoken,
        ];
        timers.into_iter().flatten().fold(self.heartbeat_at, Instant::min)
    }

    /// When the client has said nothing for too long.
    fn idle_at(&self) -> Option<Instant> {
        self.heard_at.checked_add(self.dialogue.idle()?)
    }

    fn obey_signal(&mut self) -> Step {
        let signal = *self.inbox.signal.borrow_and_update();
        if signal.lifts != self.lifts {
            self.lifts = signal.lifts;
            self.quiet_until = None;
            self.close_at = None;
            self.cut_at = None;
            self.pongs.lift();
            self.set(Knobs::default());
        }
        signal.end.map_or(Ok(()), |end| Err(end.into()))
    }

    fn set(&mut self, knobs: Knobs) {
        self.link.trickle(knobs.trickle);
        self.pongs.set_late(Duration::from_millis(knobs.late_pong_ms));
        self.delivery.set(knobs);
    }

    /// The channel has let go of this socket: what it left in the queue is done, and then there is no more to do.
    async fn drain(&mut self, commands: &mut Vec<Command>) -> Step {
        while self.inbox.queue.recv_many(commands, BATCH).await > 0 {
            self.obey(commands).await?;
        }
        Err(Ended::Over(Cause::GoingAway, GOING_AWAY))
    }

    async fn timer(&mut self) -> Step {
        let now = Instant::now();
        self.quiet_until.take_if(|until| *until <= now);
        let mut events = Vec::new();
        let room = self.delivery.has_room();
        let farewell = if room { self.dialogue.due(now, &mut events) } else { None };
        for event in events {
            self.delivery.push(now, event, &mut self.out);
        }
        self.delivery.due(now, &mut self.out);
        while let Some(pong) = self.pongs.due(now) {
            self.out.push(pong);
        }
        if self.heartbeat_at <= now {
            self.heartbeat_at = now + self.shared.config.heartbeat;
            if self.quiet_until.is_none() {
                self.out.extend(self.dialogue.heartbeat(self.shared.clock.now_ms()));
            }
        }
        self.write().await?;
        if self.cut_at.is_some_and(|at| at <= now) {
            return self.cut().await;
        }
        let closing = self.close_at.take_if(|(at, _)| *at <= now).map(|(_, farewell)| farewell);
        let idle = self.idle_at().is_some_and(|at| at <= now).then(Farewell::idle);
        match farewell.or(closing).or(idle) {
            Some(farewell) => self.close(farewell).await,
            None => Ok(()),
        }
    }

    async fn incoming(&mut self, message: Option<Result<Message, WsError>>) -> Step {
        self.heard_at = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => {
                let answer = self.dialogue.hear(&text);
                self.answer(answer).await
            }
            Some(Ok(Message::Ping(payload))) => self.pong(Message::Pong(payload)).await,
            // The answer to the close frame is prepared already; writing nothing flushes it.
            Some(Ok(Message::Close(frame))) => {
                #[cfg(test)]
                self.shared.tap().into_iter().for_each(|tap| tap.closed(self.attached.serial()));
                let code = frame.map_or(NO_STATUS, |frame| u16::from(frame.code));
                self.attached.ended(Cause::ClientClosed, code);
                self.write().await?;
                Err(Ended::Over(Cause::ClientClosed, code))
            }
            Some(Ok(_)) => Ok(()),
            Some(Err(WsError::Capacity(CapacityError::MessageTooLong { .. }))) => {
                self.refuse(Farewell::new(TOO_BIG, "message too big")).await
            }
            Some(Err(WsError::Utf8(_))) => {
                self.refuse(Farewell::new(INVALID, "invalid UTF-8")).await
            }
            Some(Err(WsError::Protocol(error)))
                if !matches!(error, ProtocolError::ResetWithoutClosingHandshake) =>
            {
                self.refuse(Farewell::new(PROTOCOL, "protocol error")).await
            }
            Some(Err(_)) | None => Err(Ended::Over(Cause::ConnectionLost, ABNORMAL)),
        }
    }

    async fn answer(&mut self, answer: Answer) -> Step {
        match answer {
            Answer::Nothing => return Ok(()),
            Answer::Text(text) => self.out.push(Message::text(text)),
            Answer::Pong(text) => {
                self.out.extend(self.pongs.push(Instant::now(), Message::text(text)));
            }
            Answer::Close(farewell) => return self.close(farewell).await,
        }
        self.write().await
    }

    /// Answers a ping of the protocol. The library has its answer prepared, and writing nothing sends it.
    async fn pong(&mut self, pong: Message) -> Step {
        let vanishes = self.pongs.push(Instant::now(), pong).is_none();
        self.ws.get_mut().shut(vanishes);
        let written = self.write().await;
        self.ws.get_mut().shut(false);
        written
    }

    /// Does what was in the queue, in order.
    async fn obey(&mut self, commands: &mut Vec<Command>) -> Step {
        let now = Instant::now();
        for command in commands.drain(..) {
            self.inbox.took(&command);
            match command {
                Command::Event(event) => self.delivery.push(now, event, &mut self.out),
                Command::Send(text) => self.out.push(Message::text(text)),
                Command::Malformed => {
                    let text = self.dialogue.sample().malformed();
                    self.out.push(Message::Text(text));
                }
                Command::InvalidUtf8 => {
                    let bytes = self.dialogue.sample().invalid_utf8();
                    let frame = Frame::message(bytes, OpCode::Data(Data::Text), true);
                    self.out.push(Message::Frame(frame));
                }
                Command::Oversize(bytes) => {
                    self.out.push(self.dialogue.sample().of_size(bytes).message);
                }
                Command::Knobs(knobs) => self.set(knobs),
                Command::Silence(until) => {
                    self.write().await?;
                    self.silence(until).await?;
                }
                Command::NoHeartbeat(until) => self.quiet_until = Some(until),
                Command::Pong(payload) => self.out.push(Message::Pong(payload.into())),
                Command::NoPong(until) => self.pongs.none_until(until),
                Command::CloseAt(at, farewell) => self.close_at = Some((at, farewell)),
                Command::Close(farewell) => return self.close(farewell).await,
                Command::CutAt(at) => self.cut_at = Some(at),
            }
        }
        self.write().await
    }

    /// Neither reads nor writes until then, or until a reset of the platform.
    async fn silence(&mut self, until: Instant) -> Step {
        #[cfg(test)]
        self.shared.tap().into_iter().for_each(|tap| tap.quiet(self.attached.serial(), true));
        let lifts = self.lifts;
        let past = |signal: &Signal| signal.end.is_some() || signal.lifts != lifts;
        tokio::select! {
            biased;
            () = sleep_until(until) => {}
            // An error means that the channel has let go of the socket, which silence outlasts.
            Ok(_) = self.inbox.signal.wait_for(past) => {}
        }
        // What the client said meanwhile is not read yet.
        self.heard_at = Instant::now();
        self.behind = self.inbox.queue.len();
        self.obey_signal()?;
        #[cfg(test)]
        self.shared.tap().into_iter().for_each(|tap| tap.quiet(self.attached.serial(), false));
        Ok(())
    }

    /// Writes all that is prepared.
    async fn write(&mut self) -> Step {
        let is_data = |message: &&Message| {
            matches!(message, Message::Text(_) | Message::Binary(_) | Message::Frame(_))
        };
        let frames = self.out.iter().filter(is_data).count();
        #[cfg(test)]
        if let Some(tap) = self.shared.tap() {
            tap.wrote(self.attached.serial(), &self.out);
            tap.swallowed(self.delivery.swallowed.drain(..));
        }
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
                    Ok(Err(_)) => Err(Ended::Over(Cause::ConnectionLost, ABNORMAL)),
                    Err(_) => Err(Ended::Over(Cause::NotReading, ABNORMAL)),
                }
            }
        }
    }

    /// Sends a close frame, waits for the client's, and ends.
    async fn close(&mut self, farewell: Farewell) -> Step {
        self.say_goodbye(farewell).await?;
        let ws = &mut self.ws;
        let rest = async { while let Some(Ok(_)) = ws.next().await {} };
        outlast(&mut self.inbox.signal, rest).await
    }

    /// Sends a close frame because of something that cannot be read, and ends.
    async fn refuse(&mut self, farewell: Farewell) -> Step {
        self.say_goodbye(farewell).await?;
        self.hang_up().await
    }

    async fn say_goodbye(&mut self, farewell: Farewell) -> Step {
        self.attached.ended(farewell.cause, farewell.code);
        #[cfg(test)]
        self.shared.tap().into_iter().for_each(|tap| tap.closed(self.attached.serial()));
        let (code, reason) = (CloseCode::from(farewell.code), farewell.reason.into());
        self.out.push(Message::Close(Some(CloseFrame { code, reason })));
        self.write().await
    }

    /// Ends the connection within a frame.
    async fn cut(&mut self) -> Step {
        self.attached.lost();
        #[cfg(test)]
        self.shared.tap().into_iter().for_each(|tap| tap.closed(self.attached.serial()));
        self.link.cut_after(CUT_AFTER);
        self.out.push(self.dialogue.sample().message);
        self.write().await?;
        self.hang_up().await
    }

    /// Ends our half of the TCP connection, and reads on until the client ends its own: bytes that were never read
    /// would make the kernel send an RST, which overtakes what was sent last.
    async fn hang_up(&mut self) -> Step {
        let io = self.ws.get_mut();
        let rest = async {
            let _ = io.shutdown().await;
            let mut sink = [0; 4_096];
            while let Ok(1..) = io.read(&mut sink).await {}
        };
        outlast(&mut self.inbox.signal, rest).await
    }
}

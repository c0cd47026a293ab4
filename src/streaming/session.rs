//! The life of one connection, as a pure function: no socket, no clock, no randomness.
//!
//! It knows nothing of other connections or of what topics mean. [`Session::step`] takes what happened and says what
//! to do; the link performs it.

use std::time::{Duration, Instant};

use crate::core::clock::later;
use crate::core::close::{CloseCode, Gone};
use crate::core::limits;

/// The deadlines of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timing {
    /// Dial, TLS, upgrade and first inbound message together. Default 20 s.
    pub handshake: Duration,
    /// No inbound byte for this long is a dead socket. Default 35 s.
    pub silence: Duration,
    /// A ping is sent when nothing came in for this long. Default 15 s: two chances before the silence ends it.
    pub ping_after: Duration,
    /// A write that takes longer is a dead socket. Default 10 s.
    pub write: Duration,
    /// How long the peer may take to answer our close frame. Default 3 s.
    pub close: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(20),
            silence: limits::SILENCE,
            ping_after: Duration::from_secs(15),
            write: Duration::from_secs(10),
            close: Duration::from_secs(3),
        }
    }
}

impl Timing {
    /// Sets [`handshake`](Self::handshake).
    pub fn handshake(mut self, deadline: Duration) -> Self {
        self.handshake = deadline;
        self
    }

    /// Sets [`silence`](Self::silence).
    pub fn silence(mut self, longest: Duration) -> Self {
        self.silence = longest;
        self
    }

    /// Sets [`ping_after`](Self::ping_after).
    pub fn ping_after(mut self, quiet: Duration) -> Self {
        self.ping_after = quiet;
        self
    }

    /// Sets [`write`](Self::write).
    pub fn write(mut self, deadline: Duration) -> Self {
        self.write = deadline;
        self
    }

    /// Sets [`close`](Self::close).
    pub fn close(mut self, deadline: Duration) -> Self {
        self.close = deadline;
        self
    }
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// Begin.
    Start,
    /// The socket is open.
    Opened,
    /// A message came in.
    Message,
    /// The answer to a ping came in.
    Pong,
    /// A subscription was sent: what the connection covers counts once the peer has read it.
    Asked,
    /// The answer to [`Action::Mark`] came in: the peer has read what was sent before it.
    Answered,
    /// A deadline may have passed; `last_in` is the time of the last inbound byte, `heard` until when what came in shows that
    /// the peer was there.
    Timer { last_in: Instant, heard: Instant },
    /// Whether our own back-pressure keeps us from reading.
    Paused(bool),
    /// Somebody wants to see the connection flow from now on.
    Probe,
    /// Close in an orderly way, for this reason.
    Close(Gone),
    /// The socket ended, or could not be opened.
    Gone(Gone),
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Open the socket.
    Dial,
    /// Send the protocol's first messages.
    Greet,
    /// Send the protocol's ping.
    Ping,
    /// Send a ping whose answer can be told from all others.
    Mark,
    /// The connection flows: tell whoever accounts for it before anything else is delivered.
    Flowing,
    /// A ping was answered after this long.
    Rtt(Duration),
    /// Send a close frame.
    SendClose(CloseCode),
    /// The connection is over; drop the socket. Comes once, and last.
    Done(Gone),
}

/// Where the connection is in its life; each phase owns what it needs.
#[derive(Debug)]
enum Phase {
    Idle,
    Dialing {
        deadline: Instant,
    },
    Greeting {
        deadline: Instant,
        pinged: Option<Instant>,
        asked: Option<Asked>,
    },
    Live {
        pinged: Option<Instant>,
        unheard: bool,
        asked: Option<Asked>,
        paused: bool,
        fresh: Instant,
    },
    /// While we do not read, the peer's answer cannot be seen: only the rest of its time is kept.
    Closing {
        deadline: Instant,
        paused: Option<Duration>,
        cause: Gone,
    },
    Over,
}

/// A subscription that the peer has not shown to have read.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Instant,
    /// Whether anything came in since.
    heard: bool,
}

impl Asked {
    fn new(at: Instant) -> Self {
        Self { at, heard: false }
    }

    /// From when on any message is taken for the answer, from a peer that does not repeat the id of a ping.
    fn patience(self) -> Instant {
        self.at + PATIENCE
    }

    fn is_settled(self, now: Instant) -> bool {
        self.heard && now >= self.patience()
    }
}

/// How long the answer that repeats our id is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// One connection.
#[derive(Debug)]
pub(crate) struct Session {
    timing: Timing,
    phase: Phase,
    /// Whether the first messages subscribe something.
    asks: bool,
}

impl Session {
    pub(crate) fn new(timing: Timing) -> Self {
        Self { timing, phase: Phase::Idle, asks: false }
    }

    /// Whether the first messages subscribe something: the connection then flows once the peer has read them.
    pub(crate) fn set_asks(&mut self, asks: bool) {
        self.asks = asks;
    }

    /// Whether messages can be sent.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Greeting { .. } | Phase::Live { .. })
    }

    /// Whether the session is over: nothing may be done with its socket any more.
    #[cfg(test)]
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// When [`Input::Timer`] is due; the times are those of that input.
    pub(crate) fn wake_at(&self, last_in: Instant, heard: Instant) -> Option<Instant> {
        match &self.phase {
            Phase::Idle | Phase::Over | Phase::Closing { paused: Some(_), .. } => None,
            Phase::Greeting { deadline, asked: Some(asked), .. } if asked.heard => {
                Some(asked.patience().min(*deadline))
            }
            Phase::Dialing { deadline }
            | Phase::Greeting { deadline, .. }
            | Phase::Closing { deadline, .. } => Some(*deadline),
            Phase::Live { paused, pinged, fresh, .. } => {
                let (last_in, heard) = (last_in.max(*fresh), heard.max(*fresh));
                let ping = later(heard.max(pinged.unwrap_or(heard)), self.timing.ping_after);
                Some(if *paused { ping } else { ping.min(later(last_in, self.timing.silence)) })
            }
        }
    }

    /// Takes one input and says what to do.
    pub(crate) fn step(&mut self, now: Instant, input: Input, out: &mut Vec<Action>) {
        match input {
            Input::Start => {
                if matches!(self.phase, Phase::Idle) {
                    self.phase = Phase::Dialing { deadline: later(now, self.timing.handshake) };
                    out.push(Action::Dial);
                }
            }
            Input::Opened => {
                if let Phase::Dialing { deadline } = self.phase {
                    let asked = self.asks.then(|| Asked::new(now));
                    let ping = if self.asks { Action::Mark } else { Action::Ping };
                    self.phase = Phase::Greeting { deadline, pinged: Some(now), asked };
                    out.extend([Action::Greet, ping]);
                }
            }
            Input::Message => self.heard(now, false, out),
            Input::Pong => self.heard(now, true, out),
            Input::Asked => {
                if let Phase::Live { asked, .. } | Phase::Greeting { asked, .. } = &mut self.phase {
                    *asked = Some(Asked::new(now));
                    out.push(Action::Mark);
                }
            }
            Input::Answered => self.answered(now, out),
            Input::Timer { last_in, heard } => self.timer(now, last_in, heard, out),
            Input::Paused(yes) => self.paused(now, yes),
            Input::Probe => {
                if let Phase::Live { pinged, unheard, .. } = &mut self.phase {
                    *unheard = true;
                    *pinged = Some(now);
                    out.push(Action::Ping);
                }
            }
            Input::Close(cause) => self.close(now, cause, out),
            Input::Gone(cause) => self.gone(cause, out),
        }
    }

    fn heard(&mut self, now: Instant, pong: bool, out: &mut Vec<Action>) {
        match &mut self.phase {
            Phase::Greeting { pinged, asked, .. } => {
                if let Some(asked) = asked {
                    asked.heard = true;
                    if !asked.is_settled(now) {
                        return;
                    }
                }
                let pinged = *pinged;
                self.phase =
                    Phase::Live { pinged, unheard: true, asked: None, paused: false, fresh: now };
                self.heard(now, pong, out);
            }
            Phase::Live { pinged, unheard, asked, .. } => {
                if pong && let Some(sent) = pinged.take() {
                    out.push(Action::Rtt(now.saturating_duration_since(sent)));
                }
                if let Some(waiting) = asked {
                    waiting.heard = true;
                    if waiting.is_settled(now) {
                        *asked = None;
                        *unheard = true;
                    }
                }
                if std::mem::take(unheard) {
                    out.push(Action::Flowing);
                }
            }
            Phase::Idle | Phase::Dialing { .. } | Phase::Closing { .. } | Phase::Over => {}
        }
    }

    /// The peer has read the last subscription: what is covered since counts from here.
    fn answered(&mut self, now: Instant, out: &mut Vec<Action>) {
        let first = match &mut self.phase {
            Phase::Live { asked, unheard, .. } => {
                *unheard |= asked.take().is_some();
                false
            }
            Phase::Greeting { asked, .. } => {
                *asked = None;
                true
            }
            _ => false,
        };
        self.heard(now, first, out);
    }

    fn paused(&mut self, now: Instant, yes: bool) {
        match &mut self.phase {
            Phase::Live { paused, fresh, .. } => {
                if *paused && !yes {
                    // What arrived while we did not read is not known; silence counts from here.
                    *fresh = now;
                }
                *paused = yes;
            }
            Phase::Closing { deadline, paused, .. } => match paused {
                None if yes => *paused = Some(deadline.saturating_duration_since(now)),
                Some(left) if !yes => {
                    *deadline = later(now, *left);
                    *paused = None;
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn timer(&mut self, now: Instant, last_in: Instant, heard: Instant, out: &mut Vec<Action>) {
        match &mut self.phase {
            Phase::Greeting { asked: Some(asked), .. } if asked.is_settled(now) => {
                self.answered(now, out);
            }
            Phase::Dialing { deadline } | Phase::Greeting { deadline, .. } if now >= *deadline => {
                self.gone(Gone::HandshakeTimeout, out);
            }
            Phase::Closing { deadline, paused: None, .. } if now >= *deadline => {
                self.gone(Gone::Requested, out);
            }
            Phase::Live { pinged, paused, fresh, .. } => {
                let heard = heard.max(*fresh);
                let quiet = now.saturating_duration_since(last_in.max(*fresh));
                if !*paused && quiet >= self.timing.silence {
                    self.gone(Gone::Silent { quiet: now.saturating_duration_since(last_in) }, out);
                } else if now >= later(heard.max(pinged.unwrap_or(heard)), self.timing.ping_after) {
                    *pinged = Some(now);
                    out.push(Action::Ping);
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, now: Instant, cause: Gone, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Idle | Phase::Dialing { .. } => self.gone(cause, out),
            Phase::Greeting { .. } | Phase::Live { .. } => {
                let left = self.timing.close;
                let paused = matches!(self.phase, Phase::Live { paused: true, .. }).then_some(left);
                self.phase = Phase::Closing { deadline: later(now, left), paused, cause };
                out.push(Action::SendClose(CloseCode::NORMAL));
            }
            Phase::Closing { .. } | Phase::Over => {}
        }
    }

    fn gone(&mut self, cause: Gone, out: &mut Vec<Action>) {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Over => {}
            // Whatever ends a connection that we are closing, the reason is ours.
            Phase::Closing { cause, .. } => out.push(Action::Done(cause)),
            _ => out.push(Action::Done(cause)),
        }
    }
}

#[cfg(test)]
mod tests;

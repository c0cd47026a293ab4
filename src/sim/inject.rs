//! Carrying out a fault.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::aim::Aim;
use super::channels::Channel;
use super::farewell::{Farewell, GOING_AWAY};
use super::fault::Fault;
use super::frames::{self, Event};
use super::handle::{Command, End, Handle};
use super::ids;
use super::knobs::{HttpFault, Knobs, Only};
use super::lifecycle::{self, Why, end_channel};
use super::open_sockets::OpenSocket;
use super::shared::{Shared, State};
use crate::error::{Error, ErrorKind, Result};

/// Carries out a fault where it is aimed; returns how many open sockets it concerns.
pub(super) fn inject(shared: &Shared, fault: Fault, aim: Aim) -> Result<usize> {
    fault.check(&aim)?;
    let mut state = shared.lock();
    let only = match aim {
        Aim::All => Only::All,
        Aim::Kind(kind) => Only::Kind(kind),
        Aim::Channel(id) => state
            .channels
            .get(&id)
            .map(|channel| Only::Channel(Arc::clone(&channel.id)))
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "no such channel"))?,
    };
    let target = Target { shared, state: &mut state, only };
    let sockets = target.carry_out(fault);
    drop(state);
    shared.deadlines.notify_one();
    shared.interest.notify_one();
    Ok(sockets)
}

/// What a fault is aimed at.
struct Target<'a> {
    shared: &'a Shared,
    state: &'a mut State,
    only: Only,
}

impl Target<'_> {
    fn carry_out(mut self, fault: Fault) -> usize {
        match fault {
            Fault::Close { code, reason } => {
                self.each(|| vec![Command::Close(Farewell::new(code, reason.clone()))])
            }
            Fault::IdleTimeout => self.each(|| vec![Command::Close(Farewell::idle())]),
            Fault::Silence { for_ms } => {
                let until = after(for_ms);
                self.each(|| vec![Command::Silence(until)])
            }
            Fault::NoHeartbeat { for_ms } => {
                let until = after(for_ms);
                self.each(|| vec![Command::NoHeartbeat(until)])
            }
            Fault::NoPong { for_ms } => {
                let until = after(for_ms);
                self.each(|| vec![Command::NoPong(until)])
            }
            Fault::ProxyCut { after_ms } => {
                let at = after(after_ms);
                self.each(|| vec![Command::CutAt(at)])
            }
            Fault::Oversize { bytes } => self.each(|| vec![Command::Oversize(bytes)]),
            Fault::Malformed { count } => self.each(|| repeat(count, |_| Command::Malformed)),
            Fault::InvalidUtf8 { count } => self.each(|| repeat(count, |_| Command::InvalidUtf8)),
            Fault::UnsolicitedPong { count } => {
                self.each(|| repeat(count, |number| Command::Pong(format!("unsolicited-{number}"))))
            }
            Fault::UnknownTopic { count } => self.unknown_topic(count),
            Fault::SocketClosing { after_ms } => self.socket_closing(after_ms),
            Fault::Reset => {
                self.handles().for_each(|socket| socket.end(End::Reset));
                self.open()
            }
            Fault::EvictChannel => {
                let open = self.channels().filter(|channel| channel.socket.is_some()).count();
                for id in self.ids() {
                    end_channel(self.state, &id, Why::Displaced);
                }
                open
            }
            Fault::ExpireToken => self.expire(),
            Fault::RevokeToken => self.revoke(),
            Fault::RevokeRefreshToken => {
                self.state.oauth.sign_ins.revoke_refresh();
                0
            }
            Fault::Http { path, status, retry_after, count, html } => {
                self.state.faults.add_http(HttpFault {
                    path,
                    status,
                    retry_after,
                    left: count,
                    html,
                });
                0
            }
            Fault::ForbidTopic { topic } => {
                let channel = match &self.only {
                    Only::Channel(id) => Some(Arc::clone(id)),
                    Only::All | Only::Kind(_) => None,
                };
                self.state.faults.forbid(channel, topic);
                0
            }
            Fault::ClockSkew { ms } => {
                self.shared.clock.skew(ms);
                self.open()
            }
            lasting => self.turn(|knobs| turn(knobs, &lasting)),
        }
    }

    /// The channels that are concerned.
    fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.state.channels.iter().filter(|channel| match &self.only {
            Only::All => true,
            Only::Channel(only) => channel.id == *only,
            Only::Kind(_) => false,
        })
    }

    /// The open sockets without a channel that are concerned.
    fn sockets(&self) -> impl Iterator<Item = &OpenSocket> {
        self.state.sockets.iter().filter(|socket| self.only.is_socket(socket))
    }

    /// Every open socket that is concerned.
    fn handles(&self) -> impl Iterator<Item = &Handle> {
        let of_channels = self.channels().filter_map(|channel| channel.socket.as_ref());
        of_channels.chain(self.sockets().map(|socket| &socket.handle))
    }

    fn ids(&self) -> Vec<Arc<str>> {
        self.channels().map(|channel| Arc::clone(&channel.id)).collect()
    }

    fn open(&self) -> usize {
        self.handles().count()
    }

    /// The tokens that are concerned; `None` stands for all.
    fn tokens(&self) -> Option<BTreeSet<Arc<str>>> {
        match &self.only {
            Only::All => None,
            Only::Channel(_) => Some(self.channels().map(|one| Arc::clone(&one.token)).collect()),
            Only::Kind(_) => Some(self.sockets().filter_map(|one| one.token.clone()).collect()),
        }
    }

    fn expire(self) -> usize {
        let open = self.open();
        match self.tokens() {
            None => self.state.oauth.expire(None),
            Some(tokens) => tokens.iter().for_each(|one| self.state.oauth.expire(Some(one))),
        }
        let Self { state, only, .. } = self;
        lifecycle::end_sockets(state, |one| only.is_socket(one), &Farewell::token_expired());
        open
    }

    fn revoke(self) -> usize {
        let open = self.open();
        let tokens = self.tokens();
        let Self { state, only, .. } = self;
        // First those that need no token; the others follow theirs.
        let tokenless = |one: &OpenSocket| only.is_socket(one) && one.token.is_none();
        match tokens {
            None => drop(lifecycle::revoke(state, None)),
            Some(tokens) => {
                lifecycle::end_sockets(state, tokenless, &Farewell::token_revoked());
                for token in tokens {
                    lifecycle::revoke(state, Some(&token));
                }
            }
        }
        open
    }

    /// Gives every open socket that is concerned something to do.
    fn each(&self, commands: impl Fn() -> Vec<Command>) -> usize {
        for socket in self.handles() {
            for command in commands() {
                socket.send(command);
            }
        }
        self.open()
    }

    /// Changes what lasts, and tells the open sockets.
    fn turn(self, change: impl FnOnce(&mut Knobs)) -> usize {
        self.state.faults.change(&self.only, change);
        let faults = &self.state.faults;
        for channel in self.channels() {
            channel.send(Command::Knobs(faults.knobs(&channel.id)));
        }
        for socket in self.sockets() {
            socket.handle.send(Command::Knobs(faults.knobs_of_kind(socket.kind)));
        }
        self.open()
    }

    fn unknown_topic(&mut self, count: u32) -> usize {
        let rng = &mut self.state.rng;
        let (mut wrapped, mut flat) = (Vec::new(), Vec::new());
        for number in 0..count {
            let (id, correlation) = (ids::uuid(rng), ids::uuid(rng));
            let topic = format!("v2.simulated.things.{id}.changed");
            wrapped.push(Event::new(&topic, &json!({ "id": id, "number": number }), &correlation));
            let name = "simulated.changed";
            let body = json!({ "type": name, "eventType": name, "id": id, "number": number });
            flat.push(Event::flat(name, &body));
        }
        for channel in self.channels() {
            for event in &wrapped {
                channel.send(Command::Event(event.clone()));
            }
        }
        for socket in self.sockets() {
            for event in &flat {
                socket.handle.send(Command::Event(event.clone()));
            }
        }
        self.open()
    }

    fn socket_closing(&mut self, after_ms: Option<u64>) -> usize {
        let notice = after_ms.map_or(self.shared.config.closing_notice, Duration::from_millis);
        let at = after(u64::try_from(notice.as_millis()).unwrap_or(u64::MAX));
        let correlation = ids::uuid(&mut self.state.rng);
        for channel in self.channels() {
            let event = frames::closing(&channel.id, notice.as_secs(), &correlation);
            channel.send(Command::Event(event));
        }
        let farewell = Farewell::new(GOING_AWAY, "closing for maintenance");
        self.each(|| vec![Command::CloseAt(at, farewell.clone())])
    }
}

impl Only {
    /// Whether a socket without a channel is meant.
    fn is_socket(&self, socket: &OpenSocket) -> bool {
        match self {
            Self::All => true,
            Self::Channel(_) => false,
            Self::Kind(kind) => socket.kind == *kind,
        }
    }
}

fn repeat(count: u32, command: impl Fn(u32) -> Command) -> Vec<Command> {
    (0..count).map(command).collect()
}

/// So many milliseconds from now; a number beyond a century stands for a century.
fn after(ms: u64) -> Instant {
    const CENTURY_MS: u64 = 100 * 365 * 86_400_000;
    let now = Instant::now();
    now.checked_add(Duration::from_millis(ms.min(CENTURY_MS))).unwrap_or(now)
}

/// Sets what a lasting fault asks for.
fn turn(knobs: &mut Knobs, fault: &Fault) {
    match fault {
        Fault::RefuseConnect { for_ms } => knobs.refuse_until = Some(after(*for_ms)),
        Fault::SlowHandshake { delay_ms } => knobs.slow_ms = *delay_ms,
        Fault::Duplicate { probability } => knobs.duplicate = *probability,
        Fault::Reorder { probability } => knobs.reorder = *probability,
        Fault::Drop { probability } => knobs.drop = *probability,
        Fault::Delay { ms, jitter_ms } => {
            knobs.delay_ms = *ms;
            knobs.jitter_ms = *jitter_ms;
        }
        Fault::UnknownField => knobs.unknown_field = true,
        Fault::UnknownEnum => knobs.unknown_enum = true,
        Fault::Trickle => knobs.trickle = true,
        Fault::NullFields => knobs.null_fields = true,
        Fault::MissingFields => knobs.missing_fields = true,
        Fault::LatePong { delay_ms } => knobs.late_pong_ms = *delay_ms,
        _ => {}
    }
}

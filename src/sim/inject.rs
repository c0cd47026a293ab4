//! Carrying out a fault.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::channels::Channel;
use super::fault::Fault;
use super::frames::{self, Event};
use super::handle::{Command, End};
use super::ids;
use super::knobs::{HttpFault, Knobs};
use super::lifecycle::{self, GOING_AWAY, Why, end_channel};
use super::shared::{Shared, State};
use crate::error::{Error, ErrorKind, Result};

/// Carries out a fault on one channel, or on all; returns how many open sockets it concerns.
pub(super) fn inject(shared: &Shared, fault: Fault, channel: Option<&str>) -> Result<usize> {
    fault.check(channel)?;
    let mut state = shared.lock();
    let only = match channel {
        None => None,
        Some(id) => Some(
            state
                .channels
                .get(id)
                .map(|channel| Arc::clone(&channel.id))
                .ok_or_else(|| Error::new(ErrorKind::NotFound, "no such channel"))?,
        ),
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
    only: Option<Arc<str>>,
}

impl Target<'_> {
    fn carry_out(mut self, fault: Fault) -> usize {
        match fault {
            Fault::Close { code, reason } => {
                self.each(|_| vec![Command::Close(code, reason.clone())])
            }
            Fault::Silence { for_ms } => {
                let until = after(for_ms);
                self.each(|_| vec![Command::Silence(until)])
            }
            Fault::NoHeartbeat { for_ms } => {
                let until = after(for_ms);
                self.each(|_| vec![Command::NoHeartbeat(until)])
            }
            Fault::Oversize { bytes } => self.each(|_| vec![Command::Oversize(bytes)]),
            Fault::Malformed { count } => self.each(|channel| {
                let text = frames::malformed(channel.any_topic());
                repeat(count, || Command::Send(text.clone()))
            }),
            Fault::InvalidUtf8 { count } => self.each(|channel| {
                let bytes = frames::invalid_utf8(channel.any_topic());
                repeat(count, || Command::Raw(bytes.clone()))
            }),
            Fault::UnknownTopic { count } => self.unknown_topic(count),
            Fault::SocketClosing { after_ms } => self.socket_closing(after_ms),
            Fault::Reset => {
                for channel in self.channels() {
                    if let Some(socket) = &channel.socket {
                        socket.end(End::Reset);
                    }
                }
                self.open()
            }
            Fault::EvictChannel => {
                let open = self.open();
                for id in self.ids() {
                    end_channel(self.state, &id, Why::Displaced);
                }
                open
            }
            Fault::ExpireToken => {
                let token = self.token();
                self.state.oauth.expire(token.as_deref());
                self.open()
            }
            Fault::RevokeToken => {
                let token = self.token();
                lifecycle::revoke(self.state, token.as_deref())
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
                self.state.faults.forbid(self.only.clone(), topic);
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
        let only = self.only.clone();
        self.state
            .channels
            .iter()
            .filter(move |channel| only.as_ref().is_none_or(|only| channel.id == *only))
    }

    fn ids(&self) -> Vec<Arc<str>> {
        self.channels().map(|channel| Arc::clone(&channel.id)).collect()
    }

    fn open(&self) -> usize {
        self.channels().filter(|channel| channel.socket.is_some()).count()
    }

    /// The token of the channel; `None` stands for all.
    fn token(&self) -> Option<Arc<str>> {
        let id = self.only.as_ref()?;
        self.state.channels.get(id).map(|channel| Arc::clone(&channel.token))
    }

    /// Gives every open socket that is concerned something to do.
    fn each(&self, commands: impl Fn(&Channel) -> Vec<Command>) -> usize {
        for channel in self.channels().filter(|channel| channel.socket.is_some()) {
            for command in commands(channel) {
                channel.send(command);
            }
        }
        self.open()
    }

    /// Changes what lasts, and tells the open sockets.
    fn turn(self, change: impl FnOnce(&mut Knobs)) -> usize {
        self.state.faults.change(self.only.as_ref(), change);
        self.each(|channel| vec![Command::Knobs(self.state.faults.knobs(&channel.id))])
    }

    fn unknown_topic(&mut self, count: u32) -> usize {
        let events: Vec<Event> = (0..count)
            .map(|number| {
                let id = ids::uuid(&mut self.state.rng);
                let correlation = ids::uuid(&mut self.state.rng);
                let topic = format!("v2.simulated.things.{id}.changed");
                Event::new(&topic, &json!({ "id": id, "number": number }), &correlation)
            })
            .collect();
        self.each(|_| events.iter().cloned().map(Command::Event).collect())
    }

    fn socket_closing(&mut self, after_ms: Option<u64>) -> usize {
        let notice = after_ms.map_or(self.shared.config.closing_notice, Duration::from_millis);
        let at = after(u64::try_from(notice.as_millis()).unwrap_or(u64::MAX));
        let correlation = ids::uuid(&mut self.state.rng);
        self.each(|channel| {
            let event = frames::closing(&channel.id, notice.as_secs(), &correlation);
            let reason = "closing for maintenance".to_owned();
            vec![Command::Event(event), Command::CloseAt(at, GOING_AWAY, reason)]
        })
    }
}

fn repeat(count: u32, command: impl Fn() -> Command) -> Vec<Command> {
    (0..count).map(|_| command()).collect()
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
        _ => {}
    }
}

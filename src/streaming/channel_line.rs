//! The sockets of a [`World`]: each with its session, what is on its way, and whether it may deliver.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use super::channel_platform::Wire;
use super::channel_world::World;
use super::fingerprint::{Fingerprint, fingerprint};
use super::ledger::LinkKey;
use super::protocol::Notice;
use super::session::{self, Session};
use super::supervisor::{Ending, Input};
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::core::ids::ChannelId;
use crate::events::Topic;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Voice {
    Silent,
    Waiting,
    Speaking,
    Mute,
}

/// One socket, as the link and the platform see it.
pub(super) struct Line {
    pub(super) session: Session,
    pub(super) channel: ChannelId,
    pub(super) last_in: Moment,
    pub(super) wire: VecDeque<Wire>,
    pub(super) read_at: Duration,
    pub(super) opened: bool,
    pub(super) silent: bool,
    pub(super) drained: bool,
    pub(super) voice: Voice,
    pub(super) go: bool,
    pub(super) items: Vec<(Topic, u64)>,
    pub(super) prints: Vec<Option<Fingerprint>>,
    pub(super) replaces: bool,
    /// It is over, and waits whether it may deliver what it holds.
    pub(super) ended: Option<Gone>,
}

impl World {
    pub(super) fn drive(&mut self, link: LinkKey, input: session::Input) {
        let now = self.moment();
        let Some(line) = self.lines.get_mut(&link) else { return };
        if line.ended.is_some() {
            return;
        }
        let mut actions = Vec::new();
        line.session.step(now.mono, input, &mut actions);
        for action in actions {
            let Some(line) = self.lines.get_mut(&link) else { return };
            match action {
                session::Action::Ping | session::Action::Mark => line.wire.push_back(Wire::Answer),
                session::Action::SendClose(_) => {
                    line.wire.push_back(Wire::Close);
                    let channel = line.channel.clone();
                    self.detach(&channel, link);
                }
                session::Action::Flowing => {
                    line.voice = Voice::Waiting;
                    line.go = false;
                    let at = line.last_in;
                    self.supervise(Input::Flowing { link, at, token: None });
                    if self.supervisor.may_speak(link)
                        && let Some(line) = self.lines.get_mut(&link)
                    {
                        line.go = true;
                    }
                    self.speak(link);
                }
                session::Action::Done(cause) => return self.over(link, cause),
                _ => {}
            }
        }
    }

    pub(super) fn detach(&mut self, channel: &ChannelId, link: LinkKey) {
        if let Some(channel) = self.channels.get_mut(channel) {
            channel.socket.take_if(|socket| *socket == link);
        }
    }

    pub(super) fn over(&mut self, link: LinkKey, cause: Gone) {
        let line = self.lines.get_mut(&link).expect("over once");
        let channel = line.channel.clone();
        let waits = line.voice == Voice::Waiting && !line.go;
        if waits {
            line.ended = Some(cause);
            self.detach(&channel, link);
            self.supervise(Input::Fading { link });
        } else {
            self.detach(&channel, link);
            self.finish(link, cause);
        }
    }

    pub(super) fn finish(&mut self, link: LinkKey, cause: Gone) {
        let line = self.lines.remove(&link).expect("gone once");
        if line.voice == Voice::Speaking {
            assert!(line.items.is_empty());
        }
        self.overlap.over(link);
        let mut ending = Ending::new(cause, line.opened.then_some(line.last_in));
        ending.drained = line.drained;
        self.supervise(Input::LinkGone { link, ending });
    }

    pub(super) fn speak(&mut self, link: LinkKey) {
        let now = self.moment().mono;
        let Some(line) = self.lines.get_mut(&link) else { return };
        if line.voice != Voice::Waiting || !line.go {
            return;
        }
        line.voice = Voice::Speaking;
        if line.replaces {
            self.overlap.switch(link, now);
        }
        let items = std::mem::take(&mut line.items);
        let prints = std::mem::take(&mut line.prints);
        self.deliver(link, items, prints);
    }

    /// We read what is next on a socket.
    pub(super) fn read(&mut self, link: LinkKey) -> bool {
        let now = self.moment();
        let Some(line) = self.lines.get_mut(&link) else { return false };
        if !line.opened || line.ended.is_some() || line.silent {
            return false;
        }
        let Some(wire) = line.wire.pop_front() else { return false };
        line.last_in = now;
        match wire {
            Wire::Event(topic, n) => {
                let of = || fingerprint(topic.name(), None, &n.to_le_bytes());
                let print = self.overlap.is_active().then(of);
                self.drive(link, session::Input::Message);
                let Some(line) = self.lines.get_mut(&link) else { return true };
                match line.voice {
                    Voice::Speaking => self.deliver(link, vec![(topic, n)], vec![print]),
                    Voice::Mute => {}
                    Voice::Silent | Voice::Waiting => {
                        line.items.push((topic, n));
                        line.prints.push(print);
                        let (items, prints) = (&mut line.items, &mut line.prints);
                        self.removed += self.overlap.sift(link, items, prints, now.mono);
                    }
                }
            }
            Wire::Answer => self.drive(link, session::Input::Pong),
            Wire::Beat => self.drive(link, session::Input::Message),
            Wire::Closing => {
                self.supervise(Input::Notice { link, notice: Notice::Closing });
                self.drive(link, session::Input::Message);
            }
            Wire::Gone => {
                let notice = Notice::ChannelGone("evicted".into());
                self.supervise(Input::Notice { link, notice });
                self.drive(link, session::Input::Message);
            }
            Wire::Close => {
                line.drained = true;
                let cause = Gone::Closed { code: 1000.into(), reason: "".into() };
                self.drive(link, session::Input::Gone(cause));
            }
        }
        true
    }

    pub(super) fn open(&mut self, link: LinkKey) {
        let Some(line) = self.lines.get_mut(&link) else { return };
        if line.opened || line.ended.is_some() {
            return;
        }
        let Some(channel) = self.channels.get_mut(&line.channel) else {
            return self.drive(link, session::Input::Gone(Gone::Refused { status: 404 }));
        };
        line.opened = true;
        line.last_in =
            Moment { mono: self.start + self.now, wall: SystemTime::UNIX_EPOCH + self.now };
        channel.socket = Some(link);
        self.drive(link, session::Input::Opened);
    }
}

//! What links report: that they flow, what the peer said, and that they are gone.

use std::sync::Arc;
use std::time::Duration;

use super::machine::{State, Supervisor};
use super::message::{Action, Now};
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::error::Error;
use crate::events::Lifecycle;
use crate::streaming::ledger::{LinkKey, Resumed};
use crate::streaming::protocol::Notice;

impl Supervisor {
    pub(super) fn flowing(&mut self, now: Now, link: LinkKey, at: Moment, out: &mut Vec<Action>) {
        match self.state {
            State::Dialing { link: dialled } if dialled == link => {
                self.state = State::Live { link, since: at };
                out.push(Action::Emit(Lifecycle::Connected {
                    channel: self.channel_id(),
                    new_channel: std::mem::take(&mut self.new_channel),
                    attempts: std::mem::take(&mut self.attempts),
                }));
                if let Some(held) = &mut self.channel {
                    held.failed_dials = 0;
                }
                self.cover(link, at, out);
                if self.uses_channel {
                    let again = std::mem::replace(&mut self.ever_live, true);
                    self.reconcile.announce = again;
                    let behind = self.reconcile.dirty
                        || self.channel.as_ref().is_some_and(|held| !held.subscribed);
                    if again || (behind && !self.desired.is_empty()) {
                        self.reconcile_now(now, out);
                    }
                }
            }
            State::Live { link: live, .. } if live == link => self.cover(link, at, out),
            _ => {}
        }
    }

    pub(super) fn cover(&mut self, link: LinkKey, at: Moment, out: &mut Vec<Action>) {
        let Resumed { first, gaps } = self.ledger.flows(link, at);
        for gap in gaps {
            out.push(Action::Emit(Lifecycle::Gap {
                topics: gap.topics,
                covered_until: gap.covered_until,
                resumed_at: gap.resumed_at,
                duration: gap.duration,
                cause: gap.cause,
            }));
        }
        if !first.is_empty() {
            let topics = first.into();
            out.push(Action::Emit(Lifecycle::Subscribed { topics, since: at.wall }));
        }
    }

    pub(super) fn noticed(&mut self, link: LinkKey, notice: Notice, out: &mut Vec<Action>) {
        if self.current_link() != Some(link) {
            return;
        }
        if let Notice::ChannelGone(detail) = notice {
            self.channel_lost(detail, out);
        }
        // A closing notice needs nothing yet: events flow until the close, which is then handled like any other.
    }

    pub(super) fn channel_lost(&mut self, detail: Box<str>, out: &mut Vec<Action>) {
        let Some(held) = &mut self.channel else {
            return;
        };
        held.dead = true;
        if let State::Live { link, .. } | State::Dialing { link } = self.state {
            out.push(Action::CloseLink(link, Gone::ChannelGone { detail }));
        }
    }

    #[allow(clippy::too_many_arguments)] // One input, spread out.
    pub(super) fn link_gone(
        &mut self,
        now: Now,
        link: LinkKey,
        cause: Gone,
        last_in: Option<Moment>,
        retry_after: Option<Duration>,
        fatal: Option<Error>,
        out: &mut Vec<Action>,
    ) {
        if self.current_link() != Some(link) {
            return;
        }
        let why = Arc::new(cause.clone());
        let last = last_in.unwrap_or(now.at);
        self.ledger.lost(link, last, &why);
        if !self.uses_channel {
            self.ledger.drop_link(link);
        }
        if let State::Closing { stop, .. } = &self.state {
            let stop = stop.clone();
            self.stop(stop, None, out);
            return;
        }
        let was_live = match self.state {
            State::Live { since, .. } => last.mono.saturating_duration_since(since.mono),
            _ => Duration::ZERO,
        };
        if let Some(held) = &mut self.channel {
            if matches!(self.state, State::Dialing { .. }) {
                held.failed_dials += 1;
            }
            match &cause {
                Gone::Refused { status } if (400..500).contains(status) && *status != 429 => {
                    held.suspect = true;
                }
                Gone::ChannelGone { .. } => held.dead = true,
                _ => {}
            }
        }
        self.reconcile.due = None;
        if let Some(error) = fatal {
            self.fail(cause, last_in.map(|at| at.wall), was_live, error, out);
            return;
        }
        self.back_off(now, cause, last_in.map(|at| at.wall), was_live, retry_after, out);
    }
}

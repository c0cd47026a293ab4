//! What links report: that they flow, what the peer said, and that they are gone.

use std::sync::Arc;
use std::time::Duration;

use super::failure::is_passing;
use super::machine::{State, Supervisor};
use super::message::{Action, Ending, Now, TokenUsed};
use super::subscribe::Reconcile;
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::core::ids::GapId;
use crate::events::{Lifecycle, RenewalReason};
use crate::streaming::ledger::{Gap, LinkKey, Resumed};
use crate::streaming::protocol::Notice;

pub(super) fn gap(gap: Gap) -> Action {
    let Gap { topics, covered_until, resumed_at, duration, cause } = gap;
    // The driver numbers it.
    let gap = GapId::default();
    Action::Emit(Lifecycle::Gap { gap, topics, covered_until, resumed_at, duration, cause })
}

impl Supervisor {
    pub(super) fn flowing(
        &mut self,
        now: Now,
        link: LinkKey,
        at: Moment,
        token: Option<TokenUsed>,
        out: &mut Vec<Action>,
    ) {
        match self.state {
            State::Dialing { link: dialled } if dialled == link => {
                self.state = State::Live { link, since: at };
                self.lives(now, token);
                out.push(Action::Emit(Lifecycle::Connected {
                    channel: self.channel_id(),
                    new_channel: std::mem::take(&mut self.new_channel),
                    attempts: std::mem::take(&mut self.attempts),
                }));
                if let Some(held) = &mut self.channel {
                    held.failed_dials = 0;
                }
                self.cover(link, at, out);
                if self.plan.uses_channel {
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
            State::Live { link: old, .. } if self.renewal.successor() == Some(link) => {
                self.successor_flows(old, at, token, out);
            }
            _ => {}
        }
    }

    pub(super) fn cover(&mut self, link: LinkKey, at: Moment, out: &mut Vec<Action>) {
        let Resumed { first, gaps } = self.ledger.flows(link, at);
        out.extend(gaps.into_iter().map(gap));
        if !first.is_empty() {
            let topics = first.into();
            out.push(Action::Emit(Lifecycle::Subscribed { topics, since: at.wall }));
        }
    }

    pub(super) fn noticed(
        &mut self,
        now: Now,
        link: LinkKey,
        notice: Notice,
        out: &mut Vec<Action>,
    ) {
        if self.current_link() != Some(link) {
            return;
        }
        match notice {
            Notice::ChannelGone(detail) => self.channel_lost(detail, out),
            // A channel needs nothing yet: events flow until the close, which is then handled like any other.
            Notice::Closing => self.renew(RenewalReason::Closing, now, out),
            _ => {}
        }
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

    pub(super) fn link_gone(
        &mut self,
        now: Now,
        link: LinkKey,
        mut ending: Ending,
        out: &mut Vec<Action>,
    ) {
        if self.renewal.successor() == Some(link) {
            let cause = Arc::new(ending.cause.clone());
            self.ledger.lost(link, ending.last_in.unwrap_or(now.at), &cause);
            self.successor_gone(now, link, &ending);
            return;
        }
        if self.current_link() != Some(link) {
            return;
        }
        ending.cause = self.real_cause(ending.cause);
        let why = Arc::new(ending.cause.clone());
        let last = ending.last_in.unwrap_or(now.at);
        self.ledger.lost(link, last, &why);
        let doubt = if ending.drained { None } else { self.doubt(now, link, last) };
        out.extend(doubt.map(gap));
        if !self.plan.uses_channel {
            self.ledger.drop_link(link);
        }
        if let State::Closing { stop, .. } = &self.state {
            let stop = stop.clone();
            match self.renewal.flowing() {
                // It has what the old one did not deliver any more.
                Some(link) => {
                    self.forget_renewal();
                    self.state = State::Closing { link, stop };
                    out.extend([Action::Speak(link), Action::CloseLink(link, Gone::Requested)]);
                }
                None => self.stop(stop, None, out),
            }
            return;
        }
        let broken = ending.error.as_ref().is_some_and(|error| !is_passing(error));
        if !broken && self.take_over(now, out) {
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
            match &ending.cause {
                Gone::Refused { status } if (400..500).contains(status) && *status != 429 => {
                    held.suspect = true;
                }
                Gone::ChannelGone { .. } => held.dead = true,
                _ => {}
            }
        }
        if self.plan.uses_channel {
            self.reconcile.due = None;
        } else {
            self.reconcile = Reconcile::default();
        }
        let refusal = self.refusal(&mut ending);
        let Ending { cause, last_in, error, mut retry_after, .. } = ending;
        let last_in = last_in.map(|at| at.wall);
        if let Some(error) = &error {
            retry_after = retry_after.or(error.retry_after());
        }
        let error = match (refusal, error) {
            (None, Some(error)) if !is_passing(&error) => Some(self.call_error(error)),
            (refusal, _) => refusal,
        };
        match error {
            Some(error) => {
                self.give_up_successor(out);
                self.fail(cause, last_in, was_live, error, out);
            }
            None => self.back_off(now, cause, last_in, was_live, retry_after, out),
        }
    }
}

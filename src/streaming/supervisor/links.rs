//! What links report: that they flow, what the peer said, and that they are gone.

use std::sync::Arc;
use std::time::Duration;

use super::common::{Common, gap};
use super::failure::is_passing;
use super::message::{Action, Ending, Now, TokenUsed};
use super::shard::{Shard, State};
use super::subscribe::Reconcile;
use super::succession::unheard;
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::events::{Lifecycle, RenewalReason};
use crate::streaming::ledger::{LinkKey, Resumed};
use crate::streaming::protocol::Notice;

pub(super) fn cover(cx: &mut Common, link: LinkKey, at: Moment, out: &mut Vec<Action>) {
    let Resumed { first, gaps } = cx.ledger.flows(link, at);
    out.extend(gaps.into_iter().map(gap));
    if !first.is_empty() {
        let topics = first.into();
        out.push(Action::Emit(Lifecycle::Subscribed { topics, since: at.wall }));
    }
}

impl Shard {
    pub(super) fn flowing(
        &mut self,
        cx: &mut Common,
        now: Now,
        link: LinkKey,
        at: Moment,
        token: Option<TokenUsed>,
        out: &mut Vec<Action>,
    ) {
        match self.state {
            State::Dialing { link: dialled } if dialled == link => {
                self.state = State::Live { link, since: at };
                let token = token.or_else(|| self.token_of_channel());
                self.lives(cx, now, token);
                out.push(Action::Emit(Lifecycle::Connected {
                    channel: self.channel_id(),
                    new_channel: std::mem::take(&mut self.new_channel),
                    attempts: std::mem::take(&mut self.attempts),
                }));
                let again = std::mem::replace(&mut self.ever_live, true);
                cx.reconnects += u64::from(again);
                if let Some(held) = &mut self.channel {
                    held.failed_dials = 0;
                    held.spare = false;
                }
                cover(cx, link, at, out);
                if cx.uses_channel() {
                    self.reconcile.announce = again;
                    let new = self.channel.as_ref().is_some_and(|held| !held.subscribed);
                    let behind = new && !cx.desired.is_idle(self.id);
                    if again || self.reconcile.dirty || behind {
                        self.reconcile_now(cx, out);
                    }
                    self.plan_check(cx, now);
                }
            }
            State::Live { link: live, .. } if live == link => {
                cover(cx, link, at, out);
                let successor = self.renewal.successor.as_ref();
                let settled = successor.is_none_or(|one| !one.reconcile.is_unsettled());
                if let Some(packing) = cx.desired.packing_mut().filter(|_| settled) {
                    packing.forget_left(&std::mem::take(&mut self.fading));
                }
            }
            State::Live { link: old, .. } if self.renewal.successor_link() == Some(link) => {
                self.successor_flows(cx, now, old, at, token, out);
            }
            _ => {}
        }
    }

    /// What counts as the token of a socket that needs none: the one that made its channel.
    pub(super) fn token_of_channel(&self) -> Option<TokenUsed> {
        let generation = self.channel.as_ref()?.generation?;
        Some(TokenUsed { generation, issued_at: None })
    }

    pub(super) fn noticed(
        &mut self,
        cx: &mut Common,
        now: Now,
        link: LinkKey,
        notice: Notice,
        out: &mut Vec<Action>,
    ) {
        let succeeds = self.renewal.successor_link() == Some(link);
        let ours = self.current_link() == Some(link);
        match notice {
            Notice::ChannelGone(detail) if succeeds => self.successor_channel_lost(detail, out),
            Notice::ChannelGone(detail) if ours => self.channel_lost(detail, out),
            Notice::Closing if succeeds => {
                // It lasts long enough to take over, and another takes over from it.
                if let Some(successor) = &mut self.renewal.successor {
                    successor.closing = true;
                }
            }
            Notice::Closing if ours && self.is_live() => {
                self.renewal.hurry(now);
                self.renew(cx, RenewalReason::Closing, now, out);
            }
            Notice::Closing if ours => self.closing = true,
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
        cx: &mut Common,
        now: Now,
        link: LinkKey,
        mut ending: Ending,
        out: &mut Vec<Action>,
    ) {
        if self.renewal.successor_link() == Some(link) {
            // It was withheld to its end.
            let cause = match &ending.cause {
                Gone::Requested => unheard(),
                cause => Arc::new(cause.clone()),
            };
            cx.ledger.unheard(link, &cause);
            if self.successor_gone(cx, now, &ending) {
                self.renewal.lost = None;
                let last_in = ending.last_in.map(|at| at.wall);
                match self.state {
                    State::Closing { .. } => self.state = State::Over,
                    _ => self.back_off(cx, now, ending.cause, last_in, Duration::ZERO, None, out),
                }
            }
            return;
        }
        if self.current_link() != Some(link) {
            return;
        }
        // The reason of a successor that did not last says nothing of this one's channel.
        let channel_gone = matches!(ending.cause, Gone::ChannelGone { .. });
        ending.cause = self.real_cause(ending.cause);
        let why = Arc::new(ending.cause.clone());
        let last = ending.last_in.unwrap_or(now.at);
        let sure = ending.sure.unwrap_or(now.at);
        let sure = self.channel.as_ref().map_or(sure, |held| held.sure_until(sure));
        cx.ledger.lost(link, sure, &why);
        // A channel that was gone before its socket had nothing more to say for a while.
        let dead = self.channel.as_ref().is_some_and(|held| held.dead);
        let whole = ending.drained && !dead;
        out.extend(self.doubt(cx, link, sure, whole).into_iter().map(gap));
        if !cx.uses_channel() {
            cx.ledger.drop_link(link);
        }
        if let State::Closing { .. } = self.state {
            self.closed(cx, out);
            return;
        }
        let broken = ending.error.as_ref().is_some_and(|error| !is_passing(error));
        if channel_gone && let Some(held) = &mut self.channel {
            held.dead = true;
        }
        if !broken && self.take_over(cx, now, out) {
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
            if let Gone::Refused { status } = &ending.cause
                && (400..500).contains(status)
                && *status != 429
            {
                held.suspect = true;
            }
        }
        if cx.uses_channel() {
            self.reconcile.due = None;
        } else {
            self.reconcile = Reconcile::default();
        }
        self.closing = false;
        let refusal = self.refusal(cx, &mut ending);
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
                self.give_up_successor(cx, out);
                self.fail(cx, cause, last_in, was_live, error, out);
            }
            None => self.back_off(cx, now, cause, last_in, was_live, retry_after, out),
        }
    }
}

//! Putting another connection in the place of one that lives: dial, flow, let the old one end, then speak.
//!
//! The old one delivers until the peer has answered its close; the successor is withheld until then, so that the order
//! of events holds. What both delivered is taken out by the [`overlap`](crate::streaming::overlap).

use std::time::{Duration, Instant};

use super::machine::{State, Supervisor};
use super::message::{Action, Ending, Now, TokenUsed};
use crate::core::backoff::full_jitter;
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::error::Error;
use crate::events::{Lifecycle, RenewalReason};
use crate::streaming::ledger::{Gap, LinkKey};
use crate::streaming::overlap::AFTER_SWITCH;

/// Waits between tries of a successor while the old connection lives: doubled from the first to the second.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// The part of a connection's longest life that is taken off at random.
const SPREAD: f64 = 0.1;

/// Whether a token is too old to open a connection with that must not outlive it by `life`: at the age at which the
/// renewal of the connection could be due at once.
pub(crate) fn is_old(issued_at: Option<Instant>, life: Option<Duration>, now: Instant) -> bool {
    let (Some(issued_at), Some(life)) = (issued_at, life) else { return false };
    now.saturating_duration_since(issued_at) >= life.mul_f64(1.0 - SPREAD)
}

/// Where the renewal of the live link is.
#[derive(Debug, Default)]
pub(super) struct Renewal {
    /// When the live link, or the token that it was opened with, comes to its longest life.
    old_at: Option<Instant>,
    /// The token that the live link was opened with.
    token: Option<u64>,
    /// The newest token that there is.
    newest: u64,
    wanted: Option<RenewalReason>,
    /// No successor is dialled before this.
    not_before: Option<Instant>,
    failures: u32,
    attempts: u32,
    successor: Option<Successor>,
    /// Whether the link that is dialled began as a successor.
    adopted: bool,
    /// Why a successor ended for which the old one had already been asked to close.
    lost: Option<Gone>,
}

/// The link that is to take over.
#[derive(Debug)]
enum Successor {
    Dialing {
        link: LinkKey,
    },
    /// It flows, and waits for the end of the old one.
    Flowing {
        link: LinkKey,
        since: Moment,
        token: Option<TokenUsed>,
    },
    /// It flows, but covers less than the old one: another must be had.
    Unfit {
        link: LinkKey,
    },
}

impl Successor {
    fn link(&self) -> LinkKey {
        match self {
            Self::Dialing { link } | Self::Flowing { link, .. } | Self::Unfit { link } => *link,
        }
    }
}

impl Renewal {
    /// When something is to be done; `None` while a successor is under way.
    pub(super) fn due(&self) -> Option<Instant> {
        match (&self.successor, self.wanted) {
            (Some(_), _) => None,
            (None, Some(_)) => self.not_before,
            (None, None) => self.old_at.max(self.old_at.and(self.not_before)),
        }
    }

    /// The link that is to be withheld, or is dialled.
    pub(super) fn successor(&self) -> Option<LinkKey> {
        self.successor.as_ref().map(Successor::link)
    }

    /// The successor that flows, and takes over as soon as the old one has ended.
    pub(super) fn flowing(&self) -> Option<LinkKey> {
        match &self.successor {
            Some(Successor::Flowing { link, .. }) => Some(*link),
            _ => None,
        }
    }
}

impl Supervisor {
    /// Whether a link that flows must not deliver yet.
    pub(crate) fn withholds(&self, link: LinkKey) -> bool {
        match &self.renewal.successor {
            Some(Successor::Flowing { link: new, .. } | Successor::Unfit { link: new }) => {
                *new == link
            }
            _ => false,
        }
    }

    /// A link is live from now on.
    pub(super) fn lives(&mut self, now: Now, token: Option<TokenUsed>) {
        let spread = 1.0 - SPREAD * now.unit_random;
        // A connection does not outlive the token that opened it.
        let born = token
            .and_then(|token| token.issued_at)
            .map_or(now.at.mono, |issued| issued.min(now.at.mono));
        let old_at = self.plan.renew_after.map(|life| born + life.mul_f64(spread));
        let token = token.map(|token| token.generation);
        self.refused = None;
        // The overlap knows two connections: a third has to wait until it is forgotten.
        let not_before = self.renewal.adopted.then(|| now.at.mono + AFTER_SWITCH);
        let newest = self.renewal.newest;
        self.renewal = Renewal { old_at, token, newest, not_before, ..Renewal::default() };
        self.check_token(now);
    }

    /// A newer token that came while the link was dialled.
    fn check_token(&mut self, now: Now) {
        if self.renewal.token.is_some_and(|token| token < self.renewal.newest) {
            self.renewal.wanted = Some(RenewalReason::Token);
            self.renewal.not_before = self.renewal.not_before.or(Some(now.at.mono));
        }
    }

    pub(super) fn token_rotated(&mut self, generation: u64, now: Now, out: &mut Vec<Action>) {
        self.renewal.newest = self.renewal.newest.max(generation);
        if self.renewal.token.is_some_and(|token| token < generation) {
            self.renew(RenewalReason::Token, now, out);
        }
    }

    /// Begins to put another connection in the place of the live one.
    pub(super) fn renew(&mut self, reason: RenewalReason, now: Now, out: &mut Vec<Action>) {
        if self.plan.uses_channel || !matches!(self.state, State::Live { .. }) {
            return;
        }
        self.renewal.wanted.get_or_insert(reason);
        self.renewal.not_before.get_or_insert(now.at.mono);
        self.renewal_due(now, out);
    }

    pub(super) fn renewal_due(&mut self, now: Now, out: &mut Vec<Action>) {
        let State::Live { link: old, .. } = self.state else { return };
        if self.renewal.due().is_none_or(|due| now.at.mono < due) {
            return;
        }
        self.renewal.wanted.get_or_insert(RenewalReason::Age);
        if now.clogged {
            // A second connection would only pile up more.
            self.renewal.not_before = Some(now.at.mono + AGAIN.0);
            return;
        }
        let link = self.fresh_key();
        self.renewal.attempts = self.renewal.attempts.saturating_add(1);
        self.renewal.successor = Some(Successor::Dialing { link });
        self.dial_link(link, Some(old), out);
    }

    /// The successor flows: the old one may end now.
    pub(super) fn successor_flows(
        &mut self,
        old: LinkKey,
        at: Moment,
        token: Option<TokenUsed>,
        out: &mut Vec<Action>,
    ) {
        let Some(Successor::Dialing { link }) = self.renewal.successor else { return };
        if !self.ledger.can_replace(old, link) {
            self.renewal.successor = Some(Successor::Unfit { link });
            out.push(Action::CloseLink(link, Gone::Requested));
            return;
        }
        self.renewal.successor = Some(Successor::Flowing { link, since: at, token });
        self.cover(link, at, out);
        out.push(Action::CloseLink(old, Gone::Requested));
    }

    /// What may be missing because the old link ended before it had shown that it had delivered all.
    pub(super) fn doubt(&self, now: Now, old: LinkKey, last_inbound: Moment) -> Option<Gap> {
        let Some(Successor::Flowing { since, .. }) = &self.renewal.successor else { return None };
        let detail =
            "the connection that was replaced ended before it had answered our close".into();
        self.ledger.doubt(old, last_inbound, *since, now.at, Gone::Cut { detail })
    }

    /// The old link is over: the successor, if it flows, takes its place.
    pub(super) fn take_over(&mut self, now: Now, out: &mut Vec<Action>) -> bool {
        let Some(Successor::Flowing { link, since, token }) = self
            .renewal
            .successor
            .take_if(|successor| matches!(successor, Successor::Flowing { .. }))
        else {
            return false;
        };
        let reason = self.renewal.wanted.unwrap_or(RenewalReason::Requested);
        let attempts = self.renewal.attempts;
        self.state = State::Live { link, since };
        self.renewal.adopted = true;
        self.lives(now, token);
        let overlap = now.at.mono.saturating_duration_since(since.mono);
        let channel = self.channel_id();
        out.push(Action::Emit(Lifecycle::Renewed { channel, reason, attempts, overlap }));
        out.push(Action::Speak(link));
        self.subscription_moved(now, out);
        true
    }

    /// The live link was lost while its successor was dialled, which goes on as the reconnect.
    pub(super) fn adopt_successor(&mut self) -> bool {
        let Some(Successor::Dialing { link }) = self
            .renewal
            .successor
            .take_if(|successor| matches!(successor, Successor::Dialing { .. }))
        else {
            return false;
        };
        self.attempts = self.renewal.attempts;
        self.forget_renewal();
        self.renewal.adopted = true;
        self.state = State::Dialing { link };
        true
    }

    /// The successor could not be had, or did not last: the old one stays, and another is tried later.
    pub(super) fn successor_gone(&mut self, now: Now, link: LinkKey, ending: &Ending) {
        self.ledger.drop_link(link);
        if self.renewal.flowing().is_some() {
            self.renewal.lost = Some(ending.cause.clone());
        }
        let (base, cap) = AGAIN;
        let exponent = self.renewal.failures;
        let wait = full_jitter(base, cap, base / 2, exponent, now.unit_random);
        let asked = ending.error.as_ref().and_then(Error::retry_after);
        let wait = wait.max(ending.retry_after.or(asked).unwrap_or_default());
        self.renewal.failures = exponent.saturating_add(1);
        self.renewal.not_before = Some(now.at.mono + wait);
        self.renewal.successor = None;
    }

    /// Why the live link really ended, when we closed it for a successor that did not last.
    pub(super) fn real_cause(&mut self, cause: Gone) -> Gone {
        match self.renewal.lost.take() {
            Some(lost) if cause == Gone::Requested => lost,
            _ => cause,
        }
    }

    /// Ends a successor that is not needed any more. One that flows already waits for the end of the old link.
    pub(super) fn give_up_successor(&mut self, out: &mut Vec<Action>) {
        let flows = |successor: &mut Successor| !matches!(successor, Successor::Flowing { .. });
        if let Some(successor) = self.renewal.successor.take_if(flows) {
            self.ledger.drop_link(successor.link());
            out.push(Action::CloseLink(successor.link(), Gone::Requested));
        }
    }

    /// The live link is no more, and with it what was planned for it.
    pub(super) fn forget_renewal(&mut self) {
        self.renewal = Renewal { newest: self.renewal.newest, ..Renewal::default() };
    }
}

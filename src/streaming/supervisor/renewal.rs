//! Putting another connection in the place of one that lives: dial, flow, let the old one end, then speak.
//!
//! The old one delivers until the peer has answered its close; the successor is withheld until then, so that the order
//! of events holds. A successor that needs a channel has one made and subscribed before it is dialled. What both delivered is taken out by the [`overlap`](crate::streaming::overlap).

use std::time::{Duration, Instant};

use super::common::{Common, REPLACED_AT_ONCE};
use super::links::cover;
use super::message::{Action, Ending, Now, TokenUsed};
use super::shard::{Shard, State};
use super::succession::{Phase, Successor};
use crate::core::backoff::full_jitter;
use crate::core::clock::{FAR, Moment, later};
use crate::core::close::Gone;
use crate::error::Error;
use crate::events::{Lifecycle, RenewalReason};
use crate::streaming::ledger::{Gap, LinkKey};

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

/// How long a renewal waits for others of the stream.
const TURN: Duration = Duration::from_millis(250);
/// How long the old connection is kept on when its successor's subscription is not settled.
const UNSETTLED: Duration = Duration::from_millis(200);

/// Where the renewal of the live link is.
#[derive(Debug, Default)]
pub(super) struct Renewal {
    /// When the live link, or the token that it was opened with, comes to its longest life.
    old_at: Option<Instant>,
    /// The token that the live link was opened with.
    token: Option<u64>,
    pub(super) wanted: Option<RenewalReason>,
    /// No successor is begun before this.
    not_before: Option<Instant>,
    /// Before this the platform has asked us not to.
    floor: Option<Instant>,
    failures: u32,
    attempts: u32,
    pub(super) successor: Option<Successor>,
    /// Why a successor ended for which the old one had already been asked to close.
    pub(super) lost: Option<Gone>,
}

impl Renewal {
    /// When something is to be done; `None` while a successor is under way.
    pub(super) fn due(&self) -> Option<Instant> {
        match (&self.successor, self.wanted) {
            (Some(successor), _) => {
                let closes = match successor.phase {
                    Phase::Flowing { closes, .. } => closes,
                    _ => None,
                };
                closes.into_iter().chain(successor.reconcile.again_at()).min()
            }
            (None, Some(_)) => self.not_before,
            (None, None) => self.old_at.max(self.old_at.and(self.not_before)),
        }
    }

    /// There is a reason to renew. The first one stands, unless it was a merge, which may come to nothing.
    fn want(&mut self, reason: RenewalReason) {
        if matches!(self.wanted, None | Some(RenewalReason::Rebalance)) {
            self.wanted = Some(reason);
        }
    }

    /// The merge for which the live link was to be renewed came to nothing.
    pub(super) fn forget_merge(&mut self) {
        self.wanted.take_if(|wanted| *wanted == RenewalReason::Rebalance);
    }

    /// The live link ends soon: no more waits between tries than the platform has asked for.
    pub(super) fn hurry(&mut self, now: Now) {
        self.failures = 0;
        if self.not_before.is_some() {
            self.not_before = Some(self.floor.map_or(now.at.mono, |floor| floor.max(now.at.mono)));
        }
    }

    /// The link that is to be withheld, or is dialled.
    pub(super) fn successor_link(&self) -> Option<LinkKey> {
        self.successor.as_ref().and_then(Successor::link)
    }

    /// The successor that flows, and takes over as soon as the old one has ended.
    pub(super) fn flowing(&self) -> Option<LinkKey> {
        match &self.successor {
            Some(Successor { phase: Phase::Flowing { link, .. }, .. }) => Some(*link),
            _ => None,
        }
    }
}

impl Shard {
    /// Whether a link that flows must not deliver yet.
    pub(super) fn withholds(&self, link: LinkKey) -> bool {
        self.renewal.successor_link() == Some(link)
    }

    /// A link is live from now on.
    pub(super) fn lives(&mut self, cx: &Common, now: Now, token: Option<TokenUsed>) {
        let spread = 1.0 - SPREAD * now.unit_random;
        // A connection does not outlive the token that opened it.
        let born = token
            .and_then(|token| token.issued_at)
            .map_or(now.at.mono, |issued| issued.min(now.at.mono));
        let old_at = cx.plan.renew_after.map(|life| later(born, life.min(FAR).mul_f64(spread)));
        let token = token.map(|token| token.generation);
        self.refused = None;
        self.renewal = Renewal { old_at, token, ..Renewal::default() };
        // A newer token may have come while the link was dialled.
        if token.is_some_and(|token| token < cx.newest) {
            self.renewal.wanted = Some(RenewalReason::Token);
            self.renewal.not_before = Some(now.at.mono);
        }
        if std::mem::take(&mut self.closing) {
            self.renewal.want(RenewalReason::Closing);
            self.renewal.not_before = Some(now.at.mono);
        }
        if self.merge.is_some() {
            self.renewal.want(RenewalReason::Rebalance);
            self.renewal.not_before = Some(now.at.mono);
        }
    }

    pub(super) fn token_rotated(&mut self, cx: &mut Common, now: Now, out: &mut Vec<Action>) {
        if self.renewal.token.is_none() && cx.uses_channel() {
            // A channel of an earlier run: it is subscribed with this one.
            self.renewal.token = Some(cx.newest);
        }
        if self.renewal.token.is_some_and(|token| token < cx.newest) {
            self.renew(cx, RenewalReason::Token, now, out);
        }
    }

    /// Begins to put another connection in the place of the live one.
    pub(super) fn renew(
        &mut self,
        cx: &mut Common,
        reason: RenewalReason,
        now: Now,
        out: &mut Vec<Action>,
    ) {
        if !self.is_live() || self.merged_into.is_some() {
            return;
        }
        self.renewal.want(reason);
        self.renewal.not_before.get_or_insert(now.at.mono);
        self.renewal_due(cx, now, out);
    }

    pub(super) fn renewal_due(&mut self, cx: &mut Common, now: Now, out: &mut Vec<Action>) {
        let State::Live { link: old, .. } = self.state else { return };
        if self.renewal.due().is_none_or(|due| now.at.mono < due) {
            return;
        }
        if let Some(successor) = &self.renewal.successor {
            if successor.reconcile.again_at().is_some_and(|at| now.at.mono >= at) {
                self.replace_for_successor(cx, out);
            }
            return self.close_old(now, old, out);
        }
        self.renewal.wanted.get_or_insert(RenewalReason::Age);
        if now.clogged {
            // A second connection would only pile up more.
            self.renewal.not_before = Some(now.at.mono + AGAIN.0);
            return;
        }
        if cx.uses_channel() && cx.replacing >= REPLACED_AT_ONCE {
            self.renewal.not_before = Some(now.at.mono + TURN);
            return;
        }
        cx.replacing += 1;
        self.renewal.attempts = self.renewal.attempts.saturating_add(1);
        if cx.uses_channel() {
            self.renewal.successor = Some(Successor::new(Phase::Wanting));
            cx.wants.push(self.id);
        } else {
            let link = cx.fresh_key();
            self.renewal.successor = Some(Successor::new(Phase::Dialing { link }));
            self.dial_link(cx, link, vec![old], out);
        }
    }

    /// Both have flowed long enough.
    fn close_old(&mut self, now: Now, old: LinkKey, out: &mut Vec<Action>) {
        let Some(successor) = &mut self.renewal.successor else { return };
        // A socket without a channel has its topics in its first messages.
        let unsettled = successor.held.is_some()
            && (successor.reconcile.is_unsettled() || self.reconcile.is_unsettled());
        let Phase::Flowing { closes, .. } = &mut successor.phase else { return };
        if closes.is_none_or(|at| now.at.mono < at) {
            return;
        }
        if unsettled {
            *closes = Some(now.at.mono + UNSETTLED);
            return;
        }
        *closes = None;
        out.push(Action::CloseLink(old, Gone::Requested));
        out.extend(self.merge.as_ref().map(|merge| Action::CloseLink(merge.key, Gone::Requested)));
    }

    /// The successor flows: the old one may end soon.
    pub(super) fn successor_flows(
        &mut self,
        cx: &mut Common,
        now: Now,
        old: LinkKey,
        at: Moment,
        token: Option<TokenUsed>,
        out: &mut Vec<Action>,
    ) {
        let merged = self.merge.as_ref().map(|merge| merge.key);
        let Some(successor) = &mut self.renewal.successor else { return };
        match successor.phase {
            Phase::Flowing { link, .. } => return cover(cx, link, at, out),
            Phase::Dialing { .. } => {}
            _ => return,
        }
        let Phase::Dialing { link } = successor.phase else { return };
        if [Some(old), merged].into_iter().flatten().any(|old| !cx.ledger.can_replace(old, link)) {
            // Topics may have come to the old one since; the next sign of life is after theirs.
            if !(cx.plan.uses_channel() && successor.reconcile.is_unsettled()) {
                successor.phase = Phase::Unfit { link };
                out.push(Action::CloseLink(link, Gone::Requested));
            }
            return;
        }
        let closes = Some(later(now.at.mono, cx.plan.overlap));
        successor.phase = Phase::Flowing { link, since: at, token, closes, old_gone: false };
        cover(cx, link, at, out);
        if cx.plan.overlap.is_zero() {
            self.close_old(now, old, out);
        }
    }

    /// What may be missing because the old link, which is sure until `last`, ended before it had shown that it had delivered
    /// all. One that the peer closed (`whole`) brought what was sent before; its successor has to have begun by then.
    pub(super) fn doubt(&self, cx: &Common, old: LinkKey, last: Moment, whole: bool) -> Vec<Gap> {
        let Some(new) = self.renewal.flowing() else { return Vec::new() };
        let detail =
            "the connection that was replaced ended before it had answered our close".into();
        cx.ledger.doubt(old, new, last, whole, &Gone::Cut { detail })
    }

    /// The old link is over: the successor, if it flows, takes its place.
    pub(super) fn take_over(&mut self, cx: &mut Common, now: Now, out: &mut Vec<Action>) -> bool {
        if self.renewal.flowing().is_none() || self.waits_for_merge(out) {
            return self.renewal.flowing().is_some();
        }
        self.merge = None;
        let Some(successor) = self.renewal.successor.take() else { return false };
        let Successor { phase, held, reconcile, closing, .. } = successor;
        let Phase::Flowing { link, since, token, .. } = phase else { return false };
        self.closing = closing;
        let reason = self.renewal.wanted.unwrap_or(RenewalReason::Requested);
        let attempts = self.renewal.attempts;
        self.state = State::Live { link, since };
        if cx.uses_channel() {
            self.drop_channel(cx);
            self.channel = held;
            self.reconcile = reconcile;
            self.plan_check(cx, now);
        }
        let token = token.or_else(|| self.token_of_channel());
        self.lives(cx, now, token);
        let overlap = now.at.mono.saturating_duration_since(since.mono);
        let channel = self.channel_id();
        out.push(Action::Emit(Lifecycle::Renewed { channel, reason, attempts, overlap }));
        out.push(Action::Speak(link));
        if !cx.uses_channel() {
            self.subscription_moved(cx, now, out);
        } else if self.reconcile.dirty {
            // It waited for the old one to have it first.
            self.reconcile_now(cx, out);
        }
        true
    }

    /// The live link was lost while its successor was dialled, which goes on as the reconnect.
    pub(super) fn adopt_successor(&mut self, cx: &mut Common, out: &mut Vec<Action>) -> bool {
        let fits = |successor: &mut Successor| matches!(successor.phase, Phase::Dialing { .. });
        if self.merge.is_some() {
            return false;
        }
        let Some(successor) = self.renewal.successor.take_if(fits) else { return false };
        let Some(link) = successor.link() else { return false };
        self.closing = successor.closing;
        self.attempts = self.renewal.attempts;
        self.forget_renewal();
        if cx.uses_channel() {
            self.drop_channel(cx);
            self.channel = successor.held;
            self.reconcile = successor.reconcile;
            self.new_channel = true;
            // It may flow already, and was withheld.
            out.push(Action::Probe(link));
        }
        self.state = State::Dialing { link };
        true
    }

    /// The successor could not be had, or did not last: the old one stays, and another is tried later.
    /// Says whether the old one is gone too, because both waited for the end of a third.
    pub(super) fn successor_gone(&mut self, cx: &mut Common, now: Now, ending: &Ending) -> bool {
        let Some(successor) = self.renewal.successor.take() else { return false };
        let alone = matches!(successor.phase, Phase::Flowing { old_gone: true, .. });
        if let Some(link) = successor.link() {
            cx.ledger.drop_link(link);
        }
        if let Phase::Flowing { closes: None, .. } = successor.phase {
            self.renewal.lost = Some(ending.cause.clone());
        }
        if let Some(mut held) = successor.held {
            // One that is throttled says nothing of the channel.
            let throttled = matches!(ending.cause, Gone::Refused { status: 429 });
            if matches!(successor.phase, Phase::Dialing { .. }) && !throttled {
                held.failed_dials += 1;
            }
            held.dead |= match &ending.cause {
                Gone::ChannelGone { .. } => true,
                Gone::Refused { status } => (400..500).contains(status) && *status != 429,
                _ => false,
            };
            cx.give_back(held);
        }
        let asked = ending.error.as_ref().and_then(Error::retry_after);
        self.try_again(now, ending.retry_after.or(asked));
        alone
    }

    pub(super) fn try_again(&mut self, now: Now, retry_after: Option<Duration>) {
        let (base, cap) = AGAIN;
        let exponent = self.renewal.failures;
        let wait = full_jitter(base, cap, base / 2, exponent, now.unit_random);
        let wait = wait.max(retry_after.unwrap_or_default());
        self.renewal.floor = retry_after.map(|asked| later(now.at.mono, asked));
        self.renewal.failures = exponent.saturating_add(1);
        self.renewal.not_before = Some(later(now.at.mono, wait));
    }

    /// Why the live link really ended, when we closed it for a successor that did not last.
    pub(super) fn real_cause(&mut self, cause: Gone) -> Gone {
        match self.renewal.lost.take() {
            Some(lost) if cause == Gone::Requested => lost,
            _ => cause,
        }
    }

    /// Ends a successor that is not needed any more. One that flows already waits for the end of the old link.
    pub(super) fn give_up_successor(&mut self, cx: &mut Common, out: &mut Vec<Action>) {
        let gives = |successor: &mut Successor| !matches!(successor.phase, Phase::Flowing { .. });
        if let Some(successor) = self.renewal.successor.take_if(gives) {
            match (successor.link(), successor.held) {
                (None, Some(held)) => cx.give_back(held),
                (None, None) => {}
                (Some(link), held) => {
                    cx.ledger.drop_link(link);
                    out.push(Action::CloseLink(link, Gone::Requested));
                    cx.leaving.extend(held.map(|held| (link, held)));
                }
            }
        }
    }

    /// The live link is no more, and with it what was planned for it.
    pub(super) fn forget_renewal(&mut self) {
        self.renewal = Renewal::default();
    }

    /// The link of a stream that closes is gone; a successor that flows has what it did not deliver any more.
    pub(super) fn closed(&mut self, cx: &mut Common, out: &mut Vec<Action>) {
        let Some(link) = self.renewal.flowing() else {
            self.state = State::Over;
            return;
        };
        if self.waits_for_merge(out) {
            return;
        }
        self.merge = None;
        let held = self.renewal.successor.take().and_then(|successor| successor.held);
        self.forget_renewal();
        if held.is_some() {
            self.drop_channel(cx);
            self.channel = held;
        }
        self.state = State::Closing { link };
        out.extend([Action::Speak(link), Action::CloseLink(link, Gone::Requested)]);
    }
}

//! The connection that is to take the place of another, and its way there when it needs a channel.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::common::Common;
use super::held::Held;
use super::message::{Action, Now, TokenUsed};
use super::shard::{Shard, State};
use super::subscribe::Reconcile;
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::core::ports::TopicState;
use crate::error::Result;
use crate::events::{RenewalReason, Topic};
use crate::streaming::ledger::LinkKey;

/// Why topics are missing that only a successor had which never took over.
pub(super) fn unheard() -> Arc<Gone> {
    let detail = "the connection that was to take over ended before it did".into();
    Arc::new(Gone::Cut { detail })
}

/// The link that is to take over.
#[derive(Debug)]
pub(super) struct Successor {
    pub(super) phase: Phase,
    /// Its channel, once it has one.
    pub(super) held: Option<Held>,
    /// The calls that keep the channel's list equal to ours.
    pub(super) reconcile: Reconcile,
    /// Topics that were removed from its shard since it began: it may hold events of theirs.
    pub(super) removed: BTreeSet<Topic>,
    /// Whether it can take over no more, because one of them came back.
    pub(super) spoilt: bool,
    /// Whether the peer has announced that it closes this one too.
    pub(super) closing: bool,
}

/// How far it is.
#[derive(Debug)]
pub(super) enum Phase {
    /// A channel is being had.
    Wanting,
    /// The channel is subscribed before it is dialled.
    Subscribing,
    Dialing {
        link: LinkKey,
    },
    /// It flows, and waits for the end of the old one.
    Flowing {
        link: LinkKey,
        since: Moment,
        token: Option<TokenUsed>,
        /// When the old one is asked to close; `None` once it was.
        closes: Option<Instant>,
        /// Whether the old one has ended, and only the end of another is waited for.
        old_gone: bool,
    },
    /// It flows, but covers less than the old one, or does not last: another must be had.
    Unfit {
        link: LinkKey,
    },
}

impl Successor {
    pub(super) fn new(phase: Phase) -> Self {
        let (reconcile, removed) = (Reconcile::default(), BTreeSet::new());
        Self { phase, held: None, reconcile, removed, spoilt: false, closing: false }
    }

    pub(super) fn link(&self) -> Option<LinkKey> {
        match self.phase {
            Phase::Wanting | Phase::Subscribing => None,
            Phase::Dialing { link } | Phase::Flowing { link, .. } | Phase::Unfit { link } => {
                Some(link)
            }
        }
    }
}

impl Shard {
    /// The channel for the successor, when one is still wanted.
    pub(super) fn successor_has_channel(
        &mut self,
        cx: &mut Common,
        held: Held,
        out: &mut Vec<Action>,
    ) {
        let Some(successor) = &mut self.renewal.successor else { return cx.give_back(held) };
        if !matches!(successor.phase, Phase::Wanting) {
            return cx.give_back(held);
        }
        successor.held = Some(held);
        successor.phase = Phase::Subscribing;
        if cx.desired.is_idle(self.id) {
            self.dial_successor(out);
        } else {
            self.replace_for_successor(cx, out);
        }
    }

    /// Whether the live link was asked to close, or has ended, and its successor is all that counts.
    pub(super) fn is_leaving(&self) -> bool {
        let successor = self.renewal.successor.as_ref();
        successor.is_some_and(|one| matches!(one.phase, Phase::Flowing { closes: None, .. }))
    }

    /// Topics come to the live link first, and then to its successor: what comes over both comes over the live one from
    /// its beginning, so that the order holds when the successor speaks.
    pub(super) fn replace_for_successor(&mut self, cx: &Common, out: &mut Vec<Action>) {
        let waits = self.reconcile.is_unsettled() && !self.is_leaving();
        let Some(successor) = &mut self.renewal.successor else { return };
        let Some(held) = &successor.held else { return };
        if successor.reconcile.in_flight || waits {
            successor.reconcile.dirty = true;
            successor.reconcile.due = None;
            return;
        }
        successor.reconcile.begin(cx.now);
        // All topics of the shard: also those that another one still delivers.
        out.push(Action::Replace(held.info.id.clone(), cx.desired.wire(self.id, None)));
    }

    /// The live link has all its topics: its successor gets them too.
    pub(super) fn successor_may_follow(&mut self, cx: &Common, out: &mut Vec<Action>) {
        let due = |one: &Successor| one.reconcile.dirty && !one.reconcile.in_flight;
        if self.renewal.successor.as_ref().is_some_and(due) {
            self.replace_for_successor(cx, out);
        }
    }

    /// Topics are wanted again. Where the successor had them all the time, and the live link may have missed some, the
    /// order could not be kept: another successor is needed.
    pub(super) fn came_back(&mut self, topics: &[Topic]) {
        if self.is_leaving() {
            return;
        }
        if let Some(successor) = &mut self.renewal.successor
            && topics.iter().any(|topic| successor.removed.contains(topic))
        {
            successor.spoilt = true;
        }
    }

    fn dial_successor(&mut self, out: &mut Vec<Action>) {
        let State::Live { link: old, .. } = self.state else { return };
        let merged = self.merge.as_ref().map(|merge| merge.key);
        let Some(successor) = &mut self.renewal.successor else { return };
        let Some(held) = &successor.held else { return };
        let link = held.key;
        let channel = Some(held.info.clone());
        successor.phase = Phase::Dialing { link };
        let replaces = [Some(old), merged].into_iter().flatten().collect();
        out.push(Action::Dial { link, channel, wanted: Vec::new(), replaces });
    }

    /// Ends a successor that can take over no more.
    pub(super) fn drop_spoilt(&mut self, cx: &mut Common, out: &mut Vec<Action>) {
        let leaving = self.is_leaving();
        let Some(successor) = self.renewal.successor.as_mut().filter(|one| one.spoilt) else {
            return;
        };
        successor.spoilt = false;
        if let Some(link) = successor.link().filter(|_| !leaving) {
            successor.phase = Phase::Unfit { link };
            // What it covers nobody will see.
            cx.ledger.unheard(link, &unheard());
            out.push(Action::CloseLink(link, Gone::Requested));
        }
    }

    /// The shard's topics changed while a successor is under way.
    pub(super) fn successor_changed(&mut self, cx: &Common, out: &mut Vec<Action>) {
        let Some(successor) = &self.renewal.successor else { return };
        if !matches!(successor.phase, Phase::Wanting | Phase::Unfit { .. }) {
            self.replace_for_successor(cx, out);
        }
    }

    pub(super) fn successor_subscribed(
        &mut self,
        cx: &mut Common,
        now: Now,
        sent: &[Box<str>],
        answer: Result<Vec<TopicState>>,
        out: &mut Vec<Action>,
    ) {
        let old = self.current_link();
        let merged = self.merge.as_ref().map(|merge| merge.key);
        let Some(successor) = &mut self.renewal.successor else { return };
        let Some(held) = &mut successor.held else { return };
        successor.reconcile.in_flight = false;
        match answer {
            Ok(states) => {
                held.subscribed = true;
                let begun = successor.reconcile.sure(now);
                held.sure = Some(begun);
                let key = held.key;
                successor.reconcile.settled(now, cx.channel_life());
                let outcome =
                    super::subscribe::note(cx, self.id, key, (begun, now), sent, &states, out);
                // What the platform refuses now, the old one will not have for long either.
                let cause = Common::refused_topic();
                for topic in &outcome.rejected {
                    for old in [old, merged].into_iter().flatten() {
                        cx.ledger.refuse(old, topic, begun, &cause);
                    }
                }
                let dirty =
                    successor.reconcile.dirty || super::subscribe::part(cx, self.id, &outcome, out);
                let link = successor.link();
                if dirty {
                    self.replace_for_successor(cx, out);
                } else if let Some(link) = link {
                    out.push(Action::Probe(link));
                } else {
                    self.dial_successor(out);
                }
            }
            Err(error) => {
                held.gone |= super::subscribe::is_lost(&error, held.spare);
                held.dead |= held.gone;
                let (gone, was_spare) = (held.dead, held.spare);
                match successor.phase {
                    Phase::Subscribing if gone && was_spare => {
                        // It has ended since: another is had at once.
                        successor.held = None;
                        successor.phase = Phase::Wanting;
                        cx.wants.push(self.id);
                    }
                    Phase::Subscribing => self.successor_failed(cx, now, error.retry_after(), out),
                    _ if gone => {
                        self.successor_channel_lost("the platform no longer knows it".into(), out);
                    }
                    _ => successor.reconcile.postpone(now, error.retry_after()),
                }
            }
        }
    }

    /// There is no successor this time.
    pub(super) fn successor_failed(
        &mut self,
        cx: &mut Common,
        now: Now,
        retry_after: Option<Duration>,
        out: &mut Vec<Action>,
    ) {
        if self.renewal.successor.is_none() {
            return;
        }
        self.give_up_successor(cx, out);
        self.try_again(now, retry_after);
        if self.renewal.wanted == Some(RenewalReason::Token) {
            // To be subscribed with the newer token is the second best.
            self.reconcile_now(cx, out);
        }
    }

    pub(super) fn successor_channel_lost(&mut self, detail: Box<str>, out: &mut Vec<Action>) {
        let Some(successor) = &mut self.renewal.successor else { return };
        if let Some(held) = &mut successor.held {
            held.dead = true;
        }
        if let Some(link) = successor.link() {
            out.push(Action::CloseLink(link, Gone::ChannelGone { detail }));
        }
    }

    /// A successor that was not allowed to deliver is coming to its end. Unless the old one is closing already, it goes.
    pub(super) fn fading(&mut self, cx: &mut Common, link: LinkKey, out: &mut Vec<Action>) {
        if matches!(self.state, State::Dialing { link: dialled } if dialled == link) {
            // It was withheld before it became the reconnect, and has not shown since that it flows.
            out.push(Action::Mute(link));
            return;
        }
        let Some(successor) = &mut self.renewal.successor else { return };
        if successor.link() != Some(link) {
            return;
        }
        if let Phase::Flowing { closes: None, .. } | Phase::Flowing { old_gone: true, .. } =
            successor.phase
        {
            return;
        }
        successor.phase = Phase::Unfit { link };
        cx.ledger.unheard(link, &unheard());
        out.push(Action::Mute(link));
    }
}

//! Keeping the platform's list of topics equal to the desired one: one writer, one call at a time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::common::Common;
use super::message::{Action, Now};
use super::shard::{Shard, State};
use crate::core::backoff::full_jitter;
use crate::core::clock::{FAR, Moment, later};
use crate::core::ids::ChannelId;
use crate::core::ports::TopicState;
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Lifecycle, Topic};
use crate::streaming::desired::Outcome;
use crate::streaming::ledger::LinkKey;
use crate::streaming::packing::ShardId;

/// Waits between tries of a subscription call while events flow: doubled from the first to the second.
pub(super) const RECONCILE_WAIT: (Duration, Duration) =
    (Duration::from_secs(1), Duration::from_secs(60));
/// Part of a channel's life after which its subscription is sent again, which renews the life. Later than the age at
/// which a connection is replaced: needed only when another channel could not be had.
const RENEW_SHARE: f64 = 0.95;

/// The subscription call that keeps the platform's list equal to ours.
#[derive(Debug, Default)]
pub(super) struct Reconcile {
    pub(super) in_flight: bool,
    pub(super) dirty: bool,
    pub(super) failures: u32,
    pub(super) due: Option<Instant>,
    /// Whether the next answer is the first after a reconnect, which the consumer is told of.
    pub(super) announce: bool,
    /// When the last call was made: it took effect after that.
    begun: Option<Moment>,
    /// Grows with each call.
    pub(super) version: u64,
    /// Whether the last call left the channel without topics.
    pub(super) empty: bool,
}

impl Reconcile {
    /// A call is made with what is wanted now.
    pub(super) fn begin(&mut self, now: Option<Moment>) {
        self.in_flight = true;
        self.begun = now;
        self.dirty = false;
        self.due = None;
        self.version += 1;
    }

    /// The platform's list is ours; it is sent again before the channel's life is over.
    pub(super) fn settled(&mut self, now: Now, life: Duration) {
        self.failures = 0;
        let spread = 1.0 - 0.1 * now.unit_random;
        self.due = Some(later(now.at.mono, life.min(FAR).mul_f64(RENEW_SHARE * spread)));
    }

    /// Since when the platform's list is surely what the answer at this time says, for what becomes of it later.
    pub(super) fn sure(&self, now: Now) -> Moment {
        self.begun.unwrap_or(now.at)
    }

    /// It failed while events flow: only the list is behind.
    pub(super) fn postpone(&mut self, now: Now, retry_after: Option<Duration>) {
        let (base, cap) = RECONCILE_WAIT;
        let wait = full_jitter(base, cap, base / 2, self.failures, now.unit_random);
        self.failures = self.failures.saturating_add(1);
        self.due = Some(later(now.at.mono, wait.max(retry_after.unwrap_or_default())));
    }

    /// When a call that failed is made again.
    pub(super) fn again_at(&self) -> Option<Instant> {
        self.due.filter(|_| self.failures > 0 && !self.in_flight)
    }

    /// Whether the platform's list is not, or not surely, ours.
    pub(super) fn is_unsettled(&self) -> bool {
        self.in_flight || self.dirty || self.failures > 0
    }
}

/// Whether a subscription failed because there is no such channel: for one of before also because it is somebody else's.
pub(super) fn is_lost(error: &Error, was_spare: bool) -> bool {
    let kind = error.kind();
    kind == ErrorKind::NotFound || (was_spare && kind == ErrorKind::Forbidden)
}

/// Takes note of what the platform says of topics on a link, in answer to a call that was made at `begun`: what it does not
/// deliver any more it delivered until then, for all that is known.
pub(super) fn note(
    cx: &mut Common,
    shard: ShardId,
    key: LinkKey,
    (begun, now): (Moment, Now),
    sent: &[Box<str>],
    states: &[TopicState],
    out: &mut Vec<Action>,
) -> Outcome {
    let mut outcome = cx.desired.read_answer(sent, states);
    // What has gone to another channel since it was sent is no longer this one's, whatever the answer says.
    let ours = |topic: &Topic| {
        let place = cx.desired.packing().and_then(|packing| packing.shard_of(topic));
        place == Some(shard)
    };
    outcome.permitted.retain(ours);
    outcome.apart.retain(ours);
    let refused = Common::refused_topic();
    let there: BTreeSet<Topic> =
        sent.iter().flat_map(|name| Topic::<()>::unchecked(&**name).members()).collect();
    for topic in cx.ledger.confirmed(key) {
        if !there.contains(&topic) {
            cx.ledger.refuse(key, &topic, begun, &refused);
        }
    }
    for topic in &outcome.rejected {
        cx.ledger.refuse(key, topic, begun, &refused);
    }
    for topic in &outcome.permitted {
        cx.ledger.confirm_at(key, topic, now.at);
    }
    for (topic, rejection) in std::mem::take(&mut outcome.newly_rejected) {
        out.push(Action::Emit(Lifecycle::Rejected {
            topic,
            reason: rejection.reason,
            missing_permissions: rejection.missing_permissions,
        }));
    }
    outcome
}

/// Sends topics alone that were refused in company, and says whether this channel's list changed by it.
pub(super) fn part(
    cx: &mut Common,
    shard: ShardId,
    outcome: &Outcome,
    out: &mut Vec<Action>,
) -> bool {
    if outcome.apart.is_empty() {
        return false;
    }
    let (mut shards, homeless) =
        cx.desired.packing_mut().map(|packing| packing.part(&outcome.apart)).unwrap_or_default();
    for topic in homeless {
        out.push(Action::Emit(Lifecycle::Rejected {
            topic,
            reason: "refused in combination with others, and there is no room to send it alone"
                .into(),
            missing_permissions: Vec::new(),
        }));
    }
    let ours = shards.remove(&shard);
    cx.touched.extend(shards);
    ours
}

impl Shard {
    pub(super) fn replace(&mut self, cx: &Common, channel: ChannelId, out: &mut Vec<Action>) {
        self.reconcile.begin(cx.now);
        let without = self.merge.as_ref().map(|merge| &merge.lent);
        out.push(Action::Replace(channel, cx.desired.wire(self.id, without)));
    }

    /// Sends the desired set while live, one call at a time.
    pub(super) fn reconcile_now(&mut self, cx: &Common, out: &mut Vec<Action>) {
        if self.merged_into.is_some() {
            return;
        }
        if self.reconcile.in_flight {
            self.reconcile.dirty = true;
            return;
        }
        match (&self.state, &self.channel) {
            (State::Live { .. }, Some(held)) if !held.dead => {
                let id = held.info.id.clone();
                self.replace(cx, id, out);
            }
            // The channel after this one is subscribed to all from its beginning.
            (State::Live { .. }, Some(_)) => {}
            _ => self.reconcile.dirty = true,
        }
    }

    pub(super) fn subscribed(
        &mut self,
        cx: &mut Common,
        now: Now,
        sent: &[Box<str>],
        answer: Result<Vec<TopicState>>,
        out: &mut Vec<Action>,
    ) {
        self.reconcile.in_flight = false;
        let Some(held) = &mut self.channel else {
            return;
        };
        match answer {
            Ok(states) => {
                held.subscribed = true;
                let begun = self.reconcile.sure(now);
                held.sure = Some(begun);
                let key = held.key;
                self.reconcile.settled(now, cx.channel_life());
                self.reconcile.empty = sent.is_empty();
                let outcome = note(cx, self.id, key, (begun, now), sent, &states, out);
                if let Some(packing) = cx.desired.packing() {
                    // Those that came back meanwhile are not among them any more; those that were sent are not gone yet.
                    let sent: BTreeSet<&str> = sent.iter().map(|name| &**name).collect();
                    let gone = |topic: &Topic| {
                        let name =
                            |name: &&str| Topic::<()>::unchecked(*name).members().contains(topic);
                        !sent.contains(topic.name()) && !sent.iter().any(name)
                    };
                    self.fading = packing.left(self.id);
                    self.fading.retain(gone);
                    if let Some(merge) = &self.merge {
                        self.fading.retain(|topic| !merge.lent.contains(topic));
                    }
                }
                if sent.is_empty() {
                    cx.emptied.push(self.id);
                }
                self.reconcile.dirty |= part(cx, self.id, &outcome, out);
                match self.state {
                    State::Subscribing if self.reconcile.dirty && !outcome.apart.is_empty() => {
                        let id = self.channel_id();
                        if let Some(id) = id {
                            self.replace(cx, id, out);
                        }
                    }
                    State::Subscribing => self.dial(cx, out),
                    State::Live { link, .. } => {
                        if std::mem::take(&mut self.reconcile.announce) {
                            out.push(Action::Emit(Lifecycle::Resubscribed {
                                channel: self.channel_id(),
                                topics: outcome.permitted.len(),
                            }));
                        }
                        if cx.ledger.awaits_flow(key) || !self.fading.is_empty() {
                            out.push(Action::Probe(link));
                        }
                        if self.reconcile.dirty {
                            self.reconcile_now(cx, out);
                        } else {
                            self.successor_may_follow(cx, out);
                        }
                    }
                    _ => {}
                }
            }
            Err(error) => {
                let was_spare = held.spare;
                let unknown = is_lost(&error, was_spare);
                if unknown {
                    held.missing(self.reconcile.sure(now));
                    self.channel_lost("the platform no longer knows it".into(), out);
                }
                if matches!(self.state, State::Subscribing) {
                    if unknown && was_spare {
                        // It has ended since it was put aside: another is had at once.
                        self.open(cx, out);
                    } else {
                        self.rest_failed(cx, now, error, unknown, out);
                    }
                } else if !unknown {
                    // The socket lives and events flow: only the list is behind.
                    self.reconcile.postpone(now, error.retry_after());
                }
            }
        }
    }

    /// The topics of the shard changed.
    pub(super) fn changed(&mut self, cx: &mut Common, now: Now, out: &mut Vec<Action>) {
        if cx.uses_channel() {
            match self.state {
                State::Live { .. } => {
                    if !self.is_leaving() {
                        self.reconcile_now(cx, out);
                    }
                    self.successor_changed(cx, out);
                }
                // A channel that was subscribed earlier is brought up to date once it is live.
                _ => self.reconcile.dirty = true,
            }
        } else {
            self.subscribe_socket(cx, now, out);
        }
    }
}

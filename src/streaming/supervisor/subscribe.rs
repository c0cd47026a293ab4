//! Keeping the platform's list of topics equal to the desired one: one writer, one call at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::machine::{State, Supervisor};
use super::message::{Action, Now};
use crate::core::backoff::full_jitter;
use crate::core::close::Gone;
use crate::core::ids::ChannelId;
use crate::core::ports::TopicState;
use crate::error::{ErrorKind, Result};
use crate::events::{Lifecycle, Topic};

/// Waits between tries of a subscription call while events flow: doubled from the first to the second.
pub(super) const RECONCILE_WAIT: (Duration, Duration) =
    (Duration::from_secs(1), Duration::from_secs(60));
/// Part of a channel's life after which its subscription is sent again, which renews the life.
const RENEW_SHARE: f64 = 0.9;

/// The subscription call that keeps the platform's list equal to ours while the link is live.
#[derive(Debug, Default)]
pub(super) struct Reconcile {
    pub(super) in_flight: bool,
    pub(super) dirty: bool,
    pub(super) failures: u32,
    pub(super) due: Option<Instant>,
    /// Whether the next answer is the first after a reconnect, which the consumer is told of.
    pub(super) announce: bool,
}

impl Supervisor {
    pub(super) fn replace(&mut self, channel: ChannelId, out: &mut Vec<Action>) {
        self.reconcile.in_flight = true;
        self.reconcile.dirty = false;
        self.reconcile.due = None;
        out.push(Action::Replace(channel, self.desired.wire()));
    }

    /// Sends the desired set while live, one call at a time.
    pub(super) fn reconcile_now(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.reconcile.in_flight {
            self.reconcile.dirty = true;
            return;
        }
        match (&self.state, &self.channel) {
            (State::Live { .. }, Some(held)) if !held.dead => {
                let id = held.info.id.clone();
                self.replace(id, out);
            }
            _ => self.reconcile.due = Some(now.at.mono),
        }
    }

    pub(super) fn subscribed(
        &mut self,
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
                let key = held.key;
                self.reconcile.failures = 0;
                let spread = 1.0 - 0.1 * now.unit_random;
                self.reconcile.due =
                    Some(now.at.mono + self.channel_life.mul_f64(RENEW_SHARE * spread));
                let outcome = self.desired.read_answer(sent, &states);
                let refused = Arc::new(Gone::Rest {
                    status: None,
                    detail: "the platform refuses the topic".into(),
                });
                for topic in &outcome.rejected {
                    self.ledger.refuse(key, topic, now.at, &refused);
                }
                for topic in &outcome.permitted {
                    self.ledger.confirm(key, topic);
                }
                for (topic, rejection) in outcome.newly_rejected {
                    out.push(Action::Emit(Lifecycle::Rejected {
                        topic,
                        reason: rejection.reason,
                        missing_permissions: rejection.missing_permissions,
                    }));
                }
                match self.state {
                    State::Subscribing => self.dial(out),
                    State::Live { link, .. } => {
                        if std::mem::take(&mut self.reconcile.announce) {
                            out.push(Action::Emit(Lifecycle::Resubscribed {
                                channel: self.channel_id(),
                                topics: outcome.permitted.len(),
                            }));
                        }
                        if self.ledger.awaits_flow(key) {
                            out.push(Action::Probe(link));
                        }
                        if self.reconcile.dirty {
                            self.reconcile_now(now, out);
                        }
                    }
                    _ => {}
                }
            }
            Err(error) => {
                let unknown = error.kind() == ErrorKind::NotFound;
                if unknown {
                    self.channel_lost("the platform no longer knows it".into(), out);
                }
                if matches!(self.state, State::Subscribing) {
                    self.rest_failed(now, error, unknown, out);
                } else if !unknown {
                    // The socket lives and events flow: only the list is behind.
                    let (base, cap) = RECONCILE_WAIT;
                    let exponent = self.reconcile.failures;
                    let wait = full_jitter(base, cap, base / 2, exponent, now.unit_random);
                    let wait = wait.max(error.retry_after().unwrap_or_default());
                    self.reconcile.failures = exponent.saturating_add(1);
                    self.reconcile.due = Some(now.at.mono + wait);
                }
            }
        }
    }

    pub(super) fn unwanted(&mut self, topics: &[Topic], now: Now, out: &mut Vec<Action>) {
        let gone = self.desired.remove(topics);
        if gone.is_empty() {
            return;
        }
        for topic in &gone {
            self.ledger.forget(topic);
        }
        out.push(Action::Emit(Lifecycle::Unsubscribed { topics: gone.into() }));
        self.changed(now, out);
    }

    pub(super) fn changed(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.plan.uses_channel {
            match self.state {
                State::Live { .. } => self.reconcile_now(now, out),
                State::Subscribing => self.reconcile.dirty = true,
                // A channel that was subscribed earlier is brought up to date once it is live.
                _ => {}
            }
        } else {
            self.subscribe_socket(now, out);
        }
    }
}

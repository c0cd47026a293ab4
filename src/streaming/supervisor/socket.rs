//! Sockets without a channel: dialled with what they are to send, and asked for more over the socket itself.

use std::time::Duration;

use super::common::Common;
use super::failure::is_passing;
use super::message::{Action, Now};
use super::shard::{Shard, State};
use super::subscribe::{RECONCILE_WAIT, Reconcile};
use crate::core::backoff::full_jitter;
use crate::core::clock::later;
use crate::error::Result;
use crate::events::{Lifecycle, Topic};
use crate::streaming::ledger::LinkKey;

impl Shard {
    pub(super) fn dial_link(
        &mut self,
        cx: &mut Common,
        link: LinkKey,
        replaces: Vec<LinkKey>,
        out: &mut Vec<Action>,
    ) {
        let channel = self.channel.as_ref().map(|held| held.info.clone());
        let mut wanted = Vec::new();
        if !cx.uses_channel() {
            // What the first messages ask for is covered as soon as the socket flows.
            wanted = cx.desired.topics();
            for topic in wanted.iter().flat_map(Topic::members).chain(cx.plan.covers.clone()) {
                cx.ledger.confirm(link, &topic);
            }
        }
        out.push(Action::Dial { link, channel, wanted, replaces });
    }

    /// The link whose subscription is kept equal to the desired one.
    fn subscribed_link(&self) -> Option<LinkKey> {
        match self.state {
            State::Live { link, .. } => Some(self.renewal.flowing().unwrap_or(link)),
            State::Dialing { link } => Some(link),
            _ => None,
        }
    }

    /// Sends the desired set over the socket, one message at a time. A link that is not there yet has it in its first.
    pub(super) fn subscribe_socket(&mut self, cx: &Common, now: Now, out: &mut Vec<Action>) {
        let Some(link) = self.subscribed_link() else { return };
        if self.reconcile.due.is_some_and(|due| now.at.mono < due) {
            // The protocol said that it is too early: then, everything goes.
        } else if self.reconcile.in_flight {
            self.reconcile.dirty = true;
        } else {
            self.reconcile.in_flight = true;
            self.reconcile.dirty = false;
            self.reconcile.due = None;
            out.push(Action::Subscribe(link, cx.desired.topics()));
        }
        if let Some(successor) =
            self.renewal.successor_link().filter(|successor| *successor != link)
        {
            out.push(Action::Subscribe(successor, cx.desired.topics()));
        }
    }

    /// Another link is the one whose subscription is kept.
    pub(super) fn subscription_moved(&mut self, cx: &Common, now: Now, out: &mut Vec<Action>) {
        let unsettled = self.reconcile.in_flight || self.reconcile.due.is_some();
        self.reconcile = Reconcile::default();
        if unsettled {
            self.subscribe_socket(cx, now, out);
        }
    }

    /// What became of a subscription over the socket. It is covered once the peer has shown that it read it.
    pub(super) fn asked(
        &mut self,
        cx: &mut Common,
        now: Now,
        link: LinkKey,
        answer: Result<Vec<Topic>>,
        out: &mut Vec<Action>,
    ) {
        let ours = self.subscribed_link() == Some(link);
        if ours {
            self.reconcile.in_flight = false;
        } else if self.renewal.successor_link() != Some(link) && self.current_link() != Some(link) {
            return;
        }
        match answer {
            Ok(topics) => {
                for topic in topics.iter().flat_map(Topic::members) {
                    cx.ledger.confirm_at(link, &topic, now.at);
                }
                if ours {
                    self.reconcile.failures = 0;
                }
            }
            Err(error) if ours && is_passing(&error) => {
                let (base, cap) = RECONCILE_WAIT;
                let exponent = self.reconcile.failures;
                let wait = match error.retry_after() {
                    // The protocol knows when: nobody else is waited for.
                    Some(wait) => wait.max(Duration::from_millis(1)),
                    None => full_jitter(base, cap, base / 2, exponent, now.unit_random),
                };
                self.reconcile.failures = exponent.saturating_add(1);
                self.reconcile.due = Some(later(now.at.mono, wait));
                self.reconcile.dirty = false;
            }
            Err(error) if ours => {
                for topic in cx.ledger.unconfirmed(link) {
                    out.push(Action::Emit(Lifecycle::Rejected {
                        topic,
                        reason: error.to_string().into(),
                        missing_permissions: Vec::new(),
                    }));
                }
            }
            Err(_) => {}
        }
        if ours && self.reconcile.dirty {
            self.subscribe_socket(cx, now, out);
        }
    }
}

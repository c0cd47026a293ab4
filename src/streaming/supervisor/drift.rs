//! Reading back what channels are subscribed to: what the platform dropped is put back, and told.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::common::{Common, gap};
use super::message::{Action, Now};
use super::shard::Shard;
use crate::core::clock::{FAR, Moment, later};
use crate::core::close::Gone;
use crate::core::ports::TopicState;
use crate::error::{ErrorKind, Result};
use crate::events::{Lifecycle, Topic};

/// A reading that is under way.
#[derive(Debug)]
pub(super) struct Reading {
    /// Of the subscription calls: an answer says nothing once there was another. `None` when it is known to say nothing.
    version: Option<u64>,
    since: Moment,
}

/// The part of the interval that is taken off at random.
const SPREAD: f64 = 0.2;

impl Shard {
    /// Sets when the channel is read back next.
    pub(super) fn plan_check(&mut self, cx: &Common, now: Now) {
        let every = cx.rules().and_then(|rules| rules.check_every);
        if let Some(held) = &mut self.channel {
            let spread = |every: Duration| every.min(FAR).mul_f64(1.0 - SPREAD * now.unit_random);
            held.check_at = every.map(|every| later(now.at.mono, spread(every)));
            // Its answer comes, and must not be taken for that of the next one.
            held.reading.iter_mut().for_each(|reading| reading.version = None);
        }
    }

    pub(super) fn check_due(&mut self, now: Now, out: &mut Vec<Action>) {
        let version = self.reconcile.version;
        let unsettled = self.reconcile.is_unsettled();
        let Some(held) = &mut self.channel else { return };
        if held.check_at.is_none_or(|at| now.at.mono < at) {
            return;
        }
        held.check_at = None;
        if unsettled || held.dead || !held.subscribed || held.reading.is_some() {
            // A subscription call is under way, which says the same and more; or an earlier reading.
            held.check_at = Some(now.at.mono + Duration::from_secs(1));
            return;
        }
        held.reading = Some(Reading { version: Some(version), since: now.at });
        out.push(Action::ReadBack(held.info.id.clone()));
    }

    pub(super) fn read_back(
        &mut self,
        cx: &mut Common,
        now: Now,
        answer: Result<Vec<TopicState>>,
        out: &mut Vec<Action>,
    ) {
        let channel = self.channel_id();
        let unsettled = self.reconcile.is_unsettled();
        let version = self.reconcile.version;
        let Some(held) = &mut self.channel else { return };
        let Some(reading) = held.reading.take() else { return };
        let sure = held.sure.unwrap_or(reading.since);
        let key = held.key;
        let (since, valid) = (reading.since, reading.version == Some(version) && !unsettled);
        if answer.is_ok() && valid {
            held.sure = Some(since);
        }
        self.plan_check(cx, now);
        let states = match answer {
            Ok(states) if valid => states,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if let Some(held) = &mut self.channel {
                    held.missing(since);
                }
                return self.channel_lost("the platform no longer knows it".into(), out);
            }
            // Nothing is known: it is read again another time.
            _ => return,
        };
        let there: BTreeSet<String> = states
            .iter()
            .filter(|state| state.rejected.is_none())
            .flat_map(|state| Topic::<()>::unchecked(&*state.topic).members())
            .map(|topic| topic.name().to_ascii_lowercase())
            .collect();
        let mut missing = cx.ledger.confirmed(key);
        missing.retain(|topic| !there.contains(&topic.name().to_ascii_lowercase()));
        if missing.is_empty() {
            return;
        }
        let detail = "the platform had dropped the topic from the channel".into();
        let cause = Arc::new(Gone::ChannelGone { detail });
        if let Some(successor) = &mut self.renewal.successor {
            // It may have had what this one missed: the order could not be kept.
            successor.spoilt = true;
        }
        // First, so that what it covers does not hide what was missed.
        self.drop_spoilt(cx, out);
        let over = cx.ledger.missed(key, &missing, sure, &cause);
        let (topics, sure_until) = (missing.into(), sure.wall);
        out.push(Action::Emit(Lifecycle::Drifted { channel, topics, sure_until }));
        out.extend(over.into_iter().map(gap));
        if self.is_live() && !self.is_leaving() {
            self.reconcile_now(cx, out);
        }
    }
}

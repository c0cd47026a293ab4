//! Changing what a channel is subscribed to, by REST or over the socket.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::channels::Subscription;
use super::shared::State;
use super::topics;
use crate::core::limits::TOPICS_PER_CHANNEL;

/// What is to happen to the topics that the channel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Add,
    Replace,
}

/// Why a request as a whole is refused; nothing has changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// These topics do not exist.
    Invalid(Vec<String>),
    /// These topics may not be subscribed to.
    Forbidden(Vec<String>),
    /// There would be more than 1,000.
    TooMany,
}

/// What became of one topic id.
#[derive(Debug)]
struct Verdict {
    id: String,
    permitted: BTreeSet<String>,
    forbidden: Vec<String>,
}

/// Subscribes, renews the channel's life, and returns the entities of the answer.
pub(super) fn subscribe(
    state: &mut State,
    channel: &Arc<str>,
    ids: &[String],
    mode: Mode,
    ignore_errors: bool,
    life: Duration,
) -> Result<Vec<Value>, Refused> {
    let verdicts = judge(state, channel, ids)?;
    let forbidden: Vec<String> =
        verdicts.iter().flat_map(|verdict| verdict.forbidden.iter().cloned()).collect();
    if !ignore_errors && !forbidden.is_empty() {
        return Err(Refused::Forbidden(forbidden));
    }
    let mut subscriptions = match mode {
        Mode::Replace => Vec::new(),
        Mode::Add => state
            .channels
            .get(channel)
            .map_or_else(Vec::new, |channel| channel.subscriptions.clone()),
    };
    for verdict in verdicts.iter().filter(|verdict| !verdict.permitted.is_empty()) {
        subscriptions.retain(|old| !old.id.eq_ignore_ascii_case(&verdict.id));
        subscriptions
            .push(Subscription { id: verdict.id.clone(), singles: verdict.permitted.clone() });
    }
    if subscriptions.len() > TOPICS_PER_CHANNEL {
        return Err(Refused::TooMany);
    }
    state.channels.set_subscriptions(channel, subscriptions);
    state.channels.touch(channel);
    if let Some(channel) = state.channels.get_mut(channel) {
        channel.expires = Instant::now() + life;
    }
    Ok(verdicts.iter().flat_map(|verdict| verdict.entities(channel)).collect())
}

/// Takes topics away: whole subscriptions, or single topics out of combined ones.
pub(super) fn unsubscribe(
    state: &mut State,
    channel: &Arc<str>,
    ids: &[String],
) -> Result<(), Refused> {
    let mut gone = BTreeSet::new();
    for verdict in judge(state, channel, ids)? {
        gone.extend(verdict.permitted);
        gone.extend(verdict.forbidden.iter().map(|topic| topic.to_ascii_lowercase()));
    }
    let mut subscriptions =
        state.channels.get(channel).map_or_else(Vec::new, |channel| channel.subscriptions.clone());
    for subscription in &mut subscriptions {
        subscription.singles.retain(|topic| !gone.contains(topic));
    }
    subscriptions.retain(|subscription| !subscription.singles.is_empty());
    state.channels.set_subscriptions(channel, subscriptions);
    state.channels.touch(channel);
    Ok(())
}

/// The entity of a topic that is subscribed to.
pub(super) fn permitted(channel: &str, id: &str) -> Value {
    json!({
        "id": id,
        "state": "Permitted",
        "selfUri": format!("/api/v2/notifications/channels/{channel}/subscriptions/{id}"),
    })
}

fn rejected(id: &str) -> Value {
    json!({
        "id": id,
        "state": "Rejected",
        "rejectionReason": "missing permissions",
        "missingPermissions": topics::permissions(id),
    })
}

fn judge(state: &State, channel: &str, ids: &[String]) -> Result<Vec<Verdict>, Refused> {
    let mut verdicts: Vec<Verdict> = Vec::new();
    let mut invalid = Vec::new();
    let mut seen = BTreeSet::new();
    for id in ids {
        let Some(singles) = topics::expand(id) else {
            invalid.push(id.clone());
            continue;
        };
        if !seen.insert(id.to_ascii_lowercase()) {
            continue;
        }
        let (forbidden, permitted): (Vec<_>, Vec<_>) =
            singles.into_iter().partition(|topic| state.faults.is_forbidden(channel, topic));
        verdicts.push(Verdict {
            id: id.clone(),
            permitted: permitted.iter().map(|topic| topic.to_ascii_lowercase()).collect(),
            forbidden,
        });
    }
    if invalid.is_empty() { Ok(verdicts) } else { Err(Refused::Invalid(invalid)) }
}

impl Verdict {
    /// A combined topic that is refused in part is permitted, and the single ones that are not follow it.
    fn entities(&self, channel: &str) -> Vec<Value> {
        if self.permitted.is_empty() {
            return vec![self.rejection()];
        }
        let mut entities = vec![permitted(channel, &self.id)];
        entities.extend(self.forbidden.iter().map(|topic| rejected(topic)));
        entities
    }

    fn rejection(&self) -> Value {
        let mut entity = rejected(&self.id);
        let missing: BTreeSet<&str> = self
            .forbidden
            .iter()
            .flat_map(|topic| topics::permissions(topic).iter().copied())
            .collect();
        entity["missingPermissions"] = json!(missing);
        entity
    }
}

//! What is known of one queue.

use std::collections::BTreeMap;
use std::time::SystemTime;

use genesys_cloud::Timestamp;
use genesys_cloud::bodies::{Conversation, QueueObservations};
use serde_json::Number;

use crate::cell::Cell;

/// A queue as the events tell.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// `(waiting, interacting)` of each media type; under the empty name those of all together.
    figures: Cell<BTreeMap<Box<str>, (u64, u64)>>,
    /// The conversations that go on, and since when they wait in this queue.
    conversations: Cell<BTreeMap<Box<str>, Option<SystemTime>>>,
}

impl Queue {
    pub(crate) fn observations(&mut self, event: &QueueObservations) {
        let media = event.group.as_ref().and_then(|group| group.get("mediaType"));
        let mut all = self.figures.value().cloned().unwrap_or_default();
        let entry = all.entry(media.cloned().unwrap_or_default()).or_default();
        let intervals = event.data.iter().flatten();
        for figure in intervals.flat_map(|interval| interval.metrics.iter().flatten()) {
            let stats = figure.stats.as_ref();
            let count = stats.and_then(|stats| stats.get("count"));
            let Some(count) = count.and_then(whole) else {
                continue;
            };
            match figure.metric.as_deref() {
                Some("oWaiting") => entry.0 = count,
                Some("oInteracting") => entry.1 = count,
                _ => {}
            }
        }
        self.figures.set(all, None);
    }

    pub(crate) fn conversation(&mut self, queue: &str, event: &Conversation) {
        let Some(id) = &event.id else { return };
        let parts = || event.participants.iter().flatten();
        let goes_on = parts().any(|part| {
            let outside = matches!(part.purpose.as_deref(), Some("customer" | "external"));
            outside && part.end_time.is_none()
        });
        let waits = parts().find(|part| {
            part.purpose.as_deref() == Some("acd")
                && part.queue_id.as_deref() == Some(queue)
                && part.end_time.is_none()
        });
        let since =
            waits.and_then(|part| part.connected_time.as_ref()).and_then(Timestamp::to_system_time);
        let mut all = match self.conversations.value() {
            Some(all) if !self.conversations.is_stale() => all.clone(),
            _ => BTreeMap::new(),
        };
        if goes_on {
            all.insert(id.clone(), since);
        } else {
            all.remove(id);
        }
        self.conversations.set(all, None);
    }

    pub(crate) fn doubt_figures(&mut self) {
        self.figures.doubt();
    }

    pub(crate) fn doubt_conversations(&mut self) {
        self.conversations.doubt();
    }

    /// `(waiting, interacting)`, and whether that is in doubt.
    pub(crate) fn figures(&self) -> (Option<(u64, u64)>, bool) {
        let figures = self.figures.value().map(|all| {
            all.get("").copied().unwrap_or_else(|| {
                all.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
            })
        });
        (figures, self.figures.is_stale())
    }

    /// How many conversations go on, and whether that is in doubt.
    pub(crate) fn conversations(&self) -> (Option<usize>, bool) {
        let count = self.conversations.value().map(BTreeMap::len);
        (count, self.conversations.is_stale())
    }

    /// Since when the one waits that waits longest.
    pub(crate) fn longest_wait(&self) -> Option<SystemTime> {
        self.conversations.value()?.values().flatten().min().copied()
    }
}

/// A count; the platform writes some as floats.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast goes to the nearest count that there is"
)]
fn whole(count: &Number) -> Option<u64> {
    let float = || count.as_f64().map(|count| count as u64);
    count.as_u64().or_else(float)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn observe(queue: &mut Queue, group: &serde_json::Value, waiting: &serde_json::Value) {
        let metrics = json!([{"metric": "oWaiting", "stats": {"count": waiting}}]);
        let body = json!({"group": group, "data": [{"metrics": metrics}]});
        queue.observations(&serde_json::from_value(body).unwrap());
    }

    #[test]
    fn figures_of_media_are_added_unless_the_total_is_reported() {
        let mut queue = Queue::default();
        assert_eq!(queue.figures(), (None, false));
        observe(&mut queue, &json!({"mediaType": "voice"}), &json!(2));
        observe(&mut queue, &json!({"mediaType": "chat"}), &json!(3.0));
        assert_eq!(queue.figures(), (Some((5, 0)), false));
        observe(&mut queue, &json!({}), &json!(4));
        assert_eq!(queue.figures(), (Some((4, 0)), false));
    }

    #[test]
    fn the_longest_wait_is_that_of_a_call_which_nobody_has_answered() {
        let mut queue = Queue::default();
        let mut event = |id: &str, second: u32, answered: bool| {
            let mut acd = json!({
                "purpose": "acd", "queueId": "q", "connectedTime": format!("1970-01-01T00:00:{second:02}Z"),
            });
            if answered {
                acd["endTime"] = json!("1970-01-01T00:01:00Z");
            }
            let body = json!({"id": id, "participants": [{"purpose": "customer"}, acd]});
            queue.conversation("q", &serde_json::from_value(body).unwrap());
            let longest = queue.longest_wait()?;
            let since = longest.duration_since(SystemTime::UNIX_EPOCH).unwrap();
            Some(since.as_secs())
        };
        assert_eq!(event("c1", 5, false), Some(5));
        assert_eq!(event("c2", 9, false), Some(5));
        assert_eq!(event("c1", 5, true), Some(9));
        assert_eq!(event("c2", 9, true), None);
        assert_eq!(queue.conversations(), (Some(2), false));
    }
}

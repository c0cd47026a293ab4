//! What is known of one agent.

use std::collections::BTreeMap;

use genesys_cloud::Timestamp;
use genesys_cloud::bodies::{Conversation, Participant, UserPresence, UserRoutingStatus};

use crate::cell::Cell;

/// An agent as the events tell.
#[derive(Debug, Default)]
pub(crate) struct Agent {
    pub(crate) presence: Cell<String>,
    pub(crate) routing: Cell<String>,
    /// The state of each conversation that the agent is in.
    pub(crate) conversations: Cell<BTreeMap<Box<str>, String>>,
}

impl Agent {
    pub(crate) fn presence(&mut self, event: &UserPresence) {
        let definition = event.presence_definition.as_ref();
        if let Some(presence) = definition.and_then(|known| known.system_presence.as_deref()) {
            let since = event.modified_date.as_ref();
            self.presence.set(readable(presence), since.and_then(Timestamp::to_system_time));
        }
    }

    pub(crate) fn routing(&mut self, event: &UserRoutingStatus) {
        if let Some(status) = &event.routing_status
            && let Some(state) = &status.status
        {
            let since = status.start_time.as_ref();
            self.routing.set(readable(state.as_str()), since.and_then(Timestamp::to_system_time));
        }
    }

    /// Takes note of a conversation; the event holds all of it, so the last one is right.
    pub(crate) fn conversation(&mut self, agent: &str, event: &Conversation) {
        let Some(id) = &event.id else { return };
        let parts = event.participants.iter().flatten();
        let state = parts
            .filter(|part| part.user_id.as_deref() == Some(agent) && part.end_time.is_none())
            .map(state)
            .next_back();
        // After a gap only those that are heard of again are known to go on.
        let mut all = match self.conversations.value() {
            Some(all) if !self.conversations.is_stale() => all.clone(),
            _ => BTreeMap::new(),
        };
        match state {
            Some(state) => all.insert(id.clone(), state),
            None => all.remove(id),
        };
        self.conversations.set(all, None);
    }
}

fn state(part: &Participant) -> String {
    let calls = part.calls.iter().flatten();
    let state = calls.filter_map(|call| call.state.as_ref()).next_back();
    state.map_or_else(|| "active".to_owned(), |state| readable(state.as_str()))
}

/// `ON_QUEUE` as people write it.
fn readable(value: &str) -> String {
    value.replace('_', " ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn conversation(id: &str, part: &Value) -> Conversation {
        let body = json!({"id": id, "participants": [{"purpose": "customer"}, part]});
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn a_conversation_is_counted_until_the_agent_has_left_it() {
        let mut agent = Agent::default();
        let there = json!({"userId": "a", "calls": [{"state": "connected"}]});
        let left = json!({"userId": "a", "endTime": "2026-03-04T09:30:00.123Z"});
        agent.conversation("a", &conversation("c1", &there));
        agent.conversation("a", &conversation("c2", &there));
        agent.conversation("a", &conversation("c1", &left));
        let all = agent.conversations.value().unwrap();
        assert_eq!(
            all.iter().map(|(id, state)| (&**id, &**state)).collect::<Vec<_>>(),
            [("c2", "connected")]
        );
    }

    #[test]
    fn what_was_known_before_a_gap_is_in_doubt_until_it_is_heard_of_again() {
        let mut agent = Agent::default();
        let there = json!({"userId": "a", "calls": [{"state": "alerting"}]});
        agent.conversation("a", &conversation("c1", &there));
        agent.conversations.doubt();
        assert!(agent.conversations.is_stale());
        agent.conversation("a", &conversation("c2", &there));
        assert!(!agent.conversations.is_stale());
        let all = agent.conversations.value().unwrap();
        assert_eq!(all.keys().map(|id| &**id).collect::<Vec<_>>(), ["c2"]);
    }

    #[test]
    fn presence_is_written_as_people_write_it() {
        let mut agent = Agent::default();
        let body = json!({
            "presenceDefinition": {"systemPresence": "ON_QUEUE"},
            "modifiedDate": "1970-01-01T00:00:01Z",
        });
        agent.presence(&serde_json::from_value(body).unwrap());
        assert_eq!(agent.presence.value().unwrap(), "on queue");
        assert!(agent.presence.since().is_some());
    }
}

//! The topics of a soak, and the frames of their events.

use crate::events::{Event, Topic};

/// A number of topics of users. Every tenth user has two, which the client combines.
pub(super) struct Topics {
    names: Vec<Box<str>>,
    users: usize,
}

impl Topics {
    pub(super) fn new(count: usize) -> Self {
        let (mut names, mut users) = (Vec::with_capacity(count), 0);
        while names.len() < count {
            let id = format!("{users:08x}-0000-4000-8000-00000000cafe");
            names.push(format!("v2.users.{id}.presence").into());
            if users % 10 == 0 && names.len() < count {
                names.push(format!("v2.users.{id}.routingStatus").into());
            }
            users += 1;
        }
        Self { names, users }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// What counts towards the limit of a channel.
    pub(super) fn combined(&self) -> usize {
        self.users
    }

    pub(super) fn name(&self, topic: usize) -> &str {
        &self.names[topic]
    }

    /// The frame of an event with a mark.
    pub(super) fn frame(&self, topic: usize, mark: u64) -> String {
        let name = self.name(topic);
        // The platform gives one id to all events of a transaction.
        let correlation = mark / 3;
        let body = if name.ends_with("presence") {
            format!(
                r##"{{"source":"PURECLOUD","presenceDefinition":{{"id":"6a3af858","systemPresence":"AVAILABLE"}},"message":"#{mark}"}}"##
            )
        } else {
            format!(
                r##"{{"id":"#{mark}","routingStatus":{{"status":"IDLE","startTime":"2027-01-15T08:00:00.000Z"}}}}"##
            )
        };
        format!(
            r#"{{"topicName":"{name}","version":"2","eventBody":{body},"metadata":{{"CorrelationId":"{correlation}"}}}}"#
        )
    }
}

/// The mark of an event; `None` for those that faults made.
pub(super) fn mark(event: &Event) -> Option<u64> {
    let text = match event {
        Event::UsersPresence(presence) => presence.message.as_deref(),
        Event::UsersRoutingStatus(status) => status.id.as_deref(),
        _ => None,
    };
    text?.strip_prefix('#')?.parse().ok()
}

/// The place of a topic whose name is one of ours.
pub(super) fn place(names: &std::collections::HashMap<Box<str>, usize>, topic: &Topic) -> usize {
    let name = topic.name().to_ascii_lowercase();
    *names.get(name.as_str()).unwrap_or_else(|| panic!("{name} was never subscribed"))
}

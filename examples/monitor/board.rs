//! Agents and queues, kept up to date by events.

use std::collections::HashMap;

use genesys_cloud::bodies::Conversation;
use genesys_cloud::{Delivery, Event, Lifecycle, Topic};

use crate::agents::Agent;
use crate::queues::Queue;

/// Everything that the tables show, in the order in which it was asked for.
#[derive(Debug, Default)]
pub(crate) struct Board {
    agents: Vec<(Box<str>, Agent)>,
    queues: Vec<(Box<str>, Queue)>,
    /// Names that conversations gave away; presence events hold ids only.
    names: HashMap<Box<str>, Box<str>>,
}

/// What a topic is about.
enum Subject<'a> {
    Agent(&'a str),
    Queue(&'a str),
    Other,
}

impl Board {
    /// An empty row for everybody whom the topics are about.
    pub(crate) fn new(topics: &[Topic]) -> Self {
        let mut board = Self::default();
        for topic in topics {
            match subject(topic.name()) {
                Subject::Agent(id) => drop(row(&mut board.agents, id)),
                Subject::Queue(id) => drop(row(&mut board.queues, id)),
                Subject::Other => {}
            }
        }
        board
    }

    pub(crate) fn take(&mut self, delivery: &Delivery) {
        let id = match subject(delivery.topic.name()) {
            Subject::Agent(id) | Subject::Queue(id) => id,
            Subject::Other => "",
        };
        match &delivery.event {
            Event::UsersPresence(event) => row(&mut self.agents, id).presence(event),
            Event::UsersRoutingStatus(event) => row(&mut self.agents, id).routing(event),
            Event::UsersConversations(event) => {
                self.learn_names(event);
                row(&mut self.agents, id).conversation(id, event);
            }
            Event::AnalyticsQueuesObservations(event) => {
                row(&mut self.queues, id).observations(event);
            }
            Event::RoutingQueuesConversations(event) => {
                self.learn_names(event);
                row(&mut self.queues, id).conversation(id, event);
            }
            Event::Lifecycle(Lifecycle::Gap { topics, .. }) => {
                for topic in topics.iter().flat_map(Topic::members) {
                    self.doubt(topic.name());
                }
            }
            _ => {}
        }
    }

    /// The agents by their ids.
    pub(crate) fn agents(&self) -> &[(Box<str>, Agent)] {
        &self.agents
    }

    /// The queues by their ids.
    pub(crate) fn queues(&self) -> &[(Box<str>, Queue)] {
        &self.queues
    }

    /// The name, or the beginning of the id.
    pub(crate) fn name<'a>(&'a self, id: &'a str) -> &'a str {
        let short = id.get(..8).unwrap_or(id);
        self.names.get(id).map_or(short, |name| name)
    }

    fn learn_names(&mut self, event: &Conversation) {
        for part in event.participants.iter().flatten() {
            let id = match part.purpose.as_deref() {
                Some("agent" | "user") => part.user_id.as_ref(),
                Some("acd") => part.queue_id.as_ref(),
                _ => None,
            };
            if let (Some(id), Some(name)) = (id, &part.name)
                && self.names.get(id) != Some(name)
            {
                self.names.insert(id.clone(), name.clone());
            }
        }
    }

    /// Changes of a topic may have been missed.
    fn doubt(&mut self, topic: &str) {
        match subject(topic) {
            Subject::Agent(id) => {
                let agent = row(&mut self.agents, id);
                match topic.rsplit('.').next() {
                    Some("presence") => agent.presence.doubt(),
                    Some("routingStatus") => agent.routing.doubt(),
                    Some("conversations") => agent.conversations.doubt(),
                    _ => {}
                }
            }
            Subject::Queue(id) => {
                let queue = row(&mut self.queues, id);
                match topic.rsplit('.').next() {
                    Some("observations") => queue.doubt_figures(),
                    Some("conversations") => queue.doubt_conversations(),
                    _ => {}
                }
            }
            Subject::Other => {}
        }
    }
}

fn subject(topic: &str) -> Subject<'_> {
    let mut parts = topic.split(['.', '?']).skip(1);
    match (parts.next(), parts.next(), parts.next()) {
        (Some("users"), Some(id), _) => Subject::Agent(id),
        (Some("routing" | "analytics"), Some("queues"), Some(id)) => Subject::Queue(id),
        _ => Subject::Other,
    }
}

fn row<'a, T: Default>(rows: &'a mut Vec<(Box<str>, T)>, id: &str) -> &'a mut T {
    let place = rows.iter().position(|(known, _)| **known == *id);
    let place = place.unwrap_or_else(|| {
        rows.push((id.into(), T::default()));
        rows.len() - 1
    });
    &mut rows[place].1
}

#[cfg(test)]
mod tests {
    use genesys_cloud::topics;

    use super::*;

    #[test]
    fn rows_are_there_before_the_first_event_and_once_each() {
        let board = Board::new(&[
            "v2.users.11111111-aaaa?presence&routingStatus".parse().unwrap(),
            topics::users::conversations("11111111-aaaa").untyped(),
            topics::analytics::queue_observations("22222222-bbbb").untyped(),
            topics::routing::queue_conversations("22222222-bbbb").untyped(),
            "v2.detail.events.conversation.33333333".parse().unwrap(),
        ]);
        let ids = |rows: Vec<&str>| rows.join(" ");
        assert_eq!(ids(board.agents().iter().map(|(id, _)| &**id).collect()), "11111111-aaaa");
        assert_eq!(ids(board.queues().iter().map(|(id, _)| &**id).collect()), "22222222-bbbb");
        assert_eq!(board.name("11111111-aaaa"), "11111111");
    }
}

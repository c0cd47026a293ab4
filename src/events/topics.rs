//! Typed topics, by the name of what they are about.
//!
//! None of these fails: an id that the platform would refuse is reported when the topic is subscribed.
//!
//! ```
//! use genesys_cloud::topics;
//!
//! let topic = topics::users::presence("8f0c");
//! assert_eq!(topic.name(), "v2.users.8f0c.presence");
//! ```

/// What happens to a user.
pub mod users {
    use crate::events::bodies::{Conversation, UserPresence, UserRoutingStatus};
    use crate::events::topic::Topic;

    /// The user's presence.
    pub fn presence(user: impl AsRef<str>) -> Topic<UserPresence> {
        Topic::unchecked(format!("v2.users.{}.presence", user.as_ref()))
    }

    /// The user's routing status: whether work is offered, and whether it is answered.
    pub fn routing_status(user: impl AsRef<str>) -> Topic<UserRoutingStatus> {
        Topic::unchecked(format!("v2.users.{}.routingStatus", user.as_ref()))
    }

    /// Every conversation that the user takes part in, whole at each change.
    pub fn conversations(user: impl AsRef<str>) -> Topic<Conversation> {
        Topic::unchecked(format!("v2.users.{}.conversations", user.as_ref()))
    }
}

/// What happens in a queue.
pub mod routing {
    use crate::events::bodies::Conversation;
    use crate::events::topic::Topic;

    /// Every conversation that passes through the queue, whole at each change.
    pub fn queue_conversations(queue: impl AsRef<str>) -> Topic<Conversation> {
        Topic::unchecked(format!("v2.routing.queues.{}.conversations", queue.as_ref()))
    }
}

/// What is measured.
pub mod analytics {
    use crate::events::bodies::QueueObservations;
    use crate::events::topic::Topic;

    /// The live figures of a queue, sent when they change.
    pub fn queue_observations(queue: impl AsRef<str>) -> Topic<QueueObservations> {
        Topic::unchecked(format!("v2.analytics.queues.{}.observations", queue.as_ref()))
    }
}

//! What the sockets of [`protocols`](crate::protocols) send that are not notification channels.

use serde_json::Number;

use crate::events::body::body;
use crate::events::timestamp::Timestamp;

body! {
    /// One step of an interaction in a queue: what the routing socket sends.
    pub struct RoutingInteraction {
        /// The queue, spelled as the socket spells it.
        queue_id: Box<str> = "queueId",
        /// The interaction.
        interaction_id: Box<str> = "interactionId",
        /// What happened.
        event_type: Box<str> = "eventType",
        /// How long the interaction waited, in milliseconds.
        wait_time: Number = "waitTime",
        /// How the agent stands.
        agent_status: Box<str> = "agentStatus",
        /// When.
        timestamp: Timestamp = "timestamp",
    }
}

body! {
    /// The presence of one user: what the presence socket sends.
    pub struct PresenceUpdate {
        /// What it is about; `presence`.
        event_type: Box<str> = "eventType",
        /// The user.
        user_id: Box<str> = "userId",
        /// The presence.
        state: Box<str> = "state",
        /// When the user came to it.
        timestamp: Timestamp = "timestamp",
    }
}

//! The topics that have a type, and the variants of [`Event`] for them.

use serde_json::value::RawValue;

use crate::events::bodies::{
    ChannelMetadata, Conversation, QueueObservations, SystemMessage, UserPresence,
    UserRoutingStatus,
};
use crate::events::event::event_table;
use crate::events::lifecycle::Lifecycle;
use crate::events::topic::Topic;

event_table! {
    /// A user's presence changed.
    UsersPresence(UserPresence) = "v2.users.{id}.presence";
    /// A user's routing status changed.
    UsersRoutingStatus(UserRoutingStatus) = "v2.users.{id}.routingStatus";
    /// A conversation of a user changed: all of it, as it is now.
    UsersConversations(Conversation) = "v2.users.{id}.conversations";
    /// A conversation in a queue changed: all of it, as it is now.
    RoutingQueuesConversations(Conversation) = "v2.routing.queues.{id}.conversations";
    /// Live figures of a queue changed.
    AnalyticsQueuesObservations(QueueObservations) = "v2.analytics.queues.{id}.observations";
    /// The platform speaks about the channel or its subscriptions.
    System(SystemMessage) =
        "v2.system.socket_closing",
        "v2.system.no_longer_subscribed.{id}",
        "v2.system.token_revoked.{id}",
        "v2.system.{id}.{id}",
        "v2.subscription.updated";
    /// A heartbeat, or the answer to a ping.
    ChannelMetadata(ChannelMetadata) = "channel.metadata";
}

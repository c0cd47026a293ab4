//! What a decoded frame is to a stream.

use crate::core::ids::ChannelId;
use crate::events::body_at::BodyAt;
use crate::events::decoder::Decoder;
use crate::events::generated::table::Event;
use crate::events::lifecycle::Lifecycle;
use crate::events::raw::RawEvent;
use crate::events::reply::SocketReply;
use crate::events::topic::Topic;

/// What a frame is.
#[derive(Debug)]
pub(crate) enum Incoming<E> {
    /// The platform's heartbeat.
    Heartbeat,
    /// The answer to a ping.
    Pong,
    /// The answer to something else that was sent over the socket.
    Reply(SocketReply),
    /// The platform speaks about the channel.
    System {
        /// About what.
        notice: SystemNotice,
        /// The channel that it names.
        channel: Option<ChannelId>,
        /// The topic.
        topic: Topic,
        /// The same as an event.
        event: E,
        /// The platform's transaction.
        correlation_id: Option<Box<str>>,
        /// Where the body is.
        body: BodyAt,
    },
    /// Something to deliver; the topic of a frame that has none is [`Topic::none`].
    Event {
        /// The topic.
        topic: Topic,
        /// What happened.
        event: E,
        /// The platform's transaction.
        correlation_id: Option<Box<str>>,
        /// Where the body is.
        body: BodyAt,
    },
}

/// What the platform says about the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SystemNotice {
    /// The socket will be closed for maintenance.
    SocketClosing,
    /// Another channel took the subscriptions.
    NoLongerSubscribed,
    /// The token that made the channel is revoked.
    TokenRevoked,
    /// The subscriptions changed.
    SubscriptionUpdated,
    /// Something that this version does not know.
    Other,
}

impl SystemNotice {
    /// By the name of the topic: the platform has not documented a body that tells.
    pub(super) fn of(topic: &str) -> Self {
        let topic = topic.to_ascii_lowercase();
        // Genesys' own streaming client looks for a part of the name too.
        let about = |part: &str| topic.contains(part);
        if about("socket_closing") {
            Self::SocketClosing
        } else if about("no_longer_subscribed") {
            Self::NoLongerSubscribed
        } else if about("token_revoked") {
            Self::TokenRevoked
        } else if about("subscription.updated") || about("subscription_changed") {
            Self::SubscriptionUpdated
        } else {
            Self::Other
        }
    }
}

/// How much of a frame is decoded: the item type of a stream.
pub(crate) trait Level: From<Lifecycle> + Send + 'static {
    /// Decodes one frame.
    fn decode(decoder: &mut Decoder, text: &str) -> Incoming<Self>;
}

impl Level for Event {
    fn decode(decoder: &mut Decoder, text: &str) -> Incoming<Self> {
        decoder.decode(text)
    }
}

impl Level for RawEvent {
    fn decode(decoder: &mut Decoder, text: &str) -> Incoming<Self> {
        decoder.decode_raw(text)
    }
}

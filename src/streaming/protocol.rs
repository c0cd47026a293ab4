//! What a kind of connection is made of; one driver runs every protocol.

use std::sync::Arc;

use crate::core::ports::ChannelInfo;
use crate::error::Result;
use crate::events::{Lifecycle, Topic};
use crate::region::Endpoints;
use crate::transport::ws::{DialRequest, Frame};

/// Decides from a topic's name whether its events are wanted, before their bodies are looked at.
pub(crate) type TopicFilter = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// A description of one kind of connection: plain data in, plain data out.
///
/// It never sleeps, spawns or reads a clock: where to connect, what to say first, how to keep alive, how to decode.
///
/// `E` is what comes out.
pub(crate) trait Protocol<E: StreamEvent>: Send + Sync + 'static {
    /// Whether the connection is to a channel that is made and subscribed by REST.
    fn uses_channel(&self) -> bool;

    /// Where to connect.
    fn dial(&self, context: &DialContext<'_>) -> Result<DialRequest>;

    /// The first messages.
    fn greeting(&self) -> Vec<Box<str>>;

    /// The message that asks the peer for a sign of life.
    fn ping(&self) -> Option<Box<str>>;

    /// A decoder for one connection.
    fn decoder(
        &self,
        filter: Option<TopicFilter>,
        channel: Option<&ChannelInfo>,
    ) -> Box<dyn Decode<E>>;
}

/// What a protocol may use to say where to connect.
#[derive(Debug)]
pub(crate) struct DialContext<'a> {
    /// The deployment's addresses.
    pub(crate) endpoints: &'a Endpoints,
    /// The channel, for protocols that use one.
    pub(crate) channel: Option<&'a ChannelInfo>,
}

/// Turns the frames of one connection into events.
pub(crate) trait Decode<E>: Send {
    /// One frame. Never fails: what cannot be understood is an event of its own.
    fn decode(&mut self, frame: &Frame) -> Decoded<E>;
}

/// What a stream can yield: an event type that can carry the stream's own items.
///
/// [`Event`](crate::Event) and [`RawEvent`](crate::RawEvent) are such.
pub trait StreamEvent: From<Lifecycle> + Send + 'static {}

/// One frame, decoded.
#[derive(Debug)]
pub(crate) struct Decoded<E> {
    /// What it means for the connection.
    pub(crate) notice: Notice,
    /// What it means for the consumer.
    pub(crate) item: Option<DecodedItem<E>>,
}

impl<E> Decoded<E> {
    /// A frame that is nothing to the consumer.
    pub(crate) fn nothing(notice: Notice) -> Self {
        Self { notice, item: None }
    }
}

/// An event with what its envelope said.
#[derive(Debug)]
pub(crate) struct DecodedItem<E> {
    pub(crate) topic: Topic,
    pub(crate) event: E,
    pub(crate) correlation_id: Option<Box<str>>,
    pub(crate) health: Health,
}

/// Whether a frame was what its topic promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Typed,
    Unrecognized,
    Malformed,
}

/// What a frame means for the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Nothing but that the peer lives.
    None,
    /// The peer's regular sign of life.
    Heartbeat,
    /// The answer to our ping.
    Pong,
    /// The peer will close the socket soon.
    Closing,
    /// The channel no longer exists.
    ChannelGone(Box<str>),
}

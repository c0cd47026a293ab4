//! What a kind of connection is made of; one driver runs every protocol.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::session::Timing;
use crate::core::close::Gone;
use crate::core::ids::ChannelId;
use crate::core::limits;
use crate::core::ports::{AccessToken, ChannelInfo};
use crate::error::{Error, Result};
use crate::events::{BodyAt, Lifecycle, Topic};
use crate::region::Endpoints;
use crate::transport::ws::Buffers;
pub use crate::transport::ws::{DialRequest, Outbound};

/// Decides from a topic's name whether its events are wanted, before their bodies are looked at.
pub type TopicFilter = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// A description of one kind of connection: plain data in, plain data out.
///
/// It never sleeps, spawns or reads a clock: what it needs to dial, where to connect, what to say first, how to keep
/// alive, how to decode. Everything else (reconnecting, watchdog, gaps, overflow, renewal) is the stream's, and is the
/// same for every protocol. `E` is what comes out.
pub trait Protocol<E: StreamEvent>: Send + Sync + 'static {
    /// What has to be had before a connection can be dialled.
    fn needs(&self) -> Needs;

    /// Where to connect, and with which headers.
    ///
    /// # Errors
    /// [`Throttled`](crate::ErrorKind::Throttled) is answered by the reconnect policy, with the error's `Retry-After` as
    /// a floor. An error that no repetition mends, such as [`Config`](crate::ErrorKind::Config), ends the stream.
    fn dial(&self, context: &DialContext<'_>) -> Result<DialRequest>;

    /// The first messages of a connection. What they subscribe is `context.wanted`.
    fn greeting(&self, context: &GreetingContext<'_>) -> Vec<Outbound> {
        let _ = context;
        Vec::new()
    }

    /// The message that asks the peer for a sign of life. Default: a WebSocket ping.
    ///
    /// Its answer, when it is a message, is decoded as [`Notice::Pong`]: [`Notice::Probe`] is for [`probe`](Self::probe).
    fn ping(&self) -> Outbound {
        Outbound::Ping(Bytes::new())
    }

    /// The ping whose answer can be told from all others, because it repeats `id`: as a WebSocket pong with that payload,
    /// or as [`Notice::Probe`]. Default: a WebSocket ping.
    ///
    /// A latency monitor measures by it, and it follows every message that subscribes: when its answer is there, the
    /// peer has read what came before.
    fn probe(&self, id: &str, at: SystemTime) -> Outbound {
        let _ = at;
        Outbound::Ping(Bytes::copy_from_slice(id.as_bytes()))
    }

    /// What a connection covers without being asked: the topics by which a loss of its events is reported.
    ///
    /// Empty for protocols whose topics are chosen by subscribing.
    fn covers(&self) -> Vec<Topic> {
        Vec::new()
    }

    /// Whether a topic can be subscribed on this kind of connection.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) that says what can.
    fn check_topic(&self, topic: &Topic) -> Result<()> {
        Err(Error::config(format!(
            "{topic} cannot be subscribed: this kind of connection sends everything without being asked"
        )))
    }

    /// Most topics that one connection can be asked for. Default 1,000.
    fn max_topics(&self) -> usize {
        limits::TOPICS_PER_CHANNEL
    }

    /// The messages that make `context.wanted` the subscription of a connection that is open.
    ///
    /// Not asked of protocols whose channel is subscribed by REST.
    ///
    /// # Errors
    /// [`Throttled`](crate::ErrorKind::Throttled) says that it is too early: it is asked again after the error's
    /// `Retry-After`, for what is wanted then. Any other error refuses the topics that the connection does not have yet,
    /// which is reported as [`Lifecycle::Rejected`]; what was subscribed before stays.
    fn subscription(&self, context: &SubscriptionContext<'_>) -> Result<Vec<Outbound>> {
        let _ = context;
        Ok(Vec::new())
    }

    /// What to check when the peer refuses the token, such as the scope that it has to have. Part of the stream's error.
    fn refusal_hint(&self, cause: &Gone) -> Option<&str> {
        let _ = cause;
        None
    }

    /// The largest age of one connection, and of the token that opened it if that says when it was issued: then the
    /// connection is replaced by another without a gap. Up to a tenth is taken off at random, so that many clients do not
    /// do so in step, and a token that is within that tenth is replaced before a connection is dialled. Default: no limit.
    fn renew_after(&self) -> Option<Duration> {
        None
    }

    /// The deadlines that suit this kind of connection, unless the stream is given others.
    fn timing(&self) -> Timing {
        Timing::default()
    }

    /// The buffers that suit this kind of connection, unless the stream is given others.
    fn buffers(&self) -> Buffers {
        Buffers::default()
    }

    /// A decoder for one connection.
    fn decoder(&self, context: &DecoderContext<'_>) -> Box<dyn Decode<E>>;
}

/// What has to be had before a connection can be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// An access token, for the address, a header or the first message. The connection is renewed when there is a newer
    /// one.
    Token,
    /// A notification channel that is made and subscribed by REST.
    Channel,
}

/// What a protocol may use to say where to connect.
#[derive(Debug)]
#[non_exhaustive]
pub struct DialContext<'a> {
    /// The deployment's addresses.
    pub endpoints: &'a Endpoints,
    /// The channel, for protocols that need one.
    pub channel: Option<&'a ChannelInfo>,
    /// The token, for protocols that need one.
    pub token: Option<&'a AccessToken>,
    /// The topics that the first messages will subscribe; empty for protocols that need a channel.
    pub wanted: &'a [Topic],
    /// The time.
    pub now: SystemTime,
    /// The same on the monotonic clock.
    pub mono: Instant,
}

/// What a protocol may use for its first messages.
#[derive(Debug)]
#[non_exhaustive]
pub struct GreetingContext<'a> {
    /// The token, for protocols that need one.
    pub token: Option<&'a AccessToken>,
    /// The topics that are subscribed; empty for protocols that need a channel.
    pub wanted: &'a [Topic],
    /// The time.
    pub now: SystemTime,
    /// The same on the monotonic clock.
    pub mono: Instant,
}

/// What a protocol may use to change the subscription of an open connection.
#[derive(Debug)]
#[non_exhaustive]
pub struct SubscriptionContext<'a> {
    /// The topics that are to be subscribed from now on: all of them.
    pub wanted: &'a [Topic],
    /// The topics that this connection was asked for before.
    pub before: &'a [Topic],
    /// The time.
    pub now: SystemTime,
    /// The same on the monotonic clock.
    pub mono: Instant,
}

/// What a decoder may use.
#[non_exhaustive]
pub struct DecoderContext<'a> {
    /// The consumer's filter.
    pub filter: Option<TopicFilter>,
    /// The channel, for protocols that need one.
    pub channel: Option<&'a ChannelId>,
}

/// Turns the messages of one connection into events.
pub trait Decode<E>: Send {
    /// One message. Never fails: what cannot be understood is an event of its own.
    fn decode(&mut self, message: Inbound<'_>) -> Decoded<E>;
}

/// One message that came in.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Inbound<'a> {
    /// Text, and the same bytes to be shared rather than copied.
    Text(&'a str, &'a Bytes),
    /// Binary data.
    Binary(&'a Bytes),
}

/// What a stream can yield: an event type that can carry the stream's own items.
///
/// [`Event`](crate::Event), [`RawEvent`](crate::RawEvent) and [`Typed`](crate::Typed) are such.
pub trait StreamEvent: From<Lifecycle> + Send + 'static {}

/// An event that can be made of what was fetched after a gap: what [`StreamBuilder::backfill`] needs.
///
/// [`Event`](crate::Event) and [`RawEvent`](crate::RawEvent) are such.
///
/// [`StreamBuilder::backfill`]: crate::StreamBuilder::backfill
pub trait BackfillEvent: StreamEvent {
    /// The event of a body; what cannot be decoded is an event of its own.
    fn from_body(topic: &Topic, body: &RawValue) -> Self;

    /// The body as JSON; `None` when it has none.
    fn body_text(&self) -> Option<Cow<'_, str>>;
}

/// One message, decoded.
#[derive(Debug)]
#[non_exhaustive]
pub struct Decoded<E> {
    /// What it means for the connection.
    pub notice: Notice,
    /// What it means for the consumer.
    pub item: Option<DecodedItem<E>>,
}

impl<E> Decoded<E> {
    /// A message that is nothing to the consumer.
    pub fn nothing(notice: Notice) -> Self {
        Self { notice, item: None }
    }

    /// A message that is an event to the consumer.
    pub fn event(item: DecodedItem<E>) -> Self {
        Self { notice: Notice::None, item: Some(item) }
    }

    /// The same with what it means for the connection.
    pub fn with_notice(mut self, notice: Notice) -> Self {
        self.notice = notice;
        self
    }
}

/// An event with what its envelope said.
#[derive(Debug)]
#[non_exhaustive]
pub struct DecodedItem<E> {
    /// Its topic.
    pub topic: Topic,
    /// The event.
    pub event: E,
    /// The platform's id of the transaction behind the event.
    pub correlation_id: Option<Box<str>>,
    /// Whether it was what its topic promises.
    pub health: Health,
    /// Where in the message the event's body is.
    pub(crate) body: BodyAt,
}

impl<E> DecodedItem<E> {
    /// An event that is what its topic promises.
    pub fn new(topic: Topic, event: E) -> Self {
        let (health, body) = (Health::Typed, BodyAt::Nowhere);
        Self { topic, event, correlation_id: None, health, body }
    }

    /// Sets [`health`](Self::health).
    pub fn health(mut self, health: Health) -> Self {
        self.health = health;
        self
    }

    /// Sets which bytes of the message are the event's body. Default: the whole message.
    ///
    /// While one connection takes over from another, an event that both deliver is told by its topic, its correlation id
    /// and these bytes: what else a message says may differ from connection to connection.
    pub fn body(mut self, bytes: std::ops::Range<usize>) -> Self {
        self.body = BodyAt::Exact(bytes);
        self
    }
}

/// Whether a message was what its topic promises; counted in [`StreamStats`](crate::StreamStats).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// It was, or nobody looked.
    Typed,
    /// There is no type for it.
    Unrecognized,
    /// It could not be decoded.
    Malformed,
}

/// What a message means for the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// Nothing but that the peer lives.
    None,
    /// The peer's regular sign of life.
    Heartbeat,
    /// The answer to our ping.
    Pong,
    /// The answer to a latency monitor's ping, with its id.
    Probe(Box<str>),
    /// The peer will close the socket soon: it is replaced by another before.
    Closing,
    /// The channel no longer exists.
    ChannelGone(Box<str>),
}

const _: fn(&dyn Protocol<crate::events::Event>) = |_| {};

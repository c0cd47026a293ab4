//! From the text of a frame to what the stream makes of it.

use std::collections::HashSet;

use serde_json::value::RawValue;

use crate::core::ids::ChannelId;
use crate::core::limits::{TOPIC_LENGTH, TOPICS_PER_CHANNEL};
use crate::events::envelope::{Body, Envelope, correlation_id_of};
use crate::events::event::clause;
use crate::events::lifecycle::Lifecycle;
use crate::events::raw::{RawEvent, RawFrame};
use crate::events::reply::SocketReply;
use crate::events::scan::{leading_topic, peek_topic};
use crate::events::table::{Event, TopicKind};
use crate::events::template;
use crate::events::topic::Topic;

/// Topics that are remembered: a channel's own twice over, since a combined one arrives as several.
const REMEMBERED: usize = 2 * TOPICS_PER_CHANNEL;

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
    },
    /// Something to deliver; the topic of a frame that has none is [`Topic::none`].
    Event {
        /// The topic.
        topic: Topic,
        /// What happened.
        event: E,
        /// The platform's transaction.
        correlation_id: Option<Box<str>>,
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
    fn of(topic: &str) -> Self {
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
    /// The lifecycle item inside, if it is one.
    fn lifecycle(&self) -> Option<&Lifecycle>;
}

impl Level for Event {
    fn decode(decoder: &mut Decoder, text: &str) -> Incoming<Self> {
        decoder.decode(text)
    }

    fn lifecycle(&self) -> Option<&Lifecycle> {
        match self {
            Self::Lifecycle(item) => Some(item),
            _ => None,
        }
    }
}

impl Level for RawEvent {
    fn decode(decoder: &mut Decoder, text: &str) -> Incoming<Self> {
        decoder.decode_raw(text)
    }

    fn lifecycle(&self) -> Option<&Lifecycle> {
        match self {
            Self::Lifecycle(item) => Some(item),
            Self::Frame(_) => None,
        }
    }
}

/// Decodes frames, and remembers their topics, so that a topic that was seen costs no allocation.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    topics: HashSet<Known>,
}

#[derive(Clone, Debug)]
struct Known {
    topic: Topic,
    kind: Option<TopicKind>,
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Remembers a topic that is going to be seen; of a combined one its members.
    pub(crate) fn intern(&mut self, topic: &Topic) {
        for member in topic.members() {
            if !self.topics.contains(member.name()) {
                self.remember(&Known::new(member));
            }
        }
    }

    /// Decodes a frame with its body.
    pub(crate) fn decode(&mut self, text: &str) -> Incoming<Event> {
        let mut known = None;
        let parsed = Envelope::parse(text, |name| {
            let found = self.look_up(name);
            let kind = found.kind;
            known = Some(found);
            kind
        });
        let envelope = match parsed {
            Ok(envelope) => envelope,
            // A fault in the body fails the whole frame; without the body there is its topic, and the place of the fault.
            Err(_) => match Envelope::parse(text, |_| None) {
                Ok(envelope) => envelope,
                Err(error) => return self.bad_frame(text, &clause(&error)),
            },
        };
        let Some(name) = &envelope.topic else {
            return match SocketReply::of(&envelope) {
                Some(reply) => Incoming::Reply(reply),
                None => self.bad_frame(text, "no topicName"),
            };
        };
        let known = known.unwrap_or_else(|| self.look_up(name));
        let correlation_id = envelope.correlation_id();
        let event = match envelope.body {
            Body::Decoded(event) => event,
            Body::Raw(body) => Event::of_body(&known.topic, known.kind, body),
            Body::Absent => Event::of_body(&known.topic, None, RawValue::NULL),
        };
        sort(known, event, correlation_id)
    }

    /// Finds the topic of a frame, and keeps its text. Only what the stream itself has to understand is decoded.
    pub(crate) fn decode_raw(&mut self, text: &str) -> Incoming<RawEvent> {
        let known = leading_topic(text).map(|name| self.look_up(name));
        match known {
            Some(known) if !known.is_for_the_stream() => Incoming::Event {
                correlation_id: correlation_id_of(text),
                event: RawEvent::Frame(RawFrame::new(known.topic.clone(), text)),
                topic: known.topic,
            },
            _ => match self.decode(text) {
                Incoming::Heartbeat => Incoming::Heartbeat,
                Incoming::Pong => Incoming::Pong,
                Incoming::Reply(reply) => Incoming::Reply(reply),
                Incoming::System {
                    notice,
                    channel,
                    topic,
                    correlation_id,
                    ..
                } => Incoming::System {
                    notice,
                    channel,
                    event: RawEvent::Frame(RawFrame::new(topic.clone(), text)),
                    topic,
                    correlation_id,
                },
                Incoming::Event {
                    topic,
                    correlation_id,
                    ..
                } => Incoming::Event {
                    event: RawEvent::Frame(RawFrame::new(topic.clone(), text)),
                    topic,
                    correlation_id,
                },
            },
        }
    }

    fn bad_frame(&mut self, text: &str, error: &str) -> Incoming<Event> {
        let topic = peek_topic(text).map(|name| self.look_up(&name).topic);
        Incoming::Event {
            event: Event::of_bad_frame(topic.clone(), error, text),
            topic: topic.unwrap_or_else(Topic::none),
            correlation_id: None,
        }
    }

    fn look_up(&mut self, name: &str) -> Known {
        if let Some(known) = self.topics.get(name) {
            return known.clone();
        }
        let known = Known::new(Topic::unchecked(name));
        self.remember(&known);
        known
    }

    /// Bounded in number and length: when full, it starts over.
    fn remember(&mut self, known: &Known) {
        if known.topic.name().len() > TOPIC_LENGTH {
            return;
        }
        if self.topics.len() >= REMEMBERED {
            self.topics.clear();
        }
        self.topics.insert(known.clone());
    }
}

impl Known {
    fn new(topic: Topic) -> Self {
        let kind = template::find(topic.name()).and_then(|found| found.kind);
        Self { topic, kind }
    }

    fn is_for_the_stream(&self) -> bool {
        matches!(
            self.kind,
            Some(TopicKind::System | TopicKind::ChannelMetadata)
        )
    }
}

impl std::borrow::Borrow<str> for Known {
    fn borrow(&self) -> &str {
        self.topic.name()
    }
}

impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        self.topic == other.topic
    }
}

impl Eq for Known {}

impl std::hash::Hash for Known {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.topic.hash(state);
    }
}

/// Tells what the stream itself must act on from what it delivers.
fn sort(known: Known, event: Event, correlation_id: Option<Box<str>>) -> Incoming<Event> {
    let Known { topic, kind } = known;
    match kind {
        Some(TopicKind::ChannelMetadata) => match event {
            Event::ChannelMetadata(body) if body.is_pong() => Incoming::Pong,
            _ => Incoming::Heartbeat,
        },
        Some(TopicKind::System) => Incoming::System {
            notice: SystemNotice::of(topic.name()),
            channel: match &event {
                Event::System(body) => body.channel_id.clone(),
                _ => None,
            },
            topic,
            event,
            correlation_id,
        },
        _ => Incoming::Event {
            topic,
            event,
            correlation_id,
        },
    }
}

/// Decodes a frame whose topic is known already.
pub(crate) fn read_frame(topic: &Topic, text: &str) -> Event {
    let kind = template::find(topic.name()).and_then(|found| found.kind);
    match Envelope::parse(text, |_| None) {
        Ok(envelope) if envelope.topic.is_some() => match envelope.body {
            Body::Raw(body) => Event::of_body(topic, kind, body),
            _ => Event::of_body(topic, None, RawValue::NULL),
        },
        Ok(_) => Event::of_bad_frame(None, "no topicName", text),
        Err(error) => {
            let topic = (!topic.is_none()).then(|| topic.clone());
            Event::of_bad_frame(topic, &clause(&error), text)
        }
    }
}

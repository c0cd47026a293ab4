//! The platform's notification channels: made by REST, JSON ping, heartbeats, one JSON object per frame.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::core::ids::ChannelId;
use crate::core::limits;
use crate::error::{Error, Result};
use crate::events::{
    BodyAt, Decoder, Event, Incoming, Level, RawEvent, RawFrame, SocketReply, SystemNotice, Topic,
    peek_topic, read_body,
};
use crate::streaming::backfill::options::Filling;
use crate::streaming::builder::StreamBuilder;
use crate::streaming::protocol::{
    BackfillEvent, Decode, Decoded, DecodedItem, DecoderContext, DialContext, DialRequest, Health,
    Inbound, Needs, Notice, Outbound, Protocol, StreamEvent, TopicFilter,
};

/// The documented health check of a notification socket.
const PING: &str = r#"{"message":"ping"}"#;

/// The topics that a stream acts on itself: never filtered.
fn is_own(topic: &str) -> bool {
    topic.starts_with("channel.")
        || topic.starts_with("v2.system.")
        || topic.starts_with("v2.subscription.")
}

/// An event of this protocol, at one level of decoding.
pub(crate) trait NotificationEvent: StreamEvent + Level {
    fn health(&self) -> Health;
}

impl StreamEvent for Event {}
impl StreamEvent for RawEvent {}

impl BackfillEvent for Event {
    fn from_body(topic: &Topic, body: &RawValue) -> Self {
        read_body(topic, body)
    }

    fn body_text(&self) -> Option<Cow<'_, str>> {
        if let Self::Unrecognized { body, .. } = self {
            return Some(Cow::Borrowed(body.get()));
        }
        let body = self.body_json().ok()?;
        Some(Cow::Owned(String::from(Box::<str>::from(body))))
    }
}

impl BackfillEvent for RawEvent {
    fn from_body(topic: &Topic, body: &RawValue) -> Self {
        Self::Frame(RawFrame::around(topic, body))
    }

    fn body_text(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.body()))
    }
}

impl NotificationEvent for Event {
    fn health(&self) -> Health {
        match self {
            Self::Malformed { .. } => Health::Malformed,
            Self::Unrecognized { .. } => Health::Unrecognized,
            _ => Health::Typed,
        }
    }
}

impl NotificationEvent for RawEvent {
    /// Nobody looked into it.
    fn health(&self) -> Health {
        Health::Typed
    }
}

/// The protocol of notification channels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Notifications;

impl<E: NotificationEvent> Protocol<E> for Notifications {
    fn needs(&self) -> Needs {
        Needs::Channel
    }

    fn dial(&self, context: &DialContext<'_>) -> Result<DialRequest> {
        let channel = context
            .channel
            .ok_or_else(|| Error::config("a notification socket needs a channel"))?;
        let url = context.endpoints.check_connect_uri(channel.connect_uri.expose())?;
        // The address is the whole credential: no token goes with it.
        Ok(DialRequest::new(url))
    }

    fn ping(&self) -> Outbound {
        Outbound::Text(PING.into())
    }

    fn renew_after(&self) -> Option<Duration> {
        Some(limits::CHANNEL_RENEWAL)
    }

    fn check_topic(&self, topic: &Topic) -> Result<()> {
        if topic.is_of_socket() {
            return Err(Error::config(format!(
                "{topic} is not a notification topic, it belongs to a socket of its own: subscribe it on a stream from \
                 Client::connect"
            )));
        }
        Ok(())
    }

    fn decoder(&self, context: &DecoderContext<'_>) -> Box<dyn Decode<E>> {
        let channel = context.channel.cloned();
        let filter = context.filter.clone();
        Box::new(NotificationDecoder { decoder: Decoder::new(), filter, channel })
    }
}

struct NotificationDecoder {
    decoder: Decoder,
    filter: Option<TopicFilter>,
    channel: Option<ChannelId>,
}

impl<E: NotificationEvent> Decode<E> for NotificationDecoder {
    fn decode(&mut self, message: Inbound<'_>) -> Decoded<E> {
        let text = match message {
            Inbound::Text(text, _) => text,
            Inbound::Binary(data) => match std::str::from_utf8(data) {
                Ok(text) => text,
                // The platform sends text only; what this is, nobody knows, but it is not lost silently.
                Err(_) => return self.read_bad::<E>(data),
            },
        };
        if let Some(wanted) = &self.filter
            && let Some(topic) = peek_topic(text)
            && !is_own(&topic)
            && !wanted(&topic)
        {
            return Decoded::nothing(Notice::None);
        }
        self.read(text)
    }
}

impl NotificationDecoder {
    fn read<E: NotificationEvent>(&mut self, text: &str) -> Decoded<E> {
        match E::decode(&mut self.decoder, text) {
            Incoming::Heartbeat => Decoded::nothing(Notice::Heartbeat),
            Incoming::Pong => Decoded::nothing(Notice::Pong),
            Incoming::Reply(reply) => Decoded::nothing(reply_notice(&reply)),
            Incoming::System { notice, channel, topic, event, correlation_id, body } => {
                let notice = self.system_notice(notice, channel.as_ref());
                Decoded { notice, item: Some(item(topic, event, correlation_id, body)) }
            }
            Incoming::Event { topic, event, correlation_id, body } => {
                Decoded::event(item(topic, event, correlation_id, body))
            }
        }
    }

    fn read_bad<E: NotificationEvent>(&mut self, data: &[u8]) -> Decoded<E> {
        let mut decoded = self.read(&String::from_utf8_lossy(data));
        if let Some(item) = &mut decoded.item {
            // It was found in another text than this.
            item.body = BodyAt::Nowhere;
        }
        decoded
    }

    fn system_notice(&self, notice: SystemNotice, about: Option<&ChannelId>) -> Notice {
        // Another channel of the same user is not our business.
        let ours = about.is_none() || about == self.channel.as_ref();
        match notice {
            SystemNotice::SocketClosing if ours => Notice::Closing,
            SystemNotice::NoLongerSubscribed if ours => {
                Notice::ChannelGone("another channel took its subscriptions".into())
            }
            SystemNotice::TokenRevoked if ours => {
                Notice::ChannelGone("its token was revoked".into())
            }
            _ => Notice::None,
        }
    }
}

/// An unsolicited 404 says that the channel has expired, was displaced, or lost its token.
fn reply_notice(reply: &SocketReply) -> Notice {
    if reply.result == Some(404) {
        let detail = reply.message.as_deref().unwrap_or("the platform no longer knows it");
        Notice::ChannelGone(detail.into())
    } else {
        Notice::None
    }
}

fn item<E: NotificationEvent>(
    topic: Topic,
    event: E,
    correlation_id: Option<Box<str>>,
    body: BodyAt,
) -> DecodedItem<E> {
    let health = event.health();
    DecodedItem { topic, event, correlation_id, health, body }
}

impl StreamBuilder<Event> {
    /// Delivers topic and undecoded body, for those who forward or filter.
    pub fn raw(self) -> StreamBuilder<RawEvent> {
        let Self { parts, settings, backfill } = self;
        StreamBuilder {
            parts: parts.speaking(Arc::new(Notifications)),
            settings,
            backfill: backfill.map(Filling::speaking),
        }
    }
}

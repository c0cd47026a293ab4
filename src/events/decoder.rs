//! From the text of a frame to what the stream makes of it.

use std::collections::HashSet;

use serde_json::value::RawValue;

use crate::core::limits::{TOPIC_LENGTH, TOPICS_PER_CHANNEL};
use crate::events::body_at::BodyAt;
use crate::events::envelope::Envelope;
use crate::events::event::clause;
use crate::events::generated::table::{Event, TopicKind};
use crate::events::incoming::{Incoming, SystemNotice};
use crate::events::raw::{RawEvent, RawFrame};
use crate::events::reply::SocketReply;
use crate::events::scan::{self, leading_topic, peek_topic, trailing_correlation_id};
use crate::events::template;
use crate::events::topic::Topic;

/// Topics that are remembered: a channel's own twice over, since a combined one arrives as several.
const REMEMBERED: usize = 2 * TOPICS_PER_CHANNEL;

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

    /// Decodes a frame with its body.
    pub(crate) fn decode(&mut self, text: &str) -> Incoming<Event> {
        match self.decode_usual(text) {
            Some(incoming) => incoming,
            None => self.decode_any(text),
        }
    }

    /// Decodes a frame that looks as usual and is valid: the body is read once, and the envelope not at all.
    pub(super) fn decode_usual(&mut self, text: &str) -> Option<Incoming<Event>> {
        let split = scan::split(text)?;
        let known = self.look_up(split.topic);
        let event = Event::of_text(&known.topic, known.kind, split.body)?;
        // It was read to its end.
        let body = BodyAt::exact(text, Some(split.body));
        Some(sort(known, event, Some(split.correlation_id.into()), body))
    }

    /// Decodes any other frame.
    pub(super) fn decode_any(&mut self, text: &str) -> Incoming<Event> {
        let envelope = match Envelope::parse(text) {
            Ok(envelope) => envelope,
            Err(error) => return self.bad_frame(text, &clause(&error)),
        };
        let Some(name) = &envelope.topic else {
            return match SocketReply::of(&envelope) {
                Some(reply) => Incoming::Reply(reply),
                None => self.bad_frame(text, "no topicName"),
            };
        };
        let known = self.look_up(name);
        let correlation_id = envelope.correlation_id();
        let body = BodyAt::exact(text, envelope.body.map(RawValue::get));
        let event = Event::of_body(&known.topic, known.kind, envelope.body);
        sort(known, event, correlation_id, body)
    }

    /// Finds the topic of a frame, and keeps its text. Only what the stream itself has to understand is decoded.
    pub(crate) fn decode_raw(&mut self, text: &str) -> Incoming<RawEvent> {
        let known = leading_topic(text).map(|name| self.look_up(name));
        match known {
            Some(known) if !known.is_for_the_stream() => {
                let (correlation_id, body) = match scan::split(text) {
                    Some(split) => {
                        (Some(split.correlation_id.into()), BodyAt::within(text, split.body))
                    }
                    None => match Envelope::parse(text) {
                        Ok(envelope) => {
                            let body = envelope.body.map(RawValue::get);
                            (envelope.correlation_id(), BodyAt::exact(text, body))
                        }
                        Err(_) => (trailing_correlation_id(text).map(Into::into), BodyAt::Nowhere),
                    },
                };
                Incoming::Event {
                    correlation_id,
                    event: RawEvent::Frame(RawFrame::new(known.topic.clone(), text)),
                    topic: known.topic,
                    body,
                }
            }
            _ => match self.decode(text) {
                Incoming::Heartbeat => Incoming::Heartbeat,
                Incoming::Pong => Incoming::Pong,
                Incoming::Reply(reply) => Incoming::Reply(reply),
                Incoming::System { notice, channel, topic, correlation_id, body, .. } => {
                    Incoming::System {
                        notice,
                        channel,
                        event: RawEvent::Frame(RawFrame::new(topic.clone(), text)),
                        topic,
                        correlation_id,
                        body,
                    }
                }
                Incoming::Event { topic, correlation_id, body, .. } => Incoming::Event {
                    event: RawEvent::Frame(RawFrame::new(topic.clone(), text)),
                    topic,
                    correlation_id,
                    body,
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
            body: BodyAt::Nowhere,
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
        matches!(self.kind, Some(TopicKind::System | TopicKind::ChannelMetadata))
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
fn sort(
    known: Known,
    event: Event,
    correlation_id: Option<Box<str>>,
    body: BodyAt,
) -> Incoming<Event> {
    let Known { topic, kind } = known;
    match kind {
        Some(TopicKind::ChannelMetadata) => match event {
            Event::ChannelMetadata(said) if said.is_pong() => Incoming::Pong,
            _ => Incoming::Heartbeat,
        },
        Some(TopicKind::System) => Incoming::System {
            notice: SystemNotice::of(topic.name()),
            channel: match &event {
                Event::System(said) => said.channel_id.clone(),
                _ => None,
            },
            topic,
            event,
            correlation_id,
            body,
        },
        _ => Incoming::Event { topic, event, correlation_id, body },
    }
}

/// Decodes a body that came without a frame.
pub(crate) fn read_body(topic: &Topic, body: &RawValue) -> Event {
    let kind = template::find(topic.name()).and_then(|found| found.kind);
    Event::of_body(topic, kind, Some(body))
}

/// Decodes a frame whose topic is known already.
pub(crate) fn read_frame(topic: &Topic, text: &str) -> Event {
    let kind = template::find(topic.name()).and_then(|found| found.kind);
    match Envelope::parse(text) {
        Ok(envelope) if envelope.topic.is_some() => Event::of_body(topic, kind, envelope.body),
        Ok(_) => Event::of_bad_frame(None, "no topicName", text),
        Err(error) => {
            let topic = (!topic.is_none()).then(|| topic.clone());
            Event::of_bad_frame(topic, &clause(&error), text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::ChannelId;

    const PRESENCE: &str = r#"{"topicName":"v2.users.u1.presence","version":"2","eventBody":{"primary":true},"metadata":{"CorrelationId":"c1"}}"#;

    fn event(incoming: Incoming<Event>) -> (Topic, Event, Option<Box<str>>) {
        match incoming {
            Incoming::Event { topic, event, correlation_id, .. } => (topic, event, correlation_id),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_body_is_decoded_wherever_the_topic_stands() {
        let mut decoder = Decoder::new();
        let last = r#"{"metadata":{"CorrelationId":"c1"},"eventBody":{"primary":true},"version":2,"topicName":"v2.users.u1.presence"}"#;
        for text in [PRESENCE, last] {
            let (topic, event, id) = event(decoder.decode(text));
            assert_eq!((topic.id(), id.as_deref()), ("u1", Some("c1")));
            assert_eq!(event.variant(), "UsersPresence");
        }
    }

    #[test]
    fn heartbeats_and_pongs_are_for_the_stream() {
        let frame =
            |body: &str| format!(r#"{{"topicName":"channel.metadata","eventBody":{body}}}"#);
        let mut decoder = Decoder::new();
        for body in [r#"{"message":"WebSocket Heartbeat"}"#, "{}", "null", "7"] {
            let text = frame(body);
            assert!(matches!(decoder.decode(&text), Incoming::Heartbeat), "{body}");
            assert!(matches!(decoder.decode_raw(&text), Incoming::Heartbeat), "{body}");
        }
        let pong = frame(r#"{"message":"pong"}"#);
        assert!(matches!(decoder.decode(&pong), Incoming::Pong));
        assert!(matches!(decoder.decode_raw(&pong), Incoming::Pong));
    }

    #[test]
    fn notices_are_told_apart_by_topic_even_when_their_body_is_bad() {
        let table = [
            ("v2.system.socket_closing", SystemNotice::SocketClosing),
            ("v2.system.no_longer_subscribed.u1", SystemNotice::NoLongerSubscribed),
            ("v2.system.token_revoked.u1", SystemNotice::TokenRevoked),
            ("v2.system.news.u1", SystemNotice::Other),
            ("v2.subscription.updated", SystemNotice::SubscriptionUpdated),
        ];
        let mut decoder = Decoder::new();
        for (name, expected) in table {
            for (body, id) in [(r#"{"channelId":"ch-1"}"#, Some("ch-1")), ("[]", None)] {
                let text = format!(r#"{{"topicName":"{name}","eventBody":{body}}}"#);
                let Incoming::System { notice, channel, event, .. } = decoder.decode(&text) else {
                    panic!("{text}");
                };
                assert_eq!(notice, expected, "{text}");
                assert_eq!(channel.as_ref().map(ChannelId::expose), id, "{text}");
                assert!(!format!("{event:?}").contains("ch-1"), "{event:?}");
                let raw = decoder.decode_raw(&text);
                assert!(matches!(raw, Incoming::System { notice, .. } if notice == expected));
            }
        }
    }

    #[test]
    fn frames_without_a_topic_are_replies_or_malformed() {
        let mut decoder = Decoder::new();
        let reply = r#"{"result":"404","message":"gone"}"#;
        assert!(matches!(decoder.decode(reply), Incoming::Reply(_)));
        assert!(matches!(decoder.decode_raw(reply), Incoming::Reply(_)));
        for text in ["", "nonsense", "[]", "{}", r#"{"a":1}"#, "{\"topicName\":", "\u{0}"] {
            let (topic, event, _) = event(decoder.decode(text));
            assert!(topic.is_none(), "{text}");
            assert!(matches!(event, Event::Malformed { topic: None, .. }), "{text}");
            let Incoming::Event { event: RawEvent::Frame(raw), .. } = decoder.decode_raw(text)
            else {
                panic!("{text}");
            };
            assert_eq!(raw.text(), text);
            assert!(raw.decode().is_err(), "{text}");
        }
    }

    #[test]
    fn a_bad_body_keeps_topic_and_correlation_id() {
        let text = PRESENCE.replace("true", "\"yes\"");
        let (topic, event, id) = event(Decoder::new().decode(&text));
        assert_eq!((topic.id(), id.as_deref()), ("u1", Some("c1")));
        let Event::Malformed { path, topic, .. } = event else {
            panic!("{event:?}");
        };
        assert_eq!((&*path, topic.unwrap().id()), ("primary", "u1"));
    }

    #[test]
    fn a_frame_cut_in_the_body_keeps_its_topic() {
        let (topic, event, _) = event(Decoder::new().decode(&PRESENCE[..80]));
        assert_eq!(topic.id(), "u1");
        assert!(matches!(event, Event::Malformed { topic: Some(_), .. }));
    }

    #[test]
    fn the_raw_level_keeps_the_text_and_finds_the_body_when_asked() {
        let Incoming::Event { topic, event, correlation_id, .. } =
            Decoder::new().decode_raw(PRESENCE)
        else {
            panic!();
        };
        assert_eq!((topic.id(), correlation_id.as_deref()), ("u1", Some("c1")));
        assert_eq!(event.body(), r#"{"primary":true}"#);
        assert_eq!(event.decode().unwrap().variant(), "UsersPresence");
        assert!(!format!("{event:?}").contains("primary"), "{event:?}");
    }

    #[test]
    fn the_body_is_found_whatever_the_envelope_says_besides() {
        const BODY: &str = r#"{"primary":true,"x":{"metadata":{"CorrelationId":"no"}}}"#;
        let frames = [
            format!(
                r#"{{"topicName":"v2.users.u1.presence","version":"2","eventBody":{BODY},"metadata":{{"CorrelationId":"c"}}}}"#
            ),
            format!(
                r#"{{"topicName":"v2.users.u1.presence", "eventBody" : {BODY} , "metadata":{{"CorrelationId":"c"}}}}"#
            ),
            format!(
                r#"{{"topicName":"v2.users.u1.presence","eventBody":{BODY},"channel":{{"id":1}},"metadata":{{"CorrelationId":"c"}}}}"#
            ),
            format!(
                r#"{{"topicName":"v2.users.u1.presence","eventBody":{BODY},"metadata":{{"type":"t","CorrelationId":"c"}}}}"#
            ),
            format!(
                r#"{{"metadata":{{"CorrelationId":"c","at":7}},"eventBody":{BODY},"topicName":"v2.users.u1.presence"}}"#
            ),
        ];
        for frame in &frames {
            let mut decoder = Decoder::new();
            let typed = decoder.decode(frame);
            let Incoming::Event { body, correlation_id, .. } = typed else { panic!("{frame}") };
            assert_eq!(body.of(frame.as_bytes()), BODY.as_bytes(), "{frame}");
            assert_eq!(correlation_id.as_deref(), Some("c"));
            let raw = decoder.decode_raw(frame);
            let Incoming::Event { body, correlation_id, .. } = raw else { panic!("{frame}") };
            assert_eq!(body.of(frame.as_bytes()), BODY.as_bytes(), "{frame}");
            assert_eq!(correlation_id.as_deref(), Some("c"));
        }
    }

    #[test]
    fn a_topic_is_allocated_once_and_memory_does_not_grow_with_topics() {
        let mut decoder = Decoder::new();
        let (first, ..) = event(decoder.decode(PRESENCE));
        let (again, ..) = event(decoder.decode(PRESENCE));
        assert!(std::ptr::eq(first.name(), again.name()));
        for n in 0..3 * REMEMBERED {
            decoder.decode(&PRESENCE.replace("u1", &n.to_string()));
        }
        assert!(decoder.topics.len() <= REMEMBERED);
        decoder.decode(&PRESENCE.replace("u1", &"x".repeat(10_000)));
        assert!(decoder.topics.iter().all(|k| k.topic.name().len() <= TOPIC_LENGTH));
    }

    #[test]
    fn ten_thousand_nested_values_in_an_envelope_never_overflow_the_stack() {
        let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        let mut decoder = Decoder::new();
        for text in [
            deep.clone(),
            format!(r#"{{"topicName":"v2.x","eventBody":{deep}}}"#),
            format!(r#"{{"topicName":"v2.x","metadata":{deep},"eventBody":{{}}}}"#),
            format!(r#"{{"topicName":{deep}}}"#),
            format!(r#"{{"result":{deep}}}"#),
            "[".repeat(100_000),
        ] {
            decoder.decode(&text);
            decoder.decode_raw(&text);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_decoder_panic(text in proptest::prelude::any::<String>()) {
            let mut decoder = Decoder::new();
            for frame in [text.clone(), format!(r#"{{"topicName":"v2.users.1.presence","eventBody":{text}}}"#)] {
                decoder.decode(&frame);
                decoder.decode_raw(&frame);
            }
        }
    }
}

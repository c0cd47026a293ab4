//! What the fuzz targets check, as plain functions of their input.
//!
//! ```text
//! cargo fuzz run envelope fuzz/corpus/envelope fuzz/seeds/envelope
//! ```

use genesys_cloud::{Frame, IntoTopic, Topic, limits, topics};
use serde_json::Value;

/// The platform's topics, one to a line; `{id}` stands for one segment.
const TOPICS: &str = include_str!("../topics.txt");

/// A text as a frame: what can be decoded is written as the same JSON, and that is decoded to the same frame.
pub fn envelope(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let peeked = Frame::peek_topic(text);
    let frame = match Frame::decode(text) {
        Ok(frame) => frame,
        Err(error) => {
            let shown = format!("{error} {error:?}");
            assert!(shown.len() < 4096, "{} bytes", shown.len());
            return;
        }
    };
    assert_eq!(peeked.as_deref(), Some(frame.topic.name()));
    let _ = (format!("{frame:?}"), frame.correlation_id(), frame.version(), frame.topic.ids());
    let body = frame.event.body_json().expect("a decoded event can be written");
    assert!(!body.get().contains('\n'));

    let written = serde_json::to_string(&frame).expect("a decoded frame can be written");
    let again = Frame::decode(&written).expect("a written frame can be decoded");
    assert_eq!(frame.event.variant(), again.event.variant());
    assert!(frame == again, "{written}");
    // A tree holds neither the deepest values nor the largest numbers; both are kept as text.
    if let Ok(before) = serde_json::from_str::<Value>(text) {
        let after: Value = serde_json::from_str(&written).expect("a written frame is JSON");
        assert_eq!(before, after);
    }
}

/// A number and a text as a topic of the list, and a body of it.
pub fn any_topic(data: &[u8]) {
    let Some((number, body)) = data.split_first_chunk::<2>() else { return };
    let Ok(body) = str::from_utf8(body) else { return };
    let count = TOPICS.lines().count();
    let topic = TOPICS.lines().nth(usize::from(u16::from_le_bytes(*number)) % count);
    let topic = topic.expect("the list is not empty").replace("{id}", "8f0c-1");
    envelope(format!(r#"{{"topicName":"{topic}","eventBody":{body}}}"#).as_bytes());
}

/// A text as the name of a topic: what is taken is kept as it is, and stands for single topics.
pub fn topic(data: &[u8]) {
    let Ok(name) = str::from_utf8(data) else { return };
    let typed = topics::users::presence(name);
    inspect(&typed.untyped());
    let _ = typed.into_topic();
    if let Ok(topic) = name.parse::<Topic>() {
        assert_eq!((topic.name(), &*topic.to_string()), (name, name));
        assert!(name.len() <= limits::TOPIC_LENGTH && name.is_ascii());
        inspect(&topic);
        for member in topic.members() {
            assert!(!member.is_combined());
            assert!(member.name().len() <= name.len());
            assert_eq!(member.clone().into_topic().expect("a part of a topic is one"), member);
        }
    }
    // From the network any name is taken.
    let frame = serde_json::json!({ "topicName": name, "eventBody": {} }).to_string();
    if let Ok(frame) = Frame::decode(&frame) {
        assert_eq!(frame.topic.name(), name);
        inspect(&frame.topic);
    }
}

fn inspect(topic: &Topic) {
    let ids = topic.ids();
    assert_eq!(topic.id(), ids.first().copied().unwrap_or_default());
    assert!(ids.iter().all(|id| topic.name().contains(id)));
    assert!(!topic.members().is_empty());
    assert_eq!(topic.is_combined(), topic.name().contains('?'));
    let shown = format!("{topic:?}");
    assert!(!shown.contains('\n'), "{shown}");
}

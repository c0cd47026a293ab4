//! What reads a frame.

use std::hint::black_box;

use genesys_cloud::Frame;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

/// A frame as one would write it by hand.
#[derive(Deserialize)]
struct Envelope<'a, T> {
    #[serde(rename = "topicName")]
    topic: &'a str,
    #[serde(rename = "eventBody")]
    body: T,
}

/// As [`Envelope`], with the text of the body.
#[derive(Deserialize)]
struct RawEnvelope<'a> {
    #[serde(rename = "topicName")]
    topic: &'a str,
    #[serde(borrow, rename = "eventBody")]
    body: &'a RawValue,
}

pub(crate) fn ours(text: &str) {
    drop(black_box(Frame::decode(text).expect("a valid frame")));
}

pub(crate) fn peek(text: &str) {
    black_box(Frame::peek_topic(text).expect("a topic").len());
}

pub(crate) fn tree(text: &str) -> Value {
    serde_json::from_str(text).expect("valid JSON")
}

/// A struct with some of the fields; the others are skipped.
pub(crate) fn one_pass<T: DeserializeOwned>(text: &str) {
    let envelope: Envelope<'_, T> = serde_json::from_str(text).expect("a valid frame");
    black_box((envelope.topic, envelope.body));
}

/// The body's end first, and then the body.
pub(crate) fn two_passes<T: DeserializeOwned>(text: &str) {
    let envelope: RawEnvelope<'_> = serde_json::from_str(text).expect("a valid frame");
    let body: Box<T> = serde_json::from_str(envelope.body.get()).expect("a valid body");
    black_box((envelope.topic, body));
}

/// The body's end, and a copy of its text.
pub(crate) fn walk(text: &str) {
    let envelope: RawEnvelope<'_> = serde_json::from_str(text).expect("a valid frame");
    black_box((envelope.topic.to_owned(), envelope.body.to_owned()));
}

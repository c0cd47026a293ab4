//! What reading allocates: counted, so that it does not creep up.

use allocation_counter::measure;

use crate::events::decoder::Decoder;
use crate::events::{Frame, TopicSet};

const PRESENCE: &str = r#"{"topicName":"v2.users.8f0c.presence","version":"2","eventBody":{"source":"PURECLOUD","presenceDefinition":{"id":"e08eaf1b","systemPresence":"ON_QUEUE"},"primary":true,"message":"","modifiedDate":"2026-03-04T09:01:10.120Z"},"metadata":{"CorrelationId":"290034f4"}}"#;

/// Texts in it that are not empty: source, definition, system presence and date, and the correlation id.
const TEXTS: u64 = 5;

#[test]
fn a_presence_event_costs_its_texts_and_at_most_three_allocations() {
    let mut decoder = Decoder::new();
    drop(decoder.decode(PRESENCE));
    let stream = measure(|| drop(decoder.decode(PRESENCE)));
    let frame = measure(|| drop(Frame::decode(PRESENCE)));
    println!("{} by a stream, {} as a frame", stream.count_total, frame.count_total);
    assert!((TEXTS..=TEXTS + 3).contains(&stream.count_total), "{stream:?}");
    // The topic, the version and the metadata are kept too, the correlation id within them.
    assert!((TEXTS..=TEXTS + 3).contains(&frame.count_total), "{frame:?}");
    assert_eq!((stream.count_current, frame.count_current), (0, 0));
}

#[test]
fn an_unwanted_frame_allocates_nothing_and_its_body_is_not_read() {
    let wanted = TopicSet::new().with("v2.users.{id}.routingStatus");
    let unreadable = PRESENCE.replace("\"source\"", "]]]");
    for text in [PRESENCE, &unreadable] {
        let cost = measure(|| {
            let topic = Frame::peek_topic(text).expect("a topic");
            assert!(!wanted.contains(&topic));
        });
        assert_eq!(cost.count_total, 0, "{cost:?}");
    }
}

#[test]
fn a_body_without_a_type_is_one_copy_of_its_text() {
    let text = PRESENCE.replace("v2.users.8f0c.presence", "v2.nobody.knows");
    let mut decoder = Decoder::new();
    drop(decoder.decode(&text));
    let cost = measure(|| drop(decoder.decode(&text)));
    // The correlation id, the body, and what the walk to its end notes of open brackets.
    assert!((2..=3).contains(&cost.count_total), "{cost:?}");
    assert!(cost.bytes_total < PRESENCE.len() as u64, "{cost:?}");
}

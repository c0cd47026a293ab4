//! What stands for an event when the deliveries of two connections, or of two processes, are compared.
//!
//! The hash is SipHash-1-3 under a key that is part of the crate, so that it is the same in every process and build. That
//! the key is known is no danger. Tables of fingerprints are hashed once more by the standard library, under a key of
//! the process. And a collision would have to be made: when 65,536 deliveries are compared with as many, one comes by chance
//! in one of four thousand million hand-overs; and to make one, all that is hashed has to be known, which has the
//! platform's correlation id in it, before the body.

use std::hash::Hasher as _;
use std::num::NonZeroU64;

use siphasher::sip::SipHasher13;

/// Any numbers would do; these are the first digits of the fractions of the square roots of 2 and 3.
const KEY: (u64, u64) = (0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b);

/// Stands for an event: a hash of what makes it the same event on any connection.
pub(crate) type Fingerprint = NonZeroU64;

/// The fingerprint of an event: of its topic, its correlation id and the bytes of its body, and of nothing else.
///
/// What else a frame says (the order of its members, white space between them, other metadata) may differ from channel
/// to channel. The correlation id alone would not do, as the platform gives one to all events of a transaction. The body
/// is the text as it came: the platform writes one body for all channels, and to take equal values for equal bodies would
/// need a second reading of them.
pub(crate) fn fingerprint(topic: &str, correlation_id: Option<&str>, body: &[u8]) -> Fingerprint {
    let mut hasher = SipHasher13::new_with_keys(KEY.0, KEY.1);
    // The lengths come first, or else the bytes of one part could be the next one's. Written here and not by `Hash`, which
    // may do it in another way in another build.
    let id = correlation_id.map_or(u64::MAX, |id| id.len() as u64);
    hasher.write(&(topic.len() as u64).to_le_bytes());
    hasher.write(&id.to_le_bytes());
    for part in [topic.as_bytes(), correlation_id.unwrap_or_default().as_bytes(), body] {
        hasher.write(part);
    }
    NonZeroU64::new(hasher.finish()).unwrap_or(NonZeroU64::MIN)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;
    use crate::events::{Decoder, Event, Incoming, Level, RawEvent};
    use crate::streaming::overlap::Overlap;

    /// A frame as one channel writes it.
    fn frame(manner: u8, (topic, id, body): (u8, u8, u8)) -> String {
        let topic = format!(r#""topicName":"v2.users.u{topic}.presence""#);
        let body = format!(r#""eventBody":{{"message":"{body}","n":[{body}]}}"#);
        let id = format!(r#""CorrelationId":"c{id}""#);
        match manner % 5 {
            0 => format!(r#"{{{topic},"version":"2",{body},"metadata":{{{id}}}}}"#),
            1 => format!(r#"{{ {topic} , "version": "2",{body}  , "metadata" : {{ {id} }} }}"#),
            2 => format!(r#"{{{topic},{body},"channel":{{"n":2}},"metadata":{{{id}}}}}"#),
            3 => format!(r#"{{"metadata":{{"type":"x",{id}}},{body},"version":"2",{topic}}}"#),
            _ => format!(r#"{{{topic},{body},"metadata":{{{id},"sent":7}}}}"#),
        }
    }

    /// What comes out of frames of one link, by their place.
    fn through<E: Level>(
        overlap: &Overlap,
        link: u64,
        frames: &[String],
        from: usize,
    ) -> Vec<usize> {
        let mut decoder = Decoder::new();
        let mut prints = Vec::new();
        for frame in frames {
            let Incoming::Event { topic, correlation_id, body, .. } =
                E::decode(&mut decoder, frame)
            else {
                panic!("{frame}")
            };
            let of = |frame: &String| {
                let body = body.of(frame.as_bytes());
                fingerprint(topic.name(), correlation_id.as_deref(), body)
            };
            prints.push(overlap.is_active().then(|| of(frame)));
        }
        let mut places: Vec<usize> = (from..from + frames.len()).collect();
        overlap.sift(link, &mut places, &mut prints, Instant::now());
        overlap.note(link, &prints);
        places
    }

    fn each_comes_once<E: Level>(
        (old, new): (u8, u8),
        events: &[(u8, u8, u8)],
        cuts: (usize, usize),
    ) {
        let (a, b) = (cuts.0 % (events.len() + 1), cuts.1 % (events.len() + 1));
        let (begins, ends) = (a.min(b), a.max(b));
        let on = |manner| -> Vec<String> { events.iter().map(|one| frame(manner, *one)).collect() };
        let (on_old, on_new) = (on(old), on(new));
        let overlap = Overlap::default();
        let mut seen = through::<E>(&overlap, 1, &on_old[..begins], 0);
        overlap.begin(&[1], 2);
        seen.extend(through::<E>(&overlap, 1, &on_old[begins..ends], begins));
        overlap.switch(2, Instant::now());
        seen.extend(through::<E>(&overlap, 2, &on_new[begins..], begins));
        assert_eq!(seen, (0..events.len()).collect::<Vec<_>>(), "{old} {new} {begins} {ends}");
    }

    proptest! {
        #[test]
        fn two_channels_that_write_one_event_differently_deliver_it_once(
            manners in (0u8..5, 0u8..5),
            events in proptest::collection::vec((0u8..2, 0u8..3, 0u8..2), 1..40),
            cuts in (any::<usize>(), any::<usize>()),
        ) {
            each_comes_once::<Event>(manners, &events, cuts);
            each_comes_once::<RawEvent>(manners, &events, cuts);
        }
    }

    #[test]
    fn a_fingerprint_is_the_same_in_every_process() {
        let print = fingerprint("v2.users.1.presence", Some("a-1"), br#"{"primary":true}"#);
        assert_eq!(print.get(), 17_529_878_963_185_894_936);
    }

    #[test]
    fn topic_correlation_id_and_body_all_count() {
        let of = fingerprint;
        assert_eq!(of("t", Some("c"), b"m"), of("t", Some("c"), b"m"));
        let different = [
            of("t", Some("c"), b"m"),
            of("u", Some("c"), b"m"),
            of("t", Some("d"), b"m"),
            of("t", None, b"m"),
            of("t", Some(""), b"m"),
            of("t", Some("c"), b"n"),
            of("tc", Some(""), b"m"),
            of("t", Some("cm"), b""),
        ];
        assert_eq!(HashSet::from(different).len(), different.len());
    }
}

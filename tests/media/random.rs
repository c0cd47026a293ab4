//! Whatever comes in comes out exactly once.

use bytes::Bytes;
use genesys_cloud::media::{Checksum, FrameError, FrameType, Oversize, Pipeline, SizeBreaker};
use proptest::prelude::*;
use std::time::Duration;

use crate::support::{UPDATE, media};

/// Bytes that are likely to get far, damaged here and there.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![
        Just(UPDATE.as_bytes().to_vec()),
        Just(br#"{"type":"keepalive"}"#.to_vec()),
        Just(media(7)),
        "\\{\"type\":\"[a-z.\\\\\"]{0,20}\"[,:{}\"a-z0-9\\[\\]]{0,40}".prop_map(String::into_bytes),
        any::<Vec<u8>>(),
    ];
    let damage = proptest::option::of((any::<prop::sample::Index>(), any::<u8>()));
    (text, damage).prop_map(|(mut bytes, damage)| {
        if let Some((at, byte)) = damage
            && !bytes.is_empty()
        {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #[test]
    fn every_input_comes_out_once_in_order_and_whole(
        inputs in proptest::collection::vec((payload(), any::<bool>()), 0..40),
        max_frame in 0usize..400,
        limit in 0u64..400,
        trailer: bool,
    ) {
        let checksum = if trailer { Checksum::trailer() } else { Checksum::member("id", "routing") };
        let mut pipeline = Pipeline::builder()
            .max_frame(max_frame)
            .breaker(SizeBreaker::new(limit, Duration::from_secs(60)).min_frames(5))
            .checksum(checksum)
            .register(FrameType::binary("own", 0x00))
            .build()
            .unwrap();
        for (number, (bytes, is_binary)) in inputs.iter().enumerate() {
            let frame = pipeline.frame(Bytes::copy_from_slice(bytes), *is_binary);
            let (frame, has_problem) = match pipeline.process(frame) {
                Ok(frame) => (frame, false),
                Err(error) => {
                    prop_assert!(!error.to_string().is_empty());
                    (error.into_frame(), true)
                }
            };
            prop_assert_eq!(frame.id, number as u64);
            prop_assert_eq!(&frame.payload, bytes);
            prop_assert_eq!(frame.problems.is_empty(), !has_problem);
            // Whoever asks gets an answer, whatever it is.
            let _ = (frame.audio(), frame.type_name());
            if let Some(value) = frame.value {
                prop_assert!(value.parse::<serde_json::Value>().is_ok() || !has_problem);
            }
        }
        let metrics = pipeline.metrics();
        prop_assert_eq!(metrics.frames, inputs.len() as u64);
        prop_assert_eq!(
            metrics.frames,
            metrics.sound + metrics.invalid + metrics.oversize + metrics.tripped
        );
        prop_assert_eq!(metrics.bytes, inputs.iter().map(|(b, _)| b.len() as u64).sum::<u64>());
    }

    #[test]
    fn what_is_sound_json_here_is_json_to_everybody(bytes in payload(), drop: bool) {
        let oversize = if drop { Oversize::Drop } else { Oversize::Keep };
        let mut pipeline = Pipeline::builder().oversize(oversize).build().unwrap();
        let frame = pipeline.frame(Bytes::from(bytes.clone()), true);
        let is_object = bytes.trim_ascii_start().first() == Some(&b'{');
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        let frame = pipeline.process(frame).unwrap_or_else(FrameError::into_frame);
        let is_json = frame.value.is_some();
        if is_json {
            prop_assert!(is_object && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
        }
        if is_object && serde_json::from_str::<serde_json::Value>(text).is_ok() {
            prop_assert!(is_json);
        }
    }
}

//! What a frame is, and that it is handed on rather than copied.

use bytes::Bytes;
use futures::{StreamExt, stream};
use genesys_cloud::media::{
    ChecksumState, FrameItem, FrameType, JsonType, MediaFormat, Oversize, PayloadType, Pipeline,
    Schema,
};
use tungstenite::Message;

use crate::support::{UPDATE, binary, media, pipeline, text};

#[test]
fn each_kind_is_recognised_as_text_and_as_binary() {
    let kind = PayloadType::named;
    let table = [
        (UPDATE, kind("interaction.update")),
        (r#" { "type" : "keepalive" }"#, PayloadType::Keepalive),
        (r#"{"at":1,"type":"keepalive"}"#, PayloadType::Keepalive),
        (r#"{"at":{"type":"keepalive"}}"#, PayloadType::Unknown),
        (r#"{"type":"keep\u0061live"}"#, PayloadType::Keepalive),
        (r#"{"t\u0079pe":"keepalive"}"#, PayloadType::Keepalive),
        (r#"{"type":"brand.new","a":[1]}"#, PayloadType::Unknown),
        (r#"{"type":17}"#, PayloadType::Unknown),
        (r#"{"type":"telephony.media"}"#, PayloadType::Unknown),
        ("{}", PayloadType::Unknown),
        ("hello", PayloadType::Unknown),
        ("[1]", PayloadType::Unknown),
        ("", PayloadType::Unknown),
    ];
    let mut pipeline = pipeline();
    for (input, expected) in table {
        for is_binary in [false, true] {
            let frame = pipeline.frame(Bytes::from_static(input.as_bytes()), is_binary);
            let frame = pipeline.process(frame).unwrap();
            assert_eq!((&frame.kind, frame.binary), (&expected, is_binary), "{input}");
            assert_eq!(frame.payload, input.as_bytes());
            assert_eq!(frame.value.is_some(), input.trim().starts_with('{'), "{input}");
            assert_eq!(frame.checksum, ChecksumState::NotChecked);
        }
    }
    assert_eq!(pipeline.metrics().sound, 26);
}

#[test]
fn what_is_unknown_keeps_its_name_and_its_bytes() {
    let mut pipeline = pipeline();
    let frame = text(&mut pipeline, r#"{"type":"brand.new","a":[1]}"#).unwrap();
    assert_eq!(frame.type_name().as_deref(), Some("brand.new"));
    assert_eq!(frame.value.unwrap().member("a"), Some("[1]"));
    let frame = binary(&mut pipeline, &[0x01, 0xff, 0x00]).unwrap();
    assert_eq!((frame.kind, &frame.payload[..]), (PayloadType::Unknown, &[1, 0xff, 0][..]));
}

#[test]
fn media_has_a_header_or_is_opaque() {
    let mut pipeline = pipeline();
    let frame = binary(&mut pipeline, &media(320)).unwrap();
    assert_eq!(frame.kind, PayloadType::TelephonyMedia);
    let header = frame.header.unwrap();
    assert_eq!(
        (header.format, header.sample_rate, header.position),
        (MediaFormat::Pcmu, 8_000, 320)
    );
    assert_eq!(frame.audio().unwrap(), media(320)[16..]);
    let opaque = binary(&mut pipeline, &[0x80]).unwrap();
    assert_eq!((opaque.kind.clone(), opaque.header), (PayloadType::TelephonyMedia, None));
    assert_eq!(opaque.audio(), None);
}

#[test]
fn nothing_is_copied() {
    let mut pipeline = pipeline();
    for (bytes, is_binary) in [(UPDATE.as_bytes().to_vec(), false), (media(0), true)] {
        let payload = Bytes::from(bytes);
        let place = payload.as_ptr();
        let frame = pipeline.process(pipeline.frame(payload, is_binary)).unwrap();
        assert_eq!(frame.payload.as_ptr(), place);
        if let Some(value) = &frame.value {
            assert_eq!(value.as_str().as_ptr(), place);
        }
        if let Some(audio) = frame.audio() {
            assert_eq!(audio.as_ptr(), place.wrapping_add(16));
        }
        let own = frame.detach();
        assert_ne!(own.payload.as_ptr(), place);
        if let Some(value) = &own.value {
            assert_eq!(value.as_str().as_ptr(), own.payload.as_ptr());
        }
    }
}

#[test]
fn the_payload_of_a_bad_frame_is_the_same_allocation_too() {
    let mut pipeline = Pipeline::builder().max_frame(100).build().unwrap();
    for bytes in [vec![b'x'; 101], b"{\"type\":".to_vec()] {
        let payload = Bytes::from(bytes);
        let place = payload.as_ptr();
        let error = pipeline.process(pipeline.frame(payload, false)).unwrap_err();
        assert_eq!(error.into_frame().payload.as_ptr(), place);
    }
}

#[test]
fn a_sound_frame_allocates_nothing() {
    let mut pipeline = pipeline();
    let frames = [(Bytes::from_static(UPDATE.as_bytes()), false), (Bytes::from(media(0)), true)];
    for (payload, is_binary) in frames {
        // The first makes room for what is shared.
        drop(pipeline.process(pipeline.frame(payload.clone(), is_binary)));
        let frame = pipeline.frame(payload, is_binary);
        let used = allocation_counter::measure(|| {
            std::hint::black_box(pipeline.process(frame)).unwrap();
        });
        assert_eq!(used.count_total, 0);
    }
}

#[test]
fn a_type_of_ones_own_is_recognised_checked_and_counted() {
    let mut pipeline = Pipeline::builder()
        .register(
            FrameType::json("acme.score").schema(Schema::new().required("value", JsonType::Number)),
        )
        .register(FrameType::binary("acme.video", 0x81))
        .build()
        .unwrap();
    let score = text(&mut pipeline, r#"{"type":"acme.score","value":0.5}"#).unwrap();
    assert_eq!(score.kind, PayloadType::named("acme.score"));
    assert!(text(&mut pipeline, r#"{"type":"acme.score","value":"a"}"#).is_err());
    let video = binary(&mut pipeline, &[0x81, 1]).unwrap();
    assert_eq!(video.kind.as_str(), "acme.video");
    let metrics = pipeline.metrics();
    assert_eq!((metrics.by_type["acme.score"], metrics.by_type["acme.video"]), (2, 1));
}

#[test]
fn debug_shows_no_content() {
    let mut pipeline = pipeline();
    let sound = text(&mut pipeline, UPDATE).unwrap();
    let bad = text(&mut pipeline, r#"{"type":"interaction.update","id":"i1"}"#).unwrap_err();
    let wire = pipeline.frame(Bytes::from_static(UPDATE.as_bytes()), false);
    let shown = format!("{sound:?} {:?} {bad:?} {bad} {wire:?}", sound.value);
    assert!(!shown.contains("i1") && !shown.contains("q1"), "{shown}");
}

#[tokio::test]
async fn a_stream_yields_frames_and_hands_on_what_is_none() {
    let items: Vec<Result<Message, &str>> = vec![
        Ok(Message::text(UPDATE)),
        Ok(Message::Ping(Bytes::from_static(b"p"))),
        Ok(Message::binary(media(0))),
        Ok(Message::binary(vec![b'{'; 300])),
        Ok(Message::binary(vec![b'{'; 9_000])),
        Err("the connection is gone"),
    ];
    let pipeline = Pipeline::builder().max_frame(1_000).oversize(Oversize::Drop).build().unwrap();
    let mut frames = pipeline.frames(stream::iter(items));
    let mut seen = Vec::new();
    while let Some(item) = frames.next().await {
        seen.push(match item {
            FrameItem::Frame(frame) => frame.kind.to_string(),
            FrameItem::Invalid(error) => error.to_string(),
            FrameItem::Other(Ok(message)) => format!("{message:?}"),
            FrameItem::Other(Err(error)) => error.to_owned(),
            _ => unreachable!(),
        });
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
    assert_eq!((&*seen[0], &*seen[2]), ("interaction.update", "telephony.media"));
    assert!(seen[1].starts_with("Ping"), "{}", seen[1]);
    assert!(seen[3].contains("not JSON"), "{}", seen[3]);
    assert_eq!(seen[4], "the connection is gone");
    assert_eq!(frames.metrics().dropped, 1);
}

#[tokio::test]
async fn ten_thousand_dropped_frames_in_a_row_do_not_hold_up_the_thread() {
    let large = Bytes::from(vec![0; 11]);
    let items = stream::iter(vec![(large, true); 10_000]);
    let pipeline = Pipeline::builder().max_frame(10).oversize(Oversize::Drop).build().unwrap();
    let mut frames = pipeline.frames(items);
    assert!(futures::poll!(frames.next()).is_pending(), "it gives way");
    assert!(frames.next().await.is_none());
    assert_eq!(frames.metrics().dropped, 10_000);
}

#[tokio::test]
async fn dropping_the_future_of_next_loses_no_frame() {
    let (send, items) = futures::channel::mpsc::channel::<(Bytes, bool)>(4);
    let mut send = send;
    let mut frames = pipeline().frames(items);
    for _ in 0..100 {
        // The future is dropped before there is anything.
        assert!(futures::poll!(frames.next()).is_pending());
        send.try_send((Bytes::from_static(UPDATE.as_bytes()), false)).unwrap();
        let item = frames.next().await;
        assert!(matches!(item, Some(FrameItem::Frame(_))));
    }
    assert_eq!(frames.metrics().sound, 100);
}

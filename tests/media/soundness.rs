//! When a frame is sound: UTF-8, JSON, schema, checksum, validator.

use bytes::Bytes;
use genesys_cloud::media::{
    Checksum, ChecksumState, FrameType, FrameView, PayloadType, Pipeline, Problem, Sha256,
    WireFrame,
};
use genesys_cloud::{Error, ErrorKind};

use crate::support::{UPDATE, binary, media, pipeline, text};

#[test]
fn what_is_wrong_is_said() {
    let table: &[(&[u8], &str)] = &[
        (br#"{"type":"interaction.update","id":"a","routing":{}"#, "not JSON: EOF"),
        (br#"{"type":"interaction.update","id":"a","routing":{}} x"#, "not JSON: trailing"),
        (br#"{"type":"interaction.update","routing":{}}"#, "id is missing"),
        (br#"{"type":"interaction.update","id":"a"}"#, "routing is missing"),
        (
            br#"{"type":"interaction.update","id":7,"routing":{}}"#,
            "id is an integer and must be a string",
        ),
        (
            br#"{"id":"a","routing":null,"type":"interaction.update"}"#,
            "routing is null and must be an object",
        ),
        (br#"{"type":"brand.new",}"#, "not JSON"),
        (b"{\"type\":\"keepalive\",\"a\":\"\xff\"}", "not UTF-8 from byte 25 on"),
        (b"{", "not JSON"),
        (b" {\"a\":01}", "not JSON"),
    ];
    for (input, wrong) in table {
        let mut pipeline = pipeline();
        let error = binary(&mut pipeline, input).unwrap_err();
        assert!(error.to_string().contains(wrong), "{error} / {wrong}");
        assert_eq!(error.frame().payload, input);
        assert_eq!(pipeline.metrics().invalid, 1);
        assert_eq!(Error::from(error).kind(), ErrorKind::Decode);
    }
    let error = binary(&mut pipeline(), br#"{"type":"interaction.update"}"#).unwrap_err();
    assert_eq!(error.problems().len(), 2);
    assert!(error.to_string().ends_with(": id is missing, and 1 more"), "{error}");
}

#[test]
fn text_that_is_not_utf8_is_told_even_when_it_is_not_json() {
    let mut pipeline = pipeline();
    let frame = pipeline.frame(Bytes::from_static(b"ab\xc3"), false);
    let error = pipeline.process(frame).unwrap_err();
    assert_eq!(error.problem(), &Problem::NotUtf8 { valid_up_to: 2 });
    assert!(binary(&mut pipeline, b"ab\xc3").is_ok(), "binary data may be anything");
}

#[test]
fn json_of_ten_thousand_levels_is_no_overflow() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        let update = format!(r#"{{"type":"interaction.update","id":"a","routing":{deep}}}"#);
        let first = format!(r#"{{"deep":{deep},"type":"keepalive"}}"#);
        for frame in [update, first, deep] {
            // Whether it is sound is a matter of its schema; that there is an answer is what counts.
            drop(text(&mut pipeline(), &frame));
        }
    }
}

#[test]
fn one_flipped_bit_anywhere_is_caught_by_the_checksum() {
    let mut pipeline = pipeline();
    let good = media(0);
    let expected = Sha256::of(&good);
    let frame = pipeline.frame(Bytes::from(good.clone()), true).checksum(expected);
    assert_eq!(pipeline.process(frame).unwrap().checksum, ChecksumState::Match);
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let frame = pipeline.frame(Bytes::from(bad.clone()), true).checksum(expected);
        let error = pipeline.process(frame).unwrap_err();
        let actual = Sha256::of(&bad);
        assert_eq!(error.frame().checksum, ChecksumState::Mismatch { expected, actual });
    }
    let metrics = pipeline.metrics();
    assert_eq!((metrics.checksum_matches, metrics.checksum_mismatches), (1, 1408));
}

#[test]
fn a_trailer_is_the_checksum_of_what_is_before_it() {
    let mut pipeline = Pipeline::builder().checksum(Checksum::trailer()).build().unwrap();
    let mut good = media(0);
    good.extend(Sha256::of(&good).as_bytes());
    let frame = binary(&mut pipeline, &good).unwrap();
    assert_eq!(frame.checksum, ChecksumState::Match);
    assert_eq!(frame.audio().unwrap(), media(0)[16..], "the trailer is no audio");
    good[20] ^= 1;
    let error = binary(&mut pipeline, &good).unwrap_err();
    assert!(matches!(error.problem(), Problem::ChecksumMismatch { .. }));
    let json = text(&mut pipeline, UPDATE).unwrap();
    assert_eq!(json.checksum, ChecksumState::NotChecked);
    let short = binary(&mut pipeline, &[0x80, 1]).unwrap();
    assert_eq!(short.checksum, ChecksumState::NotChecked);
}

#[test]
fn a_member_is_the_checksum_of_another_as_it_was_received() {
    let mut pipeline =
        Pipeline::builder().checksum(Checksum::member("sum.sha256", "data")).build().unwrap();
    let with = |sum: &str| UPDATE.replacen('{', &format!(r#"{{"sum":{{"sha256":{sum}}},"#), 1);
    let sum = Sha256::of(br#"{"n": 1}"#).to_string();
    let good = with(&format!("\"{sum}\""));
    assert_eq!(text(&mut pipeline, &good).unwrap().checksum, ChecksumState::Match);
    let bad = good.replace("\"n\": 1", "\"n\": 2");
    let error = text(&mut pipeline, &bad).unwrap_err();
    assert!(matches!(error.problem(), Problem::ChecksumMismatch { .. }));
    for sum in ["17", "\"abc\"", "null"] {
        let error = text(&mut pipeline, &with(sum)).unwrap_err();
        assert_eq!(error.problem(), &Problem::ChecksumUnreadable, "{sum}");
    }
    assert_eq!(text(&mut pipeline, UPDATE).unwrap().checksum, ChecksumState::NotChecked);
}

#[test]
fn an_expected_checksum_can_be_computed_from_the_frame() {
    let expected = Sha256::of(UPDATE.as_bytes());
    let checksum = Checksum::expect(move |frame: &FrameView<'_>| {
        (frame.member("id") == Some("\"i1\"")).then_some(expected)
    });
    let mut pipeline = Pipeline::builder().checksum(checksum).build().unwrap();
    assert_eq!(text(&mut pipeline, UPDATE).unwrap().checksum, ChecksumState::Match);
    assert!(text(&mut pipeline, &UPDATE.replace("q1", "q2")).is_err());
    let other = text(&mut pipeline, &UPDATE.replace("i1", "i2")).unwrap();
    assert_eq!(other.checksum, ChecksumState::NotChecked);
}

#[test]
fn a_validator_refuses_and_one_that_panics_has_refused() {
    let kind = FrameType::binary("telephony.media", 0x80).validate(|frame: &FrameView<'_>| {
        assert!(frame.payload().len() > 1, "a validator with a fault");
        match frame.header() {
            Some(_) => Ok(()),
            None => Err("no header".into()),
        }
    });
    let mut pipeline = Pipeline::builder().register(kind).build().unwrap();
    assert!(binary(&mut pipeline, &media(0)).is_ok());
    let error = binary(&mut pipeline, &[0x80, 9]).unwrap_err();
    assert_eq!(error.problem(), &Problem::Rejected { reason: "no header".into() });
    assert_eq!(error.frame().kind, PayloadType::TelephonyMedia);
    let error = binary(&mut pipeline, &[0x80]).unwrap_err();
    assert_eq!(error.problem(), &Problem::ValidatorPanicked);
    assert!(binary(&mut pipeline, &media(0)).is_ok(), "the pipeline goes on");
}

#[test]
fn the_checksum_of_a_frame_goes_before_that_of_the_pipeline() {
    let mut pipeline = Pipeline::builder().checksum(Checksum::trailer()).build().unwrap();
    let now = pipeline.frame(Bytes::new(), true).received_at;
    let bytes = media(0);
    let sum = Sha256::of(&bytes);
    let frame = WireFrame::new(bytes, true, now).checksum(sum);
    assert_eq!(pipeline.process(frame).unwrap().checksum, ChecksumState::Match);
}

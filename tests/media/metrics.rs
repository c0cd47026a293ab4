//! What is counted, over how many frames, and what the circuit breaker does.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use genesys_cloud::media::{
    BreakerState, Oversize, PayloadType, Pipeline, Problem, SizeBreaker, WireFrame,
};
use genesys_cloud::{Clock, Error, ErrorKind, Moment};

use crate::support::{UPDATE, binary, media, pipeline, text};

/// Goes on by a millisecond with each look.
#[derive(Clone)]
struct Ticking(Arc<Mutex<Instant>>);

impl Clock for Ticking {
    fn now(&self) -> Instant {
        let mut now = self.0.lock().unwrap();
        *now += Duration::from_millis(1);
        *now
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

#[test]
fn the_window_holds_the_last_frames_and_the_totals_all() {
    let clock = Ticking(Arc::new(Mutex::new(Instant::now())));
    let mut pipeline = Pipeline::builder().window(10).clock(clock).build().unwrap();
    for _ in 0..95 {
        assert!(text(&mut pipeline, "{").is_err());
    }
    for position in 0..4 {
        binary(&mut pipeline, &media(position)).unwrap();
    }
    text(&mut pipeline, UPDATE).unwrap();
    let metrics = pipeline.metrics();
    assert_eq!((metrics.frames, metrics.sound, metrics.invalid), (100, 5, 95));
    assert_eq!(metrics.bytes, 95 + 4 * 176 + UPDATE.len() as u64);
    let window = &metrics.window;
    assert_eq!((window.frames, window.integrity_rate), (10, Some(0.5)));
    assert_eq!(window.bytes, 5 + 4 * 176 + UPDATE.len() as u64);
    assert_eq!(window.by_type["telephony.media"], 4);
    assert_eq!((window.by_type["unknown"], metrics.by_type["unknown"]), (5, 95));
    assert_eq!((window.parse_us.mean, window.parse_us.p99), (1_000.0, 1_000.0));
    let json = serde_json::to_value(&metrics).unwrap();
    assert_eq!(json["window"]["parse_us"]["p50"], 1_000.0);
    assert_eq!(json["breaker"], "closed");
}

#[test]
fn without_a_frame_there_is_no_rate() {
    assert_eq!(pipeline().metrics().window.integrity_rate, None);
}

#[test]
fn a_window_of_nothing_is_refused() {
    for window in [0, 1_000_001] {
        let error = Pipeline::builder().window(window).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}

#[test]
fn a_frame_above_five_mebibytes_is_not_read_and_the_next_one_is() {
    let mut pipeline = pipeline();
    let limit = 5 << 20;
    let at_limit = vec![0x80; limit];
    assert_eq!(binary(&mut pipeline, &at_limit).unwrap().kind, PayloadType::TelephonyMedia);
    let error = binary(&mut pipeline, &vec![0x80; limit + 1]).unwrap_err();
    assert_eq!(error.problem(), &Problem::Oversize { bytes: limit + 1, limit });
    assert_eq!(
        (error.frame().payload.len(), &error.frame().kind),
        (limit + 1, &PayloadType::Unread)
    );
    assert!(!error.is_dropped());
    assert_eq!(Error::from(error).kind(), ErrorKind::Capacity);
    text(&mut pipeline, UPDATE).unwrap();
    let metrics = pipeline.metrics();
    assert_eq!((metrics.oversize, metrics.dropped, metrics.sound), (1, 0, 2));
}

#[test]
fn by_policy_an_oversize_frame_lets_go_of_its_bytes() {
    let mut pipeline = Pipeline::builder().max_frame(10).oversize(Oversize::Drop).build().unwrap();
    let error = binary(&mut pipeline, &[0; 11]).unwrap_err();
    assert!(error.is_dropped() && error.frame().payload.is_empty());
    assert_eq!(error.problem(), &Problem::Oversize { bytes: 11, limit: 10 });
    assert_eq!((pipeline.metrics().oversize, pipeline.metrics().dropped), (1, 1));
}

#[test]
fn an_open_breaker_returns_frames_unread_and_closes_when_they_are_small_again() {
    let breaker = SizeBreaker::new(100, Duration::from_secs(60)).min_frames(2).probes(2);
    let mut pipeline = Pipeline::builder().breaker(breaker).build().unwrap();
    let start = pipeline.frame(Bytes::new(), true).received_at;
    let mut process = |second: u64, bytes: usize| {
        let at = Moment { mono: start.mono + Duration::from_secs(second), wall: start.wall };
        let outcome = pipeline.process(WireFrame::new(vec![0x80; bytes], true, at));
        (outcome, pipeline.metrics())
    };
    assert!(process(0, 200).0.is_ok());
    let (outcome, metrics) = process(1, 200);
    let error = outcome.unwrap_err();
    assert_eq!(error.problem(), &Problem::Tripped { average: 200 });
    assert_eq!((error.frame().payload.len(), &error.frame().kind), (200, &PayloadType::Unread));
    assert_eq!((metrics.tripped, metrics.breaker), (1, Some(BreakerState::Open)));
    assert_eq!(metrics.window.frames, 1, "what was not read has no parse time");
    let (outcome, metrics) = process(100, 20);
    assert!(outcome.is_ok());
    assert_eq!(metrics.breaker, Some(BreakerState::HalfOpen));
    let (outcome, metrics) = process(101, 20);
    assert!(outcome.is_ok());
    assert_eq!((metrics.breaker, metrics.tripped), (Some(BreakerState::Closed), 1));
}

//! How a live connection ends: each end is told, accounted for, and survived.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use genesys_cloud::sim::{Fault, SocketKind};
use genesys_cloud::{Buffers, Gone, Lifecycle, Outbound, Timing, Topic};
use tokio::io::AsyncWriteExt;

use crate::five::{Events, Item, Place, Settings, body, each, open};
use crate::rig::Rig;
use crate::scripted::{Scripted, frame, hold, text};

/// The cause of the next loss, and whether anything had come in.
async fn loss(events: &mut Events) -> Gone {
    match events.until("disconnected").await {
        Lifecycle::Disconnected { cause, last_inbound: Some(_), .. } => cause,
        other => panic!("{other:?}"),
    }
}

/// Answers the pings that the stream sends until its first message, by the message itself: sockets that subscribe take any
/// message for the answer after a while, which is too long for a test, so theirs is answered in words.
async fn greet(socket: &mut tokio::net::TcpStream, kind: SocketKind) {
    use tokio::io::AsyncReadExt;
    if kind == SocketKind::Presence {
        // The mark is a ping whose payload is `flow.1`, masked; it follows the subscription.
        let mut seen = Vec::new();
        while !has_mark(&seen) {
            if socket.read_buf(&mut seen).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let _ = socket.write_all(&frame(10, b"flow.1")).await;
    }
}

fn has_mark(seen: &[u8]) -> bool {
    seen.windows(12).any(|w| {
        let (head, mask, payload) = (&w[..2], &w[2..6], &w[6..]);
        head == [0x89, 0x86]
            && payload.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b).eq(*b"flow.1")
    })
}

/// What ends a connection after its first event, byte by byte; the next connection lives.
async fn cause_of_loss(kind: SocketKind, bytes: Vec<u8>) -> Gone {
    let first = text(&body(kind, "u", 1).to_string());
    let server = Scripted::start(move |n, mut socket| {
        let (first, bytes) = (first.clone(), bytes.clone());
        async move {
            greet(&mut socket, kind).await;
            let _ = socket.write_all(&first).await;
            if n == 0 {
                let _ = socket.write_all(&bytes).await;
            }
            hold(socket).await;
        }
    })
    .await;
    let place =
        Place { origin: server.base.clone(), application: "app-1".into(), user: "u".into() };
    let mut events = open(kind, &server.client(), &place, Settings::default()).await.unwrap();
    events.until_number(1).await;
    let cause = loss(&mut events).await;
    events.until("gap").await;
    events.until_number(1).await;
    assert_eq!(server.dials(), 2);
    cause
}

#[tokio::test]
async fn every_close_code_is_told_and_survived() {
    each("close 1000 1001 1002 1008 1011 1012 4003", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(Settings::default()).await;
        for (n, code) in [1000, 1001, 1002, 1008, 1011, 1012, 4003].into_iter().enumerate() {
            rig.fault(Fault::Close { code, reason: "why".into() });
            let cause = loss(&mut events).await;
            assert!(
                matches!(&cause, Gone::Closed { code: c, reason } if c.get() == code && &**reason == "why"),
                "{cause}"
            );
            let said = cause.to_string();
            assert_eq!(said.contains("token or scope"), code == 1008, "{said}");
            assert_eq!(said.contains("region URL"), code == 1002, "{said}");
            let Lifecycle::Gap { cause: why, .. } = events.until("gap").await else {
                unreachable!()
            };
            assert_eq!(why, cause);
            rig.delivers(&mut events, n).await;
        }
        // Only 1008 is about the token.
        assert_eq!(rig.tokens_issued(), if rig.has_token() { 2 } else { 0 });
    })
    .await;
}

#[tokio::test]
async fn a_cut_is_a_gap_with_both_ends() {
    each("RST, and the gap's bounds", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(Settings::default()).await;
        rig.delivers(&mut events, 1).await;
        let before = SystemTime::now();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let fault_at = SystemTime::now();
        rig.fault(Fault::Reset);
        let Lifecycle::Disconnected { cause, last_inbound, retry_in, was_live, .. } =
            events.until("disconnected").await
        else {
            unreachable!()
        };
        assert!(matches!(cause, Gone::Cut { .. }), "{cause}");
        assert_eq!(retry_in, Some(Duration::from_millis(20)));
        assert!(was_live < Duration::from_secs(10));
        let Lifecycle::Gap { topics, covered_until, resumed_at, duration, cause: why, .. } =
            events.until("gap").await
        else {
            unreachable!()
        };
        assert_eq!(topics.iter().map(Topic::name).collect::<Vec<_>>(), [rig.topic()]);
        assert_eq!(why, cause);
        assert_eq!(Some(covered_until), last_inbound, "the gap opens at the last inbound byte");
        assert!(covered_until <= before, "not at the moment somebody noticed");
        assert!(resumed_at > fault_at);
        assert!(duration >= Duration::from_millis(100), "{duration:?}");
        let wall = resumed_at.duration_since(covered_until).unwrap();
        assert!(wall.abs_diff(duration) < Duration::from_millis(20), "{wall:?} {duration:?}");
        rig.delivers(&mut events, 2).await;
        let stats = events.stats();
        assert_eq!((stats.reconnects, stats.gaps, stats.dials), (1, 1, 2));
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_ends_within_a_frame_delivers_no_half_event() {
    each("cut within a frame", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(Settings::default()).await;
        rig.delivers(&mut events, 1).await;
        rig.fault(Fault::ProxyCut { after_ms: 0 });
        let next = events.next().await;
        let Item::Lifecycle(Lifecycle::Disconnected { cause: Gone::Cut { .. }, .. }) = next else {
            panic!("{next:?}");
        };
        events.until("gap").await;
        rig.delivers(&mut events, 2).await;
    })
    .await;
}

#[tokio::test]
async fn a_socket_that_goes_silent_is_dead_although_messages_are_written() {
    each("silence while messages are written", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let timing = Timing::default()
            .silence(Duration::from_millis(500))
            .ping_after(Duration::from_millis(100));
        let mut events = rig.live(Settings { timing, ..Settings::default() }).await;
        rig.fault(Fault::Silence { for_ms: 60_000 });
        let handle = events.handle.clone();
        let written = Arc::new(AtomicUsize::new(0));
        let count = written.clone();
        let writes = tokio::spawn(async move {
            loop {
                if handle.send(Outbound::Ping("own".into())).await.is_ok() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let Lifecycle::Disconnected { cause, last_inbound, .. } =
            events.until("disconnected").await
        else {
            unreachable!()
        };
        assert!(matches!(cause, Gone::Silent { quiet } if quiet >= timing.silence), "{cause}");
        let age = SystemTime::now().duration_since(last_inbound.unwrap()).unwrap();
        assert!(age >= timing.silence, "the gap opens at the last byte, not at the verdict");
        assert!(written.load(Ordering::SeqCst) > 5, "something was written all the time");
        writes.abort();
        events.until("gap").await;
        // The platform's end of the dead one is still there.
        assert!(rig.emit(1) > 0);
        events.until_number(1).await;
    })
    .await;
}

#[tokio::test]
async fn bytes_that_trickle_in_are_a_sign_of_life() {
    each("one byte at a time", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(Settings::default()).await;
        rig.fault(Fault::Trickle);
        for n in 0..5 {
            rig.delivers(&mut events, n).await;
        }
        assert_eq!(events.stats().dials, 1);
    })
    .await;
}

#[tokio::test]
async fn text_that_is_not_utf_8_breaks_the_protocol_and_the_stream_goes_on() {
    each("text that is not UTF-8", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(Settings::default()).await;
        rig.fault(Fault::InvalidUtf8 { count: 1 });
        let cause = loss(&mut events).await;
        assert!(matches!(&cause, Gone::Protocol { detail } if detail.contains("UTF-8")), "{cause}");
        events.until("gap").await;
        rig.delivers(&mut events, 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_by_its_header() {
    each("a frame that claims too much", &[], |kind| async move {
        let limit = match kind {
            SocketKind::Frames => 5 << 20,
            _ => Buffers::default().max_message,
        };
        for claim in [limit as u64 + 1, 64 << 20, u64::MAX >> 1] {
            let header = [&[0x82, 127][..], &claim.to_be_bytes()].concat();
            assert_eq!(cause_of_loss(kind, header).await, Gone::TooBig { limit }, "{claim}");
        }
    })
    .await;
}

#[tokio::test]
async fn fragments_that_add_up_over_the_limit_are_refused() {
    each("fragments over the limit", &[], |kind| async move {
        let part = vec![b' '; 3 << 20];
        let mut first = frame(1, &part);
        first[0] = 0x01;
        let mut second = frame(0, &part);
        second[0] = 0x00;
        let last = frame(0, &part);
        let cause = cause_of_loss(kind, [first, second, last].concat()).await;
        assert!(matches!(cause, Gone::TooBig { .. }), "{cause}");
    })
    .await;
}

#[tokio::test]
async fn a_masked_or_reserved_frame_breaks_the_protocol() {
    each("reserved bits and opcodes, masked frames", &[], |kind| async move {
        for bytes in [vec![0x83, 0x00], vec![0xf1, 0x00], vec![0x8b, 0x00]] {
            let cause = cause_of_loss(kind, bytes).await;
            assert!(matches!(cause, Gone::Protocol { .. }), "{cause}");
        }
    })
    .await;
}

#[tokio::test]
async fn half_a_frame_and_then_nothing_is_silence() {
    each("half a frame, then nothing", &[], |kind| async move {
        let first = text(&body(kind, "u", 1).to_string());
        let server = Scripted::start(move |_, mut socket| {
            let first = first.clone();
            async move {
                greet(&mut socket, kind).await;
                let _ = socket.write_all(&first).await;
                let _ = socket.write_all(&first[..first.len() / 2]).await;
                hold(socket).await;
            }
        })
        .await;
        let place =
            Place { origin: server.base.clone(), application: "app-1".into(), user: "u".into() };
        let timing = Timing::default().silence(Duration::from_millis(300));
        let settings = Settings { timing, ..Settings::default() };
        let mut events = open(kind, &server.client(), &place, settings).await.unwrap();
        events.until_number(1).await;
        let cause = loss(&mut events).await;
        assert!(matches!(cause, Gone::Silent { .. }), "{cause}");
        assert_eq!(events.stats().events, 1, "no half event");
    })
    .await;
}

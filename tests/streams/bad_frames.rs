//! What a hostile or broken peer can send over an open socket: each ends in an item that says what happened.

use std::time::Duration;

use crate::scripted::{Scripted, frame, hold, number, pong, presence, text};
use futures::StreamExt;
use genesys_cloud::{
    Buffers, CloseCode, Delivery, Event, EventStream, FixedDelay, Gone, Lifecycle, NoReconnect,
};
use tokio::io::AsyncWriteExt;

const PATIENCE: Duration = Duration::from_secs(10);

/// Every socket sends these bytes after a pong and a first event, and then stays open.
async fn server(bytes: Vec<u8>) -> Scripted {
    Scripted::start(move |_, mut socket| {
        let bytes = bytes.clone();
        async move {
            let _ = socket.write_all(&[pong(), presence(1), bytes].concat()).await;
            hold(socket).await;
        }
    })
    .await
}

async fn stream(server: &Scripted) -> EventStream {
    let redial = FixedDelay::new(Duration::from_millis(50));
    server
        .client()
        .stream()
        .subscribe("v2.users.u1.presence")
        .reconnect(redial)
        .start()
        .await
        .unwrap()
}

async fn next(events: &mut EventStream) -> Delivery {
    let item = tokio::time::timeout(PATIENCE, events.next()).await.expect("an item in time");
    item.expect("not the end").expect("no error")
}

/// Reads until an item for which `pick` has an answer; checks that the first event was not lost on the way.
async fn find<T>(events: &mut EventStream, pick: impl Fn(&Delivery) -> Option<T>) -> T {
    let mut first = false;
    loop {
        let delivery = next(events).await;
        first |= number(&delivery.event) == Some(1);
        if let Some(found) = pick(&delivery) {
            assert!(first, "what came before the fault is delivered");
            return found;
        }
    }
}

async fn cause_of_loss(bytes: Vec<u8>) -> Gone {
    let server = server(bytes).await;
    let mut events = stream(&server).await;
    find(&mut events, |delivery| match &delivery.event {
        Event::Lifecycle(Lifecycle::Disconnected { cause, last_inbound: Some(_), .. }) => {
            Some(cause.clone())
        }
        _ => None,
    })
    .await
}

async fn malformed(frame: Vec<u8>) -> (Option<String>, String, String, String) {
    let server = server([frame, presence(2)].concat()).await;
    let mut events = stream(&server).await;
    let found = find(&mut events, |delivery| match &delivery.event {
        Event::Malformed { topic, error, path, body } => Some((
            topic.as_ref().map(ToString::to_string),
            error.to_string(),
            path.to_string(),
            body.to_string(),
        )),
        _ => None,
    })
    .await;
    assert_eq!(number(&next(&mut events).await.event), Some(2), "the stream goes on");
    assert_eq!(events.stats().malformed, 1);
    assert_eq!(server.dials(), 1);
    found
}

#[tokio::test]
async fn a_frame_of_64_mib_is_refused_by_its_header() {
    let mut header = vec![0x81, 127];
    header.extend((64u64 << 20).to_be_bytes());
    let limit = Buffers::default().max_message;
    assert_eq!(cause_of_loss(header).await, Gone::TooBig { limit });
}

#[tokio::test]
async fn a_frame_that_claims_the_largest_number_is_refused_by_its_header() {
    let mut header = vec![0x81, 127];
    header.extend((u64::MAX >> 1).to_be_bytes());
    assert!(matches!(cause_of_loss(header).await, Gone::TooBig { .. }));
}

#[tokio::test]
async fn fragments_that_add_up_over_the_limit_are_refused() {
    let part = vec![b' '; 5 << 20];
    let mut first = frame(1, &part);
    first[0] = 0x01;
    let last = frame(0, &part);
    assert!(matches!(cause_of_loss([first, last].concat()).await, Gone::TooBig { .. }));
}

#[tokio::test]
async fn text_that_is_not_utf_8_breaks_the_protocol() {
    let cause = cause_of_loss(frame(1, b"{\"topicName\":\"\xff\xfe\"}")).await;
    assert!(matches!(&cause, Gone::Protocol { detail } if detail.contains("UTF-8")), "{cause}");
}

#[tokio::test]
async fn a_masked_or_reserved_frame_breaks_the_protocol() {
    for bytes in [vec![0x83, 0x00], vec![0xf1, 0x00], vec![0x8b, 0x00]] {
        let cause = cause_of_loss(bytes).await;
        assert!(matches!(cause, Gone::Protocol { .. }), "{cause}");
    }
}

#[tokio::test]
async fn json_that_ends_early_is_an_item_with_its_text() {
    let (topic, error, _, body) =
        malformed(text(r#"{"topicName":"v2.users.u1.presence","eventBody":{"source":"#)).await;
    assert_eq!(topic.as_deref(), Some("v2.users.u1.presence"));
    assert!(!error.is_empty());
    assert!(body.contains("eventBody"));
}

#[tokio::test]
async fn text_that_is_no_json_at_all_is_an_item() {
    let (topic, _, _, body) = malformed(text("<html>502 Bad Gateway</html>")).await;
    assert_eq!((topic, body.as_str()), (None, "<html>502 Bad Gateway</html>"));
}

#[tokio::test]
async fn a_known_topic_with_a_bad_body_names_the_place() {
    let frame =
        r#"{"topicName":"v2.users.u1.presence","eventBody":{"presenceDefinition":{"id":17}}}"#;
    let (topic, _, path, body) = malformed(text(frame)).await;
    assert_eq!(topic.as_deref(), Some("v2.users.u1.presence"));
    assert!(path.contains("presenceDefinition.id"), "{path}");
    assert!(body.contains("17"));
}

#[tokio::test]
async fn a_long_bad_body_is_cut() {
    let frame = format!(
        r#"{{"topicName":"v2.users.u1.presence","eventBody":{{"primary":"{}"}}}}"#,
        "x".repeat(100_000)
    );
    let (_, _, _, body) = malformed(text(&frame)).await;
    assert_eq!(body.len(), 512);
}

#[tokio::test]
async fn json_of_ten_thousand_levels_is_an_item_and_no_overflow() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        let known = format!(r#"{{"topicName":"v2.users.u1.presence","eventBody":{deep}}}"#);
        let nested =
            format!(r#"{{"topicName":"v2.users.u1.presence","eventBody":{{"new":{deep}}}}}"#);
        let unknown = format!(r#"{{"topicName":"v2.brand.new.topic","eventBody":{deep}}}"#);
        for frame in [known, nested, unknown] {
            let server = server([text(&frame), presence(2)].concat()).await;
            let mut events = stream(&server).await;
            find(&mut events, |delivery| match &delivery.event {
                Event::Malformed { .. } | Event::Unrecognized { .. } => Some(()),
                // An unknown member that deep may also be kept as it is.
                Event::UsersPresence(_) if number(&delivery.event).is_none() => Some(()),
                _ => None,
            })
            .await;
            assert_eq!(number(&next(&mut events).await.event), Some(2));
        }
    }
}

#[tokio::test]
async fn every_close_code_is_told_and_redialled_after_a_wait() {
    let codes: Vec<u16> = (1000..=1015).chain([4000, 4321, 4999]).collect();
    for code in codes {
        let payload = [&code.to_be_bytes()[..], b"why"].concat();
        let server = server(frame(8, &payload)).await;
        let mut events = stream(&server).await;
        let (cause, retry_in) = find(&mut events, |delivery| match &delivery.event {
            Event::Lifecycle(Lifecycle::Disconnected { cause, retry_in, .. }) => {
                Some((cause.clone(), *retry_in))
            }
            _ => None,
        })
        .await;
        assert_eq!(retry_in, Some(Duration::from_millis(50)), "{code}");
        match cause {
            // Codes that must not be sent (RFC 6455, 7.4.1) are a broken protocol.
            Gone::Closed { code: seen, .. } if [1004, 1005, 1006, 1014, 1015].contains(&code) => {
                assert_eq!(seen, CloseCode::PROTOCOL, "{code}");
            }
            Gone::Closed { code: seen, reason } => {
                assert_eq!((seen, &*reason), (CloseCode::new(code), "why"));
            }
            other => panic!("{code}: {other}"),
        }
        assert_eq!(number(&next_event(&mut events).await), Some(1), "the next socket delivers");
    }
}

async fn next_event(events: &mut EventStream) -> Event {
    loop {
        let event = next(events).await.event;
        if !matches!(event, Event::Lifecycle(_)) {
            return event;
        }
    }
}

#[tokio::test]
async fn a_close_frame_without_a_code_has_none() {
    let cause = cause_of_loss(frame(8, b"")).await;
    assert!(matches!(cause, Gone::Closed { code: CloseCode::NO_STATUS, .. }), "{cause}");
}

#[tokio::test]
async fn without_reconnects_the_loss_is_the_last_item_but_one() {
    let server = server(frame(8, &1001u16.to_be_bytes())).await;
    let client = server.client();
    let builder = client.stream().subscribe("v2.users.u1.presence").reconnect(NoReconnect);
    let mut events = builder.start().await.unwrap();
    let mut items = Vec::new();
    while let Some(item) = tokio::time::timeout(PATIENCE, events.next()).await.unwrap() {
        items.push(item);
    }
    let error = items.pop().unwrap().unwrap_err();
    assert_eq!(error.kind(), genesys_cloud::ErrorKind::Closed);
    let Event::Lifecycle(Lifecycle::Stopped { uncovered, .. }) =
        &items.last().unwrap().as_ref().unwrap().event
    else {
        panic!("{items:?}");
    };
    assert_eq!(uncovered[0].topics.len(), 1);
    assert!(uncovered[0].covered_until.is_some());
    assert!(events.next().await.is_none(), "fused");
    assert_eq!(server.dials(), 1);
}

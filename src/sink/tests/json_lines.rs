//! JSON lines: whole lines, once each, whatever the writer does.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures::stream;
use tokio::io::AsyncWrite;

use crate::events::{Event, Frame, Json, Lifecycle, Topic};
use crate::sink::{JsonLines, SinkEnd, SinkOptions, SinkRunner, ToRecord};
use crate::streaming::delivery::Delivery;

/// Takes a few bytes at a time, and fails or stalls in between.
#[derive(Default)]
struct Flaky {
    taken: Arc<Mutex<Vec<u8>>>,
    turn: usize,
}

impl AsyncWrite for Flaky {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.turn += 1;
        match self.turn % 7 {
            3 => Poll::Ready(Err(io::ErrorKind::Interrupted.into())),
            // Never wakes anybody: the deadline of the attempt has to.
            5 => Poll::Pending,
            _ => {
                let count = bytes.len().min(5);
                self.taken.lock().unwrap().extend(&bytes[..count]);
                Poll::Ready(Ok(count))
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.turn += 1;
        Poll::Ready(if self.turn % 2 == 0 { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) })
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

fn items(count: u32) -> Vec<Json> {
    (0..count).map(|n| serde_json::from_str(&format!("{{\"n\":{n}}}")).unwrap()).collect()
}

fn expected(count: u32) -> String {
    (0..count).map(|n| format!("{{\"n\":{n}}}\n")).collect()
}

#[tokio::test(start_paused = true)]
async fn no_line_is_torn_or_twice_when_the_writer_fails_in_the_middle() {
    let writer = Flaky::default();
    let taken = writer.taken.clone();
    let options = SinkOptions::default().batch(7, 1_000).drain(Duration::from_secs(36_000));
    let events = stream::iter(items(50).into_iter().map(Ok));
    let report = SinkRunner::new(JsonLines::new(writer)).options(options).run(events).await;
    assert!(matches!(report.end, SinkEnd::Finished), "{:?}", report.end);
    assert!(report.stats.failures > 10);
    assert_eq!(String::from_utf8_lossy(&taken.lock().unwrap()), expected(50));
}

#[tokio::test]
async fn a_blocking_writer_that_is_slow_is_waited_for_and_not_written_twice() {
    struct Slow(Arc<Mutex<Vec<u8>>>, u32);
    impl io::Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1 % 5 == 1 {
                std::thread::sleep(Duration::from_millis(15));
            }
            self.0.lock().unwrap().extend(&bytes[..bytes.len().min(40)]);
            Ok(bytes.len().min(40))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let taken = Arc::new(Mutex::new(Vec::new()));
    let sink = JsonLines::blocking(Slow(taken.clone(), 0));
    // Shorter than the pause: attempts are given up while the thread writes.
    let options = SinkOptions::default()
        .batch(10, 1_000)
        .write_timeout(Duration::from_millis(10))
        .backoff(Duration::from_millis(2), Duration::from_millis(2));
    let events = stream::iter(items(30).into_iter().map(Ok));
    let report = SinkRunner::new(sink).options(options).run(events).await;
    assert!(matches!(report.end, SinkEnd::Finished), "{:?}", report.end);
    assert!(report.stats.failures > 0);
    assert_eq!(String::from_utf8_lossy(&taken.lock().unwrap()), expected(30));
}

#[tokio::test]
async fn a_closed_pipe_ends_the_run() {
    struct Closed;
    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let events = stream::iter(items(3).into_iter().map(Ok));
    let report = SinkRunner::new(JsonLines::blocking(Closed)).run(events).await;
    assert!(matches!(report.end, SinkEnd::SinkFailed(_)), "{:?}", report.end);
    assert_eq!(report.unwritten.len(), 3);
}

#[test]
fn a_delivery_is_one_object_with_its_topic_and_body() {
    let mut delivery: Delivery =
        Delivery::own(Lifecycle::Lagged { dropped: 2 }, SystemTime::UNIX_EPOCH);
    let text = |delivery: &Delivery| String::from_utf8(delivery.to_record().unwrap()).unwrap();
    assert_eq!(text(&delivery), r#"{"kind":"lifecycle","what":"lagged","dropped":2}"#);
    let frame = "{\"topicName\":\"v2.x.y\",\"eventBody\":{\"a\":\n\"é\\n\"}}";
    delivery.event = Frame::decode(frame).unwrap().event;
    delivery.topic = Topic::unchecked("v2.x.y");
    delivery.correlation_id = Some("c".into());
    assert!(matches!(delivery.event, Event::Unrecognized { .. }));
    let head = r#"{"kind":"event","topic":"v2.x.y","origin":"live","received_at":"1970-01-01T00:00:00.000Z""#;
    let tail = r#""correlation_id":"c","variant":"Unrecognized","body":{"a": "é\n"}}"#;
    assert_eq!(text(&delivery), format!("{head},{tail}"));
}

//! The loop under a paused clock.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::core::clock::Entropy;
use crate::core::ports::BoxFuture;
use crate::diagnostics::observer::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::sink::{
    Ack, Batch, Encoded, EventSink, SinkEnd, SinkOptions, SinkOverflow, SinkRunner, WriteError,
};
use crate::streaming::queue::Capacity;

const MS: fn(u64) -> Duration = Duration::from_millis;

enum Answer {
    Ok,
    Passing,
    Fatal,
    Never,
}

/// One attempt, as the sink saw it.
#[derive(Clone, Debug)]
struct Seen {
    at: Duration,
    id: u64,
    attempt: u32,
    records: Vec<i64>,
}

struct Script {
    began: Instant,
    answers: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Seen>>,
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            answers: Mutex::new(answers.into_iter().collect()),
            seen: Mutex::default(),
        })
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl EventSink<i64> for Script {
    type Record = i64;

    fn encode(&self, item: i64) -> Encoded<i64> {
        Encoded::record(item, 1)
    }

    fn write<'a>(&'a self, batch: Batch<'a, i64>) -> BoxFuture<'a, Result<Ack, WriteError>> {
        let (at, records) = (self.began.elapsed(), batch.records.to_vec());
        self.seen.lock().unwrap().push(Seen { at, id: batch.id, attempt: batch.attempt, records });
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Answer::Ok);
        Box::pin(async move {
            match answer {
                Answer::Ok => Ok(Ack::all(&batch)),
                Answer::Passing => Err(WriteError::passing("away")),
                Answer::Fatal => Err(WriteError::fatal("gone")),
                Answer::Never => std::future::pending().await,
            }
        })
    }

    fn lagged(&self, dropped: u64) -> Option<i64> {
        Some(-i64::try_from(dropped).unwrap())
    }
}

/// Always the middle.
struct Half;

impl Entropy for Half {
    fn unit(&self) -> f64 {
        0.5
    }
}

/// `count` items, one every `every`.
fn paced(count: i64, every: Duration) -> impl Stream<Item = Result<i64>> {
    stream::iter(1..=count).then(move |item| async move {
        sleep(every).await;
        Ok(item)
    })
}

fn now(count: i64) -> impl Stream<Item = Result<i64>> {
    stream::iter((1..=count).map(Ok))
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_written_when_it_is_full_and_when_its_oldest_has_waited() {
    let sink = Script::new([]);
    let options = SinkOptions::default().batch(3, 1_000).linger(MS(100));
    let events = now(4).chain(paced(5, MS(60)).map(|item| item.map(|n| n + 4)));
    let report = SinkRunner::new(&sink).options(options).run(events).await;
    let seen: Vec<_> =
        sink.seen().into_iter().map(|seen| (seen.at.as_millis(), seen.records)).collect();
    // 4 waits from 0 for 100 ms and takes 5 along; 6 waits from 120 to 220 and takes 7; 8 and 9 at the end.
    let expected = [(0, vec![1, 2, 3]), (100, vec![4, 5]), (220, vec![6, 7]), (300, vec![8, 9])];
    assert_eq!(seen, expected);
    assert!(matches!(report.end, SinkEnd::Finished) && report.is_complete());
    assert_eq!((report.stats.written, report.stats.batches), (9, 4));
}

#[tokio::test(start_paused = true)]
async fn while_the_sink_is_away_the_oldest_are_dropped_counted_and_told_in_their_place() {
    let sink = Script::new([Answer::Passing, Answer::Passing, Answer::Passing]);
    let lagged = Arc::new(Mutex::new((0, Vec::new())));
    let told = lagged.clone();
    let options = SinkOptions::default()
        .batch(4, 1_000)
        .linger(Duration::ZERO)
        .backoff(MS(1_000), MS(10_000))
        .capacity(Capacity::new(6, 1_000))
        .overflow(SinkOverflow::DropOldest);
    let report = SinkRunner::new(&sink)
        .options(options)
        .entropy(Half)
        .observer(move |signal: &Signal<'_>| match signal {
            Signal::Lagged { dropped } => told.lock().unwrap().0 += dropped,
            Signal::SinkFailed { attempt, wait, .. } => {
                told.lock().unwrap().1.push((*attempt, *wait))
            }
            _ => {}
        })
        .run(paced(30, MS(100)))
        .await;
    let seen = sink.seen();
    // The first batch is one event; half of 1, 2 and 4 s are waited for.
    assert!(seen[1..4].iter().all(|again| again.id == seen[0].id));
    assert_eq!(seen[..4].iter().map(|s| s.attempt).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(seen[..4].iter().all(|seen| seen.records == [1]));
    let written: Vec<i64> = seen[3..].iter().flat_map(|seen| seen.records.clone()).collect();
    let stats = report.stats;
    assert!(stats.dropped > 0);
    assert_eq!((stats.events, stats.written + stats.dropped), (30, 30));
    let marks: i64 = written.iter().filter(|n| **n < 0).sum();
    assert_eq!(-marks, i64::try_from(stats.dropped).unwrap(), "told in the sink");
    let events: Vec<i64> = written.iter().copied().filter(|n| *n > 0).collect();
    assert!(events.windows(2).all(|pair| pair[0] < pair[1]));
    let losses: Vec<_> = report.losses.iter().collect();
    assert_eq!((losses.len(), losses[0].first, losses[0].count), (1, 2, stats.dropped));
    let (told, failures) = std::mem::take(&mut *lagged.lock().unwrap());
    assert_eq!(told, stats.dropped, "told to the observer");
    assert_eq!(failures, [(1, MS(500)), (2, MS(1_000)), (3, MS(2_000))]);
}

#[tokio::test(start_paused = true)]
async fn a_full_buffer_stops_reading_and_loses_nothing() {
    let sink = Script::new([Answer::Passing, Answer::Passing, Answer::Passing, Answer::Passing]);
    let (tx, rx) = mpsc::channel::<i64>(1);
    let events = stream::unfold(rx, |mut rx| async { rx.recv().await.map(|item| (Ok(item), rx)) });
    let sent = Arc::new(Mutex::new(0));
    let count = sent.clone();
    tokio::spawn(async move {
        for item in 1..=100 {
            tx.send(item).await.unwrap();
            *count.lock().unwrap() = item;
        }
    });
    let options = SinkOptions::default().batch(5, 1_000).capacity(Capacity::new(10, 1_000));
    let runner = SinkRunner::new(sink.clone()).options(options);
    let handle = runner.handle();
    let run = tokio::spawn(runner.run(events));
    sleep(MS(50)).await;
    assert_eq!(handle.stats().waiting, 10);
    assert!(*sent.lock().unwrap() <= 11, "{}", sent.lock().unwrap());
    let report = run.await.unwrap();
    assert_eq!((report.stats.written, report.stats.dropped), (100, 0));
    let last: Vec<i64> = sink.seen()[4..].iter().flat_map(|seen| seen.records.clone()).collect();
    assert_eq!(last, (1..=100).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_not_answered_is_made_again_with_the_same_name() {
    let sink = Script::new([Answer::Never, Answer::Ok]);
    let options = SinkOptions::default().write_timeout(MS(700));
    let report = SinkRunner::new(&sink).options(options).run(now(3)).await;
    let seen = sink.seen();
    assert_eq!((seen.len(), seen[0].id, seen[1].attempt), (2, seen[1].id, 2));
    assert!(seen[1].at >= MS(700));
    assert!(matches!(report.end, SinkEnd::Finished));
    assert_eq!((report.stats.written, report.stats.failures), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_takes_too_long_hands_back_what_was_not_written() {
    let sink = Script::new([Answer::Ok, Answer::Never]);
    let options = SinkOptions::default().batch(2, 1_000).drain(MS(1_500));
    let began = Instant::now();
    let report = SinkRunner::new(&sink).options(options).run(now(6)).await;
    assert_eq!(began.elapsed(), MS(1_500));
    assert!(matches!(report.end, SinkEnd::DrainTimedOut(None)), "{:?}", report.end);
    assert_eq!((report.unwritten, report.unknown), (vec![3, 4, 5, 6], 2));
    assert_eq!((report.stats.written, report.stats.waiting), (2, 4));
}

#[tokio::test(start_paused = true)]
async fn shutdown_in_the_middle_of_a_wait_tries_at_once_and_ends() {
    let sink = Script::new([Answer::Passing]);
    let options = SinkOptions::default().backoff(MS(60_000), MS(60_000)).linger(Duration::ZERO);
    let runner = SinkRunner::new(sink.clone()).options(options);
    let handle = runner.handle();
    let run = tokio::spawn(runner.run(now(3).chain(stream::pending())));
    sleep(MS(10)).await;
    handle.shutdown();
    let report = run.await.unwrap();
    assert!(matches!(report.end, SinkEnd::Shutdown), "{:?}", report.end);
    assert_eq!(report.stats.written, 3);
    assert!(sink.seen()[1].at < MS(20));
    assert_eq!(handle.stats(), report.stats);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_stream_is_the_end_and_what_came_before_is_written() {
    let sink = Script::new([]);
    let fault = stream::iter([Err(Error::new(ErrorKind::Auth, "revoked"))]);
    let report = SinkRunner::new(&sink).run(now(3).chain(fault)).await;
    assert!(matches!(&report.end, SinkEnd::StreamFailed(e) if e.kind() == ErrorKind::Auth));
    assert_eq!(report.stats.written, 3);
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_fails_for_good_or_too_often_ends_the_run_with_its_error() {
    let sink = Script::new([Answer::Fatal]);
    let report = SinkRunner::new(&sink).run(now(3)).await;
    assert!(matches!(report.end, SinkEnd::SinkFailed(_)));
    assert_eq!((report.unwritten, report.unknown), (vec![1, 2, 3], 3));
    let sink = Script::new([Answer::Passing, Answer::Passing, Answer::Ok]);
    let options = SinkOptions::default().max_attempts(2);
    let report = SinkRunner::new(&sink).options(options).run(now(1)).await;
    assert!(matches!(report.end, SinkEnd::SinkFailed(_)));
    assert_eq!(sink.seen().len(), 2);
}

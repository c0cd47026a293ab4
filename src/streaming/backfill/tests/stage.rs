//! The stage between the queue and the consumer, under a paused clock.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::super::delivery::{Delivery, Origin};
use super::super::super::protocol::BackfillEvent;
use super::super::super::stream::Live;
use super::super::options::Filling;
use super::super::stage::Stage;
use super::*;
use crate::core::close::Gone;
use crate::error::{Error, ErrorKind};
use crate::events::{Event, StopReason};
use crate::transport::clock::RuntimeClock;

/// What a source does with its next request.
enum Answer {
    After(Duration, Vec<Backfilled>),
    Never,
    Panic,
}

/// Counts requests that are dropped before they are answered.
struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<BackfillRequest>>,
    alive: Arc<AtomicUsize>,
}

struct Scripted(Arc<Script>);

impl BackfillSource for Scripted {
    fn covers(&self, _: &Topic) -> bool {
        true
    }

    fn fetch<'a>(&'a self, request: &'a BackfillRequest) -> BoxFuture<'a, Result<Vec<Backfilled>>> {
        self.0.asked.lock().unwrap().push(request.clone());
        let answer = self.0.answers.lock().unwrap().pop_front();
        self.0.alive.fetch_add(1, Ordering::SeqCst);
        let alive = Alive(self.0.alive.clone());
        Box::pin(async move {
            let _alive = alive;
            match answer {
                Some(Answer::After(wait, items)) => {
                    tokio::time::sleep(wait).await;
                    Ok(items)
                }
                Some(Answer::Panic) => panic!("as a user's code may"),
                Some(Answer::Never) | None => std::future::pending().await,
            }
        })
    }
}

struct Bench {
    stage: Stage<Event>,
    script: Arc<Script>,
    live: mpsc::UnboundedSender<Live<Event>>,
    queue: mpsc::UnboundedReceiver<Live<Event>>,
}

impl Bench {
    fn new(answers: Vec<Answer>) -> Self {
        let script = Arc::new(Script { answers: Mutex::new(answers.into()), ..Script::default() });
        let filling = Filling {
            sources: vec![Arc::new(Scripted(script.clone()))],
            options: BackfillOptions::default(),
            decode: Event::from_body,
            text: Event::body_text,
        };
        let stage = Stage::new(filling, Arc::new(RuntimeClock), Arc::default());
        let (live, queue) = mpsc::unbounded_channel();
        Self { stage, script, live, queue }
    }

    fn event(&self, number: usize) {
        let body = format!(r#"{{"message":"{number}"}}"#);
        let body = serde_json::value::RawValue::from_string(body).unwrap();
        let mut delivery = Delivery::own(Lifecycle::Lagged { dropped: 0 }, wall(0));
        delivery.topic = state("other");
        delivery.event = Event::from_body(&delivery.topic, &body);
        let _ = self.live.send(Live::Event(delivery));
    }

    fn own(&self, lifecycle: Lifecycle) {
        let _ = self.live.send(Live::Own(lifecycle, wall(0)));
    }

    fn gap(&self, number: u64) {
        self.own(Lifecycle::Gap {
            gap: GapId::new(number),
            topics: Arc::from([state("a")]),
            covered_until: wall(1),
            resumed_at: wall(2),
            duration: Duration::from_secs(1),
            cause: Gone::WriteTimeout,
        });
    }

    fn stopped(&self) {
        self.own(Lifecycle::Stopped { reason: StopReason::Closed, uncovered: Vec::new() });
    }

    /// The next item as one word, with whether it was fetched; `none` at the end.
    async fn next(&mut self) -> String {
        let Self { stage, queue, .. } = self;
        match poll_fn(|cx| stage.poll(cx, |cx| queue.poll_recv(cx))).await {
            None => "none".to_owned(),
            Some(Live::Error(error)) => format!("error {error}"),
            Some(Live::Own(Lifecycle::BackfillFailed { kind, .. }, _)) => {
                format!("failed {kind:?}")
            }
            Some(Live::Own(lifecycle, _)) => lifecycle.what().to_owned(),
            Some(Live::Event(delivery)) => {
                let Event::UsersPresence(body) = delivery.event else { panic!() };
                format!("{} {}", delivery.origin, body.message.unwrap())
            }
        }
    }

    async fn take(&mut self, count: usize) -> Vec<String> {
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(self.next().await);
        }
        items
    }
}

fn missed(number: usize) -> Backfilled {
    Backfilled::of(state("a"), &json!({ "message": number.to_string() }))
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_a_typed_event_behind_the_gap_and_what_is_live() {
    let mut bench = Bench::new(vec![Answer::After(Duration::ZERO, vec![missed(7)])]);
    bench.gap(1);
    bench.event(1);
    bench.event(2);
    assert_eq!(bench.take(5).await, ["gap", "live 1", "live 2", "backfill 7", "backfill_complete"]);
    let origin = Origin::Backfill { gap: GapId::new(1) };
    assert_eq!(origin.to_string(), "backfill");
    assert!(timeout(SECOND, bench.next()).await.is_err(), "then it waits");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_waits_is_woken_by_an_answer_and_by_the_next_one() {
    let answers = [7, 8].map(|n| Answer::After(SECOND, vec![missed(n)]));
    let mut bench = Bench::new(answers.into());
    bench.gap(1);
    bench.gap(2);
    let items = timeout(SECOND * 10, bench.take(6)).await.unwrap();
    assert_eq!(
        items,
        ["gap", "gap", "backfill 7", "backfill_complete", "backfill 8", "backfill_complete"]
    );
    let asked = bench.script.asked.lock().unwrap();
    assert_eq!(asked.iter().map(|request| request.gap.get()).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_never_idle_gets_one_fetched_item_in_64() {
    let mut bench = Bench::new(vec![Answer::After(Duration::ZERO, vec![missed(7)])]);
    bench.gap(1);
    (0..200).for_each(|number| bench.event(number));
    assert_eq!(bench.next().await, "gap");
    // The answer is there before the consumer comes back.
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
    let items = bench.take(130).await;
    let fetched: Vec<_> =
        items.iter().enumerate().filter(|(_, item)| !item.starts_with("live")).collect();
    let words: Vec<_> = fetched.iter().map(|(_, item)| item.as_str()).collect();
    assert_eq!(words, ["backfill 7", "backfill_complete"]);
    assert_eq!(fetched[1].0 - fetched[0].0, 65);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_or_never_answers_is_a_failure() {
    let mut bench = Bench::new(vec![Answer::Panic, Answer::Never]);
    bench.gap(1);
    assert_eq!(bench.take(2).await, ["gap", "failed Config"]);
    bench.gap(2);
    let began = tokio::time::Instant::now();
    assert_eq!(bench.take(2).await, ["gap", "failed Timeout"]);
    assert_eq!(began.elapsed().as_secs(), 600);
    assert_eq!(bench.script.alive.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn before_a_stream_stops_every_gap_has_ended() {
    let mut bench = Bench::new(vec![Answer::Never]);
    bench.gap(1);
    assert_eq!(bench.next().await, "gap");
    assert!(timeout(SECOND, bench.next()).await.is_err());
    bench.event(1);
    bench.stopped();
    let _ = bench.live.send(Live::Error(Error::new(ErrorKind::Closed, "over")));
    assert_eq!(bench.take(4).await, ["live 1", "failed Closed", "stopped", "error over"]);
    tokio::task::yield_now().await;
    assert_eq!(bench.script.alive.load(Ordering::SeqCst), 0, "nothing is fetched any more");
}

#[tokio::test(start_paused = true)]
async fn an_end_without_a_word_ends_the_gaps_too() {
    let mut bench = Bench::new(vec![Answer::Never]);
    bench.gap(1);
    assert_eq!(bench.next().await, "gap");
    // The queue is closed by the last sender going away.
    bench.live = mpsc::unbounded_channel().0;
    assert_eq!(bench.take(2).await, ["failed Closed", "none"]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_unsubscribed_is_told_of_behind_that() {
    let mut bench = Bench::new(vec![Answer::After(SECOND, vec![missed(7)])]);
    bench.gap(1);
    bench.own(Lifecycle::Unsubscribed { topics: Arc::from([state("a")]) });
    assert_eq!(bench.take(3).await, ["gap", "unsubscribed", "failed Closed"]);
    assert!(timeout(SECOND * 5, bench.next()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_abandons_its_requests() {
    let mut bench = Bench::new(vec![Answer::Never]);
    bench.gap(1);
    bench.next().await;
    tokio::task::yield_now().await;
    let script = bench.script.clone();
    assert_eq!(script.alive.load(Ordering::SeqCst), 1);
    drop(bench);
    tokio::task::yield_now().await;
    assert_eq!(script.alive.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn polling_and_giving_up_loses_nothing() {
    let mut bench = Bench::new(vec![Answer::After(SECOND, vec![missed(7)])]);
    bench.gap(1);
    assert_eq!(bench.next().await, "gap");
    for _ in 0..100 {
        let mut next = std::pin::pin!(bench.next());
        let polled = poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
    }
    assert_eq!(bench.take(2).await, ["backfill 7", "backfill_complete"]);
}

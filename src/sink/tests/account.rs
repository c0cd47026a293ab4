//! The pure machine: whatever the sink answers, each event is written once, or counted.

use std::time::{Duration, Instant, SystemTime};

use proptest::prelude::*;

use crate::error::{Error, ErrorKind};
use crate::sink::event_sink::{Ack, Encoded, WriteError};
use crate::sink::options::{SinkOptions, SinkOverflow};
use crate::sink::pipeline::{Draining, Outgoing, Pipeline, Step};
use crate::sink::report::SinkEnd;
use crate::streaming::queue::Capacity;

/// Marks a record that tells of drops.
const MARK: u64 = 1 << 40;

#[derive(Clone, Debug)]
enum Op {
    Record(usize),
    Skip,
    Refuse,
    Pass(u64),
    Answer(Answer),
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Ok,
    /// Half of it, when nothing of it is in yet.
    Half,
    /// All of it, but for the first.
    Refused,
    /// Nothing was written.
    Failed,
    /// Everything was written, and nobody heard of it.
    Unknown,
}

fn passing() -> WriteError {
    WriteError::passing(Error::new(ErrorKind::Transport, "cut"))
}

/// A sink that knows which batch came last, as the ones with an exactly-once promise do.
#[derive(Default)]
struct Store {
    records: Vec<u64>,
    last: u64,
    refused: u64,
}

impl Store {
    fn answer(&mut self, batch: &Outgoing<u64>, answer: Answer) -> Result<Ack, WriteError> {
        let is_in = self.last == batch.id;
        match answer {
            Answer::Failed => return Err(passing()),
            Answer::Half if !is_in => {
                let half = batch.records.len().div_ceil(2);
                self.records.extend(&batch.records[..half]);
                return Ok(Ack::first(half));
            }
            Answer::Refused if !is_in && batch.records[0] < MARK => {
                self.records.extend(&batch.records[1..]);
                self.refused += 1;
                return Ok(Ack::first(batch.records.len()).refuse(0, "no").refuse(0, "twice"));
            }
            _ => {}
        }
        if !is_in {
            self.records.extend(&batch.records);
            self.last = batch.id;
        }
        match answer {
            Answer::Unknown => Err(passing()),
            _ => Ok(Ack::first(batch.records.len())),
        }
    }
}

struct World {
    now: Instant,
    pipeline: Pipeline<u64>,
    writing: Option<Outgoing<u64>>,
    store: Store,
    offered: u64,
    dropped: u64,
}

impl World {
    fn turn(&mut self) -> bool {
        if self.writing.is_some() {
            return false;
        }
        match self.pipeline.step(self.now, |dropped| Some(MARK | dropped)) {
            Step::Write(batch) => self.writing = Some(batch),
            Step::Idle(_) => {}
            Step::End => return true,
        }
        false
    }

    fn offer(&mut self, item: Encoded<u64>) {
        if self.pipeline.accepts() {
            self.offered += 1;
            self.dropped += self.pipeline.offer(self.now, SystemTime::UNIX_EPOCH, item);
        }
    }

    fn answer(&mut self, answer: Answer) {
        if let Some(batch) = self.writing.take() {
            let outcome = self.store.answer(&batch, answer);
            self.pipeline.outcome(self.now, SystemTime::UNIX_EPOCH, 0.5, batch, outcome);
        }
    }
}

fn op() -> impl Strategy<Value = Op> {
    let answer = prop_oneof![
        3 => Just(Answer::Ok), 1 => Just(Answer::Half), 1 => Just(Answer::Refused),
        2 => Just(Answer::Failed), 2 => Just(Answer::Unknown),
    ];
    prop_oneof![
        8 => (1..60_usize).prop_map(Op::Record), 1 => Just(Op::Skip), 1 => Just(Op::Refuse),
        3 => (1..400_u64).prop_map(Op::Pass), 4 => answer.prop_map(Op::Answer),
    ]
}

proptest! {
    #[test]
    fn each_event_is_written_exactly_once_or_counted(
        ops in proptest::collection::vec(op(), 1..300),
        drop_oldest in any::<bool>(),
        items in 1..12_usize,
        batch in 1..6_usize,
    ) {
        let overflow = if drop_oldest { SinkOverflow::DropOldest } else { SinkOverflow::Wait };
        let options = SinkOptions::default()
            .batch(batch, 100)
            .linger(Duration::from_millis(50))
            .capacity(Capacity::new(items, 200))
            .overflow(overflow)
            .drain(Duration::from_secs(100_000));
        let mut world = World {
            now: Instant::now(),
            pipeline: Pipeline::new(options),
            writing: None,
            store: Store::default(),
            offered: 0,
            dropped: 0,
        };
        for op in ops {
            match op {
                Op::Record(bytes) => {
                    let number = world.offered + 1;
                    world.offer(Encoded::record(number, bytes));
                }
                Op::Skip => world.offer(Encoded::Skipped),
                Op::Refuse => world.offer(Encoded::refused("bad")),
                Op::Pass(ms) => world.now += Duration::from_millis(ms),
                Op::Answer(answer) => world.answer(answer),
            }
            world.turn();
            let stats = world.pipeline.stats();
            prop_assert!(stats.waiting <= items as u64 && stats.waiting_bytes <= 259, "{stats:?}");
            prop_assert_eq!(
                stats.events,
                stats.written + stats.refused + stats.skipped + stats.dropped + stats.waiting
            );
        }
        world.pipeline.drain(world.now, Draining::StreamEnded);
        while !world.turn() {
            world.now += Duration::from_secs(1);
            world.answer(Answer::Ok);
        }
        let report = world.pipeline.finish();
        prop_assert!(matches!(report.end, SinkEnd::Finished), "{:?}", report.end);
        let stats = report.stats;
        prop_assert_eq!((stats.events, stats.dropped, stats.waiting), (world.offered, world.dropped, 0));
        prop_assert_eq!(report.losses.total(), stats.dropped + stats.refused);
        let events: Vec<u64> = world.store.records.iter().copied().filter(|r| *r < MARK).collect();
        prop_assert_eq!(events.len() as u64, stats.written);
        prop_assert!(events.windows(2).all(|pair| pair[0] < pair[1]), "out of order or twice: {:?}", events);
        let told: u64 =
            world.store.records.iter().filter(|r| **r >= MARK).map(|mark| mark - MARK).sum();
        prop_assert!(told <= stats.dropped);
    }
}

#[test]
fn a_record_larger_than_the_whole_buffer_is_refused_and_not_waited_for() {
    let options = SinkOptions::default().capacity(Capacity::new(10, 100));
    let mut pipeline = Pipeline::new(options);
    pipeline.offer(Instant::now(), SystemTime::now(), Encoded::record(1, 101));
    let stats = pipeline.stats();
    assert_eq!((stats.refused, stats.waiting), (1, 0));
    assert!(pipeline.accepts());
}

#[test]
fn the_batch_that_is_being_written_is_never_dropped() {
    let options = SinkOptions::default()
        .batch(2, 1_000)
        .capacity(Capacity::new(3, 1_000))
        .overflow(SinkOverflow::DropOldest);
    let (now, wall) = (Instant::now(), SystemTime::now());
    let mut pipeline = Pipeline::new(options);
    for number in 1..=2 {
        pipeline.offer(now, wall, Encoded::record(number, 1));
    }
    let Step::Write(batch) = pipeline.step(now, |_| None) else { panic!("not due") };
    for number in 3..=10 {
        pipeline.offer(now, wall, Encoded::record(number, 1));
    }
    assert_eq!((batch.records.as_slice(), pipeline.stats().dropped), (&[1, 2][..], 7));
    let id = batch.id;
    pipeline.outcome(now, wall, 0.5, batch, Err(passing()));
    let later = now + Duration::from_secs(1);
    let Step::Write(again) = pipeline.step(later, |_| None) else { panic!("not tried again") };
    assert_eq!((again.id, again.attempt, again.records), (id, 2, vec![1, 2]));
}

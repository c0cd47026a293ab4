//! One soak: a platform, a client with its stream, and the judge.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures::{FutureExt, StreamExt};
use tokio::time::sleep;

use super::ambient::{Dice, Timeline, Wires, epoch};
use super::harm::FAULTS;
use super::judge::Judge;
use super::report::Report;
use super::topics::Topics;
use crate::client::Client;
use crate::core::ports::TokenSource;
use crate::sim::{Platform, Tap};
use crate::streaming::delivery::ConnectionState;
use crate::streaming::stream::{EventStream, StreamHandle};
use crate::transport::ws::Buffers;

/// Channels that carry the topics.
pub(super) const CHANNELS: usize = 10;
/// Steps for each fault: emit, let time pass, read.
const STEPS: u64 = 20;
/// How long everything may take to come to rest once nothing is wrong any more.
const REST: Duration = Duration::from_secs(3_600);
/// So often what was rejected is asked for again.
const ASKED_AGAIN: Duration = Duration::from_secs(300);

/// How large a soak is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) events: u64,
    pub(super) faults: u64,
    pub(super) topics: usize,
}

/// A soak that runs.
pub(super) struct Run {
    pub(super) platform: Arc<Platform>,
    pub(super) tokens: Arc<dyn TokenSource>,
    pub(super) handle: StreamHandle,
    pub(super) judge: Judge,
    pub(super) random: Rng,
    pub(super) wanted: Vec<usize>,
    pub(super) unwanted: Vec<usize>,
    /// Faults that are still to come of this round.
    pub(super) kinds: Vec<&'static str>,
    pub(super) step: u64,
    /// When what lasts is ended.
    pub(super) lift_at: Option<u64>,
    /// Until when the consumer reads nothing.
    pub(super) stalled_until: u64,
    tap: Arc<Tap>,
    events: EventStream,
}

/// A platform in memory, a client whose connections lead to it, and who sees what sockets do.
pub(super) fn house(seed: u64, timeline: Timeline) -> (Arc<Platform>, Client, Arc<Tap>) {
    let tap = Arc::<Tap>::default();
    let platform = Platform::builder().seed(seed).users(1).queues(1).conversations(0);
    let platform = platform.events_per_second(0.0).token_life(Duration::from_secs(30 * 86_400));
    let platform = Arc::new(platform.start_in_memory(epoch(), &tap).unwrap());
    let client = Client::builder(platform.endpoints())
        .credentials(platform.credentials())
        .clock(timeline)
        .entropy(Dice::new(seed))
        .pipes(Wires(platform.clone()))
        .build()
        .unwrap();
    (platform, client, tap)
}

/// Plays one seed: what it has counted and what stands for all that came out, or what went wrong.
pub(super) fn play(seed: u64, size: Size) -> Result<(Report, u64), String> {
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let timeline = Timeline::begins();
        let mut run = Run::begin(seed, size, timeline).await;
        let end = run.all(size).await;
        let digest = run.judge.digest();
        match end {
            Ok(()) => {
                let mut report = run.judge.report;
                report.simulated = Duration::from_micros(timeline.present());
                report.took = began.elapsed();
                Ok((report, digest))
            }
            Err(error) => Err(format!("{}seed {seed}: {error}", run.judge.lines())),
        }
    })
}

impl Run {
    async fn begin(seed: u64, size: Size, timeline: Timeline) -> Self {
        let (platform, client, tap) = house(seed, timeline);
        let topics = Topics::new(size.topics);
        let names: Vec<_> = (0..topics.len()).map(|at| topics.name(at).to_owned()).collect();
        let events = client
            .stream()
            .subscribe_all(names)
            .max_channels(CHANNELS)
            .topics_per_channel(topics.combined().div_ceil(CHANNELS))
            .renew_every(Duration::from_secs(3_600))
            .buffers(Buffers { max_message: 128 << 10, ..Buffers::default() })
            .start()
            .await
            .unwrap();
        Self {
            platform,
            tokens: client.token_source(),
            handle: events.handle(),
            wanted: (0..topics.len()).collect(),
            unwanted: Vec::new(),
            judge: Judge::new(topics, timeline),
            random: Rng::with_seed(seed),
            kinds: Vec::new(),
            step: 0,
            lift_at: None,
            stalled_until: 0,
            tap,
            events,
        }
    }

    async fn all(&mut self, size: Size) -> Result<(), String> {
        sleep(Duration::from_secs(1)).await;
        self.read()?;
        let steps = size.faults * STEPS;
        let each = size.events.div_ceil(steps).max(1);
        let mut struck = 0;
        while self.judge.report.events < size.events || struck < size.faults {
            self.step += 1;
            let emits = self.random.u64(..=2 * each);
            self.pass(emits).await?;
            if self.lift_at.take_if(|at| *at <= self.step).is_some() {
                self.judge.line(|| "fault: all lifted".into());
                self.platform.lift();
            }
            let left = steps.saturating_sub(self.step).max(1);
            if struck < size.faults && self.random.u64(..left) < size.faults - struck {
                struck += 1;
                self.harm();
                if self.random.bool() {
                    self.change().await;
                }
            }
        }
        self.settle().await
    }

    /// Emits so many events while some time passes, and reads what has come.
    async fn pass(&mut self, emits: u64) -> Result<(), String> {
        let most = match self.random.u8(..20) {
            0..10 => 20_000,
            10..17 => 1_000_000,
            _ => 15_000_000,
        };
        let pieces = self.random.u64(1..4);
        for _ in 0..pieces {
            for _ in 0..emits / pieces {
                let topic = self.wanted[self.random.usize(..self.wanted.len())];
                self.emit(topic);
            }
            sleep(Duration::from_micros(self.random.u64(..most))).await;
            if self.step >= self.stalled_until {
                self.read()?;
            }
        }
        Ok(())
    }

    fn emit(&mut self, topic: usize) -> bool {
        let mark = self.judge.next_mark();
        let topics = self.judge.topics();
        let sent = self.platform.emit_text(topics.name(topic), topics.frame(topic, mark));
        // What a socket that does not send has no room for is emitted another time.
        if sent {
            self.judge.emitted(topic);
        }
        sent
    }

    /// Reads all that has come.
    fn read(&mut self) -> Result<(), String> {
        self.judge.see(self.tap.take());
        self.judge.overdue()?;
        while let Some(item) = self.events.next().now_or_never() {
            match item {
                Some(Ok(delivery)) => self.judge.item(&delivery)?,
                Some(Err(error)) => return Err(format!("the stream ended: {error}")),
                None if self.judge.has_stopped() => break,
                None => return Err("the stream ended".into()),
            }
        }
        Ok(())
    }

    /// Nothing is wrong any more: all topics come back, and all that is emitted then comes out.
    async fn settle(&mut self) -> Result<(), String> {
        self.judge.line(|| "all is lifted for good".into());
        self.platform.lift();
        self.read()?;
        // What was rejected is asked for again when a channel is subscribed anew.
        self.handle.renew().await.map_err(|error| error.to_string())?;
        let began = tokio::time::Instant::now();
        let (mut calm, mut again) = (0, ASKED_AGAIN);
        while calm < 12 {
            sleep(Duration::from_secs(10)).await;
            self.read()?;
            let live = matches!(self.handle.state(), ConnectionState::Live { .. });
            let unsettled = self.judge.unsettled(&self.wanted);
            calm = if live && unsettled == 0 { calm + 1 } else { 0 };
            // Those that were being renewed when all was lifted are not renewed by that.
            if unsettled > 0 && began.elapsed() > again {
                again += ASKED_AGAIN;
                self.handle.renew().await.map_err(|error| error.to_string())?;
            }
            if began.elapsed() > REST {
                let state = self.handle.state();
                return Err(format!("{unsettled} topics do not come back; {state:?}"));
            }
        }
        for topic in self.wanted.clone() {
            if !self.emit(topic) {
                return Err("no room at rest".into());
            }
            if topic % 500 == 0 {
                sleep(Duration::from_millis(20)).await;
                self.read()?;
            }
        }
        sleep(Duration::from_secs(5)).await;
        self.read()?;
        self.judge.is_complete(&self.wanted)?;
        self.events.close().await;
        self.read()?;
        if !self.judge.has_stopped() {
            return Err("the stream did not say that it has stopped".into());
        }
        self.judge.report.duplicates_removed = self.handle.stats().duplicates_removed;
        self.judge.report.evictions = self.platform.stats().evictions;
        Ok(())
    }
}

pub(super) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(default)
}

#[test]
fn every_event_of_the_real_driver_comes_once_or_is_inside_a_gap() {
    let size = Size {
        events: number("GENESYS_CLOUD_SOAK_EVENTS", 20_000),
        faults: number("GENESYS_CLOUD_SOAK_FAULTS", 2 * FAULTS.len() as u64),
        topics: usize::try_from(number("GENESYS_CLOUD_SOAK_TOPICS", 500)).unwrap(),
    };
    let first = number("GENESYS_CLOUD_SOAK_FIRST", 1);
    let (mut all, mut failed) = (Report::default(), Vec::new());
    for seed in first..first + number("GENESYS_CLOUD_SOAK_SEEDS", 1) {
        match play(seed, size) {
            Ok((report, digest)) => {
                println!("seed {seed} ({digest:016x}): {report}");
                all.add(&report);
            }
            Err(error) => {
                println!("seed {seed} FAILED: {error}");
                failed.push(seed);
            }
        }
    }
    println!("{} seeds: {all}", all.seeds);
    println!("{}", all.kinds());
    assert!(failed.is_empty(), "seeds that failed: {failed:?}");
    let missing: Vec<_> = FAULTS.iter().filter(|kind| !all.faults.contains_key(**kind)).collect();
    assert!(missing.is_empty(), "never struck: {missing:?}");
}

#[test]
fn a_seed_plays_the_same_again() {
    let size = Size { events: 3_000, faults: FAULTS.len() as u64, topics: 120 };
    let first = play(9, size).unwrap();
    let second = play(9, size).unwrap();
    assert_eq!(first.1, second.1);
    assert_eq!(first.0.simulated, second.0.simulated);
    assert_eq!(first.0.kinds(), second.0.kinds());
    assert_ne!(first.1, play(10, size).unwrap().1);
}

//! Handing a stream over to another process, and taking over from one.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use tokio::sync::oneshot;
use tokio::time::sleep;

use super::{EventStream, Live, StreamHandle, closed};
use crate::core::clock::Clock;
use crate::core::limits::HAND_OVER_MARGIN;
use crate::error::{Error, Result};
use crate::events::{Lifecycle, Topic};
use crate::streaming::checkpoint::Checkpoint;
use crate::streaming::deliveries::Recent;
use crate::streaming::delivery::{Counters, Delivery, add};
use crate::streaming::driver::{Command, Inheritance, Item, Shared};
use crate::streaming::fingerprint::Fingerprint;
use crate::streaming::known::{Known, Verdict};
use crate::streaming::ledger::Covered;
use crate::streaming::protocol::StreamEvent;
use crate::streaming::supervisor::Snapshot;

/// The consumer's part of a hand-over: what it was delivered, and what the process before was.
#[derive(Debug)]
pub(crate) struct HandOver {
    recent: Recent,
    known: Option<Known>,
    /// What the process before covered, as far as gaps of this stream are judged by it.
    before: Option<Covered>,
    /// What comes before everything that waits in the queue.
    front: VecDeque<(Lifecycle, SystemTime)>,
}

impl HandOver {
    /// What is delivered from now on is kept.
    pub(crate) fn since(now: SystemTime) -> Self {
        let (known, before) = (None, None);
        Self { recent: Recent::new(now), known, before, front: VecDeque::new() }
    }

    /// Goes on after another process, that has ended.
    pub(crate) fn after(checkpoint: &Checkpoint, now: SystemTime) -> Self {
        let mut this = Self::since(now);
        let ahead = checkpoint.ahead_of(now);
        let covered = Covered::new(&checkpoint.coverage, ahead);
        this.inherit(checkpoint, covered, now, Duration::ZERO);
        this
    }

    fn inherit(
        &mut self,
        checkpoint: &Checkpoint,
        covered: Covered,
        now: SystemTime,
        late: Duration,
    ) {
        let window = checkpoint.window.as_ref();
        if let Some(window) = window {
            self.recent = Recent::after(window);
        }
        let ahead = checkpoint.ahead_of(now);
        self.known = Some(Known::new(window, covered, ahead, now, late));
    }

    /// What comes before the queue.
    pub(super) fn first(&mut self) -> Option<(Lifecycle, SystemTime)> {
        self.front.pop_front()
    }

    /// Whether an event of the queue is delivered.
    pub(super) fn passes<E>(
        &mut self,
        delivery: &Delivery<E>,
        print: Option<Fingerprint>,
        counters: &Counters,
    ) -> bool {
        let at = delivery.received_at;
        if self.known.as_ref().is_some_and(|known| known.is_over(at)) {
            self.known = None;
        }
        if let Some(known) = &mut self.known {
            match known.judge(&delivery.topic, print, at) {
                Verdict::New => {}
                Verdict::Delivered => {
                    add(&counters.duplicates_removed, 1);
                    return false;
                }
                Verdict::Doubtful => add(&counters.perhaps_repeated, 1),
            }
        }
        self.recent.note(print, at);
        true
    }

    /// What is told of an item of the queue: of a gap what the process before did not cover.
    pub(super) fn tell(&mut self, item: Lifecycle, at: SystemTime) -> Option<Lifecycle> {
        if let Some(known) = &mut self.known {
            match &item {
                Lifecycle::Subscribed { topics, since: from }
                | Lifecycle::Gap { topics, resumed_at: from, .. } => known.flows(topics, *from),
                _ => {}
            }
        }
        let Some(before) = &self.before else { return Some(item) };
        let Lifecycle::Gap { gap, topics, covered_until, resumed_at, duration, cause } = item
        else {
            return Some(item);
        };
        let whole = topics.len();
        let left = before.left(&topics, covered_until, resumed_at);
        let mut parts = left.into_iter().map(|(since, topics)| {
            let is_whole = since == covered_until && topics.len() == whole;
            let shorter = resumed_at.duration_since(since).unwrap_or_default();
            let lifecycle = Lifecycle::Gap {
                gap,
                topics: topics.into(),
                covered_until: since,
                resumed_at,
                duration: if is_whole { duration } else { shorter },
                cause: cause.clone(),
            };
            (lifecycle, at)
        });
        let first = parts.next()?.0;
        self.front.extend(parts);
        Some(first)
    }
}

impl<E: StreamEvent> EventStream<E> {
    /// How far the consumer has come, for another process to go on from: what it has taken from this stream, until when
    /// each topic is covered by that, and the channels. What still waits in the stream is not part of it.
    ///
    /// Also when the stream has ended: the usual end of a process is [`close`](StreamHandle::close), reading on to `None`,
    /// and then the last checkpoint, which has everything up to the close frame of each connection. The same call now and
    /// then, kept in a file, is what a process goes on from that was killed.
    ///
    /// What is delivered is remembered from the first call on, 65,536 events or 1 MiB, and before that nothing: call it once
    /// at the beginning, when another process is to take over without repeating anything. A stream that
    /// [stands by](crate::StreamBuilder::standby), or [resumes](crate::StreamBuilder::resume), remembers from its start.
    ///
    /// An item counts as taken when it has come out of the stream. Take a checkpoint when all that was taken is dealt with:
    /// what a crash finds half done after that is neither delivered again nor in a gap. With a [`sink`](crate::sink), wait for
    /// the end of its run and look at its report first.
    ///
    /// A gap that was told is not told again by the next process; backfill of it that has not ended here is not done there.
    ///
    /// ```no_run
    /// # async fn example(client: genesys_cloud::Client, user: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use futures::StreamExt;
    /// use genesys_cloud::{Checkpoint, topics};
    ///
    /// // The process that runs.
    /// let mut events = client.stream().subscribe(topics::users::presence(user)).start().await?;
    /// events.checkpoint().await?;                                    // remembers deliveries from here on
    /// let handle = events.handle();
    /// tokio::spawn(async move {
    ///     tokio::time::sleep(Duration::from_secs(60)).await;          // until it is told to stop
    ///     handle.close().await;
    /// });
    /// while let Some(item) = events.next().await {
    ///     println!("{:?}", item?.event);
    /// }
    /// std::fs::write("stream.json", events.checkpoint().await?.to_json()?)?; // a credential
    ///
    /// // The next one.
    /// let checkpoint = Checkpoint::from_json(&std::fs::read_to_string("stream.json")?)?;
    /// let mut events = client.stream().resume(checkpoint).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) for a stream that stands by, and was neither resumed nor read;
    /// [`Closed`](crate::ErrorKind::Closed) when a task of the stream panicked.
    ///
    /// # Cancel safety
    /// Safe: dropped, it has changed nothing but that deliveries are remembered.
    pub async fn checkpoint(&mut self) -> Result<Checkpoint> {
        if self.stands_by() {
            return Err(Error::config(
                "a stream that stands by has nothing to hand over: resume it, or read from it, first",
            ));
        }
        let now = self.clock.wall();
        let hand_over = self.hand_over.get_or_insert_with(|| Box::new(HandOver::since(now)));
        let window = Some(hand_over.recent.window());
        let (snapshot, ended) = match self.handle.snapshot().await {
            Ok(snapshot) => (snapshot, false),
            Err(error) => (self.shared.last.get().cloned().ok_or(error)?, true),
        };
        let Snapshot { wanted, mut coverage, channels } = snapshot;
        let waiting = self.waiting();
        if !waiting.is_empty() {
            let groups = std::mem::take(&mut coverage);
            for (until, topics) in groups {
                for topic in topics {
                    let until = until.map(|until| waiting.taken_until(&topic, until));
                    coverage.entry(until).or_default().push(topic);
                }
            }
        }
        let taken_at = self.clock.wall();
        Ok(Checkpoint { taken_at, ended, wanted, coverage, channels, window })
    }

    /// Takes over from another process, on a stream that [stands by](crate::StreamBuilder::standby) and was not read yet.
    ///
    /// A topic that has flowed here since before the other's end, by more than [`limits::HAND_OVER_MARGIN`], has no gap. For
    /// others a [`Lifecycle::Gap`] with the cause [`Gone::Restarted`] comes first, with exact ends. What the other has
    /// delivered is left out, and counted in [`StreamStats::duplicates_removed`]; what it may have delivered before it
    /// remembered deliveries comes, and is counted in [`StreamStats::perhaps_repeated`]. The other's channels are used when
    /// this stream needs another: it must have ended.
    ///
    /// Topics that only the other had are not added: subscribe them before. A checkpoint that was taken before the other
    /// ended does as well: what the other delivered after it comes again.
    ///
    /// [`limits::HAND_OVER_MARGIN`]: crate::limits::HAND_OVER_MARGIN
    /// [`Gone::Restarted`]: crate::Gone::Restarted
    /// [`StreamStats::duplicates_removed`]: crate::StreamStats::duplicates_removed
    /// [`StreamStats::perhaps_repeated`]: crate::StreamStats::perhaps_repeated
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) for a stream that does not stand by, was resumed before, or was read from:
    /// nothing changes then. [`Closed`](crate::ErrorKind::Closed) when the stream is over.
    ///
    /// # Cancel safety
    /// Not safe: when this future is dropped, the gaps may be lost. Drop the stream too.
    pub async fn resume(&mut self, checkpoint: Checkpoint) -> Result<()> {
        if !self.stands_by() {
            return Err(Error::config(
                "only a stream that stands by, and was not read or resumed yet, can take over: build it with \
                 StreamBuilder::standby(); StreamBuilder::resume() is for a process before which nothing runs",
            ));
        }
        let now = self.clock.wall();
        let covered = Covered::new(&checkpoint.coverage, checkpoint.ahead_of(now));
        let channels = checkpoint.living_channels(now);
        let inheritance = Inheritance { covered: covered.clone(), channels };
        let (answer, answered) = oneshot::channel();
        let command = Command::TakeOver(Box::new(inheritance), answer);
        self.handle.command(command).await?;
        let gaps = answered.await.map_err(|_| closed())?;
        self.shared.stands_by.store(false, Ordering::Relaxed);
        let late = if self.items.is_full() {
            let newest = self.waiting().newest;
            newest.and_then(|at| now.duration_since(at).ok()).unwrap_or_default()
        } else {
            Duration::ZERO
        };
        // What it delivers is remembered from its start.
        let mut hand_over = self.hand_over.take().unwrap_or_else(|| Box::new(HandOver::since(now)));
        hand_over.before = Some(covered.clone());
        hand_over.inherit(&checkpoint, covered, now, late);
        hand_over.front = gaps.into_iter().map(|gap| (gap, now)).collect();
        self.hand_over = Some(hand_over);
        Ok(())
    }

    /// Resolves once every topic flows that the platform does not refuse. Of a stream that
    /// [stands by](crate::StreamBuilder::standby) when they have flowed for [`limits::HAND_OVER_MARGIN`]: then the process
    /// that it takes over from may end.
    ///
    /// [`limits::HAND_OVER_MARGIN`]: crate::limits::HAND_OVER_MARGIN
    ///
    /// # Errors
    /// As [`StreamHandle::ready`].
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn ready(&self) -> Result<()> {
        self.handle.ready().await?;
        if self.stands_by() {
            sleep(HAND_OVER_MARGIN).await;
            // Something may have been lost meanwhile.
            self.handle.ready().await?;
        }
        Ok(())
    }

    fn stands_by(&self) -> bool {
        self.shared.stands_by.load(Ordering::Relaxed)
    }

    /// What the consumer has not taken.
    fn waiting(&self) -> Waiting {
        let mut waiting = Waiting::default();
        if let Some(hand_over) = &self.hand_over {
            hand_over.front.iter().for_each(|(item, _)| waiting.tell(item));
        }
        self.items.waiting(|item| match item {
            Item::Event(delivery, ..) => waiting.event(delivery.received_at),
            Item::Own(item, _) => waiting.tell(item),
            Item::Error(_) => {}
        });
        waiting
    }
}

impl StreamHandle {
    /// Resolves once every topic flows that the platform does not refuse. The stream has to be read meanwhile, or to have
    /// room.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed) when the stream ends before.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn ready(&self) -> Result<()> {
        self.ask(Command::Ready).await
    }

    async fn snapshot(&self) -> Result<Snapshot> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Snapshot(answer)).await?;
        answered.await.map_err(|_| closed())
    }
}

/// What waits in a stream: the consumer has come to before it.
#[derive(Debug, Default)]
struct Waiting {
    /// When the oldest and the newest event was received.
    oldest: Option<SystemTime>,
    newest: Option<SystemTime>,
    /// Topics whose gap was not told yet, and since when it is open.
    gaps: HashMap<Topic, SystemTime>,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.oldest.is_none() && self.gaps.is_empty()
    }

    fn event(&mut self, at: SystemTime) {
        self.oldest = Some(self.oldest.map_or(at, |oldest| oldest.min(at)));
        self.newest = self.newest.max(Some(at));
    }

    fn tell(&mut self, item: &Lifecycle) {
        if let Lifecycle::Gap { topics, covered_until, .. } = item {
            for topic in topics.iter() {
                let since = self.gaps.entry(topic.clone()).or_insert(*covered_until);
                *since = (*since).min(*covered_until);
            }
        }
    }

    /// Until when the consumer has what came of a topic, that is covered until then.
    fn taken_until(&self, topic: &Topic, until: SystemTime) -> SystemTime {
        let gap = self.gaps.get(topic).copied();
        self.oldest.into_iter().chain(gap).fold(until, SystemTime::min)
    }
}

/// What a stream shares with its driver, and what it begins with.
pub(crate) struct Origins {
    pub(crate) shared: Shared,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hand_over: Option<Box<HandOver>>,
}

/// Live items in a row that are left out before others get their turn.
pub(super) const TURN: u32 = 64;

/// What is yielded of an item of the queue; `None` when it is left out.
pub(super) fn sorted<E>(
    item: Item<E>,
    hand_over: Option<&mut HandOver>,
    counters: &Counters,
) -> Option<Live<E>> {
    match (item, hand_over) {
        (Item::Event(delivery, _, print), Some(hand_over)) => {
            let passes = hand_over.passes(&delivery, print, counters);
            passes.then_some(Live::Event(delivery))
        }
        (Item::Event(delivery, ..), None) => Some(Live::Event(delivery)),
        (Item::Own(item, at), Some(hand_over)) => {
            hand_over.tell(item, at).map(|item| Live::Own(item, at))
        }
        (Item::Own(item, at), None) => Some(Live::Own(item, at)),
        (Item::Error(error), _) => Some(Live::Error(error)),
    }
}

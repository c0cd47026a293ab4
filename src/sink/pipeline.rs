//! Buffer, batcher and outstanding batch as one pure machine: no sink, no stream, no clock, no randomness.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use super::event_sink::{Ack, Encoded, WriteError};
use super::losses::{LossCause, Losses};
use super::options::{SinkOptions, SinkOverflow};
use super::report::{SinkEnd, SinkReport, SinkStats};
use crate::core::backoff::full_jitter;
use crate::error::{Error, ErrorKind};

/// Names of batches. They differ in the whole process, so that a sink may outlive its runner.
static NEXT_BATCH: AtomicU64 = AtomicU64::new(1);

fn next_batch() -> u64 {
    NEXT_BATCH.fetch_add(1, Ordering::Relaxed)
}

/// A record that waits.
struct Held<R> {
    record: R,
    bytes: usize,
    number: u64,
    since: Instant,
}

/// A batch on its way. Whoever writes it owns it, and gives it back with the outcome.
#[derive(Debug)]
pub(super) struct Outgoing<R> {
    pub(super) id: u64,
    /// Counts the attempts from 1.
    pub(super) attempt: u32,
    pub(super) records: Vec<R>,
    /// The number and the bytes of each event; number 0 is the record that tells of drops.
    events: Vec<(u64, usize)>,
}

/// Where the outstanding batch is.
enum Out<R> {
    None,
    /// The writer has it; what it counts.
    Writing {
        events: usize,
        bytes: usize,
    },
    /// It failed, and is tried again.
    Resting {
        batch: Outgoing<R>,
        until: Instant,
    },
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Step<R> {
    /// Write this, and come back with the outcome.
    Write(Outgoing<R>),
    /// Nothing before this moment, unless something comes in.
    Idle(Option<Instant>),
    /// It is over: ask for the report.
    End,
}

/// Why nothing more is taken.
#[derive(Debug)]
pub(super) enum Draining {
    StreamEnded,
    StreamFailed(Error),
    Shutdown,
}

pub(super) struct Pipeline<R> {
    options: SinkOptions,
    waiting: VecDeque<Held<R>>,
    waiting_bytes: usize,
    out: Out<R>,
    /// Events that were dropped just before the front of `waiting`.
    dropped_here: u64,
    draining: Option<(Draining, Instant)>,
    failed: Option<Error>,
    last_failure: Option<Error>,
    stats: SinkStats,
    losses: Losses,
}

impl<R> Pipeline<R> {
    pub(super) fn new(options: SinkOptions) -> Self {
        Self {
            options,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            out: Out::None,
            dropped_here: 0,
            draining: None,
            failed: None,
            last_failure: None,
            stats: SinkStats::default(),
            losses: Losses::default(),
        }
    }

    /// Records and bytes that are held.
    fn held(&self) -> (usize, usize) {
        let (events, bytes) = match &self.out {
            Out::None => (0, 0),
            Out::Writing { events, bytes } => (*events, *bytes),
            Out::Resting { batch, .. } => batch.size(),
        };
        (self.waiting.len() + events, self.waiting_bytes + bytes)
    }

    fn is_full(&self) -> bool {
        let (items, bytes) = self.held();
        items >= self.options.capacity.items || bytes >= self.options.capacity.bytes
    }

    /// Whether another item may be taken from the stream.
    pub(super) fn accepts(&self) -> bool {
        self.draining.is_none()
            && self.failed.is_none()
            && (self.options.overflow == SinkOverflow::DropOldest || !self.is_full())
    }

    /// One item of the stream. Returns how many events were dropped for it.
    pub(super) fn offer(&mut self, now: Instant, wall: SystemTime, item: Encoded<R>) -> u64 {
        self.stats.events += 1;
        let number = self.stats.events;
        let (record, bytes) = match item {
            Encoded::Record { record, bytes } => (record, bytes),
            Encoded::Skipped => {
                self.stats.skipped += 1;
                return 0;
            }
            Encoded::Refused(reason) => {
                self.refuse(number, reason, wall);
                return 0;
            }
        };
        if bytes > self.options.capacity.bytes {
            self.refuse(number, "it is larger than the whole buffer".into(), wall);
            return 0;
        }
        self.waiting.push_back(Held { record, bytes, number, since: now });
        self.waiting_bytes += bytes;
        if self.options.overflow == SinkOverflow::DropOldest { self.make_room(wall) } else { 0 }
    }

    fn make_room(&mut self, wall: SystemTime) -> u64 {
        let mut dropped = 0;
        loop {
            let (items, bytes) = self.held();
            if items <= self.options.capacity.items && bytes <= self.options.capacity.bytes {
                break;
            }
            let Some(oldest) = self.waiting.pop_front() else {
                break;
            };
            self.waiting_bytes -= oldest.bytes;
            self.losses.note(oldest.number, LossCause::Overflow, wall);
            dropped += 1;
        }
        self.dropped_here += dropped;
        self.stats.dropped += dropped;
        dropped
    }

    fn refuse(&mut self, number: u64, reason: Box<str>, wall: SystemTime) {
        self.stats.refused += 1;
        self.losses.note(number, LossCause::Refused(reason), wall);
    }

    /// Takes nothing more; what is held is written until the deadline.
    pub(super) fn drain(&mut self, now: Instant, why: Draining) {
        if self.draining.is_some() {
            return;
        }
        // A deadline that no clock reaches is none.
        let far = now + std::time::Duration::from_secs(86_400 * 365);
        self.draining = Some((why, now.checked_add(self.options.drain).unwrap_or(far)));
        if let Out::Resting { until, .. } = &mut self.out {
            *until = now;
        }
    }

    /// When a drain gives up.
    pub(super) fn drain_until(&self) -> Option<Instant> {
        self.draining.as_ref().map(|(_, until)| *until)
    }

    /// What to do now. `lagged` makes the record that tells of drops.
    pub(super) fn step(&mut self, now: Instant, lagged: impl FnOnce(u64) -> Option<R>) -> Step<R> {
        if self.failed.is_some() || self.drain_until().is_some_and(|until| until <= now) {
            return Step::End;
        }
        match std::mem::replace(&mut self.out, Out::None) {
            Out::Resting { batch, until } if until > now => {
                self.out = Out::Resting { batch, until };
                return Step::Idle(self.earliest(Some(until)));
            }
            Out::Resting { batch, .. } => return self.send(batch),
            out @ Out::Writing { .. } => {
                self.out = out;
                return Step::Idle(self.drain_until());
            }
            Out::None => {}
        }
        let Some(front) = self.waiting.front() else {
            return match self.draining {
                Some(_) => Step::End,
                None => Step::Idle(None),
            };
        };
        let due = front.since.checked_add(self.options.linger);
        let ready = self.draining.is_some()
            || self.waiting.len() >= self.options.batch_items
            || self.waiting_bytes >= self.options.batch_bytes
            || self.is_full()
            || due.is_some_and(|due| due <= now);
        if !ready {
            return Step::Idle(self.earliest(due));
        }
        let mark = match std::mem::take(&mut self.dropped_here) {
            0 => None,
            dropped => lagged(dropped),
        };
        let batch = self.fill(mark);
        self.send(batch)
    }

    fn earliest(&self, at: Option<Instant>) -> Option<Instant> {
        [at, self.drain_until()].into_iter().flatten().min()
    }

    fn fill(&mut self, mark: Option<R>) -> Outgoing<R> {
        let (mut records, mut events, mut bytes) = (Vec::new(), Vec::new(), 0);
        if let Some(mark) = mark {
            records.push(mark);
            events.push((0, 0));
        }
        let mut count = 0;
        while let Some(front) = self.waiting.front()
            && count < self.options.batch_items
            && (count == 0 || bytes + front.bytes <= self.options.batch_bytes)
        {
            count += 1;
            bytes += front.bytes;
            let Some(held) = self.waiting.pop_front() else { break };
            records.push(held.record);
            events.push((held.number, held.bytes));
        }
        self.waiting_bytes -= bytes;
        Outgoing { id: next_batch(), attempt: 0, records, events }
    }

    fn send(&mut self, mut batch: Outgoing<R>) -> Step<R> {
        let (events, bytes) = batch.size();
        self.out = Out::Writing { events, bytes };
        batch.attempt = batch.attempt.saturating_add(1);
        Step::Write(batch)
    }

    /// The sink answered, or did not in time. `unit` is a random number in `0.0..1.0`. Returns the wait before the next
    /// attempt, if the batch failed and there is one.
    pub(super) fn outcome(
        &mut self,
        now: Instant,
        wall: SystemTime,
        unit: f64,
        batch: Outgoing<R>,
        outcome: Result<Ack, WriteError>,
    ) -> Option<std::time::Duration> {
        let failure = match outcome {
            Ok(ack) if ack.done > 0 || batch.records.is_empty() => {
                self.acknowledge(now, wall, batch, ack);
                return None;
            }
            Ok(_) => WriteError::passing(Error::new(
                ErrorKind::Transport,
                "the sink took none of the batch; no reason was given",
            )),
            Err(failure) => failure,
        };
        self.stats.failures += 1;
        let attempt = batch.attempt;
        let spent = self.options.max_attempts.is_some_and(|most| attempt >= most);
        let (base, cap) = self.options.backoff;
        let wait = full_jitter(base, cap, base / 2, attempt.saturating_sub(1), unit);
        self.out = Out::Resting { batch, until: now + wait };
        if failure.fatal || spent {
            self.failed = Some(failure.error);
            return None;
        }
        self.last_failure = Some(failure.error);
        Some(wait)
    }

    /// The failure that the next attempt is made for.
    pub(super) fn last_failure(&self) -> Option<&Error> {
        self.last_failure.as_ref()
    }

    /// The attempt was cut short because the run ends.
    pub(super) fn abandon(&mut self, now: Instant, batch: Outgoing<R>) {
        self.out = Out::Resting { batch, until: now };
    }

    fn acknowledge(&mut self, now: Instant, wall: SystemTime, batch: Outgoing<R>, mut ack: Ack) {
        self.last_failure = None;
        let Outgoing { mut records, mut events, .. } = batch;
        let done = ack.done.min(records.len());
        ack.refused.sort_by_key(|(index, _)| *index);
        ack.refused.dedup_by_key(|(index, _)| *index);
        let written = events[..done].iter().filter(|(number, _)| *number > 0).count() as u64;
        let mut refused = 0;
        for (index, reason) in ack.refused {
            if let Some((number, _)) = events[..done].get(index)
                && *number > 0
            {
                refused += 1;
                self.refuse(*number, reason, wall);
            }
        }
        self.stats.written += written - refused;
        self.stats.batches += 1;
        self.out = Out::None;
        if done < records.len() {
            let rest = Outgoing {
                id: next_batch(),
                attempt: 0,
                records: records.split_off(done),
                events: events.split_off(done),
            };
            self.out = Out::Resting { batch: rest, until: now };
        }
    }

    /// The counters.
    pub(super) fn stats(&self) -> SinkStats {
        let (items, bytes) = self.held();
        SinkStats { waiting: items as u64, waiting_bytes: bytes as u64, ..self.stats }
    }

    /// What it all came to. Asked once, when a step said [`Step::End`].
    pub(super) fn finish(mut self) -> SinkReport<R> {
        let stats = self.stats();
        let (mut unwritten, mut unknown) = (Vec::new(), 0);
        if let Out::Resting { batch, .. } = std::mem::replace(&mut self.out, Out::None) {
            let tried = batch.attempt > 0;
            let events = batch.events.into_iter().zip(batch.records);
            unwritten
                .extend(events.filter(|((number, _), _)| *number > 0).map(|(_, record)| record));
            unknown = if tried { unwritten.len() } else { 0 };
        }
        unwritten.extend(self.waiting.into_iter().map(|held| held.record));
        let end = match (self.failed, self.draining) {
            (Some(error), _) => SinkEnd::SinkFailed(error),
            (None, _) if !unwritten.is_empty() => SinkEnd::DrainTimedOut(self.last_failure),
            (None, Some((Draining::StreamFailed(error), _))) => SinkEnd::StreamFailed(error),
            (None, Some((Draining::Shutdown, _))) => SinkEnd::Shutdown,
            (None, _) => SinkEnd::Finished,
        };
        SinkReport { end, stats, losses: self.losses, unwritten, unknown }
    }
}

impl<R> Outgoing<R> {
    /// Events, and their bytes.
    fn size(&self) -> (usize, usize) {
        let events = self.events.iter().filter(|(number, _)| *number > 0);
        events.fold((0, 0), |(count, sum), (_, bytes)| (count + 1, sum + bytes))
    }
}

//! The latency monitor as a pure machine: pings out, pongs in, the time given.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::diagnostics::histogram::Histogram;
use crate::diagnostics::jitter::Jitter;
use crate::diagnostics::latency_config::LatencyConfig;
use crate::diagnostics::latency_report::{LatencyFigures, LatencyReport, ProbeCounts};
use crate::diagnostics::latency_window::{Summary, Window, share};
use crate::diagnostics::measurement::{Measurement, PingOutcome};
use crate::diagnostics::schedule::Schedule;

/// Most pings under way. The longest timeout and the shortest interval make 600.
const MOST_OUTSTANDING: usize = 1_024;

/// Pings that timed out and whose late answers are known as such.
const MOST_TIMED_OUT: usize = 1_024;

/// A ping that was sent.
#[derive(Clone, Copy, Debug)]
struct Ping {
    sequence: u64,
    sent: Instant,
}

/// Everything that a monitor knows. Its memory is fixed when it is made.
#[derive(Debug)]
#[allow(clippy::struct_field_names)] // Two kinds of violations, one of latency.
pub(crate) struct Latency {
    config: LatencyConfig,
    /// Tells our pings from those of others on the same connection.
    prefix: u64,
    next: u64,
    /// Connections that are open: two while one takes over from another.
    open: u64,
    schedule: Option<Schedule>,
    last_sent: Option<Instant>,
    /// By age, the oldest first.
    outstanding: VecDeque<Ping>,
    timed_out: VecDeque<Ping>,
    counts: ProbeCounts,
    jitter: Jitter,
    latencies: Histogram,
    differences: Histogram,
    window: Window,
    stable: u64,
    slow: u64,
    uneven: u64,
    drift: Duration,
    max_drift: Duration,
    began: Option<Instant>,
    last_call: Option<Instant>,
}

impl Latency {
    /// `config` has been validated.
    pub(crate) fn new(config: LatencyConfig, prefix: u64) -> Self {
        Self {
            window: Window::new(config.window),
            config,
            prefix,
            next: 0,
            open: 0,
            schedule: None,
            last_sent: None,
            outstanding: VecDeque::with_capacity(MOST_OUTSTANDING),
            timed_out: VecDeque::with_capacity(MOST_TIMED_OUT),
            counts: ProbeCounts::default(),
            jitter: Jitter::default(),
            latencies: Histogram::new(),
            differences: Histogram::new(),
            stable: 0,
            slow: 0,
            uneven: 0,
            drift: Duration::ZERO,
            max_drift: Duration::ZERO,
            began: None,
            last_call: None,
        }
    }

    /// A connection is open. While another still is, its pings may be answered yet.
    pub(crate) fn opened(&mut self, now: Instant, out: &mut Vec<Measurement>) {
        self.tick(now, out);
        self.open += 1;
        self.counts.connections += 1;
        self.jitter.restart();
        let earliest = self.last_sent.map_or(now, |sent| sent + self.config.probe_limit);
        self.schedule = Some(Schedule::new(
            earliest.max(now),
            self.config.interval,
            self.config.probe_limit,
            self.config.drift,
        ));
    }

    /// When [`ping`](Self::ping) wants to be called: a ping is due, or one times out.
    pub(crate) fn next_ping(&self) -> Option<Instant> {
        let due = self.schedule?.due();
        let timeout = self.outstanding.front().map(|ping| ping.sent + self.config.pong_timeout);
        Some(timeout.map_or(due, |timeout| timeout.min(due)))
    }

    pub(crate) fn ping(&mut self, now: Instant, out: &mut Vec<Measurement>) -> Option<Box<str>> {
        self.tick(now, out);
        let beat = self.schedule.as_mut()?.beat(now)?;
        self.counts.missed += beat.missed;
        self.drift = beat.drift;
        self.max_drift = self.max_drift.max(beat.drift);
        if self.outstanding.len() >= MOST_OUTSTANDING {
            self.counts.missed += 1;
            return None;
        }
        let sequence = self.next;
        self.next += 1;
        self.counts.sent += 1;
        self.last_sent = Some(now);
        self.outstanding.push_back(Ping { sequence, sent: now });
        Some(format!("{:016x}-{sequence}", self.prefix).into())
    }

    pub(crate) fn pong(&mut self, now: Instant, id: &str, out: &mut Vec<Measurement>) {
        self.tick(now, out);
        let Some(sequence) = self.sequence_of(id) else {
            self.counts.unsolicited += 1;
            return;
        };
        if let Some(ping) = take(&mut self.outstanding, sequence) {
            self.counts.answered += 1;
            let latency = now.saturating_duration_since(ping.sent);
            out.push(self.answered(now, sequence, latency));
        } else if let Some(ping) = take(&mut self.timed_out, sequence) {
            self.counts.lost -= 1;
            self.counts.late += 1;
            let latency = now.saturating_duration_since(ping.sent);
            out.push(self.measurement(now, sequence, PingOutcome::Late, Some(latency)));
        } else {
            self.counts.repeated += 1;
        }
    }

    /// A connection is gone. When it was the only one, what is under way is gone with it.
    pub(crate) fn closed(&mut self, now: Instant, out: &mut Vec<Measurement>) {
        self.tick(now, out);
        self.open = self.open.saturating_sub(1);
        if self.open > 0 {
            return;
        }
        self.schedule = None;
        self.jitter.restart();
        while let Some(ping) = self.outstanding.pop_front() {
            self.counts.lost_with_connection += 1;
            out.push(self.measurement(now, ping.sequence, PingOutcome::LostWithConnection, None));
        }
    }

    pub(crate) fn counts(&self) -> ProbeCounts {
        ProbeCounts { outstanding: self.outstanding.len() as u64, ..self.counts }
    }

    pub(crate) fn report(&self) -> LatencyReport {
        let settled = self.counts.answered + self.counts.timeouts();
        let LatencyConfig { latency_threshold, jitter_threshold, .. } = self.config;
        let violations = self.window.violations(latency_threshold, jitter_threshold);
        LatencyReport {
            elapsed: self.last_call.map_or(Duration::ZERO, |at| self.elapsed(at)),
            counts: self.counts(),
            total: LatencyFigures {
                latency: Summary::of(&self.latencies),
                jitter: Summary::of(&self.differences),
                stability: share(self.stable, settled),
                timeouts: self.counts.timeouts(),
                latency_violations: self.slow,
                jitter_violations: self.uneven,
            },
            window: LatencyFigures {
                latency: self.window.latency(),
                jitter: self.window.jitter(),
                stability: self.window.stability(),
                timeouts: self.window.timeouts(),
                latency_violations: violations.0,
                jitter_violations: violations.1,
            },
            smoothed_jitter: self.jitter.smoothed(),
            schedule_drift: self.drift,
            max_schedule_drift: self.max_drift,
        }
    }

    /// All round trips of answers in time.
    pub(crate) fn latencies(&self) -> &Histogram {
        &self.latencies
    }

    /// The bytes that it takes.
    pub(crate) fn footprint(&self) -> usize {
        size_of::<Self>()
            + (self.outstanding.capacity() + self.timed_out.capacity()) * size_of::<Ping>()
            + self.latencies.footprint()
            + self.differences.footprint()
            + self.window.footprint()
    }

    /// Settles what has timed out.
    fn tick(&mut self, now: Instant, out: &mut Vec<Measurement>) {
        self.began.get_or_insert(now);
        // Callers on several threads may come in with times that are not in order.
        self.last_call = self.last_call.max(Some(now));
        while let Some(ping) = self.outstanding.front().copied()
            && now >= ping.sent + self.config.pong_timeout
        {
            self.outstanding.pop_front();
            self.counts.lost += 1;
            self.window.push(None, None, false);
            if self.timed_out.len() >= MOST_TIMED_OUT {
                self.timed_out.pop_front();
            }
            self.timed_out.push_back(ping);
            out.push(self.measurement(now, ping.sequence, PingOutcome::TimedOut, None));
        }
    }

    fn answered(&mut self, now: Instant, sequence: u64, latency: Duration) -> Measurement {
        let jitter = self.jitter.next(latency);
        self.latencies.record(latency);
        if let Some(jitter) = jitter {
            self.differences.record(jitter);
        }
        let slow = latency > self.config.latency_threshold;
        let uneven = jitter.is_some_and(|jitter| jitter > self.config.jitter_threshold);
        self.slow += u64::from(slow);
        self.uneven += u64::from(uneven);
        let stable = !slow && !uneven;
        self.stable += u64::from(stable);
        self.window.push(Some(latency), jitter, stable);
        Measurement {
            jitter,
            latency_violation: slow,
            jitter_violation: uneven,
            ..self.measurement(now, sequence, PingOutcome::Answered, Some(latency))
        }
    }

    fn measurement(
        &self,
        now: Instant,
        sequence: u64,
        outcome: PingOutcome,
        latency: Option<Duration>,
    ) -> Measurement {
        Measurement {
            sequence,
            elapsed: self.elapsed(now),
            outcome,
            latency,
            jitter: None,
            smoothed_jitter: self.jitter.smoothed(),
            stability: self.window.stability(),
            latency_violation: false,
            jitter_violation: false,
            schedule_drift: self.drift,
        }
    }

    fn elapsed(&self, now: Instant) -> Duration {
        self.began.map_or(Duration::ZERO, |began| now.saturating_duration_since(began))
    }

    /// The number of one of our pings; `None` for the ids of others, and for ids that were not sent yet.
    fn sequence_of(&self, id: &str) -> Option<u64> {
        let (prefix, sequence) = id.split_once('-')?;
        let ours = prefix.len() == 16 && u64::from_str_radix(prefix, 16).ok()? == self.prefix;
        let sequence: u64 = sequence.parse().ok()?;
        (ours && sequence < self.next).then_some(sequence)
    }
}

/// Takes a ping out of a queue that is sorted by its number.
fn take(pings: &mut VecDeque<Ping>, sequence: u64) -> Option<Ping> {
    let at = pings.binary_search_by_key(&sequence, |ping| ping.sequence).ok()?;
    pings.remove(at)
}

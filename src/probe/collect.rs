//! Counts what a run yields: pure, the times are those of the items.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use crate::diagnostics::measurement::{Measurement, PingOutcome};
use crate::events::Lifecycle;
use crate::probe::drop_facts::DropFacts;
use crate::probe::media_meter::MediaMeter;
use crate::probe::probed::Seen;
use crate::probe::series::Series;
use crate::streaming::stream::StreamHandle;

/// Most types of messages that are told apart.
const MOST_TYPES: usize = 256;

/// Where the rest is counted.
const OTHER_TYPES: &str = "(other types)";

/// Longest name of a type that is kept, in characters.
const LONGEST_TYPE: usize = 80;

/// Most ends of connections that are kept.
const MOST_DROPS: usize = 1_000;

/// An end of a connection as it was seen.
pub(super) struct Ended {
    pub(super) at: SystemTime,
    pub(super) elapsed: Duration,
    pub(super) facts: DropFacts,
}

/// Everything that was counted so far.
pub(super) struct Collector {
    began: (SystemTime, Instant),
    handle: Option<StreamHandle>,
    pub(super) messages: u64,
    pub(super) by_type: BTreeMap<Box<str>, u64>,
    pub(super) not_json: u64,
    pub(super) media_frames: u64,
    pub(super) media: Option<Box<dyn MediaMeter>>,
    pub(super) series: Series,
    pub(super) connects: u64,
    pub(super) ended: Vec<Ended>,
    pub(super) more_ended: u64,
    pub(super) gaps: u64,
    pub(super) uncovered: Duration,
    pub(super) lagged: u64,
    pub(super) live_since: Option<Duration>,
    pub(super) stopped: Option<Box<str>>,
    /// When something was last exchanged on this connection.
    active: SystemTime,
    answered: u64,
    unanswered: u64,
}

impl Collector {
    pub(super) fn new(
        began: (SystemTime, Instant),
        handle: Option<StreamHandle>,
        media: Option<Box<dyn MediaMeter>>,
    ) -> Self {
        Self {
            began,
            handle,
            messages: 0,
            by_type: BTreeMap::new(),
            not_json: 0,
            media_frames: 0,
            media,
            series: Series::new(),
            connects: 0,
            ended: Vec::new(),
            more_ended: 0,
            gaps: 0,
            uncovered: Duration::ZERO,
            lagged: 0,
            live_since: None,
            stopped: None,
            active: began.0,
            answered: 0,
            unanswered: 0,
        }
    }

    /// Since the begin of the run; the wall clock may have been set back.
    fn elapsed(&self, at: SystemTime) -> Duration {
        at.duration_since(self.began.0).unwrap_or_default()
    }

    /// An item of the stream.
    pub(super) fn item(&mut self, seen: Seen<'_>, at: SystemTime) {
        match seen {
            Seen::Lifecycle(item) => return self.lifecycle(item, at),
            Seen::Message { kind } => self.count(kind),
            Seen::NotJson => {
                self.not_json += 1;
                self.count("(not JSON)");
            }
            Seen::Media { position, sample_rate, bytes } => {
                self.media_frames += 1;
                self.count("(audio)");
                let arrival = self.began.1 + self.elapsed(at);
                if let Some(media) = &mut self.media {
                    media.observe(position, sample_rate, bytes, arrival);
                }
            }
        }
        self.messages += 1;
        self.active = at;
    }

    fn count(&mut self, kind: &str) {
        let kind = if kind.is_empty() { "(no type)" } else { kind };
        let kind: String = kind.chars().take(LONGEST_TYPE).collect();
        if let Some(count) = self.by_type.get_mut(&*kind) {
            *count += 1;
        } else {
            let kind = if self.by_type.len() < MOST_TYPES { &*kind } else { OTHER_TYPES };
            *self.by_type.entry(kind.into()).or_default() += 1;
        }
    }

    fn lifecycle(&mut self, item: &Lifecycle, at: SystemTime) {
        match item {
            Lifecycle::Connected { .. } => {
                self.connects += 1;
                self.live_since = Some(self.elapsed(at));
                self.active = at;
                (self.answered, self.unanswered) = (0, 0);
            }
            Lifecycle::Disconnected { cause, last_inbound, was_live, .. } => {
                self.live_since = None;
                // A close frame is an inbound byte, and no sign that the connection was in use.
                let closed = matches!(cause, crate::Gone::Closed { .. });
                let active = last_inbound.filter(|_| !closed).unwrap_or(self.active);
                let facts = DropFacts {
                    was_live: *was_live,
                    idle: (!was_live.is_zero())
                        .then(|| at.duration_since(active).unwrap_or_default().min(*was_live)),
                    // Since the last end: of this connection, and not of those before it.
                    largest_sent: self.handle.as_ref().map(StreamHandle::take_largest_sent),
                    pings_answered: self.answered,
                    pings_unanswered: self.unanswered,
                    ..DropFacts::new(cause.clone())
                };
                if self.ended.len() < MOST_DROPS {
                    let elapsed = self.elapsed(at);
                    self.ended.push(Ended { at, elapsed, facts });
                } else {
                    self.more_ended += 1;
                }
            }
            Lifecycle::Gap { duration, .. } => {
                self.gaps += 1;
                self.uncovered = self.uncovered.saturating_add(*duration);
            }
            Lifecycle::Lagged { dropped } => self.lagged = self.lagged.saturating_add(*dropped),
            Lifecycle::Stopped { reason, .. } => self.stopped = Some(reason.to_string().into()),
            _ => {}
        }
    }

    /// A ping is settled.
    pub(super) fn ping(&mut self, measurement: &Measurement, at: SystemTime) {
        let elapsed = self.elapsed(at);
        match measurement.outcome {
            PingOutcome::Answered => {
                self.answered += 1;
                self.unanswered = 0;
                self.active = at;
                if let (Some(media), Some(round_trip)) = (&mut self.media, measurement.latency) {
                    media.round_trip(round_trip);
                }
                self.series.push(elapsed, measurement.latency, measurement.jitter);
                if let (Some(media), Some(latency)) = (&mut self.media, measurement.latency) {
                    media.round_trip(latency);
                }
            }
            PingOutcome::TimedOut => {
                self.unanswered += 1;
                self.series.push(elapsed, None, None);
            }
            PingOutcome::Late => self.active = at,
            PingOutcome::LostWithConnection => {}
        }
    }
}

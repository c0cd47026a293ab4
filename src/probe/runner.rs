//! A run: settings, the loop, and the report that comes of it.

use std::fmt;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use futures::{Stream, StreamExt};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::core::close::{CloseCode, Gone};
use crate::diagnostics::latency_monitor::LatencyMonitor;
use crate::error::Result;
use crate::probe::collect::{Collector, Ended};
use crate::probe::correlate::{Correlate, DisconnectEvent};
use crate::probe::drop_facts::DropFacts;
use crate::probe::media_meter::MediaMeter;
use crate::probe::probed::Probed;
use crate::probe::report::{CloseReport, DropReport, LatencyRanges, Report, Stability};
use crate::probe::verdict::judge;
use crate::streaming::delivery::Delivery;
use crate::streaming::stream::StreamHandle;

/// How far the platform's clock may be from ours when an event is matched to a drop.
const SKEW: Duration = Duration::from_secs(30);

/// How long the platform is waited for when it is asked about drops.
const CORRELATION: Duration = Duration::from_secs(60);

/// Most of the platform's events that are matched to one drop: as many about the connection, and about conversations.
const MOST_MATCHES: usize = 5;

/// Reads a stream for a chosen time, and finds out how good its connection is and who drops it.
///
/// A [`LatencyMonitor`] adds round trips: give the same monitor to the stream and to the probe.
#[must_use = "a probe does nothing until it is run"]
pub struct Probe {
    application: Option<Box<str>>,
    duration: Duration,
    monitor: Option<LatencyMonitor>,
    media: Option<Box<dyn MediaMeter>>,
    handle: Option<StreamHandle>,
    correlate: Vec<Box<dyn Correlate>>,
    settle: Duration,
    least_stability: f64,
    idle_timeout: Option<Duration>,
    max_message_size: Option<u64>,
    largest_sent: Option<u64>,
    token_expires: Option<SystemTime>,
}

/// What a run has seen, before the platform is asked.
pub(super) struct Watched {
    seen: Collector,
    began: SystemTime,
    duration: Duration,
}

impl Probe {
    /// A run of one minute without round trips, audio and questions to the platform.
    pub fn new() -> Self {
        Self {
            application: None,
            duration: Duration::from_secs(60),
            monitor: None,
            media: None,
            handle: None,
            correlate: Vec::new(),
            settle: Duration::ZERO,
            least_stability: 0.95,
            idle_timeout: None,
            max_message_size: None,
            largest_sent: None,
            token_expires: None,
        }
    }

    /// The application's name in the report.
    pub fn application(mut self, name: &str) -> Self {
        self.application = Some(name.into());
        self
    }

    /// How long to run. Default one minute.
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }

    /// The monitor that the stream was given, for round trips.
    pub fn monitor(mut self, monitor: &LatencyMonitor) -> Self {
        self.monitor = Some(monitor.clone());
        self
    }

    /// Measures the latency of audio. Default: audio is only counted.
    pub fn media(mut self, meter: impl MediaMeter + 'static) -> Self {
        self.media = Some(Box::new(meter));
        self
    }

    /// The handle of the stream: then the largest message that was sent on a connection is among the evidence of its
    /// drop. One probe at a time.
    pub fn handle(mut self, handle: &StreamHandle) -> Self {
        self.handle = Some(handle.clone());
        self
    }

    /// Asks the platform about drops when there were any. Call it again for another source. Default: it is not asked.
    pub fn correlate(mut self, source: impl Correlate + 'static) -> Self {
        self.correlate.push(Box::new(source));
        self
    }

    /// How long to wait before the platform is asked: what happened is in its analytics some seconds to minutes later.
    /// Default not at all.
    pub fn settle(mut self, wait: Duration) -> Self {
        self.settle = wait;
        self
    }

    /// The share of pings that must be within the thresholds of the monitor for a stable connection. Default 0.95.
    pub fn least_stability(mut self, share: f64) -> Self {
        self.least_stability = share;
        self
    }

    /// After how long without traffic the server closes: `timeoutMillis` of the application.
    pub fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// The largest message that the server takes, in bytes: `maxMessageSize` of the application.
    pub fn max_message_size(mut self, bytes: Option<u64>) -> Self {
        self.max_message_size = bytes;
        self
    }

    /// The largest message that was sent on the connection, in bytes, when that is known.
    pub fn largest_sent(mut self, bytes: u64) -> Self {
        self.largest_sent = Some(bytes);
        self
    }

    /// When the token of the connection expires, when that is known.
    pub fn token_expires(mut self, at: SystemTime) -> Self {
        self.token_expires = Some(at);
        self
    }

    /// Reads the stream until the time is over or the stream ends, and reports.
    ///
    /// An end of the stream is part of the report, an error too. To stop early, close the stream through its handle.
    ///
    /// # Cancel safety
    /// Dropping the future loses the report; of `&mut stream` nothing is lost that was not read.
    pub async fn run<E, S>(mut self, stream: S) -> Report
    where
        E: Probed,
        S: Stream<Item = Result<Delivery<E>>>,
    {
        let watched = self.watch(stream).await;
        self.conclude(watched).await
    }

    /// Reads the stream.
    pub(super) async fn watch<E, S>(&mut self, stream: S) -> Watched
    where
        E: Probed,
        S: Stream<Item = Result<Delivery<E>>>,
    {
        let began = Instant::now();
        let wall = SystemTime::now();
        // One pace for all times of a report, also while the runtime's clock is paused.
        let now = || wall + began.elapsed();
        let mut seen =
            Collector::new((wall, began.into_std()), self.handle.take(), self.media.take());
        let mut stream = pin!(stream);
        let mut pings = self.monitor.as_ref().map(LatencyMonitor::measurements);
        let mut over = pin!(sleep_until(began + self.duration));
        let mut error = None;
        loop {
            let ping = async {
                match &mut pings {
                    Some(pings) => pings.next().await,
                    None => None,
                }
            };
            tokio::select! {
                // The end of the time comes first: a stream that never pauses must not hide it.
                biased;
                () = &mut over => break,
                Some(ping) = ping => seen.ping(&ping, now()),
                item = stream.next() => match item {
                    Some(Ok(delivery)) => seen.item(delivery.event.seen(), delivery.received_at),
                    Some(Err(failed)) => error = Some(failed.summary()),
                    None => break,
                },
            }
        }
        let duration = began.elapsed();
        if let Some(error) = error {
            seen.stopped = Some(error);
        }
        Watched { seen, began: wall, duration }
    }

    /// Asks the platform, and reports.
    pub(super) async fn conclude(self, watched: Watched) -> Report {
        let (events, correlation_error) = self.ask(&watched).await;
        self.report(watched, &events, correlation_error)
    }

    /// Asks the platform about drops, when there were any.
    async fn ask(&self, watched: &Watched) -> (Vec<DisconnectEvent>, Option<Box<str>>) {
        let Watched { seen, began, duration } = watched;
        let (mut events, mut errors) = (Vec::new(), Vec::new());
        let orderly = seen.ended.iter().all(|ended| ended.facts.is_orderly());
        if orderly || self.correlate.is_empty() {
            return (events, None);
        }
        sleep(self.settle).await;
        let (start, end) = (began.checked_sub(SKEW).unwrap_or(*began), *began + *duration + SKEW);
        for source in &self.correlate {
            match timeout(CORRELATION, source.events(start, end)).await {
                Ok(Ok(found)) => events.extend(found),
                Ok(Err(error)) => errors.push(error.summary()),
                Err(_) => errors.push("no answer in time".into()),
            }
        }
        (events, (!errors.is_empty()).then(|| errors.join("; ").into()))
    }

    fn report(
        self,
        watched: Watched,
        events: &[DisconnectEvent],
        correlation_error: Option<Box<str>>,
    ) -> Report {
        let Watched { seen, began: started_at, duration } = watched;
        let Collector { ended, .. } = seen;
        let facts: Vec<DropFacts> =
            ended.iter().map(|end| self.facts(end, &ended, events)).collect();
        let verdict = judge(&facts);
        let drops: Vec<DropReport> = ended
            .iter()
            .zip(&facts)
            .map(|(end, facts)| DropReport {
                at: end.at,
                elapsed: end.elapsed,
                was_live: facts.was_live,
                orderly: facts.is_orderly(),
                close: CloseReport::of(&facts.cause),
                verdict: judge(std::slice::from_ref(facts)),
                correlated: facts.correlated.clone(),
            })
            .collect();
        let latency = self.monitor.as_ref().map(LatencyMonitor::report);
        let histogram = self.monitor.as_ref().map(LatencyMonitor::latencies);
        let mut report = Report {
            application: self.application,
            started_at,
            duration,
            messages: seen.messages,
            by_type: seen.by_type,
            not_json: seen.not_json,
            media_frames: seen.media_frames,
            media: seen.media.map(|media| media.summary()),
            latency,
            ranges: histogram.as_ref().and_then(LatencyRanges::of),
            series: seen.series,
            connects: seen.connects,
            close: drops.last().map(|drop| drop.close.clone()),
            drops,
            more_drops: seen.more_ended,
            gaps: seen.gaps,
            uncovered: seen.uncovered,
            lagged: seen.lagged,
            live_since: seen.live_since,
            ended: seen.stopped,
            stability: Stability::Stable,
            correlation_error,
            verdict,
        };
        let reasons = instability(&report, self.least_stability);
        if !reasons.is_empty() {
            report.stability = Stability::Unstable(reasons);
        }
        report
    }

    /// What is known of one end, its settings and the platform's events included.
    fn facts(&self, end: &Ended, all: &[Ended], events: &[DisconnectEvent]) -> DropFacts {
        let near = |one: Duration, other: Duration| one.abs_diff(other) <= one / 20;
        let same = all.iter().filter(|other| near(end.facts.was_live, other.facts.was_live));
        let mut matches: Vec<_> = events
            .iter()
            .filter(|event| may_be_of(event, &end.facts.cause))
            .filter_map(|event| Some((distance(event.at?, end.at), event)))
            .filter(|(distance, _)| *distance <= SKEW)
            // An event is of the drop that is nearest to it.
            .filter(|(distance, event)| {
                !all.iter().any(|other| {
                    event.at.is_some_and(|at| self::distance(at, other.at) < *distance)
                })
            })
            .collect();
        matches.sort_by_key(|(distance, _)| *distance);
        let (direct, other): (Vec<_>, Vec<_>) =
            matches.into_iter().partition(|(_, event)| event.conversation_id.is_none());
        let matches =
            [direct, other].into_iter().flat_map(|list| list.into_iter().take(MOST_MATCHES));
        DropFacts {
            idle_timeout: self.idle_timeout,
            max_message_size: self.max_message_size,
            largest_sent: self.largest_sent.max(end.facts.largest_sent),
            token_expired: self.token_expires.map(|expires| expires <= end.at),
            same_age: u32::try_from(same.count()).unwrap_or(u32::MAX),
            correlated: matches.map(|(_, event)| event.clone()).collect(),
            ..end.facts.clone()
        }
    }
}

impl Default for Probe {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("application", &self.application)
            .field("duration", &self.duration)
            .finish_non_exhaustive()
    }
}

fn distance(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|error| error.duration())
}

/// Whether an event may be about an end that came without our doing: the platform lists other connections to the same
/// application, and our own close at the end of a run, too.
fn may_be_of(event: &DisconnectEvent, cause: &Gone) -> bool {
    match (event.code, cause) {
        (Some(code), Gone::Closed { code: seen, .. }) => code == seen.get(),
        (Some(code), _) => code != CloseCode::NORMAL.get(),
        (None, _) => true,
    }
}

/// Everything that a stable connection does not do.
fn instability(report: &Report, least: f64) -> Vec<Box<str>> {
    let mut reasons: Vec<Box<str>> = Vec::new();
    let drops = report.drops.iter().filter(|drop| !drop.orderly).count() as u64 + report.more_drops;
    if drops > 0 {
        let of = if drops == 1 { "connection was" } else { "connections were" };
        reasons.push(format!("{drops} {of} dropped").into());
    }
    if report.gaps > 0 {
        let of = if report.gaps == 1 { "gap" } else { "gaps" };
        reasons.push(format!("{} {of} in coverage", report.gaps).into());
    }
    if report.connects == 0 && report.messages == 0 {
        reasons.push("no connection came to flow".into());
    }
    if let Some(latency) = &report.latency
        && let Some(share) = latency.total.stability
        && share < least
    {
        let (share, least) = (share * 100.0, least * 100.0);
        reasons.push(
            format!("{share:.1} % of the pings were within the thresholds, under {least:.1} %")
                .into(),
        );
    }
    if let Some(media) = &report.media
        && media.late > 0
    {
        let (late, threshold) = (media.late, media.threshold_ms);
        reasons.push(format!("{late} frames of audio were over {threshold:.0} ms late").into());
    }
    reasons
}

//! What a run of a probe has found.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use crate::core::close::{CloseCode, Gone};
use crate::diagnostics::histogram::Histogram;
use crate::diagnostics::latency_report::LatencyReport;
use crate::diagnostics::millis;
use crate::events::Timestamp;
use crate::probe::correlate::DisconnectEvent;
use crate::probe::media_meter::MediaSummary;
use crate::probe::series::Series;
use crate::probe::verdict::Verdict;

/// Ranges of a histogram that is drawn.
const RANGES: usize = 40;

/// Whether a connection was what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stability {
    /// Nothing was lost, and the round trips were within the thresholds.
    Stable,
    /// It was not, for these reasons.
    Unstable(Vec<Box<str>>),
}

/// The end of a connection, explained.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CloseReport {
    /// The close code, or the one that stands for an end without a close frame.
    pub code: u16,
    /// The reason that the peer gave; empty when it gave none.
    pub reason: Box<str>,
    /// What happened, in one clause.
    pub what: Box<str>,
    /// What the code means.
    pub meaning: &'static str,
    /// What usually leads to it.
    pub causes: &'static [&'static str],
    /// What to check.
    pub check: &'static [&'static str],
}

impl CloseReport {
    pub(super) fn of(gone: &Gone) -> Self {
        let code: CloseCode = gone.close_code();
        let reason = match gone {
            Gone::Closed { reason, .. } => reason.clone(),
            _ => "".into(),
        };
        Self {
            code: code.get(),
            reason,
            what: gone.to_string().into(),
            meaning: code.meaning(),
            causes: code.causes(),
            check: code.check(),
        }
    }
}

/// One drop.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DropReport {
    /// When, on the wall clock.
    #[serde(serialize_with = "time")]
    pub at: SystemTime,
    /// When, since the begin of the run.
    #[serde(rename = "elapsed_ms", serialize_with = "millis::write")]
    pub elapsed: Duration,
    /// For how long the connection was live; zero for a dial that failed.
    #[serde(rename = "was_live_ms", serialize_with = "millis::write")]
    pub was_live: Duration,
    /// Whether it was ended as one side wanted.
    pub orderly: bool,
    /// How it ended.
    pub close: CloseReport,
    /// Who did it.
    pub verdict: Verdict,
    /// What the platform has written down about it.
    pub correlated: Vec<DisconnectEvent>,
}

/// How many round trips there were of each length.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LatencyRanges {
    /// The width of a range.
    #[serde(rename = "width_ms", serialize_with = "millis::write")]
    pub width: Duration,
    /// How many round trips in each range, from nothing on. The last takes all that is longer.
    pub counts: Vec<u64>,
}

impl LatencyRanges {
    /// Ranges of 1, 2 or 5 times a power of ten, so that 99.9 % are told apart.
    pub(super) fn of(histogram: &Histogram) -> Option<Self> {
        let most = u64::try_from(histogram.percentile(99.9)?.as_micros()).unwrap_or(u64::MAX);
        let least = most / (RANGES as u64 - 1) + 1;
        let steps = (0..10).flat_map(|power| [1, 2, 5].map(|step| step * 10_u64.pow(power)));
        let width = Duration::from_micros(steps.into_iter().find(|width| *width >= least)?);
        Some(Self { width, counts: histogram.ranges(width, RANGES) })
    }
}

/// What a run has found. `Display` is for a terminal, JSON for machines: durations there are milliseconds.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The application, when it was named.
    pub application: Option<Box<str>>,
    /// When the run began.
    #[serde(serialize_with = "time")]
    pub started_at: SystemTime,
    /// For how long it went.
    #[serde(rename = "duration_ms", serialize_with = "millis::write")]
    pub duration: Duration,
    /// Messages that came in, those that are not JSON and audio included.
    pub messages: u64,
    /// Messages by type; at most 256 types, what is beyond counts as `(other types)`.
    pub by_type: BTreeMap<Box<str>, u64>,
    /// Messages that are not JSON, or could not be decoded.
    pub not_json: u64,
    /// Frames of audio.
    pub media_frames: u64,
    /// The latency of audio, when it was measured.
    pub media: Option<MediaSummary>,
    /// Round trips, when there was a monitor.
    pub latency: Option<LatencyReport>,
    /// How the round trips were spread, when there were any.
    pub ranges: Option<LatencyRanges>,
    /// Round trips over time.
    pub series: Series,
    /// Connections that came to flow.
    pub connects: u64,
    /// Ends of connections, orderly ones included: the first 1,000.
    pub drops: Vec<DropReport>,
    /// Ends of connections beyond those.
    pub more_drops: u64,
    /// Gaps in coverage.
    pub gaps: u64,
    /// How long they were together.
    #[serde(rename = "uncovered_ms", serialize_with = "millis::write")]
    pub uncovered: Duration,
    /// Events that were dropped because the probe was slow.
    pub lagged: u64,
    /// Since when the last connection has been live, when it still is.
    #[serde(rename = "live_since_ms", serialize_with = "millis::write_opt")]
    pub live_since: Option<Duration>,
    /// Why the stream ended before its time; `None` when it did not.
    pub ended: Option<Box<str>>,
    /// The last end of a connection, explained.
    pub close: Option<CloseReport>,
    /// Whether the connection was what it should be.
    pub stability: Stability,
    /// Why the platform could not be asked, when that failed.
    pub correlation_error: Option<Box<str>>,
    /// Who dropped the connections.
    pub verdict: Verdict,
}

fn time<S: Serializer>(time: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
    Timestamp::from(*time).serialize(to)
}

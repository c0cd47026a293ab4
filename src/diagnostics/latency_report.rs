//! What a latency monitor has found.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::diagnostics::latency_window::Summary;
use crate::diagnostics::millis;

/// Counters of a latency monitor.
///
/// At every moment `sent` is `answered + late + lost + outstanding + lost_with_connection`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProbeCounts {
    /// Pings sent.
    pub sent: u64,
    /// Answered in time.
    pub answered: u64,
    /// Answered after the timeout.
    pub late: u64,
    /// Timed out, and not answered since.
    pub lost: u64,
    /// Under way.
    pub outstanding: u64,
    /// Under way when their connection went away.
    pub lost_with_connection: u64,
    /// Pongs with an id that is not ours, or none.
    pub unsolicited: u64,
    /// Pongs with an id of ours that was settled before: answered already, timed out very long ago, or of an earlier
    /// connection.
    pub repeated: u64,
    /// Pings that were left out: their time had passed, or too many were under way.
    pub missed: u64,
    /// Connections that were opened.
    pub connections: u64,
}

impl ProbeCounts {
    /// Pings that were not answered in time.
    pub fn timeouts(&self) -> u64 {
        self.late + self.lost
    }
}

/// Figures of a set of settled pings: those that were answered, and those that timed out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LatencyFigures {
    /// Round trips of answers in time.
    pub latency: Option<Summary>,
    /// Absolute differences of successive round trips of one connection.
    pub jitter: Option<Summary>,
    /// The share that was answered within both thresholds; `None` when nothing is settled.
    pub stability: Option<f64>,
    /// How many were not answered in time.
    pub timeouts: u64,
    /// Round trips over the threshold.
    pub latency_violations: u64,
    /// Differences over the threshold.
    pub jitter_violations: u64,
}

/// What a [`LatencyMonitor`](crate::LatencyMonitor) has found. As JSON, durations are milliseconds; `Display` is a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LatencyReport {
    /// From the first connection to the last call that the monitor had.
    #[serde(rename = "elapsed_ms", serialize_with = "millis::write")]
    pub elapsed: Duration,
    /// The counters.
    pub counts: ProbeCounts,
    /// Since the start; percentiles are at most 0.1 % off.
    pub total: LatencyFigures,
    /// Of the last pings, as many as the window takes; exact to the microsecond.
    pub window: LatencyFigures,
    /// The smoothed jitter of RFC 3550, as it stands.
    #[serde(rename = "smoothed_jitter_ms", serialize_with = "millis::write")]
    pub smoothed_jitter: Duration,
    /// By how much the last ping was sent later than where the schedule has it.
    #[serde(rename = "schedule_drift_ms", serialize_with = "millis::write")]
    pub schedule_drift: Duration,
    /// The largest such drift.
    #[serde(rename = "max_schedule_drift_ms", serialize_with = "millis::write")]
    pub max_schedule_drift: Duration,
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, summary: Option<&Summary>) -> fmt::Result {
    let Some(s) = summary else {
        return writeln!(f, "{name:<16} {:>9}", 0);
    };
    write!(f, "{name:<16} {:>9}", s.count)?;
    for value in [s.min, s.mean, s.p50, s.p90, s.p95, s.p99, s.max] {
        write!(f, " {:>9.2}", millis::of(value))?;
    }
    writeln!(f)
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "unknown".into(), |share| format!("{:.2} %", share * 100.0))
}

impl fmt::Display for LatencyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { counts, total, window, .. } = self;
        write!(f, "{:<16} {:>9}", "ms", "count")?;
        for name in ["min", "mean", "p50", "p90", "p95", "p99", "max"] {
            write!(f, " {name:>9}")?;
        }
        writeln!(f)?;
        row(f, "latency, all", total.latency.as_ref())?;
        row(f, "latency, window", window.latency.as_ref())?;
        row(f, "jitter, all", total.jitter.as_ref())?;
        row(f, "jitter, window", window.jitter.as_ref())?;
        writeln!(
            f,
            "pings: {} sent, {} answered, {} late, {} lost, {} lost with the connection, {} under way, {} left out",
            counts.sent,
            counts.answered,
            counts.late,
            counts.lost,
            counts.lost_with_connection,
            counts.outstanding,
            counts.missed,
        )?;
        writeln!(
            f,
            "pongs: {} unsolicited, {} repeated; connections: {}",
            counts.unsolicited, counts.repeated, counts.connections
        )?;
        writeln!(
            f,
            "stability: {}, window {}; violations: {} of latency, {} of jitter; timeouts: {}",
            percent(total.stability),
            percent(window.stability),
            total.latency_violations,
            total.jitter_violations,
            total.timeouts,
        )?;
        write!(
            f,
            "smoothed jitter: {:.2} ms; schedule drift: {:.2} ms, at most {:.2} ms",
            millis::of(self.smoothed_jitter),
            millis::of(self.schedule_drift),
            millis::of(self.max_schedule_drift),
        )
    }
}

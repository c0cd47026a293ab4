//! A report for a terminal.

use std::fmt;
use std::time::Duration;

use crate::events::Timestamp;
use crate::probe::printable::Printable;
use crate::probe::report::{CloseReport, DropReport, Report, Stability};

/// Drops that are listed one by one.
const LISTED: usize = 20;

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

impl fmt::Display for CloseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", Printable(&self.what))?;
        writeln!(f, "  {} {}", self.code, self.meaning)?;
        for cause in self.causes {
            writeln!(f, "  possible: {cause}")?;
        }
        for check in self.check {
            writeln!(f, "  check: {check}")?;
        }
        Ok(())
    }
}

impl fmt::Display for DropReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} after {} live: {}",
            Timestamp::from(self.at),
            seconds(self.was_live),
            Printable(&self.close.what)
        )?;
        if !self.orderly {
            write!(f, " [{}]", self.verdict.party.name())?;
        }
        for event in &self.correlated {
            write!(f, "; the platform: {}", Printable(&event.reason))?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.application.as_deref().unwrap_or("a stream");
        writeln!(f, "Probe of {}", Printable(name))?;
        writeln!(f, "from {}, for {}", Timestamp::from(self.started_at), seconds(self.duration))?;
        match &self.stability {
            Stability::Stable => writeln!(f, "stability: stable")?,
            Stability::Unstable(reasons) => {
                writeln!(f, "stability: unstable: {}", reasons.join("; "))?;
            }
        }
        writeln!(f, "verdict: {}", self.verdict)?;
        writeln!(f)?;
        writeln!(f, "messages: {}, not JSON: {}", self.messages, self.not_json)?;
        for (kind, count) in &self.by_type {
            writeln!(f, "  {:<30} {count:>9}", Printable(kind).to_string())?;
        }
        if let Some(media) = &self.media {
            writeln!(
                f,
                "audio: {} frames, {} later than {:.0} ms; latency p50 {:.1}, p99 {:.1}, max {:.1} ms; jitter {:.1} ms",
                media.frames,
                media.late,
                media.threshold_ms,
                media.p50_ms,
                media.p99_ms,
                media.max_ms,
                media.jitter_ms
            )?;
            for cause in &media.causes {
                writeln!(f, "  likely: {}", Printable(cause))?;
            }
        }
        if let Some(latency) = &self.latency {
            writeln!(f, "\n{latency}")?;
        }
        writeln!(
            f,
            "\nconnections: {}, ends: {}, gaps: {} of {} together, events dropped here: {}",
            self.connects,
            self.drops.len() as u64 + self.more_drops,
            self.gaps,
            seconds(self.uncovered),
            self.lagged
        )?;
        for drop in self.drops.iter().take(LISTED) {
            writeln!(f, "  {drop}")?;
        }
        let unlisted = self.drops.len().saturating_sub(LISTED) as u64 + self.more_drops;
        if unlisted > 0 {
            writeln!(f, "  and {unlisted} more")?;
        }
        if let Some(ended) = &self.ended {
            writeln!(f, "the stream ended: {}", Printable(ended))?;
        }
        if let Some(error) = &self.correlation_error {
            writeln!(f, "the platform could not be asked about drops: {}", Printable(error))?;
        }
        if let Some(close) = &self.close {
            write!(f, "\nthe last end: {close}")?;
        }
        Ok(())
    }
}

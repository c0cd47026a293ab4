//! What the real-time analytics socket is asked for, and what can be wrong with it.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::error::{Error, ErrorKind};

/// Characters of a connection id.
const ID_LENGTH: std::ops::RangeInclusive<usize> = 8..=36;
/// Shortest ping interval that the socket takes.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
/// Longest ping interval: a link that is probed less often is not monitored.
const LONGEST_INTERVAL: Duration = Duration::from_secs(5);

/// How the peer should correct its ping schedule when it drifts.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DriftCompensation {
    /// Whether it should. Default `true`.
    pub enabled: bool,
    /// Largest drift that is corrected at once; whole milliseconds are sent. Default 50 ms.
    pub max_drift: Duration,
    /// Share of the drift that is corrected in one cycle, over 0 and at most 1. Default 0.5.
    pub adjust_factor: f64,
}

impl Default for DriftCompensation {
    fn default() -> Self {
        Self { enabled: true, max_drift: Duration::from_millis(50), adjust_factor: 0.5 }
    }
}

impl DriftCompensation {
    /// Sets [`enabled`](Self::enabled).
    pub fn enabled(mut self, yes: bool) -> Self {
        self.enabled = yes;
        self
    }

    /// Sets [`max_drift`](Self::max_drift).
    pub fn max_drift(mut self, longest: Duration) -> Self {
        self.max_drift = longest;
        self
    }

    /// Sets [`adjust_factor`](Self::adjust_factor).
    pub fn adjust_factor(mut self, share: f64) -> Self {
        self.adjust_factor = share;
        self
    }
}

/// What is wrong with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldError {
    /// The setting, such as `ping_interval`.
    pub field: &'static str,
    /// What is wrong, and what to do.
    pub message: Box<str>,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.message)
    }
}

/// Everything that is wrong with the settings: one [`FieldError`] for each that is.
///
/// Becomes an [`Error`] of kind [`Config`](ErrorKind::Config) with this as its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSettings(Vec<FieldError>);

impl InvalidSettings {
    /// The faults, at least one, in the order of the settings.
    pub fn faults(&self) -> &[FieldError] {
        &self.0
    }
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, fault) in self.0.iter().enumerate() {
            let comma = if nth == 0 { "" } else { "; " };
            write!(f, "{comma}{fault}")?;
        }
        Ok(())
    }
}

impl StdError for InvalidSettings {}

impl From<InvalidSettings> for Error {
    fn from(invalid: InvalidSettings) -> Self {
        Self::new(ErrorKind::Config, format!("settings are invalid: {invalid}"))
            .with_source(invalid)
    }
}

/// The settings in the first message.
#[derive(Clone, Debug)]
pub(super) struct RealtimeSettings {
    pub(super) connection_id: Box<str>,
    pub(super) ping_interval: Duration,
    pub(super) drift: DriftCompensation,
}

impl RealtimeSettings {
    pub(super) fn new(connection_id: &str) -> Self {
        Self {
            connection_id: connection_id.into(),
            ping_interval: Duration::from_secs(2),
            drift: DriftCompensation::default(),
        }
    }

    /// Looks at every setting.
    pub(super) fn check(&self) -> Result<(), InvalidSettings> {
        let mut faults = Vec::new();
        let mut fault = |wrong: bool, field, message: &str| {
            if wrong {
                faults.push(FieldError { field, message: message.into() });
            }
        };
        let id = self.connection_id.as_bytes();
        let plain = id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte));
        fault(
            !plain || !ID_LENGTH.contains(&id.len()),
            "connection_id",
            "must be 8 to 36 letters, digits, `_` and `-`; a UUID is",
        );
        fault(
            !(SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(&self.ping_interval),
            "ping_interval",
            "must be 100 ms to 5 s",
        );
        fault(
            self.drift.max_drift < Duration::from_millis(1)
                || self.drift.max_drift > LONGEST_INTERVAL,
            "max_drift",
            "must be 1 ms to 5 s",
        );
        let factor = self.drift.adjust_factor;
        fault(!(factor > 0.0 && factor <= 1.0), "adjust_factor", "must be over 0 and at most 1");
        if faults.is_empty() { Ok(()) } else { Err(InvalidSettings(faults)) }
    }
}

/// The first message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subscribe<'a> {
    r#type: &'a str,
    token: &'a str,
    connection_id: &'a str,
    settings: Sent,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    ping_interval: String,
    drift_compensation: SentDrift,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SentDrift {
    enabled: bool,
    max_drift_ms: u64,
    adjust_factor: f64,
}

impl<'a> Subscribe<'a> {
    pub(super) fn new(settings: &'a RealtimeSettings, token: &'a str) -> Self {
        let drift = settings.drift;
        Self {
            r#type: "subscribe",
            token,
            connection_id: &settings.connection_id,
            settings: Sent {
                ping_interval: written(settings.ping_interval),
                drift_compensation: SentDrift {
                    enabled: drift.enabled,
                    max_drift_ms: u64::try_from(drift.max_drift.as_millis()).unwrap_or(u64::MAX),
                    adjust_factor: drift.adjust_factor,
                },
            },
        }
    }
}

/// `2s`, or `250ms` when it is no whole number of seconds.
fn written(interval: Duration) -> String {
    match interval.subsec_nanos() {
        0 => format!("{}s", interval.as_secs()),
        _ => format!("{}ms", interval.as_millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(settings: &RealtimeSettings) -> Vec<&'static str> {
        match settings.check() {
            Ok(()) => Vec::new(),
            Err(invalid) => invalid.faults().iter().map(|fault| fault.field).collect(),
        }
    }

    #[test]
    fn every_fault_is_reported_at_once_and_once() {
        let mut settings = RealtimeSettings::new("short");
        settings.ping_interval = Duration::from_millis(99);
        settings.drift = DriftCompensation::default().max_drift(Duration::ZERO).adjust_factor(0.0);
        let all = ["connection_id", "ping_interval", "max_drift", "adjust_factor"];
        assert_eq!(fields(&settings), all);
        let error = Error::from(settings.check().unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Config);
        for field in all {
            assert_eq!(error.to_string().matches(field).count(), 1, "{error}");
        }
        let source = error.source().unwrap().downcast_ref::<InvalidSettings>().unwrap();
        assert_eq!(source.faults().len(), 4);
    }

    #[test]
    fn the_bounds_are_inside() {
        let good = |change: &dyn Fn(&mut RealtimeSettings)| {
            let mut settings = RealtimeSettings::new("12345678");
            change(&mut settings);
            fields(&settings)
        };
        let none: [&str; 0] = [];
        assert_eq!(good(&|_| {}), none);
        assert_eq!(good(&|s| s.connection_id = "aZ_-".repeat(9).into()), none);
        assert_eq!(good(&|s| s.connection_id = "a".repeat(37).into()), ["connection_id"]);
        assert_eq!(good(&|s| s.connection_id = "with space".into()), ["connection_id"]);
        assert_eq!(good(&|s| s.ping_interval = SHORTEST_INTERVAL), none);
        assert_eq!(good(&|s| s.ping_interval = LONGEST_INTERVAL), none);
        assert_eq!(good(&|s| s.ping_interval = Duration::MAX), ["ping_interval"]);
        assert_eq!(good(&|s| s.drift.adjust_factor = 1.0), none);
        for factor in [f64::NAN, f64::INFINITY, -0.5, 1.01] {
            assert_eq!(good(&|s| s.drift.adjust_factor = factor), ["adjust_factor"], "{factor}");
        }
    }

    #[test]
    fn an_interval_is_written_as_the_socket_reads_it() {
        assert_eq!(written(Duration::from_secs(2)), "2s");
        assert_eq!(written(Duration::from_millis(2_500)), "2500ms");
        assert_eq!(written(Duration::from_millis(100)), "100ms");
    }
}

//! What the real-time analytics socket is asked for, and what can be wrong with it.

use std::time::Duration;

use serde::Serialize;

use crate::core::settings::{Faults, InvalidSettings};
use crate::diagnostics::latency_config::DriftCompensation;

/// Characters of a connection id.
const ID_LENGTH: std::ops::RangeInclusive<usize> = 8..=36;
/// Shortest ping interval that the socket takes.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
/// Longest ping interval: a link that is probed less often is not monitored.
const LONGEST_INTERVAL: Duration = Duration::from_secs(5);

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
        let mut faults = Faults::default();
        let id = self.connection_id.as_bytes();
        let plain = id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte));
        let good = plain && ID_LENGTH.contains(&id.len());
        let problem = "must be 8 to 36 letters, digits, `_` and `-`; a UUID is";
        faults.check("connection_id", (!good).then_some(problem));
        let good = (SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(&self.ping_interval);
        faults.check("ping_interval", (!good).then_some("must be 100 ms to 5 s"));
        let good = (Duration::from_millis(1)..=LONGEST_INTERVAL).contains(&self.drift.max_drift);
        faults.check("drift.max_drift", (!good).then_some("must be 1 ms to 5 s"));
        faults.check("drift.adjust_factor", self.drift.factor_problem());
        faults.result("the real-time analytics socket")
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
    use std::error::Error as _;

    use super::*;
    use crate::error::{Error, ErrorKind};

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
        settings.drift = DriftCompensation::new(Duration::ZERO, 0.0);
        let all = ["connection_id", "ping_interval", "drift.max_drift", "drift.adjust_factor"];
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
            assert_eq!(
                good(&|s| s.drift.adjust_factor = factor),
                ["drift.adjust_factor"],
                "{factor}"
            );
        }
    }

    #[test]
    fn an_interval_is_written_as_the_socket_reads_it() {
        assert_eq!(written(Duration::from_secs(2)), "2s");
        assert_eq!(written(Duration::from_millis(2_500)), "2500ms");
        assert_eq!(written(Duration::from_millis(100)), "100ms");
    }
}

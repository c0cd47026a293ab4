//! Settings of a latency monitor, and what is wrong with them.

use std::time::Duration;

use crate::core::settings::{ConfigFault, Faults, InvalidSettings};

/// Shortest interval between pings.
/// Source: the latency monitor that this follows takes no shorter one.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// Longest limit of the frequency of pings.
/// Source: as above.
const LONGEST_PROBE_LIMIT: Duration = Duration::from_secs(5);

/// Longest wait for a pong: with pings every 100 ms that is 600 of them under way.
const LONGEST_PONG_TIMEOUT: Duration = Duration::from_secs(60);

/// Largest window: its entries take 12 bytes each.
const LARGEST_WINDOW: usize = 100_000;

/// Settings of a [`LatencyMonitor`](crate::LatencyMonitor).
///
/// ```
/// use std::time::Duration;
/// use genesys_cloud::LatencyConfig;
///
/// let config = LatencyConfig::default()
///     .interval(Duration::from_millis(20))
///     .latency_threshold(Duration::ZERO);
/// let faults: Vec<_> = config.faults().iter().map(|fault| fault.field).collect();
/// assert_eq!(faults, ["interval", "probe_limit", "latency_threshold", "drift.max_drift"]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LatencyConfig {
    /// Time between two pings; at least 100 ms. Default 2 s.
    pub interval: Duration,
    /// Shortest time between two pings, whatever the schedule or a new connection asks for; at most 5 s and not longer
    /// than the interval. As long as the interval, it leaves drift compensation no room. Default 50 ms.
    pub probe_limit: Duration,
    /// How long a pong is waited for; at most 60 s. Default 10 s.
    pub pong_timeout: Duration,
    /// Round trips over this are violations. Default 500 ms.
    pub latency_threshold: Duration,
    /// Differences of successive round trips over this are violations. Default 100 ms.
    pub jitter_threshold: Duration,
    /// How the pace of the pings is kept.
    pub drift: DriftCompensation,
    /// Settled pings in the sliding window; at most 100,000, 12 bytes each. Default 1,000.
    pub window: usize,
}

/// How the pace of pings is kept when they are sent late.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DriftCompensation {
    /// Whether lateness is made good. Without it, it adds up. Default: it is.
    pub enabled: bool,
    /// The drift that is acceptable. Default 50 ms.
    pub max_drift: Duration,
    /// The share of `max_drift` that may be made good in one cycle, over 0 and at most 1. Default 0.5.
    pub adjust_factor: f64,
}

impl DriftCompensation {
    /// With these figures; see the fields.
    pub fn new(max_drift: Duration, adjust_factor: f64) -> Self {
        Self { enabled: true, max_drift, adjust_factor }
    }

    /// None: lateness adds up, and is reported.
    pub fn off() -> Self {
        Self { enabled: false, ..Self::default() }
    }

    /// What is wrong with `adjust_factor`.
    pub(crate) fn factor_problem(&self) -> Option<String> {
        let factor = self.adjust_factor;
        let bad = !(factor > 0.0 && factor <= 1.0);
        bad.then(|| format!("is {factor}: it must be over 0 and at most 1"))
    }

    /// The most that is made good in one cycle.
    pub(crate) fn step(&self) -> Duration {
        Duration::try_from_secs_f64(self.max_drift.as_secs_f64() * self.adjust_factor)
            .unwrap_or_default()
    }
}

impl Default for DriftCompensation {
    fn default() -> Self {
        Self { enabled: true, max_drift: Duration::from_millis(50), adjust_factor: 0.5 }
    }
}

impl Default for LatencyConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(2),
            probe_limit: Duration::from_millis(50),
            pong_timeout: Duration::from_secs(10),
            latency_threshold: Duration::from_millis(500),
            jitter_threshold: Duration::from_millis(100),
            drift: DriftCompensation::default(),
            window: 1_000,
        }
    }
}

impl LatencyConfig {
    /// Sets [`interval`](Self::interval).
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets [`probe_limit`](Self::probe_limit).
    pub fn probe_limit(mut self, limit: Duration) -> Self {
        self.probe_limit = limit;
        self
    }

    /// Sets [`pong_timeout`](Self::pong_timeout).
    pub fn pong_timeout(mut self, timeout: Duration) -> Self {
        self.pong_timeout = timeout;
        self
    }

    /// Sets [`latency_threshold`](Self::latency_threshold).
    pub fn latency_threshold(mut self, threshold: Duration) -> Self {
        self.latency_threshold = threshold;
        self
    }

    /// Sets [`jitter_threshold`](Self::jitter_threshold).
    pub fn jitter_threshold(mut self, threshold: Duration) -> Self {
        self.jitter_threshold = threshold;
        self
    }

    /// Sets [`drift`](Self::drift).
    pub fn drift(mut self, drift: DriftCompensation) -> Self {
        self.drift = drift;
        self
    }

    /// Sets [`window`](Self::window).
    pub fn window(mut self, pings: usize) -> Self {
        self.window = pings;
        self
    }

    /// Every setting that does not work, one fault for each field; empty when all do.
    pub fn faults(&self) -> Vec<ConfigFault> {
        self.checked().into_vec()
    }

    /// Whether all settings work.
    ///
    /// # Errors
    /// Every setting that does not; it becomes a [`Config`](crate::ErrorKind::Config) error.
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        self.checked().result("the latency monitor")
    }

    fn checked(&self) -> Faults {
        let mut faults = Faults::default();
        faults.check("interval", self.interval_problem());
        faults.check("probe_limit", self.probe_limit_problem());
        faults.check("pong_timeout", within(self.pong_timeout, LONGEST_PONG_TIMEOUT));
        faults.check("latency_threshold", within(self.latency_threshold, Duration::MAX));
        faults.check("jitter_threshold", within(self.jitter_threshold, Duration::MAX));
        if self.drift.enabled {
            faults.check("drift.max_drift", self.max_drift_problem());
            faults.check("drift.adjust_factor", self.drift.factor_problem());
        }
        let bad = !(1..=LARGEST_WINDOW).contains(&self.window);
        faults.check(
            "window",
            bad.then(|| format!("is {}: it must be 1 to {LARGEST_WINDOW} pings", self.window)),
        );
        faults
    }

    fn interval_problem(&self) -> Option<String> {
        let longest = Duration::from_secs(24 * 60 * 60);
        if self.interval < SHORTEST_INTERVAL || self.interval > longest {
            let shortest = SHORTEST_INTERVAL;
            return Some(format!("is {:?}: it must be {shortest:?} to {longest:?}", self.interval));
        }
        None
    }

    fn probe_limit_problem(&self) -> Option<String> {
        let problem = within(self.probe_limit, LONGEST_PROBE_LIMIT);
        let over = self.probe_limit > self.interval;
        problem.or_else(|| {
            over.then(|| {
                format!(
                    "is {:?}: longer than the interval of {:?}",
                    self.probe_limit, self.interval
                )
            })
        })
    }

    fn max_drift_problem(&self) -> Option<String> {
        let drift = self.drift.max_drift;
        let bad = drift.is_zero() || drift >= self.interval;
        bad.then(|| {
            format!("is {drift:?}: it must be over 0 and under the interval of {:?}", self.interval)
        })
    }
}

/// The problem of a duration that must be over zero and at most `most`.
fn within(duration: Duration, most: Duration) -> Option<String> {
    if duration.is_zero() {
        Some("is 0: it must be longer".into())
    } else if duration > most {
        Some(format!("is {duration:?}: it must be at most {most:?}"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_works() {
        assert_eq!(LatencyConfig::default().faults(), []);
        LatencyConfig::default().validate().unwrap();
        LatencyConfig::default().drift(DriftCompensation::off()).validate().unwrap();
    }

    #[test]
    fn every_field_has_its_own_fault_and_all_are_told_at_once() {
        let config = LatencyConfig {
            interval: Duration::from_millis(99),
            probe_limit: Duration::from_millis(5_001),
            pong_timeout: Duration::ZERO,
            latency_threshold: Duration::ZERO,
            jitter_threshold: Duration::ZERO,
            drift: DriftCompensation::new(Duration::ZERO, f64::NAN),
            window: 0,
        };
        let fields: Vec<_> = config.faults().into_iter().map(|fault| fault.field).collect();
        let expected = [
            "interval",
            "probe_limit",
            "pong_timeout",
            "latency_threshold",
            "jitter_threshold",
            "drift.max_drift",
            "drift.adjust_factor",
            "window",
        ];
        assert_eq!(fields, expected);
        let error = crate::Error::from(config.validate().unwrap_err());
        assert_eq!(error.kind(), crate::ErrorKind::Config);
        for field in expected {
            assert!(error.to_string().contains(field), "{error}");
        }
    }

    #[test]
    fn the_bounds_themselves_work() {
        let config = LatencyConfig::default()
            .interval(Duration::from_secs(5))
            .probe_limit(Duration::from_secs(5))
            .pong_timeout(Duration::from_secs(60))
            .window(100_000);
        assert_eq!(config.faults(), []);
        let config = LatencyConfig::default().interval(Duration::from_millis(100));
        assert_eq!(config.faults(), []);
    }
}

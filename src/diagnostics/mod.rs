//! Pure measurement: what the crate reports about itself, without choosing how it is recorded.

pub(crate) mod audit_observer;
mod audit_record;
pub(crate) mod histogram;
mod jitter;
mod latency;
pub(crate) mod latency_config;
pub(crate) mod latency_monitor;
pub(crate) mod latency_report;
pub(crate) mod latency_window;
pub(crate) mod link_probe;
pub(crate) mod measurement;
#[cfg(feature = "metrics")]
pub(crate) mod metrics_observer;
pub(crate) mod millis;
pub(crate) mod observer;
mod schedule;
#[cfg(feature = "tracing")]
pub(crate) mod tracing_observer;

#[cfg(test)]
mod tests;

//! The latency monitor over days of virtual time, and the observers.

mod audit;
mod day;
mod latency;
#[cfg(feature = "metrics")]
mod metrics;

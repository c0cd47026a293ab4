//! Signals for the `tracing` facade.

use crate::core::close::Gone;
use crate::diagnostics::observer::{Observer, Signal};

/// Writes every signal to the `tracing` facade: failures at `WARN`, changes at `INFO`, the rest at `DEBUG`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingObserver;

impl Observer for TracingObserver {
    fn observe(&self, signal: &Signal<'_>) {
        match signal {
            Signal::Disconnected { cause: Gone::Requested, .. } => {
                tracing::info!(target: "genesys_cloud", ?signal);
            }
            Signal::TokenRenewalFailed { .. }
            | Signal::TokenStoreFailed { .. }
            | Signal::Disconnected { .. }
            | Signal::Gap { .. }
            | Signal::Lagged { .. }
            | Signal::SinkFailed { .. }
            | Signal::Rejected { .. }
            | Signal::ClockOff { .. }
            | Signal::Malformed { .. } => tracing::warn!(target: "genesys_cloud", ?signal),
            Signal::Latency { measurement } if measurement.is_timeout() => {
                tracing::warn!(target: "genesys_cloud", ?signal);
            }
            Signal::TokenIssued { .. }
            | Signal::TokenRestored { .. }
            | Signal::Connected { .. }
            | Signal::Subscribed { .. }
            | Signal::Renewed { .. } => {
                tracing::info!(target: "genesys_cloud", ?signal);
            }
            _ => tracing::debug!(target: "genesys_cloud", ?signal),
        }
    }
}

//! Steering a runner from elsewhere.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::report::SinkStats;

#[derive(Debug, Default)]
struct Shared {
    stats: Mutex<SinkStats>,
    stopping: AtomicBool,
    stop: Notify,
}

/// A handle to a runner: its counters, and its end. Clones steer the same runner.
#[derive(Clone, Debug, Default)]
pub struct SinkHandle(Arc<Shared>);

impl SinkHandle {
    /// Takes nothing more from the stream, writes what waits, and ends the run.
    pub fn shutdown(&self) {
        self.0.stopping.store(true, Ordering::Release);
        self.0.stop.notify_waiters();
    }

    /// The counters as of the last turn of the runner.
    pub fn stats(&self) -> SinkStats {
        *self.0.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn publish(&self, stats: SinkStats) {
        *self.0.stats.lock().unwrap_or_else(PoisonError::into_inner) = stats;
    }

    /// Resolves once [`shutdown`](Self::shutdown) was called.
    pub(super) async fn stopped(&self) {
        loop {
            let told = self.0.stop.notified();
            tokio::pin!(told);
            // Registered before the flag is read, so that no call falls between the two.
            told.as_mut().enable();
            if self.0.stopping.load(Ordering::Acquire) {
                return;
            }
            told.await;
        }
    }
}

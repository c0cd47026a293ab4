//! What every part that acts needs: time, chance, and someone to tell.

use std::fmt;
use std::sync::Arc;

use crate::core::clock::{Clock, Entropy, ThreadEntropy};
use crate::diagnostics::observer::{NoObserver, Observer, Signal};
use crate::transport::clock::RuntimeClock;

/// Clock, entropy and observer of one client, shared by everything in it.
#[derive(Clone)]
pub(crate) struct Ambient {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) observer: Arc<dyn Observer>,
}

impl Ambient {
    pub(crate) fn tell(&self, signal: &Signal<'_>) {
        self.observer.observe(signal);
    }
}

impl Default for Ambient {
    fn default() -> Self {
        Self {
            clock: Arc::new(RuntimeClock),
            entropy: Arc::new(ThreadEntropy),
            observer: Arc::new(NoObserver),
        }
    }
}

impl fmt::Debug for Ambient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ambient")
    }
}

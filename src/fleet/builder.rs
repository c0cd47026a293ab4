//! Settings of a fleet.

use std::sync::Arc;

use super::events::FleetEvents;
use super::handle::Fleet;
use super::rate::DialRate;
use super::shared::Shared;
use crate::core::clock::{Entropy, ThreadEntropy};
use crate::error::Result;
use crate::streaming::queue::Capacity;

/// Connections a second, unless told otherwise: 2,000 organizations are dialled once in 40 s, and a TLS handshake each is
/// a few percent of one core.
const DIALS_PER_SECOND: f64 = 50.0;

/// Events and bytes that may wait of one member, unless told otherwise: an eighth of what a stream alone may hold, since
/// there are many.
const MEMBER_CAPACITY: (usize, usize) = (1_024, 2 << 20);

/// Settings of a [`Fleet`].
#[derive(Clone)]
#[must_use = "a fleet is made by build()"]
pub struct FleetBuilder {
    dials_per_second: f64,
    capacity: Capacity,
    entropy: Arc<dyn Entropy>,
}

impl Default for FleetBuilder {
    fn default() -> Self {
        let (items, bytes) = MEMBER_CAPACITY;
        Self {
            dials_per_second: DIALS_PER_SECOND,
            capacity: Capacity::new(items, bytes),
            entropy: Arc::new(ThreadEntropy),
        }
    }
}

impl FleetBuilder {
    /// Connections that all members together open in a second: at the start, after a cut, and to replace others. Members
    /// start at the same rate. Default 50: with it 2,000 members were live again 43 s after a cut of all, and 82 s after a
    /// restart of the platform in which every channel was lost (`cargo bench --bench fleet`).
    pub fn dials_per_second(mut self, rate: f64) -> Self {
        self.dials_per_second = rate;
        self
    }

    /// How much of each member may wait for the consumer. Default 1,024 events or 2 MiB. A member's own settings may say
    /// otherwise.
    pub fn member_capacity(mut self, capacity: Capacity) -> Self {
        self.capacity = capacity;
        self
    }

    /// Where jitter of the turns comes from. Default [`ThreadEntropy`](crate::ThreadEntropy).
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// An empty fleet, and the stream that its members end up in.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) for a rate that is not over 0 and at most 1,000,000.
    pub fn build(self) -> Result<(Fleet, FleetEvents)> {
        let rate = || DialRate::with(self.dials_per_second, self.entropy.clone());
        let shared = Shared::new(rate()?, rate()?, self.capacity);
        Ok((Fleet::new(shared.clone()), FleetEvents::new(shared)))
    }
}

impl std::fmt::Debug for FleetBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FleetBuilder")
            .field("dials_per_second", &self.dials_per_second)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

//! Time, chance and wires that play the same again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::core::clock::{Clock, Entropy};
use crate::sim::Platform;
use crate::transport::pipe::{Pipe, Pipes};

/// When everything begins: in January 2027.
pub(super) fn epoch() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// Microseconds since the beginning.
pub(super) type Micros = u64;

/// A time as the client tells it.
pub(super) fn micros(wall: SystemTime) -> Micros {
    u64::try_from(wall.duration_since(epoch()).unwrap_or_default().as_micros()).unwrap_or(0)
}

/// Both clocks follow the runtime's.
#[derive(Clone, Copy)]
pub(super) struct Timeline(tokio::time::Instant);

impl Timeline {
    pub(super) fn begins() -> Self {
        Self(tokio::time::Instant::now())
    }

    pub(super) fn of(self, moment: tokio::time::Instant) -> Micros {
        u64::try_from(moment.saturating_duration_since(self.0).as_micros()).unwrap_or(0)
    }

    pub(super) fn present(self) -> Micros {
        self.of(tokio::time::Instant::now())
    }
}

impl Clock for Timeline {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn wall(&self) -> SystemTime {
        epoch() + self.0.elapsed()
    }
}

/// Numbers of a seed.
pub(super) struct Dice(Mutex<fastrand::Rng>);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }
}

impl Entropy for Dice {
    fn unit(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).f64()
    }
}

/// Every connection leads to this platform.
pub(super) struct Wires(pub(super) Arc<Platform>);

impl Pipes for Wires {
    fn open(&self) -> Pipe {
        Box::new(self.0.open())
    }
}

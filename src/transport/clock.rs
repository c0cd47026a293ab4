//! The runtime's clock.

use std::time::{Duration, Instant, SystemTime};

use crate::core::clock::Clock;

/// The default [`Clock`]: monotonic time of the `tokio` runtime, so that a paused runtime pauses it, and the system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct RuntimeClock;

impl Clock for RuntimeClock {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// Sleeps until `deadline` as `clock` counts it.
pub(crate) async fn sleep_until(clock: &dyn Clock, deadline: Instant) {
    let wait = deadline.saturating_duration_since(clock.now());
    if wait > Duration::ZERO {
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_paused_runtime_pauses_the_clock_and_sleeping_advances_it() {
        let clock = RuntimeClock;
        let start = clock.now();
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(clock.now(), start);
        sleep_until(&clock, start + Duration::from_secs(3600)).await;
        assert!(clock.now() >= start + Duration::from_secs(3600));
    }
}

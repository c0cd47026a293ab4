//! When the next ping is due: a pace that does not slip.

use std::time::{Duration, Instant};

use crate::diagnostics::latency_config::DriftCompensation;

/// The pace of one connection's pings: the n-th belongs at `start + n * interval`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    interval: Duration,
    spacing: Duration,
    compensation: DriftCompensation,
    /// Where the next ping belongs.
    nominal: Instant,
    /// When it is sent.
    due: Instant,
}

/// What one ping did to the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beat {
    /// By how much it was sent later than where it belongs.
    pub(crate) drift: Duration,
    /// Pings that were left out because their time had passed.
    pub(crate) missed: u64,
}

impl Schedule {
    /// The first ping is due at `start`.
    pub(crate) fn new(
        start: Instant,
        interval: Duration,
        spacing: Duration,
        compensation: DriftCompensation,
    ) -> Self {
        Self { interval, spacing, compensation, nominal: start, due: start }
    }

    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// A ping is sent now: sets when the next is due. `None` before it is due.
    ///
    /// The next is due one interval from now, less the drift, less of which at most `max_drift * adjust_factor` is made
    /// good at once. Whole intervals that passed meanwhile are left out rather than sent in a burst.
    pub(crate) fn beat(&mut self, now: Instant) -> Option<Beat> {
        if now < self.due {
            return None;
        }
        let mut drift = now.saturating_duration_since(self.nominal);
        let mut missed = 0;
        let mut correction = Duration::ZERO;
        if self.compensation.enabled {
            let whole = drift.as_nanos() / self.interval.as_nanos().max(1);
            missed = u64::try_from(whole).unwrap_or(u64::MAX);
            drift = remainder(drift, self.interval);
            correction = drift.min(self.compensation.step());
        }
        // Without compensation the drift may be longer than the interval.
        self.nominal = (now + self.interval).checked_sub(drift).unwrap_or(now);
        self.due = now + self.interval.saturating_sub(correction).max(self.spacing);
        Some(Beat { drift, missed })
    }
}

fn remainder(of: Duration, by: Duration) -> Duration {
    let nanos = of.as_nanos() % by.as_nanos().max(1);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn compensation(enabled: bool) -> DriftCompensation {
        DriftCompensation { enabled, max_drift: MS(40), adjust_factor: 0.5 }
    }

    fn schedule(enabled: bool) -> (Schedule, Instant) {
        let start = Instant::now();
        (Schedule::new(start, MS(1_000), MS(50), compensation(enabled)), start)
    }

    #[test]
    fn a_late_wake_up_is_made_good_in_bounded_steps() {
        let (mut schedule, start) = schedule(true);
        assert_eq!(schedule.beat(start), Some(Beat { drift: MS(0), missed: 0 }));
        // 50 ms late: at most 20 ms are made good at once.
        assert_eq!(schedule.beat(start + MS(1_050)).unwrap().drift, MS(50));
        assert_eq!(schedule.due(), start + MS(2_030));
        assert_eq!(schedule.beat(schedule.due()).unwrap().drift, MS(30));
        assert_eq!(schedule.beat(schedule.due()).unwrap().drift, MS(10));
        assert_eq!(schedule.due(), start + MS(4_000));
        assert_eq!(schedule.beat(schedule.due()).unwrap().drift, MS(0));
    }

    #[test]
    fn without_compensation_lateness_adds_up_and_is_told() {
        let (mut schedule, start) = schedule(false);
        let mut drift = Duration::ZERO;
        for _ in 0..100 {
            drift = schedule.beat(schedule.due() + MS(3)).unwrap().drift;
        }
        assert_eq!(drift, MS(300));
        assert!(schedule.due() > start + MS(100_000));
    }

    #[test]
    fn after_a_long_sleep_there_is_no_burst_and_the_phase_is_kept() {
        let (mut schedule, start) = schedule(true);
        schedule.beat(start);
        let beat = schedule.beat(start + MS(10_005)).unwrap();
        assert_eq!(beat, Beat { drift: MS(5), missed: 9 });
        assert_eq!(schedule.due(), start + MS(11_000));
    }

    #[test]
    fn nothing_is_sent_before_it_is_due() {
        let (mut schedule, start) = schedule(true);
        schedule.beat(start);
        assert_eq!(schedule.beat(start + MS(999)), None);
        assert!(schedule.beat(start + MS(1_000)).is_some());
    }

    proptest! {
        #[test]
        fn two_pings_are_never_closer_than_the_limit_and_a_correction_never_larger_than_allowed(
            late in prop::collection::vec(0_u64..5_000, 1..200),
            enabled: bool,
        ) {
            let (mut schedule, start) = schedule(enabled);
            let mut last = None;
            for late in late {
                let due = schedule.due();
                if let Some(last) = last {
                    prop_assert!(due >= last + MS(980), "moved by more than 20 ms");
                }
                let now = due + MS(late);
                let beat = schedule.beat(now).unwrap();
                if enabled {
                    prop_assert!(beat.drift < MS(1_000));
                    let phase = (now - beat.drift).duration_since(start).as_millis() % 1_000;
                    prop_assert_eq!(phase, 0);
                }
                last = Some(now);
            }
        }
    }
}

//! The rate at which connections are opened.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::core::clock::{Entropy, ThreadEntropy};
use crate::error::{Error, Result};
use crate::streaming::gate::DialGate;

/// Turns are up to this share of their distance further apart, so that they do not beat in time with anything.
const JITTER: f64 = 0.1;

/// Largest rate: one in a microsecond.
const LARGEST: f64 = 1_000_000.0;

/// A [`DialGate`] of so many connections a second: each turn is at least `1 / rate` after the one before, plus up to a
/// tenth of that at random.
///
/// There is no burst: turns that were not taken are gone. A turn whose connection was given up meanwhile is lost too.
/// Clones share the turns.
#[derive(Clone)]
pub struct DialRate(Arc<Inner>);

struct Inner {
    distance: Duration,
    next: Mutex<Option<Instant>>,
    entropy: Arc<dyn Entropy>,
}

impl DialRate {
    /// So many connections a second.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) for a rate that is not over 0 and at most 1,000,000.
    pub fn per_second(rate: f64) -> Result<Self> {
        Self::with(rate, Arc::new(ThreadEntropy))
    }

    pub(super) fn with(rate: f64, entropy: Arc<dyn Entropy>) -> Result<Self> {
        let distance = Duration::try_from_secs_f64(1.0 / rate).ok();
        let distance = distance.filter(|_| rate > 0.0 && rate <= LARGEST).ok_or_else(|| {
            Error::config("the rate of dials must be over 0 and at most 1,000,000 a second")
        })?;
        Ok(Self(Arc::new(Inner { distance, next: Mutex::default(), entropy })))
    }
}

impl DialGate for DialRate {
    fn turn(&self, now: Instant) -> Instant {
        let Inner { distance, next, entropy } = &*self.0;
        let unit = entropy.unit().clamp(0.0, 1.0);
        let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        // A rate of one in an age, and the end of time: then every further turn is that one.
        *next = Some(turn.checked_add(distance.mul_f64(1.0 + JITTER * unit)).unwrap_or(turn));
        turn
    }
}

impl fmt::Debug for DialRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DialRate").field("distance", &self.0.distance).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn turns_are_one_after_another_and_those_not_taken_are_gone() {
        struct Most;
        impl Entropy for Most {
            fn unit(&self) -> f64 {
                1.0
            }
        }
        let ms = Duration::from_millis;
        let rate = DialRate::with(10.0, Arc::new(Most)).unwrap();
        let start = Instant::now();
        let turns: Vec<_> = (0..4).map(|_| rate.clone().turn(start) - start).collect();
        assert_eq!(turns, [ms(0), ms(110), ms(220), ms(330)]);
        let later = start + Duration::from_secs(60);
        assert_eq!([rate.turn(later), rate.turn(later)], [later, later + ms(110)]);
    }

    #[test]
    fn a_rate_that_is_none_is_refused() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9, 1e-300] {
            assert!(DialRate::per_second(bad).is_err(), "{bad}");
        }
        let slow = DialRate::per_second(1e-18).unwrap();
        let now = Instant::now();
        assert!((0..10).all(|_| slow.turn(now) >= now));
    }

    proptest! {
        #[test]
        fn the_rate_is_never_exceeded_whenever_turns_are_asked_for(
            rate in 0.5_f64..500.0,
            pauses in proptest::collection::vec(0_u64..200, 1..200),
        ) {
            let gate = DialRate::per_second(rate).unwrap();
            let mut now = Instant::now();
            let mut last: Option<Instant> = None;
            for pause in pauses {
                now += Duration::from_millis(pause);
                let turn = gate.turn(now);
                prop_assert!(turn >= now);
                if let Some(last) = last {
                    let apart = (turn - last).as_secs_f64();
                    prop_assert!(apart >= 1.0 / rate - 1e-6, "{apart}");
                }
                last = Some(turn);
            }
        }
    }
}

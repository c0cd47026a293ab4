//! Time of short functions, side by side.

use std::time::{Duration, Instant};

/// How long to measure.
pub(crate) struct Watch {
    /// Of which the median is taken.
    rounds: usize,
    /// How long a function runs in a round.
    batch: Duration,
}

impl Watch {
    pub(crate) fn quick() -> Self {
        Self { rounds: 5, batch: Duration::from_millis(1) }
    }

    pub(crate) fn thorough() -> Self {
        Self { rounds: 31, batch: Duration::from_millis(10) }
    }

    /// Nanoseconds of one call of each: in turn, so that whatever else the machine does falls on all of them.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(crate) fn compare<const N: usize>(&self, functions: [&dyn Fn(); N]) -> [f64; N] {
        let counts = functions.map(|function| self.count(function));
        let mut times: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
        for _ in 0..self.rounds {
            for ((function, count), times) in functions.iter().zip(counts).zip(&mut times) {
                let start = Instant::now();
                (0..count).for_each(|_| function());
                times.push(start.elapsed().as_secs_f64() * 1e9 / count as f64);
            }
        }
        times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            times.get(times.len() / 2).copied().unwrap_or_default()
        })
    }

    /// How many calls fill a batch.
    fn count(&self, function: &dyn Fn()) -> u64 {
        let mut count = 1;
        loop {
            let start = Instant::now();
            (0..count).for_each(|_| function());
            if start.elapsed() >= self.batch || count >= 1 << 24 {
                return count;
            }
            count *= 2;
        }
    }
}

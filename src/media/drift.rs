//! How fast a sender's clock runs away from ours.

/// Buckets that are kept; when there are more, two become one.
const BUCKETS: usize = 64;
/// Seconds of media in a bucket at first; doubled whenever buckets are merged.
const FIRST_WIDTH: f64 = 1.0;
/// Buckets without which there is no estimate: below, one late frame decides.
const ENOUGH: usize = 8;

/// Estimates the slope of delay over media time, in fixed memory.
///
/// Of each stretch of media the frame that was late the least is kept: waiting in queues only ever adds, so the least
/// is nearest to what the clocks alone make. The slope is the median of the slopes between all pairs of these
/// (Theil-Sen), which a few stretches with a longer delay do not move.
#[derive(Clone, Debug)]
pub(super) struct Drift {
    /// Media time and delay of the least late frame of a stretch, in seconds.
    best: Vec<(f64, f64)>,
    width: f64,
    /// Number of the stretch that the last one belongs to.
    stretch: f64,
    ppm: Option<f64>,
}

impl Drift {
    pub(super) fn new() -> Self {
        Self { best: Vec::with_capacity(BUCKETS), width: FIRST_WIDTH, stretch: 0.0, ppm: None }
    }

    /// A frame of this media time was late by this, both in seconds. Media time does not run back.
    pub(super) fn observe(&mut self, media: f64, delay: f64) {
        let stretch = (media / self.width).floor();
        match self.best.last_mut() {
            Some(last) if stretch <= self.stretch => {
                if delay < last.1 {
                    *last = (media, delay);
                }
            }
            _ => {
                // The last stretch is complete: it counts from now on.
                self.ppm = self.estimate();
                if self.best.len() >= BUCKETS {
                    self.merge();
                }
                self.best.push((media, delay));
                self.stretch = (media / self.width).floor();
            }
        }
    }

    /// Parts per million by which media falls behind our clock; `None` while too little was seen.
    pub(super) fn ppm(&self) -> Option<f64> {
        self.ppm
    }

    fn merge(&mut self) {
        self.width *= 2.0;
        let pairs = self.best.chunks(2);
        let best = pairs.filter_map(|pair| pair.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)));
        let merged: Vec<_> = best.collect();
        self.best.clear();
        self.best.extend(merged);
    }

    fn estimate(&self) -> Option<f64> {
        if self.best.len() < ENOUGH {
            return None;
        }
        let mut slopes = Vec::with_capacity(self.best.len() * self.best.len() / 2);
        for (index, from) in self.best.iter().enumerate() {
            for to in self.best.iter().skip(index + 1) {
                let apart = to.0 - from.0;
                // Neighbours may be two frames side by side, whose slope is all jitter.
                if apart >= self.width / 2.0 {
                    slopes.push((to.1 - from.1) / apart);
                }
            }
        }
        let middle = slopes.len() / 2;
        (!slopes.is_empty()).then(|| *slopes.select_nth_unstable_by(middle, f64::total_cmp).1 * 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_fixed_and_the_slope_survives_merging() {
        let mut drift = Drift::new();
        for frame in 0..200_000u32 {
            let media = f64::from(frame) * 0.1;
            drift.observe(media, media * -50e-6 + f64::from(frame % 7) * 0.01);
        }
        assert!(drift.best.len() <= BUCKETS && drift.best.capacity() <= BUCKETS);
        let ppm = drift.ppm().unwrap();
        assert!((ppm + 50.0).abs() < 2.0, "{ppm}");
    }

    #[test]
    fn stretches_with_a_longer_delay_do_not_move_it() {
        let mut drift = Drift::new();
        for second in 0..60u32 {
            let delay = if (20..30).contains(&second) { 0.4 } else { 0.0 };
            for part in 0..10u32 {
                let media = f64::from(second) + f64::from(part) * 0.1;
                drift.observe(media, delay + media * 200e-6);
            }
        }
        let ppm = drift.ppm().unwrap();
        assert!((ppm - 200.0).abs() < 20.0, "{ppm}");
    }

    #[test]
    fn too_little_is_no_estimate() {
        let mut drift = Drift::new();
        for second in 0..8 {
            drift.observe(f64::from(second), 0.0);
        }
        assert_eq!(drift.ppm(), None);
    }
}

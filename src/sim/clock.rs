//! Time as the simulator states it: monotonic time of the runtime on top of the wall clock at the start.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The last second of the year 9999, in milliseconds of the epoch.
const LAST_MS: u64 = 253_402_300_799_000;

/// Follows the runtime's clock, so that a paused one pauses the platform too.
#[derive(Debug)]
pub(super) struct Clock {
    wall_ms: i64,
    start: Instant,
    skew_ms: AtomicI64,
}

impl Clock {
    pub(super) fn new(wall: SystemTime) -> Self {
        let since_epoch = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            wall_ms: i64::try_from(since_epoch.as_millis()).unwrap_or(0),
            start: Instant::now(),
            skew_ms: AtomicI64::new(0),
        }
    }

    /// Shifts every time that is stated from now on.
    pub(super) fn skew(&self, ms: i64) {
        self.skew_ms.store(ms, Ordering::Relaxed);
    }

    /// The present, in milliseconds of the epoch.
    pub(super) fn now_ms(&self) -> i64 {
        self.ms_of(Instant::now())
    }

    /// The present, as in the header `Date`.
    pub(super) fn http_date(&self) -> String {
        let ms = u64::try_from(self.now_ms()).unwrap_or(0);
        // The formatter knows years of four digits only.
        let ms = ms.min(LAST_MS);
        httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(ms))
    }

    /// A moment of the runtime, as ISO-8601.
    pub(super) fn at(&self, moment: Instant) -> String {
        iso(self.ms_of(moment))
    }

    fn ms_of(&self, moment: Instant) -> i64 {
        let elapsed = moment.saturating_duration_since(self.start);
        self.wall_ms
            .saturating_add(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
            .saturating_add(self.skew_ms.load(Ordering::Relaxed))
    }
}

/// Milliseconds of the epoch as ISO-8601 in UTC with milliseconds.
pub(super) fn iso(ms: i64) -> String {
    let (days, rest) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    // Days to civil date, after Howard Hinnant's `civil_from_days`.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hours, minutes) = (rest / 3_600_000, rest / 60_000 % 60);
    let (seconds, millis) = (rest / 1_000 % 60, rest % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_is_right_around_leap_days_and_the_epoch() {
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(951_782_399_999), "2000-02-28T23:59:59.999Z");
        assert_eq!(iso(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(iso(1_772_615_740_002), "2026-03-04T09:15:40.002Z");
        assert_eq!(iso(-1), "1969-12-31T23:59:59.999Z");
    }

    #[tokio::test(start_paused = true)]
    async fn time_follows_the_runtime_and_the_skew() {
        let clock = Clock::new(SystemTime::now());
        let before = clock.now_ms();
        tokio::time::advance(std::time::Duration::from_secs(5)).await;
        clock.skew(-7_000);
        assert_eq!(clock.now_ms() - before, -2_000);
    }
}

//! How an interval is cut into pieces.

use super::interval::Interval;
use crate::sim::response::Reply;

/// Most pieces of an interval. The platform does not publish it.
const PIECES_MAX: i64 = 10_000;

/// Pieces of the same length, from the start of the interval on; the last one may be shorter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pieces {
    interval: Interval,
    step: i64,
}

impl Pieces {
    /// Pieces as long as an ISO 8601 period, such as `PT30M`; without one the whole interval is one piece.
    pub(super) fn of(interval: Interval, granularity: Option<&str>) -> Result<Self, Reply> {
        let whole = (interval.to - interval.from).max(1);
        let Some(text) = granularity else {
            return Ok(Self { interval, step: whole });
        };
        let step = period(text).filter(|step| *step > 0).ok_or_else(|| {
            Reply::bad_request(
                "granularity must be a period of weeks, days, hours or minutes, such as PT30M or P1D",
            )
        })?;
        if whole / step >= PIECES_MAX {
            let text =
                format!("the granularity cuts the interval into more than {PIECES_MAX} pieces");
            return Err(Reply::bad_request(&text));
        }
        Ok(Self { interval, step })
    }

    /// The piece that a time is in.
    pub(super) fn piece(&self, time: i64) -> i64 {
        (time - self.interval.from).div_euclid(self.step)
    }

    pub(super) fn bounds(&self, piece: i64) -> Interval {
        let from = self.interval.from + piece * self.step;
        Interval { from, to: (from + self.step).min(self.interval.to) }
    }

    /// The pieces that a stretch of time is in.
    pub(super) fn of_stretch(&self, from: i64, to: i64) -> std::ops::RangeInclusive<i64> {
        let from = from.max(self.interval.from);
        let to = to.min(self.interval.to);
        self.piece(from)..=self.piece((to - 1).max(from))
    }
}

/// A period in milliseconds; those of months and years have no fixed length.
fn period(text: &str) -> Option<i64> {
    let (date, time) = match text.strip_prefix('P')?.split_once('T') {
        Some((date, time)) => (date, time),
        None => (text.strip_prefix('P')?, ""),
    };
    let part = |text: &str, units: &[(char, i64)]| {
        let (mut sum, mut digits) = (0_i64, String::new());
        for c in text.chars() {
            if c.is_ascii_digit() {
                digits.push(c);
                continue;
            }
            let (_, unit) = units.iter().find(|(name, _)| *name == c)?;
            sum = sum.checked_add(digits.parse::<i64>().ok()?.checked_mul(*unit)?)?;
            digits.clear();
        }
        digits.is_empty().then_some(sum)
    };
    let days = part(date, &[('W', 604_800_000), ('D', 86_400_000)])?;
    days.checked_add(part(time, &[('H', 3_600_000), ('M', 60_000), ('S', 1_000)])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_have_their_lengths() {
        for (text, expected) in [
            ("PT30M", Some(1_800_000)),
            ("PT1H30M", Some(5_400_000)),
            ("P1D", Some(86_400_000)),
            ("P1W", Some(604_800_000)),
            ("P1DT12H", Some(129_600_000)),
            ("P1M", None),
            ("PT", Some(0)),
            ("30M", None),
            ("PT30", None),
            ("P99999999999999999999D", None),
        ] {
            assert_eq!(period(text), expected, "{text}");
        }
    }

    #[test]
    fn pieces_cover_the_interval_and_end_with_it() {
        let interval = Interval { from: 1_000, to: 3_700_000 };
        let pieces = Pieces::of(interval, Some("PT30M")).expect("pieces");
        let all: Vec<Interval> =
            (0..=pieces.piece(interval.to - 1)).map(|n| pieces.bounds(n)).collect();
        assert_eq!(all.first().map(|one| one.from), Some(1_000));
        assert_eq!(all.last().map(|one| one.to), Some(3_700_000));
        assert!(all.windows(2).all(|two| two[0].to == two[1].from));
        assert!(Pieces::of(interval, Some("PT0S")).is_err());
        assert!(Pieces::of(Interval { from: 0, to: i64::MAX / 2 }, Some("PT1M")).is_err());
    }
}

//! Intervals of queries.

use crate::sim::connection_log::moment;
use crate::sim::response::Reply;

/// One day, in milliseconds.
pub(super) const DAY: i64 = 86_400_000;

/// From a time, included, to another, which is not; milliseconds of the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Interval {
    /// Reads `start/end`, which may be so many milliseconds long.
    pub(super) fn read(text: &str, longest: i64) -> Result<Self, Reply> {
        let (start, end) =
            text.split_once('/').ok_or_else(|| Reply::bad_request("interval must be start/end"))?;
        let (from, to) = (at("start", start)?, at("end", end)?);
        if from > to {
            return Err(Reply::bad_request("interval is not valid: the start is after the end"));
        }
        if to.saturating_sub(from) > longest {
            let text = format!("the interval must be at most {} days", longest / DAY);
            return Err(Reply::bad_request(&text));
        }
        Ok(Self { from, to })
    }

    pub(super) fn holds(&self, time: i64) -> bool {
        (self.from..self.to).contains(&time)
    }

    /// How much of a stretch of time is in it, in milliseconds.
    pub(super) fn overlap(&self, from: i64, to: i64) -> i64 {
        (to.min(self.to) - from.max(self.from)).max(0)
    }

    /// The days that it touches.
    pub(super) fn days(&self) -> Self {
        let to = self.to.div_euclid(DAY).saturating_add(1).saturating_mul(DAY);
        Self { from: self.from.div_euclid(DAY) * DAY, to }
    }
}

/// A time, or a date, which is its first moment.
fn at(what: &str, text: &str) -> Result<i64, Reply> {
    if text.len() == "2026-03-04".len() {
        return moment(what, &format!("{text}T00:00:00Z"));
    }
    moment(what, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_and_refused() {
        let read = |text: &str| Interval::read(text, 7 * DAY).ok();
        let hour = read("2026-03-04T09:30:00Z/2026-03-04T10:30:00Z").expect("an interval");
        assert_eq!(hour.to - hour.from, 3_600_000);
        assert!(hour.holds(hour.from) && !hour.holds(hour.to));
        assert_eq!(hour.days().to - hour.days().from, DAY);
        assert_eq!(hour.overlap(hour.from - 5, hour.from + 7), 7);
        assert_eq!(hour.overlap(hour.to, hour.to + 7), 0);
        assert_eq!(read("2026-03-01/2026-03-08").map(|week| week.to - week.from), Some(7 * DAY));
        for text in ["", "2026-03-04", "a/b", "2026-03-05/2026-03-04", "2026-03-01/2026-03-09"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

//! From when to when.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::core::limits;
use crate::error::{Error, Result};

const DAY: Duration = Duration::from_secs(86_400);

/// From a time, included, to a later one, which is not: in UTC, to the millisecond.
///
/// It is never empty and never reversed.
///
/// ```
/// use std::time::Duration;
/// use genesys_cloud::analytics::Interval;
///
/// let month: Interval = "2026-03-01T00:00:00Z/P31D".parse()?;
/// let weeks: Vec<Interval> = month.split(Duration::from_secs(7 * 86_400))?.collect();
/// assert_eq!(weeks.len(), 5);
/// assert_eq!(weeks[4].to_string(), "2026-03-29T00:00:00.000Z/2026-04-01T00:00:00.000Z");
/// # Ok::<(), genesys_cloud::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interval {
    start: Timestamp,
    end: Timestamp,
}

impl Interval {
    /// From `start` to `end`, each cut to the millisecond.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when the end is not at least a millisecond behind the start, or a time is
    /// outside the years -9999 to 9999.
    pub fn new(start: SystemTime, end: SystemTime) -> Result<Self> {
        Self::between(read(start)?, read(end)?)
    }

    /// So long, up to now. What happened in the last minute may not be there yet: analytics learn of it some seconds to
    /// minutes later.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when `long` is under a millisecond, or longer than time.
    pub fn last(long: Duration) -> Result<Self> {
        let now = SystemTime::now();
        let start = now.checked_sub(long);
        Self::new(start.ok_or_else(|| Error::config("the interval begins before time"))?, now)
    }

    fn between(start: Timestamp, end: Timestamp) -> Result<Self> {
        let whole = |time: Timestamp| Timestamp::from_millisecond(time.as_millisecond());
        let (Ok(start), Ok(end)) = (whole(start), whole(end)) else {
            return Err(Error::config("the interval cannot be written"));
        };
        if end < start {
            return Err(Error::config(format!(
                "the interval is reversed: its end {end:.3} is before its start {start:.3}"
            )));
        }
        if end == start {
            return Err(Error::config(format!(
                "the interval is empty: it starts and ends at {start:.3}"
            )));
        }
        Ok(Self { start, end })
    }

    /// Where it begins.
    pub fn start(&self) -> SystemTime {
        self.start.into()
    }

    /// Where it ends; this moment is not in it.
    pub fn end(&self) -> SystemTime {
        self.end.into()
    }

    /// How long it is.
    pub fn duration(&self) -> Duration {
        self.end.duration_since(self.start).unsigned_abs()
    }

    /// Whether a time is in it.
    pub fn contains(&self, time: SystemTime) -> bool {
        (self.start()..self.end()).contains(&time)
    }

    /// The same interval in pieces that are not longer than `longest`, in order and without gaps; the last one may be
    /// shorter.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when `longest` is under a millisecond.
    pub fn split(self, longest: Duration) -> Result<impl Iterator<Item = Self>> {
        let step = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
        if step == 0 {
            return Err(Error::config("pieces of an interval must be a millisecond long at least"));
        }
        let Self { mut start, end } = self;
        Ok(std::iter::from_fn(move || {
            let next = start.checked_add(SignedDuration::from_millis(step)).unwrap_or(end).min(end);
            let piece = Self { start, end: next };
            start = next;
            (piece.start < piece.end).then_some(piece)
        }))
    }

    /// Whether a query may be that long.
    pub(crate) fn check(&self, longest: Option<Duration>, what: &str) -> Result<()> {
        match longest {
            Some(longest) if self.duration() > longest => Err(Error::config(format!(
                "the interval is {} long, and {what} takes at most {}: split it, or change the limit with interval_limits()",
                days(self.duration()),
                days(longest),
            ))),
            _ => Ok(()),
        }
    }
}

fn read(time: SystemTime) -> Result<Timestamp> {
    Timestamp::try_from(time)
        .map_err(|error| Error::config("the interval cannot be written").with_source(error))
}

/// A length in words.
fn days(long: Duration) -> String {
    let number = long.as_secs_f64() / DAY.as_secs_f64();
    if long.as_secs().is_multiple_of(DAY.as_secs()) && long.subsec_nanos() == 0 {
        return format!("{number:.0} days");
    }
    format!("{number:.3} days")
}

impl fmt::Display for Interval {
    /// As the platform takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}/{:.3}", self.start, self.end)
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Interval {
    type Err = Error;

    /// Reads `start/end` or `start/length`: ISO 8601 times with an offset, and a length such as `PT1H` or `P7D`.
    fn from_str(text: &str) -> Result<Self> {
        let form = || {
            Error::config(
                "an interval is start/end or start/length, such as 2026-03-04T09:00:00Z/PT1H",
            )
        };
        let (start, end) = text.split_once('/').ok_or_else(form)?;
        let start: Timestamp = start.parse().map_err(|error| form().with_source(error))?;
        let end = if end.starts_with('P') {
            let long: Span = end.parse().map_err(|error| form().with_source(error))?;
            let long = long
                .to_duration(SpanRelativeTo::days_are_24_hours())
                .map_err(|error| form().with_source(error))?;
            start.checked_add(long).map_err(|error| form().with_source(error))?
        } else {
            end.parse().map_err(|error| form().with_source(error))?
        };
        Self::between(start, end)
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The longest interval for each kind of query; `None` leaves it to the platform.
///
/// The platform publishes none of them, and refuses what is too long with [`Status(400)`](crate::ErrorKind::Status).
/// What is known to be too long is refused here, before anything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IntervalLimits {
    /// Of details of conversations. Default [`limits::CONVERSATION_DETAILS_INTERVAL`].
    pub conversation_details: Option<Duration>,
    /// Of details of users. Default [`limits::USER_DETAILS_INTERVAL`].
    pub user_details: Option<Duration>,
    /// Of jobs. Default [`limits::DETAILS_JOB_INTERVAL`].
    pub jobs: Option<Duration>,
    /// Of aggregates. Default `None`: no figure is known.
    pub aggregates: Option<Duration>,
}

impl Default for IntervalLimits {
    fn default() -> Self {
        Self {
            conversation_details: Some(limits::CONVERSATION_DETAILS_INTERVAL),
            user_details: Some(limits::USER_DETAILS_INTERVAL),
            jobs: Some(limits::DETAILS_JOB_INTERVAL),
            aggregates: None,
        }
    }
}

impl IntervalLimits {
    /// None: the platform says what is too long.
    pub fn none() -> Self {
        Self { conversation_details: None, user_details: None, jobs: None, aggregates: None }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;

    fn at(ms: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(ms)
    }

    #[test]
    fn what_is_no_interval_is_refused_with_the_reason() {
        for (text, word) in [
            ("", "start/end"),
            ("2026-03-04T09:00:00Z", "start/end"),
            ("yesterday/today", "start/end"),
            ("2026-03-04T09:00:00Z/P1M", "start/end"),
            ("2026-03-04T10:00:00Z/2026-03-04T09:00:00Z", "reversed"),
            ("2026-03-04T09:00:00Z/-PT1H", "start/end"),
            ("2026-03-04T09:00:00Z/PT0S", "empty"),
            ("2026-03-04T09:00:00.0001Z/2026-03-04T09:00:00.0009Z", "empty"),
        ] {
            let error = text.parse::<Interval>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(word), "{text}: {error}");
        }
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(Interval::new(at(0), far).unwrap_err().kind(), ErrorKind::Config);
        assert_eq!(Interval::last(Duration::ZERO).unwrap_err().kind(), ErrorKind::Config);
        assert_eq!(Interval::last(Duration::MAX).unwrap_err().kind(), ErrorKind::Config);
    }

    #[test]
    fn an_offset_is_turned_into_utc_and_a_length_counts_from_the_start() {
        for text in [
            "2026-03-04T10:00:00+01:00/2026-03-04T11:00:00+01:00",
            "2026-03-04T09:00:00Z/PT1H",
            "2026-03-04T09:00:00Z/PT60M",
        ] {
            let hour: Interval = text.parse().unwrap();
            assert_eq!(hour.to_string(), "2026-03-04T09:00:00.000Z/2026-03-04T10:00:00.000Z");
            assert_eq!(hour.duration(), Duration::from_secs(3_600));
            assert!(hour.contains(hour.start()) && !hour.contains(hour.end()));
        }
    }

    #[test]
    fn an_interval_over_the_limit_is_refused_with_both_figures() {
        let long: Interval = "2026-03-01T00:00:00Z/P32D".parse().unwrap();
        let limit = IntervalLimits::default().conversation_details;
        let error = long.check(limit, "a query for details").unwrap_err().to_string();
        assert!(error.contains("32 days") && error.contains("31 days"), "{error}");
        assert!(long.check(IntervalLimits::none().conversation_details, "x").is_ok());
        let most: Interval = "2026-03-01T00:00:00Z/P31D".parse().unwrap();
        assert!(most.check(limit, "x").is_ok());
    }

    #[test]
    fn pieces_without_length_are_refused() {
        let hour: Interval = "2026-03-04T09:00:00Z/PT1H".parse().unwrap();
        assert!(hour.split(Duration::from_micros(999)).is_err());
        assert_eq!(hour.split(Duration::MAX).unwrap().collect::<Vec<_>>(), [hour]);
    }

    proptest! {
        #[test]
        fn pieces_cover_all_without_gap_or_overlap(
            start in 0..4_000_000_000_000_u64, long in 1..100_000_u64, step in 1..5_000_u64,
        ) {
            let whole = Interval::new(at(start), at(start + long)).unwrap();
            let step = Duration::from_millis(step);
            let mut next = whole.start();
            for piece in whole.split(step).unwrap() {
                prop_assert_eq!(piece.start(), next);
                prop_assert!(piece.duration() <= step && piece.start() < piece.end());
                next = piece.end();
            }
            prop_assert_eq!(next, whole.end());
            let text = serde_json::to_string(&whole).unwrap();
            prop_assert_eq!(serde_json::from_str::<Interval>(&text).unwrap(), whole);
        }
    }
}

//! The length of the steps of aggregates.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Span;
use serde::{Serialize, Serializer};

use crate::error::{Error, Result};

/// The length of one step of aggregates: an ISO 8601 period of whole seconds, days, weeks or months.
///
/// ```
/// use std::time::Duration;
/// use genesys_cloud::analytics::Granularity;
///
/// assert_eq!(Granularity::every(Duration::from_secs(1_800))?.to_string(), "PT30M");
/// assert_eq!("P1M".parse::<Granularity>()?, Granularity::MONTH);
/// # Ok::<(), genesys_cloud::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Granularity(Cow<'static, str>);

impl Granularity {
    /// Half an hour, as schedules are cut.
    pub const HALF_HOUR: Self = Self(Cow::Borrowed("PT30M"));
    /// An hour.
    pub const HOUR: Self = Self(Cow::Borrowed("PT1H"));
    /// A day of the query's time zone.
    pub const DAY: Self = Self(Cow::Borrowed("P1D"));
    /// A week of the query's time zone.
    pub const WEEK: Self = Self(Cow::Borrowed("P1W"));
    /// A month of the query's time zone.
    pub const MONTH: Self = Self(Cow::Borrowed("P1M"));

    /// A number of whole seconds, written with the largest unit that fits: 1,800 s are `PT30M`. 24 hours are `PT24H`,
    /// and not [`DAY`](Self::DAY), which may be longer or shorter.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) for less than a second, and for parts of seconds.
    pub fn every(step: Duration) -> Result<Self> {
        let seconds = step.as_secs();
        if seconds == 0 || step.subsec_nanos() != 0 {
            return Err(Error::config("a granularity is a number of whole seconds, at least 1"));
        }
        let text = match seconds {
            _ if seconds.is_multiple_of(3_600) => format!("PT{}H", seconds / 3_600),
            _ if seconds.is_multiple_of(60) => format!("PT{}M", seconds / 60),
            _ => format!("PT{seconds}S"),
        };
        Ok(Self(Cow::Owned(text)))
    }

    /// The period as the platform takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Granularity {
    type Err = Error;

    /// Reads an ISO 8601 period, such as `PT30M` or `P1D`.
    fn from_str(text: &str) -> Result<Self> {
        let form =
            || Error::config("a granularity is a period longer than nothing, such as PT30M or P1D");
        let span: Span = text.parse().map_err(|error| form().with_source(error))?;
        // The text is kept, and others than the ISO form are read too.
        if !text.starts_with('P') || !span.is_positive() {
            return Err(form());
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Granularity {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn seconds_are_written_with_the_largest_unit_that_fits() {
        for (seconds, text) in
            [(1, "PT1S"), (60, "PT1M"), (90, "PT90S"), (1_800, "PT30M"), (86_400, "PT24H")]
        {
            let step = Granularity::every(Duration::from_secs(seconds)).unwrap();
            assert_eq!(step.as_str(), text);
            assert_eq!(text.parse::<Granularity>().unwrap(), step);
        }
        assert_eq!(Granularity::every(Duration::from_secs(3_600)).unwrap(), Granularity::HOUR);
    }

    #[test]
    fn what_is_no_step_is_refused() {
        for step in [Duration::ZERO, Duration::from_millis(999), Duration::from_millis(1_500)] {
            assert_eq!(Granularity::every(step).unwrap_err().kind(), ErrorKind::Config);
        }
        for text in ["", "30m", "PT", "PT0S", "-PT30M", "P1X", "1 hour"] {
            assert!(text.parse::<Granularity>().is_err(), "{text}");
        }
    }
}

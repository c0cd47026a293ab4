//! Points in time as the platform writes them.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::core::date;

/// A date and time as it was received, such as `2026-03-04T09:30:00.123Z`.
///
/// The text is kept, so that it is written exactly as it was read; a text that is no date is kept too.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use genesys_cloud::Timestamp;
///
/// let time = Timestamp::from("1970-01-01T00:00:01.500Z");
/// assert_eq!(time.to_system_time(), Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1500)));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(Box<str>);

impl Timestamp {
    /// The text as it was received.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The point in time; `None` when the text is not an ISO 8601 date with time and offset.
    pub fn to_system_time(&self) -> Option<SystemTime> {
        date::parse(&self.0)
    }
}

impl From<&str> for Timestamp {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<SystemTime> for Timestamp {
    /// In UTC, to the millisecond, as the platform writes it; times outside the years 0 to 9999 become the nearest that
    /// can be written.
    fn from(time: SystemTime) -> Self {
        Self(date::write(time).into())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_form_the_platform_writes_is_understood() {
        let at = |text: &str| Timestamp::from(text).to_system_time();
        let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_616_600);
        for text in [
            "2026-03-04T09:30:00Z",
            "2026-03-04T09:30:00.000Z",
            "2026-03-04T09:30:00.000000+00:00",
            "2026-03-04T10:30:00+01:00",
        ] {
            assert_eq!(at(text), Some(expected), "{text}");
        }
        for text in ["", "yesterday", "2026-03-04", "2026-13-04T09:30:00Z"] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn a_system_time_is_written_to_the_millisecond_in_utc() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_micros(1_772_616_600_123_900);
        assert_eq!(Timestamp::from(time).as_str(), "2026-03-04T09:30:00.123Z");
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert!(Timestamp::from(far).as_str().starts_with("9999-"));
    }
}

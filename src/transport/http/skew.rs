//! How far the local clock is from the platform's.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, DATE};

/// A difference up to this is no news: `Date` has whole seconds, answers take seconds, and computers that are kept in time
/// at all are kept to less. Tokens and queries of recent intervals bear it, too.
pub(crate) const TOLERATED: Duration = Duration::from_secs(30);

/// The local clock is this far off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Skew {
    pub(crate) off: Duration,
    /// Ahead of the platform's, or else behind it.
    pub(crate) ahead: bool,
}

impl Skew {
    /// What the `Date` of an answer that has just come says; `None` while it is tolerated, or not known.
    ///
    /// The answer of a cache is as old as it says, and tells nothing.
    pub(crate) fn of(headers: &HeaderMap, wall: SystemTime) -> Option<Self> {
        if headers.contains_key(AGE) {
            return None;
        }
        let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
        let (off, ahead) = match wall.duration_since(date) {
            Ok(off) => (off, true),
            Err(behind) => (behind.duration(), false),
        };
        (off > TOLERATED).then_some(Self { off, ahead })
    }

    /// For the end of an error's message.
    pub(crate) fn hint(self) -> String {
        let way = if self.ahead { "ahead of" } else { "behind" };
        format!("; the clock here is {} s {way} the platform's", self.off.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    // Sun, 06 Nov 1994 08:49:37 GMT
    const DATE_THERE: u64 = 784_111_777;

    fn skew(headers: &[(http::HeaderName, &'static str)], here: u64) -> Option<(u64, bool)> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(here);
        Skew::of(&headers, wall).map(|skew| (skew.off.as_secs(), skew.ahead))
    }

    #[test]
    fn what_is_over_the_tolerance_is_told_with_its_direction() {
        let date = [(DATE, "Sun, 06 Nov 1994 08:49:37 GMT")];
        for (here, expected) in [
            (DATE_THERE, None),
            (DATE_THERE + 30, None),
            (DATE_THERE - 30, None),
            (DATE_THERE + 31, Some((31, true))),
            (DATE_THERE - 90, Some((90, false))),
            (0, Some((DATE_THERE, false))),
        ] {
            assert_eq!(skew(&date, here), expected);
        }
        let cached = [date[0].clone(), (AGE, "100")];
        assert_eq!(skew(&cached, 0), None);
        assert_eq!(skew(&[(DATE, "yesterday")], 0), None);
        assert_eq!(skew(&[], 0), None);
        let hint = Skew { off: Duration::from_millis(90_500), ahead: false }.hint();
        assert_eq!(hint, "; the clock here is 90 s behind the platform's");
    }
}

//! `Retry-After`: seconds, or an HTTP date.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// The longest wait that is told: as long as a token or a channel lives. Whoever asks for more asks for "a very long time",
/// and nobody has to add up numbers without end.
const LONGEST: Duration = Duration::from_secs(86_400);

/// How long the server asks to wait, counted from the arrival of its answer.
///
/// A date is measured against the answer's own `Date`, so that a wrong clock here (or there) does not matter; without
/// one, against `wall`. A date in the past is no wait at all. What cannot be read counts as absent, and what is
/// longer than [`LONGEST`] as that.
pub(crate) fn retry_after(headers: &HeaderMap, wall: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // Too many digits to count is still "a very long time", not "absent".
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)).min(LONGEST));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let sent = headers
        .get(DATE)
        .and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok())
        .unwrap_or(wall);
    Some(until.duration_since(sent).unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn at(pairs: &[(http::HeaderName, &str)], wall: u64) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        retry_after(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(wall))
            .map(|d| d.as_secs())
    }

    // Sun, 06 Nov 1994 08:49:37 GMT
    const WALL: u64 = 784_111_777;

    #[test]
    fn seconds_dates_and_nonsense() {
        let only = |value| at(&[(RETRY_AFTER, value)], WALL);
        assert_eq!(only("42"), Some(42));
        assert_eq!(only(" 0 "), Some(0));
        for endless in ["86401", "18446744073709551615", "99999999999999999999999"] {
            assert_eq!(only(endless), Some(86_400), "{endless}");
        }
        assert_eq!(only("Sat, 06 Nov 2094 08:50:37 GMT"), Some(86_400));
        assert_eq!(only("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(only("Sunday, 06-Nov-94 08:50:37 GMT"), Some(60));
        assert_eq!(only("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        for bad in ["", "-1", "1.5", "soon", "+3", "1e3"] {
            assert_eq!(only(bad), None, "{bad:?}");
        }
        assert_eq!(at(&[], WALL), None);
    }

    #[test]
    fn a_date_is_measured_against_the_servers_own_clock() {
        let skewed = [
            (RETRY_AFTER, "Sun, 06 Nov 1994 08:50:07 GMT"),
            (DATE, "Sun, 06 Nov 1994 08:49:37 GMT"),
        ];
        assert_eq!(at(&skewed, WALL + 86_400), Some(30));
        assert_eq!(at(&skewed, 0), Some(30));
    }
}

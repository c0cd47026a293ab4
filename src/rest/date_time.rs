//! The platform's date-times.

use std::time::{Duration, SystemTime};

/// Reads `2026-03-04T09:30:00[.123]Z`; `None` for anything else, and for what lies before 1970.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(number);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut clock = clock.splitn(3, ':').map(number);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let sane = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !sane {
        return None;
    }
    let nanos = if fraction.is_empty() {
        0
    } else {
        let digits: String = fraction
            .chars()
            .chain("000000000".chars())
            .take(9)
            .collect();
        u32::try_from(number(&digits)?).ok()?
    };
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
}

fn number(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// Days since 1970-01-01 of a date of the Gregorian calendar. The year is counted from March, so that leap days come last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let of_year = (153 * month + 2) / 5 + day - 1;
    // 719 468 days lie between 0000-03-01 and 1970-01-01.
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        let millis = |text| {
            parse(text).map(|t| {
                t.duration_since(SystemTime::UNIX_EPOCH)
                    .unwrap()
                    .as_millis()
            })
        };
        assert_eq!(millis("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(millis("2000-02-29T23:59:59.5Z"), Some(951_868_799_500));
        assert_eq!(millis("2026-03-05T09:30:00.123Z"), Some(1_772_703_000_123));
        assert_eq!(
            millis("2026-03-05T09:30:00.123456789Z"),
            Some(1_772_703_000_123)
        );
        for bad in [
            "",
            "Z",
            "2026-03-05",
            "2026-03-05T09:30:00",
            "2026-13-05T09:30:00Z",
            "2026-03-05T24:30:00Z",
            "1969-03-05T09:30:00Z",
            "2026-03-05T09:30Z",
            "2026-03-05T09:30:-1Z",
            "2026-03-05T09:30:00.x1Z",
            "99999999999-01-01T00:00:00Z",
        ] {
            assert_eq!(millis(bad), None, "{bad}");
        }
    }
}

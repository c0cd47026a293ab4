//! Dates as the platform writes them: ISO 8601 with time and offset, in the form of RFC 3339.

use std::time::{Duration, SystemTime};

const SECONDS_A_DAY: i64 = 86_400;

/// The point in time; `None` when the text is not a date with time and offset.
///
/// Takes what RFC 3339 has, and offsets without a colon or without minutes, as `+0000` and `+01`. A leap second is the
/// second before it.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let mut rest = text.as_bytes();
    let year = number(&mut rest, 4)?;
    sign(&mut rest, b"-")?;
    let month = number(&mut rest, 2)?;
    sign(&mut rest, b"-")?;
    let day = number(&mut rest, 2)?;
    sign(&mut rest, b"Tt ")?;
    let hour = number(&mut rest, 2)?;
    sign(&mut rest, b":")?;
    let minute = number(&mut rest, 2)?;
    sign(&mut rest, b":")?;
    let second = number(&mut rest, 2)?;
    let nanos = match sign(&mut rest, b".,") {
        Some(_) => fraction(&mut rest)?,
        None => 0,
    };
    let offset = offset(&mut rest)?;
    let fits = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !fits || !rest.is_empty() {
        return None;
    }
    let of_day = hour * 3600 + minute * 60 + second.min(59);
    let seconds = days_before(year, month, day) * SECONDS_A_DAY + of_day - offset;
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let at = match seconds {
        0.. => SystemTime::UNIX_EPOCH.checked_add(whole),
        _ => SystemTime::UNIX_EPOCH.checked_sub(whole),
    };
    at?.checked_add(Duration::from_nanos(nanos))
}

/// In UTC, to the millisecond, as the platform writes it; times outside the years 0 to 9999 become the nearest that can
/// be written.
pub(crate) fn write(time: SystemTime) -> String {
    let millis = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        // To the millisecond before, as it is after the epoch.
        Err(before) => {
            let nanos = before.duration().as_nanos();
            i64::try_from(nanos.div_ceil(1_000_000)).map_or(i64::MIN, |millis| -millis)
        }
    };
    let first = days_before(0, 1, 1) * SECONDS_A_DAY * 1000;
    let last = days_before(10_000, 1, 1) * SECONDS_A_DAY * 1000 - 1;
    let millis = millis.clamp(first, last);
    let seconds = millis.div_euclid(1000);
    let (year, month, day) = date_of(seconds.div_euclid(SECONDS_A_DAY));
    let of_day = seconds.rem_euclid(SECONDS_A_DAY);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60,
        millis.rem_euclid(1000),
    )
}

/// Takes so many digits.
fn number(rest: &mut &[u8], digits: usize) -> Option<i64> {
    let (number, behind) = rest.split_at_checked(digits)?;
    *rest = behind;
    number.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
    })
}

/// Takes one of these signs.
fn sign(rest: &mut &[u8], signs: &[u8]) -> Option<u8> {
    let (first, behind) = rest.split_first()?;
    signs.contains(first).then(|| {
        *rest = behind;
        *first
    })
}

/// Takes the digits behind the point, in nanoseconds; what is finer is dropped.
fn fraction(rest: &mut &[u8]) -> Option<u64> {
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    let nine = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    let nanos = nine.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    (count > 0).then_some(nanos)
}

/// Takes the offset from UTC, in seconds.
fn offset(rest: &mut &[u8]) -> Option<i64> {
    let direction = match sign(rest, b"Zz+-")? {
        b'+' => 1,
        b'-' => -1,
        _ => return Some(0),
    };
    let hours = number(rest, 2)?;
    let minutes = match (sign(rest, b":"), rest.is_empty()) {
        (None, true) => 0,
        _ => number(rest, 2)?,
    };
    (hours < 24 && minutes < 60).then_some(direction * (hours * 3600 + minutes * 60))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years begin in March here, so that the leap day is the last
/// of its year; the calendar repeats every 400 years, which are 146,097 days.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_of_year = (month + 9) % 12;
    let day_of_year = (153 * month_of_year + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day: the reverse of [`days_before`].
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let leaps = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_of_year = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_of_year + 2) / 5 + 1;
    let month = if month_of_year < 10 { month_of_year + 3 } else { month_of_year - 9 };
    let year = year_of_era + era * 400;
    (if month > 2 { year } else { year + 1 }, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn since(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn dates_are_read_in_every_form_and_nothing_else_is_one() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", since(0)),
            ("2026-03-04T09:30:00.000000+00:00", since(1_772_616_600)),
            ("2026-03-04t10:30:00+0100", since(1_772_616_600)),
            ("2026-03-04 04:30:00-05", since(1_772_616_600)),
            ("2000-02-29T23:59:60Z", since(951_868_799)),
            ("1969-12-31T23:59:59.250Z", since(0) - Duration::from_millis(750)),
            (
                "2026-03-04T09:30:00.1234567891234Z",
                since(1_772_616_600) + Duration::from_nanos(123_456_789),
            ),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-03-04",
            "2026-03-04T09:30:00",
            "2026-13-04T09:30:00Z",
            "2026-02-29T09:30:00Z",
            "1900-02-29T00:00:00Z",
            "2026-03-04T24:00:00Z",
            "2026-03-04T09:30:61Z",
            "2026-03-04T09:30:00.Z",
            "2026-03-04T09:30:00+24:00",
            "2026-03-04T09:30:00+1",
            "2026-03-04T09:30:00Z ",
            "+026-03-04T09:30:00Z",
            "2026-03-04T09:30:00+01:",
            "2026-00-04T09:30:00Z",
            "2026-03-00T09:30:00Z",
            "１970-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_four_hundred_years_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..146_097 {
            assert_eq!((days_before(year, month, day), date_of(days)), (days, (year, month, day)));
            day += 1;
            if day > days_in(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!((year, month, day), (2370, 1, 1));
    }

    #[test]
    fn times_out_of_range_are_written_as_the_nearest() {
        assert_eq!(write(since(1 << 40)), "9999-12-31T23:59:59.999Z");
        assert_eq!(
            write(SystemTime::UNIX_EPOCH - Duration::from_secs(1 << 40)),
            "0000-01-01T00:00:00.000Z"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same_time(millis in -62_167_219_200_000_i64..253_402_200_000_000) {
            let part = Duration::from_millis(millis.unsigned_abs());
            let epoch = SystemTime::UNIX_EPOCH;
            let time = if millis < 0 { epoch - part } else { epoch + part };
            prop_assert_eq!(parse(&write(time)), Some(time));
            prop_assert_eq!(parse(&write(time + Duration::from_nanos(999_999))), Some(time));
            let reference = jiff::Timestamp::try_from(time).unwrap();
            prop_assert_eq!(write(time), format!("{reference:.3}"));
            prop_assert_eq!(parse(&reference.to_string()), Some(time));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), tail in "[0-9TZ:.+-]{0,30}") {
            parse(&text);
            parse(&format!("2026-03-04T{tail}"));
        }
    }
}

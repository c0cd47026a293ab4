//! Durations as JSON numbers of milliseconds.

use std::time::Duration;

use serde::Serializer;

/// Milliseconds with a fraction.
#[allow(clippy::cast_precision_loss)] // Exact for 104 days.
pub(crate) fn of(duration: Duration) -> f64 {
    // One division: 284.731 us is 0.284731, without digits that are noise.
    duration.as_nanos() as f64 / 1e6
}

/// For `serialize_with`.
pub(crate) fn write<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(of(*duration))
}

/// For `serialize_with`.
#[allow(clippy::ref_option)] // The form that serde asks for.
pub(crate) fn write_opt<S: Serializer>(
    duration: &Option<Duration>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => to.serialize_some(&of(*duration)),
        None => to.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_no_more_digits_than_nanoseconds() {
        let table =
            [(284_731, "0.284731"), (5_977_517_751, "5977.517751"), (0, "0"), (1, "0.000001")];
        for (nanos, expected) in table {
            assert_eq!(of(Duration::from_nanos(nanos)).to_string(), expected);
        }
    }
}

//! Durations as JSON numbers of milliseconds.

use std::time::Duration;

use serde::Serializer;

/// Milliseconds with a fraction.
pub(crate) fn of(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
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

//! For how long an example runs.

use std::io;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::sleep;

use super::signals::end_signal;

/// Reads a time with its unit, for arguments such as `--for 10s`.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let parsed: Result<SignedDuration, _> = text.parse();
    parsed
        .ok()
        .and_then(|time| Duration::try_from(time).ok())
        .ok_or_else(|| "write a time with its unit, such as 10s, 500ms or 2m".to_owned())
}

/// Resolves when the time is over, or on Ctrl-C or SIGTERM; the signals are caught from the moment of the call.
pub(crate) fn end(lasts: Option<Duration>) -> io::Result<impl Future<Output = ()>> {
    let signal = end_signal()?;
    Ok(async move {
        tokio::select! {
            () = after(lasts) => {}
            () = signal => {}
        }
    })
}

/// Resolves after this time; never, when there is none.
pub(crate) async fn after(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_and_is_not_negative() {
        assert_eq!(time("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        for bad in ["", "10", "-3s", "soon"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}

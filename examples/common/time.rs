//! For how long an example runs.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use genesys_cloud::StreamHandle;
use jiff::SignedDuration;
use tokio::time::sleep;

use super::failure::Failure;
use super::signals::end_signal;

/// Reads a time with its unit, for arguments such as `--for 10s`.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let parsed: Result<SignedDuration, _> = text.parse();
    parsed
        .ok()
        .and_then(|time| Duration::try_from(time).ok())
        .ok_or_else(|| "write a time with its unit, such as 10s, 500ms or 2m".to_owned())
}

/// The end of an example.
pub(crate) type End = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Resolves when the time is over, or on Ctrl-C or SIGTERM; the signals are caught from the moment of the call.
pub(crate) fn end(lasts: Option<Duration>) -> io::Result<End> {
    let signal = end_signal()?;
    Ok(Box::pin(async move {
        let over = async {
            match lasts {
                Some(time) => sleep(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => {}
            () = signal => {}
        }
    }))
}

/// Waits for something to start; `None` when the end comes first.
pub(crate) async fn unless<T, E: Into<Failure>>(
    end: &mut End,
    starts: impl Future<Output = Result<T, E>>,
) -> Result<Option<T>, Failure> {
    tokio::select! {
        started = starts => started.map(Some).map_err(Into::into),
        () = end => Ok(None),
    }
}

/// Closes a stream at the end, with a close frame: what was received before is still in the stream, and then it ends.
pub(crate) fn close_at(end: End, stream: StreamHandle) {
    tokio::spawn(async move {
        end.await;
        stream.close().await;
    });
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

//! The last steps of a socket.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::farewell::{ABNORMAL, Cause};
use super::handle::{End, Signal};

/// How long the client's half of the closing handshake is awaited.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// How a socket ends.
pub(super) enum Ended {
    Reset,
    /// With the close code.
    Over(Cause, u16),
}

/// What a step of the socket comes to.
pub(super) type Step = Result<(), Ended>;

/// Gives the client a little time for its half of the end.
pub(super) async fn outlast(
    signal: &mut watch::Receiver<Signal>,
    rest: impl Future<Output = ()>,
) -> Step {
    tokio::select! {
        biased;
        ended = ended(signal) => Err(ended),
        _ = timeout(CLOSE_DEADLINE, rest) => Err(Ended::Over(Cause::ServerClosed, ABNORMAL)),
    }
}

impl From<End> for Ended {
    fn from(end: End) -> Self {
        match end {
            End::Reset => Self::Reset,
            End::Overrun => Self::Over(Cause::NotReading, ABNORMAL),
        }
    }
}

/// Waits until the socket is ended past its queue.
pub(super) async fn ended(signal: &mut watch::Receiver<Signal>) -> Ended {
    let end = match signal.wait_for(|signal| signal.end.is_some()).await {
        Ok(signal) => signal.end,
        Err(_) => None,
    };
    match end {
        Some(end) => end.into(),
        // The channel has let go of the socket: nothing can come past the queue any more.
        None => std::future::pending().await,
    }
}

//! What a link is told, and what it tells.

use tokio::sync::{mpsc, oneshot};

use super::ledger::LinkKey;
use super::protocol::{Notice, Outbound};
use super::supervisor::{Ending, TokenUsed};
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Topic;

/// What a link is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// Show that you flow from now on.
    Probe,
    /// Make this the subscription, over the socket.
    Subscribe(Vec<Topic>),
    /// Send a message of the owner's.
    Send(Outbound, oneshot::Sender<Result<()>>),
    /// Deliver nothing any more.
    Hush,
    /// Close in an orderly way.
    Close(Gone),
}

/// What a link tells.
#[derive(Debug)]
pub(crate) enum Report {
    /// The connection flows. Nothing more is delivered until the answer, so that what the supervisor has to say of
    /// this moment comes first in the stream.
    Flowing { link: LinkKey, at: Moment, token: Option<TokenUsed>, go: oneshot::Sender<()> },
    /// The connection comes to its end, and was not allowed to deliver what it holds: that is still waited for.
    Fading { link: LinkKey },
    /// The answer to [`Order::Subscribe`]: what was sent, or why it was not.
    Asked { link: LinkKey, answer: Result<Vec<Topic>> },
    /// The peer said something about the connection.
    Notice { link: LinkKey, notice: Notice },
    /// The connection is over.
    Gone { link: LinkKey, ending: Ending },
}

/// Reports the end of a link whose task did not come to report it.
pub(super) struct Farewell {
    pub(super) link: LinkKey,
    pub(super) reports: Option<mpsc::Sender<Box<Report>>>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let Some(reports) = self.reports.take() else { return };
        let detail =
            "the link's task panicked: look at the stream's filter, protocol, gate and observer";
        let mut ending = Ending::new(Gone::Cut { detail: detail.into() }, None);
        ending.error = Some(Error::new(ErrorKind::Closed, detail));
        // Full only when the driver is gone too.
        let _ = reports.try_send(Box::new(Report::Gone { link: self.link, ending }));
    }
}

//! What a supervisor is told, and what it asks for.

use std::time::Duration;

use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::core::ids::ChannelId;
use crate::core::ports::{ChannelInfo, TopicState};
use crate::error::{Error, Result};
use crate::events::{Lifecycle, Topic};
use crate::streaming::ledger::LinkKey;
use crate::streaming::protocol::Notice;

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// Begin.
    Start,
    /// The answer to [`Action::Create`].
    Created(Result<ChannelInfo>),
    /// The answer to [`Action::Check`].
    Checked(Result<bool>),
    /// The answer to [`Action::Replace`], with what was sent to which channel.
    Subscribed {
        channel: ChannelId,
        sent: Vec<Box<str>>,
        answer: Result<Vec<TopicState>>,
    },
    /// A link flows.
    Flowing { link: LinkKey, at: Moment },
    /// The peer said something about a link.
    Notice { link: LinkKey, notice: Notice },
    /// A link is over.
    LinkGone {
        link: LinkKey,
        cause: Gone,
        last_in: Option<Moment>,
        retry_after: Option<Duration>,
        fatal: Option<Error>,
    },
    /// Topics were added with [`Supervisor::want`].
    Changed,
    /// Topics are no longer wanted.
    Unwant(Vec<Topic>),
    /// There is a newer token.
    TokenRotated,
    /// A wait is over.
    Timer,
    /// The consumer has caught up.
    CaughtUp,
    /// End the stream.
    Close,
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Action {
    /// Make a channel.
    Create,
    /// Ask whether the channel exists.
    Check(ChannelId),
    /// Make this the channel's whole subscription.
    Replace(ChannelId, Vec<Box<str>>),
    /// Open a socket.
    Dial {
        link: LinkKey,
        channel: Option<ChannelInfo>,
    },
    /// Have the link show that it flows.
    Probe(LinkKey),
    /// Close the link.
    CloseLink(LinkKey, Gone),
    /// Tell the consumer.
    Emit(Lifecycle),
    /// Say when the consumer has caught up.
    AwaitConsumer,
    /// The stream is over; with the error that is its last item.
    Stop(Option<Error>),
}

/// What a step may use besides its input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) at: Moment,
    pub(crate) unit_random: f64,
    /// Whether the consumer is so far behind that nothing should be dialled.
    pub(crate) clogged: bool,
}

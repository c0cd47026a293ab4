//! What a supervisor is told, and what it asks for.

use std::time::{Duration, Instant};

use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::core::ids::ChannelId;
use crate::core::ports::{ChannelInfo, TopicState};
use crate::error::{Error, Result};
use crate::events::{Lifecycle, Topic};
use crate::streaming::ledger::LinkKey;
use crate::streaming::protocol::Notice;

/// What kind of connections a stream is made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Whether a connection needs a channel that is made and subscribed by REST.
    pub(crate) uses_channel: bool,
    /// What a connection covers without being asked.
    pub(crate) covers: Vec<Topic>,
    pub(crate) max_topics: usize,
    pub(crate) renew_after: Option<Duration>,
}

impl Plan {
    /// Notification channels.
    #[cfg(test)]
    pub(crate) fn of_channels() -> Self {
        Self {
            uses_channel: true,
            covers: Vec::new(),
            max_topics: crate::core::limits::TOPICS_PER_CHANNEL,
            renew_after: None,
        }
    }
}

/// The token that a link was opened with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenUsed {
    pub(crate) generation: u64,
    /// When its age counts, since when.
    pub(crate) issued_at: Option<Instant>,
}

/// How a link ended.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) cause: Gone,
    /// The last inbound byte; `None` when the socket never opened.
    pub(crate) last_in: Option<Moment>,
    /// The server's `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
    /// The error behind the cause, when it was not the socket's.
    pub(crate) error: Option<Error>,
    /// The generation of the token that it was opened with.
    pub(crate) token: Option<u64>,
    /// Whether the peer closed it with a close frame: then nothing that it sent is missing.
    pub(crate) drained: bool,
    /// What the protocol says to check when the cause is a refusal.
    pub(crate) hint: Option<Box<str>>,
}

impl Ending {
    pub(crate) fn new(cause: Gone, last_in: Option<Moment>) -> Self {
        Self {
            cause,
            last_in,
            retry_after: None,
            error: None,
            token: None,
            drained: false,
            hint: None,
        }
    }
}

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
    Subscribed { channel: ChannelId, sent: Vec<Box<str>>, answer: Result<Vec<TopicState>> },
    /// The answer to [`Action::Subscribe`]: what was sent, or why it was not.
    Asked { link: LinkKey, answer: Result<Vec<Topic>> },
    /// A link flows; `token` is what it was opened with.
    Flowing { link: LinkKey, at: Moment, token: Option<TokenUsed> },
    /// The peer said something about a link.
    Notice { link: LinkKey, notice: Notice },
    /// A link is over.
    LinkGone { link: LinkKey, ending: Ending },
    /// Topics were added with [`Supervisor::want`].
    Changed,
    /// Topics are no longer wanted.
    Unwant(Vec<Topic>),
    /// There is a newer token.
    TokenRotated { generation: u64 },
    /// The owner wants another connection in place of this one.
    Renew,
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
    /// Open a socket; for one without a channel, with what its first messages subscribe. With `replaces` it takes over
    /// from a link that lives.
    Dial {
        link: LinkKey,
        channel: Option<ChannelInfo>,
        wanted: Vec<Topic>,
        replaces: Option<LinkKey>,
    },
    /// Make this the subscription of a socket without a channel.
    Subscribe(LinkKey, Vec<Topic>),
    /// Let a link deliver that flows, and was withheld because the one before it had not ended.
    Speak(LinkKey),
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

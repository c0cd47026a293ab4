//! What a supervisor is told, and what it asks for.

use std::time::{Duration, Instant};

use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::core::ids::ChannelId;
use crate::core::limits;
use crate::core::ports::{ChannelInfo, ChannelListing, TopicState};
use crate::error::{Error, Result};
use crate::events::{Lifecycle, Topic};
use crate::streaming::ledger::LinkKey;
use crate::streaming::packing::Bounds;
use crate::streaming::policy::ChannelPolicy;
use crate::streaming::protocol::Notice;

/// Channels that carry topics at most, unless another number is given: a quarter of the platform's 20, so that a program
/// and its successor beside it, with as many that replace others in each, have room under one OAuth client.
pub(crate) const MAX_CHANNELS: usize = 5;
/// How often the subscription of a channel is read back, unless told otherwise. One call per channel: with the largest
/// number of channels little more than one of the 300 requests a minute, and what the platform drops is missed for a
/// quarter of an hour at most.
pub(crate) const CHECK_EVERY: Duration = Duration::from_secs(15 * 60);

/// How channels are had, kept and checked.
#[derive(Clone, Debug)]
pub(crate) struct ChannelRules {
    pub(crate) bounds: Bounds,
    pub(crate) policy: ChannelPolicy,
    /// Channels of the platform's 20 that are left to others.
    pub(crate) free: usize,
    /// Life of a channel since its last subscription.
    pub(crate) life: Duration,
    /// How often subscriptions are read back; `None` for never.
    pub(crate) check_every: Option<Duration>,
    /// Channels of an earlier run.
    pub(crate) own: Vec<ChannelInfo>,
}

impl Default for ChannelRules {
    fn default() -> Self {
        Self {
            bounds: Bounds::new(MAX_CHANNELS, limits::TOPICS_PER_CHANNEL),
            policy: ChannelPolicy::default(),
            free: 0,
            life: limits::CHANNEL_LIFE,
            check_every: Some(CHECK_EVERY),
            own: Vec::new(),
        }
    }
}

/// What kind of connections a stream is made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// How to deal with channels, when a connection needs one that is made and subscribed by REST.
    pub(crate) channels: Option<ChannelRules>,
    /// What a connection covers without being asked.
    pub(crate) covers: Vec<Topic>,
    /// Most topics that a connection without a channel is asked for.
    pub(crate) max_topics: usize,
    pub(crate) renew_after: Option<Duration>,
    /// How long a connection is kept after the one that takes its place flows.
    pub(crate) overlap: Duration,
}

impl Plan {
    pub(crate) fn uses_channel(&self) -> bool {
        self.channels.is_some()
    }

    /// Notification channels.
    #[cfg(test)]
    pub(crate) fn of_channels() -> Self {
        Self {
            channels: Some(ChannelRules::default()),
            covers: Vec::new(),
            max_topics: limits::TOPICS_PER_CHANNEL,
            renew_after: None,
            overlap: Duration::from_secs(5),
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
    /// Until when it is sure to have brought everything; `None` as above.
    pub(crate) sure: Option<Moment>,
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
            sure: last_in,
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
    /// The answer to [`Action::List`].
    Listed(Result<ChannelListing>),
    /// The answer to [`Action::Create`], and a token that was valid before.
    Created { answer: Result<ChannelInfo>, generation: u64 },
    /// The answer to [`Action::Check`].
    Checked { channel: ChannelId, answer: Result<bool> },
    /// The answer to [`Action::Clear`].
    Cleared { channel: ChannelId, alive: bool },
    /// The answer to [`Action::ReadBack`].
    ReadBack { channel: ChannelId, answer: Result<Vec<TopicState>> },
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
    /// A link is coming to its end, but was not allowed to deliver yet.
    Fading { link: LinkKey },
    /// The owner wants another connection in place of this one.
    Renew,
    /// The owner wants topics on as few channels as possible.
    Rebalance,
    /// Channels of another process that are free now.
    Adopt(Vec<ChannelInfo>),
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
    /// Find out how many channels there are.
    List,
    /// Make a channel.
    Create,
    /// Unsubscribe a channel that is not needed any more.
    Clear(ChannelId),
    /// Ask what a channel is subscribed to.
    ReadBack(ChannelId),
    /// Ask whether the channel exists.
    Check(ChannelId),
    /// Make this the channel's whole subscription.
    Replace(ChannelId, Vec<Box<str>>),
    /// Open a socket; for one without a channel, with what its first messages subscribe. It takes over
    /// from those that it `replaces`, which live.
    Dial { link: LinkKey, channel: Option<ChannelInfo>, wanted: Vec<Topic>, replaces: Vec<LinkKey> },
    /// Make this the subscription of a socket without a channel.
    Subscribe(LinkKey, Vec<Topic>),
    /// Let a link deliver that flows, and was withheld because the one before it had not ended.
    Speak(LinkKey),
    /// Never let a link deliver that was withheld.
    Mute(LinkKey),
    /// Let a link that delivers deliver nothing any more.
    Hush(LinkKey),
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

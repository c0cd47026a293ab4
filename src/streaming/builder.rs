//! Settings of a stream.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::backfill::options::Filling;
use super::backfill::stage::Stage;
use super::capacity_plan::CapacityPlan;
use super::checkpoint::Checkpoint;
use super::delivery::ConnectionState;
use super::driver::{Driver, Parts};
use super::gate::DialGate;
use super::hand_over::origins;
use super::ledger::Covered;
use super::packing::Bounds;
use super::policy::{ChannelPolicy, FullJitter, Overflow, ReconnectPolicy};
use super::protocol::{Needs, StreamEvent, TopicFilter};
use super::queue::{Capacity, queue};
use super::session::Timing;
use super::stream::EventStream;
use super::supervisor::{ChannelRules, MAX_CHANNELS, Plan, Supervisor};
use crate::core::limits;
use crate::core::ports::ChannelInfo;
use crate::diagnostics::link_probe::LinkProbe;
use crate::error::{Error, Result};
use crate::events::{Event, IntoTopic, Topic};
use crate::transport::ws::Buffers;

/// Commands that may wait for the driver.
const COMMANDS: usize = 16;
/// How long a channel is kept after its successor flows, unless told otherwise: longer than what was sent over one
/// connection is behind what was sent over another.
const OVERLAP: Duration = Duration::from_secs(5);

/// Settings of an [`EventStream`], from [`Client::stream`](crate::Client::stream).
#[must_use = "a stream begins with start()"]
pub struct StreamBuilder<E: StreamEvent = Event> {
    pub(crate) parts: Parts<E>,
    pub(crate) settings: Settings,
    pub(crate) backfill: Option<Filling<E>>,
}

/// What does not depend on the kind of events.
pub(crate) struct Settings {
    pub(super) topics: Vec<Topic>,
    /// The first text that was no topic: reported by `start`.
    invalid: Option<Error>,
    policy: Arc<dyn ReconnectPolicy>,
    overflow: Overflow,
    capacity: Capacity,
    timing: Timing,
    pub(super) channels: ChannelRules,
    max_channels: usize,
    topics_per_channel: usize,
    renew_every: Option<Duration>,
    overlap: Duration,
    pub(super) stands_by: bool,
    pub(super) resumes: Option<Box<Checkpoint>>,
}

impl Settings {
    fn bounds(&self) -> Bounds {
        Bounds::new(self.max_channels, self.topics_per_channel)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            topics: Vec::new(),
            invalid: None,
            policy: Arc::new(FullJitter::default()),
            overflow: Overflow::default(),
            capacity: Capacity::default(),
            timing: Timing::default(),
            channels: ChannelRules::default(),
            max_channels: MAX_CHANNELS,
            topics_per_channel: limits::TOPICS_PER_CHANNEL,
            renew_every: None,
            overlap: OVERLAP,
            stands_by: false,
            resumes: None,
        }
    }
}

impl<E: StreamEvent> StreamBuilder<E> {
    pub(crate) fn new(parts: Parts<E>) -> Self {
        let timing = parts.protocol.timing();
        Self { parts, settings: Settings { timing, ..Settings::default() }, backfill: None }
    }

    /// Subscribes to a topic: from [`topics`](crate::topics), or as text, also in combinations such as
    /// `v2.users.ID?presence&routingStatus`. Topics that differ only in their end are combined in any case: they count once
    /// towards the platform's 1,000 of a channel, and come under their own names. [`plan`](Self::plan) says how many
    /// channels they need.
    ///
    /// A text that is no topic is reported by [`start`](Self::start).
    pub fn subscribe(mut self, topic: impl IntoTopic) -> Self {
        match topic.into_topic() {
            Ok(topic) => self.settings.topics.push(topic),
            Err(error) => self.settings.invalid = self.settings.invalid.or(Some(error)),
        }
        self
    }

    /// Subscribes to many topics.
    pub fn subscribe_all<T: IntoTopic>(self, topics: impl IntoIterator<Item = T>) -> Self {
        topics.into_iter().fold(self, Self::subscribe)
    }

    /// Delivers only events whose topic passes. Asked before the body of a frame is looked at: a frame that does not
    /// pass costs almost nothing.
    pub fn filter(mut self, wanted: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        let wanted: TopicFilter = Arc::new(wanted);
        self.parts.filter = Some(wanted);
        self
    }

    /// When to dial again. Default [`FullJitter`].
    pub fn reconnect(mut self, policy: impl ReconnectPolicy + 'static) -> Self {
        self.settings.policy = Arc::new(policy);
        self
    }

    /// What to do when events come faster than they are taken. Default [`Overflow::Wait`].
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.settings.overflow = overflow;
        self
    }

    /// How much may wait for the consumer. Default 8,192 events or 16 MiB.
    pub fn capacity(mut self, capacity: Capacity) -> Self {
        self.settings.capacity = capacity;
        self
    }

    /// Deadlines of the connection. Default: those of the [`Protocol`](crate::Protocol), mostly what is stated on
    /// [`Timing`].
    pub fn timing(mut self, timing: Timing) -> Self {
        self.settings.timing = timing;
        self
    }

    /// Buffers and limits of the WebSocket. Default: those of the [`Protocol`](crate::Protocol), mostly what is stated
    /// on [`Buffers`].
    pub fn buffers(mut self, buffers: Buffers) -> Self {
        self.parts.buffers = buffers;
        self
    }

    /// Most notification channels that carry topics, at most 20. Default 5, a quarter of what a user and OAuth client
    /// have.
    ///
    /// Plan for twice as many. While channels are replaced there are up to two more, and after a change of token up to as
    /// many again, as far as the platform has room; they are used again for the next ones. Without room for a successor a
    /// channel is not replaced, and its end is a gap.
    pub fn max_channels(mut self, channels: usize) -> Self {
        self.settings.max_channels = channels;
        self
    }

    /// Most topics of one channel, combined ones counted once; at most the platform's 1,000, which is the default. With
    /// fewer, the topics are on more channels: each is decoded by a task of its own.
    pub fn topics_per_channel(mut self, topics: usize) -> Self {
        self.settings.topics_per_channel = topics;
        self
    }

    /// What to do when there are too few channels left. Default [`ChannelPolicy::Wait`].
    pub fn channel_policy(mut self, policy: ChannelPolicy) -> Self {
        self.settings.channels.policy = policy;
        self
    }

    /// How many of the platform's 20 channels are left to others, of those that are free when one is needed. Default 0; at most
    /// 19 count.
    ///
    /// No channel is made without asking how many there are, so that nobody else's is evicted. When another program makes
    /// one between the question and the call, both together may take one too many; the platform then removes the channel
    /// without a socket that was used the longest ago, which is one that nobody receives from. With `n` channels left free,
    /// `n` others may do so at the same moment and nothing is removed.
    ///
    /// A channel whose making is not answered (a timeout, a reset) may exist, and nobody can tell whose it is: it is left
    /// alone, counts as one that may exist for a minute, and towards the 20 until it ends.
    pub fn leave_channels_free(mut self, n: usize) -> Self {
        self.settings.channels.free = n;
        self
    }

    /// Channels that an earlier run of the program made, from [`StreamHandle::channels`](crate::StreamHandle::channels):
    /// they are used before others are made, if they still exist.
    ///
    /// Without this they cannot be told from those of others: the platform lists the channels of an OAuth client without
    /// the ids of those that another token made. They then count as somebody else's until they end, 24 h after their
    /// last subscription.
    pub fn own_channels(mut self, channels: impl IntoIterator<Item = ChannelInfo>) -> Self {
        self.settings.channels.own = channels.into_iter().collect();
        self
    }

    /// How often what a channel is subscribed to is read back from the platform, and what is missing put back; `None`
    /// for never. Default 15 min: with 20 channels little more than one of the 300 requests of a minute, and what is
    /// lost unseen is lost for a quarter of an hour at most. Up to a fifth is taken off at random.
    pub fn check_subscriptions(mut self, every: Option<Duration>) -> Self {
        self.settings.channels.check_every = every;
        self
    }

    /// The largest age of one connection: then it is replaced by another without a gap. Default: as the protocol says,
    /// for notification channels 22 h of their 24. Up to a tenth is taken off at random.
    pub fn renew_every(mut self, age: Duration) -> Self {
        self.settings.renew_every = Some(age);
        self
    }

    /// How long a notification channel is kept after the one that takes its place flows. Default 5 s.
    ///
    /// Meanwhile the old one delivers, and what the new one has beyond that is held until the old one has closed in an
    /// orderly way. What both have comes once.
    pub fn overlap(mut self, overlap: Duration) -> Self {
        self.settings.overlap = overlap;
        self
    }

    /// Which topic will be on which channel, without connecting.
    ///
    /// # Errors
    /// [`Capacity`](crate::ErrorKind::Capacity) with the numbers when [`max_channels`](Self::max_channels) are too few;
    /// [`Config`](crate::ErrorKind::Config) for a text that is no topic.
    pub fn plan(&self) -> Result<CapacityPlan> {
        if let Some(error) = &self.settings.invalid {
            return Err(Error::new(error.kind(), error.to_string()));
        }
        CapacityPlan::of(&self.settings.topics, self.settings.bounds())
    }

    /// Measures the connection that delivers, by pings of its own. Default: nobody does. To read what was measured, keep
    /// an `Arc` of the same probe.
    pub fn measure(mut self, probe: impl LinkProbe + 'static) -> Self {
        self.parts.probe = Some(Arc::new(probe));
        self
    }

    /// Has every connection wait for its turn, with those of all other streams that the gate was given to. Default: none
    /// waits. The wait counts towards no deadline of the connection. [`Signal::Dial`](crate::Signal::Dial) is told before it.
    pub fn dial_gate(mut self, gate: impl DialGate + 'static) -> Self {
        self.parts.gate = Some(Arc::new(gate));
        self
    }

    /// Connects, and resolves once the first attempt is decided.
    ///
    /// When it fails in a way that passes, the stream is returned all the same: it goes on by its reconnect policy, and
    /// its first item says what happened.
    ///
    /// # Errors
    /// What no repetition mends: [`Config`](crate::ErrorKind::Config) for a text that is no topic, a topic that this kind
    /// of connection does not have, or a `connectUri` that leads elsewhere, [`Capacity`](crate::ErrorKind::Capacity) for more topics than the channels hold,
    /// [`Auth`](crate::ErrorKind::Auth) and [`Forbidden`](crate::ErrorKind::Forbidden) for refused credentials, and
    /// [`Closed`](crate::ErrorKind::Closed) when the reconnect policy allows no second attempt.
    ///
    /// # Cancel safety
    /// Dropping the future ends everything that it began.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start(self) -> Result<EventStream<E>> {
        let Self { parts, mut settings, backfill } = self;
        if let Some(error) = settings.invalid.take() {
            return Err(error);
        }
        let origins = origins(&parts, &mut settings)?;
        let protocol = &parts.protocol;
        settings.topics.iter().try_for_each(|topic| protocol.check_topic(topic))?;
        let needs = protocol.needs();
        let bounds = settings.bounds();
        let uses_channel = needs == Needs::Channel;
        let plan = Plan {
            channels: uses_channel.then_some(ChannelRules { bounds, ..settings.channels }),
            covers: protocol.covers(),
            max_topics: protocol.max_topics(),
            renew_after: settings.renew_every.or_else(|| protocol.renew_after()),
            overlap: if uses_channel { settings.overlap } else { Duration::ZERO },
        };
        let mut supervisor =
            Supervisor::new(settings.policy, settings.overflow, plan, &settings.topics)?;
        if let Some(checkpoint) = &settings.resumes {
            let now = parts.connector.clock.moment();
            let ahead = checkpoint.ahead_of(now.wall);
            supervisor.take_over(&Covered::new(&checkpoint.coverage, ahead), now);
        } else if settings.stands_by {
            supervisor.stand_by();
        }
        let (events, items) = queue(settings.capacity, settings.overflow);
        let (state, mut seen) = watch::channel(ConnectionState::Connecting { failures: 0 });
        let (commands, orders) = mpsc::channel(COMMANDS);
        let (shared, lived) = (origins.shared.clone(), origins.shared.counters.clone());
        Driver::spawn(parts, settings.timing, supervisor, events, state, shared, orders);
        let stage = |filling| Stage::new(filling, origins.clock.clone(), lived.clone());
        let stage = backfill.map(stage);
        let mut stream = EventStream::new(items, commands, seen.clone(), origins, stage);
        let decided =
            |state: &ConnectionState| !matches!(state, ConnectionState::Connecting { .. });
        let stopped = match seen.wait_for(decided).await {
            Ok(state) => matches!(*state, ConnectionState::Stopped(_)),
            Err(_) => true,
        };
        // A stream that flowed has something to deliver, however short its life was.
        if stopped
            && !lived.was_live()
            && let Some(error) = stream.take_error().await
        {
            return Err(error);
        }
        Ok(stream)
    }
}

impl<E: StreamEvent> fmt::Debug for StreamBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamBuilder")
            .field("topics", &self.settings.topics.len())
            .field("overflow", &self.settings.overflow)
            .field("capacity", &self.settings.capacity)
            .field("timing", &self.settings.timing)
            .field("buffers", &self.parts.buffers)
            .finish_non_exhaustive()
    }
}

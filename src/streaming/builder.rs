//! Settings of a stream.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::backfill::options::Filling;
use super::backfill::stage::Stage;
use super::delivery::{ConnectionState, Counters};
use super::driver::{Driver, Parts};
use super::gate::DialGate;
use super::policy::{FullJitter, Overflow, ReconnectPolicy};
use super::protocol::{Needs, StreamEvent, TopicFilter};
use super::queue::{Capacity, queue};
use super::session::Timing;
use super::stream::EventStream;
use super::supervisor::{Plan, Supervisor};
use crate::diagnostics::link_probe::LinkProbe;
use crate::error::{Error, Result};
use crate::events::{Event, IntoTopic, Topic};
use crate::transport::ws::Buffers;

/// Commands that may wait for the driver.
const COMMANDS: usize = 16;

/// Settings of an [`EventStream`], from [`Client::stream`](crate::Client::stream).
#[must_use = "a stream begins with start()"]
pub struct StreamBuilder<E: StreamEvent = Event> {
    pub(crate) parts: Parts<E>,
    pub(crate) settings: Settings,
    pub(crate) backfill: Option<Filling<E>>,
}

/// What does not depend on the kind of events.
pub(crate) struct Settings {
    topics: Vec<Topic>,
    /// The first text that was no topic: reported by `start`.
    invalid: Option<Error>,
    policy: Arc<dyn ReconnectPolicy>,
    overflow: Overflow,
    capacity: Capacity,
    timing: Timing,
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
        }
    }
}

impl<E: StreamEvent> StreamBuilder<E> {
    pub(crate) fn new(parts: Parts<E>) -> Self {
        let timing = parts.protocol.timing();
        Self { parts, settings: Settings { timing, ..Settings::default() }, backfill: None }
    }

    /// Subscribes to a topic: from [`topics`](crate::topics), or as text. Combinations such as
    /// `v2.users.ID?presence&routingStatus` count once towards the platform's 1,000 topics of a channel.
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
    /// of connection does not have, or a `connectUri` that leads elsewhere, [`Capacity`](crate::ErrorKind::Capacity) for more topics than a channel holds,
    /// [`Auth`](crate::ErrorKind::Auth) and [`Forbidden`](crate::ErrorKind::Forbidden) for refused credentials, and
    /// [`Closed`](crate::ErrorKind::Closed) when the reconnect policy allows no second attempt.
    ///
    /// # Cancel safety
    /// Dropping the future ends everything that it began.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start(self) -> Result<EventStream<E>> {
        let Self { parts, settings, backfill } = self;
        if let Some(error) = settings.invalid {
            return Err(error);
        }
        let protocol = &parts.protocol;
        settings.topics.iter().try_for_each(|topic| protocol.check_topic(topic))?;
        let needs = protocol.needs();
        let plan = Plan {
            uses_channel: needs == Needs::Channel,
            covers: protocol.covers(),
            max_topics: protocol.max_topics(),
            renew_after: protocol.renew_after(),
        };
        let supervisor =
            Supervisor::new(settings.policy, settings.overflow, plan, &settings.topics)?;
        let (events, items) = queue(settings.capacity, settings.overflow);
        let (state, mut seen) = watch::channel(ConnectionState::Connecting { failures: 0 });
        let (commands, orders) = mpsc::channel(COMMANDS);
        let counters = Arc::new(Counters::default());
        let clock = parts.connector.clock.clone();
        let (timing, seen_by) = (settings.timing, counters.clone());
        Driver::spawn(parts, timing, supervisor, events, state, seen_by, orders);
        let lived = counters.clone();
        let stage = backfill.map(|filling| Stage::new(filling, clock.clone(), counters.clone()));
        let mut stream = EventStream::new(items, commands, seen.clone(), counters, clock, stage);
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

//! The stream that a user holds, and the handle that steers it from elsewhere.

mod hand_over;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::SystemTime;

use futures::Stream;
use futures::stream::{FusedStream, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use self::hand_over::{HandOver, Origins};
use self::hand_over::{TURN, sorted};
use super::backfill::stage::Stage;
use super::delivery::{ConnectionState, Counters, Delivery, StreamStats};
use super::driver::{Command, Item, Shared};
use super::protocol::{Outbound, StreamEvent};
use super::queue::{Receiver, Taken};
use crate::core::clock::Clock;
use crate::core::ports::ChannelInfo;
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Event, IntoTopic, Lifecycle};

/// Most bytes of a control frame (RFC 6455, section 5.5).
const MOST_OF_PING: usize = 125;

/// A stream of events that survives drops and accounts for every loss.
///
/// Yields `Result<Delivery, Error>`. An `Err` is the last item: the credentials were refused, or the reconnect policy
/// gave up. Whatever the stream survives is an event in the same stream, as
/// [`Event::Lifecycle`](crate::Event::Lifecycle). After the end it yields `None` for ever.
///
/// # Cancel safety
/// Dropping the future of `next()` at any point loses nothing: an item leaves the stream only when it is returned.
///
/// # Ending
/// [`close`](Self::close) ends the connection in an orderly way; what was received is still yielded. Dropping the
/// stream closes the connection in the background and ends its tasks.
pub struct EventStream<E = Event> {
    items: Receiver<Item<E>>,
    handle: StreamHandle,
    clock: Arc<dyn Clock>,
    ended: bool,
    backfill: Option<Box<Stage<E>>>,
    shared: Shared,
    /// Once the stream is to be handed over, or has taken over.
    hand_over: Option<Box<HandOver>>,
    /// Closing it tells the driver that the stream is gone.
    _alive: mpsc::Sender<Box<Command>>,
}

/// Steers a stream while its items are taken elsewhere. Cheap to clone.
#[derive(Clone)]
pub struct StreamHandle {
    commands: mpsc::WeakSender<Box<Command>>,
    state: watch::Receiver<ConnectionState>,
    counters: Arc<Counters>,
}

impl<E: StreamEvent> EventStream<E> {
    pub(crate) fn new(
        items: Receiver<Item<E>>,
        commands: mpsc::Sender<Box<Command>>,
        state: watch::Receiver<ConnectionState>,
        origins: Origins,
        backfill: Option<Stage<E>>,
    ) -> Self {
        let Origins { shared, clock, hand_over } = origins;
        let counters = shared.counters.clone();
        let handle = StreamHandle { commands: commands.downgrade(), state, counters };
        let backfill = backfill.map(Box::new);
        Self { items, handle, clock, ended: false, backfill, shared, hand_over, _alive: commands }
    }

    /// A handle to steer the stream from elsewhere. It does not keep the stream alive.
    pub fn handle(&self) -> StreamHandle {
        self.handle.clone()
    }

    /// Adds topics. See [`StreamHandle::subscribe`].
    ///
    /// # Errors
    /// As [`StreamHandle::subscribe`].
    pub async fn subscribe(&self, topic: impl IntoTopic) -> Result<()> {
        self.handle.subscribe(topic).await
    }

    /// Removes topics. See [`StreamHandle::unsubscribe`].
    ///
    /// # Errors
    /// As [`StreamHandle::unsubscribe`].
    pub async fn unsubscribe(&self, topic: impl IntoTopic) -> Result<()> {
        self.handle.unsubscribe(topic).await
    }

    /// How the stream stands.
    pub fn state(&self) -> ConnectionState {
        self.handle.state()
    }

    /// Counters since the stream started.
    pub fn stats(&self) -> StreamStats {
        self.handle.stats()
    }

    /// Closes the connection with a close frame and waits until it is closed.
    ///
    /// What was received before the peer's answer is still in the stream: read on until `None`. Meanwhile 8,192 events or
    /// 16 MiB may wait beyond the stream's own [`Capacity`](crate::Capacity); what the peer sends beyond that is not
    /// waited for.
    ///
    /// # Cancel safety
    /// The close goes on when this future is dropped.
    pub async fn close(&mut self) {
        let _rest = self.items.rest();
        self.handle.close().await;
    }

    /// Reads to the end of a stream that stopped before it ever flowed, for the error that ended it.
    pub(crate) async fn take_error(&mut self) -> Option<Error> {
        while let Some(item) = self.next().await {
            if let Err(error) = item {
                return Some(error);
            }
        }
        None
    }
}

impl<E: StreamEvent> Stream for EventStream<E> {
    type Item = Result<Delivery<E>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        if this.shared.stands_by.load(Ordering::Relaxed) {
            // Whoever reads goes on without another process.
            this.shared.stands_by.store(false, Ordering::Relaxed);
        }
        let (clock, counters) = (&*this.clock, &*this.shared.counters);
        let (items, hand_over) = (&mut this.items, &mut this.hand_over);
        let mut live = |cx: &mut Context<'_>| poll_live(items, hand_over, counters, clock, cx);
        let item = match &mut this.backfill {
            None => live(cx),
            Some(stage) => stage.poll(cx, live),
        };
        let item = match std::task::ready!(item) {
            Some(Live::Event(delivery)) => Some(Ok(delivery)),
            Some(Live::Own(lifecycle, at)) => Some(Ok(Delivery::own(lifecycle, at))),
            Some(Live::Error(error)) => {
                this.ended = true;
                Some(Err(error))
            }
            None => {
                this.ended = true;
                None
            }
        };
        Poll::Ready(item)
    }
}

/// What comes out next, before it is what the consumer sees.
pub(crate) enum Live<E> {
    Event(Delivery<E>),
    Own(Lifecycle, SystemTime),
    Error(Error),
}

fn poll_live<E>(
    items: &mut Receiver<Item<E>>,
    hand_over: &mut Option<Box<HandOver>>,
    counters: &Counters,
    clock: &dyn Clock,
    cx: &mut Context<'_>,
) -> Poll<Option<Live<E>>> {
    if let Some((item, at)) = hand_over.as_mut().and_then(|one| one.first()) {
        return Poll::Ready(Some(Live::Own(item, at)));
    }
    for _ in 0..TURN {
        let item = match std::task::ready!(items.poll_take(cx)) {
            None => return Poll::Ready(items.is_broken().then(|| Live::Error(broken()))),
            Some(Taken::Item(item)) => sorted(item, hand_over.as_deref_mut(), counters),
            Some(Taken::Dropped(dropped)) => {
                Some(Live::Own(Lifecycle::Lagged { dropped }, clock.wall()))
            }
        };
        if item.is_some() {
            return Poll::Ready(item);
        }
    }
    // So many were left out: others get their turn.
    cx.waker().wake_by_ref();
    Poll::Pending
}

impl<E: StreamEvent> FusedStream for EventStream<E> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<E> Unpin for EventStream<E> {}

impl<E> fmt::Debug for EventStream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("handle", &self.handle).finish_non_exhaustive()
    }
}

impl StreamHandle {
    /// Adds a topic, or a combination such as `v2.users.ID?presence&routingStatus`.
    ///
    /// Resolves when the topic is part of the desired set. The platform's answer comes in the stream, as
    /// [`Lifecycle::Subscribed`] or [`Lifecycle::Rejected`].
    ///
    /// A topic that comes back soon after it was removed goes to the channel where it was, so that no two channels deliver
    /// it. When that channel has been filled with other topics meanwhile, it goes to another one: until the platform has
    /// carried out the removal, which takes a call, an event of this topic may then come twice.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) for a text that is no topic, or a topic that this kind of connection does not have,
    /// [`Capacity`](ErrorKind::Capacity) when there would be too many, [`Closed`](ErrorKind::Closed) when the stream is over.
    ///
    /// # Cancel safety
    /// When this future is dropped, the topic may or may not be added.
    pub async fn subscribe(&self, topic: impl IntoTopic) -> Result<()> {
        self.subscribe_all([topic]).await
    }

    /// Adds many topics at once, all or none. See [`subscribe`](Self::subscribe).
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    ///
    /// # Cancel safety
    /// When this future is dropped, the topics may or may not be added.
    pub async fn subscribe_all<T: IntoTopic>(
        &self,
        topics: impl IntoIterator<Item = T>,
    ) -> Result<()> {
        let topics = topics.into_iter().map(IntoTopic::into_topic).collect::<Result<_>>()?;
        self.ask(|answer| Command::Subscribe(topics, answer)).await
    }

    /// Removes many topics at once. See [`unsubscribe`](Self::unsubscribe).
    ///
    /// # Errors
    /// As [`unsubscribe`](Self::unsubscribe).
    ///
    /// # Cancel safety
    /// When this future is dropped, the topics may or may not be removed.
    pub async fn unsubscribe_all<T: IntoTopic>(
        &self,
        topics: impl IntoIterator<Item = T>,
    ) -> Result<()> {
        let topics = topics.into_iter().map(IntoTopic::into_topic).collect::<Result<_>>()?;
        self.ask(|answer| Command::Unsubscribe(topics, answer)).await
    }

    /// Removes a topic, written as it was added.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) for a text that is no topic, or a topic that this kind of connection does not have,
    /// [`Closed`](ErrorKind::Closed) when the stream is over.
    ///
    /// # Cancel safety
    /// When this future is dropped, the topic may or may not be removed.
    pub async fn unsubscribe(&self, topic: impl IntoTopic) -> Result<()> {
        self.unsubscribe_all([topic]).await
    }

    /// Puts another connection in the place of the present one, without a gap: both flow before the old one is closed.
    ///
    /// Resolves when that is begun; [`Lifecycle::Renewed`] says that it is done. A stream that is not live has nothing
    /// to renew: it connects anyway. Calls while a renewal is under way are one renewal.
    ///
    /// A stream with several notification channels replaces each, two at a time.
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed) when the stream is over.
    ///
    /// # Cancel safety
    /// When this future is dropped, the renewal may or may not begin.
    pub async fn renew(&self) -> Result<()> {
        self.ask(Command::Renew).await
    }

    /// Puts the topics on as few notification channels as is possible by merging: two channels whose topics fit into one
    /// are replaced by one, without a gap. Done unasked when topics were removed and three quarters of one would do.
    ///
    /// Resolves when that is begun; [`Lifecycle::Renewed`] with the reason [`Rebalance`](crate::RenewalReason::Rebalance)
    /// says of each merge that it is done.
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed) when the stream is over.
    ///
    /// # Cancel safety
    /// When this future is dropped, the change may or may not begin.
    pub async fn rebalance(&self) -> Result<()> {
        self.ask(Command::Rebalance).await
    }

    /// The notification channels of the stream as they are now, for [`StreamBuilder::own_channels`] of another run: they
    /// are credentials.
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed) when the stream is over.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    ///
    /// [`StreamBuilder::own_channels`]: crate::StreamBuilder::own_channels
    pub async fn channels(&self) -> Result<Vec<ChannelInfo>> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Channels(answer)).await?;
        answered.await.map_err(|_| closed())
    }

    /// Sends a message of your own: text, binary data, or a WebSocket ping.
    ///
    /// Resolves when the message is in the connection's buffer. That the peer gets it is not promised: a connection that
    /// is lost takes with it what was not written.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) for a close frame, or a ping of more than 125 bytes;
    /// [`Capacity`](ErrorKind::Capacity) when too much waits to be written; [`Closed`](ErrorKind::Closed) when the stream
    /// is over, or not live, which [`is_retryable`](Error::is_retryable) tells apart.
    ///
    /// # Cancel safety
    /// When this future is dropped, the message may or may not be sent.
    pub async fn send(&self, message: Outbound) -> Result<()> {
        match &message {
            Outbound::Close(_) => {
                return Err(Error::config(
                    "a close frame is sent by close(), which ends the stream",
                ));
            }
            Outbound::Ping(payload) if payload.len() > MOST_OF_PING => {
                return Err(Error::config(format!(
                    "a WebSocket ping holds {MOST_OF_PING} bytes, not {}",
                    payload.len()
                )));
            }
            _ => {}
        }
        self.ask(|answer| Command::Send(message, answer)).await
    }

    /// How the stream stands.
    pub fn state(&self) -> ConnectionState {
        self.state.borrow().clone()
    }

    /// Resolves with the next change of the state; `None` when the stream is over.
    ///
    /// # Cancel safety
    /// Cancel-safe: a change that was not seen is seen by the next call.
    pub async fn changed(&mut self) -> Option<ConnectionState> {
        self.state.changed().await.ok()?;
        Some(self.state.borrow_and_update().clone())
    }

    /// Counters since the stream started.
    pub fn stats(&self) -> StreamStats {
        self.counters.snapshot()
    }

    /// The length of the largest message that was sent since the last call, in bytes.
    pub(crate) fn take_largest_sent(&self) -> u64 {
        self.counters.take_largest_sent()
    }

    /// Closes the connection with a close frame and waits until it is closed. Does nothing when it is closed already.
    ///
    /// The stream has to be read meanwhile, or to have room: with [`Overflow::Wait`](crate::Overflow::Wait) the peer's answer
    /// waits behind what was sent before it.
    ///
    /// # Cancel safety
    /// The close goes on when this future is dropped.
    pub async fn close(&self) {
        if let Some(commands) = self.commands.upgrade()
            && let Err(TrySendError::Full(close)) = commands.try_send(Box::new(Command::Close))
        {
            // It is asked for, also when this future is dropped; without a runtime only as long as it is not.
            let asked = async move { drop(commands.send(close).await) };
            match Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn(asked)),
                Err(_) => asked.await,
            }
        }
        let mut state = self.state.clone();
        while state.changed().await.is_ok() {}
    }

    /// Gives a command, and waits for its answer.
    async fn ask(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<()>>) -> Command,
    ) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        self.command(command(answer)).await?;
        answered.await.map_err(|_| closed())?
    }

    async fn command(&self, command: Command) -> Result<()> {
        let commands = self.commands.upgrade().ok_or_else(closed)?;
        commands.send(Box::new(command)).await.map_err(|_| closed())
    }
}

impl fmt::Debug for StreamHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamHandle")
            .field("state", &self.state())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

fn broken() -> Error {
    Error::new(ErrorKind::Closed, "the stream's task panicked: look at its policy and its observer")
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the stream is over")
}

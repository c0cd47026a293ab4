//! The one driver: performs what the supervisor asks for.
//!
//! Sockets, clocks, randomness and tasks are here and in the links that it starts, and nowhere else.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Instant;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep_until;

use super::delivery::{ConnectionState, Counters, Delivery, add};
use super::ledger::LinkKey;
use super::link::{Link, Order, Report};
use super::protocol::{Health, Protocol, StreamEvent, TopicFilter};
use super::queue::Sender;
use super::session::Timing;
use super::supervisor::{Action, Input, Now, Supervisor};
use crate::core::clock::Entropy;
use crate::core::ports::{BoxFuture, ChannelApi, ChannelInfo, TokenSource};
use crate::diagnostics::observer::{Observer, Signal};
use crate::error::{Error, Result};
use crate::events::{Lifecycle, Topic};
use crate::region::Endpoints;
use crate::transport::ws::{Buffers, Connector};

// What goes through these channels is boxed: a channel of tokio's keeps room for 32 messages, used or not, and most
// streams are quiet.

/// Orders that may wait for a link; a link takes them at once.
const ORDERS: usize = 8;
/// Reports that may wait for the driver.
const REPORTS: usize = 64;

/// What waits in a stream's queue.
#[derive(Debug)]
pub(crate) enum Item<E> {
    Event(Delivery<E>, Health),
    Error(Error),
}

/// What a stream is made of.
pub(crate) struct Parts<E: StreamEvent> {
    pub(crate) protocol: Arc<dyn Protocol<E>>,
    pub(crate) connector: Connector,
    pub(crate) tokens: Arc<dyn TokenSource>,
    pub(crate) channels: Arc<dyn ChannelApi>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) buffers: Buffers,
    pub(crate) filter: Option<TopicFilter>,
    pub(crate) endpoints: Endpoints,
}

impl<E: StreamEvent> Parts<E> {
    /// The same parts with another protocol.
    pub(crate) fn speaking<F: StreamEvent>(self, protocol: Arc<dyn Protocol<F>>) -> Parts<F> {
        Parts {
            protocol,
            connector: self.connector,
            tokens: self.tokens,
            channels: self.channels,
            observer: self.observer,
            entropy: self.entropy,
            buffers: self.buffers,
            filter: self.filter,
            endpoints: self.endpoints,
        }
    }
}

/// What a consumer asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Subscribe(Vec<Topic>, oneshot::Sender<Result<()>>),
    Unsubscribe(Vec<Topic>),
    Close,
}

/// One stream's driver.
pub(crate) struct Driver<E: StreamEvent> {
    parts: Arc<Parts<E>>,
    timing: Timing,
    supervisor: Supervisor,
    events: Sender<Item<E>>,
    state: watch::Sender<ConnectionState>,
    counters: Arc<Counters>,
    links: HashMap<LinkKey, mpsc::Sender<Box<Order>>>,
    /// Given to every link.
    reports: mpsc::Sender<Box<Report>>,
    ops: FuturesUnordered<Op>,
}

/// What a driver listens to.
struct Inbox {
    reports: mpsc::Receiver<Box<Report>>,
    commands: mpsc::Receiver<Box<Command>>,
    asked_to_close: bool,
    rotation: BoxFuture<'static, u64>,
}

type Op = BoxFuture<'static, Input>;

impl<E: StreamEvent> Driver<E> {
    /// Starts a driver. It runs until the stream stops; `commands` closing is the same as [`Command::Close`].
    pub(crate) fn spawn(
        parts: Parts<E>,
        timing: Timing,
        supervisor: Supervisor,
        events: Sender<Item<E>>,
        state: watch::Sender<ConnectionState>,
        counters: Arc<Counters>,
        commands: mpsc::Receiver<Box<Command>>,
    ) {
        let (reports, reported) = mpsc::channel(REPORTS);
        let rotation = wait_for_rotation(parts.tokens.clone(), 0);
        let inbox = Inbox { reports: reported, commands, asked_to_close: false, rotation };
        let driver = Self {
            parts: Arc::new(parts),
            timing,
            supervisor,
            events,
            state,
            counters,
            links: HashMap::new(),
            reports,
            ops: FuturesUnordered::new(),
        };
        tokio::spawn(driver.run(inbox));
    }

    async fn run(mut self, mut inbox: Inbox) {
        let mut actions = Vec::new();
        self.step(Input::Start, &mut actions);
        loop {
            for action in std::mem::take(&mut actions) {
                self.perform(action);
            }
            self.publish();
            if self.supervisor.is_stopped() {
                return;
            }
            match self.next(&mut inbox).await {
                Next::Input(input) => self.step(input, &mut actions),
                Next::Flowing { input, go } => {
                    self.step(input, &mut actions);
                    // What this moment means is in the queue before the link's first event.
                    for action in std::mem::take(&mut actions) {
                        self.perform(action);
                    }
                    let _ = go.send(());
                }
                Next::Nothing => {}
            }
        }
    }

    async fn next(&mut self, inbox: &mut Inbox) -> Next {
        tokio::select! {
            biased;
            Some(report) = inbox.reports.recv() => match *report {
                Report::Flowing { link, at, go } => {
                    Next::Flowing { input: Input::Flowing { link, at }, go }
                }
                Report::Notice { link, notice } => Next::Input(Input::Notice { link, notice }),
                Report::Gone { link, cause, last_in, retry_after, fatal } => {
                    self.links.remove(&link);
                    Next::Input(Input::LinkGone { link, cause, last_in, retry_after, fatal })
                }
            },
            Some(input) = self.ops.next(), if !self.ops.is_empty() => Next::Input(input),
            command = inbox.commands.recv(), if !inbox.asked_to_close => match command.map(|c| *c) {
                Some(Command::Subscribe(topics, answer)) => {
                    let taken = self.supervisor.want(&topics);
                    let changed = matches!(taken, Ok(true));
                    let _ = answer.send(taken.map(|_| ()));
                    if changed { Next::Input(Input::Changed) } else { Next::Nothing }
                }
                Some(Command::Unsubscribe(topics)) => Next::Input(Input::Unwant(topics)),
                Some(Command::Close) | None => {
                    inbox.asked_to_close = true;
                    Next::Input(Input::Close)
                }
            },
            newer = &mut inbox.rotation => {
                inbox.rotation = wait_for_rotation(self.parts.tokens.clone(), newer);
                Next::Input(Input::TokenRotated)
            }
            () = at(self.supervisor.wake_at()) => Next::Input(Input::Timer),
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Dial { link, channel } => self.dial(link, channel),
            Action::Probe(link) => self.order(link, Order::Probe),
            Action::CloseLink(link, why) => self.order(link, Order::Close(why)),
            Action::Emit(lifecycle) => self.emit(lifecycle),
            Action::Stop(error) => {
                if let Some(error) = error {
                    self.events.push_fixed(Item::Error(error));
                }
                self.events.finish();
            }
            Action::Create | Action::Check(_) | Action::Replace(..) | Action::AwaitConsumer => {
                self.ops.push(self.op(action));
            }
        }
    }

    fn dial(&mut self, key: LinkKey, channel: Option<ChannelInfo>) {
        let attempt = self.supervisor.failures();
        let id = channel.as_ref().map(|channel| &channel.id);
        self.parts.observer.observe(&Signal::Dial { channel: id, attempt });
        let (orders, ordered) = mpsc::channel(ORDERS);
        self.links.insert(key, orders);
        let link = Link {
            key,
            channel,
            wanted: Vec::new(),
            parts: self.parts.clone(),
            timing: self.timing,
            events: self.events.clone(),
            reports: self.reports.clone(),
            counters: self.counters.clone(),
        };
        tokio::spawn(link.run(ordered));
    }

    fn order(&self, link: LinkKey, order: Order) {
        if let Some(orders) = self.links.get(&link) {
            // A link with a full box of orders is one that is ending.
            let _ = orders.try_send(Box::new(order));
        }
    }

    fn step(&mut self, input: Input, actions: &mut Vec<Action>) {
        let now = Now {
            at: self.parts.connector.clock.moment(),
            unit_random: self.parts.entropy.unit(),
            clogged: self.events.is_clogged(),
        };
        self.supervisor.step(now, input, actions);
    }

    /// A call that the supervisor waits for.
    fn op(&self, action: Action) -> Op {
        let channels = self.parts.channels.clone();
        let events = self.events.clone();
        Box::pin(async move {
            match action {
                Action::Create => Input::Created(channels.create().await),
                Action::Check(id) => Input::Checked(channels.exists(&id).await),
                Action::Replace(id, sent) => {
                    let answer = channels.replace(&id, &sent).await;
                    Input::Subscribed { channel: id, sent, answer }
                }
                _ => {
                    events.until(|events| events.has_caught_up() && !events.is_clogged()).await;
                    Input::CaughtUp
                }
            }
        })
    }

    fn emit(&self, lifecycle: Lifecycle) {
        let observer = &self.parts.observer;
        match &lifecycle {
            Lifecycle::Connected { channel, .. } => {
                let channel = channel.as_ref();
                observer.observe(&Signal::Connected { channel });
            }
            Lifecycle::Disconnected { channel, cause, was_live, .. } => {
                let (channel, was_live) = (channel.as_ref(), *was_live);
                observer.observe(&Signal::Disconnected { channel, cause, was_live });
            }
            Lifecycle::Gap { topics, duration, .. } => {
                add(&self.counters.gaps, 1);
                observer.observe(&Signal::Gap { topics: topics.len(), duration: *duration });
            }
            _ => {}
        }
        let delivery = Delivery::own(lifecycle, self.parts.connector.clock.wall());
        self.events.push_fixed(Item::Event(delivery, Health::Typed));
    }

    /// Makes the supervisor's state visible.
    fn publish(&self) {
        let state = self.supervisor.connection_state();
        self.state.send_if_modified(|shown| {
            let live = |state: &ConnectionState| matches!(state, ConnectionState::Live { .. });
            if live(&state) && !live(shown) && self.counters.mark_live() {
                add(&self.counters.reconnects, 1);
            }
            let changed = *shown != state;
            *shown = state;
            changed
        });
    }
}

/// What a driver takes from its inbox.
enum Next {
    Input(Input),
    /// A link waits for the answer before it delivers anything.
    Flowing {
        input: Input,
        go: oneshot::Sender<()>,
    },
    Nothing,
}

/// Owns its source, so that the future outlives every borrow of the driver.
fn wait_for_rotation(tokens: Arc<dyn TokenSource>, after: u64) -> BoxFuture<'static, u64> {
    Box::pin(async move { tokens.rotated(after).await })
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

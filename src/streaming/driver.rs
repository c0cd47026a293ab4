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
use crate::core::ports::{BoxFuture, ChannelApi, TokenSource};
use crate::diagnostics::observer::{Observer, Signal};
use crate::error::{Error, Result};
use crate::events::{Lifecycle, Topic};
use crate::region::Endpoints;
use crate::transport::ws::{Buffers, Connector};

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
    pub(crate) parts: Arc<Parts<E>>,
    pub(crate) timing: Timing,
    pub(crate) supervisor: Supervisor,
    pub(crate) events: Sender<Item<E>>,
    pub(crate) state: watch::Sender<ConnectionState>,
    pub(crate) counters: Arc<Counters>,
}

type Op = BoxFuture<'static, Input>;

impl<E: StreamEvent> Driver<E> {
    /// Runs until the stream stops. `commands` closing is the same as [`Command::Close`].
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let (reports_in, mut reports) = mpsc::channel(REPORTS);
        let mut links: HashMap<LinkKey, mpsc::Sender<Order>> = HashMap::new();
        let mut ops: FuturesUnordered<Op> = FuturesUnordered::new();
        let mut actions = Vec::new();
        let mut generation = 0;
        let mut rotation = wait_for_rotation(self.parts.tokens.clone(), generation);
        let mut asked_to_close = false;

        self.step(Input::Start, &mut actions);
        loop {
            for action in std::mem::take(&mut actions) {
                match action {
                    Action::Dial { link, channel } => {
                        let attempt = match &*self.state.borrow() {
                            ConnectionState::Connecting { failures } => *failures,
                            _ => 0,
                        };
                        let id = channel.as_ref().map(|channel| &channel.id);
                        self.parts.observer.observe(&Signal::Dial {
                            channel: id,
                            attempt,
                        });
                        let (orders_in, orders) = mpsc::channel(ORDERS);
                        links.insert(link, orders_in);
                        let link = Link {
                            key: link,
                            channel,
                            parts: self.parts.clone(),
                            timing: self.timing,
                            events: self.events.clone(),
                            reports: reports_in.clone(),
                            counters: self.counters.clone(),
                        };
                        tokio::spawn(link.run(orders));
                    }
                    Action::Probe(link) => order(&links, link, Order::Probe),
                    Action::CloseLink(link, why) => order(&links, link, Order::Close(why)),
                    Action::Emit(lifecycle) => self.emit(lifecycle),
                    Action::Stop(error) => {
                        if let Some(error) = error {
                            self.events.push_fixed(Item::Error(error));
                        }
                        self.events.finish();
                        self.publish();
                        return;
                    }
                    Action::Create
                    | Action::Check(_)
                    | Action::Replace(..)
                    | Action::AwaitConsumer => {
                        ops.push(self.op(action));
                    }
                }
            }
            self.publish();

            let input = tokio::select! {
                biased;
                Some(report) = reports.recv() => match report {
                    Report::Flowing { link, at, go } => {
                        self.step(Input::Flowing { link, at }, &mut actions);
                        // What this moment means goes into the queue before the link's first event.
                        actions.retain_mut(|action| match action {
                            Action::Emit(lifecycle) => {
                                self.emit(lifecycle.clone());
                                false
                            }
                            _ => true,
                        });
                        let _ = go.send(());
                        continue;
                    }
                    Report::Notice { link, notice } => Input::Notice { link, notice },
                    Report::Gone { link, cause, last_in, retry_after, fatal } => {
                        links.remove(&link);
                        Input::LinkGone { link, cause, last_in, retry_after, fatal }
                    }
                },
                Some(input) = ops.next(), if !ops.is_empty() => input,
                command = commands.recv(), if !asked_to_close => match command {
                    Some(Command::Subscribe(topics, answer)) => {
                        let taken = self.supervisor.want(&topics);
                        let changed = matches!(taken, Ok(true));
                        let _ = answer.send(taken.map(|_| ()));
                        if !changed {
                            continue;
                        }
                        Input::Changed
                    }
                    Some(Command::Unsubscribe(topics)) => Input::Unwant(topics),
                    Some(Command::Close) | None => {
                        asked_to_close = true;
                        Input::Close
                    }
                },
                newer = &mut rotation => {
                    generation = newer;
                    rotation = wait_for_rotation(self.parts.tokens.clone(), generation);
                    Input::TokenRotated
                }
                () = at(self.supervisor.wake_at()) => Input::Timer,
            };
            self.step(input, &mut actions);
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
                    Input::Subscribed {
                        channel: id,
                        sent,
                        answer,
                    }
                }
                _ => {
                    events
                        .until(|events| events.has_caught_up() && !events.is_clogged())
                        .await;
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
            Lifecycle::Disconnected {
                channel,
                cause,
                was_live,
                ..
            } => {
                let (channel, was_live) = (channel.as_ref(), *was_live);
                observer.observe(&Signal::Disconnected {
                    channel,
                    cause,
                    was_live,
                });
            }
            Lifecycle::Gap {
                topics, duration, ..
            } => {
                add(&self.counters.gaps, 1);
                observer.observe(&Signal::Gap {
                    topics: topics.len(),
                    duration: *duration,
                });
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

fn order(links: &HashMap<LinkKey, mpsc::Sender<Order>>, link: LinkKey, order: Order) {
    if let Some(orders) = links.get(&link) {
        // A link with a full box of orders is one that is ending.
        let _ = orders.try_send(order);
    }
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

//! The one driver: performs what the supervisor asks for.
//!
//! Sockets, clocks, randomness and tasks are here and in the links that it starts, and nowhere else.

mod calls;
mod hand_over;
mod lines;
mod telling;

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep_until;

use self::hand_over::Waiters;
pub(crate) use self::hand_over::{Inheritance, Shared};
use super::delivery::{ConnectionState, Delivery};
use super::fingerprint::Fingerprint;
use super::gate::DialGate;
use super::ledger::LinkKey;
use super::link::{Order, Report};
use super::progress::Progress;
use super::protocol::{Health, Needs, Outbound, Protocol, StreamEvent, TopicFilter};
use super::queue::Sender;
use super::session::Timing;
use super::supervisor::{Action, Input, Now, Snapshot, Supervisor};
use crate::core::clock::Entropy;
use crate::core::ids::ChannelId;
use crate::core::ports::{BoxFuture, ChannelApi, ChannelInfo, TokenSource};
use crate::diagnostics::link_probe::LinkProbe;
use crate::diagnostics::observer::Observer;
use crate::error::{Error, Result};
use crate::events::{Lifecycle, Topic};
use crate::region::Endpoints;
use crate::transport::ws::{Buffers, Connector};

// What goes through these channels is boxed: a channel of tokio's keeps room for 32 messages, used or not, and most
// streams are quiet.

/// Reports that may wait for the driver.
const REPORTS: usize = 64;

/// What waits in a stream's queue.
#[derive(Debug)]
pub(crate) enum Item<E> {
    /// An event, and what stands for it when it is compared with others.
    Event(Delivery<E>, Health, Option<Fingerprint>),
    /// What happened to the stream itself, and when.
    Own(Lifecycle, SystemTime),
    Error(Error),
}

/// What a stream is made of.
pub(crate) struct Parts<E: StreamEvent> {
    pub(crate) protocol: Arc<dyn Protocol<E>>,
    pub(crate) connector: Connector,
    pub(crate) tokens: Arc<dyn TokenSource>,
    pub(crate) channels: Arc<dyn ChannelApi>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) probe: Option<Arc<dyn LinkProbe>>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) buffers: Buffers,
    pub(crate) filter: Option<TopicFilter>,
    pub(crate) endpoints: Endpoints,
    pub(crate) gate: Option<Arc<dyn DialGate>>,
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
            probe: self.probe,
            entropy: self.entropy,
            buffers: self.buffers,
            filter: self.filter,
            endpoints: self.endpoints,
            gate: self.gate,
        }
    }
}

/// What a consumer asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Subscribe(Vec<Topic>, oneshot::Sender<Result<()>>),
    Unsubscribe(Vec<Topic>, oneshot::Sender<Result<()>>),
    Renew(oneshot::Sender<Result<()>>),
    Rebalance(oneshot::Sender<Result<()>>),
    Channels(oneshot::Sender<Vec<ChannelInfo>>),
    Send(Outbound, oneshot::Sender<Result<()>>),
    /// Say when all topics flow.
    Ready(oneshot::Sender<Result<()>>),
    /// Say how far the stream has come, and keep what stands for its events from now on.
    Snapshot(oneshot::Sender<Snapshot>),
    /// Take over from another process: the answer is what is missing in between.
    TakeOver(Box<Inheritance>, oneshot::Sender<Vec<Lifecycle>>),
    Close,
}

/// A link that runs.
struct Line {
    orders: mpsc::Sender<Box<Order>>,
    progress: Arc<Progress>,
}

/// One stream's driver.
pub(crate) struct Driver<E: StreamEvent> {
    parts: Arc<Parts<E>>,
    timing: Timing,
    supervisor: Supervisor,
    events: Sender<Item<E>>,
    state: watch::Sender<ConnectionState>,
    shared: Shared,
    links: HashMap<LinkKey, Line>,
    /// What lets links deliver that are withheld until those before them have ended.
    withheld: HashMap<LinkKey, oneshot::Sender<()>>,
    waiters: Waiters,
    /// Given to every link.
    reports: mpsc::Sender<Box<Report>>,
    ops: FuturesUnordered<Op>,
    /// The connections that observers were told of, and since when they flow: their end has to be told too.
    told: HashMap<Option<ChannelId>, Instant>,
}

/// What a driver listens to.
struct Inbox {
    reports: mpsc::Receiver<Box<Report>>,
    commands: mpsc::Receiver<Box<Command>>,
    asked_to_close: bool,
    /// Nobody will give a command any more.
    is_alone: bool,
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
        shared: Shared,
        commands: mpsc::Receiver<Box<Command>>,
    ) {
        let (reports, reported) = mpsc::channel(REPORTS);
        let needs = parts.protocol.needs();
        let rotation = match needs {
            Needs::Nothing => Box::pin(pending()),
            _ => wait_for_rotation(parts.tokens.clone(), 0),
        };
        let inbox =
            Inbox { reports: reported, commands, asked_to_close: false, is_alone: false, rotation };
        let driver = Self {
            parts: Arc::new(parts),
            timing,
            supervisor,
            events,
            state,
            shared,
            links: HashMap::new(),
            withheld: HashMap::new(),
            waiters: Waiters::new(),
            reports,
            ops: FuturesUnordered::new(),
            told: HashMap::new(),
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
            self.tell_ready();
            if self.supervisor.is_stopped() {
                return;
            }
            match self.next(&mut inbox).await {
                Next::Input(input) => self.step(input, &mut actions),
                Next::Flowing { link, input, go } => {
                    self.step(input, &mut actions);
                    // What this moment means is in the queue before the link's first event.
                    for action in std::mem::take(&mut actions) {
                        self.perform(action);
                    }
                    if self.supervisor.may_speak(link) {
                        let _ = go.send(());
                    } else {
                        self.withheld.insert(link, go);
                    }
                }
                Next::Nothing => {}
            }
        }
    }

    async fn next(&mut self, inbox: &mut Inbox) -> Next {
        tokio::select! {
            biased;
            Some(report) = inbox.reports.recv() => match *report {
                Report::Flowing { link, at, token, go } => {
                    Next::Flowing { link, input: Input::Flowing { link, at, token }, go }
                }
                Report::Fading { link } => Next::Input(Input::Fading { link }),
                Report::Asked { link, answer } => Next::Input(Input::Asked { link, answer }),
                Report::Notice { link, notice } => Next::Input(Input::Notice { link, notice }),
                Report::Gone { link, ending } => {
                    self.links.remove(&link);
                    self.withheld.remove(&link);
                    Next::Input(Input::LinkGone { link, ending })
                }
            },
            Some(input) = self.ops.next(), if !self.ops.is_empty() => Next::Input(input),
            command = inbox.commands.recv(), if !inbox.is_alone => match command.map(|c| *c) {
                None => {
                    inbox.is_alone = true;
                    self.close(inbox)
                }
                Some(Command::Close) => self.close(inbox),
                // Who closes asks how far it has come, and for nothing else any more.
                Some(command @ Command::Snapshot(_)) => self.command(command),
                Some(_) if inbox.asked_to_close => Next::Nothing,
                Some(command) => self.command(command),
            },
            newer = &mut inbox.rotation => {
                inbox.rotation = wait_for_rotation(self.parts.tokens.clone(), newer);
                Next::Input(Input::TokenRotated { generation: newer })
            }
            () = at(self.supervisor.wake_at()) => Next::Input(Input::Timer),
        }
    }

    fn close(&mut self, inbox: &mut Inbox) -> Next {
        // Whoever waits for topics waits in vain.
        self.waiters.clear();
        let again = std::mem::replace(&mut inbox.asked_to_close, true);
        if again { Next::Nothing } else { Next::Input(Input::Close) }
    }

    fn command(&mut self, command: Command) -> Next {
        match command {
            Command::Subscribe(topics, answer) => {
                let taken = self.check(&topics).and_then(|()| self.supervisor.want(&topics));
                let changed = matches!(taken, Ok(true));
                let _ = answer.send(taken.map(|_| ()));
                if changed { Next::Input(Input::Changed) } else { Next::Nothing }
            }
            Command::Unsubscribe(topics, answer) => {
                let checked = self.check(&topics);
                let known = checked.is_ok();
                let _ = answer.send(checked);
                if known { Next::Input(Input::Unwant(topics)) } else { Next::Nothing }
            }
            Command::Renew(answer) => {
                let _ = answer.send(Ok(()));
                Next::Input(Input::Renew)
            }
            Command::Rebalance(answer) => {
                let _ = answer.send(Ok(()));
                Next::Input(Input::Rebalance)
            }
            Command::Channels(answer) => {
                let _ = answer.send(self.supervisor.channels());
                Next::Nothing
            }
            Command::Send(message, answer) => {
                self.send(message, answer);
                Next::Nothing
            }
            Command::Close => Next::Input(Input::Close),
            command => self.hand_over(command),
        }
    }

    fn check(&self, topics: &[Topic]) -> Result<()> {
        topics.iter().try_for_each(|topic| self.parts.protocol.check_topic(topic))
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Dial { link, channel, wanted, replaces } => {
                self.dial(link, channel, wanted, replaces);
            }
            Action::Subscribe(link, wanted) => self.order(link, Order::Subscribe(wanted)),
            Action::Speak(link) => {
                if let Some(go) = self.withheld.remove(&link) {
                    let _ = go.send(());
                }
            }
            Action::Mute(link) => drop(self.withheld.remove(&link)),
            Action::Hush(link) => self.order(link, Order::Hush),
            Action::Probe(link) => self.order(link, Order::Probe),
            Action::CloseLink(link, why) => self.order(link, Order::Close(why)),
            Action::Emit(lifecycle) => self.emit(lifecycle),
            Action::Stop(error) => {
                self.leave();
                if let Some(error) = error {
                    self.events.push_fixed(Item::Error(error));
                }
                self.events.finish();
            }
            Action::List
            | Action::Create
            | Action::Check(_)
            | Action::Replace(..)
            | Action::ReadBack(_)
            | Action::Clear(_)
            | Action::AwaitConsumer => self.ops.push(self.op(action)),
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
}

/// What a driver takes from its inbox.
enum Next {
    Input(Input),
    /// A link waits for the answer before it delivers anything.
    Flowing {
        link: LinkKey,
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

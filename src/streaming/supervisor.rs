//! Which connections exist and what they cover, as a pure function.
//!
//! The plan has one channel for now. Every change of it is the same move: open, confirm, flow, and let the old one go;
//! the states below are the steps of that move. [`Supervisor::step`] takes what happened and says what to do; the
//! driver performs it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::delivery::ConnectionState;
use super::desired::Desired;
use super::ledger::{Ledger, LinkKey, Resumed};
use super::policy::{Attempt, Overflow, ReconnectPolicy, Verdict};
use super::protocol::Notice;
use crate::core::backoff::full_jitter;
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::core::ids::ChannelId;
use crate::core::limits;
use crate::core::ports::{ChannelInfo, TopicState};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Lifecycle, StopReason, Topic};

/// Dials of one channel that may fail in a row before it is given up for a new one.
const DIALS_PER_CHANNEL: u32 = 3;
/// Waits between tries of a subscription call while events flow: doubled from the first to the second.
const RECONCILE_WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Part of a channel's life after which its subscription is sent again, which renews the life.
const RENEW_SHARE: f64 = 0.9;

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

/// A channel that we hold, and what is known of it.
#[derive(Debug)]
struct Held {
    info: ChannelInfo,
    /// Its link's key in the ledger; a channel keeps its key over several sockets.
    key: LinkKey,
    failed_dials: u32,
    /// Whether its existence is in doubt.
    suspect: bool,
    /// Whether the platform said that it is gone.
    dead: bool,
    /// Whether it was subscribed since it was made.
    subscribed: bool,
}

/// Where the one link of the plan is.
#[derive(Debug)]
enum State {
    Idle,
    Creating,
    Checking,
    /// The first subscription of a new channel, before its socket.
    Subscribing,
    Dialing {
        link: LinkKey,
    },
    Live {
        link: LinkKey,
        since: Moment,
    },
    Waiting {
        until: Instant,
        wait: Duration,
        cause: Gone,
    },
    Held {
        cause: Gone,
        wait: Duration,
    },
    /// Waits for the link to end.
    Closing {
        link: LinkKey,
        stop: StopReason,
    },
    Stopped(StopReason),
}

/// The subscription call that keeps the platform's list equal to ours while the link is live.
#[derive(Debug, Default)]
struct Reconcile {
    in_flight: bool,
    dirty: bool,
    failures: u32,
    due: Option<Instant>,
    /// Whether the next answer is the first after a reconnect, which the consumer is told of.
    announce: bool,
}

/// The stream's one decision maker.
pub(crate) struct Supervisor {
    policy: Arc<dyn ReconnectPolicy>,
    overflow: Overflow,
    uses_channel: bool,
    channel_life: Duration,
    state: State,
    desired: Desired,
    ledger: Ledger,
    channel: Option<Held>,
    reconcile: Reconcile,
    failures: u32,
    next_key: LinkKey,
    ever_live: bool,
    new_channel: bool,
}

/// What a step may use besides its input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) at: Moment,
    pub(crate) unit_random: f64,
    /// Whether the consumer is so far behind that nothing should be dialled.
    pub(crate) clogged: bool,
}

impl Supervisor {
    pub(crate) fn new(
        policy: Arc<dyn ReconnectPolicy>,
        overflow: Overflow,
        uses_channel: bool,
        topics: &[Topic],
    ) -> Result<Self> {
        let mut supervisor = Self {
            policy,
            overflow,
            uses_channel,
            channel_life: limits::CHANNEL_LIFE,
            state: State::Idle,
            desired: Desired::default(),
            ledger: Ledger::default(),
            channel: None,
            reconcile: Reconcile::default(),
            failures: 0,
            next_key: 0,
            ever_live: false,
            new_channel: false,
        };
        for topic in supervisor.desired.add(topics)? {
            supervisor.ledger.want(topic);
        }
        Ok(supervisor)
    }

    /// Adds topics to the desired set, all or none, and says whether that changed it; [`Input::Changed`] acts on it.
    ///
    /// # Errors
    /// `Capacity` when the plan cannot hold them.
    pub(crate) fn want(&mut self, topics: &[Topic]) -> Result<bool> {
        let new = self.desired.add(topics)?;
        let changed = !new.is_empty();
        for topic in new {
            self.ledger.want(topic);
        }
        Ok(changed)
    }

    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.state, State::Stopped(_))
    }

    /// When [`Input::Timer`] is due.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting { until, .. } => Some(*until),
            State::Live { .. } => self.reconcile.due,
            _ => None,
        }
    }

    /// How the stream stands.
    pub(crate) fn connection_state(&self) -> ConnectionState {
        match &self.state {
            State::Idle
            | State::Creating
            | State::Checking
            | State::Subscribing
            | State::Dialing { .. } => ConnectionState::Connecting {
                failures: self.failures,
            },
            State::Live { since, .. } => ConnectionState::Live {
                channel: self.channel_id(),
                since: since.wall,
            },
            State::Waiting { wait, cause, .. } => ConnectionState::Backoff {
                failures: self.failures,
                wait: *wait,
                cause: cause.clone(),
            },
            State::Held { cause, .. } => ConnectionState::Held {
                cause: cause.clone(),
            },
            State::Closing { stop, .. } | State::Stopped(stop) => {
                ConnectionState::Stopped(stop.clone())
            }
        }
    }

    /// Takes one input and says what to do.
    pub(crate) fn step(&mut self, now: Now, input: Input, out: &mut Vec<Action>) {
        if self.is_stopped() {
            return;
        }
        match input {
            Input::Start => {
                if matches!(self.state, State::Idle) {
                    self.open(out);
                }
            }
            Input::Created(answer) => self.created(now, answer, out),
            Input::Checked(answer) => self.checked(now, answer, out),
            Input::Subscribed {
                channel,
                sent,
                answer,
            } => {
                // An answer about a channel that was given up says nothing of its successor.
                if self.channel_id() == Some(channel) {
                    self.subscribed(now, &sent, answer, out);
                }
            }
            Input::Flowing { link, at } => self.flowing(now, link, at, out),
            Input::Notice { link, notice } => self.noticed(link, notice, out),
            Input::LinkGone {
                link,
                cause,
                last_in,
                retry_after,
                fatal,
            } => {
                self.link_gone(now, link, cause, last_in, retry_after, fatal, out);
            }
            Input::Changed => self.changed(now, out),
            Input::Unwant(topics) => self.unwanted(&topics, now, out),
            Input::TokenRotated => {
                // A channel lives as long as the token that subscribed it last.
                if self.uses_channel && matches!(self.state, State::Live { .. }) {
                    self.reconcile_now(now, out);
                }
            }
            Input::Timer => self.timer(now, out),
            Input::CaughtUp => {
                if let State::Held { cause, wait } = &self.state
                    && !now.clogged
                {
                    let (cause, wait) = (cause.clone(), *wait);
                    self.state = State::Waiting {
                        until: now.at.mono + wait,
                        wait,
                        cause,
                    };
                }
            }
            Input::Close => self.close(out),
        }
    }

    // ---- opening -------------------------------------------------------------------------------------------------

    /// The next step towards a live link.
    fn open(&mut self, out: &mut Vec<Action>) {
        if self.uses_channel {
            match &self.channel {
                Some(held) if held.dead => self.drop_channel(),
                Some(held) if held.failed_dials >= DIALS_PER_CHANNEL => self.drop_channel(),
                _ => {}
            }
            match &self.channel {
                None => {
                    self.state = State::Creating;
                    out.push(Action::Create);
                    return;
                }
                Some(held) if held.suspect => {
                    self.state = State::Checking;
                    out.push(Action::Check(held.info.id.clone()));
                    return;
                }
                Some(held) if !held.subscribed && !self.desired.is_empty() => {
                    let id = held.info.id.clone();
                    self.state = State::Subscribing;
                    if !self.reconcile.in_flight {
                        self.replace(id, out);
                    }
                    return;
                }
                Some(_) => {}
            }
        }
        self.dial(out);
    }

    fn dial(&mut self, out: &mut Vec<Action>) {
        let link = match &self.channel {
            Some(held) => held.key,
            None => self.fresh_key(),
        };
        if !self.uses_channel {
            // A socket without a channel covers what it was asked for as soon as it flows.
            self.confirm_all(link);
        }
        self.state = State::Dialing { link };
        let channel = self.channel.as_ref().map(|held| held.info.clone());
        out.push(Action::Dial { link, channel });
    }

    fn created(&mut self, now: Now, answer: Result<ChannelInfo>, out: &mut Vec<Action>) {
        if !matches!(self.state, State::Creating) {
            return;
        }
        match answer {
            Ok(info) => {
                let key = self.fresh_key();
                self.channel = Some(Held {
                    info,
                    key,
                    failed_dials: 0,
                    suspect: false,
                    dead: false,
                    subscribed: false,
                });
                self.new_channel = true;
                self.open(out);
            }
            Err(error) => self.rest_failed(now, error, false, out),
        }
    }

    fn checked(&mut self, now: Now, answer: Result<bool>, out: &mut Vec<Action>) {
        if !matches!(self.state, State::Checking) {
            return;
        }
        match answer {
            Ok(alive) => {
                if let Some(held) = &mut self.channel {
                    held.suspect = false;
                    held.dead = !alive;
                }
                self.open(out);
            }
            Err(error) => self.rest_failed(now, error, false, out),
        }
    }

    // ---- subscriptions -------------------------------------------------------------------------------------------

    fn replace(&mut self, channel: ChannelId, out: &mut Vec<Action>) {
        self.reconcile.in_flight = true;
        self.reconcile.dirty = false;
        self.reconcile.due = None;
        out.push(Action::Replace(channel, self.desired.wire()));
    }

    /// Sends the desired set while live, one call at a time.
    fn reconcile_now(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.reconcile.in_flight {
            self.reconcile.dirty = true;
            return;
        }
        match (&self.state, &self.channel) {
            (State::Live { .. }, Some(held)) if !held.dead => {
                let id = held.info.id.clone();
                self.replace(id, out);
            }
            _ => self.reconcile.due = Some(now.at.mono),
        }
    }

    fn subscribed(
        &mut self,
        now: Now,
        sent: &[Box<str>],
        answer: Result<Vec<TopicState>>,
        out: &mut Vec<Action>,
    ) {
        self.reconcile.in_flight = false;
        let Some(held) = &mut self.channel else {
            return;
        };
        match answer {
            Ok(states) => {
                held.subscribed = true;
                let key = held.key;
                self.reconcile.failures = 0;
                let spread = 1.0 - 0.1 * now.unit_random;
                self.reconcile.due =
                    Some(now.at.mono + self.channel_life.mul_f64(RENEW_SHARE * spread));
                let outcome = self.desired.read_answer(sent, &states);
                let refused = Arc::new(Gone::Rest {
                    status: None,
                    detail: "the platform refuses the topic".into(),
                });
                for topic in &outcome.rejected {
                    self.ledger.refuse(key, topic, now.at, &refused);
                }
                for topic in &outcome.permitted {
                    self.ledger.confirm(key, topic);
                }
                for (topic, rejection) in outcome.newly_rejected {
                    out.push(Action::Emit(Lifecycle::Rejected {
                        topic,
                        reason: rejection.reason,
                        missing_permissions: rejection.missing_permissions,
                    }));
                }
                match self.state {
                    State::Subscribing => self.dial(out),
                    State::Live { link, .. } => {
                        if std::mem::take(&mut self.reconcile.announce) {
                            out.push(Action::Emit(Lifecycle::Resubscribed {
                                channel: self.channel_id(),
                                topics: outcome.permitted.len(),
                            }));
                        }
                        if self.ledger.awaits_flow(key) {
                            out.push(Action::Probe(link));
                        }
                        if self.reconcile.dirty {
                            self.reconcile_now(now, out);
                        }
                    }
                    _ => {}
                }
            }
            Err(error) => {
                let unknown = error.kind() == ErrorKind::NotFound;
                if unknown {
                    self.channel_lost("the platform no longer knows it".into(), out);
                }
                if matches!(self.state, State::Subscribing) {
                    self.rest_failed(now, error, unknown, out);
                } else if !unknown {
                    // The socket lives and events flow: only the list is behind.
                    let (base, cap) = RECONCILE_WAIT;
                    let exponent = self.reconcile.failures;
                    let wait = full_jitter(base, cap, base / 2, exponent, now.unit_random);
                    let wait = wait.max(error.retry_after().unwrap_or_default());
                    self.reconcile.failures = exponent.saturating_add(1);
                    self.reconcile.due = Some(now.at.mono + wait);
                }
            }
        }
    }

    fn unwanted(&mut self, topics: &[Topic], now: Now, out: &mut Vec<Action>) {
        let gone = self.desired.remove(topics);
        if gone.is_empty() {
            return;
        }
        for topic in &gone {
            self.ledger.forget(topic);
        }
        out.push(Action::Emit(Lifecycle::Unsubscribed {
            topics: gone.into(),
        }));
        self.changed(now, out);
    }

    fn changed(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.uses_channel {
            match self.state {
                State::Live { .. } => self.reconcile_now(now, out),
                State::Subscribing => self.reconcile.dirty = true,
                // A channel that was subscribed earlier is brought up to date once it is live.
                _ => {}
            }
        }
    }

    // ---- links ---------------------------------------------------------------------------------------------------

    fn flowing(&mut self, now: Now, link: LinkKey, at: Moment, out: &mut Vec<Action>) {
        match self.state {
            State::Dialing { link: dialled } if dialled == link => {
                self.state = State::Live { link, since: at };
                out.push(Action::Emit(Lifecycle::Connected {
                    channel: self.channel_id(),
                    new_channel: std::mem::take(&mut self.new_channel),
                    attempts: self.failures + 1,
                }));
                if let Some(held) = &mut self.channel {
                    held.failed_dials = 0;
                }
                self.cover(link, at, out);
                if self.uses_channel {
                    let again = std::mem::replace(&mut self.ever_live, true);
                    self.reconcile.announce = again;
                    let behind = self.reconcile.dirty
                        || self.channel.as_ref().is_some_and(|held| !held.subscribed);
                    if again || (behind && !self.desired.is_empty()) {
                        self.reconcile_now(now, out);
                    }
                }
            }
            State::Live { link: live, .. } if live == link => self.cover(link, at, out),
            _ => {}
        }
    }

    fn cover(&mut self, link: LinkKey, at: Moment, out: &mut Vec<Action>) {
        let Resumed { first, gaps } = self.ledger.flows(link, at);
        for gap in gaps {
            out.push(Action::Emit(Lifecycle::Gap {
                topics: gap.topics,
                covered_until: gap.covered_until,
                resumed_at: gap.resumed_at,
                duration: gap.duration,
                cause: gap.cause,
            }));
        }
        if !first.is_empty() {
            let topics = first.into();
            out.push(Action::Emit(Lifecycle::Subscribed {
                topics,
                since: at.wall,
            }));
        }
    }

    fn noticed(&mut self, link: LinkKey, notice: Notice, out: &mut Vec<Action>) {
        if self.current_link() != Some(link) {
            return;
        }
        if let Notice::ChannelGone(detail) = notice {
            self.channel_lost(detail, out);
        }
        // A closing notice needs nothing yet: events flow until the close, which is then handled like any other.
    }

    fn channel_lost(&mut self, detail: Box<str>, out: &mut Vec<Action>) {
        let Some(held) = &mut self.channel else {
            return;
        };
        held.dead = true;
        if let State::Live { link, .. } | State::Dialing { link } = self.state {
            out.push(Action::CloseLink(link, Gone::ChannelGone { detail }));
        }
    }

    #[allow(clippy::too_many_arguments)] // One input, spread out.
    fn link_gone(
        &mut self,
        now: Now,
        link: LinkKey,
        cause: Gone,
        last_in: Option<Moment>,
        retry_after: Option<Duration>,
        fatal: Option<Error>,
        out: &mut Vec<Action>,
    ) {
        if self.current_link() != Some(link) {
            return;
        }
        let why = Arc::new(cause.clone());
        let last = last_in.unwrap_or(now.at);
        self.ledger.lost(link, last, &why);
        if !self.uses_channel {
            self.ledger.drop_link(link);
        }
        if let State::Closing { stop, .. } = &self.state {
            let stop = stop.clone();
            self.stop(stop, None, out);
            return;
        }
        let was_live = match self.state {
            State::Live { since, .. } => last.mono.saturating_duration_since(since.mono),
            _ => Duration::ZERO,
        };
        if let Some(held) = &mut self.channel {
            if matches!(self.state, State::Dialing { .. }) {
                held.failed_dials += 1;
            }
            match &cause {
                Gone::Refused { status } if (400..500).contains(status) && *status != 429 => {
                    held.suspect = true;
                }
                Gone::ChannelGone { .. } => held.dead = true,
                _ => {}
            }
        }
        self.reconcile.due = None;
        if let Some(error) = fatal {
            self.fail(cause, last_in.map(|at| at.wall), was_live, error, out);
            return;
        }
        self.back_off(
            now,
            cause,
            last_in.map(|at| at.wall),
            was_live,
            retry_after,
            out,
        );
    }

    // ---- failing -------------------------------------------------------------------------------------------------

    /// A call that stands between us and a live link failed; `mended` says that the next attempt avoids its cause.
    fn rest_failed(&mut self, now: Now, error: Error, mended: bool, out: &mut Vec<Action>) {
        let cause = Gone::Rest {
            status: error.status(),
            detail: error.to_string().into(),
        };
        if mended || is_passing(&error) {
            self.back_off(now, cause, None, Duration::ZERO, error.retry_after(), out);
        } else {
            self.fail(cause, None, Duration::ZERO, error, out);
        }
    }

    /// Ends the stream because of an error that no repetition mends.
    fn fail(
        &mut self,
        cause: Gone,
        last_inbound: Option<SystemTime>,
        was_live: Duration,
        error: Error,
        out: &mut Vec<Action>,
    ) {
        out.push(self.disconnected(cause, last_inbound, was_live, None));
        let text = error.to_string().into();
        let reason = match error.kind() {
            ErrorKind::Auth | ErrorKind::Forbidden => StopReason::Auth(text),
            _ => StopReason::Failed(text),
        };
        self.stop(reason, Some(error), out);
    }

    fn back_off(
        &mut self,
        now: Now,
        cause: Gone,
        last_inbound: Option<SystemTime>,
        was_live: Duration,
        retry_after: Option<Duration>,
        out: &mut Vec<Action>,
    ) {
        let stable = was_live > Duration::ZERO && was_live >= self.policy.stable_after();
        self.failures = if stable {
            1
        } else {
            self.failures.saturating_add(1)
        };
        let mut attempt = Attempt::new(self.failures, was_live, &cause, now.unit_random);
        attempt.retry_after = retry_after;
        match self.policy.decide(&attempt) {
            Verdict::GiveUp => {
                out.push(self.disconnected(cause.clone(), last_inbound, was_live, None));
                let error = Error::new(
                    ErrorKind::Closed,
                    format!(
                        "the reconnect policy gave up at failure {}: {cause}",
                        self.failures
                    ),
                );
                let attempts = self.failures;
                self.stop(StopReason::GaveUp { cause, attempts }, Some(error), out);
            }
            Verdict::RetryAfter(wait) => {
                let wait = wait.max(retry_after.unwrap_or_default());
                let held = cause == Gone::Overflow && self.overflow == Overflow::Disconnect;
                let retry_in = (!held).then_some(wait);
                out.push(self.disconnected(cause.clone(), last_inbound, was_live, retry_in));
                if held {
                    self.state = State::Held { cause, wait };
                    out.push(Action::AwaitConsumer);
                } else {
                    self.state = State::Waiting {
                        until: now.at.mono + wait,
                        wait,
                        cause,
                    };
                }
            }
        }
    }

    fn disconnected(
        &self,
        cause: Gone,
        last_inbound: Option<SystemTime>,
        was_live: Duration,
        retry_in: Option<Duration>,
    ) -> Action {
        let channel = self.channel_id();
        Action::Emit(Lifecycle::Disconnected {
            channel,
            cause,
            last_inbound,
            was_live,
            retry_in,
        })
    }

    fn timer(&mut self, now: Now, out: &mut Vec<Action>) {
        match &self.state {
            State::Waiting { until, cause, wait } if now.at.mono >= *until => {
                if now.clogged {
                    self.state = State::Held {
                        cause: cause.clone(),
                        wait: *wait,
                    };
                    out.push(Action::AwaitConsumer);
                } else {
                    self.open(out);
                }
            }
            State::Live { .. } if self.reconcile.due.is_some_and(|due| now.at.mono >= due) => {
                self.reconcile.due = None;
                self.reconcile_now(now, out);
            }
            _ => {}
        }
    }

    fn close(&mut self, out: &mut Vec<Action>) {
        match self.state {
            State::Closing { .. } | State::Stopped(_) => {}
            State::Live { link, .. } | State::Dialing { link } => {
                self.state = State::Closing {
                    link,
                    stop: StopReason::Closed,
                };
                out.push(Action::CloseLink(link, Gone::Requested));
            }
            _ => self.stop(StopReason::Closed, None, out),
        }
    }

    fn stop(&mut self, reason: StopReason, error: Option<Error>, out: &mut Vec<Action>) {
        let uncovered = self.ledger.uncovered();
        self.state = State::Stopped(reason.clone());
        out.push(Action::Emit(Lifecycle::Stopped { reason, uncovered }));
        out.push(Action::Stop(error));
    }

    // ---- small things --------------------------------------------------------------------------------------------

    fn fresh_key(&mut self) -> LinkKey {
        self.next_key += 1;
        self.next_key
    }

    fn confirm_all(&mut self, link: LinkKey) {
        let topics: Vec<Topic> = self
            .desired
            .wire()
            .iter()
            .filter_map(|t| t.parse().ok())
            .collect();
        for topic in topics.iter().flat_map(Topic::members) {
            self.ledger.confirm(link, &topic);
        }
    }

    fn current_link(&self) -> Option<LinkKey> {
        match self.state {
            State::Dialing { link } | State::Live { link, .. } | State::Closing { link, .. } => {
                Some(link)
            }
            _ => None,
        }
    }

    fn channel_id(&self) -> Option<ChannelId> {
        self.channel.as_ref().map(|held| held.info.id.clone())
    }

    fn drop_channel(&mut self) {
        if let Some(held) = self.channel.take() {
            self.ledger.drop_link(held.key);
            self.reconcile = Reconcile::default();
        }
    }
}

/// Faults of the way to the platform pass, whatever the HTTP layer's own retries made of them; what the platform says
/// of our request does not.
fn is_passing(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Transport | ErrorKind::Timeout | ErrorKind::Throttled | ErrorKind::Decode
    ) || error.is_retryable()
        || error.status().is_some_and(|status| status >= 500)
}

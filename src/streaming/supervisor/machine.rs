//! The supervisor's states, and the way from nothing to a live link.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::message::{Action, Input, Now, Plan};
use super::refusal::RefusedToken;
use super::renewal::Renewal;
use super::subscribe::Reconcile;
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::core::ids::ChannelId;
use crate::core::limits;
use crate::core::ports::ChannelInfo;
use crate::error::Result;
use crate::events::{RenewalReason, StopReason, Topic};
use crate::streaming::delivery::ConnectionState;
use crate::streaming::desired::Desired;
use crate::streaming::ledger::{Ledger, LinkKey};
use crate::streaming::policy::{Overflow, ReconnectPolicy};

/// Dials of one channel that may fail in a row before it is given up for a new one.
const DIALS_PER_CHANNEL: u32 = 3;
/// A channel that we hold, and what is known of it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) info: ChannelInfo,
    /// Its link's key in the ledger; a channel keeps its key over several sockets.
    pub(super) key: LinkKey,
    pub(super) failed_dials: u32,
    /// Whether its existence is in doubt.
    pub(super) suspect: bool,
    /// Whether the platform said that it is gone.
    pub(super) dead: bool,
    /// Whether it was subscribed since it was made.
    pub(super) subscribed: bool,
}

/// Where the one link of the plan is.
#[derive(Debug)]
pub(super) enum State {
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

/// The stream's one decision maker.
pub(crate) struct Supervisor {
    pub(super) policy: Arc<dyn ReconnectPolicy>,
    pub(super) overflow: Overflow,
    pub(super) plan: Plan,
    pub(super) channel_life: Duration,
    pub(super) state: State,
    pub(super) desired: Desired,
    pub(super) ledger: Ledger,
    pub(super) channel: Option<Held>,
    pub(super) reconcile: Reconcile,
    pub(super) renewal: Renewal,
    /// The token that was refused last, when nothing flowed since.
    pub(super) refused: Option<RefusedToken>,
    pub(super) failures: u32,
    /// Attempts since the last live link, the present one included.
    pub(super) attempts: u32,
    next_key: LinkKey,
    pub(super) ever_live: bool,
    pub(super) new_channel: bool,
}

impl Supervisor {
    pub(crate) fn new(
        policy: Arc<dyn ReconnectPolicy>,
        overflow: Overflow,
        plan: Plan,
        topics: &[Topic],
    ) -> Result<Self> {
        let mut ledger = Ledger::default();
        for topic in &plan.covers {
            ledger.want(topic.clone());
        }
        let desired = Desired::new(plan.max_topics);
        let mut supervisor = Self {
            policy,
            overflow,
            plan,
            channel_life: limits::CHANNEL_LIFE,
            state: State::Idle,
            desired,
            ledger,
            channel: None,
            reconcile: Reconcile::default(),
            renewal: Renewal::default(),
            refused: None,
            failures: 0,
            attempts: 0,
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

    /// Consecutive failures so far.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// When [`Input::Timer`] is due.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting { until, .. } => Some(*until),
            State::Live { .. } => self.reconcile.due.into_iter().chain(self.renewal.due()).min(),
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
            | State::Dialing { .. } => ConnectionState::Connecting { failures: self.failures },
            State::Live { since, .. } => {
                ConnectionState::Live { channel: self.channel_id(), since: since.wall }
            }
            State::Waiting { wait, cause, .. } => ConnectionState::Backoff {
                failures: self.failures,
                wait: *wait,
                cause: cause.clone(),
            },
            State::Held { cause, .. } => ConnectionState::Held { cause: cause.clone() },
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
                    self.attempt(out);
                }
            }
            Input::Created(answer) => self.created(now, answer, out),
            Input::Checked(answer) => self.checked(now, answer, out),
            Input::Subscribed { channel, sent, answer } => {
                // An answer about a channel that was given up says nothing of its successor.
                if self.channel_id() == Some(channel) {
                    self.subscribed(now, &sent, answer, out);
                }
            }
            Input::Asked { link, answer } => self.asked(now, link, answer, out),
            Input::Flowing { link, at, token } => self.flowing(now, link, at, token, out),
            Input::Notice { link, notice } => self.noticed(now, link, notice, out),
            Input::LinkGone { link, ending } => self.link_gone(now, link, ending, out),
            Input::Changed => self.changed(now, out),
            Input::Unwant(topics) => self.unwanted(&topics, now, out),
            Input::TokenRotated { generation } => {
                // A channel lives as long as the token that subscribed it last.
                if self.plan.uses_channel {
                    if matches!(self.state, State::Live { .. }) {
                        self.reconcile_now(now, out);
                    }
                } else {
                    self.token_rotated(generation, now, out);
                }
            }
            Input::Renew => self.renew(RenewalReason::Requested, now, out),
            Input::Timer => self.timer(now, out),
            Input::CaughtUp => {
                if let State::Held { cause, wait } = &self.state
                    && !now.clogged
                {
                    let (cause, wait) = (cause.clone(), *wait);
                    self.state = State::Waiting { until: now.at.mono + wait, wait, cause };
                }
            }
            Input::Close => self.close(out),
        }
    }

    /// Begins an attempt to get a live link.
    fn attempt(&mut self, out: &mut Vec<Action>) {
        self.attempts = self.attempts.saturating_add(1);
        self.open(out);
    }

    /// The next step towards a live link.
    fn open(&mut self, out: &mut Vec<Action>) {
        if self.plan.uses_channel {
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

    pub(super) fn dial(&mut self, out: &mut Vec<Action>) {
        let link = match &self.channel {
            Some(held) => held.key,
            None => self.fresh_key(),
        };
        self.state = State::Dialing { link };
        self.dial_link(link, None, out);
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

    fn timer(&mut self, now: Now, out: &mut Vec<Action>) {
        match &self.state {
            State::Waiting { until, cause, wait } if now.at.mono >= *until => {
                if now.clogged {
                    self.state = State::Held { cause: cause.clone(), wait: *wait };
                    out.push(Action::AwaitConsumer);
                } else {
                    self.attempt(out);
                }
            }
            State::Live { .. } => {
                if self.reconcile.due.is_some_and(|due| now.at.mono >= due) {
                    self.reconcile.due = None;
                    self.changed(now, out);
                }
                self.renewal_due(now, out);
            }
            _ => {}
        }
    }

    fn close(&mut self, out: &mut Vec<Action>) {
        match self.state {
            State::Closing { .. } | State::Stopped(_) => {}
            State::Live { link, .. } | State::Dialing { link } => {
                self.state = State::Closing { link, stop: StopReason::Closed };
                out.push(Action::CloseLink(link, Gone::Requested));
                self.give_up_successor(out);
            }
            _ => self.stop(StopReason::Closed, None, out),
        }
    }

    pub(super) fn fresh_key(&mut self) -> LinkKey {
        self.next_key += 1;
        self.next_key
    }

    /// The link over which something can be sent now.
    pub(crate) fn open_link(&self) -> Option<LinkKey> {
        match self.state {
            State::Live { link, .. } => Some(self.renewal.flowing().unwrap_or(link)),
            _ => None,
        }
    }

    pub(super) fn current_link(&self) -> Option<LinkKey> {
        match self.state {
            State::Dialing { link } | State::Live { link, .. } | State::Closing { link, .. } => {
                Some(link)
            }
            _ => None,
        }
    }

    pub(super) fn channel_id(&self) -> Option<ChannelId> {
        self.channel.as_ref().map(|held| held.info.id.clone())
    }

    fn drop_channel(&mut self) {
        if let Some(held) = self.channel.take() {
            self.ledger.drop_link(held.key);
            self.reconcile = Reconcile::default();
        }
    }
}

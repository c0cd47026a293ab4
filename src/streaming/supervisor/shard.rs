//! One place of the plan: its states, and the way from nothing to a live link.

use std::time::{Duration, Instant};

use super::broker::Grant;
use super::common::Common;
use super::held::Held;
use super::merge::Merge;
use super::message::{Action, Now};
use super::refusal::RefusedToken;
use super::renewal::Renewal;
use super::subscribe::Reconcile;
use crate::core::clock::{Moment, later};
use crate::core::close::Gone;
use crate::core::ids::ChannelId;
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Lifecycle, Topic};
use crate::streaming::ledger::LinkKey;
use crate::streaming::packing::ShardId;
use crate::streaming::policy::ChannelPolicy;

/// Dials of one channel that may fail in a row before it is given up for a new one.
const DIALS_PER_CHANNEL: u32 = 3;

/// Where the link of a shard is.
#[derive(Debug)]
pub(super) enum State {
    Idle,
    /// A channel is being had.
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
    },
    /// Nothing is left of it.
    Over,
}

/// One place of the plan, with one link at rest.
pub(super) struct Shard {
    pub(super) id: ShardId,
    pub(super) state: State,
    pub(super) channel: Option<Held>,
    pub(super) reconcile: Reconcile,
    pub(super) renewal: Renewal,
    /// The shard whose topics this one takes over with its next successor.
    pub(super) merge: Option<Merge>,
    /// The shard that takes over the topics of this one.
    pub(super) merged_into: Option<ShardId>,
    /// The token that was refused last, when nothing flowed since.
    pub(super) refused: Option<RefusedToken>,
    pub(super) failures: u32,
    /// Attempts since the last live link, the present one included.
    pub(super) attempts: u32,
    pub(super) ever_live: bool,
    pub(super) new_channel: bool,
    /// Whether the peer has announced that it closes the link, before that link was live.
    pub(super) closing: bool,
    /// Topics that the platform has removed from the channel, and of which events may still be on their way.
    pub(super) fading: Vec<Topic>,
    /// Whether it was opened for topics that were added to a stream that ran.
    pub(super) late: bool,
}

impl Shard {
    pub(super) fn new(id: ShardId, late: bool) -> Self {
        Self {
            id,
            state: State::Idle,
            channel: None,
            reconcile: Reconcile::default(),
            renewal: Renewal::default(),
            merge: None,
            merged_into: None,
            refused: None,
            failures: 0,
            attempts: 0,
            ever_live: false,
            new_channel: false,
            closing: false,
            fading: Vec::new(),
            late,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self.state, State::Live { .. })
    }

    /// Whether its channel has no topics on the platform either.
    pub(super) fn is_cleared(&self) -> bool {
        match self.state {
            State::Live { .. } => !self.reconcile.is_unsettled() && self.reconcile.empty,
            _ => true,
        }
    }

    /// When it has something to do.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting { until, .. } => Some(*until),
            State::Live { .. } if self.merged_into.is_none() => {
                let check = self.channel.as_ref().and_then(|held| held.check_at);
                self.reconcile.due.into_iter().chain(self.renewal.due()).chain(check).min()
            }
            _ => None,
        }
    }

    /// Begins an attempt to get a live link.
    pub(super) fn attempt(&mut self, cx: &mut Common, out: &mut Vec<Action>) {
        self.attempts = self.attempts.saturating_add(1);
        self.open(cx, out);
    }

    /// The next step towards a live link.
    pub(super) fn open(&mut self, cx: &mut Common, out: &mut Vec<Action>) {
        if cx.uses_channel() {
            match &self.channel {
                Some(held) if held.dead || held.failed_dials >= DIALS_PER_CHANNEL => {
                    self.drop_channel(cx);
                }
                _ => {}
            }
            match &self.channel {
                None => {
                    self.state = State::Creating;
                    cx.wants.push(self.id);
                    return;
                }
                Some(held) if held.suspect => {
                    self.state = State::Checking;
                    out.push(Action::Check(held.info.id.clone()));
                    return;
                }
                Some(held) if !held.subscribed && !cx.desired.is_idle(self.id) => {
                    let id = held.info.id.clone();
                    self.state = State::Subscribing;
                    if !self.reconcile.in_flight {
                        self.replace(cx, id, out);
                    }
                    return;
                }
                Some(_) => {}
            }
        }
        self.dial(cx, out);
    }

    pub(super) fn dial(&mut self, cx: &mut Common, out: &mut Vec<Action>) {
        let link = match &self.channel {
            Some(held) => held.key,
            None => cx.fresh_key(),
        };
        self.state = State::Dialing { link };
        self.dial_link(cx, link, Vec::new(), out);
    }

    /// What the broker says to a shard that wants a channel: for itself, or for its successor.
    pub(super) fn granted(
        &mut self,
        cx: &mut Common,
        now: Now,
        grant: Grant,
        out: &mut Vec<Action>,
    ) {
        let creating = matches!(self.state, State::Creating);
        match grant {
            Grant::Channel { info, generation, spare } => {
                // One of before is subscribed with the newest token, which is as good as made with it when there is no
                // room for another.
                let newest = (cx.newest > 0).then_some(cx.newest);
                let generation = if spare { newest } else { generation };
                let mut held = Held::new(info, cx.fresh_key(), generation);
                held.spare = spare;
                if creating {
                    self.new_channel = true;
                    self.channel = Some(held);
                    self.open(cx, out);
                } else {
                    self.successor_has_channel(cx, held, out);
                }
            }
            Grant::Failed(error) if creating => self.rest_failed(cx, now, error, false, out),
            Grant::Failed(error) => self.successor_failed(cx, now, error.retry_after(), out),
            Grant::Busy { in_use, limit, needed } => {
                out.push(Action::Emit(Lifecycle::ChannelsBusy { in_use, limit, needed }));
                if creating {
                    self.no_room(cx, now, in_use, limit, out);
                } else {
                    self.successor_failed(cx, now, None, out);
                }
            }
        }
    }

    fn no_room(
        &mut self,
        cx: &mut Common,
        now: Now,
        in_use: usize,
        limit: usize,
        out: &mut Vec<Action>,
    ) {
        let text = format!(
            "{in_use} of {limit} notification channels are in use, and another would remove one of them"
        );
        let policy = cx.rules().map(|rules| rules.policy).unwrap_or_default();
        // One whose topics this one takes over delivers them still, and gives a channel back when it ends.
        if policy == ChannelPolicy::Wait || self.merge.is_some() {
            let cause = Gone::Rest { status: None, detail: text.into() };
            return self.back_off(cx, now, cause, None, Duration::ZERO, None, out);
        }
        if policy == ChannelPolicy::Share
            && let Some(shards) =
                cx.desired.packing_mut().and_then(|packing| packing.share(self.id))
        {
            cx.touched.extend(shards);
            self.state = State::Over;
            return;
        }
        let text =
            format!("{text}; close some, wait for their end (24 h), or use another OAuth client");
        let error = Error::new(ErrorKind::Capacity, text);
        if self.late && !self.ever_live {
            self.refuse_all(cx, &error, out);
            return;
        }
        let cause = Gone::Rest { status: None, detail: error.summary() };
        self.fail(cx, cause, None, Duration::ZERO, error, out);
    }

    /// There is no place for the topics of this shard: they are refused, and the stream goes on.
    fn refuse_all(&mut self, cx: &mut Common, error: &Error, out: &mut Vec<Action>) {
        let topics = cx.desired.evict(self.id);
        for topic in topics {
            cx.ledger.forget(&topic);
            out.push(Action::Emit(Lifecycle::Rejected {
                topic,
                reason: error.to_string().into(),
                missing_permissions: Vec::new(),
            }));
        }
        self.state = State::Over;
    }

    pub(super) fn checked(
        &mut self,
        cx: &mut Common,
        now: Now,
        answer: Result<bool>,
        out: &mut Vec<Action>,
    ) {
        if !matches!(self.state, State::Checking) {
            return;
        }
        match answer {
            Ok(alive) => {
                if let Some(held) = &mut self.channel {
                    held.suspect = false;
                    held.dead = !alive;
                    held.gone = !alive;
                }
                self.open(cx, out);
            }
            Err(error) => self.rest_failed(cx, now, error, false, out),
        }
    }

    pub(super) fn timer(&mut self, cx: &mut Common, now: Now, out: &mut Vec<Action>) {
        match &self.state {
            State::Waiting { until, cause, wait } if now.at.mono >= *until => {
                if now.clogged {
                    self.state = State::Held { cause: cause.clone(), wait: *wait };
                    out.push(Action::AwaitConsumer);
                } else {
                    self.attempt(cx, out);
                }
            }
            State::Live { .. } if self.merged_into.is_none() => {
                if self.reconcile.due.is_some_and(|due| now.at.mono >= due) {
                    self.reconcile.due = None;
                    self.changed(cx, now, out);
                }
                self.check_due(now, out);
                self.renewal_due(cx, now, out);
            }
            _ => {}
        }
    }

    pub(super) fn caught_up(&mut self, now: Now) {
        if let State::Held { cause, wait } = &self.state
            && !now.clogged
        {
            let (cause, wait) = (cause.clone(), *wait);
            self.state = State::Waiting { until: later(now.at.mono, wait), wait, cause };
        }
    }

    /// Ends it in an orderly way.
    pub(super) fn close(&mut self, cx: &mut Common, out: &mut Vec<Action>) {
        match self.state {
            State::Closing { .. } | State::Over => {}
            State::Live { link, .. } | State::Dialing { link } => {
                self.state = State::Closing { link };
                out.push(Action::CloseLink(link, Gone::Requested));
                self.give_up_successor(cx, out);
            }
            _ => self.state = State::Over,
        }
    }

    /// The link over which something can be sent now.
    pub(super) fn open_link(&self) -> Option<LinkKey> {
        match self.state {
            State::Live { link, .. } => Some(self.renewal.flowing().unwrap_or(link)),
            _ => None,
        }
    }

    pub(super) fn current_link(&self) -> Option<LinkKey> {
        match self.state {
            State::Dialing { link } | State::Live { link, .. } | State::Closing { link } => {
                Some(link)
            }
            _ => None,
        }
    }

    pub(super) fn channel_id(&self) -> Option<ChannelId> {
        self.channel.as_ref().map(|held| held.info.id.clone())
    }

    pub(super) fn drop_channel(&mut self, cx: &mut Common) {
        if let Some(held) = self.channel.take() {
            cx.give_back(held);
            self.reconcile = Reconcile::default();
        }
    }
}

//! What the shards of a stream share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::held::Held;
use super::message::{Action, ChannelRules, Plan};
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::core::ids::GapId;
use crate::core::limits;
use crate::error::Error;
use crate::events::{Lifecycle, StopReason};
use crate::streaming::desired::Desired;
use crate::streaming::ledger::{Gap, Ledger, LinkKey};
use crate::streaming::packing::ShardId;
use crate::streaming::policy::{Overflow, ReconnectPolicy};

/// Connections of one stream that are replaced at the same time: few, so that a stream takes few channels more than it
/// needs, and enough for twenty within the minute's notice of a close.
pub(super) const REPLACED_AT_ONCE: usize = 2;

/// What the shards of a stream share.
pub(super) struct Common {
    pub(super) policy: Arc<dyn ReconnectPolicy>,
    pub(super) overflow: Overflow,
    pub(super) plan: Plan,
    pub(super) desired: Desired,
    pub(super) ledger: Ledger,
    /// When the step is that is being taken.
    pub(super) now: Option<Moment>,
    /// The newest token that there is.
    pub(super) newest: u64,
    /// Shards that want a channel.
    pub(super) wants: Vec<ShardId>,
    /// Channels that shards do not need any more.
    pub(super) given_back: Vec<Held>,
    /// Channels that nobody needs, and whose links have not ended yet.
    pub(super) leaving: BTreeMap<LinkKey, Held>,
    /// Shards whose topics changed by what another learned.
    pub(super) touched: Vec<ShardId>,
    /// Shards whose channels have no topics any more.
    pub(super) emptied: Vec<ShardId>,
    /// Shards that have a successor under way.
    pub(super) replacing: usize,
    /// Why the stream ends, once it has to.
    pub(super) ending: Option<(StopReason, Option<Error>)>,
    /// Links that came to flow in a place where one had flowed before.
    pub(super) reconnects: u64,
    next_key: LinkKey,
}

impl Common {
    pub(super) fn new(
        policy: Arc<dyn ReconnectPolicy>,
        overflow: Overflow,
        plan: Plan,
        desired: Desired,
    ) -> Self {
        let mut ledger = Ledger::default();
        for topic in plan.covers.iter().chain(desired.members()) {
            ledger.want(topic.clone());
        }
        Self {
            policy,
            overflow,
            plan,
            desired,
            ledger,
            now: None,
            newest: 0,
            wants: Vec::new(),
            given_back: Vec::new(),
            leaving: BTreeMap::new(),
            touched: Vec::new(),
            emptied: Vec::new(),
            replacing: 0,
            ending: None,
            reconnects: 0,
            next_key: 0,
        }
    }

    pub(super) fn uses_channel(&self) -> bool {
        self.plan.uses_channel()
    }

    pub(super) fn rules(&self) -> Option<&ChannelRules> {
        self.plan.channels.as_ref()
    }

    /// Life of a channel since its last subscription.
    pub(super) fn channel_life(&self) -> Duration {
        self.rules().map_or(limits::CHANNEL_LIFE, |rules| rules.life)
    }

    pub(super) fn fresh_key(&mut self) -> LinkKey {
        self.next_key += 1;
        self.next_key
    }

    /// Whether something waits for others than the shard that it came from.
    pub(super) fn is_unsettled(&self) -> bool {
        let lists =
            [self.wants.len(), self.given_back.len(), self.touched.len(), self.emptied.len()];
        lists.into_iter().any(|waiting| waiting > 0)
    }

    /// The stream cannot go on.
    pub(super) fn stop(&mut self, reason: StopReason, error: Option<Error>) {
        self.ending.get_or_insert((reason, error));
    }

    /// A channel that is not needed any more.
    pub(super) fn give_back(&mut self, held: Held) {
        self.ledger.drop_link(held.key);
        if !held.gone {
            self.given_back.push(held);
        }
    }

    /// What the platform refuses, as a cause.
    pub(super) fn refused_topic() -> Arc<Gone> {
        Arc::new(Gone::Rest { status: None, detail: "the platform refuses the topic".into() })
    }
}

pub(super) fn gap(gap: Gap) -> Action {
    let Gap { topics, covered_until, resumed_at, duration, cause } = gap;
    // The driver numbers it.
    let gap = GapId::default();
    Action::Emit(Lifecycle::Gap { gap, topics, covered_until, resumed_at, duration, cause })
}

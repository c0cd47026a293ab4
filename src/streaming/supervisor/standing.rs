//! How a stream stands: what others may ask of the supervisor.

use std::time::Instant;

use super::machine::{Life, Supervisor};
#[cfg(test)]
use super::shard::Shard;
use super::shard::State;
use crate::core::ids::ChannelId;
use crate::core::ports::ChannelInfo;
use crate::events::StopReason;
#[cfg(test)]
use crate::events::Topic;
use crate::streaming::delivery::ConnectionState;
use crate::streaming::ledger::LinkKey;

impl Supervisor {
    /// Consecutive failures so far, of the shard that has the most.
    pub(crate) fn failures(&self) -> u32 {
        self.shards.values().map(|shard| shard.failures).max().unwrap_or(0)
    }

    /// Links that came to flow in the place of one that had flowed before.
    pub(crate) fn reconnects(&self) -> u64 {
        self.common.reconnects
    }

    /// The channels that there are: to be used again by another run of the program.
    pub(crate) fn channels(&self) -> Vec<ChannelInfo> {
        self.shards
            .values()
            .filter_map(|shard| shard.channel.as_ref())
            .filter(|held| !held.dead)
            .map(|held| held.info.clone())
            .collect()
    }

    /// Whether a channel is one that delivers.
    pub(crate) fn is_current(&self, channel: Option<&ChannelId>) -> bool {
        let mut held = self.shards.values().filter_map(|shard| shard.channel.as_ref());
        channel.is_none() || held.any(|held| Some(&held.info.id) == channel)
    }

    /// When [`Input::Timer`] is due.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        match self.life {
            Life::Running => self.shards.values().filter_map(|shard| shard.wake_at()).min(),
            _ => None,
        }
    }

    /// How the stream stands: as its worst shard does.
    pub(crate) fn connection_state(&self) -> ConnectionState {
        match &self.life {
            Life::Closing => return ConnectionState::Stopped(StopReason::Closed),
            Life::Stopped(reason) => return ConnectionState::Stopped(reason.clone()),
            Life::Idle | Life::Running => {}
        }
        let states = || self.shards.values().map(|shard| (shard, &shard.state));
        let held = states().find_map(|(_, state)| match state {
            State::Held { cause, .. } => Some(ConnectionState::Held { cause: cause.clone() }),
            _ => None,
        });
        let waiting = states().find_map(|(shard, state)| match state {
            State::Waiting { wait, cause, .. } => Some(ConnectionState::Backoff {
                failures: shard.failures,
                wait: *wait,
                cause: cause.clone(),
            }),
            _ => None,
        });
        let connecting = states().any(|(_, state)| {
            matches!(
                state,
                State::Idle
                    | State::Creating
                    | State::Checking
                    | State::Subscribing
                    | State::Dialing { .. }
            )
        });
        let connecting =
            connecting.then(|| ConnectionState::Connecting { failures: self.failures() });
        let live = states().find_map(|(shard, state)| match state {
            State::Live { since, .. } => {
                Some(ConnectionState::Live { channel: shard.channel_id(), since: since.wall })
            }
            _ => None,
        });
        let unknown = ConnectionState::Connecting { failures: self.failures() };
        held.or(waiting).or(connecting).or(live).unwrap_or(unknown)
    }

    /// The link over which something can be sent now.
    pub(crate) fn open_link(&self) -> Option<LinkKey> {
        self.shards.values().find_map(|shard| shard.open_link())
    }

    /// Entries of every table, for tests of its size.
    #[cfg(test)]
    pub(crate) fn size(&self) -> usize {
        let (topics, claims, links) = self.common.ledger.size();
        let leaving = self.common.leaving.len();
        let waiting = self.calls.len() + self.parked.len();
        topics + claims + links + leaving + waiting + self.shards.len() + self.broker.size()
    }

    #[cfg(test)]
    pub(crate) fn covers(&self, topic: &Topic) -> bool {
        self.common.ledger.covers(topic)
    }

    /// Whether a topic that comes back would have to go to another channel than the one that still delivers it.
    #[cfg(test)]
    pub(crate) fn displaces(&self, topic: &Topic) -> bool {
        self.common.desired.packing().is_some_and(|packing| packing.displaces(topic))
    }

    /// The states of all shards, to be read by people.
    #[cfg(test)]
    pub(crate) fn describe(&self) -> String {
        let line = |shard: &Shard| {
            let Shard { id, state, reconcile, merge, merged_into, .. } = shard;
            let renewal = &shard.renewal;
            format!("{id}: {state:?} {reconcile:?} {renewal:?} {merge:?} {merged_into:?}\n")
        };
        let shards: String = self.shards.values().map(|shard| line(shard)).collect();
        format!("{shards}{:?} {:?}", self.broker, self.common.desired.packing())
    }

    /// Whether every shard is live, and no change is under way.
    #[cfg(test)]
    pub(crate) fn is_at_rest(&self) -> bool {
        self.shards.values().all(|shard| shard.is_quiet() && shard.renewal.successor.is_none())
    }

    #[cfg(test)]
    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }
}

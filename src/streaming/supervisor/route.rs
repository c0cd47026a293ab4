//! Which shard something that happened concerns.

use super::machine::Supervisor;
use super::shard::Shard;
use crate::core::ids::ChannelId;
use crate::streaming::ledger::LinkKey;
use crate::streaming::packing::ShardId;

/// Whose channel it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Of {
    Itself,
    Successor,
}

impl Shard {
    fn has_link(&self, link: LinkKey) -> bool {
        self.current_link() == Some(link) || self.renewal.successor_link() == Some(link)
    }

    fn has_channel(&self, channel: &ChannelId) -> Option<Of> {
        if self.channel.as_ref().is_some_and(|held| held.info.id == *channel) {
            return Some(Of::Itself);
        }
        let held = self.renewal.successor.as_ref()?.held.as_ref()?;
        (held.info.id == *channel).then_some(Of::Successor)
    }
}

impl Supervisor {
    /// An answer about a channel or a link that was given up concerns nobody.
    pub(super) fn shard_of_link(&self, link: LinkKey) -> Option<ShardId> {
        self.shards.values().find(|shard| shard.has_link(link)).map(|shard| shard.id)
    }

    pub(super) fn shard_of_channel(&self, channel: &ChannelId) -> Option<(ShardId, Of)> {
        self.shards
            .values()
            .find_map(|shard| shard.has_channel(channel).map(|whose| (shard.id, whose)))
    }
}

//! Typed ids.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// The id of a notification channel.
///
/// Whoever knows it can open the channel's socket, so `Debug` and `Display` show only enough of it to tell two
/// channels apart; [`expose`](Self::expose) has the whole.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(Arc<str>);

impl ChannelId {
    /// Wraps an id as the platform gave it.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The whole id: for the wire, never for a message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // FNV-1a: the same id shows the same four digits in every process, and they lead nowhere.
        let hash = self.0.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        write!(f, "channel-{:04x}", hash & 0xffff)
    }
}

impl fmt::Debug for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelId({self})")
    }
}

/// The number of a gap in a stream: the first is 1. What backfill delivers names the gap that it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct GapId(u64);

impl GapId {
    /// The gap with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for GapId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_id_is_a_credential_and_is_not_printed() {
        let id = ChannelId::new("streaming-7-k2m1exampleexample");
        assert!(!format!("{id} {id:?}").contains("k2m1"));
        assert_ne!(id.to_string(), ChannelId::new("streaming-7-other").to_string());
    }
}

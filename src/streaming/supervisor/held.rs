//! A channel that a shard holds.

use std::time::Instant;

use super::drift::Reading;
use crate::core::clock::Moment;
use crate::core::ports::ChannelInfo;
use crate::streaming::ledger::LinkKey;

/// A channel, and what is known of it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) info: ChannelInfo,
    /// Its link's key in the ledger; a channel keeps its key over several sockets.
    pub(super) key: LinkKey,
    /// The token that made it; `None` when another run of the program did.
    pub(super) generation: Option<u64>,
    /// Whether it was there before it was needed, so that it may be gone by now.
    pub(super) spare: bool,
    pub(super) failed_dials: u32,
    /// Whether its existence is in doubt.
    pub(super) suspect: bool,
    /// Whether the platform said that it is gone, or seems to.
    pub(super) dead: bool,
    /// Whether a call was answered that it does not exist. What a socket says of its end may be said of its token's.
    pub(super) gone: bool,
    /// When that call was made. The channel may deliver nothing since then, though its socket lives.
    pub(super) gone_since: Option<Moment>,
    /// Whether it was subscribed since it was had.
    pub(super) subscribed: bool,
    /// When its subscription was surely whole for the last time.
    pub(super) sure: Option<Moment>,
    /// When it is read back.
    pub(super) check_at: Option<Instant>,
    /// The reading that is under way.
    pub(super) reading: Option<Reading>,
}

impl Held {
    pub(super) fn new(info: ChannelInfo, key: LinkKey, generation: Option<u64>) -> Self {
        Self {
            info,
            key,
            generation,
            spare: false,
            failed_dials: 0,
            suspect: false,
            dead: false,
            gone: false,
            gone_since: None,
            subscribed: false,
            sure: None,
            check_at: None,
            reading: None,
        }
    }

    /// A call that was made at this time is answered that there is no such channel.
    pub(super) fn missing(&mut self, begun: Moment) {
        self.gone = true;
        self.gone_since.get_or_insert(begun);
    }

    /// Until when it surely delivered all, over a socket that was sure until `socket`.
    pub(super) fn sure_until(&self, socket: Moment) -> Moment {
        self.gone_since.filter(|gone| gone.mono < socket.mono).unwrap_or(socket)
    }
}

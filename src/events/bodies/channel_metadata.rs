//! Heartbeats and pongs.

use crate::events::body::body;

body! {
    /// A heartbeat, or the answer to a ping.
    pub struct ChannelMetadata {
        /// `WebSocket Heartbeat` or `pong`.
        message: Box<str> = "message",
    }
}

impl ChannelMetadata {
    /// Whether this answers a ping.
    pub fn is_pong(&self) -> bool {
        let message = self.message.as_deref().unwrap_or_default();
        message.trim().eq_ignore_ascii_case("pong")
    }
}

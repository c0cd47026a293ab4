//! The place of an open socket in the platform's books.

use std::sync::Arc;

use super::connection_log::Connection;
use super::farewell::{ABNORMAL, Cause};
use super::shared::Shared;

/// Counts an open socket, and takes it off the books at the end, however it ends.
pub(super) struct Attached {
    shared: Arc<Shared>,
    /// The channel whose socket it is, if it is one's.
    channel: Option<Arc<str>>,
    serial: u64,
    /// What is written down about it, until its end is.
    connection: Option<Connection>,
}

impl Attached {
    /// For a socket whose handle its channel has already.
    pub(super) fn of_channel(shared: &Arc<Shared>, channel: &Arc<str>, serial: u64) -> Self {
        Self::new(shared, Some(Arc::clone(channel)), serial, None)
    }

    /// For a socket without a channel that is among the open ones already.
    pub(super) fn free(shared: &Arc<Shared>, serial: u64, connection: Option<Connection>) -> Self {
        Self::new(shared, None, serial, connection)
    }

    fn new(
        shared: &Arc<Shared>,
        channel: Option<Arc<str>>,
        serial: u64,
        connection: Option<Connection>,
    ) -> Self {
        shared.live.opened();
        Self { shared: Arc::clone(shared), channel, serial, connection }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn serial(&self) -> u64 {
        self.serial
    }

    /// Writes down why the connection ends, before the client can know; the first cause stands.
    pub(super) fn ended(&mut self, cause: Cause, code: u16) {
        if let Some(connection) = self.connection.take() {
            let now = self.shared.clock.now_ms();
            self.shared.lock().connections.ended(&connection, cause, code, now);
        }
    }

    /// Writes down that the connection ends without a close frame.
    pub(super) fn lost(&mut self) {
        self.ended(Cause::ConnectionLost, ABNORMAL);
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.lost();
        self.shared.live.closed();
        let mut state = self.shared.lock();
        match &self.channel {
            Some(channel) => state.channels.detach(channel, self.serial),
            None => state.sockets.remove(self.serial),
        }
    }
}

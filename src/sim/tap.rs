//! What sockets really do, for a judge who must not ask the client.
//!
//! Events that are to be told apart have a mark: the first text in their frame that begins with `#` is a number.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;
use tungstenite::Message;

/// Something that a socket or a channel did.
#[derive(Debug)]
pub(crate) enum Seen {
    /// The topics of a channel have changed; names in lower case.
    Subscribed { channel: Arc<str>, gone: Vec<String>, come: Vec<String> },
    /// A channel has a socket, and lets go of the one before.
    Opened { channel: Arc<str>, socket: u64 },
    /// A socket begins or ends to be silent.
    Quiet { socket: u64, quiet: bool },
    /// A socket sends no event any more.
    Closed { socket: u64 },
    /// An event was put on the wire.
    Wrote { socket: u64, mark: u64 },
    /// A fault kept an event from a socket.
    Swallowed { mark: u64 },
    /// An event was still to be written when its socket ended.
    Lost { mark: u64 },
}

/// Keeps what was seen until it is taken.
#[derive(Debug, Default)]
pub(crate) struct Tap(Mutex<Vec<(Instant, Seen)>>);

fn mark(message: &Message) -> Option<u64> {
    let Message::Text(text) = message else { return None };
    let (_, behind) = text.split_once("\"#")?;
    behind.split_once('"')?.0.parse().ok()
}

impl Tap {
    /// What was seen since the last call, in order.
    pub(crate) fn take(&self) -> Vec<(Instant, Seen)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn saw(&self, seen: impl IntoIterator<Item = Seen>) {
        let now = Instant::now();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(seen.into_iter().map(|seen| (now, seen)));
    }

    pub(super) fn subscribed<'a>(
        &self,
        channel: &Arc<str>,
        gone: impl Iterator<Item = &'a String>,
        come: impl Iterator<Item = &'a String>,
    ) {
        let (gone, come) = (gone.cloned().collect(), come.cloned().collect());
        self.saw([Seen::Subscribed { channel: Arc::clone(channel), gone, come }]);
    }

    pub(super) fn opened(&self, channel: &Arc<str>, socket: u64) {
        self.saw([Seen::Opened { channel: Arc::clone(channel), socket }]);
    }

    pub(super) fn quiet(&self, socket: u64, quiet: bool) {
        self.saw([Seen::Quiet { socket, quiet }]);
    }

    pub(super) fn closed(&self, socket: u64) {
        self.saw([Seen::Closed { socket }]);
    }

    pub(super) fn wrote(&self, socket: u64, messages: &[Message]) {
        self.saw(messages.iter().filter_map(mark).map(|mark| Seen::Wrote { socket, mark }));
    }

    pub(super) fn swallowed(&self, messages: impl Iterator<Item = Message>) {
        self.saw(messages.filter_map(|one| mark(&one)).map(|mark| Seen::Swallowed { mark }));
    }

    pub(super) fn lost<'a>(&self, messages: impl Iterator<Item = &'a Message>) {
        self.saw(messages.filter_map(mark).map(|mark| Seen::Lost { mark }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_in_any_text_and_in_nothing_else() {
        let of = |text: &str| mark(&Message::text(text));
        assert_eq!(of(r##"{"message":"#17","a":"#18"}"##), Some(17));
        assert_eq!(of(r#"{"message":"17"}"#), None);
        assert_eq!(mark(&Message::binary(vec![1])), None);
    }
}

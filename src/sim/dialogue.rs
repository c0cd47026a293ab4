//! What one kind of socket says and hears; the socket loop does the rest.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use tungstenite::Message;

use super::farewell::Farewell;
use super::flat_bodies;
use super::frames::Event;
use super::socket_kind::SocketKind;

/// Largest message of a client, unless its socket has a limit of its own: as for request bodies.
pub(super) const MESSAGE_MAX: usize = 512_000;

/// What a socket does with a text of its client.
#[derive(Debug)]
pub(super) enum Answer {
    Nothing,
    Text(String),
    /// The answer to a ping that is a text: faults of pongs concern it.
    Pong(String),
    Close(Farewell),
}

/// One side of a conversation. It writes and waits for nothing itself.
pub(super) trait Dialogue: Send {
    /// The answer to a text of the client.
    fn hear(&mut self, text: &str) -> Answer;

    /// An event as this socket sends them, for frames that are wrong on purpose.
    fn sample(&self) -> Event;

    /// Largest message of the client, in bytes.
    fn message_max(&self) -> usize {
        MESSAGE_MAX
    }

    /// What is sent from time to time.
    fn heartbeat(&self, _now_ms: i64) -> Option<Message> {
        None
    }

    /// How long the client may say nothing.
    fn idle(&self) -> Option<Duration> {
        None
    }

    /// When there is something to send, or to end, by itself.
    fn wake(&self) -> Option<Instant> {
        None
    }

    /// Puts what is due by now into `out`; a farewell ends the socket.
    fn due(&mut self, _now: Instant, _out: &mut Vec<Event>) -> Option<Farewell> {
        None
    }
}

/// A socket whose client has nothing to say: events flow from the handshake on.
pub(super) struct Listener {
    pub(super) kind: SocketKind,
}

impl Dialogue for Listener {
    fn hear(&mut self, _text: &str) -> Answer {
        Answer::Nothing
    }

    fn sample(&self) -> Event {
        sample(self.kind)
    }

    fn heartbeat(&self, now_ms: i64) -> Option<Message> {
        let keeps = self.kind == SocketKind::Frames;
        keeps.then(|| Event::flat(self.kind.name(), &flat_bodies::keepalive(now_ms)).message)
    }
}

/// A socket that is closed as soon as it is open.
pub(super) struct Refusal {
    /// Taken when it was said.
    pub(super) farewell: Option<Farewell>,
    pub(super) since: Instant,
    pub(super) kind: SocketKind,
}

impl Dialogue for Refusal {
    fn hear(&mut self, _text: &str) -> Answer {
        Answer::Nothing
    }

    fn sample(&self) -> Event {
        sample(self.kind)
    }

    fn wake(&self) -> Option<Instant> {
        self.farewell.as_ref().map(|_| self.since)
    }

    fn due(&mut self, _now: Instant, _out: &mut Vec<Event>) -> Option<Farewell> {
        self.farewell.take()
    }
}

/// An event of a socket that is nobody's in particular.
pub(super) fn sample(kind: SocketKind) -> Event {
    let id = "00000000-0000-4000-8000-000000000000";
    let time = "2026-01-01T00:00:00.000Z";
    let body = match kind {
        SocketKind::AppFoundry => json!({ "type": "notification", "timestamp": time }),
        SocketKind::Routing => json!({
            "queueId": id, "interactionId": id, "eventType": "queued", "waitTime": 0,
            "agentStatus": "IDLE", "timestamp": time,
        }),
        SocketKind::Frames => json!({
            "type": "interaction.update", "id": id, "routing": { "queueId": id }, "timestamp": time,
        }),
        SocketKind::Realtime => json!({ "type": "event", "timestamp": time }),
        SocketKind::Presence => json!({
            "eventType": "presence", "userId": id, "state": "AVAILABLE", "timestamp": time,
        }),
    };
    Event::flat(kind.name(), &body)
}

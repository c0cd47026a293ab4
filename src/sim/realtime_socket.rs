//! The socket of live analytics: the token comes with the first message.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::application_socket::error;
use super::dialogue::{Answer, Dialogue, sample};
use super::farewell::{Farewell, POLICY, PROTOCOL};
use super::frames::Event;
use super::open_sockets::Hears;
use super::shared::Shared;
use super::socket_kind::SocketKind;

/// Largest message of a client, in bytes: the limit that the tutorial states for the first one.
const MESSAGE_MAX: usize = 65_536;

/// One connection.
pub(super) struct RealtimeSocket {
    pub(super) shared: Arc<Shared>,
    pub(super) serial: u64,
    /// When the subscription has to be there; `None` once it is, or when there is no such time.
    pub(super) deadline: Option<Instant>,
    pub(super) subscribed: bool,
}

impl Dialogue for RealtimeSocket {
    fn hear(&mut self, text: &str) -> Answer {
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        let subscribes = message.get("type").and_then(Value::as_str) == Some("subscribe");
        if !subscribes {
            return if self.subscribed {
                error("type must be subscribe")
            } else {
                Answer::Close(Farewell::new(PROTOCOL, "the first message must be subscribe"))
            };
        }
        let token = message.get("token").and_then(Value::as_str).unwrap_or_default();
        let mut state = self.shared.lock();
        let Ok(caller) = state.oauth.check_token(token) else {
            return Answer::Close(Farewell::new(POLICY, "token is missing, unknown or expired"));
        };
        state.sockets.listen(self.serial, Hears::All, Some(caller.token));
        drop(state);
        self.deadline = None;
        self.subscribed = true;
        self.shared.interest.notify_one();
        self.shared.deadlines.notify_one();
        let connection = message.get("connectionId").cloned().unwrap_or_default();
        Answer::Text(json!({ "type": "subscribed", "connectionId": connection }).to_string())
    }

    fn sample(&self) -> Event {
        sample(SocketKind::Realtime)
    }

    fn message_max(&self) -> usize {
        MESSAGE_MAX
    }

    fn wake(&self) -> Option<Instant> {
        self.deadline
    }

    fn due(&mut self, now: Instant, _out: &mut Vec<Event>) -> Option<Farewell> {
        let late = self.deadline.is_some_and(|deadline| deadline <= now);
        late.then(|| Farewell::new(POLICY, "no subscribe message in time"))
    }
}

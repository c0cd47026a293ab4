//! The socket of presence: only the users that were subscribed to.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use super::application_socket::error;
use super::dialogue::{Answer, Dialogue, sample};
use super::frames::Event;
use super::open_sockets::Hears;
use super::shared::Shared;
use super::socket_kind::SocketKind;

/// Users of one connection: the limit that the tutorial states.
const USERS_MAX: usize = 100;

/// One connection.
pub(super) struct PresenceSocket {
    pub(super) shared: Arc<Shared>,
    pub(super) serial: u64,
    /// In lower case.
    pub(super) users: BTreeSet<String>,
}

/// `{"type":"subscribe","eventTypes":["presence"],"filters":{"userId":[…]}}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    event_types: Vec<String>,
    #[serde(default)]
    filters: Filters,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filters {
    #[serde(default)]
    user_id: Vec<String>,
}

impl Dialogue for PresenceSocket {
    /// A success has no answer: every text that this socket sends is about a user, or an error.
    fn hear(&mut self, text: &str) -> Answer {
        let message: Message = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(why) => return error(&format!("not a subscription: {why}")),
        };
        let named: BTreeSet<String> =
            message.filters.user_id.iter().map(|user| user.to_ascii_lowercase()).collect();
        let users: BTreeSet<String> = match message.kind.as_str() {
            "subscribe" if !message.event_types.iter().any(|kind| kind == "presence") => {
                return error("eventTypes must have presence");
            }
            "subscribe" => self.users.union(&named).cloned().collect(),
            "unsubscribe" => self.users.difference(&named).cloned().collect(),
            _ => return error("type must be subscribe or unsubscribe"),
        };
        if users.len() > USERS_MAX {
            return error("at most 100 users can be subscribed to; nothing has changed");
        }
        self.users.clone_from(&users);
        self.shared.lock().sockets.listen(self.serial, Hears::Users(users), None);
        self.shared.interest.notify_one();
        Answer::Nothing
    }

    fn sample(&self) -> Event {
        sample(SocketKind::Presence)
    }
}

//! The socket of an application: `init`, heartbeats, and media on request.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::dialogue::{Answer, Dialogue, sample};
use super::farewell::{Farewell, POLICY};
use super::frames::Event;
use super::media::Media;
use super::open_sockets::Hears;
use super::shared::Shared;
use super::socket_kind::SocketKind;

/// One connection of an application.
pub(super) struct ApplicationSocket {
    pub(super) shared: Arc<Shared>,
    pub(super) serial: u64,
    pub(super) application: Arc<str>,
    pub(super) media: Option<Media>,
}

impl ApplicationSocket {
    fn init(&mut self, message: &Map<String, Value>) -> Answer {
        let named = message.get("appId").and_then(Value::as_str);
        if named.is_some_and(|named| !named.eq_ignore_ascii_case(&self.application)) {
            return Answer::Close(Farewell::new(POLICY, "appId is not that of the address"));
        }
        match message.get("media") {
            None | Some(Value::Null) => {}
            Some(wish) => match Media::read(wish, Instant::now()) {
                Ok(media) => self.media = Some(media),
                Err(why) => return error(&why),
            },
        }
        // Events begin with the acknowledgement.
        self.shared.lock().sockets.listen(self.serial, Hears::All, None);
        self.shared.interest.notify_one();
        Answer::Text(
            json!({
                "type": "init_ack",
                "appId": self.application,
                "timestamp": self.shared.clock.at(Instant::now()),
            })
            .to_string(),
        )
    }

    fn pong(&self, message: &Map<String, Value>) -> Answer {
        let mut pong = Map::new();
        pong.insert("type".into(), json!("pong"));
        pong.insert("appId".into(), json!(self.application));
        if let Some(id) = message.get("id") {
            pong.insert("id".into(), id.clone());
        }
        pong.insert("timestamp".into(), json!(self.shared.clock.at(Instant::now())));
        Answer::Pong(Value::Object(pong).to_string())
    }
}

impl Dialogue for ApplicationSocket {
    fn hear(&mut self, text: &str) -> Answer {
        let Ok(Value::Object(message)) = serde_json::from_str(text) else {
            return error("not a JSON object");
        };
        match message.get("type").and_then(Value::as_str) {
            Some("init") => self.init(&message),
            Some("ping") => self.pong(&message),
            _ => error("type must be init or ping"),
        }
    }

    fn sample(&self) -> Event {
        sample(SocketKind::AppFoundry)
    }

    fn message_max(&self) -> usize {
        self.shared.config.application_message_max
    }

    fn idle(&self) -> Option<Duration> {
        Some(self.shared.config.application_idle)
    }

    fn wake(&self) -> Option<Instant> {
        self.media.as_ref().map(Media::wake)
    }

    fn due(&mut self, now: Instant, out: &mut Vec<Event>) -> Option<Farewell> {
        if let Some(media) = &mut self.media {
            media.due(now, "media", out);
        }
        None
    }
}

/// The answer to what is not understood; the socket stays open.
pub(super) fn error(message: &str) -> Answer {
    Answer::Text(json!({ "type": "error", "message": message }).to_string())
}

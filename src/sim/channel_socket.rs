//! The socket of a channel: what its client says, and what it is answered.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tungstenite::Message;

use super::channels::Channel;
use super::dialogue::{Answer, Dialogue};
use super::frames::{self, Event};
use super::ids;
use super::shared::Shared;
use super::subscribe::{self, Mode, Refused};

/// The socket of a channel.
pub(super) struct ChannelSocket {
    pub(super) shared: Arc<Shared>,
    pub(super) channel: Arc<str>,
}

impl Dialogue for ChannelSocket {
    fn hear(&mut self, text: &str) -> Answer {
        let Self { shared, channel } = self;
        shared.lock().channels.touch(channel);
        let Ok(Value::Object(message)) = serde_json::from_str(text) else {
            return Answer::Text(refused("error", "not a JSON object", None));
        };
        let correlation = message.get("correlationId").cloned();
        Answer::Text(match message.get("message").and_then(Value::as_str) {
            Some("ping") => return Answer::Pong(frames::PONG.to_owned()),
            Some("subscribe") => change(shared, channel, &message, correlation, true),
            Some("unsubscribe") => change(shared, channel, &message, correlation, false),
            _ => refused("error", "unknown message", correlation),
        })
    }

    fn sample(&self) -> Event {
        let mut state = self.shared.lock();
        let correlation = ids::uuid(&mut state.rng);
        let channel = state.channels.get(&self.channel);
        let topic = channel.map_or("v2.system.socket_closing", Channel::any_topic);
        Event::new(topic, &json!({ "source": "PURECLOUD" }), &correlation)
    }

    fn heartbeat(&self, _now_ms: i64) -> Option<Message> {
        Some(Message::text(frames::HEARTBEAT))
    }
}

fn change(
    shared: &Shared,
    channel: &Arc<str>,
    message: &Map<String, Value>,
    correlation: Option<Value>,
    add: bool,
) -> String {
    let Some(topics) = topics(message) else {
        return refused("failure", "topics must be an array of strings", correlation);
    };
    let outcome = {
        let mut state = shared.lock();
        if state.channels.get(channel).is_none() {
            return frames::gone("channel does not exist");
        }
        if add {
            let life = shared.config.channel_life;
            subscribe::subscribe(&mut state, channel, &topics, Mode::Add, false, life).map(drop)
        } else {
            subscribe::unsubscribe(&mut state, channel, &topics)
        }
    };
    shared.interest.notify_one();
    match outcome {
        Ok(()) => {
            let status = if add { "subscribed" } else { "unsubscribed" };
            with_correlation(json!({ "result": "200", "status": status }), correlation)
        }
        Err(why) => refused("failure", &explain(&why), correlation),
    }
}

fn topics(message: &Map<String, Value>) -> Option<Vec<String>> {
    let topics = message.get("topics")?.as_array()?;
    topics.iter().map(|topic| topic.as_str().map(str::to_owned)).collect()
}

fn explain(why: &Refused) -> String {
    match why {
        Refused::Invalid(topics) => format!("invalid topics: {}", topics.join(", ")),
        Refused::Forbidden(topics) => format!("missing permissions: {}", topics.join(", ")),
        Refused::TooMany => "too many topics on this channel".to_owned(),
    }
}

fn refused(status: &str, message: &str, correlation: Option<Value>) -> String {
    let body = json!({ "result": "400", "status": status, "message": message });
    with_correlation(body, correlation)
}

fn with_correlation(mut body: Value, correlation: Option<Value>) -> String {
    if let Some(correlation) = correlation {
        body["correlationId"] = correlation;
    }
    body.to_string()
}

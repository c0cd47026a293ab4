//! The socket that tells the presence of users.

use serde::Serialize;

use crate::core::id_text::canonical;
use crate::error::{Error, Result};
use crate::events::Topic;
use crate::events::bodies::{Misfit, PresenceUpdate, peek};
use crate::protocols::address::{Address, address_setters, token};
use crate::protocols::message::{body_of, event, json, malformed, text_of, unrecognized};
use crate::protocols::routing_interactions::query_token_timing;
use crate::streaming::protocol::{
    Decode, Decoded, DecoderContext, DialContext, DialRequest, GreetingContext, Inbound, Needs,
    Notice, Outbound, Protocol, SubscriptionContext, TopicFilter,
};
use crate::streaming::session::Timing;
use crate::streaming::typed::Typed;

const PATH: &str = "/api/v2/analytics/events";
const PARAMETER: &str = "token";
/// What the socket calls the events of this protocol.
const PRESENCE: &str = "presence";

/// The socket that tells the presence of users, as [`PresenceUpdate`].
///
/// This socket is not in the platform's published API. The published way to the same is the notification topic
/// [`topics::users::presence`](crate::topics::users::presence) of each user.
///
/// The token is in the address. Users are subscribed as topics, `socket.presence.{userId}`, made by
/// [`user`](Self::user), at most [`MAX_USERS`](Self::MAX_USERS) on a connection. A subscribe message names all of them, an
/// unsubscribe message those that are removed. A message without a user or a state is [`Typed::Malformed`].
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use genesys_cloud::protocols::PresenceEvents;
///
/// let agent = PresenceEvents::user("8f0c1d2e-3a4b-4c5d-8e6f-0123456789ab");
/// let events = client.connect(PresenceEvents::new()).subscribe(agent).start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PresenceEvents {
    address: Address,
    parameter: Box<str>,
}

impl Default for PresenceEvents {
    fn default() -> Self {
        Self::new()
    }
}

impl PresenceEvents {
    /// Most users of one connection.
    pub const MAX_USERS: usize = 100;

    /// The socket, without users.
    pub fn new() -> Self {
        Self { address: Address::new(PATH), parameter: PARAMETER.into() }
    }

    address_setters!();

    /// The query parameter that holds the token. Default `token`.
    pub fn token_parameter(mut self, name: &str) -> Self {
        self.parameter = name.into();
        self
    }

    /// The topic of a user: what is subscribed.
    pub fn user(id: &str) -> Topic<PresenceUpdate> {
        PresenceUpdate::topic(id)
    }
}

/// The message that subscribes or unsubscribes these users.
fn message<'a>(r#type: &'a str, users: impl IntoIterator<Item = &'a Topic>) -> Outbound {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Message<'a> {
        r#type: &'a str,
        event_types: [&'a str; 1],
        filters: Filters<'a>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Filters<'a> {
        user_id: Vec<&'a str>,
    }
    let user_id = users.into_iter().filter_map(PresenceUpdate::user_of).collect();
    json(&Message { r#type, event_types: [PRESENCE], filters: Filters { user_id } })
}

impl Protocol<Typed<PresenceUpdate>> for PresenceEvents {
    fn needs(&self) -> Needs {
        Needs::Token
    }

    fn dial(&self, context: &DialContext<'_>) -> Result<DialRequest> {
        let token = token(context.token)?;
        let url = self.address.url_with_token(context.endpoints, &self.parameter, token)?;
        Ok(DialRequest::new(url))
    }

    fn greeting(&self, context: &GreetingContext<'_>) -> Vec<Outbound> {
        if context.wanted.is_empty() {
            return Vec::new();
        }
        vec![message("subscribe", context.wanted)]
    }

    fn check_topic(&self, topic: &Topic) -> Result<()> {
        if PresenceUpdate::user_of(topic).is_none() {
            return Err(Error::config(format!(
                "{topic} cannot be subscribed here: this socket knows socket.presence.{{userId}}, made by \
                 PresenceEvents::user"
            )));
        }
        Ok(())
    }

    fn max_topics(&self) -> usize {
        Self::MAX_USERS
    }

    fn subscription(&self, context: &SubscriptionContext<'_>) -> Result<Vec<Outbound>> {
        let SubscriptionContext { wanted, before, .. } = context;
        let gone: Vec<&Topic> = before.iter().filter(|topic| !wanted.contains(topic)).collect();
        let mut messages = Vec::new();
        if !gone.is_empty() {
            messages.push(message("unsubscribe", gone));
        }
        if wanted.iter().any(|topic| !before.contains(topic)) {
            messages.push(message("subscribe", *wanted));
        }
        Ok(messages)
    }

    /// A ping after 20 s of quiet, 10 s for its answer, 5 s for the answer to a close frame.
    fn timing(&self) -> Timing {
        query_token_timing()
    }

    fn decoder(&self, context: &DecoderContext<'_>) -> Box<dyn Decode<Typed<PresenceUpdate>>> {
        Box::new(Decoder { filter: context.filter.clone() })
    }
}

struct Decoder {
    filter: Option<TopicFilter>,
}

impl Decode<Typed<PresenceUpdate>> for Decoder {
    fn decode(&mut self, message: Inbound<'_>) -> Decoded<Typed<PresenceUpdate>> {
        let text = match text_of(message) {
            Ok(text) => text,
            Err(bad) => return event(Topic::none(), bad),
        };
        let user = peek(text, &["userId"]);
        let topic = match user.as_deref().map(canonical) {
            Some(user) if !user.is_empty() => PresenceUpdate::topic(&user).untyped(),
            _ => Topic::none(),
        };
        if let Some(wanted) = &self.filter
            && !topic.is_none()
            && !wanted(topic.name())
        {
            return Decoded::nothing(Notice::None);
        }
        event(topic, presence(text))
    }
}

/// A message that says that it is a presence, or holds one, has to name a user and a state.
fn presence(text: &str) -> Typed<PresenceUpdate> {
    let kind = peek(text, &["eventType"]);
    let body: PresenceUpdate = match body_of(text) {
        Ok(body) => body,
        Err(bad) => return bad,
    };
    let is_presence = match kind.as_deref() {
        Some(kind) => kind == PRESENCE,
        None => body.user_id.is_some() || body.state.is_some(),
    };
    if !is_presence {
        let kind = kind.or_else(|| peek(text, &["type"])).unwrap_or_default();
        return unrecognized(&kind, text);
    }
    let missing = |value: Option<&str>| value.is_none_or(|value| value.trim().is_empty());
    let path = if missing(body.user_id.as_deref()) {
        "userId"
    } else if missing(body.state.as_deref()) {
        "state"
    } else {
        return Typed::Body(Box::new(body));
    };
    malformed(Misfit { error: "a presence without this member".into(), path: path.into() }, text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;
    use crate::protocols::testing::{TOKEN, at, binary, decoder, greeting, text, url, word};

    const USER: &str = "8f0c1d2e-3a4b-4c5d-8e6f-0123456789ab";

    #[test]
    fn the_address_and_the_subscription_are_worded_as_the_socket_takes_them() {
        let protocol = PresenceEvents::new();
        let expected = format!("wss://api.mypurecloud.com/api/v2/analytics/events?token={TOKEN}");
        assert_eq!(url(&protocol), expected);
        assert_eq!(greeting(&protocol, &[]), []);
        let wanted = [
            PresenceEvents::user(&USER.to_uppercase()).untyped(),
            Topic::unchecked("socket.presence.b.c"),
        ];
        let message = format!(
            r#"{{"type":"subscribe","eventTypes":["presence"],"filters":{{"userId":["{USER}","b.c"]}}}}"#
        );
        let message = [Outbound::Text(message.into())];
        assert_eq!(greeting(&protocol, &wanted), message);
        let asked = |before: &[Topic], wanted: &[Topic]| {
            let (now, mono) = (at(), std::time::Instant::now());
            let context = SubscriptionContext { wanted, before, now, mono };
            protocol.subscription(&context).unwrap()
        };
        assert_eq!(asked(&wanted[1..], &wanted), message, "all of them, whoever was there before");
        let gone = format!(
            r#"{{"type":"unsubscribe","eventTypes":["presence"],"filters":{{"userId":["{USER}"]}}}}"#
        );
        assert_eq!(asked(&wanted, &wanted[1..]), [Outbound::Text(gone.into())]);
        assert_eq!(asked(&wanted[..1], &wanted[1..]).len(), 2);
        assert_eq!(asked(&wanted, &wanted), []);
    }

    #[test]
    fn only_users_can_be_subscribed() {
        let protocol = PresenceEvents::new();
        assert!(protocol.check_topic(&PresenceEvents::user(USER).untyped()).is_ok());
        for bad in ["v2.users.a.presence", "socket.presence.", "socket.routing.interactions"] {
            let error = protocol.check_topic(&Topic::unchecked(bad)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{bad}");
        }
    }

    #[test]
    fn what_comes_is_a_presence_or_says_what_is_wrong() {
        let mut decoder = decoder(&PresenceEvents::new(), None);
        let table = [
            (
                r#"{"eventType":"presence","userId":"u","state":"Available","timestamp":"2026-03-04T09:30:00Z"}"#,
                "body",
            ),
            (r#"{"userId":"u","state":"Busy"}"#, "body"),
            (r#"{"eventType":null,"userId":"u","state":"Busy","more":[1.0]}"#, "body"),
            (
                r#"{"eventType":"presence","userId":"u","state":"brand new","timestamp":null}"#,
                "body",
            ),
            (r#"{"eventType":"presence","userId":"u"}"#, "malformed state"),
            (r#"{"eventType":"presence","userId":"u","state":null}"#, "malformed state"),
            (r#"{"eventType":"presence","userId":"u","state":" "}"#, "malformed state"),
            (r#"{"eventType":"presence","state":"Available"}"#, "malformed userId"),
            (r#"{"eventType":"presence"}"#, "malformed userId"),
            (r#"{"userId":"u","state":7}"#, "malformed state"),
            (r#"{"eventType":"presence","userId":["u"]}"#, "malformed userId"),
            (r#"{"eventType":"queue","userId":"u","state":"x"}"#, "unrecognized queue"),
            (r#"{"type":"subscribed"}"#, "unrecognized subscribed"),
            ("{}", "unrecognized "),
            ("[]", "malformed "),
            ("not json", "malformed "),
            ("", "malformed "),
        ];
        for (message, expected) in table {
            assert_eq!(word(&text(&mut *decoder, message)), expected, "{message}");
        }
        assert_eq!(word(&binary(&mut *decoder, b"\xc3\x28")), "malformed ");
        let huge = format!(r#"{{"userId":"u","state":"x","more":"{}"}}"#, "y".repeat(1 << 20));
        assert_eq!(word(&text(&mut *decoder, &huge)), "body");
    }

    #[test]
    fn an_event_has_its_users_topic_and_the_filter_is_asked_with_it() {
        let topic = PresenceEvents::user(USER);
        let wanted = topic.name().to_owned();
        let filter: TopicFilter = std::sync::Arc::new(move |name: &str| name == wanted);
        let mut decoder = decoder(&PresenceEvents::new(), Some(filter));
        let mine = format!(r#"{{"userId":"{}","state":"x"}}"#, USER.to_uppercase());
        assert_eq!(text(&mut *decoder, &mine).item.unwrap().topic, topic);
        assert!(text(&mut *decoder, r#"{"userId":"u","state":"x"}"#).item.is_none());
        assert!(
            text(&mut *decoder, r#"{"type":"error"}"#).item.is_some(),
            "what has no topic passes"
        );
    }

    proptest! {
        #[test]
        fn every_message_comes_out_once_and_a_body_has_a_user_and_a_state(
            kind in proptest::option::of(prop_oneof![Just("presence".to_owned()), any::<String>()]),
            user in proptest::option::of(any::<String>()),
            state in proptest::option::of(any::<String>()),
        ) {
            let message = serde_json::json!({"eventType": kind, "userId": user, "state": state});
            let message = message.to_string();
            let item = text(&mut *decoder(&PresenceEvents::new(), None), &message).item.unwrap();
            if let Typed::Body(body) = item.event {
                prop_assert!(!body.state.as_deref().unwrap().trim().is_empty());
                prop_assert!(!item.topic.is_none());
                prop_assert_eq!(serde_json::to_value(&*body).unwrap(), serde_json::from_str::<serde_json::Value>(&message).unwrap());
            }
        }
    }
}

//! The socket that tells each step of the interactions in queues.

use std::time::Duration;

use crate::core::close::Gone;
use crate::core::id_text::IdSet;
use crate::error::Result;
use crate::events::Topic;
use crate::events::bodies::{RoutingInteraction, peek};
use crate::protocols::address::{Address, address_setters, token};
use crate::protocols::message::{body_of, event, text_of, unrecognized};
use crate::streaming::protocol::{
    Decode, Decoded, DecoderContext, DialContext, DialRequest, Inbound, Needs, Notice, Protocol,
    TopicFilter,
};
use crate::streaming::session::Timing;
use crate::streaming::typed::Typed;

const PATH: &str = "/api/v2/routing/interactions/events";
const PARAMETER: &str = "access_token";
const TOPIC: &str = "socket.routing.interactions";

/// The members of which a message has at least one.
const MEMBERS: &[&str] =
    &["queueId", "interactionId", "eventType", "waitTime", "agentStatus", "timestamp"];

/// The socket that tells each step of the interactions in queues, as [`RoutingInteraction`].
///
/// This socket is not in the platform's published API. The published way to the same is the notification topic
/// [`topics::routing::queue_conversations`](crate::topics::routing::queue_conversations) of each queue, or
/// `v2.detail.events.conversation.{id}.acd.start` and `.end` with the feature `detail-events`.
///
/// The token is in the address, and needs the scope [`SCOPE`](Self::SCOPE). Everything is sent without being asked;
/// a loss is reported under the topic `socket.routing.interactions`.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use genesys_cloud::protocols::RoutingInteractions;
///
/// let protocol = RoutingInteractions::new().queues(["5F4E3D2C1B0A49888776655443322110"]);
/// let events = client.connect(protocol).start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RoutingInteractions {
    address: Address,
    parameter: Box<str>,
    queues: Option<IdSet>,
}

impl Default for RoutingInteractions {
    fn default() -> Self {
        Self::new()
    }
}

impl RoutingInteractions {
    /// The scope that the token needs.
    pub const SCOPE: &str = "routing:interaction:read";

    /// The socket of all queues.
    pub fn new() -> Self {
        Self { address: Address::new(PATH), parameter: PARAMETER.into(), queues: None }
    }

    address_setters!();

    /// The query parameter that holds the token. Default `access_token`.
    pub fn token_parameter(mut self, name: &str) -> Self {
        self.parameter = name.into();
        self
    }

    /// Delivers only interactions of these queues. Ids are compared without regard to hyphens and case, before the rest
    /// of a message is looked at; a message that names no queue is delivered.
    pub fn queues<T: AsRef<str>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        self.queues = Some(IdSet::new(ids));
        self
    }
}

impl Protocol<Typed<RoutingInteraction>> for RoutingInteractions {
    fn needs(&self) -> Needs {
        Needs::Token
    }

    fn dial(&self, context: &DialContext<'_>) -> Result<DialRequest> {
        let token = token(context.token)?;
        let url = self.address.url_with_token(context.endpoints, &self.parameter, token)?;
        Ok(DialRequest::new(url))
    }

    fn covers(&self) -> Vec<Topic> {
        vec![Topic::unchecked(TOPIC)]
    }

    fn refusal_hint(&self, _: &Gone) -> Option<&str> {
        Some("it needs the scope routing:interaction:read")
    }

    /// A ping after 20 s of quiet, 10 s for its answer, 5 s for the answer to a close frame.
    fn timing(&self) -> Timing {
        query_token_timing()
    }

    fn decoder(&self, context: &DecoderContext<'_>) -> Box<dyn Decode<Typed<RoutingInteraction>>> {
        Box::new(Decoder {
            topic: Topic::unchecked(TOPIC),
            queues: self.queues.clone(),
            filter: context.filter.clone(),
        })
    }
}

/// The deadlines of the sockets that take the token in their address.
pub(super) fn query_token_timing() -> Timing {
    Timing::default()
        .ping_after(Duration::from_secs(20))
        .silence(Duration::from_secs(30))
        .close(Duration::from_secs(5))
}

struct Decoder {
    topic: Topic,
    queues: Option<IdSet>,
    filter: Option<TopicFilter>,
}

impl Decode<Typed<RoutingInteraction>> for Decoder {
    fn decode(&mut self, message: Inbound<'_>) -> Decoded<Typed<RoutingInteraction>> {
        if self.filter.as_ref().is_some_and(|wanted| !wanted(self.topic.name())) {
            return Decoded::nothing(Notice::None);
        }
        let text = match text_of(message) {
            Ok(text) => text,
            Err(bad) => return event(self.topic.clone(), bad),
        };
        if let Some(queues) = &self.queues
            && let Some(queue) = peek(text, &["queueId"])
            && !queues.contains(&queue)
        {
            return Decoded::nothing(Notice::None);
        }
        let found = match body_of::<RoutingInteraction, _>(text) {
            Ok(body) if is_other(&body, text) => {
                unrecognized(&peek(text, &["type", "message"]).unwrap_or_default(), text)
            }
            Ok(body) => Typed::Body(Box::new(body)),
            Err(bad) => bad,
        };
        event(self.topic.clone(), found)
    }
}

/// Whether an object has no member of an interaction, not even a null one.
fn is_other(body: &RoutingInteraction, text: &str) -> bool {
    let empty = body.queue_id.is_none()
        && body.interaction_id.is_none()
        && body.event_type.is_none()
        && body.wait_time.is_none()
        && body.agent_status.is_none()
        && body.timestamp.is_none();
    empty && {
        let members: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(text).unwrap_or_default();
        !MEMBERS.iter().any(|name| members.contains_key(*name))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocols::testing::{TOKEN, binary, cloud, decoder, dial, text, url, word};

    const QUEUE: &str = "5f4e3d2c-1b0a-4988-8776-655443322110";

    #[test]
    fn the_token_is_in_the_query_and_never_shown() {
        let expected = format!(
            "wss://api.mypurecloud.com/api/v2/routing/interactions/events?access_token={TOKEN}"
        );
        assert_eq!(url(&RoutingInteractions::new()), expected);
        let other = RoutingInteractions::new()
            .host("ws://localhost:9")
            .path("/events")
            .token_parameter("t");
        assert_eq!(url(&other), format!("ws://localhost:9/events?t={TOKEN}"));
        let request = dial(&other, &cloud()).unwrap();
        assert!(!format!("{request:?} {other:?}").contains(TOKEN));
        let plain = RoutingInteractions::new().host("ws://gw.example");
        assert!(dial(&plain, &cloud()).is_err());
        assert!(dial(&plain.allow_plain(true), &cloud()).is_ok());
    }

    #[test]
    fn the_deadlines_are_those_of_the_socket() {
        let timing = RoutingInteractions::new().timing();
        assert_eq!(timing.silence - timing.ping_after, Duration::from_secs(10));
        assert_eq!(
            (timing.ping_after, timing.close),
            (Duration::from_secs(20), Duration::from_secs(5))
        );
    }

    #[test]
    fn what_comes_is_a_body_or_says_what_is_wrong() {
        let mut decoder = decoder(&RoutingInteractions::new(), None);
        let deep =
            format!("{{\"queueId\":\"q\",\"x\":{}1{}}}", "[".repeat(9_999), "]".repeat(9_999));
        let table = [
            (
                r#"{"queueId":"q","interactionId":"i","eventType":"e","waitTime":1200,"agentStatus":"Available","timestamp":"2026-03-04T09:30:00Z"}"#,
                "body",
            ),
            (r#"{"queueId":"q"}"#, "body"),
            (r#"{"queueId":null,"agentStatus":null}"#, "body"),
            (r#"{"waitTime":1.5,"eventType":"brand-new","more":[1.0]}"#, "body"),
            (&*deep, "body"),
            (r#"{"type":"hello"}"#, "unrecognized hello"),
            (r#"{"message":"pong"}"#, "unrecognized pong"),
            ("{}", "unrecognized "),
            (r#"{"queueId":"q","waitTime":"long"}"#, "malformed waitTime"),
            (r#"{"queueId":7}"#, "malformed queueId"),
            ("[]", "malformed "),
            ("null", "malformed "),
            ("not json", "malformed "),
            (r#"{"queueId":"q"} {}"#, "malformed "),
            ("", "malformed "),
        ];
        for (message, expected) in table {
            let decoded = text(&mut *decoder, message);
            assert_eq!(word(&decoded), expected, "{message:.80}");
            assert_eq!(decoded.item.unwrap().topic.name(), TOPIC);
        }
        assert_eq!(word(&binary(&mut *decoder, br#"{"queueId":"q"}"#)), "body");
        assert_eq!(word(&binary(&mut *decoder, b"\xff\xfe")), "malformed ");
    }

    #[test]
    fn a_body_is_written_again_as_it_came() {
        let message = r#"{"queueId":"q","waitTime":1e3,"agentStatus":null,"new":{"a":[1.0,2]}}"#;
        let decoded = text(&mut *decoder(&RoutingInteractions::new(), None), message);
        let Typed::Body(body) = decoded.item.unwrap().event else { panic!() };
        let again: serde_json::Value = serde_json::to_value(&*body).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(message).unwrap());
        assert!(serde_json::to_string(&*body).unwrap().contains("[1.0,2]"));
    }

    #[test]
    fn the_queue_is_looked_at_before_the_body_and_a_message_without_one_is_not_dropped() {
        let protocol = RoutingInteractions::new().queues([QUEUE]);
        let mut decoder = decoder(&protocol, None);
        let other = r#"{"queueId":"00000000-1b0a-4988-8776-655443322110","waitTime":]]]"#;
        assert_eq!(word(&text(&mut *decoder, other)), "nothing");
        let broken = format!(r#"{{"queueId":"{QUEUE}","waitTime":]]]"#);
        assert_eq!(word(&text(&mut *decoder, &broken)), "malformed ");
        for unnamed in [r#"{"eventType":"e"}"#, r#"{"queueId":null,"eventType":"e"}"#] {
            assert_eq!(word(&text(&mut *decoder, unnamed)), "body");
        }
        let nested = format!(r#"{{"more":{{"queueId":"x"}},"queueId":"{QUEUE}"}}"#);
        assert_eq!(word(&text(&mut *decoder, &nested)), "body");
    }

    #[test]
    fn a_filter_is_asked_with_the_sockets_topic() {
        let none: TopicFilter = std::sync::Arc::new(|topic: &str| topic != TOPIC);
        let mut decoder = decoder(&RoutingInteractions::new(), Some(none));
        assert_eq!(word(&text(&mut *decoder, r#"{"queueId":"q"}"#)), "nothing");
    }

    proptest! {
        #[test]
        fn a_queue_passes_in_any_spelling_and_no_other_does(
            mine in any::<u128>(),
            other in any::<u128>(),
            upper in any::<bool>(),
            hyphens in any::<bool>(),
        ) {
            prop_assume!(mine != other);
            let spell = |id: u128| {
                let plain = format!("{id:032x}");
                let mut id = crate::core::id_text::canonical(&plain).into_owned();
                if upper { id = id.to_uppercase(); }
                if !hyphens { id = id.replace('-', ""); }
                format!(r#"{{"eventType":"e","queueId":"{id}"}}"#)
            };
            let protocol = RoutingInteractions::new().queues([format!("{mine:032x}")]);
            let mut decoder = decoder(&protocol, None);
            prop_assert_eq!(word(&text(&mut *decoder, &spell(mine))), "body");
            prop_assert_eq!(word(&text(&mut *decoder, &spell(other))), "nothing");
        }

        #[test]
        fn every_message_comes_out_once_whatever_it_is(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut decoder = decoder(&RoutingInteractions::new(), None);
            prop_assert!(binary(&mut *decoder, &data).item.is_some());
        }
    }
}

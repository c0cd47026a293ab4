//! The socket of real-time analytics events.

use std::time::Duration;

use crate::core::close::Gone;
use crate::core::settings::InvalidSettings;
use crate::diagnostics::latency_config::DriftCompensation;
use crate::error::{Error, ErrorKind, Result};
use crate::events::bodies::{RealtimeEvent, peek};
use crate::events::{Json, Topic};
use crate::protocols::address::{Address, address_setters, token};
use crate::protocols::message::{body_of, event, json, text_of};
use crate::protocols::realtime_settings::{RealtimeSettings, Subscribe};
use crate::streaming::protocol::{
    Decode, Decoded, DecoderContext, DialContext, DialRequest, GreetingContext, Inbound, Needs,
    Notice, Outbound, Protocol, TopicFilter,
};
use crate::streaming::typed::Typed;

const PATH: &str = "/v2/analytics/events/realtime";
const TOPIC: &str = "socket.analytics.realtime";

/// The socket of real-time analytics events, as [`RealtimeEvent`]: any JSON.
///
/// This socket is not in the platform's published API. The published way to the same are the notification topics
/// `v2.analytics.queues.{id}.observations` and `v2.analytics.users.{id}.aggregates` ([`topics::analytics`](crate::topics::analytics)), and the observation
/// queries of the analytics API.
///
/// The token is in the first message, with an id of the connection and what the peer should do about pings. A
/// connection is replaced without a gap before its token is [`RENEW_EVERY`](Self::RENEW_EVERY) old, and when there is a
/// newer token; one that is nearly so old opens no connection. A loss is reported under the topic `socket.analytics.realtime`.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use std::time::Duration;
/// use genesys_cloud::protocols::RealtimeAnalytics;
///
/// let protocol = RealtimeAnalytics::new("wallboard-7").ping_interval(Duration::from_secs(1));
/// let events = client.connect(protocol).start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RealtimeAnalytics {
    address: Address,
    settings: RealtimeSettings,
    renew_every: Duration,
}

impl RealtimeAnalytics {
    /// Largest first message in bytes that the socket takes.
    pub const MAX_PAYLOAD: usize = 65_536;

    /// Largest age of a connection and of its token unless set otherwise: 50 minutes, before a token of an hour ends.
    pub const RENEW_EVERY: Duration = Duration::from_secs(50 * 60);

    /// A connection with an id of 8 to 36 letters, digits, `_` and `-`.
    ///
    /// What is wrong with the settings is reported when the stream starts, or by [`check`](Self::check).
    pub fn new(connection_id: &str) -> Self {
        Self {
            address: Address::new(PATH),
            settings: RealtimeSettings::new(connection_id),
            renew_every: Self::RENEW_EVERY,
        }
    }

    address_setters!();

    /// How often the peer should expect pings: 100 ms to 5 s. Default 2 s.
    pub fn ping_interval(mut self, interval: Duration) -> Self {
        self.settings.ping_interval = interval;
        self
    }

    /// How the peer should correct its ping schedule.
    pub fn drift_compensation(mut self, drift: DriftCompensation) -> Self {
        self.settings.drift = drift;
        self
    }

    /// Largest age of a connection, and of the token that opened it. Default [`RENEW_EVERY`](Self::RENEW_EVERY).
    pub fn renew_every(mut self, life: Duration) -> Self {
        self.renew_every = life;
        self
    }

    /// Looks at every setting, without connecting.
    ///
    /// # Errors
    /// Everything that is wrong, one entry for each setting.
    pub fn check(&self) -> Result<(), InvalidSettings> {
        self.settings.check()
    }
}

impl Protocol<Typed<RealtimeEvent>> for RealtimeAnalytics {
    fn needs(&self) -> Needs {
        Needs::Token
    }

    fn dial(&self, context: &DialContext<'_>) -> Result<DialRequest> {
        self.settings.check()?;
        let token = token(context.token)?;
        let first = json(&Subscribe::new(&self.settings, token.secret.expose()));
        if matches!(&first, Outbound::Text(text) if text.len() > Self::MAX_PAYLOAD) {
            return Err(Error::new(
                ErrorKind::Capacity,
                format!(
                    "the first message would be over the socket's {} bytes: the token is too long for it",
                    Self::MAX_PAYLOAD
                ),
            ));
        }
        Ok(DialRequest::new(self.address.url(context.endpoints)?))
    }

    fn greeting(&self, context: &GreetingContext<'_>) -> Vec<Outbound> {
        let token = context.token.map(|token| token.secret.expose());
        token.map(|token| json(&Subscribe::new(&self.settings, token))).into_iter().collect()
    }

    fn covers(&self) -> Vec<Topic> {
        vec![Topic::unchecked(TOPIC)]
    }

    fn refusal_hint(&self, _: &Gone) -> Option<&str> {
        Some("it was in the first message of the socket")
    }

    fn renew_after(&self) -> Option<Duration> {
        Some(self.renew_every)
    }

    fn decoder(&self, context: &DecoderContext<'_>) -> Box<dyn Decode<Typed<RealtimeEvent>>> {
        Box::new(Decoder { topic: Topic::unchecked(TOPIC), filter: context.filter.clone() })
    }
}

struct Decoder {
    topic: Topic,
    filter: Option<TopicFilter>,
}

impl Decode<Typed<RealtimeEvent>> for Decoder {
    fn decode(&mut self, message: Inbound<'_>) -> Decoded<Typed<RealtimeEvent>> {
        if self.filter.as_ref().is_some_and(|wanted| !wanted(self.topic.name())) {
            return Decoded::nothing(Notice::None);
        }
        let found = text_of(message).and_then(|text| {
            let value: Json = body_of(text)?;
            let kind = peek(text, &["type"]).or_else(|| peek(text, &["eventType"]));
            Ok(RealtimeEvent::new(kind.unwrap_or_default(), value))
        });
        let found = found.map_or_else(|bad| bad, |body| Typed::Body(Box::new(body)));
        event(self.topic.clone(), found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{
        TOKEN, binary, cloud, decoder, dial, dial_with, greeting, text, url, word,
    };

    fn protocol() -> RealtimeAnalytics {
        RealtimeAnalytics::new("monitor-1")
    }

    #[test]
    fn the_token_is_in_the_first_message_and_nowhere_else() {
        assert_eq!(url(&protocol()), "wss://api.mypurecloud.com/v2/analytics/events/realtime");
        let mut drift = DriftCompensation::new(Duration::from_millis(40), 0.25);
        drift.enabled = false;
        let first = greeting(&protocol().drift_compensation(drift), &[]);
        let expected = r#"{"type":"subscribe","token":"a-token-of-a-test","connectionId":"monitor-1","settings":{"pingInterval":"2s","driftCompensation":{"enabled":false,"maxDriftMs":40,"adjustFactor":0.25}}}"#;
        assert_eq!(first, [Outbound::Text(expected.into())]);
        let shown = format!("{first:?} {:?} {:?}", protocol(), dial(&protocol(), &cloud()));
        assert!(!shown.contains(TOKEN), "{shown}");
        assert_eq!(protocol().renew_after(), Some(Duration::from_secs(3_000)));
    }

    #[test]
    fn a_bad_setting_stops_the_dial_with_all_that_is_wrong() {
        let bad = RealtimeAnalytics::new("x").ping_interval(Duration::ZERO);
        assert_eq!(bad.check().unwrap_err().faults().len(), 2);
        let error = dial(&bad, &cloud()).unwrap_err();
        assert!(error.to_string().contains("connection_id"), "{error}");
        assert!(error.to_string().contains("ping_interval"), "{error}");
    }

    #[test]
    fn a_first_message_over_the_limit_is_not_sent() {
        let sized = |token: usize| dial_with(&protocol(), &cloud(), &"t".repeat(token));
        let Outbound::Text(usual) = &greeting(&protocol(), &[])[0] else { panic!() };
        let room = RealtimeAnalytics::MAX_PAYLOAD - (usual.len() - TOKEN.len());
        assert!(sized(room).is_ok());
        assert_eq!(sized(room + 1).unwrap_err().kind(), ErrorKind::Capacity);
    }

    #[test]
    fn any_json_is_an_event_and_nothing_else_is() {
        let mut decoder = decoder(&protocol(), None);
        let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
        for (message, expected) in [
            (r#"{"type":"metric","value":1.0}"#, Some("metric")),
            (r#"{"eventType":"a","type":"b"}"#, Some("b")),
            (r#"{"eventType":"a","type":null}"#, Some("a")),
            ("{}", Some("")),
            ("[]", Some("")),
            ("null", Some("")),
            (&*deep, Some("")),
            ("", None),
            ("not json", None),
            ("{} {}", None),
        ] {
            let item = text(&mut *decoder, message).item.unwrap();
            match (item.event, expected) {
                (Typed::Body(body), Some(kind)) => {
                    assert_eq!((&*body.kind, body.value.as_str()), (kind, message));
                }
                (Typed::Malformed { .. }, None) => {}
                (other, _) => panic!("{message:.80}: {other:?}"),
            }
        }
        assert_eq!(word(&binary(&mut *decoder, b"{}")), "body");
        assert_eq!(word(&binary(&mut *decoder, b"\xff")), "malformed ");
    }
}

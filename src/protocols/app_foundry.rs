//! The socket of an `AppFoundry` application.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::events::bodies::{AppMessage, peek};
use crate::events::{Json, Timestamp, Topic};
use crate::protocols::address::Address;
use crate::protocols::message::{event, json};
use crate::streaming::protocol::{
    Decode, Decoded, DecoderContext, DialContext, DialRequest, GreetingContext, Inbound, Needs,
    Notice, Outbound, Protocol, TopicFilter,
};
use crate::streaming::typed::Typed;

const PATH: &str = "/api/v2/appfoundry/websocket";
/// The id of the pings that keep the connection alive, as opposed to those that measure it.
const KEEP_ALIVE: &str = "keep-alive";
/// Longest application id that is taken.
const LONGEST_ID: usize = 128;

/// The socket of an `AppFoundry` application: JSON of any kind, and media frames, as [`AppMessage`].
///
/// This socket is not in the platform's published API. The published ways to what it is used for are `AudioHook` for
/// audio, notification topics for events, and the conversation details query of the analytics API for why a connection
/// was dropped.
///
/// It opens without a token. The first message is `{"type":"init","appId":…,"timestamp":…}`; then quiet is answered by
/// `{"type":"ping","appId":…,"id":…}`. A loss is reported under the topic `socket.appfoundry.{appId}`.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use futures::TryStreamExt;
/// use genesys_cloud::{Typed, protocols::AppFoundry};
///
/// let protocol = AppFoundry::new("my-application", "sockets.my-company.example").media("PCMU", 8_000);
/// let mut messages = client.connect(protocol).start().await?;
/// while let Some(delivery) = messages.try_next().await? {
///     if let Typed::Body(message) = delivery.event {
///         println!("{}", message.kind());
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AppFoundry {
    app: Box<str>,
    address: Address,
    media: Option<Media>,
    pongs: bool,
}

/// What asks for media frames.
#[derive(Clone, Debug, Serialize)]
struct Media {
    format: Box<str>,
    rate: u32,
}

impl AppFoundry {
    /// The socket of an application at its `originUrl`, which may carry a scheme or not. Plain `ws://` goes to loopback
    /// addresses only, see [`allow_plain`](Self::allow_plain).
    ///
    /// What is wrong with either is reported when the stream starts.
    pub fn new(app_id: &str, origin_url: &str) -> Self {
        let mut address = Address::new(PATH);
        address.host = Some(origin_url.into());
        Self { app: app_id.into(), address, media: None, pongs: false }
    }

    /// Connects to this path, to which the application's id is added. Default `/api/v2/appfoundry/websocket`.
    pub fn path(mut self, path: &str) -> Self {
        self.address.path = path.trim_end_matches('/').into();
        self
    }

    /// Allows `ws://` to hosts that are not this machine: whoever is on the way reads everything. Default `false`.
    pub fn allow_plain(mut self, yes: bool) -> Self {
        self.address.allow_plain = yes;
        self
    }

    /// Asks for media frames in this format, such as `PCMU`, of so many samples a second.
    pub fn media(mut self, format: &str, rate: u32) -> Self {
        self.media = Some(Media { format: format.into(), rate });
        self
    }

    /// Delivers the answers to pings as messages, too. Default `false`.
    pub fn deliver_pongs(mut self, yes: bool) -> Self {
        self.pongs = yes;
        self
    }

    fn topic(&self) -> Topic {
        Topic::unchecked(format!("socket.appfoundry.{}", self.app))
    }

    fn check_app(&self) -> Result<()> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let dots = self.app.bytes().all(|byte| byte == b'.');
        if self.app.len() > LONGEST_ID || dots || !self.app.bytes().all(plain) {
            return Err(Error::config(
                "an application id is letters, digits, `-`, `_`, `.` and `~`, at most 128 of them; copy it from the \
                 application's page",
            ));
        }
        Ok(())
    }

    fn ping_message(&self, id: &str, at: Option<Timestamp>) -> Outbound {
        #[derive(Serialize)]
        struct Ping<'a> {
            r#type: &'a str,
            #[serde(rename = "appId")]
            app: &'a str,
            id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            timestamp: Option<Timestamp>,
        }
        json(&Ping { r#type: "ping", app: &self.app, id, timestamp: at })
    }
}

impl Protocol<Typed<AppMessage>> for AppFoundry {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn dial(&self, context: &DialContext<'_>) -> Result<DialRequest> {
        self.check_app()?;
        let mut address = self.address.clone();
        address.path = format!("{}/{}", address.path, self.app).into();
        Ok(DialRequest::new(address.url(context.endpoints)?))
    }

    fn greeting(&self, context: &GreetingContext<'_>) -> Vec<Outbound> {
        #[derive(Serialize)]
        struct Init<'a> {
            r#type: &'a str,
            #[serde(rename = "appId")]
            app: &'a str,
            timestamp: Timestamp,
            #[serde(skip_serializing_if = "Option::is_none")]
            media: Option<&'a Media>,
        }
        vec![json(&Init {
            r#type: "init",
            app: &self.app,
            timestamp: context.now.into(),
            media: self.media.as_ref(),
        })]
    }

    fn ping(&self) -> Outbound {
        self.ping_message(KEEP_ALIVE, None)
    }

    fn probe(&self, id: &str, at: std::time::SystemTime) -> Outbound {
        self.ping_message(id, Some(at.into()))
    }

    fn covers(&self) -> Vec<Topic> {
        vec![self.topic()]
    }

    fn decoder(&self, context: &DecoderContext<'_>) -> Box<dyn Decode<Typed<AppMessage>>> {
        let filter = context.filter.clone();
        Box::new(Decoder { topic: self.topic(), pongs: self.pongs, filter })
    }
}

struct Decoder {
    topic: Topic,
    pongs: bool,
    filter: Option<TopicFilter>,
}

impl Decode<Typed<AppMessage>> for Decoder {
    fn decode(&mut self, message: Inbound<'_>) -> Decoded<Typed<AppMessage>> {
        let (message, notice) = match message {
            Inbound::Binary(data) if data.first() == Some(&AppMessage::MEDIA) => {
                (AppMessage::Media(data.clone()), Notice::None)
            }
            Inbound::Binary(data) => (AppMessage::Binary(data.clone()), Notice::None),
            Inbound::Text(text, _) => match serde_json::from_str::<Json>(text) {
                Ok(value) => {
                    let kind: Box<str> = peek(text, &["type"]).unwrap_or_default().into();
                    let notice = if &*kind == "pong" { pong(text) } else { Notice::None };
                    (AppMessage::Json { kind, value }, notice)
                }
                Err(_) => (AppMessage::Text(text.into()), Notice::None),
            },
        };
        let unwanted = self.filter.as_ref().is_some_and(|wanted| !wanted(self.topic.name()));
        if unwanted || (notice != Notice::None && !self.pongs) {
            return Decoded::nothing(notice);
        }
        event(self.topic.clone(), Typed::Body(Box::new(message))).with_notice(notice)
    }
}

/// Which ping a pong answers; one that does not say is a sign of life and no more.
fn pong(text: &str) -> Notice {
    match peek(text, &["id"]).as_deref() {
        Some(KEEP_ALIVE) => Notice::Pong,
        Some(id) => Notice::Probe(id.into()),
        None => Notice::Heartbeat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::testing::{at, binary, cloud, decoder, dial, greeting, text, url, word};
    use crate::region::Endpoints;

    fn app() -> AppFoundry {
        AppFoundry::new("app-1", "sockets.example")
    }

    #[test]
    fn the_origin_may_carry_a_scheme_or_not_and_plain_text_stays_on_this_machine() {
        let expected = "wss://sockets.example/api/v2/appfoundry/websocket/app-1";
        for origin in ["sockets.example", "wss://sockets.example", "https://sockets.example/"] {
            assert_eq!(url(&AppFoundry::new("app-1", origin)), expected, "{origin}");
        }
        assert_eq!(url(&app().path("/ws/")), "wss://sockets.example/ws/app-1");
        let plain = AppFoundry::new("app-1", "ws://sockets.example");
        assert!(dial(&plain, &cloud()).is_err());
        assert!(dial(&plain.allow_plain(true), &cloud()).is_ok());
        let local = Endpoints::single("http://127.0.0.1:8080").unwrap();
        let request = dial(&AppFoundry::new("app-1", "127.0.0.1:8080"), &local).unwrap();
        let expected = "ws://127.0.0.1:8080/api/v2/appfoundry/websocket/app-1";
        assert_eq!(request.url.as_str(), expected);
    }

    #[test]
    fn an_id_that_would_lead_elsewhere_is_refused() {
        for bad in ["", "..", "a/b", "a?b", "a#b", "a b", "é", &"x".repeat(129)] {
            assert!(dial(&AppFoundry::new(bad, "sockets.example"), &cloud()).is_err(), "{bad}");
        }
        assert!(dial(&AppFoundry::new("my.app_1~x", "sockets.example"), &cloud()).is_ok());
    }

    #[test]
    fn the_first_message_and_the_pings_are_worded_as_the_socket_takes_them() {
        let init = r#"{"type":"init","appId":"app-1","timestamp":"2026-03-04T09:30:00.123Z"}"#;
        assert_eq!(greeting(&app(), &[]), [Outbound::Text(init.into())]);
        let media = r#"{"type":"init","appId":"app-1","timestamp":"2026-03-04T09:30:00.123Z","media":{"format":"PCMU","rate":8000}}"#;
        assert_eq!(greeting(&app().media("PCMU", 8_000), &[]), [Outbound::Text(media.into())]);
        let probe =
            r#"{"type":"ping","appId":"app-1","id":"p-7","timestamp":"2026-03-04T09:30:00.123Z"}"#;
        assert_eq!(app().probe("p-7", at()), Outbound::Text(probe.into()));
        let ping = r#"{"type":"ping","appId":"app-1","id":"keep-alive"}"#;
        assert_eq!(app().ping(), Outbound::Text(ping.into()));
    }

    #[test]
    fn every_message_is_delivered_and_none_is_fatal() {
        let mut decoder = decoder(&app(), None);
        let kind = |decoded: Decoded<Typed<AppMessage>>| {
            assert_eq!(decoded.notice, Notice::None);
            let Typed::Body(message) = decoded.item.unwrap().event else { panic!() };
            message.kind().to_owned()
        };
        let huge = format!("{{\"type\":\"big\",\"x\":\"{}\"}}", "y".repeat(1 << 20));
        let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
        let table = [
            (r#"{"type":"init_ack"}"#, "init_ack"),
            (r#"{"appId":"app-1"}"#, "json"),
            (r#"{"type":null}"#, "json"),
            (r#"{"type":7}"#, "json"),
            ("[1,2]", "json"),
            ("null", "json"),
            (&*deep, "json"),
            (&*huge, "big"),
            ("hello", "text"),
            ("{\"type\":", "text"),
            ("", "text"),
        ];
        for (message, expected) in table {
            assert_eq!(kind(text(&mut *decoder, message)), expected, "{message:.80}");
        }
        assert_eq!(kind(binary(&mut *decoder, b"\x80\x00\xff")), "media");
        assert_eq!(kind(binary(&mut *decoder, b"\x81")), "binary");
        assert_eq!(kind(binary(&mut *decoder, b"")), "binary");
    }

    #[test]
    fn json_is_kept_to_the_digit() {
        let message = r#"{"type":"t","n":1.0,"big":123456789012345678901234567890,"none":null}"#;
        let decoded = text(&mut *decoder(&app(), None), message);
        let Typed::Body(body) = decoded.item.unwrap().event else { panic!() };
        assert!(matches!(&*body, AppMessage::Json { value, .. } if value.as_str() == message));
    }

    #[test]
    fn a_pong_is_told_to_whoever_asked_and_is_no_event_unless_wanted() {
        let table = [
            (r#"{"type":"pong","id":"p-7"}"#, Notice::Probe("p-7".into())),
            (r#"{"id":"p-8","type":"pong","timestamp":1}"#, Notice::Probe("p-8".into())),
            (r#"{"type":"pong","id":"keep-alive"}"#, Notice::Pong),
            (r#"{"type":"pong"}"#, Notice::Heartbeat),
            (r#"{"type":"pong","id":7}"#, Notice::Heartbeat),
        ];
        let (mut quiet, mut loud) =
            (decoder(&app(), None), decoder(&app().deliver_pongs(true), None));
        for (message, notice) in table {
            let decoded = text(&mut *quiet, message);
            assert_eq!((&decoded.notice, &*word(&decoded)), (&notice, "nothing"), "{message}");
            let decoded = text(&mut *loud, message);
            assert_eq!((&decoded.notice, &*word(&decoded)), (&notice, "body"), "{message}");
        }
    }
}

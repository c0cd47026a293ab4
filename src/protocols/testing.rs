//! What the tests of the protocols have in common.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use crate::core::ports::AccessToken;
use crate::error::Result;
use crate::events::Topic;
use crate::region::{Endpoints, Region};
use crate::streaming::protocol::{
    Decode, Decoded, DecoderContext, DialContext, DialRequest, GreetingContext, Inbound, Outbound,
    Protocol, StreamEvent, TopicFilter,
};
use crate::streaming::typed::Typed;

pub(super) const TOKEN: &str = "a-token-of-a-test";

pub(super) fn at() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_772_616_600_123)
}

pub(super) fn cloud() -> Endpoints {
    Region::UsEast1.endpoints()
}

pub(super) fn dial<E: StreamEvent>(
    protocol: &impl Protocol<E>,
    endpoints: &Endpoints,
) -> Result<DialRequest> {
    dial_with(protocol, endpoints, TOKEN)
}

pub(super) fn dial_with<E: StreamEvent>(
    protocol: &impl Protocol<E>,
    endpoints: &Endpoints,
    token: &str,
) -> Result<DialRequest> {
    let token = AccessToken::new(token, 1);
    protocol.dial(&DialContext {
        endpoints,
        channel: None,
        token: Some(&token),
        wanted: &[],
        now: at(),
        mono: Instant::now(),
    })
}

/// Where a protocol connects to in a region.
pub(super) fn url<E: StreamEvent>(protocol: &impl Protocol<E>) -> String {
    dial(protocol, &cloud()).unwrap().url.to_string()
}

pub(super) fn greeting<E: StreamEvent>(
    protocol: &impl Protocol<E>,
    wanted: &[Topic],
) -> Vec<Outbound> {
    let token = AccessToken::new(TOKEN, 1);
    let (now, mono) = (at(), Instant::now());
    protocol.greeting(&GreetingContext { token: Some(&token), wanted, now, mono })
}

pub(super) fn decoder<E: StreamEvent>(
    protocol: &impl Protocol<E>,
    filter: Option<TopicFilter>,
) -> Box<dyn Decode<E>> {
    protocol.decoder(&DecoderContext { filter, channel: None })
}

pub(super) fn text<E>(decoder: &mut dyn Decode<E>, text: &str) -> Decoded<E> {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    decoder.decode(Inbound::Text(text, &bytes))
}

pub(super) fn binary<E>(decoder: &mut dyn Decode<E>, data: &[u8]) -> Decoded<E> {
    decoder.decode(Inbound::Binary(&Bytes::copy_from_slice(data)))
}

/// The event in one word, with what is wrong or what it says that it is.
pub(super) fn word<T>(decoded: &Decoded<Typed<T>>) -> String {
    match decoded.item.as_ref().map(|item| &item.event) {
        None => "nothing".into(),
        Some(Typed::Body(_)) => "body".into(),
        Some(Typed::Lifecycle(_)) => "lifecycle".into(),
        Some(Typed::Unrecognized { kind, .. }) => format!("unrecognized {kind}"),
        Some(Typed::Malformed { path, .. }) => format!("malformed {path}"),
    }
}

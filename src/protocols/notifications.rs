//! The platform's notification channels: made by REST, JSON ping, heartbeats, one JSON object per frame.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::core::ids::ChannelId;
use crate::error::{Error, Result};
use crate::events::{
    Decoder, Event, Incoming, Level, Lifecycle, RawEvent, SystemKind, peek_topic,
};
use crate::region::Endpoints;
use crate::streaming::builder::StreamBuilder;
use crate::streaming::driver::Parts;
use crate::streaming::protocol::{
    Decode, Decoded, DecodedItem, DialContext, Health, Notice, Protocol, StreamEvent, TopicFilter,
};
use crate::transport::ws::{DialRequest, Frame};

/// The documented health check of a notification socket.
const PING: &str = r#"{"message":"ping"}"#;

impl StreamEvent for Event {}
impl StreamEvent for RawEvent {}

/// The protocol of notification channels, at one level of decoding.
pub(crate) struct Notifications<E> {
    endpoints: Endpoints,
    level: PhantomData<fn() -> E>,
}

impl<E> Notifications<E> {
    pub(crate) fn new(endpoints: Endpoints) -> Self {
        Self { endpoints, level: PhantomData }
    }
}

impl StreamBuilder<Event> {
    /// Delivers topic and undecoded body, for those who forward or filter.
    pub fn raw(self) -> StreamBuilder<RawEvent> {
        let Parts { connector, tokens, channels, observer, entropy, buffers, filter, own_topic, endpoints, .. } =
            self.parts;
        let protocol = Arc::new(Notifications::new(endpoints.clone()));
        StreamBuilder {
            parts: Parts {
                protocol,
                connector,
                tokens,
                channels,
                observer,
                entropy,
                buffers,
                filter,
                own_topic,
                endpoints,
            },
            settings: self.settings,
        }
    }
}

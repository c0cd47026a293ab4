//! A socket of frames, described for the crate's streams.

use bytes::Bytes;
use genesys_cloud::media::{FrameSource, WireFrame};
use genesys_cloud::{
    Decode, Decoded, DecodedItem, DecoderContext, DialContext, DialRequest, Inbound, Lifecycle,
    Moment, Needs, Protocol, Result, StreamEvent, Topic,
};

/// The socket of the address.
pub(crate) struct Interactions;

/// What the stream yields.
pub(crate) enum Item {
    Frame(Bytes, bool),
    /// Nobody looks at it.
    Other,
}

impl From<Lifecycle> for Item {
    fn from(_: Lifecycle) -> Self {
        Self::Other
    }
}

impl StreamEvent for Item {}

impl FrameSource for Item {
    type Rest = ();

    fn into_frame(self, now: Moment) -> Result<WireFrame, ()> {
        match self {
            Self::Frame(payload, is_binary) => Ok(WireFrame::new(payload, is_binary, now)),
            Self::Other => Err(()),
        }
    }
}

impl Protocol<Item> for Interactions {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn dial(&self, context: &DialContext<'_>) -> Result<DialRequest> {
        Ok(DialRequest::new(context.endpoints.streaming().clone()))
    }

    fn decoder(&self, _: &DecoderContext<'_>) -> Box<dyn Decode<Item>> {
        Box::new(Whole)
    }
}

struct Whole;

impl Decode<Item> for Whole {
    fn decode(&mut self, message: Inbound<'_>) -> Decoded<Item> {
        let item = match message {
            Inbound::Text(_, bytes) => Item::Frame(bytes.clone(), false),
            Inbound::Binary(bytes) => Item::Frame(bytes.clone(), true),
            _ => Item::Other,
        };
        Decoded::event(DecodedItem::new(Topic::none(), item))
    }
}

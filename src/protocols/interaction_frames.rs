//! The stream of interaction frames, text and binary.

use crate::core::close::Gone;
use crate::core::secret::Secret;
use crate::error::Result;
use crate::events::Topic;
use crate::events::bodies::InteractionFrame;
use crate::protocols::address::{Address, address_setters, token};
use crate::protocols::message::event;
use crate::streaming::protocol::{
    Decode, Decoded, DecoderContext, DialContext, DialRequest, Inbound, Needs, Notice, Protocol,
    TopicFilter,
};
use crate::streaming::typed::Typed;
use crate::transport::ws::Buffers;

const PATH: &str = "/api/v2/streaming/interactions";
const TOPIC: &str = "socket.streaming.interactions";

/// The stream of interaction frames, text and binary, undecoded as [`InteractionFrame`].
///
/// This socket is not in the platform's published API. The published ways to the same are the notification topics of
/// conversations ([`topics::users::conversations`](crate::topics::users::conversations),
/// [`topics::routing::queue_conversations`](crate::topics::routing::queue_conversations)), and for audio `AudioHook`, in which the
/// platform opens the connection.
///
/// The token goes in the `Authorization` header, and needs the scopes [`SCOPES`](Self::SCOPES). The bytes of a frame are
/// those that the socket has read, not copied. A message over [`MAX_MESSAGE`](Self::MAX_MESSAGE) bytes is refused from
/// its frame header, before anything is allocated for it; see [`StreamBuilder::buffers`](crate::StreamBuilder::buffers).
/// A loss is reported under the topic `socket.streaming.interactions`.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use futures::TryStreamExt;
/// use genesys_cloud::{Typed, protocols::InteractionFrames};
///
/// let mut frames = client.connect(InteractionFrames::new()).start().await?;
/// while let Some(delivery) = frames.try_next().await? {
///     if let Typed::Body(frame) = delivery.event {
///         println!("{} bytes, binary: {}", frame.payload.len(), frame.binary);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct InteractionFrames {
    address: Address,
    user_agent: Option<Secret>,
}

impl Default for InteractionFrames {
    fn default() -> Self {
        Self::new()
    }
}

impl InteractionFrames {
    /// The scopes that the token needs.
    pub const SCOPES: &[&str] = &["streaming:subscribe", "interaction:read"];

    /// Largest message in bytes unless the stream is given other buffers: 5 MiB.
    pub const MAX_MESSAGE: usize = 5 << 20;

    /// The stream of all interactions that the token may see.
    pub fn new() -> Self {
        Self { address: Address::new(PATH), user_agent: None }
    }

    address_setters!();

    /// What the connection calls itself. Default: this crate's name and version.
    pub fn user_agent(mut self, name: &str) -> Self {
        self.user_agent = Some(name.into());
        self
    }
}

impl Protocol<Typed<InteractionFrame>> for InteractionFrames {
    fn needs(&self) -> Needs {
        Needs::Token
    }

    fn dial(&self, context: &DialContext<'_>) -> Result<DialRequest> {
        let request = DialRequest::new(self.address.url(context.endpoints)?);
        let request = request.bearer(token(context.token)?);
        Ok(match &self.user_agent {
            Some(name) => request.header("user-agent", name.clone()),
            None => request,
        })
    }

    fn covers(&self) -> Vec<Topic> {
        vec![Topic::unchecked(TOPIC)]
    }

    fn refusal_hint(&self, _: &Gone) -> Option<&str> {
        Some("it needs the scopes streaming:subscribe and interaction:read")
    }

    fn buffers(&self) -> Buffers {
        Buffers::default().max_message(Self::MAX_MESSAGE)
    }

    fn decoder(&self, context: &DecoderContext<'_>) -> Box<dyn Decode<Typed<InteractionFrame>>> {
        Box::new(Decoder { topic: Topic::unchecked(TOPIC), filter: context.filter.clone() })
    }
}

struct Decoder {
    topic: Topic,
    filter: Option<TopicFilter>,
}

impl Decode<Typed<InteractionFrame>> for Decoder {
    fn decode(&mut self, message: Inbound<'_>) -> Decoded<Typed<InteractionFrame>> {
        if self.filter.as_ref().is_some_and(|wanted| !wanted(self.topic.name())) {
            return Decoded::nothing(Notice::None);
        }
        let frame = match message {
            Inbound::Text(_, bytes) => InteractionFrame::new(bytes.clone(), false),
            Inbound::Binary(bytes) => InteractionFrame::new(bytes.clone(), true),
        };
        event(self.topic.clone(), Typed::Body(Box::new(frame)))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::protocols::testing::{TOKEN, cloud, decoder, dial, url};

    #[test]
    fn the_token_is_in_a_header_and_not_in_the_address() {
        let protocol = InteractionFrames::new().user_agent("wallboard/3");
        assert_eq!(url(&protocol), "wss://api.mypurecloud.com/api/v2/streaming/interactions");
        let request = dial(&protocol, &cloud()).unwrap();
        assert!(!format!("{request:?}").contains(TOKEN));
        assert_eq!(protocol.buffers().max_message, 5 * 1024 * 1024);
    }

    #[test]
    fn text_and_binary_come_out_as_the_same_bytes_in_the_same_place() {
        let mut decoder = decoder(&InteractionFrames::new(), None);
        let huge = "x".repeat(1 << 20);
        for content in ["", r#"{"type":"keepalive"}"#, "not json", &huge] {
            let bytes = Bytes::copy_from_slice(content.as_bytes());
            for binary in [false, true] {
                let message =
                    if binary { Inbound::Binary(&bytes) } else { Inbound::Text(content, &bytes) };
                let item = decoder.decode(message).item.unwrap();
                let Typed::Body(frame) = item.event else { panic!() };
                assert_eq!((frame.binary, &frame.payload), (binary, &bytes));
                assert_eq!(frame.payload.as_ptr(), bytes.as_ptr(), "not copied");
            }
        }
        let odd = Bytes::from_static(b"\x80\xff\x00");
        let Typed::Body(frame) = decoder.decode(Inbound::Binary(&odd)).item.unwrap().event else {
            panic!()
        };
        assert_eq!(frame.payload, odd);
    }
}

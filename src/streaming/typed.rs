//! A stream of the bodies of one type.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::Stream;
use futures::stream::FusedStream;

use super::delivery::Delivery;
use super::protocol::StreamEvent;
use super::stream::{EventStream, StreamHandle};
use crate::error::Result;
use crate::events::{Event, Lifecycle, TopicBody};

/// The bodies of one type, from [`EventStream::of`].
///
/// Yields `Result<Delivery<Typed<T>>, Error>`: every delivery whose body is a `T`, and everything from which a loss can
/// be told: [`Lifecycle`] items, and frames that could not be decoded. Bodies of other types are passed over. An `Err`
/// is the last item, as it is of the stream within.
///
/// # Cancel safety
/// As of [`EventStream`]: dropping the future of `next()` loses nothing.
#[must_use = "a stream does nothing until it is polled"]
pub struct TypedStream<T> {
    events: EventStream,
    wanted: PhantomData<fn() -> T>,
}

/// One item of a [`TypedStream`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Typed<T> {
    /// A body.
    Body(Box<T>),
    /// What happened to the stream itself.
    Lifecycle(Lifecycle),
    /// A message of another kind; only of sockets that have one type of body, never from [`EventStream::of`].
    Unrecognized {
        /// What the message says it is; empty when it does not say.
        kind: Box<str>,
        /// The message; what was not UTF-8 in it is replaced.
        body: Box<str>,
    },
    /// A frame that could not be decoded; it may have held a body that was wanted.
    Malformed {
        /// What is wrong, in one clause that holds nothing of the body.
        error: Box<str>,
        /// Where in the body; empty when the whole frame is bad.
        path: Box<str>,
        /// The body, or the frame when it has none, cut to 512 bytes.
        body: Box<str>,
    },
}

impl<T> From<Lifecycle> for Typed<T> {
    fn from(lifecycle: Lifecycle) -> Self {
        Self::Lifecycle(lifecycle)
    }
}

impl<T: Send + 'static> StreamEvent for Typed<T> {}

impl EventStream {
    /// Only the bodies of this type, whatever their topics, with all that tells of losses.
    ///
    /// ```no_run
    /// # async fn run(events: genesys_cloud::EventStream) -> genesys_cloud::Result<()> {
    /// use futures::TryStreamExt;
    /// use genesys_cloud::{Typed, bodies::SystemMessage};
    ///
    /// let mut messages = events.of::<SystemMessage>();
    /// while let Some(delivery) = messages.try_next().await? {
    ///     match delivery.event {
    ///         Typed::Body(message) => println!("{}: {:?}", delivery.topic, message.message),
    ///         Typed::Lifecycle(item) => println!("{item:?}"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn of<T: TopicBody>(self) -> TypedStream<T> {
        TypedStream { events: self, wanted: PhantomData }
    }
}

impl<T> TypedStream<T> {
    /// A handle to steer the stream from elsewhere. It does not keep the stream alive.
    pub fn handle(&self) -> StreamHandle {
        self.events.handle()
    }

    /// The stream of all events, from here on.
    pub fn into_inner(self) -> EventStream {
        self.events
    }
}

/// The item as it is yielded; `None` when it is passed over.
fn typed<T: TopicBody>(delivery: Delivery) -> Option<Delivery<Typed<T>>> {
    let Delivery { event, topic, correlation_id, received_at, origin, channel } = delivery;
    let event = match event {
        Event::Lifecycle(item) => Typed::Lifecycle(item),
        Event::Malformed { error, path, body, .. } => Typed::Malformed { error, path, body },
        event => Typed::Body(event.into_body()?),
    };
    Some(Delivery { event, topic, correlation_id, received_at, origin, channel })
}

impl<T: TopicBody> Stream for TypedStream<T> {
    type Item = Result<Delivery<Typed<T>>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(Pin::new(&mut self.events).poll_next(cx)) {
                Some(Ok(delivery)) => {
                    if let Some(delivery) = typed(delivery) {
                        return Poll::Ready(Some(Ok(delivery)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<T: TopicBody> FusedStream for TypedStream<T> {
    fn is_terminated(&self) -> bool {
        self.events.is_terminated()
    }
}

impl<T> fmt::Debug for TypedStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedStream").field("events", &self.events).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::Frame;
    use crate::events::bodies::{ChannelMetadata, SystemMessage};

    fn delivery(event: Event) -> Delivery {
        let mut own = Delivery::own(Lifecycle::Lagged { dropped: 1 }, SystemTime::UNIX_EPOCH);
        own.event = event;
        own
    }

    #[test]
    fn other_bodies_are_passed_over_and_what_tells_of_losses_is_not() {
        let text = r#"{"topicName":"v2.system.socket_closing","eventBody":{"message":"m"}}"#;
        let event = Frame::decode(text).unwrap().event;
        let found = typed::<SystemMessage>(delivery(event.clone())).unwrap().event;
        assert!(matches!(found, Typed::Body(body) if body.message.as_deref() == Some("m")));
        assert!(typed::<ChannelMetadata>(delivery(event)).is_none());
        let lagged = typed::<ChannelMetadata>(delivery(Lifecycle::Lagged { dropped: 7 }.into()));
        let lagged = lagged.unwrap().event;
        assert_eq!(lagged, Typed::Lifecycle(Lifecycle::Lagged { dropped: 7 }));
        let bad = Event::of_bad_frame(None, "bad", "text");
        let bad = typed::<ChannelMetadata>(delivery(bad)).unwrap().event;
        assert!(matches!(bad, Typed::Malformed { body, .. } if &*body == "text"));
    }
}

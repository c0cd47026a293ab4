//! An open WebSocket: the only file that names the WebSocket library's stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::{Sink, Stream};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_util::either::Either;
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::frame::coding::Data;
use tungstenite::protocol::{CloseFrame, Role};
use tungstenite::{Error as WsError, Message};

use super::frame::{Buffers, Frame, Outbound};
use super::greeting::Greeting;
use super::meter::{Meter, Metered};
use crate::core::clock::Moment;
use crate::core::close::{CloseCode, Gone};

/// Messages that may wait behind the first ones; a peer that reads has none waiting.
const LATER: usize = 64;

#[cfg(not(test))]
pub(super) type Tcp = tokio::net::TcpStream;
/// TCP, or what stands for it in a test.
#[cfg(test)]
pub(super) type Tcp = Either<tokio::net::TcpStream, crate::transport::pipe::Pipe>;

/// TCP, or TLS over it.
pub(super) type Wire = Either<Metered<Tcp>, Box<TlsStream<Metered<Tcp>>>>;

/// An open WebSocket connection.
///
/// Reading and writing are polled beside each other by one task, so that a blocked write never stops the reader.
pub(crate) struct Socket {
    inner: WebSocketStream<Wire>,
    meter: Arc<Meter>,
    max_message: usize,
    dirty: bool,
    /// First messages that are not written yet.
    greeting: Greeting,
}

impl Socket {
    pub(super) async fn new(
        wire: Wire,
        already_read: &[u8],
        meter: Arc<Meter>,
        buffers: Buffers,
    ) -> Self {
        let config = Some(buffers.config());
        let inner = if already_read.is_empty() {
            WebSocketStream::from_raw_socket(wire, Role::Client, config).await
        } else {
            WebSocketStream::from_partially_read(wire, already_read.to_vec(), Role::Client, config)
                .await
        };
        Self {
            inner,
            meter,
            max_message: buffers.max_message,
            dirty: false,
            greeting: Greeting::default(),
        }
    }

    /// When the last byte came in.
    pub(crate) fn last_inbound(&self) -> Moment {
        self.meter.last()
    }

    /// Whether something that was queued is not written yet.
    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// The next frame. Cancel-safe: a frame that is half read stays in `self`.
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Gone>> {
        // The library may answer what it reads, which must not get between the bytes of a first message.
        ready!(self.poll_greeting(cx))?;
        loop {
            let message = match ready!(Pin::new(&mut self.inner).poll_next(cx)) {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Poll::Ready(Err(self.gone(error))),
                None => {
                    let detail = "the connection is closed".into();
                    return Poll::Ready(Err(Gone::Cut { detail }));
                }
            };
            let frame = match message {
                Message::Text(text) => Frame::Text(text),
                Message::Binary(data) => Frame::Binary(data),
                Message::Ping(_) => {
                    // The answer is queued by the library; it goes out with the next flush.
                    self.dirty = true;
                    Frame::Ping
                }
                Message::Pong(payload) => Frame::Pong(payload),
                Message::Close(None) => Frame::Close(CloseCode::NO_STATUS, "".into()),
                Message::Close(Some(frame)) => {
                    self.dirty = true;
                    Frame::Close(CloseCode::new(frame.code.into()), frame.reason.as_str().into())
                }
                // Only ever written, never read.
                Message::Frame(_) => continue,
            };
            return Poll::Ready(Ok(frame));
        }
    }

    /// Queues a first message, which may hold a token; before anything else is queued.
    pub(crate) fn greet(&mut self, out: Outbound) -> Result<(), Gone> {
        match out {
            Outbound::Text(text) => self.greeting.add(text.into_boxed_bytes(), Data::Text),
            Outbound::Binary(data) => self.greeting.add(data, Data::Binary),
            other => return self.queue(other),
        }
        self.dirty = true;
        Ok(())
    }

    /// Writes the first messages, and hands what was queued meanwhile to the library.
    fn poll_greeting(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        if self.greeting.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let written = ready!(self.greeting.poll_write(cx, self.inner.get_mut()));
        written.map_err(|error| Gone::Cut { detail: io_detail(&error) })?;
        for message in std::mem::take(&mut self.greeting).later {
            self.start_send(message)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Queues a frame; [`poll_flush`](Self::poll_flush) writes it.
    pub(crate) fn queue(&mut self, out: Outbound) -> Result<(), Gone> {
        let message = match out {
            Outbound::Text(text) => Message::text(String::from(text)),
            Outbound::Binary(data) => Message::Binary(data),
            Outbound::Ping(payload) => Message::Ping(payload),
            Outbound::Close(code) => {
                Message::Close(Some(CloseFrame { code: code.get().into(), reason: "".into() }))
            }
        };
        if self.greeting.is_empty() {
            return self.start_send(message);
        }
        // What waits here has a bound, as what waits in the library has.
        if self.greeting.later.len() >= LATER {
            return Err(Gone::WriteTimeout);
        }
        self.greeting.later.push(message);
        Ok(())
    }

    fn start_send(&mut self, message: Message) -> Result<(), Gone> {
        match Pin::new(&mut self.inner).start_send(message) {
            Ok(()) => {
                self.dirty = true;
                Ok(())
            }
            Err(WsError::WriteBufferFull(_)) => Err(Gone::WriteTimeout),
            Err(error) => Err(self.gone(error)),
        }
    }

    /// Writes what is queued.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        ready!(self.poll_greeting(cx))?;
        match ready!(Pin::new(&mut self.inner).poll_flush(cx)) {
            Ok(()) => {
                self.dirty = false;
                Poll::Ready(Ok(()))
            }
            Err(error) => Poll::Ready(Err(self.gone(error))),
        }
    }

    fn gone(&self, error: WsError) -> Gone {
        match error {
            WsError::Io(error) => Gone::Cut { detail: io_detail(&error) },
            WsError::Capacity(CapacityError::MessageTooLong { .. }) => {
                Gone::TooBig { limit: self.max_message }
            }
            WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Gone::Cut { detail: "the connection ended".into() }
            }
            WsError::ConnectionClosed | WsError::AlreadyClosed => {
                Gone::Cut { detail: "the connection is closed".into() }
            }
            WsError::Utf8(_) => Gone::Protocol { detail: "text that is not UTF-8".into() },
            WsError::Protocol(error) => Gone::Protocol { detail: error.to_string().into() },
            other => Gone::Protocol { detail: other.to_string().into() },
        }
    }
}

/// The kind of an I/O error; its text may repeat an address.
pub(super) fn io_detail(error: &std::io::Error) -> Box<str> {
    error.kind().to_string().into()
}

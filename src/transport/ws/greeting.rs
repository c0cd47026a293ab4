//! First messages, written past the WebSocket library, which writes every message whole to its log: these may hold tokens.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;
use tungstenite::Message;
use tungstenite::handshake::client::generate_key;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};

/// First messages that are not written yet, and what waits behind them.
#[derive(Default)]
pub(super) struct Greeting {
    bytes: BytesMut,
    pub(super) later: Vec<Message>,
}

impl Greeting {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.later.is_empty()
    }

    /// Adds a message as one masked frame (RFC 6455, section 5.3).
    pub(super) fn add(&mut self, payload: impl Into<Bytes>, kind: Data) {
        let mut frame = Frame::message(payload, OpCode::Data(kind), true);
        frame.header_mut().mask = Some(mask());
        let mut bytes = Vec::new();
        // Writing to memory does not fail.
        let _ = frame.format(&mut bytes);
        self.bytes.extend_from_slice(&bytes);
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<()>> {
        while !self.bytes.is_empty() {
            match ready!(Pin::new(&mut *wire).poll_write(cx, &self.bytes))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.bytes.advance(written),
            }
        }
        Pin::new(wire).poll_flush(cx)
    }
}

/// Four random bytes of the key that the library makes for handshakes: a mask has to be unpredictable.
fn mask() -> [u8; 4] {
    let key = STANDARD.decode(generate_key()).unwrap_or_default();
    key.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tungstenite::WebSocket;
    use tungstenite::protocol::Role;

    use super::*;

    #[test]
    fn a_server_reads_what_was_added_in_order() {
        let mut greeting = Greeting::default();
        let long = "x".repeat(70_000);
        for text in ["{}", "", &long] {
            greeting.add(text.to_owned(), Data::Text);
        }
        greeting.add(vec![0x80, 1], Data::Binary);
        let masked = greeting.bytes.to_vec();
        assert!(!masked.windows(16).any(|part| part == &long.as_bytes()[..16]), "it is masked");
        let mut server = WebSocket::from_raw_socket(Cursor::new(masked), Role::Server, None);
        for text in ["{}", "", &long] {
            assert_eq!(server.read().unwrap(), Message::text(text));
        }
        assert_eq!(server.read().unwrap(), Message::binary(vec![0x80, 1]));
        assert_ne!((mask(), mask()), (mask(), mask()));
    }
}

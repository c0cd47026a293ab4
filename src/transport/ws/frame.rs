//! Frames, and the buffers that hold them.

use std::fmt;

use bytes::Bytes;
use tungstenite::Utf8Bytes;
use tungstenite::protocol::WebSocketConfig;

use crate::core::close::CloseCode;

/// What came in.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    /// Text; already checked to be UTF-8.
    Text(Utf8Bytes),
    /// Binary data.
    Binary(Bytes),
    /// A ping: answered by the WebSocket layer.
    Ping,
    /// A pong with its payload.
    Pong(Bytes),
    /// The peer closes.
    Close(CloseCode, Box<str>),
}

/// What goes out.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outbound {
    /// Text.
    Text(Box<str>),
    /// Binary data.
    Binary(Bytes),
    /// A WebSocket ping, at most 125 bytes.
    Ping(Bytes),
    /// A close frame.
    Close(CloseCode),
}

impl Outbound {
    /// Length of the payload in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(data) | Self::Ping(data) => data.len(),
            // The code; we send no reason.
            Self::Close(_) => 2,
        }
    }
}

/// Shows lengths, not contents: a first message may hold a token.
impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Binary(data) => write!(f, "Binary({} bytes)", data.len()),
            Self::Ping(data) => write!(f, "Ping({} bytes)", data.len()),
            Self::Close(code) => write!(f, "Close({code})"),
        }
    }
}

/// Buffers and limits of one WebSocket connection.
///
/// The defaults suit many quiet connections. The WebSocket library's own defaults would cost 128 KiB for reading on
/// every connection, and let writes pile up without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Buffers {
    /// Bytes read from the socket at once; allocated for each connection. Default 8 KiB; 128 KiB reads a firehose
    /// faster.
    pub read: usize,
    /// Bytes that may wait to be written before a write fails. Default 64 KiB.
    pub write_limit: usize,
    /// Largest message in bytes, checked against the frame header before anything is allocated. Default 8 MiB.
    pub max_message: usize,
}

impl Default for Buffers {
    fn default() -> Self {
        Self { read: 8 << 10, write_limit: 64 << 10, max_message: 8 << 20 }
    }
}

impl Buffers {
    /// Sets [`read`](Self::read).
    pub fn read(mut self, bytes: usize) -> Self {
        self.read = bytes.max(1 << 10);
        self
    }

    /// Sets [`write_limit`](Self::write_limit).
    pub fn write_limit(mut self, bytes: usize) -> Self {
        self.write_limit = bytes.max(1 << 10);
        self
    }

    /// Sets [`max_message`](Self::max_message).
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    pub(super) fn config(self) -> WebSocketConfig {
        WebSocketConfig::default()
            .read_buffer_size(self.read)
            // Every message is written at once: they are few, small, and a ping must not wait for company.
            .write_buffer_size(0)
            .max_write_buffer_size(self.write_limit)
            .max_message_size(Some(self.max_message))
            .max_frame_size(Some(self.max_message))
    }
}

//! One WebSocket connection: dialling, frames, and when its last byte came in.

mod dial;
mod frame;
mod meter;
mod socket;

pub(crate) use dial::{Connector, DialError, DialRequest};
pub use frame::Buffers;
pub(crate) use frame::{Frame, Outbound};
pub(crate) use socket::Socket;

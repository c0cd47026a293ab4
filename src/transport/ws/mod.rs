//! One WebSocket connection: dialling, frames, and when its last byte came in.

mod dial;
mod frame;
mod meter;
mod socket;

pub(crate) use dial::Connector;
pub use dial::DialRequest;
pub(crate) use frame::Frame;
pub use frame::{Buffers, Outbound};
pub(crate) use socket::Socket;

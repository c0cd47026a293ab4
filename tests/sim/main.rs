//! The simulator as clients see it: plain HTTP and WebSockets, without this crate's own client.

mod channels;

mod oauth;

mod sockets;
mod support;

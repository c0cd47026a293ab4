//! The simulator as clients see it: plain HTTP and WebSockets, without this crate's own client.

mod channels;
mod control;
mod delivery;
mod events;
mod faults;
mod network;
mod oauth;
mod schema;
mod shapes;
mod sockets;
mod support;

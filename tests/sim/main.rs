//! The simulator as clients see it: HTTP and sockets, without this crate's own client.

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

//! The simulator as clients see it: HTTP and sockets, without this crate's own client.

mod applications;
#[path = "../support/browser.rs"]
mod browser;
mod channels;
mod connections;
mod control;
mod conversations;
mod delivery;
mod events;
mod faults;
mod frames;
mod network;
mod oauth;
mod pongs;
mod presence;
mod realtime;
mod rest;
mod routing;
mod schema;
mod shapes;
mod sockets;
mod support;

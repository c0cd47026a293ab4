//! The Redis sinks against a real server: connections cut, servers killed, keys of others, refusals.

mod aggregates;
mod exactness;
mod faults;
mod proxy;
mod server;
mod stream;
mod support;

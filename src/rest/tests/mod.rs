//! The notification API against a loopback server.

mod calls;
mod narrowing;
mod platform;

//! The notification API against a loopback server.

mod calls;
mod login;
mod narrowing;
mod platform;

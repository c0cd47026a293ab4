//! Sockets without a channel: each on its own, and all of them under every fault that notification streams survive.
//!
//! A case runs for all kinds of sockets at once and prints one row: `cargo test --test sockets -- --nocapture` shows the
//! table, in which a pair that is not applicable has its reason.

mod consumer;
mod ends;
mod five;
mod messages;
mod protocols;
mod renewal;
mod rig;
#[path = "../support/scripted.rs"]
#[allow(dead_code)] // Shared with the suite of streams; each uses a part.
mod scripted;
mod start;
mod tokens;

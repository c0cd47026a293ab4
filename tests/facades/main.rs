//! Façades over the operations: what each call sends, and what it makes of answers.

mod integrations;
#[allow(dead_code)] // Shared with other tests.
#[path = "../support/loopback.rs"]
mod loopback;
mod oauth_clients;
mod organization;
mod preflight;
mod presence;
mod rig;
mod routing;
mod simulator;
mod tokens;
mod users;

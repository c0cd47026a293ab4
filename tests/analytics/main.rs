//! Analytics: what each query sends, what is made of answers, and what is refused.

mod details;
mod faults;
mod figures;
mod jobs;
#[allow(dead_code)] // Shared with other tests.
#[path = "../support/loopback.rs"]
mod loopback;
mod memory;
#[allow(dead_code)] // Shared with the tests of the simulator.
#[path = "../sim/schema.rs"]
mod schema;
mod simulated;
mod support;

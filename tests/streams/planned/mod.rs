//! Planned changes under load: nothing lost, nothing twice, no gap, and what they cost in latency.
//!
//! The environment sets the size: `GENESYS_CLOUD_CHANGES` changes of each kind (3), `GENESYS_CLOUD_RATE` events a
//! second (1,000), `GENESYS_CLOUD_QUIET` seconds without a change before them (1).

mod changes;
mod figures;
mod rig;
mod tokens;
mod traffic;

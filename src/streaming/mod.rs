//! Streams of events that survive drops and account for every loss.
//!
//! Two pure machines decide, one driver acts: [`session`] is the life of one connection, [`supervisor`] says which
//! connections exist and what they cover, [`ledger`] says what was lost, and [`driver`] with its [`link`]s is the only
//! place with sockets, clocks, randomness and tasks.

pub(crate) mod backfill;
pub(crate) mod builder;
mod burst;
pub(crate) mod capacity_plan;
#[cfg(test)]
mod channel_judge;
#[cfg(test)]
mod channel_line;
#[cfg(test)]
mod channel_platform;
#[cfg(test)]
mod channel_schedules;
#[cfg(test)]
mod channel_world;
pub(crate) mod checkpoint;
mod checkpoint_text;
mod deliveries;
pub(crate) mod delivery;
mod desired;
mod dialling;
pub(crate) mod driver;
mod fingerprint;
pub(crate) mod gate;
mod hand_over;
mod hold;
mod known;
mod ledger;
mod link;
mod load;
mod overlap;
mod packing;
mod pings;
pub(crate) mod policy;
mod progress;
mod proof;
pub(crate) mod protocol;
pub(crate) mod queue;
mod report;
#[cfg(test)]
mod schedules;
pub(crate) mod session;
#[cfg(test)]
mod soak;
#[cfg(test)]
mod socket_schedules;
pub(crate) mod stream;
mod supervisor;
pub(crate) mod typed;

//! Which connections exist and what they cover, as a pure function.
//!
//! A stream has one or more [`shard`]s: places of the plan, each with one link at rest. Every change is the same move:
//! open, confirm, flow, and let the old one go; the states of a shard and of its [`renewal`] are the steps of that move.
//! The [`machine::Supervisor`] above them routes what happens, and has what they share: the desired set, the ledger, and
//! the [`broker`] that gets channels for them.

mod broker;
mod common;
mod drift;
mod failure;
mod hand_over;
mod held;
mod links;
mod machine;
mod merge;
mod message;
mod refusal;
mod renewal;
mod route;
mod settle;
mod shard;
mod socket;
mod standing;
mod subscribe;
mod succession;
#[cfg(test)]
mod tests;

pub(crate) use hand_over::Snapshot;
pub(crate) use machine::Supervisor;
pub(crate) use message::{Action, ChannelRules, Ending, Input, MAX_CHANNELS, Now, Plan, TokenUsed};
pub(crate) use refusal::refuses_token;
pub(crate) use renewal::is_old;

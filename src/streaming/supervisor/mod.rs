//! Which connections exist and what they cover, as a pure function.
//!
//! The plan has one channel or one socket for now. Every change of it is the same move: open, confirm, flow, and let the
//! old one go; the states of [`machine::Supervisor`] and of [`renewal::Renewal`] are the steps of that move.

mod failure;
mod links;
mod machine;
mod message;
mod refusal;
mod renewal;
mod socket;
mod subscribe;

pub(crate) use machine::Supervisor;
pub(crate) use message::{Action, Ending, Input, Now, Plan, TokenUsed};
pub(crate) use refusal::refuses_token;
pub(crate) use renewal::is_old;

//! Which connections exist and what they cover, as a pure function.
//!
//! The plan has one channel for now. Every change of it is the same move: open, confirm, flow, and let the old one go;
//! the states of [`machine::Supervisor`] are the steps of that move.

mod failure;
mod links;
mod machine;
mod message;
mod subscribe;

pub(crate) use machine::Supervisor;
pub(crate) use message::{Action, Input, Now};

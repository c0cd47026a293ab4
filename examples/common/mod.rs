//! What the examples share: how they connect, how they are ended, and how they fail.

mod connect;
mod failure;
mod signals;

pub(crate) use connect::{Connection, Place, connect};
pub(crate) use failure::{Failure, report};
pub(crate) use signals::end_signal;

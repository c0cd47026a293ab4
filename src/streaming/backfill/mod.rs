//! Backfill: what was missed in a gap, fetched and put into the stream behind what is live.
//!
//! [`backlog`] is pure: which topics wait, which are asked for, what of the answers still is news. [`stage`] runs the
//! requests and stands between a stream's queue and its consumer.

mod backlog;
pub(crate) mod options;
mod outcome;
pub(crate) mod stage;
#[cfg(test)]
mod tests;
mod watch;

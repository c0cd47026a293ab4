//! HTTP: a bare executor, and the policies stacked on it.
//!
//! From the outside in: [`auth`] puts the token in and replays once on a 401, [`retry`] repeats what may be repeated,
//! [`rate_limit`] waits for its turn, [`executor`] sends. Each is an [`executor::Execute`], and a grant uses the inner
//! ones without the outer.

pub(crate) mod auth;
pub(crate) mod budget;
pub(crate) mod classify;
mod disguise;
pub(crate) mod executor;
pub(crate) mod fault;
pub(crate) mod line;
pub(crate) mod pool;
pub(crate) mod rate_limit;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod retry;
pub(crate) mod retry_after;
pub(crate) mod service;
mod share;
pub(crate) mod skew;
pub(crate) mod turn;
pub(crate) mod window_limiter;

#[cfg(test)]
mod tests;

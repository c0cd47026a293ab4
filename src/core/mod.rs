//! Leaf helpers and the seams between the layers; no runtime, no HTTP.

pub(crate) mod backoff;
pub(crate) mod clock;
pub(crate) mod close;
pub(crate) mod credentials;
pub(crate) mod date;
pub(crate) mod ids;
pub mod limits;
pub(crate) mod ports;
pub(crate) mod secret;

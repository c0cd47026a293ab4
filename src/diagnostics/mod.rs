//! Pure measurement: what the crate reports about itself, without choosing how it is recorded.

pub(crate) mod link_probe;
pub(crate) mod observer;

//! Pure measurement: what the crate reports about itself, without choosing how it is recorded.

pub(crate) mod observer;

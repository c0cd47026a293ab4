//! Leaf helpers and the seams between the layers; no runtime, no HTTP.

pub(crate) mod backoff;
pub(crate) mod clock;
pub(crate) mod close;
mod close_help;
pub(crate) mod credentials;
pub(crate) mod id_text;
pub(crate) mod ids;
pub mod limits;
pub(crate) mod ports;
pub(crate) mod secret;
pub(crate) mod settings;
pub(crate) mod window;

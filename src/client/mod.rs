//! The roof: the only place that knows auth, REST and streaming together.

mod builder;
mod handle;

pub use builder::ClientBuilder;
pub use handle::Client;

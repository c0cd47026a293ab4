//! Rust client for Genesys Cloud real time.

pub(crate) mod core;
pub(crate) mod diagnostics;
mod error;
pub(crate) mod region;
#[cfg(feature = "sim")]
pub mod sim;

pub use crate::core::clock::{Clock, Entropy, Moment, ThreadEntropy};
pub use crate::core::close::{CloseCode, Gone};
pub use crate::core::credentials::{
    CLIENT_ID_VAR, CLIENT_SECRET_VAR, ClientCredentials, CredentialsIn,
};
pub use crate::core::ids::ChannelId;
pub use crate::core::limits;
pub use crate::core::ports::{
    AccessToken, BoxFuture, ChannelApi, ChannelInfo, Rejection, TokenSource, TopicState,
};
pub use crate::core::secret::Secret;
#[cfg(feature = "tracing")]
pub use crate::diagnostics::observer::TracingObserver;
pub use crate::diagnostics::observer::{NoObserver, Observer, Signal};
pub use crate::error::{Error, ErrorKind, Result};
pub use crate::region::{Endpoints, REGION_VAR, Region};

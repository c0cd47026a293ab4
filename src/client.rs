//! The roof: the only file that knows auth, REST and streaming together.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

use crate::auth::{CachedTokens, ClientCredentialsGrant, StaticToken};
use crate::core::clock::{Clock, Entropy, ThreadEntropy};
use crate::core::credentials::ClientCredentials;
use crate::core::ports::{AccessToken, TokenSource};
use crate::core::secret::Secret;
use crate::diagnostics::observer::{NoObserver, Observer};
use crate::error::{Error, Result};
use crate::protocols::Notifications as NotificationProtocol;
use crate::region::Endpoints;
use crate::rest::Notifications;
use crate::streaming::builder::StreamBuilder;
use crate::streaming::driver::Parts;
use crate::transport::clock::RuntimeClock;
use crate::transport::proxy::Proxy;
use crate::transport::tls::Tls;
use crate::transport::ws::{Buffers, Connector};

#![doc = include_str!("../README.md")]

pub(crate) mod auth;
mod client;
pub(crate) mod core;
pub(crate) mod diagnostics;
mod error;
pub(crate) mod events;
pub mod protocols;
pub(crate) mod region;
pub(crate) mod rest;
#[cfg(feature = "sim")]
pub mod sim;
pub(crate) mod streaming;
pub(crate) mod transport;

pub use crate::auth::static_token::StaticToken;
pub use crate::client::{Client, ClientBuilder};
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
pub use crate::events::{
    Event, Extra, Frame, IntoTopic, Json, Lifecycle, Members, RawEvent, RawFrame, StopReason,
    Timestamp, Topic, TopicBody, TopicSet, Uncovered, bodies, topics,
};
pub use crate::region::{Endpoints, REGION_VAR, Region};
pub use crate::rest::answer::Answer;
pub use crate::rest::arguments::Arguments;
pub use crate::rest::available_topic::{AvailableTopic, ExpandTopic, PermissionDetail};
pub use crate::rest::generated::{self as operations, models};
pub use crate::rest::notifications::{IncludeChannels, ListedChannel, Notifications};
pub use crate::rest::operation::{CallOptions, Method, Operation, Optional};
pub use crate::streaming::builder::StreamBuilder;
pub use crate::streaming::delivery::{ConnectionState, Delivery, Origin, StreamStats};
pub use crate::streaming::policy::{
    Attempt, FixedDelay, FullJitter, NoReconnect, Overflow, ReconnectPolicy, Verdict,
};
pub use crate::streaming::protocol::{
    Decode, Decoded, DecodedItem, DecoderContext, DialContext, DialRequest, GreetingContext,
    Health, Inbound, Needs, Notice, Outbound, Protocol, StreamEvent, TopicFilter,
};
pub use crate::streaming::queue::Capacity;
pub use crate::streaming::session::Timing;
pub use crate::streaming::stream::{EventStream, StreamHandle};
pub use crate::streaming::typed::{Typed, TypedStream};
pub use crate::transport::clock::RuntimeClock;
pub use crate::transport::http::budget::{RetryBudget, TokenBudget, Unlimited};
pub use crate::transport::http::classify::{Class, Classify, Outcome, RequestMeta, SafeToRepeat};
pub use crate::transport::http::rate_limit::{
    Grant, NoLimit, Permit, Quota, RateLimiter, WindowLimiter,
};
pub use crate::transport::http::request::Priority;
pub use crate::transport::http::retry::{
    BackoffRetry, NoRetry, RetryAttempt, RetryPolicy, RetryVerdict,
};
pub use crate::transport::proxy::Proxy;
pub use crate::transport::tls::Tls;
pub use crate::transport::ws::Buffers;

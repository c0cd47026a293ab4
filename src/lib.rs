#![doc = include_str!("../README.md")]

pub(crate) mod auth;
mod client;
pub(crate) mod core;
pub(crate) mod diagnostics;
mod error;
pub(crate) mod events;
pub mod media;
pub mod presence;
pub mod probe;
pub mod protocols;
pub(crate) mod region;
pub(crate) mod rest;
#[cfg(feature = "sim")]
pub mod sim;
pub mod sink;
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
    AccessToken, BoxFuture, ChannelApi, ChannelInfo, ChannelListing, Rejection, TokenSource,
    TopicState,
};
pub use crate::core::secret::Secret;
pub use crate::core::settings::{ConfigFault, InvalidSettings};
pub use crate::diagnostics::audit_observer::AuditObserver;
pub use crate::diagnostics::histogram::Histogram;
pub use crate::diagnostics::latency_config::{DriftCompensation, LatencyConfig};
pub use crate::diagnostics::latency_monitor::LatencyMonitor;
pub use crate::diagnostics::latency_report::{LatencyFigures, LatencyReport, ProbeCounts};
pub use crate::diagnostics::latency_window::Summary;
pub use crate::diagnostics::link_probe::LinkProbe;
pub use crate::diagnostics::measurement::{Measurement, Measurements, PingOutcome};
#[cfg(feature = "metrics")]
pub use crate::diagnostics::metrics_observer::MetricsObserver;
pub use crate::diagnostics::observer::{NoObserver, Observer, Signal};
#[cfg(feature = "tracing")]
pub use crate::diagnostics::tracing_observer::TracingObserver;
pub use crate::error::{Error, ErrorKind, Result};
pub use crate::events::{
    Event, Extra, Frame, IntoTopic, Json, Lifecycle, Members, RawEvent, RawFrame, RenewalReason,
    StopReason, Timestamp, Topic, TopicBody, TopicSet, Uncovered, bodies, topics,
};
pub use crate::region::{Endpoints, REGION_VAR, Region};
pub use crate::rest::answer::Answer;
pub use crate::rest::app_foundry::{
    AppFoundryApi, Application, ApplicationSocket, ConnectionEvent,
};
pub use crate::rest::arguments::Arguments;
pub use crate::rest::available_topic::{AvailableTopic, ExpandTopic, PermissionDetail};
pub use crate::rest::conversation_ends::{
    ConversationEnd, ConversationEnds, ConversationEndsApi, MediaQuality,
};
pub use crate::rest::disconnect_kind::DisconnectKind;
pub use crate::rest::generated::{self as operations, models};
pub use crate::rest::notifications::{IncludeChannels, ListedChannel, Notifications};
pub use crate::rest::operation::{CallOptions, Method, Operation, Optional};
pub use crate::streaming::builder::StreamBuilder;
pub use crate::streaming::capacity_plan::{CapacityPlan, PlannedChannel};
pub use crate::streaming::delivery::{ConnectionState, Delivery, Origin, StreamStats};
pub use crate::streaming::policy::{
    Attempt, ChannelPolicy, FixedDelay, FullJitter, NoReconnect, Overflow, ReconnectPolicy, Verdict,
};
pub use crate::streaming::protocol::{
    Decode, Decoded, DecodedItem, DecoderContext, DialContext, DialRequest, GreetingContext,
    Health, Inbound, Needs, Notice, Outbound, Protocol, StreamEvent, SubscriptionContext,
    TopicFilter,
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

#![doc = include_str!("../README.md")]

pub(crate) mod auth;
mod client;
pub(crate) mod core;
pub(crate) mod diagnostics;
mod error;
pub(crate) mod events;
pub mod fleet;
pub mod media;
pub mod presence;
pub mod probe;
pub mod protocols;
pub(crate) mod region;
pub(crate) mod rest;
#[cfg(feature = "sim")]
pub mod sim;
pub mod sink;
#[cfg(all(test, feature = "sim"))]
mod soak;
pub(crate) mod streaming;
pub(crate) mod transport;

pub use crate::auth::authorization_code::{AuthorizationCode, SignIn, SignedIn};
pub use crate::auth::file_store::FileStore;
pub use crate::auth::memory_store::MemoryStore;
pub use crate::auth::saml2::{AssertionSource, Saml2Bearer};
pub use crate::auth::static_token::StaticToken;
pub use crate::auth::token_store::{StoredToken, TokenKey, TokenStore};
pub use crate::client::{Client, ClientBuilder};
pub use crate::core::clock::{Clock, Entropy, Moment, ThreadEntropy};
pub use crate::core::close::{CloseCode, Gone};
pub use crate::core::credentials::{
    CLIENT_ID_VAR, CLIENT_SECRET_VAR, ClientCredentials, CredentialsIn,
};
pub use crate::core::ids::{ChannelId, GapId};
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
    BackfillMark, BackfillRequest, BackfillSource, Backfilled, Event, Extra, Frame, IntoBackfill,
    IntoTopic, Json, Lifecycle, Members, RawEvent, RawFrame, RenewalReason, StopReason, Timestamp,
    Topic, TopicBody, TopicSet, Uncovered, bodies, topics,
};
pub use crate::region::{Endpoints, REGION_VAR, Region};
#[cfg(feature = "rest-analytics")]
pub use crate::rest::analytics;
pub use crate::rest::answer::Answer;
pub use crate::rest::app_foundry::{
    AppFoundryApi, Application, ApplicationSocket, ConnectionEvent,
};
pub use crate::rest::arguments::Arguments;
pub use crate::rest::available_topic::{AvailableTopic, ExpandTopic, PermissionDetail};
pub use crate::rest::backfill::source::RestBackfill;
pub use crate::rest::budget::{Budget, BudgetSnapshot, ByPriority};
pub use crate::rest::conversation_ends::{
    ConversationEnd, ConversationEnds, ConversationEndsApi, MediaQuality,
};
pub use crate::rest::disconnect_kind::DisconnectKind;
#[cfg(feature = "rest-routing")]
pub use crate::rest::facades::RoutingApi;
#[cfg(feature = "rest-tokens")]
pub use crate::rest::facades::TokensApi;
#[cfg(feature = "rest-usage")]
pub use crate::rest::facades::UsageApi;
#[cfg(feature = "rest-presence")]
pub use crate::rest::facades::{Answered, PresenceApi};
#[cfg(any(
    feature = "rest-integrations",
    feature = "rest-oauth",
    feature = "rest-organizations",
    feature = "rest-presence",
    feature = "rest-routing",
    feature = "rest-tokens",
    feature = "rest-users",
))]
pub use crate::rest::facades::{Ask, Listing};
#[cfg(feature = "rest-integrations")]
pub use crate::rest::facades::{CredentialsApi, IntegrationsApi};
#[cfg(feature = "rest-oauth")]
pub use crate::rest::facades::{OAuthClientsApi, UsageGroup, UsageMetric, UsageQuery, UsageRun};
#[cfg(feature = "rest-organizations")]
pub use crate::rest::facades::{OrganizationApi, OrganizationLimit};
#[cfg(feature = "preflight")]
pub use crate::rest::facades::{
    Preflight, PreflightLine, PreflightState, PreflightSubject, Requirements,
};
#[cfg(feature = "rest-users")]
pub use crate::rest::facades::{UserCriterion, UserExpand, UserField, UsersApi};
pub use crate::rest::generated::{self as operations, models};
pub use crate::rest::notifications::{IncludeChannels, ListedChannel, Notifications};
pub use crate::rest::operation::{CallOptions, Method, Operation, Optional};
pub use crate::rest::pages::{Items, Page, Pages};
pub use crate::rest::paging::{Paged, Paging, Position, Sheet};
#[cfg(any(feature = "rest-analytics", feature = "rest-oauth"))]
pub use crate::rest::poll::Polling;
pub use crate::streaming::backfill::options::BackfillOptions;
pub use crate::streaming::builder::StreamBuilder;
pub use crate::streaming::capacity_plan::{CapacityPlan, PlannedChannel};
pub use crate::streaming::checkpoint::Checkpoint;
pub use crate::streaming::delivery::{ConnectionState, Delivery, Origin, StreamStats};
pub use crate::streaming::gate::DialGate;
pub use crate::streaming::policy::{
    Attempt, ChannelPolicy, FixedDelay, FullJitter, NoReconnect, Overflow, ReconnectPolicy, Verdict,
};
pub use crate::streaming::protocol::{
    BackfillEvent, Decode, Decoded, DecodedItem, DecoderContext, DialContext, DialRequest,
    GreetingContext, Health, Inbound, Needs, Notice, Outbound, Protocol, StreamEvent,
    SubscriptionContext, TopicFilter,
};
pub use crate::streaming::queue::Capacity;
pub use crate::streaming::session::Timing;
pub use crate::streaming::stream::{EventStream, StreamHandle};
pub use crate::streaming::typed::{Typed, TypedStream};
pub use crate::transport::clock::RuntimeClock;
pub use crate::transport::http::budget::{RetryBudget, TokenBudget, Unlimited};
pub use crate::transport::http::classify::{Class, Classify, Outcome, RequestMeta, SafeToRepeat};
pub use crate::transport::http::rate_limit::{
    Grant, NamedLimit, NoLimit, Permit, Quota, RateLimiter, WindowState,
};
pub use crate::transport::http::request::Priority;
pub use crate::transport::http::retry::{
    BackoffRetry, NoRetry, RetryAttempt, RetryPolicy, RetryVerdict,
};
pub use crate::transport::http::window_limiter::WindowLimiter;
pub use crate::transport::proxy::Proxy;
pub use crate::transport::tls::Tls;
pub use crate::transport::ws::Buffers;

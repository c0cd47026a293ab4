//! The API as people speak of it: presence, routing, users and so on, by hand over the operations.

mod ask;
mod caller;
#[cfg(feature = "rest-presence")]
mod chunks;
#[cfg(feature = "rest-integrations")]
mod credentials;
#[cfg(feature = "rest-integrations")]
mod integrations;
mod listing;
#[cfg(feature = "rest-oauth")]
mod oauth_clients;
#[cfg(feature = "rest-organizations")]
mod organization;
#[cfg(feature = "preflight")]
pub(crate) mod preflight;
#[cfg(feature = "rest-presence")]
mod presence;
#[cfg(feature = "rest-routing")]
mod routing;
#[cfg(feature = "rest-tokens")]
mod tokens;
#[cfg(feature = "rest-oauth")]
mod usage;
#[cfg(feature = "rest-users")]
mod user_expand;
#[cfg(feature = "rest-users")]
mod user_search;
#[cfg(feature = "rest-users")]
mod users;

pub use ask::Ask;
pub(crate) use caller::Caller;
#[cfg(feature = "rest-presence")]
pub use chunks::Answered;
#[cfg(feature = "rest-integrations")]
pub use credentials::CredentialsApi;
#[cfg(feature = "rest-integrations")]
pub use integrations::IntegrationsApi;
pub use listing::Listing;
#[cfg(feature = "rest-oauth")]
pub use oauth_clients::OAuthClientsApi;
#[cfg(feature = "rest-organizations")]
pub use organization::{OrganizationApi, OrganizationLimit};
#[cfg(feature = "preflight")]
pub use preflight::{Preflight, PreflightLine, PreflightState, PreflightSubject, Requirements};
#[cfg(feature = "rest-presence")]
pub use presence::PresenceApi;
#[cfg(feature = "rest-routing")]
pub use routing::RoutingApi;
#[cfg(feature = "rest-tokens")]
pub use tokens::TokensApi;
#[cfg(feature = "rest-usage")]
pub use usage::UsageApi;
#[cfg(feature = "rest-oauth")]
pub use usage::{UsageGroup, UsageMetric, UsageQuery, UsageRun};
#[cfg(feature = "rest-users")]
pub use user_expand::UserExpand;
#[cfg(feature = "rest-users")]
pub use user_search::{UserCriterion, UserField};
#[cfg(feature = "rest-users")]
pub use users::UsersApi;

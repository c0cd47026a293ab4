//! Typed calls of the REST API.

#[cfg(feature = "rest-analytics")]
pub mod analytics;
pub(crate) mod answer;
pub(crate) mod api;
pub(crate) mod app_foundry;
pub(crate) mod arguments;
pub(crate) mod available_topic;
pub(crate) mod backfill;
pub(crate) mod budget;
#[cfg(feature = "rest-presence")]
pub(crate) mod bulk;
pub(crate) mod channel_api;
pub(crate) mod conversation_ends;
#[cfg(feature = "_rest")]
mod define;
pub(crate) mod disconnect_kind;
pub(crate) mod execute;
#[cfg(any(
    feature = "rest-integrations",
    feature = "rest-oauth",
    feature = "rest-organizations",
    feature = "rest-presence",
    feature = "rest-routing",
    feature = "rest-tokens",
    feature = "rest-users",
))]
pub(crate) mod facades;
pub mod generated;
pub(crate) mod learned_limits;
pub(crate) mod list_body;
pub(crate) mod notifications;
pub(crate) mod operation;
pub(crate) mod pages;
pub(crate) mod paging;
#[cfg(any(feature = "rest-analytics", feature = "rest-oauth"))]
pub(crate) mod poll;
pub(crate) mod subscription;

#[cfg(test)]
mod tests;

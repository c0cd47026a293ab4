//! Typed calls of the REST API.

pub(crate) mod answer;
pub(crate) mod api;
pub(crate) mod app_foundry;
pub(crate) mod arguments;
pub(crate) mod available_topic;
pub(crate) mod backfill;
pub(crate) mod channel_api;
pub(crate) mod conversation_ends;
#[cfg(feature = "_rest")]
mod define;
pub(crate) mod disconnect_kind;
pub(crate) mod execute;
pub mod generated;
pub(crate) mod notifications;
pub(crate) mod operation;
pub(crate) mod pages;
pub(crate) mod paging;
pub(crate) mod subscription;

#[cfg(test)]
mod tests;

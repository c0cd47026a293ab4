//! Typed calls of the REST API.

pub(crate) mod api;
pub(crate) mod app_foundry;
pub(crate) mod available_topic;
pub(crate) mod channel_api;
pub(crate) mod conversation_ends;
pub(crate) mod disconnect_kind;
pub(crate) mod notifications;
pub(crate) mod subscription;

#[cfg(test)]
mod tests;

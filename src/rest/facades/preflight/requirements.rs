//! What a product needs of an organisation.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::events::{IntoTopic, Topic};

/// What a product needs of an organisation: plain data, checked by
/// [`AppFoundryApi::preflight`](crate::AppFoundryApi::preflight). Whatever is not asked for costs no call.
///
/// ```
/// use genesys_cloud::Requirements;
///
/// let needs = Requirements::new()
///     .integration_type("premium-app-example")
///     .permission("routing:queue:view")
///     .topic_template("v2.users.{id}.presence")?
///     .channels(2)
///     .requests_per_minute(60);
/// # Ok::<(), genesys_cloud::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Requirements {
    pub(super) scopes: BTreeSet<Box<str>>,
    pub(super) permissions: BTreeSet<Box<str>>,
    pub(super) topics: BTreeSet<Box<str>>,
    pub(super) integration_types: BTreeSet<Box<str>>,
    pub(super) channels: usize,
    pub(super) requests_per_minute: u32,
}

impl Requirements {
    /// A token that works, and nothing else.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scope, such as `notifications` or `routing:readonly`. Tokens of client credentials have none and need none.
    pub fn scope(mut self, scope: impl Into<Box<str>>) -> Self {
        self.scopes.insert(scope.into());
        self
    }

    /// A permission, such as `routing:queue:view`.
    pub fn permission(mut self, permission: impl Into<Box<str>>) -> Self {
        self.permissions.insert(permission.into());
        self
    }

    /// A topic to subscribe to: the permissions that it needs are asked of the platform.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when it is no topic.
    pub fn topic(mut self, topic: impl IntoTopic) -> Result<Self> {
        let topic = topic.into_topic()?;
        self.topics.extend(topic.members().iter().map(|one| one.name().into()));
        Ok(self)
    }

    /// As [`topic`](Self::topic), for all topics of a template such as `v2.users.{id}.presence`.
    ///
    /// # Errors
    /// As [`topic`](Self::topic).
    pub fn topic_template(mut self, template: &str) -> Result<Self> {
        template.replace("{id}", "id").into_topic()?;
        let topic = Topic::<()>::unchecked(template);
        self.topics.extend(topic.members().iter().map(|one| one.name().into()));
        Ok(self)
    }

    /// A type of integrations of which one is to be installed, switched on and active.
    pub fn integration_type(mut self, type_id: impl Into<Box<str>>) -> Self {
        self.integration_types.insert(type_id.into());
        self
    }

    /// So many notification channels. Default 0. Those that the OAuth client has already are counted as used.
    pub fn channels(mut self, channels: usize) -> Self {
        self.channels = channels;
        self
    }

    /// So many requests a minute. Default 0.
    pub fn requests_per_minute(mut self, requests: u32) -> Self {
        self.requests_per_minute = requests;
        self
    }
}

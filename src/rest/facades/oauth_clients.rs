//! OAuth clients, their secrets, and what they use.

use std::time::SystemTime;

use crate::error::Result;
use crate::rest::facades::caller::Caller;
use crate::rest::facades::usage::{UsageQuery, UsageRun};
use crate::rest::generated::models::{OAuthClient, OAuthClientRequest};
use crate::rest::generated::{
    DeleteOauthClient, GetOauthClient, GetOauthClients, PostOauthClientSecret, PostOauthClients,
    PutOauthClient,
};
use crate::rest::operation::CallOptions;

/// The API of OAuth clients, from [`Client::oauth_clients`](crate::Client::oauth_clients). A cheap clone.
///
/// Secrets in answers are [`Secret`](crate::Secret)s: never shown, to be [exposed](crate::Secret::expose) on purpose.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client, id: &str) -> genesys_cloud::Result<()> {
/// use std::time::{Duration, SystemTime};
///
/// let (month, now) = (Duration::from_secs(30 * 86_400), SystemTime::now());
/// for row in client.oauth_clients().usage(id, now - month, now).rows().await? {
///     println!("{:?} {:?}: {:?}", row.http_method, row.template_uri, row.requests);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OAuthClientsApi {
    caller: Caller,
}

impl OAuthClientsApi {
    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// The same API, with another priority or deadline for every call.
    pub fn with(&self, options: CallOptions) -> Self {
        Self { caller: self.caller.with(options) }
    }

    /// The OAuth clients of the organisation. Needs `oauth:client:view`.
    ///
    /// # Errors
    /// As [`Client::execute`](crate::Client::execute).
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn list(&self) -> Result<Vec<OAuthClient>> {
        Ok(self.caller.execute(GetOauthClients::new()).await?.entities.unwrap_or_default())
    }

    /// One OAuth client.
    ///
    /// # Errors
    /// As [`list`](Self::list); [`NotFound`](crate::ErrorKind::NotFound) for an unknown one.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn get(&self, id: &str) -> Result<OAuthClient> {
        self.caller.execute(GetOauthClient::new(id)).await
    }

    /// Makes an OAuth client; its secret is in the answer. Needs `oauth:client:add`.
    ///
    /// # Errors
    /// As [`list`](Self::list); the status 400 with a code such as `missing.client.roles` for one that cannot be.
    ///
    /// # Cancel safety
    /// A dropped call may leave a client behind.
    pub async fn create(&self, client: OAuthClientRequest) -> Result<OAuthClient> {
        self.caller.execute(PostOauthClients::new(client)).await
    }

    /// Replaces the settings of an OAuth client. Needs `oauth:client:edit`.
    ///
    /// # Errors
    /// As [`create`](Self::create) and [`get`](Self::get).
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect; sending it again does no harm.
    pub async fn update(&self, id: &str, client: OAuthClientRequest) -> Result<OAuthClient> {
        self.caller.execute(PutOauthClient::new(id, client)).await
    }

    /// Deletes an OAuth client; its tokens end. Needs `oauth:client:delete`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.caller.execute(DeleteOauthClient::new(id)).await
    }

    /// Gives an OAuth client a new secret, which is in the answer; the old one is refused from now on.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect, and then nobody knows the secret: call it again.
    pub async fn regenerate_secret(&self, id: &str) -> Result<OAuthClient> {
        self.caller.execute(PostOauthClientSecret::new(id)).await
    }

    /// What an OAuth client has called, and how it was answered. The figures are up to a day old.
    pub fn usage(&self, id: &str, start: SystemTime, end: SystemTime) -> UsageQuery {
        UsageQuery::new(self.caller.clone(), Some(id.into()), start, end)
    }

    /// A query of usage that was started earlier, perhaps by another process.
    pub fn usage_run(&self, id: &str, execution_id: &str) -> UsageRun {
        UsageRun::new(self.caller.clone(), Some(id.into()), execution_id.into())
    }
}

//! The handle that everything begins at.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::builder::ClientBuilder;
use crate::core::ports::{ChannelApi, TokenSource};
use crate::error::Result;
use crate::events::bodies::AppMessage;
use crate::probe::{ApplicationEvents, ApplicationProbe, Correlate};
use crate::protocols;
use crate::region::Endpoints;
#[cfg(feature = "rest-analytics")]
use crate::rest::analytics::AnalyticsApi;
use crate::rest::api::Api;
use crate::rest::app_foundry::AppFoundryApi;
use crate::rest::backfill::source::RestBackfill;
use crate::rest::budget::Budget;
use crate::rest::conversation_ends::ConversationEndsApi;
#[cfg(any(
    feature = "rest-integrations",
    feature = "rest-oauth",
    feature = "rest-organizations",
    feature = "rest-presence",
    feature = "rest-routing",
    feature = "rest-tokens",
    feature = "rest-users",
))]
use crate::rest::facades::{self, Caller};
use crate::rest::notifications::Notifications;
use crate::rest::operation::{CallOptions, Operation};
use crate::rest::pages::Pages;
use crate::rest::paging::Paged;
use crate::streaming::builder::StreamBuilder;
use crate::streaming::driver::Parts;
use crate::streaming::protocol::{Protocol, StreamEvent};
use crate::streaming::typed::Typed;
use crate::transport::ambient::Ambient;
use crate::transport::http::request::Priority;
use crate::transport::ws::Connector;

/// A client of one organisation's platform: REST and streams that share one token and one request budget.
///
/// Cheap to clone; clones share everything.
///
/// ```no_run
/// use genesys_cloud::{Client, ClientCredentials, Region};
///
/// # fn main() -> genesys_cloud::Result<()> {
/// let client = Client::builder(Region::EuCentral1)
///     .credentials(ClientCredentials::from_env()?)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

/// What clones of a client share.
pub(super) struct Inner {
    pub(super) api: Api,
    pub(super) endpoints: Endpoints,
    pub(super) tokens: Arc<dyn TokenSource>,
    pub(super) notifications: Notifications,
    pub(super) connector: Connector,
    pub(super) ambient: Ambient,
}

impl Client {
    pub(super) fn of(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Settings of a client for a [`Region`](crate::Region) or other [`Endpoints`].
    pub fn builder(endpoints: impl Into<Endpoints>) -> ClientBuilder {
        ClientBuilder::new(endpoints.into())
    }

    /// Settings of a stream of events.
    pub fn stream(&self) -> StreamBuilder {
        self.connect(protocols::Notifications)
    }

    /// Settings of a stream over another kind of connection: one of [`protocols`](crate::protocols), or your own.
    pub fn connect<E: StreamEvent>(&self, protocol: impl Protocol<E>) -> StreamBuilder<E> {
        let inner = &self.0;
        let channels: Arc<dyn ChannelApi> =
            Arc::new(inner.notifications.with_priority(Priority::Reconnect));
        StreamBuilder::new(Parts {
            connector: inner.connector.clone(),
            tokens: inner.tokens.clone(),
            channels,
            observer: inner.ambient.observer.clone(),
            probe: None,
            entropy: inner.ambient.entropy.clone(),
            buffers: protocol.buffers(),
            protocol: Arc::new(protocol),
            filter: None,
            endpoints: inner.endpoints.clone(),
            gate: None,
        })
    }

    /// The notification API: for those who manage channels themselves. Streams need none of it.
    pub fn notifications(&self) -> Notifications {
        self.0.notifications.clone()
    }

    /// The API of `AppFoundry` applications: where their sockets are, and why connections to them ended.
    pub fn app_foundry(&self) -> AppFoundryApi {
        AppFoundryApi::new(self.0.api.clone())
    }

    /// What the platform knows of drops of an application's connections, for a
    /// [`Probe`](crate::probe::Probe::correlate).
    pub fn correlate_application(&self, app_id: &str) -> impl Correlate + use<> {
        ApplicationEvents::new(self.app_foundry(), app_id)
    }

    /// Analytics: details, aggregates and observations, jobs, and what faults ended.
    #[cfg(feature = "rest-analytics")]
    pub fn analytics(&self) -> AnalyticsApi {
        AnalyticsApi::new(self.0.api.clone(), self.0.ambient.clone())
    }

    /// How conversations ended: the published way to why one was dropped.
    pub fn conversation_ends(&self) -> ConversationEndsApi {
        ConversationEndsApi::new(self.0.api.clone())
    }

    #[cfg(any(
        feature = "rest-integrations",
        feature = "rest-oauth",
        feature = "rest-organizations",
        feature = "rest-presence",
        feature = "rest-routing",
        feature = "rest-tokens",
        feature = "rest-users",
    ))]
    fn caller(&self) -> Caller {
        Caller::new(self.0.api.clone())
    }

    /// Integrations: their types, what is installed, how it is configured, and its credentials.
    #[cfg(feature = "rest-integrations")]
    pub fn integrations(&self) -> facades::IntegrationsApi {
        facades::IntegrationsApi::new(self.caller())
    }

    /// OAuth clients, their secrets, and what they use.
    #[cfg(feature = "rest-oauth")]
    pub fn oauth_clients(&self) -> facades::OAuthClientsApi {
        facades::OAuthClientsApi::new(self.caller())
    }

    /// The organisation, and its limits.
    #[cfg(feature = "rest-organizations")]
    pub fn organization(&self) -> facades::OrganizationApi {
        facades::OrganizationApi::new(self.caller())
    }

    /// Presence: its definitions, and that of users.
    #[cfg(feature = "rest-presence")]
    pub fn presence(&self) -> facades::PresenceApi {
        facades::PresenceApi::new(self.caller())
    }

    /// Routing: queues and their members, the status of users, wrap-up codes, skills and languages.
    #[cfg(feature = "rest-routing")]
    pub fn routing(&self) -> facades::RoutingApi {
        facades::RoutingApi::new(self.caller())
    }

    /// The token that this client calls with.
    #[cfg(feature = "rest-tokens")]
    pub fn tokens(&self) -> facades::TokensApi {
        facades::TokensApi::new(self.caller())
    }

    /// What the whole organisation calls.
    #[cfg(feature = "rest-usage")]
    pub fn usage(&self) -> facades::UsageApi {
        facades::UsageApi::new(self.caller())
    }

    /// Users: who they are, listed, searched, and the caller among them.
    #[cfg(feature = "rest-users")]
    pub fn users(&self) -> facades::UsersApi {
        facades::UsersApi::new(self.caller())
    }

    /// The REST API as a source of what a stream missed in a gap, for
    /// [`StreamBuilder::backfill`](crate::StreamBuilder::backfill).
    pub fn backfill(&self) -> RestBackfill {
        RestBackfill::new(self.0.api.clone())
    }

    /// Settings of a run that finds out who drops the connections to an application.
    pub fn probe_application(&self, app_id: &str) -> ApplicationProbe {
        let client = self.clone();
        let connect = move |protocol| client.connect::<Typed<AppMessage>>(protocol);
        ApplicationProbe::new(app_id, self.app_foundry(), self.conversation_ends(), connect)
    }

    /// Calls any GET of the REST API, within this client's request budget and with its retries: for what has no typed
    /// call. `path` begins with `/api/v2/`; ids in it are sent as they are.
    ///
    /// ```no_run
    /// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
    /// let query = [("pageSize", "100"), ("expand", "presence")];
    /// let users: serde_json::Value = client.get("/api/v2/users", &query).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) for another path, [`Decode`](crate::ErrorKind::Decode) for an answer that
    /// is no `T`, and what every call returns: [`Auth`](crate::ErrorKind::Auth),
    /// [`Forbidden`](crate::ErrorKind::Forbidden), [`NotFound`](crate::ErrorKind::NotFound),
    /// [`Throttled`](crate::ErrorKind::Throttled), [`Transport`](crate::ErrorKind::Transport),
    /// [`Timeout`](crate::ErrorKind::Timeout), or the status.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the call.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T> {
        self.0.api.fetch(path, query).await
    }

    /// Calls an operation of the REST API, within this client's request budget and with its retries.
    ///
    /// [`operations`](crate::operations) has those of the platform, by the features `rest-…`; others can be
    /// [written](Operation). A reference to an operation is one too. What reads is repeated when that may help, POSTs
    /// that only ask among it; what changes something is repeated only when nothing was sent.
    ///
    /// ```no_run
    /// # #[cfg(feature = "rest-routing")]
    /// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
    /// use genesys_cloud::operations::GetRoutingQueues;
    ///
    /// let queues = client.execute(GetRoutingQueues::new().name("Support*").page_size(100)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) for arguments that cannot be sent, [`Decode`](crate::ErrorKind::Decode) for
    /// an answer that cannot be read, [`Capacity`](crate::ErrorKind::Capacity) for one over the limit, and what every
    /// call returns: [`Auth`](crate::ErrorKind::Auth), [`Forbidden`](crate::ErrorKind::Forbidden),
    /// [`NotFound`](crate::ErrorKind::NotFound), [`Throttled`](crate::ErrorKind::Throttled),
    /// [`Transport`](crate::ErrorKind::Transport), [`Timeout`](crate::ErrorKind::Timeout), or the status. Each names
    /// its [`operation`](crate::Error::operation).
    ///
    /// # Cancel safety
    /// Dropping the future abandons the call; one that changes something may have taken effect.
    pub async fn execute<O: Operation>(&self, operation: O) -> Result<O::Response> {
        self.execute_with(operation, CallOptions::default()).await
    }

    /// As [`execute`](Self::execute), with a priority, a deadline, or a word on whether it may be repeated.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    ///
    /// # Cancel safety
    /// As [`execute`](Self::execute).
    pub async fn execute_with<O: Operation>(
        &self,
        operation: O,
        options: CallOptions,
    ) -> Result<O::Response> {
        self.0.api.execute(operation, options).await
    }

    /// Goes through all pages of an operation, lazily, within this client's request budget.
    ///
    /// ```no_run
    /// # #[cfg(feature = "rest-routing")]
    /// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
    /// use futures::TryStreamExt;
    /// use genesys_cloud::operations::GetRoutingQueues;
    ///
    /// let mut queues = client.pages(GetRoutingQueues::new().page_size(100)).items();
    /// while let Some(queue) = queues.try_next().await? {
    ///     println!("{:?}", queue.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn pages<O: Paged>(&self, operation: O) -> Pages<O> {
        self.pages_with(operation, CallOptions::default())
    }

    /// As [`pages`](Self::pages), with a priority or a deadline for the call of each page.
    pub fn pages_with<O: Paged>(&self, operation: O, options: CallOptions) -> Pages<O> {
        Pages::new(self.0.api.clone(), operation, options)
    }

    /// The requests of this client: how many are left, and who waits for one.
    pub fn budget(&self) -> Budget {
        Budget::new(self.0.api.clone())
    }

    /// Where this client's tokens come from.
    pub fn token_source(&self) -> Arc<dyn TokenSource> {
        self.0.tokens.clone()
    }

    /// The addresses that this client talks to.
    pub fn endpoints(&self) -> &Endpoints {
        &self.0.endpoints
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoints", &self.0.endpoints).finish_non_exhaustive()
    }
}

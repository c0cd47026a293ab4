//! The roof: the only file that knows auth, REST and streaming together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::auth::authorization_code::{AuthorizationCode, SignedIn};
use crate::auth::login::Identity;
use crate::auth::saml2::Saml2Bearer;
use crate::auth::token_store::TokenStore;
use crate::core::clock::{Clock, Entropy};
use crate::core::credentials::ClientCredentials;
use crate::core::ports::{ChannelApi, TokenSource};
use crate::diagnostics::observer::Observer;
use crate::error::{Error, Result};
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
use crate::rest::learned_limits::LearnedLimits;
use crate::rest::notifications::Notifications;
use crate::rest::operation::{CallOptions, Operation};
use crate::rest::pages::Pages;
use crate::rest::paging::Paged;
use crate::streaming::builder::StreamBuilder;
use crate::streaming::driver::Parts;
use crate::streaming::protocol::{Protocol, StreamEvent};
use crate::streaming::typed::Typed;
use crate::transport::ambient::Ambient;
use crate::transport::http::budget::RetryBudget;
use crate::transport::http::classify::Classify;
use crate::transport::http::executor::{BareExecutor, Execute, Limits};
use crate::transport::http::rate_limit::RateLimiter;
use crate::transport::http::request::Priority;
use crate::transport::http::retry::{RetryPolicy, RetryRules, Retrying};
use crate::transport::http::service::HttpService;
use crate::transport::http::window_limiter::WindowLimiter;
use crate::transport::proxy::Proxy;
use crate::transport::tls::Tls;
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

struct Inner {
    api: Api,
    endpoints: Endpoints,
    tokens: Arc<dyn TokenSource>,
    notifications: Notifications,
    connector: Connector,
    ambient: Ambient,
}

impl Client {
    /// Settings of a client for a [`Region`](crate::Region) or other [`Endpoints`].
    pub fn builder(endpoints: impl Into<Endpoints>) -> ClientBuilder {
        ClientBuilder {
            endpoints: endpoints.into(),
            identity: None,
            store: None,
            tls: Tls::new(),
            proxy: Proxy::system(),
            limits: Limits::default(),
            rules: RetryRules::default(),
            limiter: Arc::new(WindowLimiter::default()),
            learn_limits: false,
            ambient: Ambient::default(),
            #[cfg(test)]
            pipes: None,
        }
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
    /// its [`operation`](Error::operation).
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

/// Settings of a [`Client`].
#[derive(Clone)]
#[must_use = "a client is made by build()"]
pub struct ClientBuilder {
    endpoints: Endpoints,
    identity: Option<Identity>,
    store: Option<Arc<dyn TokenStore>>,
    tls: Tls,
    proxy: Proxy,
    limits: Limits,
    rules: RetryRules,
    limiter: Arc<dyn RateLimiter>,
    learn_limits: bool,
    ambient: Ambient,
    #[cfg(test)]
    pipes: Option<Arc<dyn crate::transport::pipe::Pipes>>,
}

impl ClientBuilder {
    /// Identifies by the id and secret of an OAuth client with the client-credentials grant. Its tokens are cached,
    /// and renewed early.
    pub fn credentials(mut self, credentials: ClientCredentials) -> Self {
        self.identity = Some(Identity::Credentials(credentials));
        self
    }

    /// Identifies as a user who has just signed in. See [`AuthorizationCode`].
    pub fn signed_in(mut self, user: SignedIn) -> Self {
        self.identity = Some(Identity::SignedIn(user));
        self
    }

    /// Identifies as a user who signed in before, by what the [`token_store`](Self::token_store) has kept.
    pub fn authorization_code(mut self, app: AuthorizationCode) -> Self {
        self.identity = Some(Identity::Code(app));
        self
    }

    /// Identifies by assertions of an identity provider.
    pub fn saml2_bearer(mut self, bearer: Saml2Bearer) -> Self {
        self.identity = Some(Identity::Saml2(bearer));
        self
    }

    /// Keeps tokens for the next start: a [`FileStore`](crate::FileStore), or a [`TokenStore`] of your own. Default: none.
    pub fn token_store(mut self, store: impl TokenStore + 'static) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Identifies by tokens from elsewhere, such as a [`StaticToken`](crate::StaticToken).
    pub fn token_source(mut self, tokens: impl TokenSource + 'static) -> Self {
        self.identity = Some(Identity::Source(Arc::new(tokens)));
        self
    }

    /// Certificates, for REST and sockets alike. Default: the platform's roots.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// The proxy, for REST and sockets alike. Default [`Proxy::system`].
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// Deadline of opening a connection for a REST call: DNS, TCP, proxy and TLS. Default 10 s.
    pub fn connect_timeout(mut self, deadline: Duration) -> Self {
        self.limits.connect = deadline;
        self
    }

    /// Deadline of one attempt of a REST call, the answer included. Default 32 s.
    pub fn request_timeout(mut self, deadline: Duration) -> Self {
        self.limits.attempt = deadline;
        self
    }

    /// Longest answer of a REST call that is read, in bytes. Default 16 MiB.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.limits.body = bytes;
        self
    }

    /// Says which failures of REST calls pass. Default [`SafeToRepeat`](crate::SafeToRepeat).
    pub fn classify(mut self, classify: impl Classify + 'static) -> Self {
        self.rules.classify = Arc::new(classify);
        self
    }

    /// Says when a REST call is repeated. Default [`BackoffRetry`](crate::BackoffRetry).
    pub fn retry(mut self, policy: impl RetryPolicy + 'static) -> Self {
        self.rules.policy = Arc::new(policy);
        self
    }

    /// Bounds the repetitions of all REST calls together. Default [`TokenBudget`](crate::TokenBudget).
    pub fn retry_budget(mut self, budget: impl RetryBudget + 'static) -> Self {
        self.rules.budget = Arc::new(budget);
        self
    }

    /// Longest `Retry-After` that is waited for; a longer one is returned as an error. Default 180 s.
    pub fn retry_after_cap(mut self, longest: Duration) -> Self {
        self.rules.retry_after_cap = longest;
        self
    }

    /// Paces REST calls. Default [`WindowLimiter`]: 300 a minute for each token.
    pub fn rate_limiter(mut self, limiter: impl RateLimiter + 'static) -> Self {
        self.limiter = Arc::new(limiter);
        self
    }

    /// Reads from the platform how many requests it takes in a minute, beside the first call and every eight hours that the
    /// client is used, with the lowest priority. A client that may not read it keeps to the default. Default: not read.
    ///
    /// See [`Budget::settle_from_limits`] to do it at a time of your own.
    pub fn learn_limits(mut self) -> Self {
        self.learn_limits = true;
        self
    }

    /// Is told of everything notable. Default: nobody.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.ambient.observer = Arc::new(observer);
        self
    }

    /// Where the time is read. Default [`RuntimeClock`](crate::RuntimeClock).
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.ambient.clock = Arc::new(clock);
        self
    }

    /// Where jitter comes from. Default [`ThreadEntropy`](crate::ThreadEntropy).
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.ambient.entropy = Arc::new(entropy);
        self
    }

    /// Connects in memory instead of over the network.
    #[cfg(all(test, feature = "sim"))]
    pub(crate) fn pipes(mut self, pipes: impl crate::transport::pipe::Pipes + 'static) -> Self {
        self.pipes = Some(Arc::new(pipes));
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when it is not said who the client is, or the TLS settings do not work.
    pub fn build(self) -> Result<Client> {
        let Self {
            endpoints,
            identity,
            store,
            tls,
            proxy,
            limits,
            rules,
            limiter,
            learn_limits,
            ambient,
            #[cfg(test)]
            pipes,
        } = self;
        let identity = identity.ok_or_else(|| {
            Error::config("no identity: call credentials() or token_source() before build()")
        })?;
        let connector = Connector {
            tls: tls.client_config(&[b"http/1.1"])?,
            proxy: proxy.clone(),
            clock: ambient.clock.clone(),
            #[cfg(test)]
            pipes: pipes.clone(),
        };
        let bare = BareExecutor::new(&tls, &proxy, limits, ambient.clone())?;
        #[cfg(test)]
        let bare = bare.leading_to(pipes);
        let bare = Arc::new(bare);
        let learned =
            LearnedLimits::new(matches!(identity, Identity::Credentials(_)), learn_limits);
        let login = || -> Arc<dyn Execute> {
            Arc::new(Retrying::new(bare.clone(), rules.clone(), ambient.clone()))
        };
        let tokens = identity.tokens(&endpoints, login, store, &ambient)?;
        let service = HttpService::new(bare, tokens.clone(), rules, limiter, &ambient);
        let api = Api::new(service, endpoints.clone()).learning(learned);
        let notifications = Notifications::new(api.clone());
        Ok(Client(Arc::new(Inner { api, endpoints, tokens, notifications, connector, ambient })))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("endpoints", &self.endpoints)
            .field("tls", &self.tls)
            .field("proxy", &self.proxy)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

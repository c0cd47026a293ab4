//! What a client is made of.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::handle::{Client, Inner};
use crate::auth::authorization_code::{AuthorizationCode, SignedIn};
use crate::auth::login::Identity;
use crate::auth::saml2::Saml2Bearer;
use crate::auth::token_store::TokenStore;
use crate::core::clock::{Clock, Entropy};
use crate::core::credentials::ClientCredentials;
use crate::core::ports::TokenSource;
use crate::diagnostics::observer::Observer;
use crate::error::{Error, Result};
use crate::region::Endpoints;
use crate::rest::api::Api;
use crate::rest::learned_limits::LearnedLimits;
use crate::rest::notifications::Notifications;
use crate::transport::ambient::Ambient;
use crate::transport::http::budget::RetryBudget;
use crate::transport::http::classify::Classify;
use crate::transport::http::executor::{BareExecutor, Execute, Limits};
use crate::transport::http::rate_limit::RateLimiter;
use crate::transport::http::retry::{RetryPolicy, RetryRules, Retrying};
use crate::transport::http::service::HttpService;
use crate::transport::http::window_limiter::WindowLimiter;
use crate::transport::proxy::Proxy;
use crate::transport::tls::Tls;
use crate::transport::ws::Connector;

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
    pub(super) fn new(endpoints: Endpoints) -> Self {
        Self {
            endpoints,
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
    /// See [`Budget::settle_from_limits`](crate::Budget::settle_from_limits) to do it at a time of your own.
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
        Ok(Client::of(Inner { api, endpoints, tokens, notifications, connector, ambient }))
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

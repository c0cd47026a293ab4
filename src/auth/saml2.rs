//! The SAML2-bearer grant: an assertion of the organization's identity provider is exchanged for a token.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::auth::client_credentials::party;
use crate::auth::keeper::Grant;
use crate::auth::token_answer::{Asked, Issued};
use crate::auth::token_request::{exchange, token_request};
use crate::core::credentials::ClientCredentials;
use crate::core::ports::BoxFuture;
use crate::core::secret::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::region::Endpoints;
use crate::transport::http::executor::Execute;

/// How long a source of assertions may take: two attempts at an identity provider.
const DEADLINE: Duration = Duration::from_secs(60);

/// Longest assertion, in bytes of Base64; the platform takes no larger request body (`request.bytes.max`: 512,000).
const LONGEST: usize = 480_000;

/// Base64 that need not be padded, of either alphabet: identity providers differ.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Where SAML2 assertions come from: implemented by closures that return a future.
pub trait AssertionSource: Send + Sync {
    /// A fresh SAML2 response in Base64, good now and for one use. Asked once for each token; dropped after 60 s.
    ///
    /// # Errors
    /// Whatever keeps it from being had: it fails the call that needs the token.
    fn assertion(&self) -> BoxFuture<'_, Result<Secret>>;
}

const _: fn(&dyn AssertionSource) = |_| {};

impl<F, A> AssertionSource for F
where
    F: Fn() -> A + Send + Sync,
    A: Future<Output = Result<Secret>> + Send + 'static,
{
    fn assertion(&self) -> BoxFuture<'_, Result<Secret>> {
        Box::pin(self())
    }
}

/// An OAuth client with the grant *SAML2 bearer*, for programs that have an assertion of the organization's identity
/// provider for a user.
///
/// There is no refresh token: each token, early renewals among them, needs a fresh assertion.
///
/// ```
/// use genesys_cloud::{Client, ClientCredentials, Region, Saml2Bearer, Secret};
///
/// # async fn ask_identity_provider() -> std::io::Result<String> { Ok(String::new()) }
/// # fn main() -> genesys_cloud::Result<()> {
/// let credentials = ClientCredentials::new("my-client-id", "my-secret");
/// let assertions = || async {
///     let text = ask_identity_provider().await;
///     text.map(Secret::new).map_err(|_| genesys_cloud::Error::config("no assertion"))
/// };
/// let client = Client::builder(Region::EuWest1)
///     .saml2_bearer(Saml2Bearer::new(credentials, assertions).organization("acme"))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Saml2Bearer {
    credentials: ClientCredentials,
    assertions: Arc<dyn AssertionSource>,
    organization: Option<Box<str>>,
    account: Option<Box<str>>,
}

impl Saml2Bearer {
    /// A client by its id and secret, and where its assertions come from.
    pub fn new(credentials: ClientCredentials, assertions: impl AssertionSource + 'static) -> Self {
        let assertions = Arc::new(assertions);
        Self { credentials, assertions, organization: None, account: None }
    }

    /// The short name of the organization: the platform wants it with each assertion.
    pub fn organization(mut self, name: impl Into<Box<str>>) -> Self {
        self.organization = Some(name.into());
        self
    }

    /// A name of your own for the user of the assertions: under it, tokens are stored apart from those of other users.
    pub fn account(mut self, name: impl Into<Box<str>>) -> Self {
        self.account = Some(name.into());
        self
    }

    pub(crate) fn client_id(&self) -> &str {
        self.credentials.client_id()
    }

    pub(crate) fn subject(&self) -> Option<&str> {
        self.account.as_deref()
    }
}

impl fmt::Debug for Saml2Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saml2Bearer")
            .field("credentials", &self.credentials)
            .field("organization", &self.organization)
            .finish_non_exhaustive()
    }
}

/// Asks for tokens with assertions.
pub(crate) struct Saml2Grant {
    bearer: Saml2Bearer,
    endpoints: Endpoints,
    http: Arc<dyn Execute>,
}

impl Saml2Grant {
    pub(crate) fn new(
        bearer: Saml2Bearer,
        endpoints: &Endpoints,
        http: Arc<dyn Execute>,
    ) -> Result<Self> {
        party(&bearer.credentials)?;
        Ok(Self { bearer, endpoints: endpoints.clone(), http })
    }

    /// An assertion that can be sent, without the line breaks that some encoders put in.
    async fn assertion(&self) -> Result<Secret> {
        let assertion = tokio::time::timeout(DEADLINE, self.bearer.assertions.assertion())
            .await
            .map_err(|_| {
            let text = format!("no SAML2 assertion within {} s", DEADLINE.as_secs());
            Error::new(ErrorKind::Timeout, text).retryable(true)
        })??;
        let text: String = assertion.expose().chars().filter(|c| !c.is_whitespace()).collect();
        if text.len() > LONGEST {
            let text = format!(
                "the SAML2 assertion is over {LONGEST} bytes: the platform takes none so large"
            );
            return Err(Error::new(ErrorKind::Capacity, text));
        }
        let is_base64 =
            !text.is_empty() && (STANDARD.decode(&text).is_ok() || URL_SAFE.decode(&text).is_ok());
        if !is_base64 {
            return Err(Error::config(
                "the SAML2 assertion is not Base64: give the encoded SAML response, not its XML",
            ));
        }
        Ok(Secret::new(text))
    }

    async fn ask(&self) -> Result<Issued> {
        let assertion = self.assertion().await?;
        let party = party(&self.bearer.credentials)?;
        let organization = self.bearer.organization.as_deref();
        let fields = [
            Some(("grant_type", "urn:ietf:params:oauth:grant-type:saml2-bearer")),
            organization.map(|name| ("orgName", name)),
            Some(("assertion", assertion.expose())),
        ];
        let fields = fields.into_iter().flatten();
        let request = token_request(&self.endpoints, &party, fields, &[&assertion])?;
        exchange(&*self.http, &request, Asked::Saml2).await
    }
}

impl Grant for Saml2Grant {
    fn request<'a>(&'a self, _: Option<&'a Secret>) -> BoxFuture<'a, Result<Issued>> {
        Box::pin(self.ask())
    }
}

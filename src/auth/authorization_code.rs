//! Signing a user in: where to send the browser, and what comes back.

use std::fmt;

use url::Url;

use crate::auth::callback;
use crate::auth::pkce;
use crate::core::credentials::CredentialsIn;
use crate::core::secret::Secret;
use crate::error::{Error, Result};
use crate::region::Endpoints;

/// Path of the page on which users sign in.
const AUTHORIZE_PATH: &str = "/oauth/authorize";

/// An OAuth client with the grant *code authorization*: users sign in with a browser, and the client acts as them.
///
/// PKCE (S256) is always part of it, so that a stolen code is worth nothing; a client without a secret, such as a desktop
/// program, is identified by that alone.
///
/// ```
/// use genesys_cloud::{AuthorizationCode, Client, MemoryStore, Region};
///
/// # fn redirect(_: &str) {}
/// # fn main() -> genesys_cloud::Result<()> {
/// let app = AuthorizationCode::new("my-client-id", "https://app.example/signed-in");
///
/// // 1. Send the browser there, and keep `sign_in` for the session.
/// let sign_in = app.sign_in(Region::EuWest1)?;
/// redirect(sign_in.url().as_str());
///
/// // 2. The browser comes back to the redirect address.
/// let callback = format!("/signed-in?code=abc&state={}", sign_in.state().expose());
/// let client = Client::builder(Region::EuWest1)
///     .signed_in(sign_in.answer(&callback)?)
///     .token_store(MemoryStore::new())
///     .build()?;
///
/// // 3. The code is exchanged by the first call, and good for minutes only: make one now.
/// // client.token_source().token().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Later
/// The platform gives a refresh token with each token, good for one use. The client renews early, and a
/// [`TokenStore`](crate::TokenStore) keeps both, so that a program that starts again goes on with
/// [`ClientBuilder::authorization_code`](crate::ClientBuilder::authorization_code). When the sign-in has ended — the
/// refresh token is lost, was used, or is refused — calls fail with [`Auth`](crate::ErrorKind::Auth), and the user must sign in again.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    id: Box<str>,
    secret: Option<Secret>,
    placed: CredentialsIn,
    redirect: Box<str>,
    organization: Option<Box<str>>,
    provider: Option<Box<str>>,
    account: Option<Box<str>>,
}

impl AuthorizationCode {
    /// A client by its id, with the address to which users come back: one that is registered for it, to the letter.
    pub fn new(client_id: impl Into<Box<str>>, redirect_uri: impl Into<Box<str>>) -> Self {
        Self {
            id: client_id.into(),
            secret: None,
            placed: CredentialsIn::default(),
            redirect: redirect_uri.into(),
            organization: None,
            provider: None,
            account: None,
        }
    }

    /// The client's secret, for programs that can keep one: a server, not what runs at the user's.
    pub fn client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Says where id and secret go in a token request; the default is the Basic header.
    pub fn placed(mut self, placed: CredentialsIn) -> Self {
        self.placed = placed;
        self
    }

    /// The short name of the organization, so that users need not type it.
    pub fn organization(mut self, name: impl Into<Box<str>>) -> Self {
        self.organization = Some(name.into());
        self
    }

    /// The identity provider that users are sent to at once. Needs an [`organization`](Self::organization).
    pub fn provider(mut self, name: impl Into<Box<str>>) -> Self {
        self.provider = Some(name.into());
        self
    }

    /// A name of your own for the user who signs in: under it, tokens are stored apart from those of other users.
    pub fn account(mut self, name: impl Into<Box<str>>) -> Self {
        self.account = Some(name.into());
        self
    }

    /// The OAuth client's id.
    pub fn client_id(&self) -> &str {
        &self.id
    }

    /// The address to which users come back.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect
    }

    /// Begins a sign-in: one for each time that a user is sent to sign in.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) for settings that cannot work, or when the system has no randomness.
    pub fn sign_in(&self, endpoints: impl Into<Endpoints>) -> Result<SignIn> {
        self.resume(endpoints, pkce::unguessable()?, pkce::unguessable()?)
    }

    /// The sign-in that began elsewhere with this [`state`](SignIn::state) and [`verifier`](SignIn::verifier): for web
    /// servers that keep them in the user's session.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) for settings that cannot work, or a state or verifier that is none.
    pub fn resume(
        &self,
        endpoints: impl Into<Endpoints>,
        state: impl Into<Secret>,
        verifier: impl Into<Secret>,
    ) -> Result<SignIn> {
        let (endpoints, state, verifier) = (endpoints.into(), state.into(), verifier.into());
        self.check()?;
        pkce::check_verifier(&verifier)?;
        if state.expose().is_empty() {
            return Err(Error::config("the state of a sign-in is empty"));
        }
        let mut url = endpoints.login_url(AUTHORIZE_PATH)?;
        let challenge = pkce::challenge(&verifier);
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.id)
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("state", state.expose())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(self.organization.as_deref().map(|name| ("org", name)))
            .extend_pairs(self.provider.as_deref().map(|name| ("provider", name)));
        Ok(SignIn { app: self.clone(), url, login: endpoints.login().clone(), state, verifier })
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.id.is_empty() || self.secret.as_ref().is_some_and(|one| one.expose().is_empty()) {
            return Err(Error::config("client id or client secret is empty"));
        }
        if self.provider.is_some() && self.organization.is_none() {
            return Err(Error::config("a provider needs the organization that it belongs to"));
        }
        match Url::parse(&self.redirect) {
            Ok(url) if url.fragment().is_none() => Ok(()),
            Ok(_) => Err(Error::config("the redirect address must not have a fragment (#)")),
            Err(error) => {
                Err(Error::config("the redirect address is not an absolute URL").with_source(error))
            }
        }
    }

    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    pub(crate) fn placement(&self) -> CredentialsIn {
        self.placed
    }

    pub(crate) fn subject(&self) -> Option<&str> {
        self.account.as_deref()
    }
}

impl fmt::Debug for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationCode")
            .field("id", &self.id)
            .field("secret", &self.secret)
            .field("redirect", &self.redirect)
            .finish_non_exhaustive()
    }
}

/// A sign-in under way: the user is in front of the platform's page.
#[derive(Clone)]
pub struct SignIn {
    app: AuthorizationCode,
    url: Url,
    login: Url,
    state: Secret,
    verifier: Secret,
}

impl SignIn {
    /// Where to send the user's browser.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// What the callback has to repeat: keep it in the user's session, where nobody else can put one.
    pub fn state(&self) -> &Secret {
        &self.state
    }

    /// The PKCE verifier: keep it in the user's session, and show it to nobody.
    pub fn verifier(&self) -> &Secret {
        &self.verifier
    }

    /// Reads the callback: the address that the browser came back to, its path and query, or the query alone.
    ///
    /// # Errors
    /// [`Auth`](crate::ErrorKind::Auth) when the state is not that of this sign-in, when there is no code, and when the
    /// platform refused; then [`code`](Error::code) is its reason, such as `access_denied`.
    pub fn answer(&self, callback: &str) -> Result<SignedIn> {
        callback::code_of(callback, &self.state).map(|code| self.signed_in(code))
    }

    /// As [`answer`](Self::answer), for a callback that was taken apart already.
    ///
    /// # Errors
    /// [`Auth`](crate::ErrorKind::Auth) when the state is not that of this sign-in, and
    /// [`Config`](crate::ErrorKind::Config) for an empty code.
    pub fn code(&self, code: impl Into<Secret>, state: impl Into<Secret>) -> Result<SignedIn> {
        callback::check_state(&state.into(), &self.state)?;
        let code = code.into();
        if code.expose().is_empty() {
            return Err(Error::config("the authorization code is empty"));
        }
        Ok(self.signed_in(code))
    }

    fn signed_in(&self, code: Secret) -> SignedIn {
        SignedIn {
            app: self.app.clone(),
            login: self.login.clone(),
            code,
            verifier: self.verifier.clone(),
        }
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("app", &self.app).finish_non_exhaustive()
    }
}

/// A user who has signed in, for [`ClientBuilder::signed_in`](crate::ClientBuilder::signed_in). Good once, for minutes.
#[derive(Clone)]
pub struct SignedIn {
    pub(crate) app: AuthorizationCode,
    /// The login service that gave the code.
    pub(crate) login: Url,
    pub(crate) code: Secret,
    pub(crate) verifier: Secret,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("app", &self.app).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::region::Region;

    fn app() -> AuthorizationCode {
        AuthorizationCode::new("my id", "https://app.example/in?x=1").client_secret("hush-secret")
    }

    #[test]
    fn the_address_has_what_the_platform_asks_for_and_no_secret() {
        let app = app().organization("acme").provider("okta").account("kim");
        let sign_in = app.sign_in(Region::EuWest1).unwrap();
        let url = sign_in.url();
        assert_eq!(
            (url.host_str(), url.path()),
            (Some("login.mypurecloud.ie"), "/oauth/authorize")
        );
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let challenge = pkce::challenge(sign_in.verifier());
        let expected = [
            ("response_type", "code"),
            ("client_id", "my id"),
            ("redirect_uri", "https://app.example/in?x=1"),
            ("state", sign_in.state().expose()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("org", "acme"),
            ("provider", "okta"),
        ];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(!url.as_str().contains(sign_in.verifier().expose()));
        assert!(!url.as_str().contains("hush"));
        let again = app.sign_in(Region::EuWest1).unwrap();
        assert!(again.state() != sign_in.state() && again.verifier() != sign_in.verifier());
        let shown = format!("{sign_in:?} {:?}", sign_in.code("hush", sign_in.state().clone()));
        for secret in ["hush", sign_in.state().expose(), sign_in.verifier().expose()] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn a_sign_in_goes_on_in_another_process() {
        let begun = app().sign_in(Region::EuWest1).unwrap();
        let (state, verifier) = (begun.state().expose(), begun.verifier().expose());
        let resumed = app().resume(Region::EuWest1, state, verifier).unwrap();
        assert_eq!(resumed.url(), begun.url());
        let callback = format!("/in?code=c&state={state}");
        assert_eq!(resumed.answer(&callback).unwrap().verifier, *begun.verifier());
        assert_eq!(resumed.code("c", "other").unwrap_err().kind(), ErrorKind::Auth);
        assert_eq!(resumed.code("", state).unwrap_err().kind(), ErrorKind::Config);
    }

    #[test]
    fn settings_that_cannot_work_are_refused_before_anybody_is_sent_anywhere() {
        for bad in [
            AuthorizationCode::new("", "https://app.example/"),
            AuthorizationCode::new("id", "app.example/in"),
            AuthorizationCode::new("id", "https://app.example/#in"),
            AuthorizationCode::new("id", "https://app.example/").client_secret(""),
            AuthorizationCode::new("id", "https://app.example/").provider("okta"),
        ] {
            assert_eq!(
                bad.sign_in(Region::UsEast1).unwrap_err().kind(),
                ErrorKind::Config,
                "{bad:?}"
            );
        }
        for (state, verifier) in [("", "x".repeat(43)), ("s", "short".to_owned())] {
            let error = app().resume(Region::UsEast1, state, verifier).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
        }
    }
}

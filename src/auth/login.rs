//! Who a client is, and where its tokens come from.

use std::sync::Arc;

use crate::auth::authorization_code::{AuthorizationCode, SignedIn};
use crate::auth::cache::CachedTokens;
use crate::auth::client_credentials::{ClientCredentialsGrant, scopes};
use crate::auth::code_grant::CodeGrant;
use crate::auth::keeper::{Grant, Keeper, Kept};
use crate::auth::saml2::{Saml2Bearer, Saml2Grant};
use crate::auth::token_store::{TokenKey, TokenStore};
use crate::core::credentials::ClientCredentials;
use crate::core::ports::TokenSource;
use crate::error::{Error, Result};
use crate::region::Endpoints;
use crate::transport::ambient::Ambient;
use crate::transport::http::executor::Execute;

/// Who a client is.
#[derive(Clone)]
pub(crate) enum Identity {
    Credentials(ClientCredentials),
    /// A user who has just signed in.
    SignedIn(SignedIn),
    /// A user who signed in before.
    Code(AuthorizationCode),
    Saml2(Saml2Bearer),
    Source(Arc<dyn TokenSource>),
}

impl Identity {
    /// Where its tokens come from. `http` has no token in it: the bare executor inside the retry loop.
    pub(crate) fn tokens(
        self,
        endpoints: &Endpoints,
        http: impl FnOnce() -> Arc<dyn Execute>,
        store: Option<Arc<dyn TokenStore>>,
        ambient: &Ambient,
    ) -> Result<Arc<dyn TokenSource>> {
        let key = |id: &str, subject: Option<&str>| TokenKey::new(endpoints.login(), id, subject);
        let (grant, key): (Arc<dyn Grant>, TokenKey) = match self {
            Self::Source(_) if store.is_some() => {
                return Err(Error::config(
                    "a token store keeps what the client asks for; a token source keeps its own tokens",
                ));
            }
            Self::Source(source) => return Ok(source),
            Self::Credentials(credentials) => {
                // A token for some scopes must not serve a client that asks for others.
                let key = key(credentials.client_id(), scopes(&credentials).as_deref());
                (Arc::new(ClientCredentialsGrant::new(&credentials, endpoints, http())?), key)
            }
            Self::SignedIn(user) => {
                let key = key(user.app.client_id(), user.app.subject());
                (Arc::new(CodeGrant::signed_in(user, endpoints, http())?), key)
            }
            Self::Code(app) => {
                if store.is_none() {
                    return Err(Error::config(
                        "authorization_code() needs the token_store() in which the sign-in is kept; \
                         for a user who has just signed in, call signed_in()",
                    ));
                }
                let key = key(app.client_id(), app.subject());
                (Arc::new(CodeGrant::kept(app, endpoints, http())?), key)
            }
            Self::Saml2(bearer) => {
                let key = key(bearer.client_id(), bearer.subject());
                (Arc::new(Saml2Grant::new(bearer, endpoints, http())?), key)
            }
        };
        let kept = store.map(|store| Kept { store, key });
        let keeper = Keeper::new(grant, kept, ambient.clone());
        Ok(Arc::new(CachedTokens::new(keeper, ambient.clone())))
    }
}

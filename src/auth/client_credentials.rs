//! The client-credentials grant.

use std::sync::Arc;

use crate::auth::keeper::Grant;
use crate::auth::token_answer::{Asked, Issued};
use crate::auth::token_request::{Party, exchange, token_request};
use crate::core::credentials::ClientCredentials;
use crate::core::ports::BoxFuture;
use crate::core::secret::Secret;
use crate::error::{Error, Result};
use crate::region::Endpoints;
use crate::transport::http::executor::Execute;
use crate::transport::http::request::Request;

/// Asks for tokens with the id and secret of an OAuth client.
pub(crate) struct ClientCredentialsGrant {
    request: Request,
    http: Arc<dyn Execute>,
}

impl ClientCredentialsGrant {
    /// A grant over an executor without a token in it: the bare one inside the retry loop.
    pub(crate) fn new(
        credentials: &ClientCredentials,
        endpoints: &Endpoints,
        http: Arc<dyn Execute>,
    ) -> Result<Self> {
        let party = party(credentials)?;
        let scopes = scopes(credentials);
        let mut fields = vec![("grant_type", "client_credentials")];
        fields.extend(scopes.as_deref().map(|scopes| ("scope", scopes)));
        let request = token_request(endpoints, &party, fields, &[])?;
        Ok(Self { request, http })
    }
}

/// The OAuth client of credentials that are whole.
pub(crate) fn party(credentials: &ClientCredentials) -> Result<Party<'_>> {
    let (id, secret) = (credentials.client_id(), credentials.client_secret());
    if id.is_empty() || secret.expose().is_empty() {
        return Err(Error::config("client id or client secret is empty"));
    }
    Ok(Party { id, secret: Some(secret), placed: credentials.placement() })
}

/// The scopes to ask for, in one text.
pub(crate) fn scopes(credentials: &ClientCredentials) -> Option<String> {
    let scopes: Vec<&str> = credentials.scopes().collect();
    (!scopes.is_empty()).then(|| scopes.join(" "))
}

impl Grant for ClientCredentialsGrant {
    fn request<'a>(&'a self, _: Option<&'a Secret>) -> BoxFuture<'a, Result<Issued>> {
        Box::pin(exchange(&*self.http, &self.request, Asked::ClientCredentials))
    }
}

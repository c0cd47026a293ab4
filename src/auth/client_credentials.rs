//! The client-credentials grant.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method};
use url::form_urlencoded;

use crate::auth::cache::Grant;
use crate::auth::token_answer::{Issued, issued, refused};
use crate::core::credentials::{ClientCredentials, CredentialsIn};
use crate::core::ports::BoxFuture;
use crate::core::secret::Secret;
use crate::error::{Error, Result};
use crate::region::Endpoints;
use crate::transport::http::executor::Execute;
use crate::transport::http::request::{Priority, Request};

/// Path of the token endpoint.
const TOKEN_PATH: &str = "/oauth/token";

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
        let url = endpoints.login_url(TOKEN_PATH)?;
        let (id, secret) = (credentials.client_id(), credentials.client_secret());
        if id.is_empty() || secret.expose().is_empty() {
            return Err(Error::config("client id or client secret is empty"));
        }
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        let scopes: Vec<&str> = credentials.scopes().collect();
        if !scopes.is_empty() {
            form.append_pair("scope", &scopes.join(" "));
        }
        let in_form = credentials.placement() == CredentialsIn::Form;
        if in_form {
            form.append_pair("client_id", id);
            form.append_pair("client_secret", secret.expose());
        }
        let mut request = Request::new(Method::POST, TOKEN_PATH, url)
            .body("application/x-www-form-urlencoded", form.finish());
        if !in_form {
            let pair = STANDARD.encode(format!("{id}:{}", secret.expose()));
            let mut value = HeaderValue::try_from(format!("Basic {pair}"))
                .map_err(|_| Error::config("client id and secret do not make a header"))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
            request.hidden.push(Secret::new(pair));
        }
        request.hidden.push(secret.clone());
        request.answer_is_secret = true;
        request.priority = Priority::Reconnect;
        // A second token is as good as the first: the platform keeps both until they expire.
        request.idempotent = Some(true);
        Ok(Self { request, http })
    }
}

impl Grant for ClientCredentialsGrant {
    fn request(&self) -> BoxFuture<'_, Result<Issued>> {
        Box::pin(async move {
            let response = self.http.execute(&self.request).await?;
            if response.is_success() {
                issued(&response, &self.request)
            } else {
                Err(refused(response, &self.request))
            }
        })
    }
}

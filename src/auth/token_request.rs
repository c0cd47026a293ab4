//! The requests of all grants: a form to the token endpoint, with the client's id and secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method};
use url::form_urlencoded;

use crate::auth::token_answer::{Asked, Issued, issued, refused};
use crate::core::credentials::CredentialsIn;
use crate::core::secret::Secret;
use crate::error::{Error, Result};
use crate::region::Endpoints;
use crate::transport::http::executor::Execute;
use crate::transport::http::request::{Priority, Request};

/// Path of the token endpoint.
const TOKEN_PATH: &str = "/oauth/token";

/// Who asks: an OAuth client with its secret, or without one.
pub(crate) struct Party<'a> {
    pub(crate) id: &'a str,
    pub(crate) secret: Option<&'a Secret>,
    pub(crate) placed: CredentialsIn,
}

/// A request for a token. `fields` are those of the grant; of `hidden`, no error repeats anything.
pub(crate) fn token_request<'a>(
    endpoints: &Endpoints,
    party: &Party<'_>,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    hidden: &[&Secret],
) -> Result<Request> {
    let url = endpoints.login_url(TOKEN_PATH)?;
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    let mut header = None;
    match party.secret {
        None => {
            form.append_pair("client_id", party.id);
        }
        Some(secret) if party.placed == CredentialsIn::Form => {
            form.append_pair("client_id", party.id);
            form.append_pair("client_secret", secret.expose());
        }
        Some(secret) => {
            let pair = STANDARD.encode(format!("{}:{}", party.id, secret.expose()));
            let mut value = HeaderValue::try_from(format!("Basic {pair}"))
                .map_err(|_| Error::config("client id and secret do not make a header"))?;
            value.set_sensitive(true);
            header = Some((value, pair));
        }
    }
    let mut request = Request::new(Method::POST, TOKEN_PATH, url)
        .body("application/x-www-form-urlencoded", form.finish());
    if let Some((value, pair)) = header {
        request = request.header(AUTHORIZATION, value);
        request.hidden.push(Secret::new(pair));
    }
    request.hidden.extend(party.secret.cloned());
    request.hidden.extend(hidden.iter().map(|&secret| secret.clone()));
    request.answer_is_secret = true;
    request.priority = Priority::Reconnect;
    // A second token is as good as the first: the platform keeps both until they expire. What can be used once only,
    // such as a code, is lost with the first answer anyway: to ask again is the only way left.
    request.idempotent = Some(true);
    Ok(request)
}

/// Sends a request for a token and reads the answer.
pub(crate) async fn exchange(
    http: &dyn Execute,
    request: &Request,
    asked: Asked,
) -> Result<Issued> {
    let response = http.execute(request).await?;
    if response.is_success() {
        issued(&response, request)
    } else {
        Err(refused(response, request, asked))
    }
}

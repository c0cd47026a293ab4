//! OAuth clients and tokens: issue, check, expire, revoke.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fastrand::Rng;
use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use url::form_urlencoded;

use super::ids;
use super::response::Reply;
use crate::core::secret::Secret;

/// Tokens kept before those that have expired are forgotten.
const KEPT: usize = 10_000;

/// Every client and every token.
#[derive(Default)]
pub(super) struct OAuth {
    clients: BTreeMap<Arc<str>, OauthClient>,
    tokens: HashMap<Arc<str>, Token>,
    /// Tokens issued since the start or the last reset.
    pub(super) issued: u64,
}

struct OauthClient {
    secret: Secret,
    name: String,
}

struct Token {
    client: Arc<str>,
    expires: Instant,
    /// What was asked for; `None` stands for everything that the client may do.
    scope: Option<String>,
}

/// Who calls: a token that is good, and its client.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) token: Arc<str>,
    pub(super) client: Arc<str>,
}

/// What a token request asks for, once it is read.
struct TokenRequest {
    grant: String,
    scope: Option<String>,
    id: String,
    secret: String,
}

impl OAuth {
    /// Adds a client, and returns its id and secret.
    pub(super) fn add_client(&mut self, rng: &mut Rng) -> (Arc<str>, Secret) {
        let id: Arc<str> = ids::uuid(rng).into();
        let secret = Secret::new(ids::opaque(rng, 43));
        let client = OauthClient {
            secret: secret.clone(),
            name: format!("Simulated client {}", self.clients.len() + 1),
        };
        self.clients.insert(Arc::clone(&id), client);
        (id, secret)
    }

    /// `POST /oauth/token`: the client whose credentials are right, and the scope to repeat.
    pub(super) fn authenticate(
        &self,
        authorization: Option<&str>,
        form: &[u8],
    ) -> Result<(Arc<str>, Option<String>), Reply> {
        let request = TokenRequest::read(authorization, form);
        let Some((id, client)) = self.clients.get_key_value(request.id.as_str()) else {
            return Err(refused(400, "invalid_client", "client not found"));
        };
        if client.secret != Secret::new(request.secret) {
            return Err(refused(401, "invalid_client", "authentication failed"));
        }
        if request.grant != "client_credentials" {
            return Err(refused(
                400,
                "unsupported_grant_type",
                "this client may use client_credentials only",
            ));
        }
        Ok((Arc::clone(id), request.scope))
    }

    /// Issues a token.
    pub(super) fn issue(
        &mut self,
        client: Arc<str>,
        scope: Option<&str>,
        life: Duration,
        rng: &mut Rng,
    ) -> Reply {
        let now = Instant::now();
        if self.tokens.len() >= KEPT {
            self.tokens.retain(|_, token| token.expires > now);
        }
        let value: Arc<str> = ids::opaque(rng, 86).into();
        let mut body = Map::new();
        body.insert("access_token".into(), json!(value));
        body.insert("token_type".into(), json!("bearer"));
        body.insert("expires_in".into(), json!(life.as_secs()));
        if let Some(scope) = scope {
            body.insert("scope".into(), json!(scope));
        }
        let expires = now + life;
        let scope = scope.map(str::to_owned);
        self.tokens.insert(value, Token { client, expires, scope });
        self.issued += 1;
        Reply::json(&Value::Object(body))
    }

    /// Who a request is from, by its `Authorization` header.
    pub(super) fn check(&self, authorization: Option<&str>) -> Result<Caller, Reply> {
        let bearer = authorization.and_then(|value| strip_scheme(value, "bearer"));
        let Some(bearer) = bearer else {
            return Err(Reply::error(
                401,
                "authentication.required",
                "No authentication bearer token specified in authorization header.",
            ));
        };
        self.check_token(bearer)
    }

    /// Who a token belongs to.
    pub(super) fn check_token(&self, token: &str) -> Result<Caller, Reply> {
        let Some((value, token)) = self.tokens.get_key_value(token) else {
            return Err(Reply::error(401, "bad.credentials", "Invalid login credentials."));
        };
        if token.expires <= Instant::now() {
            return Err(Reply::error(
                401,
                "credentials.expired",
                "The supplied credentials have expired.",
            ));
        }
        Ok(Caller { token: Arc::clone(value), client: Arc::clone(&token.client) })
    }

    /// Whether a token may do something: one that was asked for without a scope may do everything.
    pub(super) fn permits(&self, caller: &Caller, scope: &str) -> bool {
        let token = self.tokens.get(&caller.token);
        token.is_some_and(|token| token.scope.is_none() || token.scopes().any(|one| one == scope))
    }

    /// When a token ends; `None` when it was revoked.
    pub(super) fn expiry(&self, token: &str) -> Option<Instant> {
        self.tokens.get(token).map(|token| token.expires)
    }

    /// Ends tokens now: one, or all.
    pub(super) fn expire(&mut self, only: Option<&str>) {
        let now = Instant::now();
        for (value, token) in &mut self.tokens {
            if only.is_none_or(|only| **value == *only) {
                token.expires = token.expires.min(now);
            }
        }
    }

    /// Revokes tokens: one, or all.
    pub(super) fn revoke(&mut self, only: Option<&str>) {
        match only {
            Some(token) => drop(self.tokens.remove(token)),
            None => self.tokens.clear(),
        }
    }

    /// A token that was not asked for over HTTP.
    pub(super) fn mint(&mut self, client: &Arc<str>, life: Duration, rng: &mut Rng) -> Arc<str> {
        let value: Arc<str> = ids::opaque(rng, 86).into();
        let token =
            Token { client: Arc::clone(client), expires: Instant::now() + life, scope: None };
        self.tokens.insert(Arc::clone(&value), token);
        self.issued += 1;
        value
    }

    /// The ids of all clients.
    pub(super) fn client_ids(&self) -> impl Iterator<Item = Arc<str>> + '_ {
        self.clients.keys().cloned()
    }

    pub(super) fn has_client(&self, id: &str) -> bool {
        self.clients.contains_key(id)
    }

    /// The name of a client; empty when there is no such client.
    pub(super) fn client_name(&self, id: &str) -> String {
        self.clients.get(id).map_or_else(String::new, |client| client.name.clone())
    }

    pub(super) fn rename_client(&mut self, id: &str, name: String) {
        if let Some(client) = self.clients.get_mut(id) {
            client.name = name;
        }
    }

    /// Another secret for a client; `None` when there is no such client.
    pub(super) fn new_secret(&mut self, id: &str, rng: &mut Rng) -> Option<Secret> {
        let client = self.clients.get_mut(id)?;
        client.secret = Secret::new(ids::opaque(rng, 43));
        Some(client.secret.clone())
    }

    pub(super) fn remove_client(&mut self, id: &str) {
        self.clients.remove(id);
    }

    /// The tokens of a client.
    pub(super) fn tokens_of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = Arc<str>> + 'a {
        let own = self.tokens.iter().filter(move |(_, token)| *token.client == *id);
        own.map(|(value, _)| Arc::clone(value))
    }

    /// `GET /api/v2/tokens/me`.
    pub(super) fn token_info(&self, caller: &Caller, organization: &Value) -> Value {
        let name = self.clients.get(&caller.client).map_or("", |client| client.name.as_str());
        let scopes: Vec<&str> =
            self.tokens.get(&caller.token).into_iter().flat_map(Token::scopes).collect();
        json!({
            "organization": organization,
            "homeOrganization": organization,
            "authorizedScope": scopes,
            "OAuthClient": {
                "id": caller.client,
                "name": name,
                "authorizedGrantType": "CLIENT-CREDENTIALS",
                "state": "active",
                "scope": [],
                "roleDivisions": [],
                "organization": organization,
            },
        })
    }
}

impl Token {
    fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.as_deref().unwrap_or_default().split([' ', ',']).filter(|one| !one.is_empty())
    }
}

impl TokenRequest {
    /// Reads what is there; the Basic header wins over the form. Scope is optional.
    fn read(authorization: Option<&str>, form: &[u8]) -> Self {
        let mut request =
            Self { grant: String::new(), scope: None, id: String::new(), secret: String::new() };
        for (name, value) in form_urlencoded::parse(form) {
            match &*name {
                "grant_type" => request.grant = value.into_owned(),
                "scope" => request.scope = Some(value.into_owned()),
                "client_id" => request.id = value.into_owned(),
                "client_secret" => request.secret = value.into_owned(),
                _ => {}
            }
        }
        let basic = authorization
            .and_then(|value| strip_scheme(value, "basic"))
            .and_then(|text| BASE64_STANDARD.decode(text).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some((id, secret)) = basic.as_deref().and_then(|text| text.split_once(':')) {
            id.clone_into(&mut request.id);
            secret.clone_into(&mut request.secret);
        }
        request
    }
}

fn strip_scheme<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let (name, rest) = value.trim().split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

/// The token endpoint's own error body, which is not the platform's.
fn refused(status: u16, error: &str, description: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let body = json!({
        "error": error, "description": description, "error_description": description,
    });
    Reply::json_with(status, &body)
}

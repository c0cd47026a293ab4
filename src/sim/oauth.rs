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
use super::sign_in::{Shown, SignIns};
use super::world::World;
use crate::core::secret::Secret;

/// Tokens kept before those that have expired are forgotten.
const KEPT: usize = 10_000;

/// Every client and every token.
#[derive(Default)]
pub(super) struct OAuth {
    clients: BTreeMap<Arc<str>, OauthClient>,
    tokens: HashMap<Arc<str>, Token>,
    pub(super) sign_ins: SignIns,
    /// Tokens issued since the start or the last reset.
    pub(super) issued: u64,
}

struct OauthClient {
    secret: Secret,
    name: String,
    grant: GrantType,
}

/// What an OAuth client may ask for a token with.
#[derive(Clone, Debug)]
pub(super) enum GrantType {
    ClientCredentials,
    /// Users sign in, and come back to this address.
    Code {
        redirect_uri: String,
    },
    Saml2,
}

impl GrantType {
    /// As `authorizedGrantType` says it.
    fn name(&self) -> &'static str {
        match self {
            Self::ClientCredentials => "CLIENT-CREDENTIALS",
            Self::Code { .. } => "CODE",
            Self::Saml2 => "SAML2-BEARER",
        }
    }

    /// The values of `grant_type` that go with it.
    fn values(&self) -> &'static [&'static str] {
        match self {
            Self::ClientCredentials => &["client_credentials"],
            Self::Code { .. } => &["authorization_code", "refresh_token"],
            Self::Saml2 => &["urn:ietf:params:oauth:grant-type:saml2-bearer"],
        }
    }
}

struct Token {
    client: Arc<str>,
    user: Option<Arc<str>>,
    expires: Instant,
    /// What was asked for; `None` stands for everything that the client may do.
    scope: Option<String>,
}

/// Who calls: a token that is good, and its client.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) token: Arc<str>,
    pub(super) client: Arc<str>,
    /// The user who signed in; a token of client credentials has none.
    pub(super) user: Option<Arc<str>>,
}

/// What a token request asks for, once it is read.
#[derive(Default)]
struct TokenRequest {
    grant: String,
    scope: Option<String>,
    id: String,
    secret: String,
    shown: Shown,
}

/// A token request of a client that is who it says it is.
pub(super) struct Authenticated {
    pub(super) client: Arc<str>,
    request: TokenRequest,
}

/// What a token is issued for.
pub(super) struct Granted {
    client: Arc<str>,
    scope: Option<String>,
    user: Option<Arc<str>>,
    /// Whether a refresh token comes with it.
    refresh: bool,
}

impl OAuth {
    /// Adds a client, and returns its id and secret.
    pub(super) fn add_client(&mut self, grant: GrantType, rng: &mut Rng) -> (Arc<str>, Secret) {
        let id: Arc<str> = ids::uuid(rng).into();
        let secret = Secret::new(ids::opaque(rng, 43));
        let client = OauthClient {
            secret: secret.clone(),
            name: format!("Simulated client {}", self.clients.len() + 1),
            grant,
        };
        self.clients.insert(Arc::clone(&id), client);
        (id, secret)
    }

    /// How a client may get tokens.
    pub(super) fn grant_of(&self, client: &str) -> Option<(Arc<str>, GrantType)> {
        let (id, client) = self.clients.get_key_value(client)?;
        Some((Arc::clone(id), client.grant.clone()))
    }

    /// `POST /oauth/token`: the client whose credentials are right, and what it asks for.
    pub(super) fn authenticate(
        &self,
        authorization: Option<&str>,
        form: &[u8],
    ) -> Result<Authenticated, Reply> {
        let request = TokenRequest::read(authorization, form);
        let Some((id, client)) = self.clients.get_key_value(request.id.as_str()) else {
            return Err(refused(400, "invalid_client", "client not found"));
        };
        // A client that signs users in may be one that cannot keep a secret: it shows none, and PKCE proves who it is.
        let is_public = request.secret.is_empty() && matches!(client.grant, GrantType::Code { .. });
        if !is_public && client.secret != Secret::new(request.secret.as_str()) {
            return Err(refused(401, "invalid_client", "authentication failed"));
        }
        let values = client.grant.values();
        if !values.contains(&request.grant.as_str()) {
            let words = format!("this client may use {} only", values.join(" and "));
            return Err(refused(400, "unsupported_grant_type", &words));
        }
        Ok(Authenticated { client: Arc::clone(id), request })
    }

    /// Takes what a request has to show: a code, a refresh token or an assertion.
    pub(super) fn redeem(
        &mut self,
        asked: Authenticated,
        world: &World,
        code_life: Duration,
    ) -> Result<Granted, Reply> {
        let Authenticated { client, request } = asked;
        let TokenRequest { grant, scope, secret, shown, .. } = request;
        let user = match grant.as_str() {
            "authorization_code" => {
                Some(self.sign_ins.take_code(&client, &shown, !secret.is_empty(), code_life)?)
            }
            "refresh_token" => Some(self.sign_ins.take_refresh(&client, &shown)?),
            "client_credentials" => None,
            _ => {
                let name = self.sign_ins.take_assertion(&shown)?;
                let agent =
                    world.agents.iter().find(|agent| agent.email.eq_ignore_ascii_case(&name));
                let nobody = || {
                    refused(400, "invalid_grant", "assertion names no user of this organization")
                };
                Some(agent.map(|agent| agent.id.as_str().into()).ok_or_else(nobody)?)
            }
        };
        let refresh = matches!(grant.as_str(), "authorization_code" | "refresh_token");
        Ok(Granted { client, scope, user, refresh })
    }

    /// Issues a token.
    pub(super) fn issue(&mut self, granted: Granted, life: Duration, rng: &mut Rng) -> Reply {
        let Granted { client, scope, user, refresh } = granted;
        let now = Instant::now();
        if self.tokens.len() >= KEPT {
            self.tokens.retain(|_, token| token.expires > now);
        }
        let value: Arc<str> = ids::opaque(rng, 86).into();
        let mut body = Map::new();
        body.insert("access_token".into(), json!(value));
        body.insert("token_type".into(), json!("bearer"));
        body.insert("expires_in".into(), json!(life.as_secs()));
        if let Some(scope) = &scope {
            body.insert("scope".into(), json!(scope));
        }
        if let Some(user) = user.as_ref().filter(|_| refresh) {
            let next = self.sign_ins.give_refresh(Arc::clone(&client), Arc::clone(user), rng);
            body.insert("refresh_token".into(), json!(next));
        }
        self.tokens.insert(value, Token { client, user, expires: now + life, scope });
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
        Ok(Caller {
            token: Arc::clone(value),
            client: Arc::clone(&token.client),
            user: token.user.clone(),
        })
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

    /// A token of a user that was not asked for over HTTP.
    pub(super) fn mint(
        &mut self,
        client: &Arc<str>,
        user: &str,
        life: Duration,
        rng: &mut Rng,
    ) -> Arc<str> {
        let value: Arc<str> = ids::opaque(rng, 86).into();
        let (client, user) = (Arc::clone(client), Some(user.into()));
        let token = Token { client, user, expires: Instant::now() + life, scope: None };
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

    /// All tokens that a client asked for.
    pub(super) fn tokens_by<'a>(&'a self, client: &'a str) -> impl Iterator<Item = Arc<str>> + 'a {
        let own = self.tokens.iter().filter(move |(_, token)| *token.client == *client);
        own.map(|(value, _)| Arc::clone(value))
    }

    /// The tokens of a user, or those of a client that are no user's.
    pub(super) fn tokens_of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = Arc<str>> + 'a {
        let owner = |token: &'a Token| token.user.as_deref().unwrap_or(&token.client);
        let own = self.tokens.iter().filter(move |(_, token)| owner(token) == id);
        own.map(|(value, _)| Arc::clone(value))
    }

    /// `GET /api/v2/tokens/me`.
    pub(super) fn token_info(&self, caller: &Caller, organization: &Value) -> Value {
        let client = self.clients.get(&caller.client);
        let (name, grant) =
            client.map_or(("", ""), |client| (client.name.as_str(), client.grant.name()));
        let scopes: Vec<&str> =
            self.tokens.get(&caller.token).into_iter().flat_map(Token::scopes).collect();
        json!({
            "organization": organization,
            "homeOrganization": organization,
            "authorizedScope": scopes,
            "OAuthClient": {
                "id": caller.client,
                "name": name,
                "authorizedGrantType": grant,
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
        let mut request = Self::default();
        for (name, value) in form_urlencoded::parse(form) {
            match &*name {
                "grant_type" => request.grant = value.into_owned(),
                "scope" => request.scope = Some(value.into_owned()),
                "client_id" => request.id = value.into_owned(),
                "client_secret" => request.secret = value.into_owned(),
                "code" => request.shown.code = value.into_owned(),
                "redirect_uri" => request.shown.redirect_uri = value.into_owned(),
                "code_verifier" => request.shown.code_verifier = value.into_owned(),
                "refresh_token" => request.shown.refresh_token = value.into_owned(),
                "assertion" => request.shown.assertion = value.into_owned(),
                "orgName" => request.shown.org_name = value.into_owned(),
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
pub(super) fn refused(status: u16, error: &str, description: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let body = json!({
        "error": error, "description": description, "error_description": description,
    });
    Reply::json_with(status, &body)
}

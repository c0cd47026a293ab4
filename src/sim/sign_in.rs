//! Users who sign in: the authorize page, codes, refresh tokens and SAML2 assertions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use fastrand::Rng;
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use url::Url;

use super::ids;
use super::oauth::{GrantType, refused};
use super::request::Request;
use super::response::Reply;
use super::shared::{Shared, State};

/// Codes, refresh tokens and used assertions that are kept, each, before the oldest ones are forgotten.
const KEPT: usize = 10_000;

/// The short name of the organization: `thirdPartyOrgName` of `GET /api/v2/organizations/me`.
const ORGANIZATION: &str = "acme";

/// What was given out to users and may come back.
#[derive(Default)]
pub(super) struct SignIns {
    codes: HashMap<String, Code>,
    refresh: HashMap<String, Refresh>,
    /// Digests of the assertions that were exchanged.
    assertions: HashMap<[u8; 32], Instant>,
}

/// An authorization code; it is good once.
struct Code {
    client: Arc<str>,
    user: Arc<str>,
    redirect: String,
    challenge: Option<String>,
    issued: Instant,
    used: bool,
}

/// A refresh token; it is good once.
struct Refresh {
    client: Arc<str>,
    user: Arc<str>,
    issued: Instant,
}

/// The fields of a token request that are about a user.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) code: String,
    pub(super) redirect_uri: String,
    pub(super) code_verifier: String,
    pub(super) refresh_token: String,
    pub(super) assertion: String,
    pub(super) org_name: String,
}

/// `GET /oauth/authorize`: a user is signed in already, and sent back with a code.
pub(super) fn authorize(shared: &Shared, request: &Request) -> Result<Reply, Reply> {
    let asked = |name: &str| request.query(name).unwrap_or_default();
    let mut state = shared.lock();
    let State { oauth, world, rng, .. } = &mut *state;
    let Some((client, registered)) = oauth.grant_of(&asked("client_id")) else {
        return Err(refused(400, "invalid_client", "client not found"));
    };
    let redirect = asked("redirect_uri");
    // Whoever is not known to be the client's is sent nothing.
    let known = match &registered {
        GrantType::Code { redirect_uri } => **redirect_uri == *redirect,
        _ => return Err(refused(400, "unauthorized_client", "this client signs no users in")),
    };
    let Some(mut back) = Url::parse(&redirect).ok().filter(|_| known) else {
        let text = "redirect_uri is not one that is registered for this client";
        return Err(refused(400, "invalid_request", text));
    };
    let challenge = request.query("code_challenge").filter(|text| !text.is_empty());
    let method = asked("code_challenge_method");
    let (org, provider) = (asked("org"), asked("provider"));
    let user = world.agents.first().map(|agent| Arc::<str>::from(agent.id.as_str()));
    let refusal = if asked("response_type") != "code" {
        Some(("unsupported_response_type", "response_type must be code"))
    } else if challenge.is_some() && method != "S256" {
        Some(("invalid_request", "code_challenge_method must be S256"))
    } else if org.is_empty() && !provider.is_empty() {
        Some(("invalid_request", "provider needs org"))
    } else if !(org.is_empty() || org.eq_ignore_ascii_case(ORGANIZATION)) || user.is_none() {
        Some(("access_denied", "the user is not of this organization"))
    } else {
        None
    };
    {
        let mut pairs = back.query_pairs_mut();
        match (refusal, user) {
            (None, Some(user)) => {
                let code = ids::opaque(rng, 43);
                pairs.append_pair("code", &code);
                let issued = Instant::now();
                let entry = Code { client, user, redirect, challenge, issued, used: false };
                keep(&mut oauth.sign_ins.codes, code, entry, |code| code.issued);
            }
            (refusal, _) => {
                let (error, words) = refusal.unwrap_or_default();
                pairs.append_pair("error", error).append_pair("error_description", words);
            }
        }
        pairs.extend_pairs(request.query("state").map(|state| ("state", state)));
    }
    let location = HeaderValue::from_str(back.as_str())
        .map_err(|_| Reply::bad_request("redirect_uri cannot be sent in a header."))?;
    Ok(Reply::empty(StatusCode::FOUND).header(LOCATION, location))
}

/// Adds an entry; the oldest one makes room.
fn keep<K: Clone + Eq + std::hash::Hash, V>(
    map: &mut HashMap<K, V>,
    key: K,
    value: V,
    age: impl Fn(&V) -> Instant,
) {
    if map.len() >= KEPT {
        let oldest = map.iter().min_by_key(|(_, value)| age(value)).map(|(key, _)| key.clone());
        if let Some(oldest) = oldest {
            map.remove(&oldest);
        }
    }
    map.insert(key, value);
}

fn invalid_grant(words: &str) -> Reply {
    refused(400, "invalid_grant", words)
}

impl SignIns {
    /// Takes a code, and returns whose it is. `with_secret` says whether the client has shown its secret.
    pub(super) fn take_code(
        &mut self,
        client: &str,
        shown: &Shown,
        with_secret: bool,
        life: Duration,
    ) -> Result<Arc<str>, Reply> {
        let unknown = || invalid_grant("authorization code is invalid");
        let code = self.codes.get_mut(&shown.code).ok_or_else(unknown)?;
        if *code.client != *client {
            return Err(unknown());
        }
        if std::mem::replace(&mut code.used, true) {
            return Err(invalid_grant("authorization code was used before"));
        }
        if code.issued.elapsed() >= life {
            return Err(invalid_grant("authorization code has expired"));
        }
        if code.redirect != shown.redirect_uri {
            return Err(invalid_grant("redirect_uri is not that of the authorization request"));
        }
        match &code.challenge {
            Some(challenge) => {
                let digest = Sha256::digest(&shown.code_verifier);
                if BASE64_URL_SAFE_NO_PAD.encode(digest) != *challenge {
                    return Err(invalid_grant("code_verifier does not match code_challenge"));
                }
            }
            None if with_secret => {}
            None => return Err(refused(401, "invalid_client", "authentication failed")),
        }
        Ok(Arc::clone(&code.user))
    }

    /// Takes a refresh token, and returns whose it is.
    pub(super) fn take_refresh(&mut self, client: &str, shown: &Shown) -> Result<Arc<str>, Reply> {
        let unknown = || invalid_grant("refresh token is invalid, was used, or was revoked");
        let is_its_own =
            self.refresh.get(&shown.refresh_token).is_some_and(|one| *one.client == *client);
        let taken = self.refresh.remove(&shown.refresh_token).filter(|_| is_its_own);
        taken.map(|refresh| refresh.user).ok_or_else(unknown)
    }

    /// Gives a refresh token.
    pub(super) fn give_refresh(
        &mut self,
        client: Arc<str>,
        user: Arc<str>,
        rng: &mut Rng,
    ) -> String {
        let value = ids::opaque(rng, 86);
        let entry = Refresh { client, user, issued: Instant::now() };
        keep(&mut self.refresh, value.clone(), entry, |refresh| refresh.issued);
        value
    }

    /// Takes an assertion, and returns the name in it.
    pub(super) fn take_assertion(&mut self, shown: &Shown) -> Result<String, Reply> {
        if !shown.org_name.eq_ignore_ascii_case(ORGANIZATION) {
            return Err(invalid_grant("orgName is not the name of an organization"));
        }
        let xml = BASE64_STANDARD
            .decode(&shown.assertion)
            .or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(&shown.assertion))
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| invalid_grant("assertion is not an encoded SAML response"))?;
        let name = name_id(&xml).ok_or_else(|| invalid_grant("assertion names nobody"))?.to_owned();
        let digest: [u8; 32] = Sha256::digest(&xml).into();
        if self.assertions.contains_key(&digest) {
            return Err(invalid_grant("assertion was used before"));
        }
        keep(&mut self.assertions, digest, Instant::now(), |at| *at);
        Ok(name)
    }

    /// Revokes every refresh token.
    pub(super) fn revoke_refresh(&mut self) {
        self.refresh.clear();
    }
}

/// An unsigned SAML response about someone, as an identity provider would encode it.
pub(super) fn assertion(name: &str, rng: &mut Rng) -> String {
    let id = ids::uuid(rng);
    BASE64_STANDARD.encode(format!(
        r#"<samlp:Response ID="_{id}"><saml:Assertion><saml:Subject><saml:NameID>{name}</saml:NameID></saml:Subject></saml:Assertion></samlp:Response>"#
    ))
}

/// The text of the element `NameID`, whatever its prefix and attributes.
fn name_id(xml: &str) -> Option<&str> {
    let (_, rest) = xml.split_once("NameID")?;
    let (_, rest) = rest.split_once('>')?;
    let (name, _) = rest.split_once('<')?;
    let name = name.trim();
    (!name.is_empty()).then_some(name)
}

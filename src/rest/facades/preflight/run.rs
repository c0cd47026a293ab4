//! The calls of a preflight, and the lines that they become.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, join, stream};
use tokio::time::Instant;

use super::grants::GetGrants;
use super::probes::{Found, probe};
use super::report::{
    Preflight, PreflightLine as Line, PreflightState, PreflightSubject as Subject,
};
use super::requirements::Requirements;
use super::words::{duration, shown, stands_for};
use crate::core::limits;
use crate::core::ports::AccessToken;
use crate::error::{Error, ErrorKind, Result};
use crate::rest::available_topic::{AvailableTopic, ExpandTopic};
use crate::rest::budget::{Budget, BudgetSnapshot};
use crate::rest::facades::caller::Caller;
use crate::rest::facades::integrations::IntegrationsApi;
use crate::rest::facades::organization::{OrganizationApi, OrganizationLimit};
use crate::rest::facades::tokens::TokensApi;
use crate::rest::generated::models::{
    Integration, IntegrationIntendedState, IntegrationStatusCode, OAuthGrantType, Organization,
    TokenInfo,
};
use crate::rest::notifications::{IncludeChannels, ListedChannel, Notifications};
use PreflightState::{Missing, Ok as Good, Unknown};

/// Probes that are under way at once.
const AT_ONCE: usize = 4;

/// Integrations of one type that are looked at: an organisation has a few.
const MOST_INTEGRATIONS: usize = 100;

/// The namespace of the limits of requests.
const NAMESPACE: &str = "platform.api";

/// Whose the token is.
struct Holder {
    /// Such as `OAuth client "Wallboard"`.
    name: String,
    /// Whether it has neither scopes nor a user.
    is_client: bool,
}

/// Looks at everything that is required. What fails is a line, and ends nothing.
pub(crate) async fn run(caller: Caller, needs: &Requirements) -> Preflight {
    let token = caller.api.service().token().await;
    if let Err(error) = &token
        && matches!(error.kind(), ErrorKind::Auth | ErrorKind::Forbidden | ErrorKind::Config)
    {
        return without_token(error, needs);
    }
    let (tokens, organization) =
        (TokensApi::new(caller.clone()), OrganizationApi::new(caller.clone()));
    let (info, organization_of, limits, topics, channels, integrations) = join!(
        async { tokens.me().keep_idle_time().await },
        organization.me(),
        wanted(needs.requests_per_minute > 0, organization.limits(NAMESPACE)),
        wanted(!needs.topics.is_empty(), topics(&caller)),
        wanted(needs.channels > 0, channels(&caller)),
        integrations(&caller, &needs.integration_types),
    );
    let holder = Holder::of(info.as_ref().ok());
    let mut permissions = needs.permissions.clone();
    if let Some(Ok(topics)) = &topics {
        let wanted = needs.topics.iter().filter_map(|name| topic(topics, name));
        permissions.extend(wanted.flat_map(permissions_of));
    }
    let held = held(&caller, &permissions).await;

    let mut lines =
        vec![of_token(token.as_ref(), &info, &holder), of_organization(&organization_of)];
    lines.extend(needs.scopes.iter().map(|scope| of_scope(scope, &info, &holder)));
    lines.extend(needs.permissions.iter().map(|one| of_permission(one, &held[one], &holder)));
    if let Some(topics) = &topics {
        lines.extend(needs.topics.iter().map(|name| of_topic(name, topics, &held, &holder)));
    }
    lines.extend(integrations.iter().map(|(of_type, found)| of_integration(of_type, found)));
    lines.extend(channels.map(|channels| of_channels(needs.channels, &channels)));
    let now = Budget::new(caller.api.clone()).snapshot();
    lines.extend(
        limits.map(|limits| of_requests(needs.requests_per_minute, &limits, &now, &holder)),
    );
    Preflight::new(lines)
}

/// Nothing can be asked: one line says why, the others that it is so.
fn without_token(error: &Error, needs: &Requirements) -> Preflight {
    let token = Line::new(Subject::Token, "", Missing, error.summary())
        .remedy("check the id, the secret and the state of the OAuth client, and the region");
    let silent = |subject, name: &str| {
        Line::new(subject, name, Unknown, "not looked at: there is no token to ask with")
    };
    let mut lines = vec![token, silent(Subject::Organization, "")];
    lines.extend(needs.scopes.iter().map(|name| silent(Subject::Scope, name)));
    lines.extend(needs.permissions.iter().map(|name| silent(Subject::Permission, name)));
    lines.extend(needs.topics.iter().map(|name| silent(Subject::Topic, name)));
    lines.extend(needs.integration_types.iter().map(|name| silent(Subject::Integration, name)));
    lines.extend((needs.channels > 0).then(|| silent(Subject::Channels, "")));
    lines.extend((needs.requests_per_minute > 0).then(|| silent(Subject::Requests, "")));
    Preflight::new(lines)
}

/// Makes a call only when it is wanted.
async fn wanted<T>(is: bool, call: impl Future<Output = T>) -> Option<T> {
    if is { Some(call.await) } else { None }
}

async fn topics(caller: &Caller) -> Result<Vec<AvailableTopic>> {
    let parts =
        [ExpandTopic::RequiresPermissions, ExpandTopic::PermissionDetails, ExpandTopic::Enforced];
    let notifications = Notifications::new(caller.api.clone());
    notifications.with_priority(caller.options.priority).available_topics(&parts, true).await
}

async fn channels(caller: &Caller) -> Result<Vec<ListedChannel>> {
    let notifications = Notifications::new(caller.api.clone());
    let notifications = notifications.with_priority(caller.options.priority);
    notifications.channels(IncludeChannels::OauthClient).await
}

async fn integrations<'a>(
    caller: &Caller,
    types: &'a BTreeSet<Box<str>>,
) -> Vec<(&'a str, Result<Vec<Integration>>)> {
    let api = IntegrationsApi::new(caller.clone());
    let mut found = Vec::new();
    for of_type in types {
        let all = api.list().of_type(of_type.clone()).page_size(100).items();
        // The filter is the platform's to apply, and ours to hold.
        let same = |one: &Integration| {
            let id = one.integration_type.as_ref().and_then(|known| known.id.as_deref());
            std::future::ready(id == Some(&**of_type))
        };
        let all = all.take(MOST_INTEGRATIONS).try_filter(same).try_collect().await;
        found.push((&**of_type, all));
    }
    found
}

/// What is known of each permission: from the roles, if the platform lists them, else by trying.
async fn held(caller: &Caller, permissions: &BTreeSet<Box<str>>) -> BTreeMap<Box<str>, Found> {
    if permissions.is_empty() {
        return BTreeMap::new();
    }
    let grants = caller.execute(GetGrants).await.unwrap_or_default();
    if !grants.is_empty() {
        let found = |name: &str| match grants.role_with(name) {
            Some(role) => Found::Held(format!("by the role {}", shown(Some(role)))),
            None => Found::Lacking("no role of this token has it".to_owned()),
        };
        return permissions.iter().map(|name| (name.clone(), found(name.as_ref()))).collect();
    }
    stream::iter(permissions.clone())
        .map(|name| async move {
            let found = probe(caller, &name).await;
            (name, found)
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

impl Holder {
    fn of(info: Option<&TokenInfo>) -> Self {
        let client = info.and_then(|info| info.o_auth_client.as_ref());
        let grant = client.and_then(|client| client.authorized_grant_type.as_ref());
        let is_client = grant == Some(&OAuthGrantType::ClientCredentials);
        let name = match client {
            Some(client) => {
                let name = shown(client.name.as_deref().or(client.id.as_deref()));
                let of = if is_client { "" } else { "a user of " };
                format!("{of}the OAuth client {name}")
            }
            None => "the owner of the token".to_owned(),
        };
        Self { name, is_client }
    }

    fn give(&self, what: &str) -> String {
        format!("give {} a role with {what}", self.name)
    }
}

fn of_token(
    token: Result<&AccessToken, &Error>,
    info: &Result<TokenInfo>,
    holder: &Holder,
) -> Line {
    let left = token.ok().and_then(|token| token.expires_at);
    let left = left.map(|at| at.saturating_duration_since(Instant::now().into_std()));
    let left = left.map_or(String::new(), |left| format!(", {} left", duration(left)));
    match (token, info) {
        (_, Ok(_)) => Line::new(Subject::Token, "", Good, format!("of {}{left}", holder.name)),
        (_, Err(error)) if error.kind() == ErrorKind::Auth => {
            Line::new(Subject::Token, "", Missing, error.summary())
                .remedy("get a new token: the platform refuses this one")
        }
        (Err(error), _) | (Ok(_), Err(error)) => unknown(Subject::Token, "", error),
    }
}

fn of_organization(organization: &Result<Organization>) -> Line {
    let organization = match organization {
        Ok(organization) => organization,
        Err(error) => return unknown(Subject::Organization, "", error),
    };
    let name = shown(organization.name.as_deref());
    let state = organization.state.as_ref().map(ToString::to_string);
    match state.as_deref() {
        Some("active") | None => Line::new(Subject::Organization, "", Good, name),
        Some(state) => Line::new(Subject::Organization, "", Missing, format!("{name} is {state}"))
            .remedy("ask its administrator, or Genesys"),
    }
}

fn of_scope(scope: &str, info: &Result<TokenInfo>, holder: &Holder) -> Line {
    let info = match info {
        Ok(info) => info,
        Err(error) => return unknown(Subject::Scope, scope, error),
    };
    if holder.is_client {
        let text = "client credentials have no scopes: roles decide";
        return Line::new(Subject::Scope, scope, Good, text);
    }
    let whole = scope.strip_suffix(":readonly");
    let mut known = info.authorized_scope.iter().flatten().map(AsRef::<str>::as_ref);
    match known.find(|known| *known == scope || Some(*known) == whole) {
        Some(known) => Line::new(Subject::Scope, scope, Good, format!("by the scope {known}")),
        None => Line::new(Subject::Scope, scope, Missing, "the token does not have it").remedy(
            format!("add the scope {scope} to the OAuth client, and have the user sign in again"),
        ),
    }
}

fn of_permission(name: &str, found: &Found, holder: &Holder) -> Line {
    match found {
        Found::Held(how) => Line::new(Subject::Permission, name, Good, how.as_str()),
        Found::Lacking(how) => {
            Line::new(Subject::Permission, name, Missing, how.as_str()).remedy(holder.give(name))
        }
        Found::Unclear(why) => Line::new(Subject::Permission, name, Unknown, why.as_str())
            .remedy(format!("see in its roles whether {} has {name}", holder.name)),
    }
}

fn topic<'a>(topics: &'a [AvailableTopic], name: &str) -> Option<&'a AvailableTopic> {
    topics.iter().find(|one| one.id.as_deref().is_some_and(|id| stands_for(id, name)))
}

/// The permissions that a topic needs, each once.
fn permissions_of(topic: &AvailableTopic) -> BTreeSet<Box<str>> {
    if topic.enforced == Some(false) {
        return BTreeSet::new();
    }
    let details = topic.permission_details.iter().flatten();
    let details = details.filter(|one| one.enforced != Some(false));
    let details = details.flat_map(|one| one.permissions.iter().flatten());
    topic.requires_permissions.iter().flatten().chain(details).cloned().collect()
}

fn of_topic(
    name: &str,
    topics: &Result<Vec<AvailableTopic>>,
    held: &BTreeMap<Box<str>, Found>,
    holder: &Holder,
) -> Line {
    let line = |state, detail: String| Line::new(Subject::Topic, name, state, detail);
    let topic = match topics {
        Err(error) => return unknown(Subject::Topic, name, error),
        Ok(topics) => match topic(topics, name) {
            Some(topic) => topic,
            None => {
                return line(Missing, "the platform lists no such topic".to_owned()).remedy(
                    "check its name, and whether the organisation has the product that it is of",
                );
            }
        },
    };
    if topic.requires_current_user == Some(true) && holder.is_client {
        return line(Missing, "only for the user whom it is about".to_owned())
            .remedy("subscribe with the token of that user: client credentials are nobody");
    }
    let needed = permissions_of(topic);
    let found: Vec<(&str, &Found)> =
        needed.iter().filter_map(|one| Some((&**one, held.get(one)?))).collect();
    let has = |found: &Found| matches!(found, Found::Held(_));
    let any = topic.requires_any_validator == Some(true);
    let lacking: Vec<&str> = found
        .iter()
        .filter(|(_, found)| matches!(found, Found::Lacking(_)))
        .map(|(name, _)| *name)
        .collect();
    let is_good = if any && !found.is_empty() {
        found.iter().any(|(_, found)| has(found))
    } else {
        found.iter().all(|(_, found)| has(found))
    };
    let all: Vec<&str> = needed.iter().map(|one| &**one).collect();
    let all = all.join(if any { " or " } else { " and " });
    if is_good {
        let text =
            if all.is_empty() { "needs no permission".to_owned() } else { format!("needs {all}") };
        return line(Good, text);
    }
    let is_missing = if any { lacking.len() == found.len() } else { !lacking.is_empty() };
    if is_missing {
        let lacking = lacking.join(if any { " or " } else { " and " });
        return line(Missing, format!("needs {lacking}")).remedy(holder.give(&lacking));
    }
    line(Unknown, format!("needs {all}, which could not be found out"))
        .remedy(format!("see in its roles whether {} has {all}", holder.name))
}

fn of_integration(of_type: &str, found: &Result<Vec<Integration>>) -> Line {
    let line = |state, detail: String| Line::new(Subject::Integration, of_type, state, detail);
    let found = match found {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::Forbidden => {
            return unknown(Subject::Integration, of_type, error)
                .remedy("it takes integrations:integration:view to see integrations");
        }
        Err(error) => return unknown(Subject::Integration, of_type, error),
    };
    let is_on = |one: &&Integration| one.intended_state == Some(IntegrationIntendedState::Enabled);
    let code = |one: &Integration| one.reported_state.as_ref().and_then(|state| state.code.clone());
    let is_active = |one: &&Integration| code(one) == Some(IntegrationStatusCode::Active);
    let called = |one: &Integration| shown(one.name.as_deref());
    if let Some(good) = found.iter().filter(is_on).find(is_active) {
        return line(Good, format!("{} is active", called(good)));
    }
    if let Some(on) = found.iter().find(is_on) {
        let state = code(on).map_or_else(|| "of unknown state".to_owned(), |code| code.to_string());
        return line(Missing, format!("{} is enabled, but {state}", called(on)))
            .remedy("wait if it is activating; else see what the integration reports");
    }
    match found.first() {
        Some(off) => line(Missing, format!("{} is not enabled", called(off)))
            .remedy("have an administrator activate it, or use IntegrationsApi::enable"),
        None => line(Missing, "not installed".to_owned())
            .remedy("have an administrator install it from the AppFoundry"),
    }
}

fn of_channels(needed: usize, channels: &Result<Vec<ListedChannel>>) -> Line {
    let used = match channels {
        Ok(channels) => channels.len(),
        Err(error) => return unknown(Subject::Channels, "", error),
    };
    let most = limits::CHANNELS_PER_CLIENT;
    let left = most.saturating_sub(used);
    let text = format!("{needed} needed, {left} of {most} left");
    if left >= needed {
        return Line::new(Subject::Channels, "", Good, text);
    }
    Line::new(Subject::Channels, "", Missing, text).remedy(
        "give the product an OAuth client of its own, or end other processes that use this one",
    )
}

fn of_requests(
    needed: u32,
    limits: &Result<Vec<OrganizationLimit>>,
    now: &BudgetSnapshot,
    holder: &Holder,
) -> Line {
    let limits = match limits {
        Ok(limits) => limits,
        Err(error) => return unknown(Subject::Requests, "", error),
    };
    let value = |key: &str| {
        let found = limits.iter().find(|one| one.key.as_deref() == Some(key));
        found.and_then(|one| one.value)
    };
    let of_clients = value("client.credentials.token.rate.per.minute").filter(|_| holder.is_client);
    let limit = of_clients.or_else(|| value("token.rate.per.minute"));
    let limit = limit.unwrap_or_else(|| i64::from(limits::REQUESTS_PER_MINUTE));
    let mut text = format!("{needed} a minute needed, {limit} allowed for a token");
    if let Some(left) = now.left {
        text = format!("{text}, {} of them left now", left.user);
    }
    if let Some(wait) = now.closed_for {
        text =
            format!("{text}, after {} s: the platform asked for fewer", wait.as_secs_f64().ceil());
    }
    // After a 429 the limiter keeps to less: somebody else uses the same budget.
    let share = now.window.filter(|window| window.limit < window.most.min(needed));
    if let Some(share) = share {
        let left = share.limit;
        let text = format!("{text}; others who use the same OAuth client leave {left} a minute");
        return Line::new(Subject::Requests, "", Missing, text)
            .remedy("give the product an OAuth client of its own");
    }
    if limit >= i64::from(needed) {
        return Line::new(Subject::Requests, "", Good, text);
    }
    Line::new(Subject::Requests, "", Missing, text)
        .remedy("ask for less, use notifications instead, or have Genesys raise the limit")
}

fn unknown(subject: Subject, name: &str, error: &Error) -> Line {
    Line::new(subject, name, Unknown, error.summary())
}

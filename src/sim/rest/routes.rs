//! The table of operations: method, path, permissions and handler.

use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::asked::{Answer, Asked};
use super::{
    aggregates, clients, credentials, definitions, details, integrations, jobs, members,
    observations, organization, presence, queues, search, tokens, types, usage, user_details,
    user_figures, users, wrap_up,
};
use crate::sim::oauth::Caller;
use crate::sim::request::Request;
use crate::sim::response::Reply;
use crate::sim::router::wrong_method;
use crate::sim::shared::Shared;

type Handler = fn(&mut Asked<'_>) -> Answer;

/// One operation. The path is below `/api/v2`; of the permissions any one is enough.
struct Route(&'static str, &'static str, &'static [&'static str], Handler);

const DETAIL: &[&str] =
    &["analytics:conversationDetail:view", "analytics:agentConversationDetail:view"];
const AGGREGATE: &[&str] = &["analytics:conversationAggregate:view"];
const USER_AGGREGATE: &[&str] = &["analytics:userAggregate:view"];
const FLOW_AGGREGATE: &[&str] = &["analytics:flowAggregate:view"];
const USER_DETAIL: &[&str] = &["analytics:userDetail:view"];
const INTEGRATION_VIEW: &[&str] = &["integrations:integration:view"];
const INTEGRATION_EDIT: &[&str] = &["integrations:integration:edit"];
const QUEUE_VIEW: &[&str] = &["routing:queue:view"];
const QUEUE_EDIT: &[&str] = &["routing:queue:edit"];
const WRAP_UP: &[&str] = &["routing:wrapupCode:view"];
const USAGE: &[&str] = &["usage:api:view", "oauth:client:view"];
const DEFINITION_EDIT: &[&str] = &["presence:presenceDefinition:edit"];

/// Every operation of the table. Paths with a word where others have an id win.
const ROUTES: &[Route] = &[
    Route(
        "POST",
        "analytics/conversations/aggregates/jobs",
        AGGREGATE,
        jobs::submit_conversation_aggregates,
    ),
    Route("DELETE", "analytics/conversations/aggregates/jobs/{jobId}", AGGREGATE, jobs::cancel),
    Route("GET", "analytics/conversations/aggregates/jobs/{jobId}", AGGREGATE, jobs::status),
    Route(
        "GET",
        "analytics/conversations/aggregates/jobs/{jobId}/results",
        AGGREGATE,
        jobs::results,
    ),
    Route("POST", "analytics/conversations/aggregates/query", AGGREGATE, aggregates::conversations),
    Route("GET", "analytics/conversations/details", DETAIL, details::several),
    Route("POST", "analytics/conversations/details/jobs", DETAIL, jobs::submit_details),
    Route("GET", "analytics/conversations/details/jobs/availability", DETAIL, jobs::availability),
    Route("DELETE", "analytics/conversations/details/jobs/{jobId}", DETAIL, jobs::cancel),
    Route("GET", "analytics/conversations/details/jobs/{jobId}", DETAIL, jobs::status),
    Route("GET", "analytics/conversations/details/jobs/{jobId}/results", DETAIL, jobs::results),
    Route("POST", "analytics/conversations/details/query", DETAIL, details::query),
    Route("GET", "analytics/conversations/{conversationId}/details", DETAIL, details::one),
    Route("POST", "analytics/flows/aggregates/jobs", FLOW_AGGREGATE, jobs::submit_flow_aggregates),
    Route("DELETE", "analytics/flows/aggregates/jobs/{jobId}", FLOW_AGGREGATE, jobs::cancel),
    Route("GET", "analytics/flows/aggregates/jobs/{jobId}", FLOW_AGGREGATE, jobs::status),
    Route("GET", "analytics/flows/aggregates/jobs/{jobId}/results", FLOW_AGGREGATE, jobs::results),
    Route("POST", "analytics/flows/aggregates/query", FLOW_AGGREGATE, aggregates::flows),
    Route(
        "POST",
        "analytics/flows/observations/query",
        &["analytics:flowObservation:view"],
        observations::flows,
    ),
    Route(
        "POST",
        "analytics/queues/observations/query",
        &["analytics:queueObservation:view"],
        observations::queues,
    ),
    Route("POST", "analytics/users/aggregates/jobs", USER_AGGREGATE, jobs::submit_user_aggregates),
    Route("DELETE", "analytics/users/aggregates/jobs/{jobId}", USER_AGGREGATE, jobs::cancel),
    Route("GET", "analytics/users/aggregates/jobs/{jobId}", USER_AGGREGATE, jobs::status),
    Route("GET", "analytics/users/aggregates/jobs/{jobId}/results", USER_AGGREGATE, jobs::results),
    Route("POST", "analytics/users/aggregates/query", USER_AGGREGATE, user_figures::query),
    Route("POST", "analytics/users/details/jobs", USER_DETAIL, jobs::submit_user_details),
    Route("GET", "analytics/users/details/jobs/availability", USER_DETAIL, jobs::availability),
    Route("DELETE", "analytics/users/details/jobs/{jobId}", USER_DETAIL, jobs::cancel),
    Route("GET", "analytics/users/details/jobs/{jobId}", USER_DETAIL, jobs::status),
    Route("GET", "analytics/users/details/jobs/{jobId}/results", USER_DETAIL, jobs::results),
    Route("POST", "analytics/users/details/query", USER_DETAIL, user_details::query),
    Route(
        "POST",
        "analytics/users/observations/query",
        &["analytics:userObservation:view"],
        observations::users,
    ),
    Route("GET", "integrations", INTEGRATION_VIEW, integrations::list),
    Route("POST", "integrations", &["integrations:integration:add"], integrations::create),
    Route("GET", "integrations/clientapps", &[], integrations::client_apps),
    Route("GET", "integrations/credentials", INTEGRATION_VIEW, credentials::list),
    Route(
        "POST",
        "integrations/credentials",
        &["integrations:integration:add"],
        credentials::create,
    ),
    Route("GET", "integrations/credentials/listing", INTEGRATION_VIEW, credentials::listing),
    Route("GET", "integrations/credentials/types", INTEGRATION_VIEW, credentials::types),
    Route(
        "DELETE",
        "integrations/credentials/{credentialId}",
        &["integrations:integration:delete"],
        credentials::delete,
    ),
    Route("GET", "integrations/credentials/{credentialId}", INTEGRATION_VIEW, credentials::one),
    Route("PUT", "integrations/credentials/{credentialId}", INTEGRATION_EDIT, credentials::update),
    Route("GET", "integrations/types", INTEGRATION_VIEW, types::list),
    Route("GET", "integrations/types/{typeId}", INTEGRATION_VIEW, types::one),
    Route(
        "GET",
        "integrations/types/{typeId}/configschemas/{configType}",
        INTEGRATION_VIEW,
        types::schema,
    ),
    Route(
        "DELETE",
        "integrations/{integrationId}",
        &["integrations:integration:delete"],
        integrations::delete,
    ),
    Route("GET", "integrations/{integrationId}", INTEGRATION_VIEW, integrations::one),
    Route("PATCH", "integrations/{integrationId}", INTEGRATION_EDIT, integrations::change),
    Route(
        "GET",
        "integrations/{integrationId}/config/current",
        INTEGRATION_VIEW,
        integrations::config,
    ),
    Route(
        "PUT",
        "integrations/{integrationId}/config/current",
        INTEGRATION_EDIT,
        integrations::configure,
    ),
    Route("GET", "oauth/clients", &["oauth:client:view"], clients::list),
    Route("POST", "oauth/clients", &["oauth:client:add"], clients::create),
    Route("DELETE", "oauth/clients/{clientId}", &["oauth:client:delete"], clients::delete),
    Route("GET", "oauth/clients/{clientId}", &["oauth:client:view"], clients::one),
    Route("PUT", "oauth/clients/{clientId}", &["oauth:client:edit"], clients::update),
    Route("POST", "oauth/clients/{clientId}/secret", &["oauth:client:edit"], clients::secret),
    Route("POST", "oauth/clients/{clientId}/usage/query", USAGE, usage::submit_of_client),
    Route(
        "GET",
        "oauth/clients/{clientId}/usage/query/results/{executionId}",
        USAGE,
        usage::results_of_client,
    ),
    Route("GET", "oauth/clients/{clientId}/usage/summary", USAGE, usage::summary),
    Route("GET", "oauth/scopes", &[], clients::scopes),
    Route("GET", "oauth/scopes/{scopeId}", &[], clients::scope),
    Route("GET", "organizations/limits/namespaces", &[], organization::namespaces),
    Route("GET", "organizations/limits/namespaces/{namespaceName}", &[], organization::limits),
    Route(
        "GET",
        "organizations/limits/namespaces/{namespaceName}/defaults",
        &[],
        organization::limit_defaults,
    ),
    Route("GET", "organizations/me", &[], organization::me),
    Route("PUT", "organizations/me", &["directory:organization:admin"], organization::change),
    Route("GET", "presence/definitions", &[], definitions::list),
    Route(
        "POST",
        "presence/definitions",
        &["presence:presenceDefinition:add"],
        definitions::create,
    ),
    Route(
        "DELETE",
        "presence/definitions/{definitionId}",
        &["presence:presenceDefinition:delete"],
        definitions::delete,
    ),
    Route("GET", "presence/definitions/{definitionId}", &[], definitions::one),
    Route("PUT", "presence/definitions/{definitionId}", DEFINITION_EDIT, definitions::update),
    Route("GET", "presence/sources", &[], definitions::sources),
    Route("GET", "presence/sources/{sourceId}", &[], definitions::source),
    Route("GET", "presence/users/{userId}/primarysource", &[], presence::primary_source),
    Route("GET", "presencedefinitions", &[], definitions::older_list),
    Route(
        "POST",
        "presencedefinitions",
        &["presence:presenceDefinition:add"],
        definitions::older_create,
    ),
    Route(
        "DELETE",
        "presencedefinitions/{presenceId}",
        &["presence:presenceDefinition:delete"],
        definitions::delete,
    ),
    Route("GET", "presencedefinitions/{presenceId}", &[], definitions::older_one),
    Route("PUT", "presencedefinitions/{presenceId}", DEFINITION_EDIT, definitions::older_update),
    Route("GET", "routing/queues", QUEUE_VIEW, queues::list),
    Route("POST", "routing/queues", &["routing:queue:add"], queues::create),
    Route("GET", "routing/queues/divisionviews", &["routing:queue:search"], queues::list),
    Route("GET", "routing/queues/divisionviews/all", &["routing:queue:search"], queues::list),
    Route("GET", "routing/queues/me", &[], members::queues_of_me),
    Route("DELETE", "routing/queues/{queueId}", &["routing:queue:delete"], queues::delete),
    Route("GET", "routing/queues/{queueId}", QUEUE_VIEW, queues::one),
    Route("PUT", "routing/queues/{queueId}", QUEUE_EDIT, queues::update),
    Route("GET", "routing/queues/{queueId}/estimatedwaittime", QUEUE_VIEW, queues::estimated_wait),
    Route("GET", "routing/queues/{queueId}/members", QUEUE_VIEW, members::list),
    Route(
        "PATCH",
        "routing/queues/{queueId}/members",
        &["routing:queue:join", "routing:queueMember:manage"],
        members::join_several,
    ),
    Route(
        "POST",
        "routing/queues/{queueId}/members",
        &["routing:queueMember:manage", "routing:queue:edit"],
        members::add,
    ),
    Route(
        "DELETE",
        "routing/queues/{queueId}/members/{memberId}",
        &["routing:queueMember:manage", "routing:queue:edit"],
        members::remove,
    ),
    Route(
        "PATCH",
        "routing/queues/{queueId}/members/{memberId}",
        &["routing:queue:join", "routing:queueMember:manage"],
        members::join,
    ),
    Route("GET", "routing/queues/{queueId}/wrapupcodes", WRAP_UP, wrap_up::of_queue),
    Route("POST", "routing/queues/{queueId}/wrapupcodes", QUEUE_EDIT, wrap_up::add_to_queue),
    Route(
        "DELETE",
        "routing/queues/{queueId}/wrapupcodes/{codeId}",
        QUEUE_EDIT,
        wrap_up::remove_from_queue,
    ),
    Route("GET", "routing/wrapupcodes", WRAP_UP, wrap_up::list),
    Route("POST", "routing/wrapupcodes", &["routing:wrapupCode:add"], wrap_up::create),
    Route(
        "DELETE",
        "routing/wrapupcodes/{codeId}",
        &["routing:wrapupCode:delete"],
        wrap_up::delete,
    ),
    Route("GET", "routing/wrapupcodes/{codeId}", WRAP_UP, wrap_up::one),
    Route("PUT", "routing/wrapupcodes/{codeId}", &["routing:wrapupCode:edit"], wrap_up::update),
    Route("GET", "systempresences", &[], definitions::system),
    Route("DELETE", "tokens/me", &[], tokens::revoke),
    Route("GET", "tokens/me", &[], tokens::info),
    Route("HEAD", "tokens/me", &[], tokens::check),
    Route("GET", "tokens/timeout", &["oauth:client:view"], tokens::timeout),
    Route("PUT", "tokens/timeout", &["oauth:client:edit"], tokens::set_timeout),
    Route("DELETE", "tokens/{userId}", &["oauth:token:delete"], tokens::revoke_of_user),
    Route("POST", "usage/aggregates/query/jobs", USAGE, usage::submit_aggregates),
    Route("GET", "usage/aggregates/query/jobs/{jobId}", USAGE, usage::aggregates),
    Route(
        "POST",
        "usage/client/{clientId}/aggregates/query/jobs",
        USAGE,
        usage::submit_aggregates_of_client,
    ),
    Route(
        "GET",
        "usage/client/{clientId}/aggregates/query/jobs/{jobId}",
        USAGE,
        usage::aggregates_of_client,
    ),
    Route("POST", "usage/query", USAGE, usage::submit),
    Route("GET", "usage/query/{executionId}/results", USAGE, usage::results),
    Route("POST", "usage/simplesearch", USAGE, usage::submit_search),
    Route("GET", "usage/simplesearch/{executionId}/results", USAGE, usage::results),
    Route("GET", "users", &[], users::list),
    Route("GET", "users/me", &[], users::me),
    Route("PUT", "users/presences/bulk", &["presence:userPresence:edit"], presence::set_several),
    Route("GET", "users/presences/purecloud/bulk", &[], presence::several),
    Route("GET", "users/presences/{sourceId}/bulk", &[], presence::several_of_source),
    Route("GET", "users/query", &[], users::by_cursor),
    Route("POST", "users/search", &[], search::users),
    Route("GET", "users/{userId}", &[], users::one),
    Route("PATCH", "users/{userId}", &["directory:user:edit"], users::change),
    Route("GET", "users/{userId}/presences/purecloud", &[], presence::one),
    Route(
        "PATCH",
        "users/{userId}/presences/purecloud",
        &["presence:userPresence:edit"],
        presence::set,
    ),
    Route("GET", "users/{userId}/presences/{sourceId}", &[], presence::one_of_source),
    Route(
        "PATCH",
        "users/{userId}/presences/{sourceId}",
        &["presence:userPresence:edit"],
        presence::set_of_source,
    ),
    Route("GET", "users/{userId}/queues", QUEUE_VIEW, members::queues_of_user),
    Route(
        "PATCH",
        "users/{userId}/queues",
        &["routing:queue:join", "routing:queueMember:manage"],
        members::join_queues,
    ),
    Route(
        "PATCH",
        "users/{userId}/queues/{queueId}",
        &["routing:queue:join", "routing:queueMember:manage"],
        members::join_queue,
    ),
    Route("GET", "users/{userId}/routingstatus", &[], presence::routing_status),
    Route(
        "PUT",
        "users/{userId}/routingstatus",
        &["routing:routingStatus:edit"],
        presence::set_routing_status,
    ),
];

/// Operations that are answered elsewhere in the simulator.
const OTHERS: &[(&str, &str)] = &[
    ("GET", "notifications/availabletopics"),
    ("GET", "notifications/channels"),
    ("POST", "notifications/channels"),
    ("HEAD", "notifications/channels/{channelId}"),
    ("DELETE", "notifications/channels/{channelId}/subscriptions"),
    ("GET", "notifications/channels/{channelId}/subscriptions"),
    ("POST", "notifications/channels/{channelId}/subscriptions"),
    ("PUT", "notifications/channels/{channelId}/subscriptions"),
];

/// Every operation that is served: method and path below `/api/v2`.
pub(in crate::sim) fn served() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES.iter().map(|Route(method, path, ..)| (*method, *path)).chain(OTHERS.iter().copied())
}

/// Answers a request below `/api/v2`.
pub(in crate::sim) fn answer(
    shared: &Shared,
    caller: &Caller,
    path: &[&str],
    request: &Request,
) -> Answer {
    let (route, ids) = find(&request.parts.method, path)?;
    let Route(_, _, needs, handler) = route;
    let mut state = shared.lock();
    let now = shared.clock.now_ms();
    check(&state.books, needs)?;
    handler(&mut Asked { shared, state: &mut state, caller, request, ids, now })
}

/// The operation of a method and path, and the ids in the path.
fn find(method: &Method, path: &[&str]) -> Result<(&'static Route, Vec<String>), Reply> {
    let mut best: Option<(usize, &Route, Vec<String>)> = None;
    let mut known_path = false;
    for route in ROUTES {
        let Some(ids) = ids(route.1, path) else { continue };
        // A path that fits with words only does not stand for an id elsewhere.
        known_path = true;
        if route.0 != method.as_str() {
            continue;
        }
        if best.as_ref().is_none_or(|(fewest, ..)| ids.len() < *fewest) {
            best = Some((ids.len(), route, ids));
        }
    }
    match best {
        Some((_, route, ids)) => Ok((route, ids)),
        None if known_path => Err(wrong_method()),
        None => Err(Reply::not_found("resource")),
    }
}

/// What a path has where a template has braces; `None` when it is another path.
fn ids(template: &str, path: &[&str]) -> Option<Vec<String>> {
    let mut ids = Vec::new();
    let mut given = path.iter();
    for wanted in template.split('/') {
        let given = given.next()?;
        if wanted.starts_with('{') {
            ids.push(percent_decode_str(given).decode_utf8().ok()?.into_owned());
        } else if wanted != *given {
            return None;
        }
    }
    given.next().is_none().then_some(ids)
}

/// Whether the caller has one of the permissions; none is needed when there are none.
fn check(books: &super::books::Books, needs: &[&str]) -> Result<(), Reply> {
    let has = |permission: &&str| !books.denied.contains(*permission);
    if needs.is_empty() || needs.iter().any(has) {
        return Ok(());
    }
    let names = needs.join(", ");
    let (code, message) = match needs {
        [only] => ("missing.permissions", format!("Missing the following permission(s): {only}")),
        _ => (
            "missing.any.permissions",
            format!("Missing any of the following permission(s): {names}"),
        ),
    };
    let params = json!({ "permissions": names });
    Err(Reply::error(403, code, &message).field("messageParams", params))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_operation_is_listed_twice() {
        let all: Vec<_> = served().collect();
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn a_word_wins_over_an_id() {
        let of = |path: &[&str]| find(&Method::GET, path).map(|(route, ids)| (route.1, ids)).ok();
        assert_eq!(of(&["users", "me"]), Some(("users/me", vec![])));
        assert_eq!(of(&["users", "x%20y"]), Some(("users/{userId}", vec!["x y".to_owned()])));
        assert_eq!(of(&["users"]), Some(("users", vec![])));
        assert_eq!(of(&["users", "x", "y"]), None);
        let status =
            |method: Method, path: &[&str]| find(&method, path).err().map(|r| r.status.as_u16());
        assert_eq!(status(Method::DELETE, &["users", "me"]), Some(405));
        assert_eq!(status(Method::GET, &["nothing"]), Some(404));
    }
}

//! Who is a member of which queue, and has joined it.

use serde_json::{Value, json};

use super::asked::{Answer, Asked, agent, deleted, invalid, queue, queues as all_queues, required};
use super::listing::{PAGE_MAX, matches, numbered, numbered_without};
use super::presence::routing;
use super::queues::shown as queue_shown;
use super::users::shown as user_shown;
use crate::sim::agents::Agent;
use crate::sim::response::Reply;
use crate::sim::world::World;

/// Most members of a page. Source: documentation of the operation.
const MEMBERS_MAX: usize = 100;

fn member(world: &World, place: usize, agent: &Agent, expand: &[String]) -> Value {
    let queue = world.queues.get(place).map_or("", |queue| queue.id.as_str());
    let mut shown = json!({
        "id": agent.id,
        "name": agent.name,
        "user": user_shown(world, agent, expand),
        "ringNumber": 1,
        "joined": !agent.unjoined.contains(&place),
        "memberBy": "user",
        "selfUri": format!("/api/v2/routing/queues/{queue}/members/{}", agent.id),
    });
    if expand.iter().any(|field| field == "routingStatus") {
        shown["routingStatus"] = routing(agent);
    }
    shown
}

/// A yes or no of the query; `None` when it is not there.
fn flag(asked: &Asked<'_>, name: &str) -> Result<Option<bool>, Reply> {
    match asked.request.query(name).as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(invalid(name, "true, false")),
    }
}

/// `GET /api/v2/routing/queues/{queueId}/members`.
pub(super) fn list(asked: &mut Asked<'_>) -> Answer {
    let (place, joined, request) = (asked.queue()?, flag(asked, "joined")?, asked.request);
    let (statuses, presences) = (request.list("routingStatus"), request.list("presence"));
    let (name, expand) = (request.query("name"), request.list("expand"));
    // Members here have neither skills nor languages, and no groups.
    let none =
        ["skills", "languages", "profileSkills"].iter().any(|name| !request.list(name).is_empty())
            || request.query("memberBy").is_some_and(|by| by == "group");
    let world = &asked.state.world;
    let in_presence = |agent: &Agent| {
        let known = world.definitions.get(agent.presence);
        presences.is_empty()
            || known.is_some_and(|known| {
                presences
                    .iter()
                    .any(|one| one.eq_ignore_ascii_case(known.in_rest) || *one == known.id)
            })
    };
    let mut found: Vec<&Agent> = world
        .agents
        .iter()
        .filter(|agent| !none && agent.queues.contains(&place))
        .filter(|agent| joined.is_none_or(|joined| joined != agent.unjoined.contains(&place)))
        .filter(|agent| statuses.is_empty() || statuses.iter().any(|one| one == agent.routing))
        .filter(|agent| in_presence(agent))
        .filter(|agent| name.as_deref().is_none_or(|name| matches(name, &agent.name)))
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
    if super::listing::descending(request) {
        found.reverse();
    }
    let absent = ["total", "pageCount", "lastUri"];
    numbered_without(request, MEMBERS_MAX, &found, &absent, |agent| {
        member(world, place, agent, &expand)
    })
}

/// A change of membership or of joining, with the event of the queue.
fn change(asked: &mut Asked<'_>, place: usize, who: usize, member: bool, joined: bool) {
    let world = &mut asked.state.world;
    let Some(agent) = world.agents.get_mut(who) else { return };
    agent.queues.retain(|queue| *queue != place);
    agent.unjoined.retain(|queue| *queue != place);
    if member {
        agent.queues.push(place);
        agent.queues.sort_unstable();
        if !joined {
            agent.unjoined.push(place);
        }
    }
    let user = agent.id.clone();
    let Some(queue) = world.queues.get(place) else { return };
    let body = json!({
        "id": user, "queueId": queue.id, "joined": member && joined, "user": { "id": user },
    });
    let topic = format!("v2.routing.queues.{}.users", queue.id);
    asked.tell(vec![(topic, body)]);
}

/// The users of a list of bodies with ids.
fn users_of(asked: &Asked<'_>) -> Result<Vec<(usize, Value)>, Reply> {
    let Value::Array(list) = asked.request.json()? else {
        return Err(Reply::bad_request("The request body must be a list of members."));
    };
    if list.len() > MEMBERS_MAX {
        return Err(Reply::bad_request(&format!("at most {MEMBERS_MAX} members")));
    }
    list.into_iter()
        .map(|body| Ok((agent(&asked.state.world, required(&body, "id")?)?, body)))
        .collect()
}

/// `POST /api/v2/routing/queues/{queueId}/members`: adds members, or with `delete=true` removes them.
pub(super) fn add(asked: &mut Asked<'_>) -> Answer {
    let (place, remove) = (asked.queue()?, asked.request.flag("delete"));
    for (who, _) in users_of(asked)? {
        change(asked, place, who, !remove, true);
    }
    Ok(deleted())
}

fn is_member(asked: &Asked<'_>, place: usize, who: usize) -> Result<(), Reply> {
    let agent = asked.state.world.agents.get(who);
    if agent.is_some_and(|agent| agent.queues.contains(&place)) {
        return Ok(());
    }
    Err(super::asked::missing("member of the queue", agent.map_or("", |agent| agent.id.as_str())))
}

fn joined_in(body: &Value) -> Result<bool, Reply> {
    body["joined"]
        .as_bool()
        .ok_or_else(|| Reply::error(400, "required.field.missing", "The field joined is required."))
}

/// `PATCH /api/v2/routing/queues/{queueId}/members`.
pub(super) fn join_several(asked: &mut Asked<'_>) -> Answer {
    let (place, users) = (asked.queue()?, users_of(asked)?);
    for (who, body) in &users {
        is_member(asked, place, *who)?;
        joined_in(body)?;
    }
    for (who, body) in &users {
        let joined = joined_in(body)?;
        change(asked, place, *who, true, joined);
    }
    list(asked)
}

/// `PATCH /api/v2/routing/queues/{queueId}/members/{memberId}`.
pub(super) fn join(asked: &mut Asked<'_>) -> Answer {
    let (place, who) = (asked.queue()?, agent(&asked.state.world, asked.id(1))?);
    is_member(asked, place, who)?;
    let joined = joined_in(&asked.object()?)?;
    change(asked, place, who, true, joined);
    Ok(deleted())
}

/// `DELETE /api/v2/routing/queues/{queueId}/members/{memberId}`.
pub(super) fn remove(asked: &mut Asked<'_>) -> Answer {
    let (place, who) = (asked.queue()?, agent(&asked.state.world, asked.id(1))?);
    is_member(asked, place, who)?;
    change(asked, place, who, false, false);
    Ok(deleted())
}

fn user_queue(world: &World, place: usize, agent: &Agent) -> Option<Value> {
    let mut shown = queue_shown(world, place, world.queues.get(place)?);
    shown["joined"] = json!(!agent.unjoined.contains(&place));
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("autoAnswerOnly");
    }
    Some(shown)
}

fn queues_of(asked: &Asked<'_>, who: usize) -> Answer {
    let joined = flag(asked, "joined")?;
    let world = &asked.state.world;
    let agent = world.agents.get(who).ok_or_else(|| Reply::not_found("user"))?;
    let mut found: Vec<usize> = all_queues(world)
        .map(|(place, _)| place)
        .filter(|place| agent.queues.contains(place))
        .filter(|place| joined.is_none_or(|joined| joined != agent.unjoined.contains(place)))
        .collect();
    found.sort_by_key(|place| world.queues.get(*place).map(|queue| queue.name.clone()));
    numbered(asked.request, PAGE_MAX, &found, |place| {
        user_queue(world, *place, agent).unwrap_or_default()
    })
}

/// `GET /api/v2/users/{userId}/queues`.
pub(super) fn queues_of_user(asked: &mut Asked<'_>) -> Answer {
    let who = asked.agent()?;
    queues_of(asked, who)
}

/// `GET /api/v2/routing/queues/me`.
pub(super) fn queues_of_me(asked: &mut Asked<'_>) -> Answer {
    let who = asked.user().ok_or_else(super::users::not_a_user)?;
    queues_of(asked, who)
}

/// `PATCH /api/v2/users/{userId}/queues`.
pub(super) fn join_queues(asked: &mut Asked<'_>) -> Answer {
    let who = asked.agent()?;
    let Value::Array(list) = asked.request.json()? else {
        return Err(Reply::bad_request("The request body must be a list of queues."));
    };
    let mut changes = Vec::new();
    for body in &list {
        let place = queue(&asked.state.world, required(body, "id")?)?;
        is_member(asked, place, who)?;
        changes.push((place, joined_in(body)?));
    }
    for (place, joined) in changes {
        change(asked, place, who, true, joined);
    }
    queues_of(asked, who)
}

/// `PATCH /api/v2/users/{userId}/queues/{queueId}`.
pub(super) fn join_queue(asked: &mut Asked<'_>) -> Answer {
    let (who, place) = (asked.agent()?, queue(&asked.state.world, asked.id(1))?);
    is_member(asked, place, who)?;
    let joined = joined_in(&asked.object()?)?;
    change(asked, place, who, true, joined);
    let world = &asked.state.world;
    let agent = world.agents.get(who).ok_or_else(|| Reply::not_found("user"))?;
    Ok(Reply::json(&user_queue(world, place, agent)))
}

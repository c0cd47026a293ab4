//! Wrap-up codes, and which of them a queue has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::asked::{Answer, Asked, deleted, missing, required};
use super::books::RECORDS;
use super::history::History;
use super::listing::{PAGE_MAX, descending, matches, numbered};
use crate::sim::clock::iso;
use crate::sim::response::Reply;
use crate::sim::world::World;

const FIRST: &[&str] = &["Solved", "Call back", "Passed on", "Wrong number", "Complaint", "Sale"];

/// One code.
#[derive(Clone, Debug)]
struct Code {
    id: String,
    name: String,
    description: Option<String>,
    created: i64,
    modified: i64,
}

/// Every code, by id, and those of each queue.
pub(super) struct WrapUps {
    codes: BTreeMap<String, Code>,
    /// Those from the start, which the conversations of the past have.
    at_start: Vec<String>,
    /// By the place of the queue.
    of_queue: BTreeMap<usize, BTreeSet<String>>,
}

impl WrapUps {
    pub(super) fn first(history: &History, world: &World) -> Self {
        let codes: Vec<Code> = FIRST
            .iter()
            .zip(100..)
            .map(|(name, number)| Code {
                id: history.id_for(number),
                name: (*name).to_owned(),
                description: None,
                created: history.end,
                modified: history.end,
            })
            .collect();
        let at_start: Vec<String> = codes.iter().map(|code| code.id.clone()).collect();
        let all: BTreeSet<String> = at_start.iter().cloned().collect();
        Self {
            codes: codes.into_iter().map(|code| (code.id.clone(), code)).collect(),
            of_queue: (0..world.queues.len()).map(|queue| (queue, all.clone())).collect(),
            at_start,
        }
    }

    pub(super) fn at_start(&self) -> &[String] {
        &self.at_start
    }
}

fn shown(world: &World, code: &Code) -> Value {
    let mut shown = json!({
        "id": code.id,
        "name": code.name,
        "division": { "id": world.division["id"], "name": world.division["name"] },
        "dateCreated": iso(code.created),
        "dateModified": iso(code.modified),
        "selfUri": format!("/api/v2/routing/wrapupcodes/{}", code.id),
    });
    if let Some(description) = &code.description {
        shown["description"] = json!(description);
    }
    shown
}

fn page(asked: &Asked<'_>, mut found: Vec<&Code>) -> Answer {
    let (ids, name) = (asked.request.list("id"), asked.request.query("name"));
    found.retain(|code| {
        (ids.is_empty() || ids.contains(&code.id))
            && name.as_deref().is_none_or(|name| matches(name, &code.name))
    });
    found.sort_by(|a, b| a.name.cmp(&b.name));
    if descending(asked.request) {
        found.reverse();
    }
    numbered(asked.request, PAGE_MAX, &found, |code| shown(&asked.state.world, code))
}

/// `GET /api/v2/routing/wrapupcodes`.
pub(super) fn list(asked: &mut Asked<'_>) -> Answer {
    page(asked, asked.state.books.wrap_ups.codes.values().collect())
}

/// `GET /api/v2/routing/queues/{queueId}/wrapupcodes`.
pub(super) fn of_queue(asked: &mut Asked<'_>) -> Answer {
    let queue = asked.queue()?;
    let all = &asked.state.books.wrap_ups;
    let ids = all.of_queue.get(&queue).into_iter().flatten();
    page(asked, ids.filter_map(|id| all.codes.get(id)).collect())
}

/// `GET /api/v2/routing/wrapupcodes/{codeId}`.
pub(super) fn one(asked: &mut Asked<'_>) -> Answer {
    let code = asked.state.books.wrap_ups.codes.get(asked.id(0));
    let code = code.ok_or_else(|| missing("wrap-up code", asked.id(0)))?;
    Ok(Reply::json(&shown(&asked.state.world, code)))
}

/// A name that no other code has.
fn name(asked: &Asked<'_>, body: &Value, own: Option<&str>) -> Result<String, Reply> {
    let name = required(body, "name")?.trim();
    let mut codes = asked.state.books.wrap_ups.codes.values();
    if codes.any(|code| Some(code.id.as_str()) != own && code.name.eq_ignore_ascii_case(name)) {
        let text = format!("There is a wrap-up code named {name:?} already.");
        return Err(Reply::error(400, "duplicate.name", &text));
    }
    Ok(name.to_owned())
}

/// `POST /api/v2/routing/wrapupcodes`.
pub(super) fn create(asked: &mut Asked<'_>) -> Answer {
    let body = asked.object()?;
    let name = name(asked, &body, None)?;
    let description = body["description"].as_str().map(str::to_owned);
    let id = asked.new_id();
    let code = Code { id, name, description, created: asked.now, modified: asked.now };
    let reply = Reply::json(&shown(&asked.state.world, &code));
    let codes = &mut asked.state.books.wrap_ups.codes;
    if codes.len() >= RECORDS {
        return Err(Reply::bad_request("There are too many wrap-up codes."));
    }
    codes.insert(code.id.clone(), code);
    Ok(reply)
}

/// `PUT /api/v2/routing/wrapupcodes/{codeId}`.
pub(super) fn update(asked: &mut Asked<'_>) -> Answer {
    let (id, body) = (asked.id(0).to_owned(), asked.object()?);
    let name = name(asked, &body, Some(&id))?;
    let code = asked.state.books.wrap_ups.codes.get_mut(&id);
    let code = code.ok_or_else(|| missing("wrap-up code", &id))?;
    code.name = name;
    code.description = body["description"].as_str().map(str::to_owned);
    code.modified = asked.now;
    Ok(Reply::json(&shown(&asked.state.world, code)))
}

/// `DELETE /api/v2/routing/wrapupcodes/{codeId}`.
pub(super) fn delete(asked: &mut Asked<'_>) -> Answer {
    let id = asked.id(0).to_owned();
    let all = &mut asked.state.books.wrap_ups;
    all.codes.remove(&id).ok_or_else(|| missing("wrap-up code", &id))?;
    for codes in all.of_queue.values_mut() {
        codes.remove(&id);
    }
    Ok(deleted())
}

/// `POST /api/v2/routing/queues/{queueId}/wrapupcodes`: all or none.
pub(super) fn add_to_queue(asked: &mut Asked<'_>) -> Answer {
    let queue = asked.queue()?;
    let Value::Array(list) = asked.request.json()? else {
        return Err(Reply::bad_request("The request body must be a list of wrap-up codes."));
    };
    let all = &asked.state.books.wrap_ups.codes;
    let codes: Vec<Code> = list
        .iter()
        .map(|body| {
            let id = required(body, "id")?;
            all.get(id).cloned().ok_or_else(|| missing("wrap-up code", id))
        })
        .collect::<Result<_, Reply>>()?;
    let of_queue = asked.state.books.wrap_ups.of_queue.entry(queue).or_default();
    of_queue.extend(codes.iter().map(|code| code.id.clone()));
    let world = &asked.state.world;
    Ok(Reply::json(&codes.iter().map(|code| shown(world, code)).collect::<Vec<_>>()))
}

/// `DELETE /api/v2/routing/queues/{queueId}/wrapupcodes/{codeId}`.
pub(super) fn remove_from_queue(asked: &mut Asked<'_>) -> Answer {
    let (queue, code) = (asked.queue()?, asked.id(1).to_owned());
    let of_queue = asked.state.books.wrap_ups.of_queue.entry(queue).or_default();
    if of_queue.remove(&code) { Ok(deleted()) } else { Err(missing("wrap-up code", &code)) }
}

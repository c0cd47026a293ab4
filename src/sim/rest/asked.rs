//! What a handler of an operation is given, and what it may do besides answering.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::events::place_of;
use crate::sim::agents::Change;
use crate::sim::frames::Event;
use crate::sim::ids;
use crate::sim::oauth::Caller;
use crate::sim::request::Request;
use crate::sim::response::Reply;
use crate::sim::shared::{Shared, State};
use crate::sim::socket_kind::SocketKind;
use crate::sim::world::{Queue, World};

/// An answer, or the error that is answered instead.
pub(super) type Answer = Result<Reply, Reply>;

/// One request, with the state of the platform at hand.
pub(super) struct Asked<'a> {
    pub(super) shared: &'a Shared,
    pub(super) state: &'a mut State,
    pub(super) caller: &'a Caller,
    pub(super) request: &'a Request,
    /// What stands in the braces of the path, in order.
    pub(super) ids: Vec<String>,
    /// Milliseconds of the epoch.
    pub(super) now: i64,
}

impl Asked<'_> {
    /// What stands in the braces of the path, by number.
    pub(super) fn id(&self, number: usize) -> &str {
        self.ids.get(number).map_or("", String::as_str)
    }

    /// The body, as what the operation takes.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, Reply> {
        read(&self.request.body)
    }

    /// The body, as an object.
    pub(super) fn object(&self) -> Result<Value, Reply> {
        let body = self.request.json()?;
        if body.is_object() {
            return Ok(body);
        }
        Err(Reply::bad_request("The request body must be an object."))
    }

    /// A new id.
    pub(super) fn new_id(&mut self) -> String {
        ids::uuid(&mut self.state.rng)
    }

    /// The user who has signed in; client credentials have none.
    pub(super) fn user(&self) -> Option<usize> {
        let user = self.caller.user.as_deref()?;
        self.state.world.agents.iter().position(|agent| agent.id == *user)
    }

    /// The user of the path's first id.
    pub(super) fn agent(&self) -> Result<usize, Reply> {
        agent(&self.state.world, self.id(0))
    }

    /// The queue of the path's first id.
    pub(super) fn queue(&self) -> Result<usize, Reply> {
        queue(&self.state.world, self.id(0))
    }

    /// Sends the events of a change to all who listen.
    pub(super) fn tell(&mut self, changes: Vec<Change>) {
        for (topic, body) in changes {
            let name = topic.to_ascii_lowercase();
            let flat = name.split_once('.').and_then(|(first, id)| {
                let kind = SocketKind::ALL.into_iter().find(|kind| kind.name() == first)?;
                Some((kind, id.to_owned()))
            });
            if let Some((kind, id)) = flat {
                let event = Event::flat(&name, &body);
                self.state.sockets.deliver(kind, Some(&id), &event);
            } else {
                let event = Event::new(&topic, &body, &ids::uuid(&mut self.state.rng));
                self.state.channels.deliver(&event);
            }
        }
    }
}

/// A body, as what the operation takes; the error says where it is not.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Reply> {
    serde_json::from_slice(body).map_err(|error| {
        let place = place_of(&String::from_utf8_lossy(body), &error);
        Reply::bad_request(&format!("The request body is not valid at {place}: {error}"))
    })
}

/// The place of a user.
pub(super) fn agent(world: &World, id: &str) -> Result<usize, Reply> {
    world
        .agents
        .iter()
        .position(|agent| agent.id.eq_ignore_ascii_case(id))
        .ok_or_else(|| missing("user", id))
}

/// The place of a queue that has not been deleted.
pub(super) fn queue(world: &World, id: &str) -> Result<usize, Reply> {
    world
        .queues
        .iter()
        .position(|queue| !queue.deleted && queue.id.eq_ignore_ascii_case(id))
        .ok_or_else(|| missing("queue", id))
}

/// Queues that have not been deleted, with their places.
pub(super) fn queues(world: &World) -> impl Iterator<Item = (usize, &Queue)> {
    world.queues.iter().enumerate().filter(|(_, queue)| !queue.deleted)
}

/// 404 for an id.
pub(super) fn missing(what: &str, id: &str) -> Reply {
    Reply::not_found(what).field("entityId", json!(id))
}

/// 400 for a value that is none of those that are allowed.
pub(super) fn invalid(what: &str, allowed: &str) -> Reply {
    Reply::error(400, "invalid.value", &format!("{what} must be one of: {allowed}"))
}

/// 409 for a version that is not the present one.
pub(super) fn conflict(sent: i64, current: i64) -> Reply {
    let message = format!(
        "The version {sent} is not the current one, which is {current}. Read it again, and repeat the change."
    );
    Reply::error(409, "general.conflict", &message)
}

/// A text that has to be in a body.
pub(super) fn required<'a>(body: &'a Value, name: &str) -> Result<&'a str, Reply> {
    body[name].as_str().filter(|text| !text.trim().is_empty()).ok_or_else(|| {
        Reply::error(400, "required.field.missing", &format!("The field {name} is required."))
    })
}

/// The empty 200 or 204 of a deletion.
pub(super) fn deleted() -> Reply {
    Reply::empty(http::StatusCode::NO_CONTENT)
}

//! Agents at work: what one of them does next, and which events that makes.

use std::collections::VecDeque;

use fastrand::Rng;
use serde_json::{Map, Value};

use super::call::{Call, Phase};
use super::socket_kind::SocketKind;
use super::world::{World, definition};
use super::{bodies, flat_bodies};

/// One agent.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
    /// Indices of the queues that the agent is a member of.
    pub(super) queues: Vec<usize>,
    /// The same at the start of the platform.
    pub(super) queues_at_start: Vec<usize>,
    /// Those of the queues that the agent has not joined.
    pub(super) unjoined: Vec<usize>,
    /// Index of the presence definition.
    pub(super) presence: usize,
    /// All times are milliseconds of the epoch.
    pub(super) presence_since: i64,
    /// The text beside the presence.
    pub(super) message: String,
    pub(super) routing: &'static str,
    pub(super) routing_since: i64,
    /// The latest presences and routing statuses: since when, and which.
    pub(super) presences: VecDeque<(i64, usize)>,
    pub(super) routings: VecDeque<(i64, &'static str)>,
    /// What REST was told about the agent, by field, and how many times.
    pub(super) fields: Map<String, Value>,
    pub(super) version: i64,
    pub(super) call: Option<Call>,
}

/// Presences and routing statuses of an agent that are kept; of more the oldest are forgotten.
const KEPT: usize = 512;

/// A concrete topic and the body of its event.
pub(super) type Change = (String, Value);

/// What a step has changed about an agent.
#[derive(Clone, Copy, Default)]
struct Changed {
    presence: bool,
    routing: bool,
    call: bool,
    queue: Option<usize>,
}

impl World {
    /// Lets one agent do what comes next, preferably for one queue, and returns the events of it.
    pub(super) fn step(
        &mut self,
        agent: usize,
        queue: Option<usize>,
        now: i64,
        rng: &mut Rng,
    ) -> Vec<Change> {
        let Some(current) = self.agents.get(agent) else {
            return Vec::new();
        };
        let changed = match (&current.call, current.routing) {
            (Some(_), _) => self.advance_call(agent, now, rng),
            (None, "OFF_QUEUE") => self.off_queue(agent, queue.is_some(), now, rng),
            (None, "NOT_RESPONDING") => self.route(agent, "IDLE", now),
            (None, _) if queue.is_some() || rng.f64() < 0.75 => self.offer(agent, queue, now, rng),
            (None, _) => {
                let presence = definition::random_break(rng);
                let moved = self.present(agent, presence, now);
                let routed = self.route(agent, "OFF_QUEUE", now);
                moved.and(routed)
            }
        };
        self.events(agent, changed, now)
    }

    fn off_queue(&mut self, agent: usize, hurry: bool, now: i64, rng: &mut Rng) -> Changed {
        if hurry || rng.f64() < 0.6 {
            let moved = self.present(agent, definition::ON_QUEUE, now);
            return moved.and(self.route(agent, "IDLE", now));
        }
        let current = self.agents.get(agent).map_or(0, |agent| agent.presence);
        let mut next = definition::random_break(rng);
        while next == current {
            next = definition::random_break(rng);
        }
        self.present(agent, next, now)
    }

    fn present(&mut self, agent: usize, presence: usize, now: i64) -> Changed {
        if let Some(agent) = self.agents.get_mut(agent) {
            agent.presence = presence;
            agent.presence_since = now;
            agent.message.clear();
            note(&mut agent.presences, (now, presence));
        }
        Changed { presence: true, ..Changed::default() }
    }

    fn route(&mut self, agent: usize, routing: &'static str, now: i64) -> Changed {
        if let Some(agent) = self.agents.get_mut(agent) {
            agent.routing = routing;
            agent.routing_since = now;
            note(&mut agent.routings, (now, routing));
        }
        Changed { routing: true, ..Changed::default() }
    }

    /// Sets a presence from outside, and returns the events of it: on queue is idle, and the others are off queue.
    pub(super) fn set_presence(
        &mut self,
        agent: usize,
        presence: usize,
        message: &str,
        now: i64,
    ) -> Vec<Change> {
        let mut changed = self.present(agent, presence, now);
        let on_queue = self
            .definitions
            .get(presence)
            .is_some_and(|definition| definition.in_rest == "OnQueue");
        let Some(member) = self.agents.get_mut(agent) else {
            return Vec::new();
        };
        message.clone_into(&mut member.message);
        let busy = member.call.is_some();
        match (on_queue, member.routing) {
            (true, "OFF_QUEUE") => changed = changed.and(self.route(agent, "IDLE", now)),
            (false, routing) if routing != "OFF_QUEUE" && !busy => {
                changed = changed.and(self.route(agent, "OFF_QUEUE", now));
            }
            _ => {}
        }
        self.events(agent, changed, now)
    }

    /// Sets a routing status from outside, and returns the events of it.
    pub(super) fn set_routing(
        &mut self,
        agent: usize,
        routing: &'static str,
        now: i64,
    ) -> Vec<Change> {
        let changed = self.route(agent, routing, now);
        self.events(agent, changed, now)
    }

    /// A call comes to one of the agent's queues, and waits.
    fn offer(&mut self, agent: usize, queue: Option<usize>, now: i64, rng: &mut Rng) -> Changed {
        let Some(member) = self.agents.get_mut(agent) else {
            return Changed::default();
        };
        let wanted = queue.filter(|queue| member.queues.contains(queue));
        let Some(place) = wanted.or_else(|| rng.choice(member.queues.iter().copied())) else {
            return Changed::default();
        };
        member.call = Some(Call::new(place, now, rng));
        if let Some(queue) = self.queues.get_mut(place) {
            queue.waiting += 1;
        }
        Changed { queue: Some(place), ..Changed::default() }
    }

    fn advance_call(&mut self, agent: usize, now: i64, rng: &mut Rng) -> Changed {
        let Some(member) = self.agents.get_mut(agent) else {
            return Changed::default();
        };
        let Some(call) = member.call.as_mut() else {
            return Changed::default();
        };
        let place = call.queue;
        let mut routing = None;
        let (waiting, interacting) = match call.phase {
            Phase::Waiting => {
                call.alert();
                (0, 0)
            }
            Phase::Alerting if rng.f64() < 0.9 => {
                call.answer(now);
                routing = Some("INTERACTING");
                (-1, 1)
            }
            Phase::Alerting => {
                call.miss(now);
                routing = Some("NOT_RESPONDING");
                (-1, 0)
            }
            Phase::Connected => {
                call.hang_up(now, rng);
                (0, -1)
            }
            Phase::Disconnected => {
                call.wrap_up(now);
                let on_queue = member.presence == definition::ON_QUEUE;
                let next = if on_queue { "IDLE" } else { "OFF_QUEUE" };
                routing = (member.routing == "INTERACTING").then_some(next);
                (0, 0)
            }
            Phase::Terminated => {
                self.finish(agent);
                return Changed::default();
            }
        };
        if let Some(queue) = self.queues.get_mut(place) {
            queue.waiting = queue.waiting.saturating_add_signed(waiting);
            queue.interacting = queue.interacting.saturating_add_signed(interacting);
        }
        let changed = Changed { call: true, queue: Some(place), ..Changed::default() };
        match routing {
            Some(routing) => changed.and(self.route(agent, routing, now)),
            None => changed,
        }
    }

    fn events(&self, agent: usize, changed: Changed, now: i64) -> Vec<Change> {
        let Some(agent) = self.agents.get(agent) else {
            return Vec::new();
        };
        let mut events = Vec::new();
        let user = |name: &str| format!("v2.users.{}.{name}", agent.id);
        if changed.presence {
            events.push((user("presence"), bodies::presence(self, agent)));
        }
        if changed.routing {
            events.push((user("routingStatus"), bodies::routing_status(agent)));
        }
        if changed.presence || changed.routing {
            events.push((user("activity"), bodies::activity(self, agent)));
        }
        if changed.presence && self.tells_sockets {
            let topic = SocketKind::Presence.topic(&agent.id);
            events.push((topic, flat_bodies::presence(self, agent, agent.presence_since)));
        }
        let (Some(call), Some(queue)) =
            (&agent.call, changed.queue.and_then(|queue| self.queues.get(queue)))
        else {
            return events;
        };
        let full = bodies::conversation(self, agent, call);
        let calls = bodies::call_conversation(self, agent, call);
        let of_queue = format!("v2.routing.queues.{}.conversations", queue.id);
        if changed.call {
            events.push((user("conversations"), full.clone()));
            events.push((user("conversations.calls"), calls.clone()));
        }
        events.push((of_queue.clone(), full));
        events.push((format!("{of_queue}.calls"), calls));
        events.push((
            format!("v2.analytics.queues.{}.observations", queue.id),
            bodies::observations(queue, now),
        ));
        if !self.tells_sockets {
            return events;
        }
        events.extend([
            (SocketKind::Routing.topic(&queue.id), flat_bodies::routing(agent, call, queue, now)),
            (SocketKind::Frames.topic(&queue.id), flat_bodies::interaction(call, queue, now)),
            (SocketKind::Realtime.topic(&queue.id), flat_bodies::figures(queue, now)),
            (SocketKind::AppFoundry.topic(&queue.id), flat_bodies::notification(call, queue, now)),
        ]);
        events
    }
}

/// Adds to a list of limited length.
fn note<T>(list: &mut VecDeque<T>, entry: T) {
    if list.len() == KEPT {
        list.pop_front();
    }
    list.push_back(entry);
}

impl Changed {
    fn and(self, other: Self) -> Self {
        Self {
            presence: self.presence || other.presence,
            routing: self.routing || other.routing,
            call: self.call || other.call,
            queue: self.queue.or(other.queue),
        }
    }
}

//! The source of events: agents are moved on so that what is listened to happens at the wanted rate.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep_until};

use super::agents::Change;
use super::frames::Event;
use super::media::{Format, Media};
use super::shared::{Shared, State};
use super::socket_kind::SocketKind;
use super::world::World;
use super::{flat_bodies, ids};

/// Steps that an agent is given to make an event of a wanted topic.
const STEPS: usize = 24;

/// Shortest sleep; several events are sent at once at rates above 1,000 a second.
const TICK: Duration = Duration::from_millis(1);

/// Events that are sent before others may have the state.
const SLICE: usize = 1_024;

/// How often a presence is told again without a change.
const REPEATS: f64 = 0.3;

/// Sample rate in Hz and length in milliseconds of the media frames among others.
const MEDIA_RATE: u32 = 8_000;
const MEDIA_MILLIS: u64 = 20;

/// How much of the past is made up for after a delay.
const CATCH_UP: Duration = Duration::from_millis(250);

/// Who has to move for a topic.
#[derive(Clone, Debug)]
enum Mover {
    Agent(usize),
    Queue(usize),
}

struct Generator {
    rng: Rng,
    version: Option<(u64, u64)>,
    /// The topics that are heard and can be made, shuffled anew on every turn.
    wanted: Vec<(String, Mover)>,
    turn: usize,
    ready: VecDeque<Event>,
    /// Turns of sockets that get frames of several types.
    frames: u64,
    /// What goes on as binary frames.
    media: Media,
}

/// Runs for as long as the platform does.
pub(super) async fn run(shared: Arc<Shared>, seed: u64) {
    let rate = shared.config.events_per_second;
    if !(rate > 0.0 && rate.is_finite()) {
        return;
    }
    let gap = Duration::from_secs_f64((1.0 / rate).min(3_600.0));
    let mut generator = Generator {
        rng: Rng::with_seed(seed),
        version: None,
        wanted: Vec::new(),
        turn: 0,
        ready: VecDeque::new(),
        frames: 0,
        media: Media::new(Format::Pcmu, MEDIA_RATE, MEDIA_MILLIS, Instant::now()),
    };
    let mut next = Instant::now() + gap;
    loop {
        if generator.is_idle(&shared) {
            shared.interest.notified().await;
            next = Instant::now() + gap;
            continue;
        }
        sleep_until(next.max(Instant::now() + TICK.min(gap))).await;
        let now = Instant::now();
        next = next.max(now.checked_sub(CATCH_UP).unwrap_or(now));
        let mut state = shared.lock();
        for _ in 0..SLICE {
            if next > now {
                break;
            }
            generator.send_one(&mut state, shared.clock.now_ms());
            next += gap;
        }
    }
}

impl Generator {
    fn is_idle(&mut self, shared: &Shared) -> bool {
        self.look(&shared.lock());
        self.wanted.is_empty()
    }

    /// Takes note of what is heard now.
    fn look(&mut self, state: &State) {
        let version = (state.channels.version, state.sockets.version);
        if self.version == Some(version) {
            return;
        }
        self.version = Some(version);
        let mut heard = state.channels.heard();
        heard.extend(state.sockets.heard(&state.world));
        self.wanted = heard
            .into_iter()
            .filter_map(|topic| mover(&state.world, &topic).map(|mover| (topic, mover)))
            .collect();
        self.turn = 0;
        self.ready.retain(|event| is_heard(state, &event.topic));
    }

    fn send_one(&mut self, state: &mut State, now: i64) {
        self.look(state);
        if self.ready.is_empty() {
            self.make(state, now);
        }
        if let Some(event) = self.ready.pop_front() {
            match socket_of(&event.topic) {
                Some((kind, id)) => state.sockets.deliver(kind, Some(id), &event),
                None => state.channels.deliver(&event),
            };
        }
    }

    /// Moves the world until the topic whose turn it is has an event.
    fn make(&mut self, state: &mut State, now: i64) {
        if self.turn == 0 {
            self.rng.shuffle(&mut self.wanted);
        }
        let Some((topic, mover)) = self.wanted.get(self.turn).cloned() else {
            return;
        };
        self.turn = (self.turn + 1) % self.wanted.len();
        let (agent, queue) = match mover {
            Mover::Agent(agent) => (Some(agent), None),
            Mover::Queue(queue) => {
                let agents = state.world.agents.iter().enumerate();
                let members: Vec<usize> = agents
                    .filter(|(_, agent)| agent.queues.contains(&queue))
                    .map(|(place, _)| place)
                    .collect();
                (self.rng.choice(members), Some(queue))
            }
        };
        let Some(agent) = agent else { return };
        let kind = socket_of(&topic).map(|(kind, _)| kind);
        let other = match kind {
            Some(SocketKind::Frames) => self.other_frame(&topic, now),
            // A presence is told again now and then, without a change.
            Some(SocketKind::Presence) if self.rng.f64() < REPEATS => {
                repeat(&state.world, agent, &topic, now)
            }
            _ => None,
        };
        if let Some(event) = other {
            self.ready.push_back(event);
            return;
        }
        state.world.tells_sockets = state.sockets.iter().next().is_some();
        for _ in 0..STEPS {
            let changes = state.world.step(agent, queue, now, &mut self.rng);
            if self.take(state, changes, &topic) {
                return;
            }
        }
        if kind == Some(SocketKind::Presence) {
            self.ready.extend(repeat(&state.world, agent, &topic, now));
        }
    }

    /// Keeps what is heard; whether the wanted topic is among it.
    fn take(&mut self, state: &State, changes: Vec<Change>, wanted: &str) -> bool {
        let mut done = false;
        for (topic, body) in changes {
            let name = topic.to_ascii_lowercase();
            if !is_heard(state, &name) {
                continue;
            }
            done |= name == wanted;
            let event = match socket_of(&name) {
                Some(_) => Event::flat(&name, &body),
                None => Event::new(&topic, &body, &ids::uuid(&mut self.rng)),
            };
            self.ready.push_back(event);
        }
        done
    }

    /// Of ten turns of frames three are media and one is a keepalive.
    fn other_frame(&mut self, topic: &str, now: i64) -> Option<Event> {
        self.frames += 1;
        match self.frames % 10 {
            3 | 6 | 9 => Some(Event::binary(topic, self.media.next_frame())),
            5 => Some(Event::flat(topic, &flat_bodies::keepalive(now))),
            _ => None,
        }
    }
}

/// The kind of socket that a topic is for, and what it is about; `None` for topics of channels.
fn socket_of(topic: &str) -> Option<(SocketKind, &str)> {
    let (name, id) = topic.split_once('.')?;
    let kind = SocketKind::ALL.into_iter().find(|kind| kind.name() == name)?;
    Some((kind, id))
}

/// Whether any open socket hears a topic, given in lower case.
fn is_heard(state: &State, topic: &str) -> bool {
    match socket_of(topic) {
        Some((kind, id)) => state.sockets.is_heard(kind, id),
        None => state.channels.is_heard(topic),
    }
}

/// The presence that an agent has already.
fn repeat(world: &World, agent: usize, topic: &str, now: i64) -> Option<Event> {
    let agent = world.agents.get(agent)?;
    Some(Event::flat(topic, &flat_bodies::presence(world, agent, now)))
}

/// Who makes events of a topic, given in lower case; `None` when nobody does.
fn mover(world: &World, topic: &str) -> Option<Mover> {
    let parts: Vec<&str> = topic.split('.').collect();
    let agent = |id: &str| {
        let place = world.agents.iter().position(|agent| agent.id == id)?;
        Some(Mover::Agent(place))
    };
    let queue = |id: &str| {
        let place = world.queues.iter().position(|queue| queue.id == id)?;
        Some(Mover::Queue(place))
    };
    match parts.as_slice() {
        ["v2", "users", id, "presence" | "routingstatus" | "activity" | "conversations"]
        | ["v2", "users", id, "conversations", "calls"]
        | ["presence", id] => agent(id),
        ["v2", "routing", "queues", id, "conversations"]
        | ["v2", "routing", "queues", id, "conversations", "calls"]
        | ["v2", "analytics", "queues", id, "observations"]
        | ["routing" | "frames" | "realtime" | "appfoundry", id] => queue(id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_queue_has_a_member_and_every_topic_happens() {
        for (users, queues) in [(1, 5), (10, 4), (3, 1)] {
            let mut rng = Rng::with_seed(7);
            let mut world = World::new(users, queues, 0, &mut rng);
            for queue in 0..queues {
                let member = world.agents.iter().position(|agent| agent.queues.contains(&queue));
                let member = member.expect("a member");
                let wanted = format!("v2.analytics.queues.{}.observations", world.queues[queue].id);
                let mut seen = false;
                for now in 0..100 {
                    let changes = world.step(member, Some(queue), now, &mut rng);
                    seen |= changes.iter().any(|(topic, _)| *topic == wanted);
                }
                assert!(seen, "{users} users, queue {queue} of {queues}");
            }
        }
    }

    #[test]
    fn counts_of_a_queue_return_to_zero_when_its_calls_are_over() {
        let mut rng = Rng::with_seed(3);
        let mut world = World::new(4, 2, 0, &mut rng);
        for now in 0..500 {
            let agent = rng.usize(..4);
            world.step(agent, None, now, &mut rng);
        }
        for agent in 0..4 {
            while world.agents[agent].call.is_some() {
                world.step(agent, None, 500, &mut rng);
            }
        }
        for queue in &world.queues {
            assert_eq!((queue.waiting, queue.interacting), (0, 0));
        }
    }

    #[test]
    fn one_seed_makes_one_history() {
        let history = |seed: u64| {
            let mut rng = Rng::with_seed(seed);
            let mut world = World::new(3, 2, 0, &mut rng);
            let steps = (0..200).flat_map(|n| world.step(n % 3, None, 0, &mut rng));
            steps.collect::<Vec<_>>()
        };
        assert_eq!(history(7), history(7));
        assert_ne!(history(7), history(8));
    }
}

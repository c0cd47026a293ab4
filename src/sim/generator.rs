//! The source of events: agents are moved on so that what is listened to happens at the wanted rate.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep_until};

use super::agents::Change;
use super::frames::Event;
use super::ids;
use super::shared::{Shared, State};
use super::world::World;

/// Steps that an agent is given to make an event of a wanted topic.
const STEPS: usize = 24;

/// Shortest sleep; several events are sent at once at rates above 1,000 a second.
const TICK: Duration = Duration::from_millis(1);

/// Events that are sent before others may have the state.
const SLICE: usize = 1_024;

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
    version: Option<u64>,
    /// The topics that are heard and can be made, shuffled anew on every turn.
    wanted: Vec<(String, Mover)>,
    turn: usize,
    ready: VecDeque<Change>,
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
        if self.version == Some(state.channels.version) {
            return;
        }
        self.version = Some(state.channels.version);
        let heard = state.channels.heard();
        self.wanted = heard
            .into_iter()
            .filter_map(|topic| mover(&state.world, &topic).map(|mover| (topic, mover)))
            .collect();
        self.turn = 0;
        let is_heard = |(topic, _): &Change| state.channels.is_heard(&topic.to_ascii_lowercase());
        self.ready.retain(is_heard);
    }

    fn send_one(&mut self, state: &mut State, now: i64) {
        self.look(state);
        if self.ready.is_empty() {
            self.make(state, now);
        }
        if let Some((topic, body)) = self.ready.pop_front() {
            let event = Event::new(&topic, &body, &ids::uuid(&mut self.rng));
            state.channels.deliver(&event);
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
        for _ in 0..STEPS {
            let State {
                world, channels, ..
            } = &mut *state;
            let mut done = false;
            for change in world.step(agent, queue, now, &mut self.rng) {
                let name = change.0.to_ascii_lowercase();
                if channels.is_heard(&name) {
                    done |= name == topic;
                    self.ready.push_back(change);
                }
            }
            if done {
                return;
            }
        }
    }
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
        [
            "v2",
            "users",
            id,
            "presence" | "routingstatus" | "activity" | "conversations",
        ]
        | ["v2", "users", id, "conversations", "calls"] => agent(id),
        ["v2", "routing", "queues", id, "conversations"]
        | ["v2", "routing", "queues", id, "conversations", "calls"]
        | ["v2", "analytics", "queues", id, "observations"] => queue(id),
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
                let member = world
                    .agents
                    .iter()
                    .position(|agent| agent.queues.contains(&queue));
                let member = member.expect("a member");
                let wanted = format!(
                    "v2.analytics.queues.{}.observations",
                    world.queues[queue].id
                );
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

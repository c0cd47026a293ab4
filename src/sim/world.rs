//! The organisation that the platform serves: generated once from the seed.

use std::collections::VecDeque;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::agents::Agent;
use super::applications::{Application, Origin};
use super::conversations::FinishedCalls;
use super::ids;

const FIRST: &[&str] =
    &["Kim", "Alex", "Sam", "Noor", "Jo", "Mika", "Ari", "Dani", "Robin", "Lou", "Sasha", "Kai"];
const LAST: &[&str] =
    &["Agent", "Berg", "Castro", "Diaz", "Ek", "Fischer", "Garcia", "Hansen", "Ito", "Jensen"];
const QUEUES: &[&str] =
    &["Support", "Sales", "Billing", "Returns", "Onboarding", "Retention", "Claims", "Dispatch"];

/// One queue.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) waiting: u32,
    pub(super) interacting: u32,
    /// Places of queues are for ever.
    pub(super) deleted: bool,
    /// What REST was told about it, by field.
    pub(super) fields: Map<String, Value>,
}

/// A presence, as REST and as events spell it.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub(super) id: String,
    /// Its own name, when it is not one of those that every organisation has.
    pub(super) name: Option<String>,
    pub(super) labels: Map<String, Value>,
    pub(super) deactivated: bool,
    pub(super) in_rest: &'static str,
    pub(super) in_events: &'static str,
}

/// The presence definitions, in a fixed order.
pub(super) mod definition {
    use fastrand::Rng;

    /// Index of "on queue".
    pub(crate) const ON_QUEUE: usize = 1;

    /// REST's spelling, and that of events.
    pub(crate) const NAMES: &[(&str, &str)] = &[
        ("Available", "AVAILABLE"),
        ("OnQueue", "ON_QUEUE"),
        ("Away", "AWAY"),
        ("Break", "BREAK"),
        ("Meal", "MEAL"),
        ("Meeting", "MEETING"),
        ("Training", "TRAINING"),
        ("Busy", "BUSY"),
        ("Offline", "OFFLINE"),
    ];

    /// The id of "Available" is the same in every organisation.
    pub(crate) const AVAILABLE: &str = "6a3af858-942f-489d-9700-5f9bcdcdae9b";

    /// Any presence but "on queue".
    pub(crate) fn random_break(rng: &mut Rng) -> usize {
        let place = rng.usize(..NAMES.len() - 1);
        if place >= ON_QUEUE { place + 1 } else { place }
    }
}

/// Everything that exists.
#[derive(Clone, Debug)]
pub(super) struct World {
    /// Id and name, as in answers.
    pub(super) organization: Value,
    pub(super) division: Value,
    pub(super) definitions: Vec<Definition>,
    pub(super) agents: Vec<Agent>,
    pub(super) queues: Vec<Queue>,
    /// How many queues there were at the start.
    pub(super) queues_at_start: usize,
    /// Calls that are over.
    pub(super) finished: FinishedCalls,
    /// Whether events for sockets without a channel are made too: only when there are any.
    pub(super) tells_sockets: bool,
    /// The last one has no socket.
    pub(super) applications: Vec<Application>,
}

impl World {
    /// The application of an id, in any case.
    pub(super) fn application(&self, id: &str) -> Option<&Application> {
        self.applications.iter().find(|application| application.id.eq_ignore_ascii_case(id))
    }

    /// A world of so many users and queues; every queue has a member when there are users.
    pub(super) fn new(users: usize, queues: usize, now: i64, rng: &mut Rng) -> Self {
        let organization = json!({ "id": ids::uuid(rng), "name": "Acme" });
        let division = json!({ "id": ids::uuid(rng), "name": "Home" });
        let definitions = definition::NAMES
            .iter()
            .map(|(in_rest, in_events)| {
                let id = ids::uuid(rng);
                let known = *in_rest == "Available";
                Definition {
                    id: if known { definition::AVAILABLE.to_owned() } else { id },
                    name: None,
                    labels: Map::new(),
                    deactivated: false,
                    in_rest,
                    in_events,
                }
            })
            .collect();
        let queue_list: Vec<Queue> = (0..queues)
            .map(|number| Queue {
                id: ids::uuid(rng),
                name: numbered(QUEUES, number),
                waiting: 0,
                interacting: 0,
                deleted: false,
                fields: Map::new(),
            })
            .collect();
        let agents = (0..users).map(|number| agent(number, users, queues, now, rng)).collect();
        Self {
            organization,
            division,
            definitions,
            agents,
            queues: queue_list,
            queues_at_start: queues,
            finished: FinishedCalls::default(),
            tells_sockets: false,
            applications: [Origin::WithScheme, Origin::WithoutScheme, Origin::None]
                .map(|origin| Application { id: ids::uuid(rng).into(), origin })
                .into(),
        }
    }
}

fn agent(number: usize, users: usize, queues: usize, now: i64, rng: &mut Rng) -> Agent {
    // Agent i serves the queues i, i + users, … so that no queue is left without one, and a neighbour.
    let mut own: Vec<usize> = (0..queues).filter(|queue| queue % users == number).collect();
    if queues > 0 {
        own.extend([number % queues, (number + 1) % queues]);
    }
    own.sort_unstable();
    own.dedup();
    let (first, last) = (FIRST[number % FIRST.len()], LAST[number % LAST.len()]);
    let id = ids::uuid(rng);
    Agent {
        name: format!("{first} {last}"),
        email: format!(
            "{}.{}.{}@acme.example",
            first.to_lowercase(),
            last.to_lowercase(),
            number + 1
        ),
        id,
        queues_at_start: own.clone(),
        queues: own,
        unjoined: Vec::new(),
        presence: 0,
        presence_since: now,
        message: String::new(),
        routing: "OFF_QUEUE",
        routing_since: now,
        presences: VecDeque::from([(now, 0)]),
        routings: VecDeque::from([(now, "OFF_QUEUE")]),
        fields: Map::new(),
        version: 1,
        call: None,
    }
}

/// The names in turn, with a number from the second turn on.
fn numbered(names: &[&str], number: usize) -> String {
    let name = names[number % names.len()];
    match number / names.len() {
        0 => name.to_owned(),
        turn => format!("{name} {}", turn + 1),
    }
}

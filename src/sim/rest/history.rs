//! Conversations of the past: each is computed from the seed and its number, and none is kept.
//!
//! They begin one after the other at even distances, up to the start of the platform. Agents take them in turn, so that
//! nobody has two at once: a conversation, its after-call work included, takes at most three quarters of a turn, and in
//! some turns the agent has a break in the last part of it.

use super::plan::{Plan, Text};
use crate::sim::call::Disconnect;
use crate::sim::world::{World, definition};

/// How far the past goes back, in milliseconds: 7 days.
const SPAN: i64 = 7 * 86_400_000;

/// Longest conversation with all that belongs to it, in milliseconds.
pub(super) const LONGEST: i64 = 1_800_000;

/// Kinds of media; the first ones are the usual ones.
const MEDIA: &[&str] = &[
    "voice", "voice", "voice", "voice", "voice", "message", "message", "chat", "email", "callback",
];

const REMOTES: &[&str] = &["Chris Caller", "Dana Dial", "Robin Ring", "Toni Tone", "Lee Line"];

/// Ends of answered conversations; the first ones are the usual ones.
const ENDS: &[Disconnect] = &[
    ("peer", None),
    ("peer", None),
    ("peer", None),
    ("peer", None),
    ("client", None),
    ("client", None),
    ("endpoint", None),
    ("transfer", None),
    ("system", None),
    ("timeout", None),
    ("transport.failure", Some(("q850", 38, "Network out of order"))),
    ("error", Some(("sip", 480, "Temporarily Unavailable"))),
];

/// Presences of breaks, as places of definitions: break, meal, meeting.
const BREAKS: [usize; 3] = [3, 4, 5];

/// A flow that conversations come through.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) id: String,
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
}

/// The past of a platform.
#[derive(Clone, Debug)]
pub(in crate::sim) struct History {
    seed: u64,
    count: usize,
    users: usize,
    /// When the platform started.
    pub(super) end: i64,
    pub(super) flows: [Flow; 2],
}

/// When what happened in one conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) started: i64,
    pub(super) queued: i64,
    pub(super) alerted: Option<i64>,
    pub(super) answered: Option<i64>,
    pub(super) held: i64,
    pub(super) ended: i64,
    pub(super) wrapped_up: Option<i64>,
    /// The break of the agent after it, until the next turn: from when, and its presence.
    pub(super) pause: Option<(i64, usize)>,
    /// When the agent's next turn begins.
    pub(super) next_turn: i64,
}

/// One well-mixed number out of two.
pub(super) fn mix(seed: u64, number: u64) -> u64 {
    // The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
    let mut bits = seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl History {
    pub(in crate::sim) fn new(seed: u64, count: usize, users: usize, end: i64) -> Self {
        let flow = |number: u64, name, kind| Flow {
            id: crate::sim::ids::uuid_of(wide(mix(seed, u64::MAX - number), seed)),
            name,
            kind,
        };
        Self {
            seed,
            count,
            users,
            end,
            flows: [
                flow(1, "Main menu", "INBOUNDCALL"),
                flow(2, "Written words", "INBOUNDSHORTMESSAGE"),
            ],
        }
    }

    /// A number for an id that is the same for one seed.
    pub(super) fn id_for(&self, what: u64) -> String {
        crate::sim::ids::uuid_of(wide(mix(self.seed ^ 0xfeed, what), mix(self.seed, !what)))
    }

    /// The conversations that began in `from..to`, by number.
    pub(super) fn began(&self, from: i64, to: i64) -> std::ops::Range<usize> {
        let first = self.first_from(from);
        first..self.first_from(to).max(first)
    }

    /// The first that began at a time or later.
    fn first_from(&self, time: i64) -> usize {
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        if count == 0 || time <= self.begin() {
            return 0;
        }
        // Times are at most one distance away from even ones.
        let about = i128::from(time - self.begin()) * i128::from(count) / i128::from(SPAN);
        let mut number = usize::try_from(about).unwrap_or(0).min(self.count).saturating_sub(2);
        while number < self.count && self.started(number) < time {
            number += 1;
        }
        number
    }

    fn begin(&self) -> i64 {
        self.end - SPAN
    }

    /// Where the time of a number begins.
    fn even(&self, number: usize) -> i64 {
        let count = i128::try_from(self.count.max(1)).unwrap_or(1);
        let number = i128::try_from(number).unwrap_or(0);
        self.begin() + i64::try_from(i128::from(SPAN) * number / count).unwrap_or(0)
    }

    fn gap(&self) -> i64 {
        (SPAN / i64::try_from(self.count.max(1)).unwrap_or(i64::MAX)).max(1)
    }

    /// The start of a conversation; later numbers start later.
    pub(super) fn started(&self, number: usize) -> i64 {
        let within = self.draw(number, 1) % u64::try_from(self.gap()).unwrap_or(1);
        self.even(number) + i64::try_from(within).unwrap_or(0) / 2
    }

    fn draw(&self, number: usize, what: u64) -> u64 {
        mix(mix(self.seed, number as u64), what)
    }

    /// The agent whose turn a conversation is.
    pub(super) fn agent(&self, number: usize) -> Option<usize> {
        number.checked_rem(self.users)
    }

    /// Whether an agent was there in the past.
    pub(super) fn has(&self, agent: usize) -> bool {
        agent < self.users
    }

    /// The conversations in the turns of one agent that began before a time, the latest first.
    pub(super) fn turns_before(&self, agent: usize, time: i64) -> impl Iterator<Item = usize> + '_ {
        let users = self.users.max(1);
        let first = self.first_from(time);
        // The last number below `first` that is the agent's.
        let last = first.checked_sub(1).and_then(|last| {
            let back = (last % users + users - agent) % users;
            last.checked_sub(back)
        });
        std::iter::successors(last, move |number| number.checked_sub(users))
    }

    /// When what happened.
    pub(super) fn times(&self, number: usize) -> Times {
        let started = self.started(number);
        let turn = self.gap().saturating_mul(i64::try_from(self.users.max(1)).unwrap_or(1));
        let next_turn = if number + self.users < self.count {
            self.started(number + self.users.max(1))
        } else {
            self.end
        };
        // Starts vary by half a gap, which with one user is half a turn.
        let room = (turn / 2 * 3 / 4).min(LONGEST).min((next_turn - started) * 3 / 4).max(8);
        let share = |what: u64, percent: i64| {
            let thousandth = i64::try_from(self.draw(number, what) % 1_000).unwrap_or(0);
            room * percent / 100 * (200 + thousandth * 4 / 5) / 1_000
        };
        let queued = started + share(2, 5);
        let asked = queued + share(3, 15);
        let kind = self.draw(number, 4) % 100;
        let abandoned = kind < 8 || self.users == 0;
        let missed = !abandoned && kind < 12;
        let alerted = (!abandoned).then_some(asked);
        let picked_up = asked + share(5, 5);
        let answered = (!abandoned && !missed).then_some(picked_up);
        let talked = picked_up + share(6, 55);
        let ended = if abandoned {
            asked
        } else if missed {
            picked_up
        } else {
            talked
        };
        let held = if answered.is_some() && self.draw(number, 7).is_multiple_of(4) {
            (talked - picked_up) / 4
        } else {
            0
        };
        let wrapped_up = answered.map(|_| talked + share(8, 20));
        let latest = wrapped_up.unwrap_or(ended);
        let pause = (self.draw(number, 9).is_multiple_of(5) && latest < next_turn).then(|| {
            let rest = (next_turn - latest) / 2;
            (latest + rest, BREAKS[usize::try_from(self.draw(number, 10) % 3).unwrap_or(0)])
        });
        Times { started, queued, alerted, answered, held, ended, wrapped_up, pause, next_turn }
    }

    /// Bits of the id of a conversation: its number is hidden in the last ones.
    fn id(&self, number: usize) -> u128 {
        let high = self.draw(number, 0);
        let bits = wide(high, 0);
        bits | (u128::from((number as u64) ^ mix(self.seed, 0x1d)) & NODE)
    }

    /// The conversation of an id.
    pub(super) fn find(&self, id: &str) -> Option<usize> {
        let mut digits = id.to_ascii_lowercase();
        digits.retain(|c| c != '-');
        let bits = u128::from_str_radix(&digits, 16).ok()?;
        let number = (bits ^ u128::from(mix(self.seed, 0x1d))) & NODE;
        let number = usize::try_from(number).ok().filter(|number| *number < self.count)?;
        (crate::sim::ids::uuid_of(self.id(number)) == id.to_ascii_lowercase()).then_some(number)
    }

    /// One conversation.
    pub(super) fn plan<'a>(
        &'a self,
        world: &'a World,
        wrap_ups: &'a [String],
        number: usize,
    ) -> Plan<'a> {
        let times = self.times(number);
        let draw = |what: u64, below: usize| {
            usize::try_from(self.draw(number, what) % below.max(1) as u64).unwrap_or(0)
        };
        let id = |what: u64| Text::Id(wide(self.draw(number, what), self.draw(number, what + 50)));
        let media = MEDIA[draw(20, MEDIA.len())];
        let agent = self.agent(number).and_then(|place| world.agents.get(place));
        // Of the queues that were there at the start.
        let own = agent.map_or(&[][..], |agent| agent.queues_at_start.as_slice());
        let queue = match own.len() {
            0 => draw(21, world.queues_at_start),
            several => own[draw(21, several)],
        };
        let disconnect = if times.answered.is_some() {
            ENDS[draw(22, ENDS.len())]
        } else if times.alerted.is_some() {
            ("transfer.noanswer", None)
        } else {
            ("peer", None)
        };
        Plan {
            id: Text::Id(self.id(number)),
            participants: [id(30), id(31), id(32), id(33)],
            sessions: [id(34), id(35), id(36), id(37)],
            media,
            remote: REMOTES[draw(23, REMOTES.len())],
            ani: Text::Number(u16::try_from(draw(24, 10_000)).unwrap_or(0)),
            flow: match media {
                "voice" => Some(&self.flows[0]),
                "message" | "chat" => Some(&self.flows[1]),
                _ => None,
            },
            queue: world.queues.get(queue).map(|queue| queue.id.as_str()),
            agent: agent.filter(|_| times.alerted.is_some()),
            started: times.started,
            queued: times.queued,
            alerted: times.alerted,
            answered: times.answered,
            held: times.held,
            ended: Some(times.ended),
            wrapped_up: times.wrapped_up,
            wrap_up: match wrap_ups.len() {
                0 => None,
                several => times.wrapped_up.map(|_| wrap_ups[draw(25, several)].as_str()),
            },
            disconnect: Some(disconnect),
        }
    }
}

/// The last twelve digits of a UUID.
const NODE: u128 = 0xffff_ffff_ffff;

fn wide(high: u64, low: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

/// Presences that the past has, so that a change of the table is noticed.
const _: () = assert!(definition::NAMES.len() > 5);

#[cfg(test)]
mod tests {
    use fastrand::Rng;
    use proptest::prelude::*;

    use super::*;

    const END: i64 = 1_772_616_600_000;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn conversations_are_in_order_and_found_by_time_and_id(
            seed: u64, count in 1_usize..200_000, users in 0_usize..50, at in 0.0..1.0_f64,
        ) {
            let history = History::new(seed, count, users, END);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in the list")]
            let number = ((count as f64 * at) as usize).min(count - 1);
            let started = history.started(number);
            if number > 0 {
                prop_assert!(history.started(number - 1) < started);
            }
            prop_assert!(started < END);
            prop_assert_eq!(history.began(started, i64::MAX / 4), number..count);
            prop_assert_eq!(history.began(started + 1, started + 1).start, number + 1);
            let id = crate::sim::ids::uuid_of(history.id(number));
            prop_assert_eq!(history.find(&id.to_uppercase()), Some(number));
            let times = history.times(number);
            let order = [Some(times.started), Some(times.queued), times.alerted, times.answered, Some(times.ended), times.wrapped_up];
            prop_assert!(order.iter().flatten().is_sorted());
            prop_assert!(times.wrapped_up.unwrap_or(times.ended) <= times.next_turn);
        }

        #[test]
        fn turns_of_an_agent_are_those_that_are_its_own(count in 1_usize..500, users in 1_usize..9, agent in 0_usize..9) {
            let agent = agent % users;
            let history = History::new(3, count, users, END);
            let mut turns: Vec<usize> = history.turns_before(agent, END).collect();
            turns.reverse();
            let expected: Vec<usize> = (0..count).filter(|number| number % users == agent).collect();
            prop_assert_eq!(turns, expected);
        }
    }

    #[test]
    fn ids_of_others_are_not_found() {
        let history = History::new(7, 100, 10, END);
        let other = History::new(8, 100, 10, END);
        assert_eq!(history.find(&crate::sim::ids::uuid_of(other.id(3))), None);
        for id in ["", "nobody", "00000000-0000-4000-8000-000000000000"] {
            assert_eq!(history.find(id), None, "{id}");
        }
        let mut rng = Rng::with_seed(1);
        assert_eq!(history.find(&crate::sim::ids::uuid(&mut rng)), None);
    }
}

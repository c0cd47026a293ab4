//! What a user was at which time: presence and routing status, of the past and of the simulation.

use super::asked::Asked;
use super::history::Times;
use super::interval::Interval;
use crate::sim::world::definition;

/// A stretch of time; what still goes on has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch<T> {
    pub(super) from: i64,
    pub(super) to: Option<i64>,
    pub(super) what: T,
}

impl<T> Stretch<T> {
    /// Its end, or the present.
    pub(super) fn until(&self, now: i64) -> i64 {
        self.to.unwrap_or(now).max(self.from)
    }
}

/// The presences of a user that touch an interval, as places of definitions, oldest first.
pub(super) fn presences(
    asked: &Asked<'_>,
    agent: usize,
    interval: Interval,
) -> Vec<Stretch<usize>> {
    let mut changes = Vec::new();
    for turn in turns(asked, agent, interval) {
        changes.push((turn.started, definition::ON_QUEUE));
        changes.extend(turn.pause);
    }
    let live = asked.state.world.agents.get(agent);
    changes.extend(live.into_iter().flat_map(|agent| agent.presences.iter().copied()));
    stretches(&changes, interval)
}

/// The routing statuses of a user that touch an interval, oldest first.
pub(super) fn routings(
    asked: &Asked<'_>,
    agent: usize,
    interval: Interval,
) -> Vec<Stretch<&'static str>> {
    let mut changes = Vec::new();
    for turn in turns(asked, agent, interval) {
        changes.push((turn.started, "IDLE"));
        if let Some(answered) = turn.answered {
            changes.push((answered, "INTERACTING"));
            changes.push((turn.wrapped_up.unwrap_or(turn.ended), "IDLE"));
        } else if turn.alerted.is_some() {
            changes.push((turn.ended, "NOT_RESPONDING"));
            changes.push((turn.ended + (turn.next_turn - turn.ended) / 4, "IDLE"));
        }
        if let Some((from, _)) = turn.pause {
            changes.push((from, "OFF_QUEUE"));
        }
    }
    let live = asked.state.world.agents.get(agent);
    changes.extend(live.into_iter().flat_map(|agent| agent.routings.iter().copied()));
    stretches(&changes, interval)
}

/// The turns of an agent that touch an interval, oldest first.
fn turns(asked: &Asked<'_>, agent: usize, interval: Interval) -> Vec<Times> {
    let history = &asked.state.books.history;
    if !history.has(agent) {
        return Vec::new();
    }
    let mut turns = Vec::new();
    for number in history.turns_before(agent, interval.to) {
        let times = history.times(number);
        let over = times.next_turn < interval.from;
        turns.push(times);
        if over {
            break;
        }
    }
    turns.reverse();
    turns
}

/// Stretches between changes; changes to the same are none.
fn stretches<T: Copy + PartialEq>(changes: &[(i64, T)], interval: Interval) -> Vec<Stretch<T>> {
    let mut all: Vec<Stretch<T>> = Vec::new();
    for (from, what) in changes.iter().copied() {
        if let Some(last) = all.last_mut() {
            if last.what == what {
                continue;
            }
            last.to = Some(from);
        }
        all.push(Stretch { from, to: None, what });
    }
    all.retain(|one| {
        one.from < interval.to
            && one.to.is_none_or(|to| to > interval.from)
            && one.to != Some(one.from)
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_lie_between_changes() {
        let interval = Interval { from: 10, to: 40 };
        let found =
            stretches(&[(0, 'a'), (5, 'b'), (20, 'b'), (30, 'c'), (30, 'd'), (50, 'e')], interval);
        let expected = [
            Stretch { from: 5, to: Some(30), what: 'b' },
            Stretch { from: 30, to: Some(50), what: 'd' },
        ];
        assert_eq!(found, expected);
    }
}

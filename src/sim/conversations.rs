//! Calls that are over.

use std::collections::VecDeque;

use super::call::Call;
use super::world::World;

/// Calls that are kept; of more the oldest are forgotten.
const KEPT: usize = 2_000;

/// One call that is over.
#[derive(Clone, Debug)]
pub(super) struct Finished {
    pub(super) call: Call,
    /// Place of the agent.
    pub(super) agent: usize,
}

/// The latest calls that are over.
#[derive(Clone, Debug, Default)]
pub(super) struct FinishedCalls {
    calls: VecDeque<Finished>,
    /// How many have been forgotten.
    forgotten: usize,
}

impl FinishedCalls {
    /// Notes a call whose last event is out.
    fn push(&mut self, call: Call, agent: usize) {
        if self.calls.len() == KEPT {
            self.calls.pop_front();
            self.forgotten += 1;
        }
        self.calls.push_back(Finished { call, agent });
    }

    /// Those that are kept, each with its number, which does not change.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Finished)> {
        self.calls.iter().enumerate().map(|(place, one)| (self.forgotten + place, one))
    }

    /// The call of a number.
    pub(super) fn get(&self, number: usize) -> Option<&Finished> {
        self.calls.get(number.checked_sub(self.forgotten)?)
    }
}

impl World {
    /// The call of an agent is over, and its last event is out.
    pub(super) fn finish(&mut self, place: usize) {
        let Some(agent) = self.agents.get_mut(place) else { return };
        if let Some(call) = agent.call.take() {
            self.finished.push(call, place);
        }
    }
}

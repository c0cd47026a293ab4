//! What happened in a conversation: the few facts that everything told about it is made of.

use std::fmt;

use super::history::Flow;
use crate::sim::agents::Agent;
use crate::sim::call::{Call, Disconnect, Phase};
use crate::sim::ids;
use crate::sim::world::World;

/// A text that is written out only when it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text<'a> {
    /// Bits of a UUID.
    Id(u128),
    /// A caller's number.
    Number(u16),
    Known(&'a str),
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(bits) => f.write_str(&ids::uuid_of(*bits)),
            Self::Number(number) => write!(f, "tel:+1555010{number:04}"),
            Self::Known(text) => f.write_str(text),
        }
    }
}

/// Places of the participants and their sessions in a plan.
pub(super) const CUSTOMER: usize = 0;
pub(super) const ACD: usize = 1;
pub(super) const AGENT: usize = 2;
pub(super) const FLOW: usize = 3;

/// One conversation. All times are milliseconds of the epoch.
#[derive(Clone, Debug)]
pub(super) struct Plan<'a> {
    pub(super) id: Text<'a>,
    pub(super) participants: [Text<'a>; 4],
    pub(super) sessions: [Text<'a>; 4],
    pub(super) media: &'static str,
    pub(super) remote: &'static str,
    pub(super) ani: Text<'a>,
    pub(super) flow: Option<&'a Flow>,
    pub(super) queue: Option<&'a str>,
    /// The agent that was asked, if any.
    pub(super) agent: Option<&'a Agent>,
    pub(super) started: i64,
    /// When it left the flow, and was in the queue.
    pub(super) queued: i64,
    pub(super) alerted: Option<i64>,
    pub(super) answered: Option<i64>,
    /// On hold, in the middle of the talk, for so many milliseconds.
    pub(super) held: i64,
    pub(super) ended: Option<i64>,
    pub(super) wrapped_up: Option<i64>,
    pub(super) wrap_up: Option<&'a str>,
    pub(super) disconnect: Option<Disconnect>,
}

impl<'a> Plan<'a> {
    /// A call of the simulation, over or not.
    pub(super) fn of_call(world: &'a World, call: &'a Call, agent: Option<&'a Agent>) -> Self {
        let [customer, acd, user] = call.participants.each_ref().map(|id| Text::Known(id));
        let [one, two, three] = call.communications.each_ref().map(|id| Text::Known(id));
        Self {
            id: Text::Known(&call.id),
            participants: [customer, acd, user, user],
            sessions: [one, two, three, three],
            media: "voice",
            remote: call.caller,
            ani: Text::Known(&call.number),
            flow: None,
            queue: world.queues.get(call.queue).map(|queue| queue.id.as_str()),
            agent: agent.filter(|_| call.phase != Phase::Waiting),
            started: call.started,
            queued: call.started,
            alerted: (call.phase != Phase::Waiting).then_some(call.started),
            answered: call.answered,
            held: 0,
            ended: call.ended,
            wrapped_up: call.wrapped_up,
            wrap_up: None,
            disconnect: call.disconnect,
        }
    }

    /// When its last segment ended; `None` while one goes on.
    pub(super) fn last(&self) -> Option<i64> {
        self.ended.map(|ended| self.wrapped_up.unwrap_or(ended))
    }
}

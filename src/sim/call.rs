//! One call, from the queue to the end of its after-call work.

use fastrand::Rng;

use super::ids;

/// How the agent's leg of a call ends: type, and what the carrier said about it.
pub(super) type Disconnect = (&'static str, Option<(&'static str, u16, &'static str)>);

/// Ends of answered calls; the first ones are the usual ones.
const ENDS: &[Disconnect] = &[
    ("peer", None),
    ("peer", None),
    ("peer", None),
    ("client", None),
    ("client", None),
    ("endpoint", None),
    ("transport.failure", Some(("q850", 38, "Network out of order"))),
    ("error", Some(("sip", 480, "Temporarily Unavailable"))),
];

const CALLERS: &[&str] = &["Chris Caller", "Dana Dial", "Robin Ring", "Toni Tone", "Lee Line"];

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// In the queue; no agent has been asked.
    Waiting,
    Alerting,
    Connected,
    Disconnected,
    Terminated,
}

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) id: String,
    /// Index of its queue.
    pub(super) queue: usize,
    pub(super) phase: Phase,
    pub(super) caller: &'static str,
    pub(super) number: String,
    /// Ids of the participants: customer, acd, agent.
    pub(super) participants: [String; 3],
    /// Ids of their communications.
    pub(super) communications: [String; 3],
    /// All times are milliseconds of the epoch.
    pub(super) started: i64,
    pub(super) answered: Option<i64>,
    pub(super) ended: Option<i64>,
    pub(super) wrapped_up: Option<i64>,
    pub(super) disconnect: Option<Disconnect>,
    /// How long the caller had waited when the simulation took note of the call, in milliseconds: its own steps take
    /// hardly any time.
    waited_before: i64,
}

impl Call {
    pub(super) fn new(queue: usize, now: i64, rng: &mut Rng) -> Self {
        let mut id = || ids::uuid(rng);
        let (conversation, participants) = (id(), [id(), id(), id()]);
        let communications = [id(), id(), id()];
        Self {
            id: conversation,
            queue,
            phase: Phase::Waiting,
            caller: CALLERS[rng.usize(..CALLERS.len())],
            number: format!("tel:+1555010{:04}", rng.u16(..10_000)),
            participants,
            communications,
            started: now,
            answered: None,
            ended: None,
            wrapped_up: None,
            disconnect: None,
            waited_before: rng.i64(500..60_000),
        }
    }

    /// How long the caller has waited for an agent, in milliseconds.
    pub(super) fn wait(&self, now: i64) -> i64 {
        self.waited_before + self.answered.or(self.ended).unwrap_or(now) - self.started
    }

    /// The step of the call, as the sockets without an envelope name it.
    pub(super) fn event_type(&self) -> &'static str {
        match self.phase {
            Phase::Waiting => "queued",
            Phase::Alerting => "alerting",
            Phase::Connected => "connected",
            Phase::Disconnected => "disconnected",
            Phase::Terminated => "wrapup",
        }
    }

    /// An agent is asked.
    pub(super) fn alert(&mut self) {
        self.phase = Phase::Alerting;
    }

    /// The agent takes it.
    pub(super) fn answer(&mut self, now: i64) {
        self.phase = Phase::Connected;
        self.answered = Some(now);
    }

    /// The agent does not take it, and the caller gives up.
    pub(super) fn miss(&mut self, now: i64) {
        self.phase = Phase::Disconnected;
        self.ended = Some(now);
        self.disconnect = Some(("transfer.noanswer", None));
    }

    /// It ends after it was answered.
    pub(super) fn hang_up(&mut self, now: i64, rng: &mut Rng) {
        self.phase = Phase::Disconnected;
        self.ended = Some(now);
        self.disconnect = Some(ENDS[rng.usize(..ENDS.len())]);
    }

    /// The agent has done what is left to do.
    pub(super) fn wrap_up(&mut self, now: i64) {
        self.phase = Phase::Terminated;
        self.wrapped_up = Some(now);
    }

    /// State of the agent's leg, as the platform spells it.
    pub(super) fn state(&self) -> &'static str {
        match self.phase {
            Phase::Waiting => "none",
            Phase::Alerting => "alerting",
            Phase::Connected => "connected",
            Phase::Disconnected => "disconnected",
            Phase::Terminated => "terminated",
        }
    }
}

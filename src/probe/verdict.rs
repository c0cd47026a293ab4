//! Who dropped a connection: a pure function of what is known.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::core::close::{CloseCode, Gone};
use crate::probe::drop_facts::DropFacts;
use crate::probe::hearsay::hearsay;
use crate::probe::printable::Printable;

/// Most pieces of evidence that a verdict lists, the weightiest first.
const MOST_EVIDENCE: usize = 20;

/// Most kinds of evidence that are weighed: reasons of peers may differ each time.
const MOST_KINDS: usize = 200;

/// Who is responsible for a drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Party {
    /// Nobody: there was no drop.
    None,
    /// The platform: its servers, or what runs on them.
    Platform,
    /// What is between: network, firewall, proxy, load balancer.
    Network,
    /// The program on this side: what it sends, its token, its settings.
    Application,
    /// Not known.
    Unknown,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DropCause {
    /// An orderly end.
    Orderly,
    /// Nothing was sent for longer than the server waits.
    IdleTimeout,
    /// An error inside the server.
    ServerError,
    /// The server restarts, moves or is overloaded.
    ServerGoingAway,
    /// The connection was reset or lost.
    NetworkReset,
    /// Something in between ended the connection, as by a timeout of its own.
    ProxyCut,
    /// The token: missing, expired, revoked, or without a scope.
    Token,
    /// A message over a limit.
    Oversize,
    /// Data or an address that the peer does not take.
    Protocol,
    /// The consumer was too slow.
    SlowConsumer,
    /// Not known.
    Unknown,
}

/// How sure a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Confidence {
    /// The evidence is thin, or contradicts itself.
    Low,
    /// Most of the evidence points one way.
    Medium,
    /// Strong evidence, and next to nothing against it.
    High,
}

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// At whom it points.
    pub party: Party,
    /// What it says happened.
    pub cause: DropCause,
    /// How much it says, 1 to 10.
    pub weight: u32,
    /// In how many drops it was seen.
    pub times: u32,
    /// What was seen, in one sentence. It may quote the peer.
    pub what: Box<str>,
}

/// Who dropped the connection, and why that is thought.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// Who.
    pub party: Party,
    /// What happened.
    pub cause: DropCause,
    /// How sure this is.
    pub confidence: Confidence,
    /// All that was considered, also what points elsewhere; the weightiest first.
    pub evidence: Vec<Evidence>,
}

/// Judges the drops of a run together; orderly ends count only when there is nothing else.
///
/// ```
/// use genesys_cloud::probe::{DropFacts, Party, judge};
/// use genesys_cloud::{CloseCode, Gone};
///
/// let closed = Gone::Closed { code: CloseCode::INTERNAL, reason: "".into() };
/// let verdict = judge(&[DropFacts::new(closed)]);
/// assert_eq!(verdict.party, Party::Platform);
/// println!("{verdict}");
/// ```
pub fn judge(drops: &[DropFacts]) -> Verdict {
    let mut evidence: Vec<Evidence> = Vec::new();
    for facts in drops.iter().filter(|facts| !facts.is_orderly()) {
        for piece in evidence_of(facts) {
            if let Some(known) = evidence.iter_mut().find(|known| known.same(&piece)) {
                known.times = known.times.saturating_add(1);
            } else if evidence.len() < MOST_KINDS {
                evidence.push(piece);
            }
        }
    }
    if evidence.is_empty() {
        let what = match drops.len() {
            0 => "no connection was lost",
            _ => "every connection was closed in an orderly way",
        };
        let evidence = vec![piece(Party::None, DropCause::Orderly, 10, what)];
        let confidence = Confidence::High;
        return Verdict { party: Party::None, cause: DropCause::Orderly, confidence, evidence };
    }
    weigh(evidence)
}

fn weigh(mut evidence: Vec<Evidence>) -> Verdict {
    let sum = |of: &dyn Fn(&Evidence) -> bool| -> u64 {
        evidence.iter().filter(|e| of(e)).map(Evidence::says).sum()
    };
    let total = sum(&|_| true);
    let parties = [Party::Platform, Party::Network, Party::Application];
    let scores = parties.map(|party| (sum(&|e| e.party == party), party));
    let best = scores.into_iter().max_by_key(|(score, _)| *score);
    // Evidence that points at nobody leaves it open.
    let (best, party) = best.filter(|(score, _)| *score > 0).unwrap_or((0_u64, Party::Unknown));
    let cause = evidence
        .iter()
        .filter(|e| e.party == party)
        .map(|e| (sum(&|other| other.party == party && other.cause == e.cause), e.cause))
        .max_by_key(|(score, cause)| (*score, std::cmp::Reverse(*cause)))
        .map_or(DropCause::Unknown, |(_, cause)| cause);
    let confidence = if best >= 7 && best * 5 >= total * 4 {
        Confidence::High
    } else if best >= 4 && best * 5 >= total * 3 {
        Confidence::Medium
    } else {
        Confidence::Low
    };
    evidence.sort_by_key(|e| std::cmp::Reverse(e.says()));
    evidence.truncate(MOST_EVIDENCE);
    Verdict { party, cause, confidence, evidence }
}

pub(super) fn piece(
    party: Party,
    cause: DropCause,
    weight: u32,
    what: impl Into<Box<str>>,
) -> Evidence {
    Evidence { party, cause, weight, times: 1, what: what.into() }
}

fn evidence_of(facts: &DropFacts) -> Vec<Evidence> {
    let mut found = vec![end(&facts.cause)];
    found.extend(idleness(facts));
    found.extend(heartbeats(facts));
    found.extend(limits(facts));
    found.extend(hearsay(&facts.correlated));
    found
}

/// What the end itself says.
fn end(gone: &Gone) -> Evidence {
    use DropCause as C;
    use Party as P;

    let (party, cause, weight) = match gone {
        Gone::Closed { code, reason } => closed(*code, reason),
        Gone::Cut { detail } if detail.contains("reset") => (P::Network, C::NetworkReset, 7),
        Gone::Cut { .. } => (P::Network, C::ProxyCut, 6),
        Gone::Silent { .. } => (P::Network, C::NetworkReset, 6),
        Gone::WriteTimeout | Gone::Rest { status: None, .. } => (P::Network, C::NetworkReset, 4),
        Gone::HandshakeTimeout | Gone::Unreachable { .. } => (P::Network, C::NetworkReset, 5),
        Gone::Refused { status } | Gone::Rest { status: Some(status), .. } => status_of(*status),
        Gone::Protocol { .. } => (P::Network, C::Protocol, 4),
        Gone::TooBig { .. } => (P::Application, C::Oversize, 7),
        Gone::ChannelGone { .. } => (P::Application, C::Token, 4),
        Gone::Overflow => (P::Application, C::SlowConsumer, 10),
        Gone::Requested | Gone::Restarted => (P::None, C::Orderly, 10),
    };
    piece(party, cause, weight, format!("the connection was {gone}"))
}

fn closed(code: CloseCode, reason: &str) -> (Party, DropCause, u32) {
    use DropCause as C;
    use Party as P;

    let reason = reason.to_ascii_lowercase();
    let idle =
        reason.contains("idle") || reason.contains("timeout") || reason.contains("timed out");
    match code.get() {
        1000 => (P::None, C::Orderly, 5),
        1001 if idle => (P::Application, C::IdleTimeout, 8),
        1001 => (P::Platform, C::ServerGoingAway, 6),
        1002 | 1003 | 1007 | 1010 => (P::Application, C::Protocol, 7),
        1008 => (P::Application, C::Token, 8),
        1009 => (P::Application, C::Oversize, 8),
        1011 => (P::Platform, C::ServerError, 8),
        1012..=1014 => (P::Platform, C::ServerGoingAway, 8),
        1006 | 1015 => (P::Network, C::NetworkReset, 5),
        _ => (P::Platform, C::Unknown, 4),
    }
}

fn status_of(status: u16) -> (Party, DropCause, u32) {
    match status {
        401 | 403 => (Party::Application, DropCause::Token, 8),
        407 => (Party::Network, DropCause::ProxyCut, 9),
        400..=499 => (Party::Application, DropCause::Protocol, 6),
        500..=599 => (Party::Platform, DropCause::ServerError, 8),
        _ => (Party::Network, DropCause::ProxyCut, 4),
    }
}

fn idleness(facts: &DropFacts) -> Option<Evidence> {
    let (idle, timeout) = (facts.idle?, facts.idle_timeout?);
    // A code of its own says more than a clock.
    let may_be_idle = match &facts.cause {
        Gone::Closed { code, .. } => {
            [CloseCode::GOING_AWAY, CloseCode::NO_STATUS, CloseCode::POLICY].contains(code)
        }
        Gone::Cut { .. } => true,
        _ => false,
    };
    let (idle_s, timeout_s) = (idle.as_secs_f64(), timeout.as_secs_f64());
    (may_be_idle && idle_s >= timeout_s * 0.9).then(|| {
        let what = format!(
            "nothing was exchanged for {idle_s:.1} s, and timeoutMillis is {timeout_s:.1} s"
        );
        piece(Party::Application, DropCause::IdleTimeout, 8, what)
    })
}

fn heartbeats(facts: &DropFacts) -> Vec<Evidence> {
    let (network, cut) = (Party::Network, DropCause::ProxyCut);
    let abrupt = matches!(facts.cause, Gone::Cut { .. } | Gone::Silent { .. } | Gone::WriteTimeout);
    let mut found = Vec::new();
    if !abrupt {
        return found;
    }
    if facts.pings_unanswered > 0 {
        let what = format!("{} pings had no answer at the end", facts.pings_unanswered);
        found.push(piece(network, DropCause::NetworkReset, 3, what));
    } else if facts.pings_answered > 0 {
        let what = "every ping was answered up to the end: the server was alive and not idle";
        found.push(piece(network, end(&facts.cause).cause, 2, what));
    }
    let shortest = Duration::from_secs(5);
    if facts.same_age >= 3 && facts.was_live >= shortest {
        let (times, age) = (facts.same_age, facts.was_live.as_secs_f64());
        let what = format!(
            "{times} connections ended after the same {age:.0} s, as by a timer in between"
        );
        found.push(piece(network, cut, 4, what));
    }
    found
}

fn limits(facts: &DropFacts) -> Vec<Evidence> {
    let mut found = Vec::new();
    if let (Some(sent), Some(most)) = (facts.largest_sent, facts.max_message_size)
        && sent > most
    {
        let what = format!("a message of {sent} bytes was sent, and maxMessageSize is {most}");
        found.push(piece(Party::Application, DropCause::Oversize, 6, what));
    }
    if facts.token_expired == Some(true) {
        let what = "the token had expired by then";
        found.push(piece(Party::Application, DropCause::Token, 6, what));
    }
    found
}

impl Evidence {
    /// How much it says together.
    fn says(&self) -> u64 {
        u64::from(self.weight) * u64::from(self.times)
    }

    fn same(&self, other: &Self) -> bool {
        (self.party, self.cause, &self.what) == (other.party, other.cause, &other.what)
    }
}

impl Party {
    /// The name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "nobody",
            Self::Platform => "the platform",
            Self::Network => "the network",
            Self::Application => "the application",
            Self::Unknown => "unknown",
        }
    }
}

impl DropCause {
    /// The cause in a few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orderly => "orderly end",
            Self::IdleTimeout => "idle timeout",
            Self::ServerError => "server error",
            Self::ServerGoingAway => "server going away",
            Self::NetworkReset => "network lost or reset",
            Self::ProxyCut => "cut by something in between",
            Self::Token => "token or scope",
            Self::Oversize => "message too big",
            Self::Protocol => "protocol or address",
            Self::SlowConsumer => "consumer too slow",
            Self::Unknown => "unknown cause",
        }
    }
}

impl Confidence {
    /// The name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (party, cause, sure) = (self.party.name(), self.cause.name(), self.confidence.name());
        write!(f, "{party}: {cause} (confidence {sure})")?;
        for evidence in &self.evidence {
            let Evidence { party, weight, times, what, .. } = evidence;
            write!(f, "\n  [{weight:>2}, {}] {}", party.name(), Printable(what))?;
            if *times > 1 {
                write!(f, " ({times} times)")?;
            }
        }
        Ok(())
    }
}

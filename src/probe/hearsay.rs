//! What the platform says of a drop, as evidence.

use crate::probe::correlate::DisconnectEvent;
use crate::probe::verdict::{DropCause as C, Evidence, Party as P, piece};

/// What it says about a connection, by words in its reason. The first that fits counts.
const CONNECTIONS: &[(&[&str], P, C)] = &[
    (&["idle", "inactiv"], P::Application, C::IdleTimeout),
    (&["too big", "too large", "size", "oversize"], P::Application, C::Oversize),
    (&["token", "auth", "policy", "scope", "permission"], P::Application, C::Token),
    (&["connection lost", "network", "reset", "transport"], P::Network, C::NetworkReset),
    (&["proxy", "gateway", "load balancer"], P::Network, C::ProxyCut),
    (&["going away", "restart", "maintenance", "shutdown"], P::Platform, C::ServerGoingAway),
    (&["does not read", "slow consumer"], P::Application, C::SlowConsumer),
    (&["protocol", "malformed"], P::Application, C::Protocol),
    (&["server", "internal", "error"], P::Platform, C::ServerError),
    (&["timeout", "timed out"], P::Application, C::IdleTimeout),
];

/// What ends of conversations say about a connection that dropped at the same time, and how much: the agent's network
/// may be another one. What they do not list is how conversations end every day.
const CONVERSATIONS: &[(&str, P, C, u32)] = &[
    ("transportFailure", P::Network, C::NetworkReset, 3),
    ("timeout", P::Network, C::NetworkReset, 2),
    ("poor audio", P::Network, C::NetworkReset, 2),
    ("error", P::Platform, C::ServerError, 2),
    ("system", P::Platform, C::ServerGoingAway, 1),
];

/// What the platform says of one drop.
pub(super) fn hearsay(events: &[DisconnectEvent]) -> Vec<Evidence> {
    let (direct, other): (Vec<_>, Vec<_>) =
        events.iter().partition(|event| event.conversation_id.is_none());
    let mut found: Vec<_> = direct.into_iter().filter_map(connection).collect();
    // However many conversations there were, they are one witness.
    found.extend(CONVERSATIONS.iter().filter_map(|(kind, party, cause, weight)| {
        let event = other.iter().find(|event| event.reason.starts_with(kind))?;
        let what = format!("conversations ended at that time with {kind} ({})", event.source);
        Some(piece(*party, *cause, *weight, what))
    }));
    found
}

fn connection(event: &DisconnectEvent) -> Option<Evidence> {
    let reason = event.reason.to_ascii_lowercase();
    // What we have closed is no drop: this is another connection, or the end of the run.
    if reason.contains("client closed") {
        return None;
    }
    let known =
        CONNECTIONS.iter().find(|(words, ..)| words.iter().any(|word| reason.contains(word)));
    let (party, cause, weight) = match (known, event.by.as_deref()) {
        (Some((_, party, cause)), _) => (*party, *cause, 7),
        (None, Some("network")) => (P::Network, C::Unknown, 5),
        (None, Some("client")) => (P::Application, C::Unknown, 5),
        (None, Some("platform" | "server")) => (P::Platform, C::Unknown, 5),
        (None, _) => return None,
    };
    let what = format!("the platform has it as \"{}\" ({})", event.reason, event.source);
    Some(piece(party, cause, weight, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversations_are_one_witness_and_usual_ends_of_them_are_none() {
        let end = |reason: &str| {
            DisconnectEvent::new(None, reason, "conversation details").conversation("c-1")
        };
        let usual = [end("peer"), end("client"), end("endpoint"), end("noAnswerTransfer")];
        assert!(hearsay(&usual).is_empty());
        let many = vec![end("transportFailure, agent"); 40];
        let [only] = &hearsay(&many)[..] else { panic!() };
        assert_eq!((only.party, only.weight), (P::Network, 3));
    }

    #[test]
    fn every_reason_of_a_connection_is_laid_at_one_door() {
        for (reason, party, cause) in [
            ("idle timeout", P::Application, C::IdleTimeout),
            ("server error", P::Platform, C::ServerError),
            ("server going away", P::Platform, C::ServerGoingAway),
            ("policy violation", P::Application, C::Token),
            ("token revoked", P::Application, C::Token),
            ("message too big", P::Application, C::Oversize),
            ("protocol error", P::Application, C::Protocol),
            ("client does not read", P::Application, C::SlowConsumer),
            ("client connection lost", P::Network, C::NetworkReset),
        ] {
            let [found] = &hearsay(&[DisconnectEvent::new(None, reason, "x")])[..] else {
                panic!("{reason}")
            };
            assert_eq!((found.party, found.cause), (party, cause), "{reason}");
        }
    }
}

//! For each cause of a drop, who is named.

use std::time::Duration;

use proptest::prelude::*;

use crate::core::close::{CloseCode, Gone};
use crate::probe::{Confidence, DisconnectEvent, DropCause, DropFacts, Party, judge};

const S: fn(u64) -> Duration = Duration::from_secs;

fn closed(code: u16, reason: &str) -> DropFacts {
    let cause = Gone::Closed { code: CloseCode::new(code), reason: reason.into() };
    DropFacts { was_live: S(300), ..DropFacts::new(cause) }
}

fn cut(detail: &str) -> DropFacts {
    let mut facts = DropFacts::new(Gone::Cut { detail: detail.into() });
    facts.was_live = S(300);
    facts
}

fn known(mut facts: DropFacts, reason: &str, by: &str) -> DropFacts {
    facts.correlated.push(DisconnectEvent::new(None, reason, "appfoundry.connection").by(by));
    facts
}

fn with(mut facts: DropFacts, change: impl FnOnce(&mut DropFacts)) -> DropFacts {
    change(&mut facts);
    facts
}

#[test]
fn every_cause_of_a_drop_is_laid_at_the_right_door() {
    use DropCause as C;
    use Party as P;

    let reset = "connection reset";
    let eof = "the connection ended";
    let idle = |facts| {
        with(facts, |facts| {
            (facts.idle, facts.idle_timeout) = (Some(S(60)), Some(S(60)));
        })
    };
    let oversize = |facts| {
        with(facts, |facts| {
            (facts.largest_sent, facts.max_message_size) = (Some(70_000), Some(65_536));
        })
    };
    let expired = |facts| with(facts, |facts| facts.token_expired = Some(true));
    let answered = |facts| with(facts, |facts| facts.pings_answered = 100);
    let table = [
        ("idle, said", closed(1001, "idle timeout"), P::Application, C::IdleTimeout),
        ("idle, by the clock", idle(closed(1001, "")), P::Application, C::IdleTimeout),
        ("idle, cut", idle(cut(eof)), P::Application, C::IdleTimeout),
        (
            "idle, known",
            known(closed(1001, ""), "idle timeout", "platform"),
            P::Application,
            C::IdleTimeout,
        ),
        ("server error", closed(1011, "oops"), P::Platform, C::ServerError),
        ("server error, idle", idle(closed(1011, "")), P::Platform, C::ServerError),
        (
            "server error, known",
            known(closed(1011, ""), "server error", "platform"),
            P::Platform,
            C::ServerError,
        ),
        ("restart", closed(1012, ""), P::Platform, C::ServerGoingAway),
        ("going away", answered(closed(1001, "maintenance")), P::Platform, C::ServerGoingAway),
        ("reset", answered(cut(reset)), P::Network, C::NetworkReset),
        (
            "reset, known",
            known(cut(reset), "client connection lost", "network"),
            P::Network,
            C::NetworkReset,
        ),
        ("cut", answered(cut(eof)), P::Network, C::ProxyCut),
        (
            "cut, each after a minute",
            with(answered(cut(eof)), |facts| facts.same_age = 4),
            P::Network,
            C::ProxyCut,
        ),
        (
            "silence",
            with(DropFacts::new(Gone::Silent { quiet: S(35) }), |f| f.pings_unanswered = 2),
            P::Network,
            C::NetworkReset,
        ),
        ("token, said", closed(1008, "token expired"), P::Application, C::Token),
        ("token, by the clock", expired(closed(1008, "")), P::Application, C::Token),
        (
            "token, known",
            known(closed(1008, ""), "token expired", "platform"),
            P::Application,
            C::Token,
        ),
        ("refused", DropFacts::new(Gone::Refused { status: 401 }), P::Application, C::Token),
        ("gateway", DropFacts::new(Gone::Refused { status: 503 }), P::Platform, C::ServerError),
        ("proxy", DropFacts::new(Gone::Refused { status: 407 }), P::Network, C::ProxyCut),
        ("too big", closed(1009, ""), P::Application, C::Oversize),
        ("too big, by size", oversize(closed(1009, "")), P::Application, C::Oversize),
        (
            "too big, known",
            known(closed(1009, ""), "message too big", "platform"),
            P::Application,
            C::Oversize,
        ),
        ("wrong region", closed(1002, ""), P::Application, C::Protocol),
        ("slow", DropFacts::new(Gone::Overflow), P::Application, C::SlowConsumer),
        // The connection looked cut, but the platform knows better.
        (
            "crash, known",
            known(cut(eof), "internal server error", "platform"),
            P::Platform,
            C::ServerError,
        ),
    ];
    for (name, facts, party, cause) in table {
        let verdict = judge(&[facts]);
        assert_eq!((verdict.party, verdict.cause), (party, cause), "{name}: {verdict}");
        assert!(!verdict.evidence.is_empty(), "{name}");
    }
}

#[test]
fn evidence_that_agrees_makes_a_verdict_sure_and_evidence_that_does_not_unsure() {
    let sure = judge(&[known(closed(1011, ""), "server error", "platform")]);
    assert_eq!((sure.confidence, sure.evidence.len()), (Confidence::High, 2));
    let torn = judge(&[known(closed(1011, ""), "client connection lost", "network")]);
    assert_eq!(torn.confidence, Confidence::Low);
    assert_eq!(torn.evidence.len(), 2, "what points elsewhere is listed too");
    let thin = judge(&[DropFacts::new(Gone::WriteTimeout)]);
    assert_eq!((thin.party, thin.confidence), (Party::Network, Confidence::Medium));
}

#[test]
fn an_orderly_end_is_nobodys_fault_and_does_not_hide_a_drop() {
    let orderly = [DropFacts::new(Gone::Requested), closed(1000, "")];
    assert_eq!((judge(&[]).party, judge(&orderly).party), (Party::None, Party::None));
    let [one, two] = orderly;
    assert_eq!(judge(&[one, closed(1011, ""), two]).party, Party::Platform);
}

#[test]
fn what_happens_most_often_decides() {
    let reset = cut("connection reset");
    let mut drops = vec![reset; 5];
    drops.push(closed(1011, ""));
    let verdict = judge(&drops);
    assert_eq!((verdict.party, verdict.evidence[0].times), (Party::Network, 5), "{verdict}");
    assert!(verdict.to_string().contains("(5 times)"));
}

#[test]
fn what_a_peer_says_cannot_break_lines() {
    let text = judge(&[closed(1011, "a\n  [99, nobody] b")]).to_string();
    assert_eq!(text.lines().count(), 2, "{text}");
}

fn gone() -> impl Strategy<Value = Gone> {
    prop_oneof![
        (any::<u16>(), ".{0,30}")
            .prop_map(|(code, reason)| Gone::Closed { code: code.into(), reason: reason.into() }),
        ".{0,30}".prop_map(|detail| Gone::Cut { detail: detail.into() }),
        any::<u16>().prop_map(|status| Gone::Refused { status }),
        Just(Gone::Requested),
        Just(Gone::WriteTimeout),
    ]
}

proptest! {
    #[test]
    fn any_facts_have_a_verdict_with_evidence(
        gones in prop::collection::vec(gone(), 0..6),
        reason in ".{0,30}",
        ms in any::<(u64, u64, u64)>(),
    ) {
        let all: Vec<_> = gones
            .into_iter()
            .map(|gone| {
                let mut facts = known(DropFacts::new(gone), &reason, &reason);
                facts.idle = Some(Duration::from_millis(ms.0));
                facts.idle_timeout = Some(Duration::from_millis(ms.1));
                facts.was_live = Duration::from_millis(ms.2);
                facts
            })
            .collect();
        let verdict = judge(&all);
        prop_assert!(!verdict.evidence.is_empty());
        prop_assert!(serde_json::to_string(&verdict).is_ok());
    }
}

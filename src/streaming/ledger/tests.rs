//! What is lost, and since when.

use std::time::Instant;

use super::*;

fn topic(name: &str) -> Topic {
    format!("v2.users.{name}.presence").parse().unwrap()
}

struct Clock(Instant);

impl Clock {
    fn at(&self, seconds: u64) -> Moment {
        let after = Duration::from_secs(seconds);
        Moment { mono: self.0 + after, wall: SystemTime::UNIX_EPOCH + after }
    }
}

fn setup(names: &[&str]) -> (Ledger, Clock) {
    let mut ledger = Ledger::default();
    for name in names {
        ledger.want(topic(name));
    }
    (ledger, Clock(Instant::now()))
}

fn cause() -> Arc<Gone> {
    Arc::new(Gone::HandshakeTimeout)
}

#[test]
fn the_first_coverage_is_no_gap() {
    let (mut ledger, clock) = setup(&["a"]);
    ledger.confirm(1, &topic("a"));
    let resumed = ledger.flows(1, clock.at(5));
    assert_eq!((resumed.first, resumed.gaps), (vec![topic("a")], vec![]));
    assert_eq!(ledger.flows(1, clock.at(6)), Resumed::default());
}

#[test]
fn a_gap_opens_at_the_last_byte_and_closes_when_a_confirming_link_flows() {
    let (mut ledger, clock) = setup(&["a", "b"]);
    ledger.confirm(1, &topic("a"));
    ledger.confirm(1, &topic("b"));
    ledger.flows(1, clock.at(0));
    ledger.lost(1, clock.at(10), &cause());
    let gaps = ledger.flows(1, clock.at(45)).gaps;
    assert_eq!(gaps.len(), 1, "topics that share both ends are one gap");
    assert_eq!(gaps[0].topics.len(), 2);
    assert_eq!(gaps[0].covered_until, clock.at(10).wall);
    assert_eq!(gaps[0].resumed_at, clock.at(45).wall);
    assert_eq!(gaps[0].duration, Duration::from_secs(35));
}

#[test]
fn a_topic_stays_covered_while_another_link_flows() {
    let (mut ledger, clock) = setup(&["a"]);
    for link in [1, 2] {
        ledger.confirm(link, &topic("a"));
        ledger.flows(link, clock.at(link));
    }
    ledger.lost(1, clock.at(10), &cause());
    assert!(ledger.covers(&topic("a")));
    ledger.lost(2, clock.at(20), &cause());
    assert_eq!(ledger.uncovered()[0].covered_until, Some(clock.at(20).wall));
}

#[test]
fn a_link_that_did_not_confirm_a_topic_closes_nothing() {
    let (mut ledger, clock) = setup(&["a"]);
    ledger.confirm(1, &topic("a"));
    ledger.flows(1, clock.at(0));
    ledger.lost(1, clock.at(1), &cause());
    ledger.drop_link(1);
    assert_eq!(ledger.flows(1, clock.at(2)), Resumed::default());
    assert_eq!(ledger.flows(2, clock.at(2)), Resumed::default());
    ledger.confirm(2, &topic("a"));
    assert_eq!(ledger.flows(2, clock.at(3)).gaps[0].duration, Duration::from_secs(2));
}

#[test]
fn what_only_a_link_had_that_nobody_heard_is_missing_since_it_began() {
    let (mut ledger, clock) = setup(&["a", "b", "c"]);
    for name in ["a", "b"] {
        ledger.confirm(1, &topic(name));
    }
    ledger.flows(1, clock.at(0));
    for name in ["a", "b", "c"] {
        ledger.confirm(2, &topic(name));
    }
    ledger.flows(2, clock.at(10));
    ledger.refuse(1, &topic("b"), clock.at(12), &cause());
    ledger.unheard(2, &cause());
    assert!(ledger.covers(&topic("a")), "the other one goes on");
    let open = ledger.uncovered();
    assert_eq!(open.iter().map(|one| one.topics.len()).sum::<usize>(), 2);
    assert!(open.iter().all(|one| one.covered_until == Some(clock.at(10).wall)), "{open:?}");
    ledger.unheard(2, &cause());
    // The other one ends first: until then nothing is missing.
    ledger.confirm(3, &topic("a"));
    ledger.flows(3, clock.at(20));
    ledger.lost(1, clock.at(25), &cause());
    ledger.unheard(3, &cause());
    let open = ledger.uncovered();
    let a = open.iter().find(|one| one.topics.contains(&topic("a"))).unwrap();
    assert_eq!(a.covered_until, Some(clock.at(25).wall));
}

#[test]
fn a_second_loss_inside_a_gap_does_not_move_its_start() {
    let (mut ledger, clock) = setup(&["a"]);
    ledger.confirm(1, &topic("a"));
    ledger.flows(1, clock.at(0));
    ledger.lost(1, clock.at(1), &cause());
    ledger.lost(1, clock.at(9), &cause());
    assert_eq!(ledger.flows(1, clock.at(11)).gaps[0].duration, Duration::from_secs(10));
}

#[test]
fn a_sign_of_life_looks_at_no_topic_when_nothing_waits() {
    let names: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut ledger, clock) = setup(&names);
    for (n, name) in names.iter().enumerate() {
        ledger.confirm(n as u64 % 10, &topic(name));
    }
    for link in 0..10 {
        assert_eq!(ledger.flows(link, clock.at(1)).first.len(), 1_000);
    }
    assert!((0..10).all(|link| !ledger.awaits_flow(link)));
    let start = Instant::now();
    for beat in 0..100_000 {
        assert_eq!(ledger.flows(beat % 10, clock.at(2)), Resumed::default());
    }
    // Walking all topics would take a thousand times as long.
    assert!(start.elapsed() < Duration::from_secs(5));
    let size = ledger.size();
    assert_eq!(size, (10_000, 10_000, 20));
    ledger.lost(3, clock.at(5), &cause());
    assert_eq!(ledger.flows(3, clock.at(9)).gaps[0].topics.len(), 1_000);
    ledger.lost(3, clock.at(10), &cause());
    ledger.drop_link(3);
    for name in names {
        ledger.forget(&topic(name));
    }
    assert_eq!((ledger.size().0, ledger.size().1), (0, 0));
}

#[test]
fn a_topic_that_moves_from_one_link_to_another_is_covered_all_the_time() {
    let (mut ledger, clock) = setup(&["a", "b"]);
    ledger.confirm(1, &topic("a"));
    ledger.confirm(2, &topic("b"));
    ledger.flows(1, clock.at(0));
    ledger.flows(2, clock.at(0));
    for name in ["a", "b"] {
        ledger.confirm(3, &topic(name));
    }
    assert!(ledger.can_replace(1, 3) && ledger.can_replace(2, 3) && !ledger.can_replace(1, 2));
    assert_eq!(ledger.flows(3, clock.at(5)), Resumed::default());
    for old in [1, 2] {
        ledger.lost(old, clock.at(6), &cause());
        ledger.drop_link(old);
    }
    assert!(ledger.uncovered().is_empty());
    for name in ["a", "b"] {
        ledger.confirm(4, &topic(name));
    }
    ledger.flows(4, clock.at(9));
    let doubt = |last, whole| ledger.doubt(3, 4, clock.at(last), whole, &Gone::HandshakeTimeout);
    let [gap] = &doubt(7, true)[..] else { panic!("one gap") };
    assert_eq!((gap.topics.len(), gap.duration), (2, Duration::from_secs(2)));
    let [gap] = &doubt(10, false)[..] else { panic!("one gap") };
    assert_eq!((gap.covered_until, gap.duration), (clock.at(10).wall, Duration::ZERO));
    assert!(doubt(10, true).is_empty());
}

#[test]
fn a_topic_that_came_late_to_a_link_that_flows_is_missing_until_it_came() {
    let (mut ledger, clock) = setup(&["a", "b"]);
    for link in [1, 2] {
        ledger.confirm_at(link, &topic("a"), clock.at(0));
        ledger.flows(link, clock.at(1));
    }
    ledger.confirm_at(1, &topic("b"), clock.at(4));
    ledger.flows(1, clock.at(5));
    for again in [8, 9] {
        ledger.confirm_at(2, &topic("b"), clock.at(again));
        ledger.flows(2, clock.at(again));
    }
    let doubts = ledger.doubt(1, 2, clock.at(6), true, &Gone::HandshakeTimeout);
    let missed = ledger.missed(1, &[topic("a"), topic("b")], clock.at(6), &cause());
    for gaps in [doubts, missed] {
        let [gap] = &gaps[..] else { panic!("{gaps:?}") };
        assert_eq!(&gap.topics[..], &[topic("b")]);
        assert_eq!((gap.covered_until, gap.resumed_at), (clock.at(6).wall, clock.at(8).wall));
    }
    // Another connection begins anew.
    ledger.lost(2, clock.at(10), &cause());
    ledger.drop_link(2);
    assert_eq!(ledger.size().1, 0, "{ledger:?}");
}

#[test]
fn what_a_link_turns_out_to_have_missed_is_a_gap_until_another_flowed() {
    let (mut ledger, clock) = setup(&["a", "b"]);
    for name in ["a", "b"] {
        ledger.confirm(1, &topic(name));
    }
    ledger.flows(1, clock.at(0));
    ledger.confirm(2, &topic("a"));
    ledger.flows(2, clock.at(9));
    ledger.flows(2, clock.at(12));
    let gaps = ledger.missed(1, &[topic("a"), topic("b")], clock.at(4), &cause());
    let [gap] = &gaps[..] else { panic!("{gaps:?}") };
    assert_eq!((gap.covered_until, gap.resumed_at), (clock.at(4).wall, clock.at(9).wall));
    assert_eq!((&gap.topics[..], gap.duration), (&[topic("a")][..], Duration::from_secs(5)));
    assert!(ledger.covers(&topic("a")));
    assert_eq!(ledger.uncovered()[0].covered_until, Some(clock.at(4).wall), "b is open");
    // The other one flowed before: nothing is missing.
    ledger.confirm(1, &topic("a"));
    assert!(ledger.missed(1, &[topic("a")], clock.at(10), &cause()).is_empty());
}

#[test]
fn a_refused_topic_is_uncovered_from_its_last_sure_moment() {
    let (mut ledger, clock) = setup(&["a", "b"]);
    ledger.confirm(1, &topic("a"));
    ledger.confirm(1, &topic("b"));
    ledger.flows(1, clock.at(0));
    ledger.refuse(1, &topic("a"), clock.at(7), &cause());
    assert!(!ledger.covers(&topic("a")) && ledger.covers(&topic("b")));
    assert_eq!(ledger.uncovered()[0].topics[..], [topic("a")]);
    ledger.forget(&topic("a"));
    assert!(ledger.uncovered().is_empty());
}

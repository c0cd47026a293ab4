//! What happens at each step of a replacement.

use std::fmt::Write as _;
use std::time::Duration;

use super::bench::{Bench, STEPS, Step};
use crate::core::close::Gone;
use crate::error::{Error, ErrorKind};
use crate::streaming::protocol::Notice;
use crate::streaming::supervisor::Input;

/// What can happen.
type Event = (&'static str, fn(&mut Bench) -> bool);

fn fails(bench: &mut Bench, error: &Error) -> bool {
    let calls = bench.has_call();
    if calls {
        bench.fail(error);
    }
    calls
}

fn on(bench: &mut Bench, channel: &str, act: impl FnOnce(&mut Bench)) -> bool {
    let there = bench.has_line(channel);
    if there {
        act(bench);
    }
    there
}

const EVENTS: &[Event] = &[
    ("call fails in passing", |bench| {
        fails(bench, &Error::new(ErrorKind::Transport, "cut").retryable(true))
    }),
    ("call fails for good", |bench| fails(bench, &Error::new(ErrorKind::Forbidden, "no"))),
    ("call throttled 7 s", |bench| {
        let error = Error::new(ErrorKind::Throttled, "later").retryable(true);
        fails(bench, &error.with_retry_after(Duration::from_secs(7)))
    }),
    ("dial refused 429, 7 s", |bench| {
        let dials = bench.is_dialled("c2");
        if dials {
            bench.refused("c2", 429, Some(Duration::from_secs(7)));
        }
        dials
    }),
    ("old link dies", |bench| {
        on(bench, "c1", |bench| bench.line_gone("c1", Gone::Cut { detail: "x".into() }, false))
    }),
    ("new link dies", |bench| {
        on(bench, "c2", |bench| bench.line_gone("c2", Gone::Cut { detail: "x".into() }, false))
    }),
    ("old channel gone", |bench| on(bench, "c1", |bench| bench.evict("c1"))),
    ("new channel gone", |bench| {
        let made = bench.has_channel("c2");
        if made {
            bench.evict("c2");
        }
        made
    }),
    ("topic added", |bench| {
        bench.want("c");
        true
    }),
    ("topic removed", |bench| {
        bench.unwant("b");
        true
    }),
    ("topic removed and back", |bench| {
        bench.unwant("b");
        bench.want("b");
        true
    }),
    ("topic dropped, found", |bench| {
        let reads = bench.has_line("c1");
        if reads {
            bench.drop_topic("c1", "b");
            bench.read_back();
        }
        reads
    }),
    ("token rotates", |bench| {
        bench.rotate();
        true
    }),
    ("old socket_closing", |bench| on(bench, "c1", |bench| bench.notice("c1", Notice::Closing))),
    ("new socket_closing", |bench| on(bench, "c2", |bench| bench.notice("c2", Notice::Closing))),
    ("owner closes", |bench| {
        bench.step(Input::Close);
        true
    }),
    ("renew asked again", |bench| {
        bench.step(Input::Renew);
        true
    }),
    ("rebalance asked", |bench| {
        bench.step(Input::Rebalance);
        true
    }),
    ("consumer stalls", |bench| {
        bench.clogged = true;
        bench.later(1);
        bench.clogged = false;
        true
    }),
];

/// One line for each step and event that can be there: what is done at once | how it stands then | how it ends, with the
/// lifecycle items of the whole way. Channels are named in the order in which they were made; `open` topics have a gap.
const TABLE: &str = "
Listing     | call fails in passing  | - | live c1, next in 500 ms | c2, 1 renewed
Listing     | call fails for good    | - | live c1, next in 500 ms | c2, 1 renewed
Listing     | call throttled 7 s     | - | live c1, next in 7000 ms | c2, 1 renewed
Listing     | old link dies          | +disconnected | waiting c1, ab open | c1, 1 gap, 1 disconnected
Listing     | old channel gone       | close c1, +disconnected | waiting c1, ab open | c2, 1 gap, 1 disconnected
Listing     | topic added            | put c1 abc | live c1, next wanted, c open | c2, 1 renewed
Listing     | topic removed          | +unsubscribed, put c1 a | live c1, next wanted | c2, 1 renewed
Listing     | topic removed and back | +unsubscribed, put c1 a | live c1, next wanted, b open | c2, 1 renewed
Listing     | topic dropped, found   | +drifted, put c1 ab | live c1, next wanted, b open | c2, 1 renewed, 1 gap, 1 drifted
Listing     | token rotates          | - | live c1, next wanted | c2, 1 renewed
Listing     | old socket_closing     | - | live c1, next wanted | c2, 1 renewed
Listing     | owner closes           | close c1 | closing c1, next in 0 ms | stopped
Listing     | renew asked again      | - | live c1, next wanted | c2, 1 renewed
Listing     | rebalance asked        | - | live c1, next wanted | c2, 1 renewed
Listing     | consumer stalls        | - | live c1, next wanted | c2, 1 renewed
Creating    | call fails in passing  | - | live c1, next in 500 ms | c2, 1 renewed
Creating    | call fails for good    | - | live c1, next in 500 ms | c2, 1 renewed
Creating    | call throttled 7 s     | - | live c1, next in 7000 ms | c2, 1 renewed
Creating    | old link dies          | +disconnected | waiting c1, ab open | c1, 1 gap, 1 disconnected
Creating    | old channel gone       | close c1, +disconnected | waiting c1, ab open | c2, 1 gap, 1 disconnected
Creating    | topic added            | put c1 abc | live c1, next wanted, c open | c2, 1 renewed
Creating    | topic removed          | +unsubscribed, put c1 a | live c1, next wanted | c2, 1 renewed
Creating    | topic removed and back | +unsubscribed, put c1 a | live c1, next wanted, b open | c2, 1 renewed
Creating    | topic dropped, found   | +drifted, put c1 ab | live c1, next wanted, b open | c2, 1 renewed, 1 gap, 1 drifted
Creating    | token rotates          | - | live c1, next wanted | c2, 1 renewed
Creating    | old socket_closing     | - | live c1, next wanted | c2, 1 renewed
Creating    | owner closes           | close c1 | closing c1, next in 0 ms | stopped
Creating    | renew asked again      | - | live c1, next wanted | c2, 1 renewed
Creating    | rebalance asked        | - | live c1, next wanted | c2, 1 renewed
Creating    | consumer stalls        | - | live c1, next wanted | c2, 1 renewed
Subscribing | call fails in passing  | clear c2 | live c1, next in 500 ms | c2, 1 renewed
Subscribing | call fails for good    | clear c2 | live c1, next in 500 ms | c2, 1 renewed
Subscribing | call throttled 7 s     | clear c2 | live c1, next in 7000 ms | c2, 1 renewed
Subscribing | old link dies          | +disconnected | waiting c1, ab open | c1, 1 gap, 1 disconnected
Subscribing | old channel gone       | close c1, +disconnected | waiting c1, ab open | c2, 1 gap, 1 disconnected
Subscribing | new channel gone       | - | live c1, next subscribing | c3, 1 renewed
Subscribing | topic added            | put c1 abc | live c1, next subscribing, c open | c2, 1 renewed
Subscribing | topic removed          | +unsubscribed, put c1 a | live c1, next subscribing | c2, 1 renewed
Subscribing | topic removed and back | +unsubscribed, put c1 a | live c1, next subscribing, b open | c2, 1 renewed
Subscribing | topic dropped, found   | +drifted, put c1 ab | live c1, next subscribing, b open | c2, 1 renewed, 1 gap, 1 drifted
Subscribing | token rotates          | - | live c1, next subscribing | c3, 2 renewed
Subscribing | old socket_closing     | - | live c1, next subscribing | c2, 1 renewed
Subscribing | owner closes           | close c1 | closing c1, next in 0 ms | stopped
Subscribing | renew asked again      | - | live c1, next subscribing | c2, 1 renewed
Subscribing | rebalance asked        | - | live c1, next subscribing | c2, 1 renewed
Subscribing | consumer stalls        | - | live c1, next subscribing | c2, 1 renewed
Dialling    | dial refused 429, 7 s  | clear c2 | live c1, next in 7000 ms | c2, 1 renewed
Dialling    | old link dies          | probe c2, +disconnected | dialling c2, ab open | c2, 1 gap, 1 disconnected
Dialling    | new link dies          | clear c2 | live c1, next in 500 ms | c3, 1 renewed
Dialling    | old channel gone       | close c1, probe c2, +disconnected | dialling c2, ab open | c2, 1 gap, 1 disconnected
Dialling    | new channel gone       | close c2 | live c1, next in 500 ms | c3, 1 renewed
Dialling    | topic added            | put c1 abc | live c1, next dialling, c open | c2, 1 renewed
Dialling    | topic removed          | +unsubscribed, put c1 a | live c1, next dialling | c2, 1 renewed
Dialling    | topic removed and back | +unsubscribed, put c1 a, close c2 | live c1, next unfit, b open | c2, 1 renewed
Dialling    | topic dropped, found   | close c2, +drifted, put c1 ab | live c1, next unfit, b open | c2, 1 renewed, 1 gap, 1 drifted
Dialling    | token rotates          | - | live c1, next dialling | c3, 2 renewed
Dialling    | old socket_closing     | - | live c1, next dialling | c2, 1 renewed
Dialling    | new socket_closing     | - | live c1, next dialling | c1, 2 renewed
Dialling    | owner closes           | close c1, close c2 | closing c1, next in 0 ms | stopped
Dialling    | renew asked again      | - | live c1, next dialling | c2, 1 renewed
Dialling    | rebalance asked        | - | live c1, next dialling | c2, 1 renewed
Dialling    | consumer stalls        | - | live c1, next dialling | c2, 1 renewed
Flowing     | old link dies          | +gap, +renewed, speak c2 | live c2 | c2, 1 renewed, 1 gap
Flowing     | new link dies          | clear c2 | live c1, next in 500 ms | c2, 1 renewed
Flowing     | old channel gone       | close c1, +gap, +renewed, speak c2 | live c2 | c2, 1 renewed, 1 gap
Flowing     | new channel gone       | close c2 | live c1, next in 500 ms | c3, 1 renewed
Flowing     | topic added            | put c1 abc | live c1, next flows, c open | c2, 1 renewed
Flowing     | topic removed          | +unsubscribed, put c1 a | live c1, next flows | c2, 1 renewed
Flowing     | topic removed and back | +unsubscribed, put c1 a, close c2 | live c1, next unfit, b open | c2, 1 renewed
Flowing     | topic dropped, found   | close c2, +drifted, put c1 ab | live c1, next unfit, b open | c2, 1 renewed, 1 gap, 1 drifted
Flowing     | token rotates          | - | live c1, next flows | c3, 2 renewed
Flowing     | old socket_closing     | - | live c1, next flows | c2, 1 renewed
Flowing     | new socket_closing     | - | live c1, next flows | c1, 2 renewed
Flowing     | owner closes           | close c1 | closing c1, next flows | stopped
Flowing     | renew asked again      | - | live c1, next flows | c2, 1 renewed
Flowing     | rebalance asked        | - | live c1, next flows | c2, 1 renewed
Flowing     | consumer stalls        | - | live c1, next flows | c2, 1 renewed
Leaving     | old link dies          | +gap, +renewed, speak c2 | live c2 | c2, 1 renewed, 1 gap
Leaving     | new link dies          | clear c2 | live c1, next in 500 ms | c1, 1 gap, 1 disconnected
Leaving     | old channel gone       | close c1, +gap, +renewed, speak c2 | live c2 | c2, 1 renewed, 1 gap
Leaving     | new channel gone       | close c2 | live c1, next in 500 ms | c1, 1 gap, 1 disconnected
Leaving     | topic added            | put c2 abc | live c1, next waits, c open | c2, 1 renewed
Leaving     | topic removed          | +unsubscribed, put c2 a | live c1, next waits | c2, 1 renewed
Leaving     | topic removed and back | +unsubscribed, put c2 a | live c1, next waits, b open | c2, 1 renewed
Leaving     | topic dropped, found   | +drifted, +gap | live c1, next waits | c2, 1 renewed, 1 gap, 1 drifted
Leaving     | token rotates          | - | live c1, next waits | c3, 2 renewed
Leaving     | old socket_closing     | - | live c1, next waits | c2, 1 renewed
Leaving     | new socket_closing     | - | live c1, next waits | c1, 2 renewed
Leaving     | owner closes           | close c1 | closing c1, next waits | stopped
Leaving     | renew asked again      | - | live c1, next waits | c2, 1 renewed
Leaving     | rebalance asked        | - | live c1, next waits | c2, 1 renewed
Leaving     | consumer stalls        | - | live c1, next waits | c2, 1 renewed
Clearing    | new link dies          | +disconnected | waiting c2, ab open | c2, 1 renewed, 1 gap, 1 disconnected
Clearing    | new channel gone       | close c2, +disconnected | waiting c2, ab open | c1, 1 renewed, 1 gap, 1 disconnected
Clearing    | topic added            | put c2 abc | live c2, c open | c2, 1 renewed
Clearing    | topic removed          | +unsubscribed, put c2 a | live c2 | c2, 1 renewed
Clearing    | topic removed and back | +unsubscribed, put c2 a | live c2, b open | c2, 1 renewed
Clearing    | token rotates          | list | live c2, next wanted | c3, 2 renewed
Clearing    | new socket_closing     | list | live c2, next wanted | c3, 2 renewed
Clearing    | owner closes           | close c2 | closing c2 | stopped, 1 renewed
Clearing    | renew asked again      | list | live c2, next wanted | c3, 2 renewed
Clearing    | rebalance asked        | - | live c2 | c2, 1 renewed
Clearing    | consumer stalls        | - | live c2 | c2, 1 renewed
";

fn table() -> String {
    let mut table = String::new();
    for step in STEPS {
        for (name, event) in EVENTS {
            let mut bench = Bench::at(step);
            if event(&mut bench) {
                let (outcome, step) = (bench.outcome(), format!("{step:?}"));
                let _ = writeln!(table, "{step:<11} | {name:<22} | {outcome} | {}", bench.end());
            }
        }
    }
    table
}

#[test]
fn every_event_at_every_step_of_a_replacement() {
    let found = table();
    let expected: Vec<&str> = TABLE.trim().lines().map(str::trim).collect();
    let lines: Vec<&str> = found.lines().map(str::trim).collect();
    for (line, wanted) in lines.iter().zip(&expected) {
        assert_eq!(line, wanted, "in the whole table:\n{found}");
    }
    assert_eq!(lines.len(), expected.len(), "the whole table:\n{found}");
}

#[test]
fn a_channel_that_cannot_be_dialled_is_not_dialled_again_in_the_minute_before_a_close() {
    let mut bench = Bench::at(Step::Dialling);
    bench.notice("c1", Notice::Closing);
    bench.refused("c2", 503, None);
    bench.settle();
    bench.later(1);
    bench.settle();
    assert!(!bench.has_line("c2") && bench.has_line("c3"), "{}", bench.outcome());
}

#[test]
fn a_wait_without_end_that_is_asked_for_is_kept() {
    let endless = Error::new(ErrorKind::Throttled, "never").retryable(true);
    let endless = endless.with_retry_after(Duration::MAX);
    for step in STEPS {
        let mut bench = Bench::at(step);
        if fails(&mut bench, &endless) {
            bench.later(86_400);
        }
        let mut bench = Bench::at(step);
        for channel in ["c2", "c1"] {
            if bench.has_line(channel) {
                bench.refused(channel, 429, Some(Duration::MAX));
                bench.later(86_400);
            }
        }
    }
    // The list is behind, and no channel can be had.
    let mut bench = Bench::live();
    bench.want("c");
    bench.fail(&endless);
    bench.later(3_600);
    assert!(!bench.has_call(), "{}", bench.outcome());
}

#[test]
fn a_topic_that_an_answer_refuses_is_missing_since_the_call_was_made() {
    for (step, refused) in [(Step::Listing, "c1"), (Step::Flowing, "c2")] {
        let mut bench = Bench::at(step);
        bench.want("c");
        let mut made = bench.wall();
        if refused == "c2" {
            // The live one has its topics first.
            bench.later(1);
            bench.answer();
            made = bench.wall();
        }
        bench.later(3);
        bench.refuse_topic("b");
        bench.end();
        bench.want("d");
        bench.end();
        assert_eq!(bench.gaps(), [("gap", made)], "{refused}");
    }
}

#[test]
fn a_channel_that_is_found_gone_while_its_socket_lives_is_missing_since_it_was_asked_for() {
    let mut bench = Bench::live();
    bench.want("c");
    let asked = bench.wall();
    bench.later(7);
    bench.fail(&Error::new(ErrorKind::NotFound, "gone").with_status(404));
    bench.later(1);
    bench.end();
    assert_eq!(bench.gaps(), [("gap", asked)]);
}

#[test]
fn what_was_dropped_is_in_a_gap_since_it_was_surely_there_also_when_a_successor_has_it() {
    for step in STEPS.into_iter().filter(|step| *step != Step::Clearing) {
        let mut bench = Bench::at(step);
        bench.drop_topic("c1", "b");
        bench.read_back();
        bench.end();
        let gaps = bench.gaps();
        let [("drifted", sure), ("gap", from)] = gaps[..] else { panic!("{step:?}: {gaps:?}") };
        assert_eq!(sure, from, "{step:?}");
    }
}

#[test]
fn a_close_that_was_held_up_leaves_a_gap_until_the_successor_began() {
    for (held_up, gaps) in [(0, 0), (10, 1)] {
        let mut bench = Bench::at(Step::Flowing);
        bench.later(1);
        bench.held_up = Duration::from_secs(held_up);
        let closed = Gone::Closed { code: 1001.into(), reason: "going away".into() };
        bench.line_gone("c1", closed, true);
        assert_eq!(bench.gaps().len(), gaps, "held up for {held_up} s");
    }
}

#[test]
fn a_topic_that_came_to_the_successor_after_it_flowed_has_a_gap_until_then() {
    let mut bench = Bench::at(Step::Flowing);
    bench.want("c");
    bench.later(1);
    bench.answer();
    bench.settle();
    bench.later(2);
    let had = bench.wall();
    bench.want("d");
    bench.answer();
    bench.serve();
    bench.later(1);
    bench.settle();
    bench.held_up = Duration::from_secs(1);
    let closed = Gone::Closed { code: 1001.into(), reason: "going away".into() };
    bench.line_gone("c1", closed, true);
    assert_eq!(bench.gaps(), [("gap", had)]);
}

#[test]
fn a_consumer_that_falls_behind_again_is_waited_for_again() {
    let mut bench = Bench::live();
    bench.line_gone("c1", Gone::Cut { detail: "x".into() }, false);
    bench.clogged = true;
    bench.later(2);
    bench.answer();
    assert!(bench.outcome().contains("held"), "{}", bench.outcome());
    bench.clogged = false;
    assert!(bench.answer(), "the consumer is waited for");
    bench.later(2);
    assert_eq!(bench.end(), "c1, 1 gap, 1 disconnected");
}

#[test]
fn nothing_is_due_again_and_again_while_the_connection_of_a_dead_channel_closes() {
    let mut bench = Bench::live();
    bench.notice("c1", Notice::ChannelGone("evicted".into()));
    bench.want("c");
    bench.later(0);
    assert!(!bench.is_due(), "{}", bench.outcome());
    bench.settle();
    bench.later(2);
    assert!(bench.end().starts_with("c2 "), "{}", bench.outcome());
}

#[test]
fn what_is_told_of_the_end_of_a_connection_names_its_channel_not_the_one_that_goes_on() {
    for step in STEPS.into_iter().filter(|step| *step != Step::Clearing) {
        let mut bench = Bench::at(step);
        bench.line_gone("c1", Gone::Cut { detail: "x".into() }, false);
        let replaced = matches!(step, Step::Flowing | Step::Leaving);
        let told: &[&str] = if replaced { &[] } else { &["c1"] };
        assert_eq!(bench.disconnected(), told, "{step:?}");
    }
}

#[test]
fn a_successor_that_was_given_up_never_delivers() {
    let mut bench = Bench::at(Step::Dialling);
    bench.step(Input::Close);
    assert!(!bench.speaks("c2"));
    assert!(bench.outcome().contains("mute c2"), "{}", bench.outcome());
    assert!(bench.speaks("c1"));
}

#[test]
fn an_answer_from_before_a_reconnect_is_not_taken_for_that_of_a_later_reading() {
    let mut bench = Bench::live();
    bench.line_gone("c1", Gone::Cut { detail: "x".into() }, false);
    bench.later(2);
    bench.settle();
    bench.later(600);
    assert_eq!(bench.readings(), 1, "the first is not answered");
    bench.drop_topic("c1", "b");
    bench.read_back();
    let drifted = |bench: &Bench| bench.gaps().iter().any(|(what, _)| *what == "drifted");
    assert!(!drifted(&bench), "what it says is of before");
    bench.later(600);
    bench.read_back();
    assert!(drifted(&bench));
}

#[test]
fn no_planned_step_opens_a_gap() {
    for step in STEPS {
        assert!(!Bench::at(step).end().contains("gap"), "{step:?}");
    }
}

//! What happens at each step of a replacement.

use std::fmt::Write as _;
use std::time::Duration;

use super::bench::{Bench, STEPS};
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
const TABLE: &str = "";

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
fn no_planned_step_opens_a_gap() {
    for step in STEPS {
        assert!(!Bench::at(step).end().contains("gap"), "{step:?}");
    }
}

//! Lines for people, where there is no terminal to draw on.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use genesys_cloud::{ConnectionState, Delivery, Event};

use crate::common::line;
use crate::common::note::{counted, seconds, shown};
use crate::tally::Summary;
use crate::watch::Watch;

/// Says what is watched.
pub(crate) fn begin(mut to: impl Write, watch: &Watch) -> io::Result<()> {
    let topics = counted(watch.topics as u64, "topic");
    writeln!(to, "{topics} of {}", watch.place)
}

/// One line about what happened to the stream; events have no line of their own.
pub(crate) fn item(to: impl Write, delivery: &Delivery, watch: &Watch) -> io::Result<()> {
    match (&delivery.event, watch.notes.back()) {
        (Event::Lifecycle(_), Some(note)) => line(to, note.at, note.what, &note.text),
        _ => Ok(()),
    }
}

/// One line about how things are.
pub(crate) fn status(to: impl Write, watch: &Watch) -> io::Result<()> {
    line(to, watch.up(), word(&watch.state), Status(watch))
}

/// The last line.
pub(crate) fn summary(mut to: impl Write, summary: &Summary, up: Duration) -> io::Result<()> {
    let uncovered = seconds(Duration::from_millis(summary.uncovered_ms));
    let gaps = match (summary.gaps, summary.uncovered_ms) {
        (0, 0) => "no gap".to_owned(),
        (count, _) => format!("{} with {uncovered} not covered", counted(count, "gap")),
    };
    writeln!(
        to,
        "{} in {}, {gaps}, {}",
        counted(summary.events, "event"),
        seconds(up),
        counted(summary.reconnects, "reconnect"),
    )
}

/// The state in one word.
pub(crate) fn word(state: &ConnectionState) -> &'static str {
    match state {
        ConnectionState::Connecting { .. } => "connecting",
        ConnectionState::Live { .. } => "live",
        ConnectionState::Backoff { .. } => "waiting",
        ConnectionState::Held { .. } => "held",
        ConnectionState::Stopped(_) => "stopped",
        _ => "unknown",
    }
}

/// The state's particulars.
pub(crate) fn particulars(state: &ConnectionState) -> String {
    match state {
        ConnectionState::Connecting { failures: 0 } => String::new(),
        ConnectionState::Connecting { failures } => {
            format!("after {}", counted(u64::from(*failures), "failure"))
        }
        ConnectionState::Live { channel, .. } => format!("on {}", shown(channel.as_ref())),
        ConnectionState::Backoff { wait, cause, .. } => {
            format!("{} to dial again: {cause}", seconds(*wait))
        }
        ConnectionState::Held { cause } => cause.to_string(),
        ConnectionState::Stopped(reason) => reason.to_string(),
        _ => String::new(),
    }
}

struct Status<'a>(&'a Watch);

impl fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watch = self.0;
        let agents = watch.board.agents().iter();
        let available = agents
            .filter(|(_, agent)| {
                let presence = agent.presence.value().map(String::as_str);
                matches!(presence, Some("available" | "on queue"))
            })
            .count();
        let queues = watch.board.queues().iter();
        let (waiting, interacting) = queues
            .filter_map(|(_, queue)| queue.figures().0)
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        write!(
            f,
            "{:.1} events/s, {}, {}; {available} of {} available, {waiting} waiting, {interacting} interacting",
            watch.pace.rate(),
            counted(watch.tally.events, "event"),
            counted(watch.tally.gaps, "gap"),
            counted(watch.board.agents().len() as u64, "agent"),
        )
    }
}

//! Our pings that are not answered yet.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::core::clock::Moment;
use crate::transport::ws::Outbound;

/// What the ids of our own marks begin with.
const MARK: &str = "flow.";
/// Pings that are remembered: while we do not read, nobody sees their answers.
const MOST: usize = 64;

/// Pings of the keep-alive, and marks: pings whose answers can be told from all others.
#[derive(Debug, Default)]
pub(super) struct Pings {
    /// What a WebSocket ping says.
    payload: Bytes,
    /// When those that wait for an answer were sent, the oldest first.
    waiting: VecDeque<Moment>,
    /// Counts the marks, and when the last one was sent; its answer is waited for.
    marks: (u32, Option<Moment>),
}

/// What an answer is the answer to, and when that was sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The last mark.
    Mark(Moment),
    /// A mark before the last one.
    OldMark,
    /// A ping of the keep-alive: the oldest, as one answer may stand for several (RFC 6455, section 5.5.3).
    Ping(Moment),
    /// Not to one of ours.
    Other,
}

impl Pings {
    /// A ping of the keep-alive is sent.
    pub(super) fn sent(&mut self, ping: &Outbound, at: Moment) {
        if let Outbound::Ping(payload) = ping {
            self.payload = payload.clone();
        }
        if self.waiting.len() < MOST {
            self.waiting.push_back(at);
        }
    }

    /// A mark is sent: its id.
    pub(super) fn mark(&mut self, at: Moment) -> String {
        self.marks = (self.marks.0.wrapping_add(1), Some(at));
        format!("{MARK}{}", self.marks.0)
    }

    /// A pong, or the answer to a ping with an id.
    pub(super) fn answered(&mut self, id: &str) -> Answer {
        if let Some(mark) = id.strip_prefix(MARK) {
            return match self.marks {
                (last, Some(at)) if mark.parse() == Ok(last) => Answer::Mark(at),
                _ => Answer::OldMark,
            };
        }
        if id.as_bytes() != &self.payload[..] {
            return Answer::Other;
        }
        self.pong().map_or(Answer::Other, Answer::Ping)
    }

    /// An answer without an id: when the oldest ping was sent.
    pub(super) fn pong(&mut self) -> Option<Moment> {
        self.waiting.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime};

    use super::*;

    fn moments() -> impl FnMut() -> Moment {
        let mut at = Moment { mono: Instant::now(), wall: SystemTime::UNIX_EPOCH };
        move || {
            at.mono += Duration::from_secs(1);
            at.wall += Duration::from_secs(1);
            at
        }
    }

    #[test]
    fn an_answer_belongs_to_the_oldest_ping_and_to_the_last_mark() {
        let (mut next, mut pings) = (moments(), Pings::default());
        let ping = Outbound::Ping(Bytes::from_static(b"alive"));
        assert_eq!(pings.answered("alive"), Answer::Other, "nothing was asked");
        assert_eq!(pings.answered("flow.0"), Answer::OldMark);
        let sent = [next(), next()];
        for at in sent {
            pings.sent(&ping, at);
        }
        let marks = [next(), next()].map(|at| (at, pings.mark(at)));
        assert_eq!(pings.answered("another"), Answer::Other);
        assert_eq!(pings.answered(&marks[0].1), Answer::OldMark);
        assert_eq!(pings.answered(&marks[1].1), Answer::Mark(marks[1].0));
        assert_eq!(pings.answered("alive"), Answer::Ping(sent[0]));
        assert_eq!(pings.pong(), Some(sent[1]));
        assert_eq!(pings.answered("alive"), Answer::Other);
    }

    #[test]
    fn pings_that_nobody_answers_take_no_more_room() {
        let (mut next, mut pings) = (moments(), Pings::default());
        let ping = Outbound::Ping(Bytes::from_static(b"alive"));
        let first = next();
        pings.sent(&ping, first);
        for _ in 0..10 * MOST {
            pings.sent(&ping, next());
        }
        assert_eq!(pings.waiting.len(), MOST);
        assert_eq!(pings.pong(), Some(first));
    }
}

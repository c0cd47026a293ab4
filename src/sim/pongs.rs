//! Answers to pings, when a fault withholds them or makes them late.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use tungstenite::Message;

/// Answers that may be under way; of more pings the oldest is forgotten.
const LATE_MAX: usize = 1_024;

/// Pure: answers in, those that are due out.
#[derive(Debug, Default)]
pub(super) struct Pongs {
    late: Duration,
    none_until: Option<Instant>,
    under_way: VecDeque<(Instant, Message)>,
}

impl Pongs {
    /// How late answers are from now on.
    pub(super) fn set_late(&mut self, late: Duration) {
        self.late = late;
    }

    /// Until when pings are not answered.
    pub(super) fn none_until(&mut self, until: Instant) {
        self.none_until = Some(until);
    }

    /// Ends every fault. What is under way still comes.
    pub(super) fn lift(&mut self) {
        self.late = Duration::ZERO;
        self.none_until = None;
    }

    /// Takes the answer to a ping, and gives it back when it is to be sent at once.
    pub(super) fn push(&mut self, now: Instant, pong: Message) -> Option<Message> {
        self.none_until.take_if(|until| *until <= now);
        if self.none_until.is_some() {
            return None;
        }
        if self.late.is_zero() {
            return Some(pong);
        }
        if self.under_way.len() == LATE_MAX {
            self.under_way.pop_front();
        }
        self.under_way.push_back((now.checked_add(self.late).unwrap_or(now), pong));
        None
    }

    /// The next answer that is due by now.
    pub(super) fn due(&mut self, now: Instant) -> Option<Message> {
        let ready = self.under_way.front().is_some_and(|(at, _)| *at <= now);
        if ready { self.under_way.pop_front().map(|(_, pong)| pong) } else { None }
    }

    /// When an answer is due next.
    pub(super) fn wake(&self) -> Option<Instant> {
        self.under_way.front().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn answers_are_late_in_order_or_do_not_come() {
        let (mut pongs, now) = (Pongs::default(), Instant::now());
        let pong = |text: &'static str| Message::Pong(text.into());
        assert_eq!(pongs.push(now, pong("a")), Some(pong("a")));
        pongs.set_late(Duration::from_millis(100));
        assert_eq!(pongs.push(now, pong("b")), None);
        assert_eq!(pongs.due(now + Duration::from_millis(99)), None);
        assert_eq!(pongs.wake(), Some(now + Duration::from_millis(100)));
        assert_eq!(pongs.due(now + Duration::from_millis(100)), Some(pong("b")));
        pongs.none_until(now + Duration::from_secs(1));
        assert_eq!(pongs.push(now, pong("c")), None);
        assert_eq!(pongs.wake(), None);
        pongs.lift();
        assert_eq!(pongs.push(now, pong("d")), Some(pong("d")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_pings_is_bounded() {
        let (mut pongs, now) = (Pongs::default(), Instant::now());
        pongs.set_late(Duration::from_secs(1));
        for _ in 0..3 * LATE_MAX {
            pongs.push(now, Message::Pong("".into()));
        }
        assert_eq!(pongs.under_way.len(), LATE_MAX);
    }
}

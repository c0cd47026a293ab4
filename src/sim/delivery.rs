//! What the network does to the events of one socket: loses, repeats, delays and reorders them.

use std::collections::VecDeque;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;
use tungstenite::Message;

use super::frames::Event;
use super::knobs::Knobs;

/// How long an event waits for another that overtakes it.
const HELD: Duration = Duration::from_millis(200);

/// Events that may be under way.
const LATE_MAX: usize = 65_536;

/// Pure: events in, frames out.
#[derive(Debug)]
pub(super) struct Delivery {
    knobs: Knobs,
    rng: Rng,
    /// Under way, in order of arrival.
    late: VecDeque<(Instant, Event)>,
    /// About to be overtaken, and until when it waits for that.
    held: Option<(Instant, Event)>,
    /// How this socket writes envelopes, when it does so in a manner of its own.
    manner: Option<u64>,
    /// What was not sent.
    #[cfg(test)]
    pub(super) swallowed: Vec<Message>,
}

impl Delivery {
    pub(super) fn new(knobs: Knobs, seed: u64) -> Self {
        Self {
            knobs,
            rng: Rng::with_seed(seed),
            late: VecDeque::new(),
            held: None,
            manner: None,
            #[cfg(test)]
            swallowed: Vec::new(),
        }
    }

    /// Writes envelopes in this manner.
    pub(super) fn worded(mut self, manner: Option<u64>) -> Self {
        self.manner = manner;
        self
    }

    pub(super) fn set(&mut self, knobs: Knobs) {
        self.knobs = knobs;
    }

    /// Whether more may be put in.
    pub(super) fn has_room(&self) -> bool {
        self.late.len() < LATE_MAX
    }

    /// Takes one event; what is to be sent at once is put into `out`.
    pub(super) fn push(&mut self, now: Instant, event: Event, out: &mut Vec<Message>) {
        if self.chance(self.knobs.drop) {
            #[cfg(test)]
            self.swallowed.push(event.message);
            return;
        }
        let event = if self.knobs.alters() { event.altered(&self.knobs) } else { event };
        let event = match self.manner {
            Some(manner) => event.worded(manner),
            None => event,
        };
        if self.knobs.delay_ms == 0 && self.knobs.jitter_ms == 0 && self.late.is_empty() {
            self.release(now, event, out);
            return;
        }
        let jitter = self.rng.u64(..=self.knobs.jitter_ms);
        let delay = Duration::from_millis(self.knobs.delay_ms.saturating_add(jitter));
        let due = now.checked_add(delay).unwrap_or(now);
        let last = self.late.back().map_or(due, |(last, _)| *last);
        self.late.push_back((due.max(last), event));
    }

    /// What is due by now.
    pub(super) fn due(&mut self, now: Instant, out: &mut Vec<Message>) {
        while self.late.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, event)) = self.late.pop_front() {
                self.release(now, event, out);
            }
        }
        if self.held.as_ref().is_some_and(|(until, _)| *until <= now)
            && let Some((_, event)) = self.held.take()
        {
            out.push(event.message);
        }
    }

    /// When something is due next.
    pub(super) fn wake(&self) -> Option<Instant> {
        let late = self.late.front().map(|(due, _)| *due);
        let held = self.held.as_ref().map(|(until, _)| *until);
        late.into_iter().chain(held).min()
    }

    /// What is still under way, and will not arrive.
    #[cfg(test)]
    pub(super) fn under_way(&self) -> impl Iterator<Item = &Message> {
        self.late.iter().chain(&self.held).map(|(_, event)| &event.message)
    }

    fn release(&mut self, now: Instant, event: Event, out: &mut Vec<Message>) {
        let copies = if self.chance(self.knobs.duplicate) { 2 } else { 1 };
        match self.held.take() {
            Some((_, held)) if held.topic == event.topic => {
                // Nothing is overtaken by its own topic.
                out.push(held.message);
                out.extend(std::iter::repeat_n(event.message, copies));
            }
            Some((_, held)) => {
                out.extend(std::iter::repeat_n(event.message, copies));
                out.push(held.message);
            }
            None if copies == 1 && self.chance(self.knobs.reorder) => {
                self.held = Some((now + HELD, event));
            }
            None => out.extend(std::iter::repeat_n(event.message, copies)),
        }
    }

    fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.rng.f64() < probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(topic: &str, number: u32) -> Event {
        Event::new(topic, &json!({ "n": number }), "c")
    }

    fn run(knobs: Knobs, topics: &[&str], events: u32) -> Vec<(String, u64)> {
        let mut delivery = Delivery::new(knobs, 7);
        let (now, mut out) = (Instant::now(), Vec::new());
        for number in 0..events {
            let topic = topics[number as usize % topics.len()];
            delivery.push(now, event(topic, number), &mut out);
        }
        delivery.due(now + Duration::from_secs(60), &mut out);
        out.iter()
            .map(|text| {
                let frame: serde_json::Value =
                    serde_json::from_str(text.to_text().unwrap()).unwrap();
                let topic = frame["topicName"].as_str().unwrap().to_owned();
                (topic, frame["eventBody"]["n"].as_u64().unwrap())
            })
            .collect()
    }

    #[test]
    fn probability_one_drops_or_repeats_every_event() {
        let drop = Knobs { drop: 1.0, ..Knobs::default() };
        assert!(run(drop, &["a"], 10).is_empty());
        let duplicate = Knobs { duplicate: 1.0, ..Knobs::default() };
        assert_eq!(run(duplicate, &["a"], 10).len(), 20);
    }

    #[test]
    fn reordering_loses_nothing_and_keeps_the_order_within_a_topic() {
        let knobs = Knobs { reorder: 0.5, ..Knobs::default() };
        let seen = run(knobs, &["a", "b", "b"], 300);
        assert_eq!(seen.len(), 300);
        assert!(!seen.is_sorted_by_key(|(_, number)| *number), "nothing was reordered");
        for topic in ["a", "b"] {
            let own: Vec<_> = seen.iter().filter(|(name, _)| name == topic).collect();
            assert!(own.is_sorted_by_key(|(_, number)| *number));
        }
    }

    #[test]
    fn delayed_events_come_late_and_in_order() {
        let knobs = Knobs { delay_ms: 100, jitter_ms: 50, ..Knobs::default() };
        let mut delivery = Delivery::new(knobs, 7);
        let (now, mut out) = (Instant::now(), Vec::new());
        for number in 0..20 {
            delivery.push(now, event("a", number), &mut out);
        }
        delivery.due(now + Duration::from_millis(99), &mut out);
        assert!(out.is_empty());
        assert!(delivery.wake().unwrap() >= now + Duration::from_millis(100));
        delivery.due(now + Duration::from_millis(150), &mut out);
        assert_eq!(out.len(), 20);
        let number = |text: &Message| {
            let frame: serde_json::Value = serde_json::from_str(text.to_text().unwrap()).unwrap();
            frame["eventBody"]["n"].as_u64()
        };
        assert!(out.is_sorted_by_key(number), "out of order");
    }
}

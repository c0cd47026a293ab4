//! Leaving out what the process before has delivered.
//!
//! An event here is one that was delivered there if it has the same fingerprint, and could have come to both: the
//! topic flowed here when it was received there, and it was received at about the same time, or both in the time that both
//! covered. Each delivery there is left out once here. So an event that comes later, and is equal to one that was
//! delivered, is kept.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use super::deliveries::{Delivered, Window};
use super::fingerprint::Fingerprint;
use super::ledger::Covered;
use crate::core::limits::{HAND_OVER_MARGIN, HEARTBEAT};
use crate::events::Topic;

/// By how much what both receive may come later to one, around the beginning: half of the margin, so that what came there
/// before it flowed here, and what came here after the end there, cannot be taken for each other.
const MARGIN: Duration = Duration::from_millis(500);
const _: () = assert!(2 * MARGIN.as_millis() <= HAND_OVER_MARGIN.as_millis());

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    New,
    /// The process before has delivered it.
    Delivered,
    /// The process before may have delivered it: what it knows does not reach back so far.
    Doubtful,
}

/// What the process before has delivered, until it is no longer compared.
#[derive(Debug)]
pub(super) struct Known {
    /// Ordered by fingerprint and time; and whether it was left out.
    entries: Vec<(Delivered, bool)>,
    left: usize,
    /// Of which there is every delivery that was received since; `None` when there is none.
    complete_since: Option<SystemTime>,
    covered: Covered,
    /// Since when topics flow here.
    flowing: HashMap<Topic, SystemTime>,
    /// How much later one may have received what the other has too.
    apart: Duration,
    /// What is received later is not compared.
    ends: SystemTime,
}

impl Known {
    /// The deliveries of a process that `covered` topics, by a clock that is `ahead` of ours. What was received here up to
    /// now, and one heartbeat more, is compared; a stream that has not been read for `late` has what was sent so long ago.
    pub(super) fn new(
        window: Option<&Window>,
        covered: Covered,
        ahead: Duration,
        now: SystemTime,
        late: Duration,
    ) -> Self {
        let set_back = |at: SystemTime| at.checked_sub(ahead).unwrap_or(at);
        let all = window.map_or(&[][..], |window| &window.entries);
        let mut entries: Vec<_> =
            all.iter().map(|entry| (entry.moved_to(set_back(entry.at())), false)).collect();
        entries.sort_by_key(|(entry, _)| (entry.print, entry.at()));
        Self {
            left: entries.len(),
            entries,
            complete_since: window.map(|window| set_back(window.since)),
            covered,
            flowing: HashMap::new(),
            apart: HEARTBEAT + late,
            ends: now + HEARTBEAT + late,
        }
    }

    /// Topics flow here from now on.
    pub(super) fn flows(&mut self, topics: &[Topic], since: SystemTime) {
        self.flowing.extend(topics.iter().map(|topic| (topic.clone(), since)));
    }

    /// Whether nothing that is received at this time or later is compared.
    pub(super) fn is_over(&self, at: SystemTime) -> bool {
        at > self.ends
    }

    /// Judges the next event of a topic.
    pub(super) fn judge(
        &mut self,
        topic: &Topic,
        print: Option<Fingerprint>,
        at: SystemTime,
    ) -> Verdict {
        // A topic that was not covered before was delivered by nobody.
        let Some(until) = self.covered.until(topic) else { return Verdict::New };
        let both = at <= until + HAND_OVER_MARGIN;
        if self.left > 0
            && let Some(print) = print
            && self.take(topic, print, at, both)
        {
            return Verdict::Delivered;
        }
        let complete = self.complete_since.is_some_and(|since| at > since + HAND_OVER_MARGIN);
        if both && !complete { Verdict::Doubtful } else { Verdict::New }
    }

    /// Takes out the delivery that the event may be, of several the one that was received next to it.
    fn take(&mut self, topic: &Topic, print: Fingerprint, at: SystemTime, both: bool) -> bool {
        // What was received before it was told that the topic flows shows that it did.
        let flowing = self.flowing.get(topic).map_or(at, |since| at.min(*since));
        let first = flowing.checked_sub(MARGIN).unwrap_or(flowing);
        let apart = self.apart;
        let may_be = |there: SystemTime| {
            let distance = distance(there, at);
            // Around the beginning it is not sure which came to both.
            let fits = if there < flowing + MARGIN {
                distance <= MARGIN
            } else {
                both || distance <= apart
            };
            fits.then_some(distance)
        };
        let from =
            self.entries.partition_point(|(entry, _)| (entry.print, entry.at()) < (print, first));
        let same = self.entries[from..].iter_mut().take_while(|(entry, _)| entry.print == print);
        let fits = same
            .filter(|(_, gone)| !gone)
            .filter_map(|(entry, gone)| Some((may_be(entry.at())?, gone)));
        let Some((_, gone)) = fits.min_by_key(|(distance, _)| *distance) else { return false };
        *gone = true;
        self.left -= 1;
        true
    }
}

fn distance(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|error| error.duration())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::deliveries::Recent;
    use super::super::fingerprint::fingerprint;
    use super::super::ledger::Groups;
    use super::*;

    fn topic(n: u64) -> Topic {
        Topic::unchecked(format!("v2.users.{n}.presence"))
    }

    fn at(ms: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) + Duration::from_millis(ms)
    }

    fn print(n: u64) -> Fingerprint {
        fingerprint("t", None, &n.to_le_bytes())
    }

    /// Deliveries as (what, when), of topic 0 that was covered until a time and flows here since another.
    fn known(deliveries: &[(u64, u64)], since: u64, until: u64, flows: u64) -> Known {
        let mut recent = Recent::new(at(since));
        for (what, when) in deliveries {
            recent.note(Some(print(*what)), at(*when));
        }
        let groups = Groups::from([(Some(at(until)), vec![topic(0)])]);
        let covered = Covered::new(&groups, Duration::ZERO);
        let window = recent.window();
        let mut known =
            Known::new(Some(&window), covered, Duration::ZERO, at(until + 500), Duration::ZERO);
        known.flows(&[topic(0)], at(flows));
        known
    }

    /// What an event is, and what comes of it whenever it is received.
    type Case = (&'static str, u64, &'static [(u64, Verdict)]);

    #[test]
    fn what_is_left_out_and_what_is_kept() {
        use Verdict::{Delivered, Doubtful, New};
        // Covered there until 100 s, here since 50 s; every delivery since 20 s is there.
        let deliveries = [(1, 30_000), (2, 60_000), (3, 99_000), (3, 99_500), (4, 99_900)];
        let table: &[Case] = &[
            ("delivered by both", 2, &[(60_010, Delivered)]),
            ("not delivered there", 9, &[(60_010, New)]),
            (
                "equal ones, as many as there were",
                3,
                &[(99_010, Delivered), (99_510, Delivered), (99_700, New)],
            ),
            ("an equal one that comes later", 4, &[(99_950, Delivered), (103_000, New)]),
            ("it came there before it flowed here", 1, &[(51_000, New), (101_500, New)]),
            ("received late by the other, in the time of both", 3, &[(52_000, Delivered)]),
            ("received late here", 4, &[(129_000, Delivered)]),
            ("received too late here to be the same", 4, &[(131_000, New)]),
            (
                "before what is known there",
                8,
                &[(19_000, Doubtful), (20_900, Doubtful), (22_000, New)],
            ),
        ];
        for (name, what, events) in table {
            let mut known = known(&deliveries, 20_000, 100_000, 50_000);
            for (when, expected) in *events {
                assert_eq!(
                    known.judge(&topic(0), Some(print(*what)), at(*when)),
                    *expected,
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn a_gap_here_is_no_time_in_which_both_received() {
        let mut known = known(&[(1, 70_000)], 0, 100_000, 50_000);
        // Delivered there while nothing flowed here: what comes now is another one.
        known.flows(&[topic(0)], at(80_000));
        assert_eq!(known.judge(&topic(0), Some(print(1)), at(81_000)), Verdict::New);
    }

    #[test]
    fn topics_that_were_not_covered_before_are_not_compared() {
        let mut known = known(&[(1, 70_000)], 0, 100_000, 50_000);
        assert_eq!(known.judge(&topic(5), Some(print(1)), at(70_000)), Verdict::New);
        assert!(!known.is_over(at(130_500)) && known.is_over(at(130_501)));
    }

    #[test]
    fn without_deliveries_everything_of_both_is_doubtful() {
        let groups = Groups::from([(Some(at(100_000)), vec![topic(0)])]);
        let covered = Covered::new(&groups, Duration::ZERO);
        let mut known = Known::new(None, covered, Duration::ZERO, at(100_000), Duration::ZERO);
        assert_eq!(known.judge(&topic(0), Some(print(1)), at(99_000)), Verdict::Doubtful);
        assert_eq!(known.judge(&topic(0), Some(print(1)), at(101_001)), Verdict::New);
    }

    #[test]
    fn a_clock_that_is_ahead_is_set_back() {
        let ahead = Duration::from_secs(3_600);
        let mut recent = Recent::new(at(0) + ahead);
        recent.note(Some(print(1)), at(99_000) + ahead);
        let groups = Groups::from([(Some(at(100_000) + ahead), vec![topic(0)])]);
        let covered = Covered::new(&groups, ahead);
        let window = recent.window();
        let mut known = Known::new(Some(&window), covered, ahead, at(100_000), Duration::ZERO);
        known.flows(&[topic(0)], at(50_000));
        assert_eq!(known.judge(&topic(0), Some(print(1)), at(99_000)), Verdict::Delivered);
        assert_eq!(known.judge(&topic(0), Some(print(2)), at(99_000)), Verdict::New);
    }

    /// What happens in a random run.
    #[derive(Clone, Debug)]
    struct Run {
        /// Topic, body (few, so that many are equal), and milliseconds since the one before.
        events: Vec<(u64, u64, u64)>,
        /// How many of them the old one has delivered when it ends.
        taken: usize,
        /// How many were sent before the new one began to flow.
        before: usize,
        /// By how much each is received later by either, at most.
        jitter: u64,
    }

    fn run() -> impl Strategy<Value = Run> {
        let event = (0..3_u64, 0..4_u64, prop_oneof![Just(0_u64), 1..400_u64]);
        (proptest::collection::vec(event, 0..120), any::<u16>(), any::<u16>(), 0..100_u64).prop_map(
            |(events, taken, before, jitter)| {
                let count = events.len() + 1;
                let (taken, before) = (usize::from(taken) % count, usize::from(before) % count);
                Run { events, taken, before, jitter }
            },
        )
    }

    proptest! {
        #[test]
        fn two_streams_deliver_each_event_once_or_in_a_gap(run in run(), seed in any::<u64>()) {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut clock = 10_000;
            // Each event: topic, what it is, when it was received by the old one and by the new one.
            let mut last = (0, 0);
            let events: Vec<(Topic, u64, u64, u64)> = run.events.iter().map(|(topic_n, body, pause)| {
                clock += pause;
                let late = |random: &mut fastrand::Rng| clock + random.u64(0..=run.jitter);
                // What comes over one connection comes in its order.
                last = (late(&mut random).max(last.0), late(&mut random).max(last.1));
                (topic(*topic_n), topic_n * 10 + body, last.0, last.1)
            }).collect();
            let mut recent = Recent::new(at(0));
            for (_, what, there, _) in &events[..run.taken] {
                recent.note(Some(print(*what)), at(*there));
            }
            // The oldest that the old one has not delivered, or its end.
            let until = events.get(run.taken).map_or(clock + 2_000, |event| event.2);
            let flows = events.get(run.before).map_or(clock + 1_000, |event| event.3);
            let all = vec![topic(0), topic(1), topic(2)];
            let groups = Groups::from([(Some(at(until)), all.clone())]);
            let covered = Covered::new(&groups, Duration::ZERO);
            let gap = covered.left(&all, SystemTime::UNIX_EPOCH, at(flows));
            let gap = gap.keys().next().map(|since| (*since, at(flows)));
            let window = recent.window();
            let late = Duration::ZERO;
            let mut known = Known::new(Some(&window), covered, Duration::ZERO, at(clock + 2_000), late);
            known.flows(&all, at(flows));
            // What neither of them has.
            for (n, (_, what, there, here)) in events.iter().enumerate() {
                let in_gap = gap.is_some_and(|(from, to)| at(*there) >= from && at(*here) <= to);
                if n >= run.taken && n < run.before {
                    prop_assert!(in_gap, "{what} is lost: {gap:?} until {until} flows {flows}");
                }
            }
            // Counted by what they are: each once, but for those in the gap.
            let mut balance: HashMap<u64, i64> = HashMap::new();
            for (_, what, ..) in &events {
                *balance.entry(*what).or_default() += 1;
            }
            for (_, what, ..) in &events[..run.taken] {
                *balance.entry(*what).or_default() -= 1;
            }
            for (topic, what, _, here) in &events[run.before..] {
                if known.judge(topic, Some(print(*what)), at(*here)) != Verdict::Delivered {
                    *balance.entry(*what).or_default() -= 1;
                }
            }
            for (what, count) in balance {
                prop_assert!(count >= 0, "{} of {} came twice", -count, what);
                prop_assert!(count == 0 || gap.is_some(), "{} of {} are lost without a gap", count, what);
            }
        }
    }
}

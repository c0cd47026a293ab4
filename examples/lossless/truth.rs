//! What was sent and what became of it, number by number.

use std::time::{Duration, SystemTime};

use genesys_cloud::{Lifecycle, Topic};
use serde::Serialize;

/// How much later than its dispatch an event may arrive: what is in a buffer when a connection is cut was sent before
/// the last byte that was read.
const ON_ITS_WAY: Duration = Duration::from_millis(250);

/// One topic: its events are numbered from 0.
#[derive(Default)]
struct Log {
    /// When each number was sent.
    sent: Vec<SystemTime>,
    received: Vec<bool>,
    /// The number that is expected next, when nothing is lost.
    next: usize,
    gaps: Vec<(SystemTime, SystemTime)>,
}

/// Everything that was sent, held against everything that came.
pub(crate) struct Truth {
    logs: Vec<Log>,
    /// The topics of the stream, in the same order.
    topics: Vec<String>,
    received: u64,
    duplicates: u64,
    out_of_order: u64,
    gaps: u64,
}

/// The account.
#[derive(Serialize)]
pub(crate) struct Account {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Not received, and inside a gap that was reported.
    pub(crate) lost_in_gaps: u64,
    /// Neither received nor inside a gap: under way, and in the end lost without a word.
    pub(crate) unaccounted: u64,
    pub(crate) duplicates: u64,
    pub(crate) out_of_order: u64,
    pub(crate) gaps: u64,
}

impl Truth {
    pub(crate) fn new(topics: Vec<String>) -> Self {
        let logs = topics.iter().map(|_| Log::default()).collect();
        Self { logs, topics, received: 0, duplicates: 0, out_of_order: 0, gaps: 0 }
    }

    /// The next number of a topic is about to be sent.
    pub(crate) fn send(&mut self, topic: usize) -> usize {
        let log = &mut self.logs[topic];
        log.sent.push(SystemTime::now());
        log.received.push(false);
        log.sent.len() - 1
    }

    /// A number came out of the stream.
    pub(crate) fn receive(&mut self, topic: &str, number: usize) {
        let Some(log) =
            self.topics.iter().position(|one| one == topic).map(|at| &mut self.logs[at])
        else {
            return;
        };
        self.received += 1;
        match log.received.get_mut(number) {
            Some(seen @ false) => *seen = true,
            _ => self.duplicates += 1,
        }
        self.out_of_order += u64::from(number < log.next);
        log.next = log.next.max(number + 1);
    }

    /// The stream said that it lost something.
    pub(crate) fn note(&mut self, item: &Lifecycle) {
        match item {
            Lifecycle::Gap { topics, covered_until, resumed_at, .. } => {
                self.gaps += 1;
                self.gap(topics, *covered_until, *resumed_at);
            }
            Lifecycle::Stopped { uncovered, .. } => {
                for lost in uncovered {
                    let from = lost.covered_until.unwrap_or(SystemTime::UNIX_EPOCH);
                    self.gap(&lost.topics, from, SystemTime::now());
                }
            }
            _ => {}
        }
    }

    fn gap(&mut self, topics: &[Topic], from: SystemTime, to: SystemTime) {
        for topic in topics {
            if let Some(at) = self.topics.iter().position(|one| one == topic.name()) {
                self.logs[at].gaps.push((from, to));
            }
        }
    }

    /// What became of everything that was sent until now.
    pub(crate) fn account(&self) -> Account {
        let (mut sent, mut lost_in_gaps, mut unaccounted) = (0, 0, 0);
        for log in &self.logs {
            sent += log.sent.len() as u64;
            let absent = log.sent.iter().zip(&log.received).filter(|(_, received)| !**received);
            for (at, _) in absent {
                let holds =
                    |(from, to): &(SystemTime, SystemTime)| *at + ON_ITS_WAY >= *from && at <= to;
                if log.gaps.iter().any(holds) {
                    lost_in_gaps += 1;
                } else {
                    unaccounted += 1;
                }
            }
        }
        let &Self { received, duplicates, out_of_order, gaps, .. } = self;
        Account { sent, received, lost_in_gaps, unaccounted, duplicates, out_of_order, gaps }
    }
}

//! What was sent, and which process had it.

use std::collections::BTreeMap;

use serde::Serialize;

/// Everything that was sent, held against everything that came.
pub(crate) struct Truth {
    /// How often each number of each topic was delivered.
    topics: Vec<Vec<u8>>,
    received: BTreeMap<u32, u64>,
    gaps: u64,
    left_out: u64,
}

/// The account.
#[derive(Serialize)]
pub(crate) struct Account {
    pub(crate) sent: u64,
    /// By process.
    pub(crate) received: BTreeMap<u32, u64>,
    /// Under way, and in the end lost.
    pub(crate) missing: u64,
    pub(crate) twice: u64,
    pub(crate) gaps: u64,
    /// What the process before had delivered.
    pub(crate) left_out: u64,
}

impl Truth {
    pub(crate) fn new(topics: usize) -> Self {
        let topics = vec![Vec::new(); topics];
        Self { topics, received: BTreeMap::new(), gaps: 0, left_out: 0 }
    }

    /// The next number of a topic is about to be sent.
    pub(crate) fn send(&mut self, topic: usize) -> usize {
        self.topics[topic].push(0);
        self.topics[topic].len() - 1
    }

    /// A process was delivered a number.
    pub(crate) fn receive(&mut self, process: u32, topic: usize, number: usize) {
        *self.received.entry(process).or_default() += 1;
        if let Some(count) = self.topics.get_mut(topic).and_then(|sent| sent.get_mut(number)) {
            *count = count.saturating_add(1);
        }
    }

    /// A process told a gap.
    pub(crate) fn gap(&mut self) {
        self.gaps += 1;
    }

    /// A process left out what the one before had delivered.
    pub(crate) fn leave_out(&mut self, events: u64) {
        self.left_out += events;
    }

    pub(crate) fn account(&self) -> Account {
        let all = || self.topics.iter().flatten();
        Account {
            sent: all().count() as u64,
            received: self.received.clone(),
            missing: all().filter(|count| **count == 0).count() as u64,
            twice: all().map(|count| u64::from(count.saturating_sub(1))).sum(),
            gaps: self.gaps,
            left_out: self.left_out,
        }
    }
}

impl Account {
    /// Whether nothing was lost, nothing came twice, and nothing is uncertain.
    pub(crate) fn is_clean(&self) -> bool {
        self.missing + self.twice + self.gaps == 0
    }

    pub(crate) fn line(&self) -> String {
        let Self { sent, received, missing, twice, gaps, .. } = self;
        let received: Vec<String> =
            received.iter().map(|(process, count)| format!("{process}: {count}")).collect();
        format!(
            "sent {sent}  received {}  not here {missing}  twice {twice}  gaps {gaps}",
            received.join(", ")
        )
    }
}

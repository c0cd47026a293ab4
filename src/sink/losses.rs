//! What was not written although it was for the sink.

use std::time::SystemTime;

/// Entries that are kept; the oldest go first.
const KEPT: usize = 256;

/// Events that were not written, by their numbers: the first item that the runner took from the stream is 1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// The number of the first.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// How many; fewer than the span when some of it was written, or was not for the sink.
    pub count: u64,
    /// Why.
    pub cause: LossCause,
    /// When the last of them was lost.
    pub at: SystemTime,
}

/// Why an event was not written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LossCause {
    /// The buffer was full.
    Overflow,
    /// It cannot be written; why, in one clause that holds nothing of the event.
    Refused(Box<str>),
}

/// A bounded list of losses. Losses that follow each other for the same cause are one entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    kept: std::collections::VecDeque<Loss>,
    forgotten: u64,
}

impl Losses {
    /// The entries, the oldest first: at most 256.
    pub fn iter(&self) -> impl Iterator<Item = &Loss> {
        self.kept.iter()
    }

    /// Events whose entries are no longer kept.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// All events that were lost.
    pub fn total(&self) -> u64 {
        self.forgotten + self.kept.iter().map(|loss| loss.count).sum::<u64>()
    }

    pub(super) fn note(&mut self, number: u64, cause: LossCause, at: SystemTime) {
        if let Some(last) = self.kept.back_mut()
            && last.cause == cause
        {
            last.first = last.first.min(number);
            last.last = last.last.max(number);
            last.count += 1;
            last.at = at;
            return;
        }
        if self.kept.len() == KEPT
            && let Some(oldest) = self.kept.pop_front()
        {
            self.forgotten += oldest.count;
        }
        self.kept.push_back(Loss { first: number, last: number, count: 1, cause, at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_bounded_and_the_total_is_exact() {
        let mut losses = Losses::default();
        for number in 1..=10_000 {
            let cause = match number % 3 {
                0 => LossCause::Overflow,
                _ => LossCause::Refused("too large".into()),
            };
            losses.note(number, cause, SystemTime::UNIX_EPOCH);
        }
        assert_eq!((losses.iter().count(), losses.total()), (KEPT, 10_000));
        let last = losses.iter().last().unwrap();
        assert_eq!((last.first, last.last, last.count), (10_000, 10_000, 1));
    }
}

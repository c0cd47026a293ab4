//! How far a link has handed on what it read.

use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use super::proof::Proof;

/// Until when everything that a link received is in the queue: written by the link, read when a stream is asked how far
/// it has come.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<Handed>);

#[derive(Clone, Copy, Debug, Default)]
struct Handed {
    /// `None` for a link that has said nothing, or delivers nothing.
    proof: Option<Proof>,
    /// When the oldest event came in that it still holds.
    held: Option<SystemTime>,
}

impl Progress {
    /// What is read, and when the oldest event came in that is not in the queue.
    pub(crate) fn set(&self, proof: Option<Proof>, held: Option<SystemTime>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Handed { proof, held };
    }

    /// `None` for a link that has said nothing, or delivers nothing.
    pub(crate) fn get(&self, now: Instant) -> Option<SystemTime> {
        let Handed { proof, held } = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = proof?.until(now).wall;
        Some(held.map_or(until, |held| held.min(until)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::core::clock::Moment;

    #[test]
    fn it_is_what_is_sure_and_not_held() {
        let progress = Progress::default();
        let start = Moment { mono: Instant::now(), wall: SystemTime::UNIX_EPOCH };
        let at = |seconds| {
            let after = Duration::from_secs(seconds);
            Moment { mono: start.mono + after, wall: start.wall + after }
        };
        assert_eq!(progress.get(start.mono), None);
        let mut proof = Proof::new(at(10));
        proof.read_all(at(20));
        progress.set(Some(proof), None);
        assert_eq!(progress.get(at(20).mono), Some(at(10).wall));
        assert_eq!(progress.get(at(21).mono), Some(at(20).wall));
        progress.set(Some(proof), Some(at(15).wall));
        assert_eq!(progress.get(at(21).mono), Some(at(15).wall));
        progress.set(None, None);
        assert_eq!(progress.get(at(21).mono), None);
    }
}

//! How far a link has handed on what it read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Until when everything that a link received is in the queue: written by the link, read when a stream is asked how far
/// it has come.
#[derive(Debug, Default)]
pub(crate) struct Progress(AtomicU64);

impl Progress {
    pub(crate) fn set(&self, until: Option<SystemTime>) {
        let since = until.and_then(|until| until.duration_since(SystemTime::UNIX_EPOCH).ok());
        let nanos = since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
        // What was handed on before is seen by who reads this.
        self.0.store(nanos, Ordering::Release);
    }

    /// `None` for a link that has said nothing, or delivers nothing.
    pub(crate) fn get(&self) -> Option<SystemTime> {
        let nanos = self.0.load(Ordering::Acquire);
        (nanos > 0).then(|| SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_to_the_nanosecond() {
        let progress = Progress::default();
        assert_eq!(progress.get(), None);
        let at = SystemTime::UNIX_EPOCH + Duration::new(1_772_616_600, 123_456_789);
        progress.set(Some(at));
        assert_eq!(progress.get(), Some(at));
        progress.set(None);
        assert_eq!(progress.get(), None);
    }
}

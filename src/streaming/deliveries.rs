//! What a consumer was delivered last, so that the process after this one can leave it out.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use super::fingerprint::Fingerprint;

/// Deliveries that are kept, the youngest: 1 MiB. More than a stream that stands by can hold with the default
/// [`Capacity`](crate::Capacity) of 8,192 events, so that what both have is known to be delivered.
pub(super) const MOST: usize = 1 << 16;
/// Bytes of a delivery in a row of bytes.
const BYTES: usize = 16;

/// One delivery: what stands for it, and when it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delivered {
    pub(super) print: Fingerprint,
    /// Nanoseconds since 1970.
    nanos: u64,
}

impl Delivered {
    fn new(print: Fingerprint, at: SystemTime) -> Self {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { print, nanos: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX) }
    }

    /// The same, received at another time.
    pub(super) fn moved_to(&self, at: SystemTime) -> Self {
        Self::new(self.print, at)
    }

    pub(super) fn at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.nanos)
    }
}

/// Deliveries as they are handed over, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Every delivery of what was received since is there.
    pub(super) since: SystemTime,
    pub(super) entries: Vec<Delivered>,
}

impl Window {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let each = |entry: &Delivered| [entry.print.get().to_le_bytes(), entry.nanos.to_le_bytes()];
        self.entries.iter().flat_map(each).flatten().collect()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` for anything else. It is complete since 1970.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        if !bytes.len().is_multiple_of(BYTES) || bytes.len() > MOST * BYTES {
            return None;
        }
        let number = |bytes: &[u8]| Some(u64::from_le_bytes(bytes.try_into().ok()?));
        let entry = |bytes: &[u8]| {
            let (print, nanos) = bytes.split_at(BYTES / 2);
            Some(Delivered { print: Fingerprint::new(number(print)?)?, nanos: number(nanos)? })
        };
        let entries = bytes.chunks_exact(BYTES).map(entry).collect::<Option<_>>()?;
        Some(Self { since: SystemTime::UNIX_EPOCH, entries })
    }
}

/// Keeps the last deliveries.
#[derive(Debug)]
pub(super) struct Recent {
    entries: VecDeque<Delivered>,
    since: SystemTime,
}

impl Recent {
    /// Keeps what is delivered from now on; what was received before `since` may have been delivered already.
    pub(super) fn new(since: SystemTime) -> Self {
        Self { entries: VecDeque::new(), since }
    }

    /// Goes on with what the process before delivered.
    pub(super) fn after(window: &Window) -> Self {
        Self { entries: window.entries.iter().copied().collect(), since: window.since }
    }

    /// An event was delivered. One without a fingerprint was read before they were asked for.
    pub(super) fn note(&mut self, print: Option<Fingerprint>, at: SystemTime) {
        let Some(print) = print else { return self.lacks(at) };
        if self.entries.len() == MOST
            && let Some(oldest) = self.entries.pop_front()
        {
            self.lacks(oldest.at());
        }
        self.entries.push_back(Delivered::new(print, at));
    }

    /// A delivery of what was received at this time is not kept.
    fn lacks(&mut self, at: SystemTime) {
        self.since = self.since.max(at + Duration::from_nanos(1));
    }

    pub(super) fn window(&self) -> Window {
        Window { since: self.since, entries: self.entries.iter().copied().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fingerprint::fingerprint;
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 + seconds)
    }

    fn print(n: u64) -> Fingerprint {
        fingerprint("t", None, &n.to_le_bytes())
    }

    #[test]
    fn a_window_is_bounded_and_says_since_when_it_is_complete() {
        let mut recent = Recent::new(at(0));
        recent.note(Some(print(1)), at(1));
        assert_eq!((recent.window().len(), recent.window().since), (1, at(0)));
        recent.note(None, at(2));
        let nano = Duration::from_nanos(1);
        assert_eq!((recent.window().len(), recent.window().since), (1, at(2) + nano));
        for n in 0..MOST as u64 {
            recent.note(Some(print(n)), at(3));
        }
        assert_eq!((recent.window().len(), recent.window().since), (MOST, at(2) + nano));
        recent.note(Some(print(7)), at(4));
        assert_eq!((recent.window().len(), recent.window().since), (MOST, at(3) + nano));
    }

    #[test]
    fn a_window_is_the_same_after_a_journey_as_bytes() {
        let mut recent = Recent::new(SystemTime::UNIX_EPOCH);
        for n in 0..100 {
            recent.note(Some(print(n % 7)), at(n) + Duration::from_nanos(n));
        }
        let window = recent.window();
        let bytes = window.to_bytes();
        assert_eq!(Window::of_bytes(&bytes), Some(window.clone()));
        assert_eq!(Recent::after(&window).window(), window);
        assert_eq!(Window::of_bytes(&bytes[1..]), None);
        assert_eq!(Window::of_bytes(&[0; BYTES]), None, "no fingerprint is zero");
        assert_eq!(Window::of_bytes(&vec![1; (MOST + 1) * BYTES]), None);
    }
}

//! What a link has read before it may deliver it.

use std::time::{Instant, SystemTime};

use super::driver::Item;
use super::fingerprint::Fingerprint;
use super::ledger::LinkKey;
use super::overlap::Overlap;

/// Events that a link keeps before it may deliver, and their bytes; it stops reading when it has as much.
const MOST: (usize, usize) = (1_024, 1 << 20);

/// Events in the order of their frames.
pub(super) struct Hold<E> {
    items: Vec<(Item<E>, usize)>,
    prints: Vec<Option<Fingerprint>>,
    bytes: usize,
}

/// Events, each with the bytes of its frame, and their fingerprints, when they are compared with another link's.
pub(super) type Batch<E> = (Vec<(Item<E>, usize)>, Vec<Option<Fingerprint>>);

impl<E> Hold<E> {
    pub(super) fn new() -> Self {
        Self { items: Vec::new(), prints: Vec::new(), bytes: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// When the oldest was received.
    pub(super) fn oldest(&self) -> Option<SystemTime> {
        self.items.iter().find_map(|(item, _)| match item {
            Item::Event(delivery, ..) => Some(delivery.received_at),
            _ => None,
        })
    }

    /// How many more events and bytes fit.
    pub(super) fn room(&self) -> Option<(usize, usize)> {
        let (items, bytes) = MOST;
        (self.items.len() < items && self.bytes < bytes)
            .then(|| (items - self.items.len(), bytes - self.bytes))
    }

    pub(super) fn add(&mut self, (items, prints): Batch<E>) {
        if !prints.is_empty() || !self.prints.is_empty() {
            self.prints.resize(self.items.len(), None);
            self.prints.extend(prints);
            self.prints.resize(self.items.len() + items.len(), None);
        }
        self.bytes += items.iter().map(|(_, bytes)| bytes).sum::<usize>();
        self.items.extend(items);
    }

    /// Takes out what another link has delivered meanwhile; says how many.
    pub(super) fn sift(&mut self, overlap: &Overlap, link: LinkKey, now: Instant) -> u64 {
        let taken = overlap.sift(link, &mut self.items, &mut self.prints, now);
        if taken > 0 {
            self.bytes = self.items.iter().map(|(_, bytes)| bytes).sum();
        }
        taken
    }

    /// Takes what fits in so many events and bytes, the oldest first; at least one.
    pub(super) fn take(&mut self, (items, bytes): (usize, usize)) -> Batch<E> {
        let mut used = 0;
        let fits = self.items.iter().take(items.max(1)).take_while(|(_, size)| {
            let fits = used == 0 || used < bytes;
            used += size;
            fits
        });
        let count = fits.count();
        let rest = self.items.split_off(count);
        let taken = std::mem::replace(&mut self.items, rest);
        let prints = if self.prints.is_empty() {
            Vec::new()
        } else {
            let rest = self.prints.split_off(count);
            std::mem::replace(&mut self.prints, rest)
        };
        self.bytes -= taken.iter().map(|(_, bytes)| bytes).sum::<usize>();
        (taken, prints)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;
    use crate::error::Error;

    fn items(sizes: &[usize]) -> Vec<(Item<()>, usize)> {
        sizes.iter().map(|size| (Item::Error(Error::config("x")), *size)).collect()
    }

    #[test]
    fn fingerprints_stay_beside_their_items() {
        let print = NonZeroU64::new(7);
        let mut hold = Hold::new();
        hold.add((items(&[1, 2]), vec![]));
        hold.add((items(&[3]), vec![print]));
        hold.add((items(&[4]), vec![]));
        let (first, prints) = hold.take((1, 100));
        assert_eq!((first.len(), &prints[..]), (1, &[None][..]));
        let (rest, prints) = hold.take((9, usize::MAX));
        assert_eq!((rest.len(), &prints[..]), (3, &[None, print, None][..]));
        assert!(hold.is_empty() && hold.room() == Some(MOST));
    }

    #[test]
    fn it_is_full_by_items_or_bytes_and_always_gives_one() {
        let mut hold = Hold::new();
        hold.add((items(&[MOST.1]), vec![]));
        assert_eq!(hold.room(), None);
        assert_eq!(hold.take((0, 0)).0.len(), 1);
        hold.add((items(&[0; MOST.0]), vec![]));
        assert_eq!(hold.room(), None);
        hold.clear();
        assert_eq!(hold.room(), Some(MOST));
    }
}

//! What waits, what is full, and how it ends.

use super::*;

fn take(rx: &mut Receiver<u32>) -> Option<Taken<u32>> {
    match rx.poll_take(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(taken) => taken,
        Poll::Pending => None,
    }
}

fn drain(rx: &mut Receiver<u32>) -> Vec<Taken<u32>> {
    std::iter::from_fn(|| take(rx)).collect()
}

#[test]
fn order_is_kept_and_the_end_is_seen_once_everything_is_taken() {
    let (tx, mut rx) = queue(Capacity::new(10, 100), Overflow::Wait);
    tx.push([(1, 1), (2, 1)]);
    tx.push_fixed(3);
    tx.finish();
    assert_eq!(drain(&mut rx), [1, 2, 3].map(Taken::Item));
    assert!(matches!(rx.poll_take(&mut Context::from_waker(Waker::noop())), Poll::Ready(None)));
}

#[test]
fn room_counts_items_and_bytes_until_they_are_taken() {
    let (tx, mut rx) = queue(Capacity::new(4, 100), Overflow::Wait);
    tx.push([(1, 60)]);
    assert_eq!(tx.room(), Some((3, 40)));
    tx.push([(2, 40)]);
    assert_eq!(tx.room(), None, "full by bytes");
    take(&mut rx);
    assert_eq!(tx.room(), None, "what the consumer's chunk holds still counts");
    drain(&mut rx);
    assert_eq!(tx.room(), Some((4, 100)));
}

#[test]
fn drop_oldest_counts_what_it_drops_in_its_place_and_keeps_fixed_items() {
    let (tx, mut rx) = queue(Capacity::new(2, 1_000), Overflow::DropOldest);
    tx.push_fixed(100);
    let mut dropped = 0;
    for n in 0..10 {
        dropped += tx.push([(n, 1)]);
        if n == 4 {
            tx.push_fixed(200);
        }
    }
    assert_eq!(dropped, 8);
    let mut waiting = Vec::new();
    rx.waiting(|n| waiting.push(*n));
    assert_eq!(waiting, [100, 0, 200, 5, 8, 9], "of what was dropped the first is known");
    let seen = drain(&mut rx);
    let counted: u64 = seen.iter().map(|t| if let Taken::Dropped(n) = t { *n } else { 0 }).sum();
    assert_eq!(counted, 8);
    let items: Vec<_> =
        seen.iter().filter_map(|t| if let Taken::Item(n) = t { Some(*n) } else { None }).collect();
    assert_eq!(items, [100, 200, 8, 9]);
}

#[test]
fn fixed_items_are_taken_when_events_no_longer_are() {
    let (tx, mut rx) = queue(Capacity::new(1, 10), Overflow::Wait);
    tx.push([(1, 10)]);
    assert!(tx.room().is_none() && tx.is_clogged());
    tx.push_fixed(2);
    assert_eq!(drain(&mut rx), [1, 2].map(Taken::Item));
    assert!(!tx.is_clogged() && tx.has_caught_up());
}

#[test]
fn senders_that_vanish_end_the_queue_and_it_shows() {
    let (tx, mut rx) = queue(Capacity::default(), Overflow::Wait);
    let other = tx.clone();
    tx.push([(1, 1)]);
    drop(tx);
    assert_eq!(drain(&mut rx), [Taken::Item(1)]);
    assert!(!rx.is_broken(), "there is another sender");
    drop(other);
    let end = rx.poll_take(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(end, Poll::Ready(None)) && rx.is_broken());
}

#[test]
fn there_is_more_room_while_nobody_reads() {
    let (tx, rx) = queue(Capacity::new(2, 100), Overflow::Wait);
    tx.push([(1, 60), (2, 60)]);
    assert_eq!(tx.room(), None);
    let rest = rx.rest();
    let Capacity { items, bytes } = Capacity::default();
    assert_eq!((tx.room(), tx.is_unread()), (Some((items, bytes - 20)), true));
    tx.push([(3, bytes - 20)]);
    assert_eq!(tx.room(), None, "that has a bound too");
    drop(rest);
    assert!(tx.room().is_none() && !tx.is_unread());
}

#[test]
fn an_abandoned_queue_holds_nothing() {
    let (tx, rx) = queue(Capacity::default(), Overflow::Wait);
    tx.push([(1, 1)]);
    drop(rx);
    tx.push([(2, 1)]);
    tx.push_fixed(3);
    assert_eq!(tx.0.lock().entries.len(), 0);
    assert!(!tx.is_clogged());
}

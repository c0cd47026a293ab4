//! Many ids by calls that take a few each.
//!
//! ```ignore
//! let operation = |ids: Vec<Box<str>>| GetUsersPresencesPurecloudBulk::new().id(ids);
//! let options = CallOptions::default().priority(Priority::Backfill);
//! let mut chunks = bulk(users, 50, 4, |ids| api.execute(operation(ids), options));
//! ```

use std::future::Future;
use std::num::NonZeroUsize;
use std::ops::Range;

use futures::{Stream, StreamExt, stream};

use crate::error::Error;

/// What one call answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk<Item> {
    /// Which of the ids it was asked about, by their positions.
    pub(crate) ids: Range<usize>,
    pub(crate) items: Vec<Item>,
}

/// A call that failed. Those before and behind it have their own outcomes.
#[derive(Debug)]
pub(crate) struct FailedChunk {
    /// Which of the ids it was asked about, by their positions.
    pub(crate) ids: Range<usize>,
    pub(crate) error: Error,
}

impl From<FailedChunk> for Error {
    fn from(failed: FailedChunk) -> Self {
        failed.error
    }
}

/// Calls `call` with `most` ids at a time, and at most `concurrency` of those calls at once. The outcomes come in the order of
/// the ids; one that failed is an item like the others, and does not end the stream.
///
/// Nothing is asked for ahead of the calls that are under way, so whoever has seen enough drops the stream. What waits for
/// the limiter is `call`'s business, by the priority of its options: no more than `concurrency` calls stand in line.
///
/// # Cancel safety
/// Dropping the future of `next` loses nothing: the calls, and answers that wait for one before them, are in the stream.
/// Dropping the stream abandons the calls under way.
pub(crate) fn bulk<Id, Item, F>(
    ids: impl IntoIterator<Item = Id>,
    most: NonZeroUsize,
    concurrency: NonZeroUsize,
    mut call: impl FnMut(Vec<Id>) -> F,
) -> impl Stream<Item = Result<Chunk<Item>, FailedChunk>>
where
    F: Future<Output = Result<Vec<Item>, Error>>,
{
    let mut ids = ids.into_iter();
    let mut first = 0;
    let chunks = std::iter::from_fn(move || {
        let chunk: Vec<Id> = ids.by_ref().take(most.get()).collect();
        let range = first..first + chunk.len();
        first = range.end;
        (!chunk.is_empty()).then_some((range, chunk))
    });
    let calls = chunks.map(move |(ids, chunk)| {
        let answer = call(chunk);
        async move {
            match answer.await {
                Ok(items) => Ok(Chunk { ids, items }),
                Err(error) => Err(FailedChunk { ids, error }),
            }
        }
    });
    stream::iter(calls).buffered(concurrency.get())
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures::FutureExt;

    use super::*;
    use crate::error::ErrorKind;

    fn at_least_one(number: usize) -> NonZeroUsize {
        NonZeroUsize::new(number).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn every_id_is_asked_for_once_in_order_and_with_few_calls_at_once() {
        for (ids, most, concurrency) in
            [(0, 3, 2), (1, 3, 2), (100, 7, 4), (100, 50, 9), (12, 4, 1)]
        {
            let (under_way, highest) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let call = |chunk: Vec<usize>| {
                let (under_way, highest) = (&under_way, &highest);
                async move {
                    highest
                        .fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    // The later ones are faster.
                    tokio::time::sleep(Duration::from_millis(200 - chunk[0] as u64)).await;
                    under_way.fetch_sub(1, Ordering::SeqCst);
                    assert!(chunk.len() <= most);
                    Ok(chunk)
                }
            };
            let chunks = bulk(0..ids, at_least_one(most), at_least_one(concurrency), call);
            let chunks: Vec<_> = chunks.map(Result::unwrap).collect().await;
            assert_eq!(chunks.len(), ids.div_ceil(most));
            let seen: Vec<_> = chunks.iter().flat_map(|chunk| chunk.items.clone()).collect();
            assert_eq!(seen, (0..ids).collect::<Vec<_>>());
            assert!(
                chunks.iter().all(|chunk| chunk.items == chunk.ids.clone().collect::<Vec<_>>())
            );
            assert_eq!(highest.into_inner(), chunks.len().min(concurrency));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_fails_is_told_for_its_ids_and_the_others_are_not_lost() {
        let call = |chunk: Vec<usize>| async move {
            if chunk.contains(&4) {
                return Err(Error::new(ErrorKind::NotFound, "no 4"));
            }
            Ok(chunk)
        };
        let outcomes: Vec<_> = bulk(0..9, at_least_one(3), at_least_one(2), call).collect().await;
        assert!(matches!(&outcomes[0], Ok(chunk) if chunk.items == [0, 1, 2]));
        assert!(matches!(&outcomes[1], Err(failed) if failed.ids == (3..6)));
        assert!(matches!(&outcomes[2], Ok(chunk) if chunk.ids == (6..9)));
        let Err(failed) = outcomes.into_iter().nth(1).unwrap() else { panic!("it succeeded") };
        assert_eq!(Error::from(failed).kind(), ErrorKind::NotFound);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_next_loses_nothing_and_nothing_is_asked_ahead() {
        let asked = AtomicUsize::new(0);
        let call = |chunk: Vec<usize>| {
            asked.fetch_add(1, Ordering::SeqCst);
            async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                Ok(chunk)
            }
        };
        let mut chunks = pin!(bulk(0..40, at_least_one(1), at_least_one(3), call));
        let mut seen = Vec::new();
        while seen.len() < 40 {
            if let Some(chunk) = chunks.next().now_or_never() {
                seen.extend(chunk.unwrap().unwrap().items);
            }
            assert!(asked.load(Ordering::SeqCst) <= seen.len() + 3);
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        assert_eq!(seen, (0..40).collect::<Vec<_>>());
    }
}

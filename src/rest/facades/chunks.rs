//! Many ids, asked for by batches, answered one by one in the order asked.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};

use crate::auth::shared_error;
use crate::core::ports::BoxFuture;
use crate::error::{Error, ErrorKind, Result};

/// What became of one of the ids of a batch.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answered<T> {
    /// The id that was asked for, as it was written.
    pub id: Box<str>,
    /// What the platform has of it. [`NotFound`](ErrorKind::NotFound) without a status: its batch was answered, and the
    /// id was not in the answer. Any other error is that of the whole batch.
    pub result: Result<T>,
}

/// Batches that are under way at once. The platform names no number; the client's rate limiter sets the pace.
const AT_ONCE: usize = 4;

/// Asks for `ids` in batches of `size`; `ask` returns what it finds with the id of each.
pub(super) fn in_chunks<T: Clone + Send + 'static>(
    ids: Vec<Box<str>>,
    size: usize,
    ask: impl Fn(Vec<Box<str>>) -> BoxFuture<'static, Result<Vec<(Box<str>, T)>>> + Send + 'static,
) -> BoxStream<'static, Answered<T>> {
    batches(ids, size)
        .map(move |batch| {
            let answer = ask(batch.clone());
            async move { matched(batch, answer.await) }
        })
        .buffered(AT_ONCE)
        .flat_map(stream::iter)
        .boxed()
}

fn batches(ids: Vec<Box<str>>, size: usize) -> impl Stream<Item = Vec<Box<str>>> + Send {
    let mut ids = ids.into_iter();
    stream::iter(std::iter::from_fn(move || {
        let batch: Vec<_> = ids.by_ref().take(size).collect();
        (!batch.is_empty()).then_some(batch)
    }))
}

/// Puts what was found in the place of what was asked.
fn matched<T: Clone>(batch: Vec<Box<str>>, answer: Result<Vec<(Box<str>, T)>>) -> Vec<Answered<T>> {
    let found = match answer {
        Ok(found) => found,
        Err(error) => {
            let error = Arc::new(error);
            let failed = |id| Answered { id, result: Err(shared_error::copy(&error)) };
            return batch.into_iter().map(failed).collect();
        }
    };
    // The platform writes ids in lower case, whatever was asked.
    let found: HashMap<_, _> =
        found.into_iter().map(|(id, item)| (id.to_ascii_lowercase(), item)).collect();
    let answered = |id: Box<str>| {
        let item = found.get(&id.to_ascii_lowercase()).cloned();
        let unknown = || {
            let text = "the platform answers nothing for this id: it never existed, or was deleted";
            Error::new(ErrorKind::NotFound, text)
        };
        Answered { result: item.ok_or_else(unknown), id }
    };
    batch.into_iter().map(answered).collect()
}

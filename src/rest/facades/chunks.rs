//! Many ids, asked for by batches, answered one by one in the order asked.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};

use crate::auth::shared_error;
use crate::core::ports::BoxFuture;
use crate::error::{Error, ErrorKind, Result};
use crate::rest::bulk::bulk;

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
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// Asks for `ids` in batches of `size`; `ask` returns what it finds with the id of each.
pub(super) fn in_chunks<T: Clone + Send + 'static>(
    ids: Vec<Box<str>>,
    size: NonZeroUsize,
    ask: impl Fn(Vec<Box<str>>) -> BoxFuture<'static, Result<Vec<(Box<str>, T)>>> + Send + 'static,
) -> BoxStream<'static, Answered<T>> {
    let asked: Arc<[Box<str>]> = ids.into();
    bulk(asked.to_vec(), size, AT_ONCE, ask)
        .flat_map(move |outcome| {
            let (range, answer) = match outcome {
                Ok(chunk) => (chunk.ids, Ok(chunk.items)),
                Err(failed) => (failed.ids, Err(failed.error)),
            };
            stream::iter(matched(asked.get(range).unwrap_or_default().to_vec(), answer))
        })
        .boxed()
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

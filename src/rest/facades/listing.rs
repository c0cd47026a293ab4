//! A listing before it is read: what it selects, and how it is read.

use crate::rest::facades::caller::Caller;
use crate::rest::operation::CallOptions;
use crate::rest::pages::{Items, Pages};
use crate::rest::paging::Paged;

/// A listing that is being put together; nothing is sent until its pages or items are polled.
///
/// What it can select are methods of the listing, and differ from one to another.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use futures::TryStreamExt;
///
/// let mut queues = client.routing().queues().name("Support*").page_size(100).items();
/// while let Some(queue) = queues.try_next().await? {
///     println!("{:?}", queue.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a listing does nothing until it is read"]
pub struct Listing<O> {
    caller: Caller,
    operation: O,
}

impl<O: Paged> Listing<O> {
    #[allow(dead_code)] // Not every family has calls of this kind.
    pub(super) fn new(caller: Caller, operation: O) -> Self {
        Self { caller, operation }
    }

    /// How the call of each page is made.
    pub fn with(self, options: CallOptions) -> Self {
        Self { caller: self.caller.with(options), operation: self.operation }
    }

    /// The operation that it is: for what it has no method for, with [`Client::pages`](crate::Client::pages).
    pub fn into_operation(self) -> O {
        self.operation
    }

    /// Page by page.
    pub fn pages(self) -> Pages<O> {
        Pages::new(self.caller.api, self.operation, self.caller.options)
    }

    /// Item by item.
    pub fn items(self) -> Items<O> {
        self.pages().items()
    }

    #[allow(dead_code)] // Not every family has calls of this kind.
    pub(super) fn map(self, change: impl FnOnce(O) -> O) -> Self {
        Self { caller: self.caller, operation: change(self.operation) }
    }
}

/// Ids and names as operations take them.
#[allow(dead_code)] // Not every family has lists of them.
pub(super) fn texts(
    texts: impl IntoIterator<Item = impl AsRef<str>>,
) -> impl Iterator<Item = Box<str>> {
    texts.into_iter().map(|text| text.as_ref().into())
}

/// Gives listings a page size.
#[allow(unused_macros)] // Not every family has listings.
macro_rules! page_size {
    ($($operation:ty),* $(,)?) => {$(
        impl $crate::rest::facades::listing::Listing<$operation> {
            /// How many entities come with one call. Default: what the platform says, mostly 25.
            pub fn page_size(self, size: u32) -> Self {
                self.map(|operation| operation.page_size(i64::from(size)))
            }
        }
    )*};
}
#[allow(unused_imports)] // As above.
pub(super) use page_size;

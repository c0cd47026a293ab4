//! A call with options, made when it is awaited.

use std::future::IntoFuture;

use crate::core::ports::BoxFuture;
use crate::error::Result;
use crate::rest::facades::caller::Caller;
use crate::rest::operation::Operation;

/// A call that is made when it is awaited; what it may do besides are methods of the call.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use genesys_cloud::UserExpand;
///
/// let user = client.users().get("8f0c").expand([UserExpand::Presence]).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`Client::execute`](crate::Client::execute).
///
/// # Cancel safety
/// Dropping the future abandons the call. Calls of this kind only read.
#[derive(Clone, Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct Ask<O> {
    caller: Caller,
    operation: O,
}

impl<O: Operation> Ask<O> {
    #[allow(dead_code)] // Not every family has calls of this kind.
    pub(super) fn new(caller: Caller, operation: O) -> Self {
        Self { caller, operation }
    }

    #[allow(dead_code)] // Not every family has calls of this kind.
    pub(super) fn map(self, change: impl FnOnce(O) -> O) -> Self {
        Self { caller: self.caller, operation: change(self.operation) }
    }
}

impl<O: Operation + 'static> IntoFuture for Ask<O> {
    type Output = Result<O::Response>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.caller.execute(self.operation).await })
    }
}

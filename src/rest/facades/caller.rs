//! What every façade calls with.

use crate::error::{Error, Result};
use crate::rest::api::Api;
use crate::rest::facades::ask::Ask;
use crate::rest::facades::listing::Listing;
use crate::rest::operation::{CallOptions, Operation};
use crate::rest::paging::Paged;

/// The API, and how calls of one façade are made. A cheap clone.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(super) api: Api,
    pub(super) options: CallOptions,
}

impl Caller {
    pub(crate) fn new(api: Api) -> Self {
        Self { api, options: CallOptions::default() }
    }

    pub(super) fn with(&self, options: CallOptions) -> Self {
        Self { api: self.api.clone(), options }
    }

    #[allow(dead_code)] // Not every family has calls of this kind.
    pub(super) async fn execute<O: Operation>(&self, operation: O) -> Result<O::Response> {
        self.api.execute(operation, self.options).await.map_err(explain)
    }

    #[allow(dead_code)] // Not every family has calls of this kind.
    pub(super) fn ask<O: Operation>(&self, operation: O) -> Ask<O> {
        Ask::new(self.clone(), operation)
    }

    #[allow(dead_code)] // Not every family has calls of this kind.
    pub(super) fn list<O: Paged>(&self, operation: O) -> Listing<O> {
        Listing::new(self.clone(), operation)
    }
}

/// Says what to do about a refusal that the platform words for its own developers.
fn explain(error: Error) -> Error {
    if error.code() == Some("not.a.user") {
        return error.with_hint("; client credentials are no user: this needs the token of one");
    }
    if error.is_conflict() {
        return error.with_hint("; it was changed meanwhile: read it again, and send the change with the version that it has then");
    }
    error
}

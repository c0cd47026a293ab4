//! Queries that the platform works on by itself, and whose results are fetched when it is done.

use std::marker::PhantomData;
use std::time::SystemTime;

use crate::error::{Error, ErrorKind, Result};
use crate::rest::analytics::api::AnalyticsApi;
use crate::rest::analytics::checked::{Checked, Fault};
use crate::rest::analytics::predicate::private;
use crate::rest::generated as operations;
use crate::rest::generated::models::{
    AsyncConversationQuery, AsyncQueryResponse, AsyncQueryState, AsyncQueryStatus,
    AsyncUserDetailsQuery,
};
use crate::rest::operation::Operation;
use crate::rest::pages::Pages;
use crate::rest::paging::Paged;
use crate::rest::poll::{Polling, Progress, poll};

/// A kind of job. It is sealed: the platform says which there are.
pub trait JobKind: private::Sealed + Send + Sync + 'static {
    /// What is asked for.
    type Query: Clone + Send + Sync + 'static;
    /// The operation that reads the results.
    type Results: Paged;
    #[doc(hidden)]
    fn start(query: Self::Query) -> impl Operation<Response = AsyncQueryResponse>;
    #[doc(hidden)]
    fn status(id: &str) -> impl Operation<Response = AsyncQueryStatus>;
    #[doc(hidden)]
    fn results(id: &str, page_size: Option<u32>) -> Self::Results;
    #[doc(hidden)]
    fn delete(id: &str) -> impl Operation<Response = ()>;
    #[doc(hidden)]
    fn limit(query: &mut Self::Query, limit: u32);
}

/// Jobs that collect details of conversations.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ConversationJobs;

/// Jobs that collect presences and routing statuses of users.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct UserJobs;

macro_rules! job_kind {
    ($kind:ident: $query:ident, $start:ident, $status:ident, $results:ident, $delete:ident) => {
        impl private::Sealed for $kind {}

        impl JobKind for $kind {
            type Query = $query;
            type Results = operations::$results;

            fn start(query: $query) -> impl Operation<Response = AsyncQueryResponse> {
                operations::$start::new(query)
            }

            fn status(id: &str) -> impl Operation<Response = AsyncQueryStatus> {
                operations::$status::new(id)
            }

            fn results(id: &str, page_size: Option<u32>) -> Self::Results {
                let all = operations::$results::new(id);
                match page_size {
                    Some(size) => all.page_size(i64::from(size)),
                    None => all,
                }
            }

            fn delete(id: &str) -> impl Operation<Response = ()> {
                operations::$delete::new(id)
            }

            fn limit(query: &mut $query, limit: u32) {
                query.limit = Some(limit.into());
            }
        }
    };
}
job_kind!(
    ConversationJobs: AsyncConversationQuery, PostAnalyticsConversationsDetailsJobs,
    GetAnalyticsConversationsDetailsJob, GetAnalyticsConversationsDetailsJobResults,
    DeleteAnalyticsConversationsDetailsJob
);
job_kind!(
    UserJobs: AsyncUserDetailsQuery, PostAnalyticsUsersDetailsJobs, GetAnalyticsUsersDetailsJob,
    GetAnalyticsUsersDetailsJobResults, DeleteAnalyticsUsersDetailsJob
);

/// A job that was not started yet, from [`ConversationDetails::job`](super::ConversationDetails::job) or
/// [`UserDetails::job`](super::UserDetails::job).
#[derive(Clone, Debug)]
#[must_use = "a job does nothing until it is started"]
pub struct JobRequest<K: JobKind> {
    analytics: AnalyticsApi,
    query: K::Query,
    fault: Fault,
}

impl<K: JobKind> JobRequest<K> {
    pub(crate) fn new(analytics: AnalyticsApi, query: K::Query, fault: Fault) -> Self {
        Self { analytics, query, fault }
    }

    /// Most results. Default: all.
    pub fn limit(mut self, limit: u32) -> Self {
        if limit == 0 {
            self.fault.say("a job has at least one result: limit() was 0");
        }
        K::limit(&mut self.query, limit);
        self
    }

    /// Starts the job. It is repeated only when it is certain that nothing was sent, so that there are never two.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when the query cannot be sent; see [`AnalyticsApi`].
    ///
    /// # Cancel safety
    /// A job that was started goes on when the future is dropped, and nobody knows its id.
    pub async fn start(self) -> Result<Job<K>> {
        let Self { analytics, query, fault } = self;
        let started = analytics.execute(Checked::new(K::start(query), fault)).await?;
        let id = started.job_id.filter(|id| !id.is_empty());
        let id =
            id.ok_or_else(|| Error::new(ErrorKind::Decode, "the answer has no id of a job"))?;
        Ok(Job::new(analytics, id))
    }
}

impl JobRequest<ConversationJobs> {
    /// Finds the conversations that started on a day that the interval touches, as the query does, and not all that had
    /// activity in it.
    pub fn started_in_interval(mut self) -> Self {
        self.query.start_of_day_interval_matching = Some(true);
        self
    }
}

/// A job that the platform works on. Its [`id`](Self::id) can be written down, and the job be taken up again by another
/// process with [`conversation_job`](AnalyticsApi::conversation_job) or [`user_job`](AnalyticsApi::user_job).
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use futures::TryStreamExt;
/// use genesys_cloud::analytics::{Interval, Polling};
///
/// let month: Interval = "2026-03-01T00:00:00Z/P31D".parse()?;
/// let job = client.analytics().conversation_details(month).job().start().await?;
/// println!("{}", job.id());
/// job.wait(Polling::default()).await?;
/// let mut conversations = job.results().items();
/// while let Some(one) = conversations.try_next().await? {
///     println!("{:?}", one.conversation_id);
/// }
/// job.cancel().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Job<K: JobKind> {
    analytics: AnalyticsApi,
    id: Box<str>,
    kind: PhantomData<fn() -> K>,
}

/// How far a job is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JobStatus {
    /// Queued, pending, failed, cancelled, fulfilled or expired.
    pub state: AsyncQueryState,
    /// Why it failed, in the platform's words.
    pub reason: Option<Box<str>>,
    /// When it was started.
    pub submitted: Option<SystemTime>,
    /// When it was done.
    pub completed: Option<SystemTime>,
    /// Until when its results are kept.
    pub expires: Option<SystemTime>,
}

impl<K: JobKind> Job<K> {
    pub(crate) fn new(analytics: AnalyticsApi, id: Box<str>) -> Self {
        Self { analytics, id, kind: PhantomData }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How far it is.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) when the platform does not know it, or not any more; see [`AnalyticsApi`].
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn status(&self) -> Result<JobStatus> {
        let status = self.analytics.execute(K::status(&self.id)).await.map_err(gone)?;
        let time = |date: Option<crate::events::Timestamp>| date?.to_system_time();
        Ok(JobStatus {
            state: status.state.ok_or_else(|| {
                Error::new(ErrorKind::Decode, "the answer does not say how far the job is")
            })?,
            reason: status.error_message,
            submitted: time(status.submission_date),
            completed: time(status.completion_date),
            expires: time(status.expiration_date),
        })
    }

    /// Asks how far it is until it is fulfilled. What passes, such as an answer 503, is waited out.
    ///
    /// # Errors
    /// [`Failed`](ErrorKind::Failed) when the job failed or was cancelled, with the platform's reason and the state as
    /// [`code`](Error::code); [`NotFound`](ErrorKind::NotFound) when its results are gone, or the platform does not know
    /// it; [`Timeout`](ErrorKind::Timeout) when it is not done in time: it goes on, and can be waited for again. See
    /// [`AnalyticsApi`].
    ///
    /// # Cancel safety
    /// Safe: the job goes on, and can be waited for again.
    pub async fn wait(&self, polling: Polling) -> Result<JobStatus> {
        let what = format!("job {}", self.id);
        poll(self.analytics.ambient(), polling, &what, || async {
            let status = self.status().await?;
            let failed = |kind, words: &str| {
                let reason = status.reason.as_deref().unwrap_or("the platform gives no reason");
                let error = Error::new(kind, format!("{what} {words}: {reason}"));
                Err(error.with_code(status.state.as_str()))
            };
            match &status.state {
                AsyncQueryState::Fulfilled => Ok(Progress::Done(status)),
                AsyncQueryState::Failed => failed(ErrorKind::Failed, "failed"),
                AsyncQueryState::Cancelled => failed(ErrorKind::Failed, "was cancelled"),
                AsyncQueryState::Expired => {
                    failed(ErrorKind::NotFound, "is over and its results are gone, start it again")
                }
                // One that this version does not know is not an end.
                state => Ok(Progress::Waiting(state.as_str().into())),
            }
        })
        .await
    }

    /// The results, page by page, in the platform's page size: to be called when the job is fulfilled.
    ///
    /// The platform forgets the place behind a page some time after it was answered. Then the next page is an error that
    /// says so, with the [`position`](Pages::position) still there: the listing is begun again.
    pub fn results(&self) -> Pages<K::Results> {
        self.analytics.pages(K::results(&self.id, None))
    }

    /// As [`results`](Self::results), in pages of this size.
    pub fn results_by(&self, page_size: u32) -> Pages<Checked<K::Results>> {
        let mut fault = Fault::default();
        if page_size == 0 {
            fault.say("a page has at least one result: results_by() was given 0");
        }
        self.analytics.pages(Checked::new(K::results(&self.id, Some(page_size)), fault))
    }

    /// Cancels it when it is under way, and deletes its results.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) when the platform does not know it, or not any more; see [`AnalyticsApi`].
    ///
    /// # Cancel safety
    /// The job may have been cancelled all the same; cancelling it again is safe.
    pub async fn cancel(&self) -> Result<()> {
        self.analytics.execute(K::delete(&self.id)).await.map_err(gone)
    }
}

/// What it means that there is no such job: it was deleted, its time is over, or it is somebody else's.
fn gone(error: Error) -> Error {
    match error.status() {
        Some(404 | 410) => error
            .with_hint("; the platform does not know this job, or not any more: start it again")
            .into_kind(ErrorKind::NotFound),
        _ => error,
    }
}

//! What was called, how often, and how it was answered: a query that the platform takes its time for.

use std::time::{Duration, SystemTime};

use crate::error::{Error, ErrorKind, Result};
use crate::events::open_enum::open_enum;
use crate::rest::app_foundry::iso;
use crate::rest::facades::caller::Caller;
use crate::rest::generated::models::{
    ApiUsageClientQuery, ApiUsageQueryResult, ApiUsageQueryStatus, ApiUsageRow, UsageGranularity,
};
use crate::rest::generated::{GetOauthClientUsageQueryResult, PostOauthClientUsageQuery};
#[cfg(feature = "rest-usage")]
use crate::rest::generated::{GetUsageQueryExecutionIdResults, PostUsageQuery};
#[cfg(feature = "rest-usage")]
use crate::rest::operation::CallOptions;
use crate::rest::operation::Operation;
use crate::rest::poll::{Polling, Progress, poll};

open_enum! {
    /// What rows of usage are told apart by.
    pub enum UsageGroup {
        /// The OAuth client.
        OAuthClient = "OAuthClientId",
        /// The organisation.
        Organization = "OrganizationId",
        /// The user.
        User = "UserId",
        /// The path, as a template.
        Template = "TemplateUri",
        /// The HTTP method.
        Method = "HttpMethod",
    }
}

open_enum! {
    /// What is counted.
    pub enum UsageMetric {
        /// Calls.
        Requests = "Requests",
        /// Those that were answered by 2xx.
        Status200 = "Status200",
        /// Those that were answered by 3xx.
        Status300 = "Status300",
        /// Those that were answered by 4xx.
        Status400 = "Status400",
        /// Those that were answered by 429.
        Status429 = "Status429",
        /// Those that were answered by 5xx.
        Status500 = "Status500",
    }
}

/// How a usage query is waited for. Source of the minute: the platform's advice for these queries.
fn waits() -> Polling {
    Polling::default().shortest(Duration::from_secs(5)).longest(Duration::from_secs(60))
}

/// A query of usage that is being put together, from [`OAuthClientsApi::usage`](crate::OAuthClientsApi::usage).
///
/// Default: everything is counted, by path and method.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is started"]
pub struct UsageQuery {
    caller: Caller,
    client: Option<Box<str>>,
    interval: (SystemTime, SystemTime),
    body: ApiUsageClientQuery,
    polling: Polling,
}

impl UsageQuery {
    pub(super) fn new(
        caller: Caller,
        client: Option<Box<str>>,
        start: SystemTime,
        end: SystemTime,
    ) -> Self {
        let query = Self {
            caller,
            client,
            interval: (start, end),
            body: ApiUsageClientQuery::default(),
            polling: waits(),
        };
        query.group_by([UsageGroup::Template, UsageGroup::Method]).metrics([
            UsageMetric::Requests,
            UsageMetric::Status200,
            UsageMetric::Status300,
            UsageMetric::Status400,
            UsageMetric::Status429,
            UsageMetric::Status500,
        ])
    }

    /// A row for each of these. Default: one for the whole interval.
    pub fn granularity(mut self, granularity: UsageGranularity) -> Self {
        self.body.granularity = Some(granularity);
        self
    }

    /// A row for each value of these.
    pub fn group_by(mut self, groups: impl IntoIterator<Item = UsageGroup>) -> Self {
        self.body.group_by = Some(groups.into_iter().map(|one| one.as_str().into()).collect());
        self
    }

    /// What is counted.
    pub fn metrics(mut self, metrics: impl IntoIterator<Item = UsageMetric>) -> Self {
        self.body.metrics = Some(metrics.into_iter().map(|one| one.as_str().into()).collect());
        self
    }

    /// How [`rows`](Self::rows) waits. Default: 5 s to a minute between two calls, for 10 minutes.
    pub fn polling(mut self, polling: Polling) -> Self {
        self.polling = polling;
        self
    }

    /// Starts the query.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) for an interval that does not end after it starts; else as
    /// [`Client::execute`](crate::Client::execute).
    ///
    /// # Cancel safety
    /// A dropped call may leave a query that nobody asks for; it ends by itself.
    pub async fn start(mut self) -> Result<UsageRun> {
        let (start, end) = self.interval;
        if end <= start {
            return Err(Error::config(
                "the interval of the usage query does not end after it starts",
            ));
        }
        self.body.interval = Some(format!("{}/{}", iso(start)?, iso(end)?).into());
        let started = match &self.client {
            Some(id) => {
                let query = PostOauthClientUsageQuery::new(id.clone(), self.body);
                self.caller.execute(query).await?
            }
            #[cfg(feature = "rest-usage")]
            None => self.caller.execute(PostUsageQuery::new(self.body)).await?,
            #[cfg(not(feature = "rest-usage"))]
            None => return Err(Error::config("the query names no OAuth client")),
        };
        let id = started.execution_id.filter(|id| !id.is_empty()).ok_or_else(|| {
            Error::new(ErrorKind::Decode, "the started usage query comes without an executionId")
        })?;
        Ok(UsageRun { polling: self.polling, ..UsageRun::new(self.caller, self.client, id) })
    }

    /// Starts the query, and waits for its rows.
    ///
    /// # Errors
    /// As [`start`](Self::start) and [`UsageRun::rows`].
    ///
    /// # Cancel safety
    /// As [`start`](Self::start).
    pub async fn rows(self) -> Result<Vec<ApiUsageRow>> {
        self.start().await?.rows().await
    }
}

/// A query of usage that was started.
#[derive(Clone, Debug)]
pub struct UsageRun {
    caller: Caller,
    client: Option<Box<str>>,
    id: Box<str>,
    polling: Polling,
}

impl UsageRun {
    pub(super) fn new(caller: Caller, client: Option<Box<str>>, id: Box<str>) -> Self {
        Self { caller, client, id, polling: waits() }
    }

    /// The id of the execution: with it, the rows can be asked for later.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How [`rows`](Self::rows) waits. Default: 5 s to a minute between two calls, for 10 minutes.
    pub fn polling(mut self, polling: Polling) -> Self {
        self.polling = polling;
        self
    }

    /// How far it is, with its rows once it is complete.
    ///
    /// # Errors
    /// As [`Client::execute`](crate::Client::execute). For a query that the platform does not know any more:
    /// [`NotFound`](ErrorKind::NotFound), or the status 410.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn state(&self) -> Result<ApiUsageQueryResult> {
        let id = self.id.clone();
        let state = match &self.client {
            Some(client) => {
                self.caller.execute(GetOauthClientUsageQueryResult::new(client.clone(), id)).await
            }
            #[cfg(feature = "rest-usage")]
            None => self.caller.execute(GetUsageQueryExecutionIdResults::new(id)).await,
            #[cfg(not(feature = "rest-usage"))]
            None => Err(Error::config("the query names no OAuth client")),
        };
        state.map_err(|error| match error.status() {
            Some(404 | 410) => {
                error.with_hint("; the results of the usage query are gone: start it again")
            }
            _ => error,
        })
    }

    /// Waits for the rows.
    ///
    /// # Errors
    /// As [`state`](Self::state); [`Failed`](ErrorKind::Failed) when the platform says that the query failed;
    /// [`Timeout`](ErrorKind::Timeout) when it was not complete in time.
    ///
    /// # Cancel safety
    /// Safe: the query goes on at the platform.
    pub async fn rows(&self) -> Result<Vec<ApiUsageRow>> {
        let operation = match self.client {
            Some(_) => GetOauthClientUsageQueryResult::TEMPLATE,
            None => "/api/v2/usage/query/{executionId}/results",
        };
        let what = format!("usage query {}", self.id);
        poll(self.caller.api.service().ambient(), self.polling, &what, || async {
            let state = self.state().await?;
            match state.query_status {
                Some(ApiUsageQueryStatus::Complete) => {
                    Ok(Progress::Done(state.results.unwrap_or_default()))
                }
                Some(ApiUsageQueryStatus::Failed) => {
                    let error = Error::new(
                        ErrorKind::Failed,
                        format!("the platform says that {what} failed"),
                    );
                    Err(error)
                }
                Some(state) => Ok(Progress::Waiting(state.as_str().into())),
                None => Ok(Progress::Waiting("without a state".into())),
            }
        })
        .await
        .map_err(|error| match error.operation() {
            Some(_) => error,
            None => error.with_operation(format!("GET {operation}")),
        })
    }
}

/// The usage of the whole organisation, from [`Client::usage`](crate::Client::usage). A cheap clone.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use std::time::{Duration, SystemTime};
/// use genesys_cloud::UsageGroup;
///
/// let (week, now) = (Duration::from_secs(7 * 86_400), SystemTime::now());
/// let rows = client.usage().query(now - week, now).group_by([UsageGroup::OAuthClient]).rows().await?;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "rest-usage")]
#[derive(Clone, Debug)]
pub struct UsageApi {
    caller: Caller,
}

#[cfg(feature = "rest-usage")]
impl UsageApi {
    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// The same API, with another priority or deadline for every call.
    pub fn with(&self, options: CallOptions) -> Self {
        Self { caller: self.caller.with(options) }
    }

    /// What the organisation has called. Needs `usage:api:view`; the figures are up to a day old.
    pub fn query(&self, start: SystemTime, end: SystemTime) -> UsageQuery {
        UsageQuery::new(self.caller.clone(), None, start, end)
    }

    /// A query that was started earlier, perhaps by another process.
    pub fn run(&self, execution_id: &str) -> UsageRun {
        UsageRun::new(self.caller.clone(), None, execution_id.into())
    }
}

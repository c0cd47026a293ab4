//! In which presences and routing statuses users were.

use crate::core::limits;
use crate::rest::analytics::api::AnalyticsApi;
use crate::rest::analytics::checked::{Checked, Fault};
use crate::rest::analytics::filter::Filter;
use crate::rest::analytics::interval::Interval;
use crate::rest::analytics::job::{JobRequest, UserJobs};
use crate::rest::analytics::predicate::Dimension;
use crate::rest::generated::PostAnalyticsUsersDetailsQuery;
use crate::rest::generated::models::{
    AsyncUserDetailsQuery, PagingSpec, PresenceDetailQueryPredicateDimension, QueryOrder,
    QueryPredicateDimension, RoutingStatusDetailQueryPredicateDimension, UserDetailsQuery,
};
use crate::rest::pages::{Items, Pages};

/// A query for the presences and routing statuses of users, from
/// [`AnalyticsApi::user_details`](super::AnalyticsApi::user_details).
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use std::time::Duration;
/// use futures::TryStreamExt;
/// use genesys_cloud::analytics::{Clause, Interval, UserDimension};
///
/// let day = Interval::last(Duration::from_secs(86_400))?;
/// let agents = Clause::one_of(UserDimension::UserId, ["8f0c", "77aa"])?;
/// let mut users = client.analytics().user_details(day).users(agents).items();
/// while let Some(user) = users.try_next().await? {
///     for presence in user.primary_presence.unwrap_or_default() {
///         println!("{:?} since {:?}", presence.system_presence, presence.start_time);
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// The last record of each list has no end while it lasts.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until its pages are polled"]
pub struct UserDetails {
    analytics: AnalyticsApi,
    interval: Interval,
    query: UserDetailsQuery,
    fault: Fault,
}

impl UserDetails {
    pub(crate) fn new(analytics: AnalyticsApi, interval: Interval) -> Self {
        let query = UserDetailsQuery {
            interval: Some(interval.to_string().into()),
            paging: Some(PagingSpec {
                page_size: Some(limits::DETAILS_PAGE.into()),
                page_number: Some(1),
                ..PagingSpec::default()
            }),
            ..UserDetailsQuery::default()
        };
        Self { analytics, interval, query, fault: Fault::default() }
    }

    /// Selects users; several filters must all hold.
    pub fn users(mut self, filter: impl Into<Filter<QueryPredicateDimension>>) -> Self {
        let written = self.fault.take(Dimension::write(&filter.into()));
        self.query.user_filters.get_or_insert_default().extend(written);
        self
    }

    /// Selects by presences.
    pub fn presences(
        mut self,
        filter: impl Into<Filter<PresenceDetailQueryPredicateDimension>>,
    ) -> Self {
        let written = self.fault.take(Dimension::write(&filter.into()));
        self.query.presence_filters.get_or_insert_default().extend(written);
        self
    }

    /// Selects by routing statuses.
    pub fn routing_statuses(
        mut self,
        filter: impl Into<Filter<RoutingStatusDetailQueryPredicateDimension>>,
    ) -> Self {
        let written = self.fault.take(Dimension::write(&filter.into()));
        self.query.routing_status_filters.get_or_insert_default().extend(written);
        self
    }

    /// The order of the users. Default: the platform's.
    pub fn order(mut self, order: QueryOrder) -> Self {
        self.query.order = Some(order);
        self
    }

    /// Users of a page. Default [`limits::DETAILS_PAGE`]; the platform may refuse more.
    pub fn page_size(mut self, size: u32) -> Self {
        if size == 0 {
            self.fault.say("a page has at least one user: page_size() was 0");
        }
        self.query.paging.get_or_insert_default().page_size = Some(size.into());
        self
    }

    /// The operation.
    pub fn operation(&self) -> Checked<PostAnalyticsUsersDetailsQuery> {
        let mut fault = self.fault.clone();
        let longest = self.analytics.limits().user_details;
        fault.take(self.interval.check(longest, "a query for details of users"));
        Checked::new(PostAnalyticsUsersDetailsQuery::new(self.query.clone()), fault)
    }

    /// The users, page by page. One page is held at a time.
    pub fn pages(&self) -> Pages<Checked<PostAnalyticsUsersDetailsQuery>> {
        self.analytics.pages(self.operation())
    }

    /// The users, one by one.
    pub fn items(&self) -> Items<Checked<PostAnalyticsUsersDetailsQuery>> {
        self.pages().items()
    }

    /// The same query as a job: for long intervals and many users. Its data is up to a day old.
    pub fn job(&self) -> JobRequest<UserJobs> {
        let mut fault = self.fault.clone();
        fault.take(self.interval.check(self.analytics.limits().jobs, "a job"));
        let query = self.query.clone();
        let query = AsyncUserDetailsQuery {
            interval: query.interval,
            user_filters: query.user_filters,
            presence_filters: query.presence_filters,
            routing_status_filters: query.routing_status_filters,
            order: query.order,
            ..AsyncUserDetailsQuery::default()
        };
        JobRequest::new(self.analytics.clone(), query, fault)
    }
}

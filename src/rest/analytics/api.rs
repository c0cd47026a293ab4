//! The façade of analytics.

use std::collections::HashMap;
use std::fmt;
use std::time::SystemTime;

use crate::core::limits;
use crate::error::Result;
use crate::rest::analytics::aggregates::Aggregates;
use crate::rest::analytics::conversation_details::ConversationDetails;
use crate::rest::analytics::disconnects::DisconnectQuery;
use crate::rest::analytics::filter::Filter;
use crate::rest::analytics::interval::{Interval, IntervalLimits};
use crate::rest::analytics::job::{ConversationJobs, Job, UserJobs};
use crate::rest::analytics::kinds::{OfConversations, OfFlows, OfQueues, OfUsers};
use crate::rest::analytics::observations::Observations;
use crate::rest::analytics::user_details::UserDetails;
use crate::rest::api::Api;
use crate::rest::generated::{self as operations, models};
use crate::rest::operation::{CallOptions, Operation};
use crate::rest::pages::Pages;
use crate::rest::paging::Paged;
use crate::transport::ambient::Ambient;

/// What happened: details, aggregates and observations of conversations, users and queues, from
/// [`Client::analytics`](crate::Client::analytics). A cheap clone.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use std::time::Duration;
/// use futures::TryStreamExt;
/// use genesys_cloud::analytics::{Interval, Predicate, SegmentDimension};
///
/// let today = Interval::last(Duration::from_secs(86_400))?;
/// let voice = Predicate::matches(SegmentDimension::MediaType, "voice");
/// let mut calls = client.analytics().conversation_details(today).filter(voice).items();
/// while let Some(call) = calls.try_next().await? {
///     println!("{:?} {:?}", call.conversation_id, call.conversation_start);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// What cannot be sent, such as an interval that is too long, is [`Config`](crate::ErrorKind::Config) when it is called,
/// before anything is sent. An unknown id is [`NotFound`](crate::ErrorKind::NotFound), a permission that is missing
/// [`Forbidden`](crate::ErrorKind::Forbidden); the rest is as with [`Client::execute`](crate::Client::execute).
#[derive(Clone)]
pub struct AnalyticsApi {
    api: Api,
    ambient: Ambient,
    options: CallOptions,
    limits: IntervalLimits,
}

/// Conversations that were asked for by their ids.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FoundConversations {
    /// Those that there are, in the order in which they were asked for.
    pub found: Vec<models::AnalyticsConversationWithoutAttributes>,
    /// The ids of which nothing is known, or not yet, in the same order.
    pub missing: Vec<Box<str>>,
}

impl AnalyticsApi {
    pub(crate) fn new(api: Api, ambient: Ambient) -> Self {
        let (options, limits) = (CallOptions::default(), IntervalLimits::default());
        Self { api, ambient, options, limits }
    }

    /// How each call is made: its priority and its deadline.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Which intervals are refused before anything is sent. Default [`IntervalLimits::default`].
    pub fn interval_limits(mut self, limits: IntervalLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Details of the conversations that started on a day (UTC) that the interval touches.
    ///
    /// It takes the permission `analytics:conversationDetail:view`.
    pub fn conversation_details(&self, interval: Interval) -> ConversationDetails {
        ConversationDetails::new(self.clone(), interval)
    }

    /// Details of one conversation. Analytics learn of it some seconds to minutes after it began.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when nothing is known of it, or not yet; see [`AnalyticsApi`].
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn conversation(
        &self,
        id: &str,
    ) -> Result<models::AnalyticsConversationWithoutAttributes> {
        self.execute(operations::GetAnalyticsConversationDetails::new(id)).await
    }

    /// Details of many conversations, 50 with each call, one call after the other.
    ///
    /// ```no_run
    /// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
    /// let conversations = client.analytics().conversations(["a7c1", "b3a1"]).await?;
    /// println!("{} found, unknown: {:?}", conversations.found.len(), conversations.missing);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`AnalyticsApi`]; unknown ids are no error.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn conversations(
        &self,
        ids: impl IntoIterator<Item = impl Into<Box<str>>>,
    ) -> Result<FoundConversations> {
        let ids: Vec<Box<str>> = ids.into_iter().map(Into::into).collect();
        let mut all = FoundConversations::default();
        for some in ids.chunks(limits::DETAILS_IDS) {
            let asked = operations::GetAnalyticsConversationsDetails::new().id(some.to_vec());
            let answer = self.execute(asked).await?.conversations.unwrap_or_default();
            let mut known: HashMap<Box<str>, _> = answer
                .into_iter()
                .filter_map(|one| Some((one.conversation_id.clone()?, one)))
                .collect();
            for id in some {
                match known.remove(id) {
                    Some(one) => all.found.push(one),
                    None => all.missing.push(id.clone()),
                }
            }
        }
        Ok(all)
    }

    /// A job of [`ConversationDetails::job`] that was started earlier, by its [`id`](Job::id).
    pub fn conversation_job(&self, id: impl Into<Box<str>>) -> Job<ConversationJobs> {
        Job::new(self.clone(), id.into())
    }

    /// Up to when jobs find conversations: their data is up to a day old.
    ///
    /// # Errors
    /// See [`AnalyticsApi`].
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn conversation_jobs_reach(&self) -> Result<Option<SystemTime>> {
        let asked = operations::GetAnalyticsConversationsDetailsJobsAvailability::new();
        let answer = self.execute(asked).await?;
        Ok(answer.data_availability_date.and_then(|date| date.to_system_time()))
    }

    /// In which presences and routing statuses users were.
    ///
    /// It takes the permission `analytics:userDetail:view`.
    pub fn user_details(&self, interval: Interval) -> UserDetails {
        UserDetails::new(self.clone(), interval)
    }

    /// A job of [`UserDetails::job`] that was started earlier, by its [`id`](Job::id).
    pub fn user_job(&self, id: impl Into<Box<str>>) -> Job<UserJobs> {
        Job::new(self.clone(), id.into())
    }

    /// Figures of conversations: counts, durations, service levels. Grouped by the queue they are figures of queues.
    ///
    /// It takes the permission `analytics:conversationAggregate:view`.
    pub fn conversation_aggregates(&self, interval: Interval) -> Aggregates<OfConversations> {
        Aggregates::new(self.clone(), interval)
    }

    /// How long users were in which presences and routing statuses.
    ///
    /// It takes the permission `analytics:userAggregate:view`.
    pub fn user_aggregates(&self, interval: Interval) -> Aggregates<OfUsers> {
        Aggregates::new(self.clone(), interval)
    }

    /// Figures of flows.
    ///
    /// It takes the permission `analytics:flowAggregate:view`.
    pub fn flow_aggregates(&self, interval: Interval) -> Aggregates<OfFlows> {
        Aggregates::new(self.clone(), interval)
    }

    /// What goes on in queues right now.
    ///
    /// It takes the permission `analytics:queueObservation:view`.
    pub fn queue_observations(
        &self,
        filter: impl Into<Filter<models::QueueObservationQueryPredicateDimension>>,
    ) -> Observations<OfQueues> {
        Observations::new(self.clone(), filter.into())
    }

    /// In how many queues users are right now.
    ///
    /// It takes the permission `analytics:userObservation:view`.
    pub fn user_observations(
        &self,
        filter: impl Into<Filter<models::QueryPredicateDimension>>,
    ) -> Observations<OfUsers> {
        Observations::new(self.clone(), filter.into())
    }

    /// Which legs of conversations a fault ended, and how they are spread over queues, users and edges.
    ///
    /// It takes the permission `analytics:conversationDetail:view`.
    pub fn disconnect_report(&self, interval: Interval) -> DisconnectQuery {
        DisconnectQuery::new(self.clone(), interval)
    }

    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    pub(crate) fn ambient(&self) -> &Ambient {
        &self.ambient
    }

    pub(crate) fn call_options(&self) -> CallOptions {
        self.options
    }

    pub(crate) fn limits(&self) -> IntervalLimits {
        self.limits
    }

    pub(crate) async fn execute<O: Operation>(&self, operation: O) -> Result<O::Response> {
        self.api.execute(operation, self.options).await
    }

    pub(crate) fn pages<O: Paged>(&self, operation: O) -> Pages<O> {
        Pages::new(self.api.clone(), operation, self.options)
    }
}

impl fmt::Debug for AnalyticsApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnalyticsApi").field("limits", &self.limits).finish_non_exhaustive()
    }
}

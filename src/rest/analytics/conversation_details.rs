//! Details of conversations, page by page.

use crate::core::limits;
use crate::error::Result;
use crate::rest::analytics::api::AnalyticsApi;
use crate::rest::analytics::checked::{Checked, Fault};
use crate::rest::analytics::clause::Clause;
use crate::rest::analytics::filter::Filter;
use crate::rest::analytics::interval::Interval;
use crate::rest::analytics::job::{ConversationJobs, JobRequest};
use crate::rest::analytics::predicate::{Dimension, Predicate};
use crate::rest::generated::PostAnalyticsConversationsDetailsQuery;
use crate::rest::generated::models::{
    AsyncConversationQuery, ConversationDetailQueryPredicateDimension, ConversationOrderBy,
    ConversationQuery, PagingSpec, QueryOrder, SegmentDetailQueryPredicateDimension,
};
use crate::rest::pages::{Items, Pages};

/// A query for details of conversations, from
/// [`AnalyticsApi::conversation_details`](super::AnalyticsApi::conversation_details).
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use std::time::Duration;
/// use futures::TryStreamExt;
/// use genesys_cloud::analytics::{Clause, ConversationOrderBy, Interval, QueryOrder, SegmentDimension};
///
/// let hour = Interval::last(Duration::from_secs(3_600))?;
/// let mut pages = client
///     .analytics()
///     .conversation_details(hour)
///     .filter(Clause::one_of(SegmentDimension::QueueId, ["77aa", "8f0c"])?)
///     .order_by(ConversationOrderBy::ConversationEnd, QueryOrder::Desc)
///     .pages();
/// while let Some(page) = pages.try_next().await? {
///     println!("{} of {:?}", page.items.len(), page.total);
///     // Written down, the listing can go on from here in another process.
///     let position = serde_json::to_string(&pages.position()).expect("a position is JSON");
/// }
/// # Ok(())
/// # }
/// ```
///
/// The platform answers the conversations that started on a day (UTC) that the interval touches. What is new shifts the
/// pages: end the interval a minute ago or earlier, and expect a conversation twice now and then.
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until its pages are polled"]
pub struct ConversationDetails {
    analytics: AnalyticsApi,
    interval: Interval,
    query: ConversationQuery,
    fault: Fault,
}

/// A filter of conversations: of the conversation itself, or of the segments of its legs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DetailFilter {
    /// Of the conversation.
    Conversation(Filter<ConversationDetailQueryPredicateDimension>),
    /// Of a segment: conversations with one that fits.
    Segment(Filter<SegmentDetailQueryPredicateDimension>),
}

macro_rules! into_detail_filter {
    ($variant:ident: $dimension:ident, $($from:ident)*) => {
        $(impl From<$from<$dimension>> for DetailFilter {
            fn from(filter: $from<$dimension>) -> Self {
                Self::$variant(filter.into())
            }
        })*
    };
}
into_detail_filter!(
    Conversation: ConversationDetailQueryPredicateDimension, Predicate Clause Filter
);
into_detail_filter!(Segment: SegmentDetailQueryPredicateDimension, Predicate Clause Filter);

impl ConversationDetails {
    pub(crate) fn new(analytics: AnalyticsApi, interval: Interval) -> Self {
        let query = ConversationQuery {
            interval: Some(interval.to_string().into()),
            paging: Some(PagingSpec {
                page_size: Some(limits::DETAILS_PAGE.into()),
                page_number: Some(1),
                ..PagingSpec::default()
            }),
            ..ConversationQuery::default()
        };
        Self { analytics, interval, query, fault: Fault::default() }
    }

    /// Selects; several filters must all hold.
    pub fn filter(mut self, filter: impl Into<DetailFilter>) -> Self {
        match filter.into() {
            DetailFilter::Conversation(filter) => {
                let written = self.fault.take(Dimension::write(&filter));
                self.query.conversation_filters.get_or_insert_default().extend(written);
            }
            DetailFilter::Segment(filter) => {
                let written = self.fault.take(Dimension::write(&filter));
                self.query.segment_filters.get_or_insert_default().extend(written);
            }
        }
        self
    }

    /// The order of the conversations. Default: by their start, the earliest first.
    pub fn order_by(mut self, by: ConversationOrderBy, order: QueryOrder) -> Self {
        self.query.order_by = Some(by);
        self.query.order = Some(order);
        self
    }

    /// Conversations of a page. Default [`limits::DETAILS_PAGE`]; the platform may refuse more.
    pub fn page_size(mut self, size: u32) -> Self {
        if size == 0 {
            self.fault.say("a page has at least one conversation: page_size() was 0");
        }
        self.query.paging.get_or_insert_default().page_size = Some(size.into());
        self
    }

    /// The operation.
    pub fn operation(&self) -> Checked<PostAnalyticsConversationsDetailsQuery> {
        let mut fault = self.fault.clone();
        let longest = self.analytics.limits().conversation_details;
        fault.take(self.interval.check(longest, "a query for details of conversations"));
        let operation = PostAnalyticsConversationsDetailsQuery::new(self.query.clone());
        Checked::new(operation, fault)
    }

    /// The conversations, page by page. One page is held at a time.
    pub fn pages(&self) -> Pages<Checked<PostAnalyticsConversationsDetailsQuery>> {
        self.analytics.pages(self.operation())
    }

    /// The conversations, one by one.
    pub fn items(&self) -> Items<Checked<PostAnalyticsConversationsDetailsQuery>> {
        self.pages().items()
    }

    /// How many conversations there are; the platform calls it approximate. Costs one call.
    ///
    /// # Errors
    /// See [`AnalyticsApi`].
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn total(&self) -> Result<u64> {
        let answer = self.analytics.execute(self.clone().page_size(1).operation()).await?;
        let total = answer.total_hits.and_then(|total| u64::try_from(total).ok());
        // Without a count there is the page.
        Ok(total.unwrap_or_else(|| answer.conversations.map_or(0, |list| list.len() as u64)))
    }

    /// The same query as a job: for more than can be paged through, and with the attributes of participants.
    ///
    /// A job finds the conversations that had activity in the interval. Its data is up to a day old:
    /// [`conversation_jobs_reach`](AnalyticsApi::conversation_jobs_reach) says up to when.
    pub fn job(&self) -> JobRequest<ConversationJobs> {
        let mut fault = self.fault.clone();
        fault.take(self.interval.check(self.analytics.limits().jobs, "a job"));
        let query = self.query.clone();
        let query = AsyncConversationQuery {
            conversation_filters: query.conversation_filters,
            segment_filters: query.segment_filters,
            order: query.order,
            order_by: query.order_by,
            interval: query.interval,
            ..AsyncConversationQuery::default()
        };
        JobRequest::new(self.analytics.clone(), query, fault)
    }
}

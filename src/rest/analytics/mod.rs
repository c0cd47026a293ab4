//! Analytics: what happened in conversations, and what goes on right now.
//!
//! [`Client::analytics`](crate::Client::analytics) has the calls. A query is put together from an [`Interval`], filters
//! and what is wanted; nothing is sent until its pages are polled or it is fetched. What cannot be said, such as a filter
//! without predicates, cannot be built; what cannot be sent, such as an interval that is too long, is an error before
//! anything is sent.
//!
//! Filters are made of [`Predicate`]s, which are joined to [`Clause`]s and those to [`Filter`]s. What they can name
//! depends on the query: [`ConversationDimension`] and [`SegmentDimension`] for details, [`AggregateDimension`] for
//! aggregates, and so on. A value of the platform that this version does not know is `Other("…".into())`.
//!
//! The other operations of the family are in [`operations`](crate::operations), for
//! [`Client::execute`](crate::Client::execute).

mod aggregates;
mod api;
mod checked;
mod clause;
mod conversation_details;
mod disconnects;
mod filter;
mod granularity;
mod interval;
mod job;
mod kinds;
mod observations;
mod predicate;
mod range;
mod user_details;

pub use aggregates::{AggregateRow, Aggregated, Aggregates};
pub use api::{AnalyticsApi, FoundConversations};
pub use checked::Checked;
pub use clause::Clause;
pub use conversation_details::{ConversationDetails, DetailFilter};
pub use disconnects::{DisconnectQuery, DisconnectReport, EndCount};
pub use filter::Filter;
pub use granularity::Granularity;
pub use interval::{Interval, IntervalLimits};
pub use job::{ConversationJobs, Job, JobKind, JobRequest, JobStatus, UserJobs};
pub use kinds::{
    AggregateAnswer, AggregateKind, ObservationAnswer, ObservationKind, OfConversations, OfFlows,
    OfQueues, OfUsers, QueueMetric, UserObservationMetric,
};
pub use observations::{ObservationRow, Observations, Observed};
pub use predicate::{Dimension, Metric, NoMetric, Predicate};
pub use range::Range;
pub use user_details::UserDetails;

pub use crate::rest::conversation_ends::{ConversationEnd, MediaQuality};
pub use crate::rest::disconnect_kind::DisconnectKind;
pub use crate::rest::generated::models::{
    AsyncQueryState, ConversationAggregateQueryPredicateDimension as AggregateDimension,
    ConversationAggregationViewTarget as ConversationMetric,
    ConversationDetailQueryPredicateDimension as ConversationDimension,
    ConversationDetailQueryPredicateMetric as ConversationDetailMetric, ConversationOrderBy,
    FlowAggregateQueryPredicateDimension as FlowDimension, FlowMetricName as FlowMetric,
    PresenceDetailQueryPredicateDimension as PresenceDimension, QueryOrder,
    QueryPredicateDimension as UserDimension,
    QueueObservationQueryPredicateDimension as QueueDimension,
    RoutingStatusDetailQueryPredicateDimension as RoutingStatusDimension,
    SegmentDetailQueryPredicateDimension as SegmentDimension,
    SegmentDetailQueryPredicateMetric as SegmentMetric, UserAggregationViewTarget as UserMetric,
};
pub use crate::rest::poll::Polling;

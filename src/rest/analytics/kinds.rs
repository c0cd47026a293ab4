//! What figures are about.

use std::fmt::{Debug, Display};

use crate::events::open_enum::open_enum;
use crate::rest::analytics::predicate::{Dimension, private};
use crate::rest::generated::{self as operations, models};
use crate::rest::operation::Operation;

/// Figures of conversations.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OfConversations;

/// Figures of flows.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OfFlows;

/// Figures of queues.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OfQueues;

/// Figures of users.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OfUsers;

impl private::Sealed for OfConversations {}
impl private::Sealed for OfFlows {}
impl private::Sealed for OfQueues {}
impl private::Sealed for OfUsers {}

/// What aggregates can be about. It is sealed: the platform says what there is.
pub trait AggregateKind: private::Sealed + Clone + Send + Sync + 'static {
    /// What they can be filtered and grouped by.
    type Dimension: Dimension;
    /// What is measured.
    type Metric: Clone + Debug + Display + Send + Sync + 'static;
    /// The answer.
    type Answer: AggregateAnswer;
    /// The operation.
    type Operation: Operation<Response = Self::Answer> + Clone;
    #[doc(hidden)]
    fn operation(query: AggregateQuery<Self>) -> Self::Operation;
}

/// An answer with aggregates.
pub trait AggregateAnswer: private::Sealed + Clone + Debug + Send + 'static {
    #[doc(hidden)]
    fn results(&self) -> &[models::AggregateDataContainer];
}

/// What is asked for, whatever its type is called.
#[doc(hidden)]
#[derive(Debug)]
pub struct AggregateQuery<K: AggregateKind> {
    pub(crate) interval: Box<str>,
    pub(crate) granularity: Option<Box<str>>,
    pub(crate) time_zone: Option<Box<str>>,
    pub(crate) group_by: Option<Vec<Box<str>>>,
    pub(crate) filter: Option<<K::Dimension as Dimension>::Written>,
    pub(crate) metrics: Option<Vec<Box<str>>>,
}

macro_rules! aggregates {
    ($kind:ident: $dimension:ident, $metric:ident, $operation:ident, $query:ident -> $answer:ident) => {
        impl AggregateKind for $kind {
            type Dimension = models::$dimension;
            type Metric = models::$metric;
            type Answer = models::$answer;
            type Operation = operations::$operation;

            fn operation(query: AggregateQuery<Self>) -> Self::Operation {
                operations::$operation::new(models::$query {
                    interval: Some(query.interval),
                    granularity: query.granularity,
                    time_zone: query.time_zone,
                    group_by: query.group_by,
                    filter: query.filter.map(Box::new),
                    metrics: query.metrics,
                    ..Default::default()
                })
            }
        }
    };
}
aggregates!(
    OfConversations: ConversationAggregateQueryPredicateDimension,
    ConversationAggregationViewTarget, PostAnalyticsConversationsAggregatesQuery,
    ConversationAggregationQuery -> AggregateQueryResponse
);
aggregates!(
    OfUsers: QueryPredicateDimension, UserAggregationViewTarget,
    PostAnalyticsUsersAggregatesQuery, UserAggregationQuery -> UserAggregateQueryResponse
);
aggregates!(
    OfFlows: FlowAggregateQueryPredicateDimension, FlowMetricName,
    PostAnalyticsFlowsAggregatesQuery, FlowAggregationQuery -> AggregateQueryResponse
);

/// What observations can be about. It is sealed: the platform says what there is.
pub trait ObservationKind: private::Sealed + Clone + Send + Sync + 'static {
    /// What they can be filtered by.
    type Dimension: Dimension;
    /// What is observed.
    type Metric: Clone + Debug + Display + Send + Sync + 'static;
    /// The answer.
    type Answer: ObservationAnswer;
    /// The operation.
    type Operation: Operation<Response = Self::Answer> + Clone;
    #[doc(hidden)]
    fn operation(query: ObservationQuery<Self>) -> Self::Operation;
}

/// An answer with observations.
pub trait ObservationAnswer: private::Sealed + Clone + Debug + Send + 'static {
    #[doc(hidden)]
    fn results(&self) -> &[models::ObservationDataContainer];
}

/// What is asked for, whatever its type is called.
#[doc(hidden)]
#[derive(Debug)]
pub struct ObservationQuery<K: ObservationKind> {
    pub(crate) filter: Option<<K::Dimension as Dimension>::Written>,
    pub(crate) metrics: Option<Vec<Box<str>>>,
    pub(crate) detail_metrics: Option<Vec<Box<str>>>,
}

macro_rules! observations {
    ($kind:ident: $dimension:ident, $metric:ident, $operation:ident, $query:ident -> $answer:ident) => {
        impl ObservationKind for $kind {
            type Dimension = models::$dimension;
            type Metric = $metric;
            type Answer = models::$answer;
            type Operation = operations::$operation;

            fn operation(query: ObservationQuery<Self>) -> Self::Operation {
                operations::$operation::new(models::$query {
                    filter: query.filter.map(Box::new),
                    metrics: query.metrics,
                    detail_metrics: query.detail_metrics,
                    ..Default::default()
                })
            }
        }
    };
}
observations!(
    OfQueues: QueueObservationQueryPredicateDimension, QueueMetric,
    PostAnalyticsQueuesObservationsQuery, QueueObservationQuery -> QueueObservationQueryResponse
);
observations!(
    OfUsers: QueryPredicateDimension, UserObservationMetric,
    PostAnalyticsUsersObservationsQuery, UserObservationQuery -> ObservationQueryResponse
);

macro_rules! answers {
    ($answer:ident, $what:ident, $container:ident: $($model:ident)*) => {
        $(
            impl private::Sealed for models::$model {}

            impl $answer for models::$model {
                fn results(&self) -> &[models::$container] {
                    self.$what.as_deref().unwrap_or_default()
                }
            }
        )*
    };
}
answers!(AggregateAnswer, results, AggregateDataContainer: AggregateQueryResponse UserAggregateQueryResponse);
answers!(
    ObservationAnswer, results, ObservationDataContainer:
    ObservationQueryResponse QueueObservationQueryResponse
);

open_enum! {
    /// What can be observed of queues.
    pub enum QueueMetric {
        /// Agents who are active for the queue.
        OActiveUsers = "oActiveUsers",
        /// Conversations that ring at an agent.
        OAlerting = "oAlerting",
        /// Conversations with an agent.
        OInteracting = "oInteracting",
        /// The conversation that is with an agent for the longest time.
        OLongestInteracting = "oLongestInteracting",
        /// The conversation that waits for the longest time.
        OLongestWaiting = "oLongestWaiting",
        /// Members of the queue.
        OMemberUsers = "oMemberUsers",
        /// Members who are off queue.
        OOffQueueUsers = "oOffQueueUsers",
        /// Members who are on queue, by routing status.
        OOnQueueUsers = "oOnQueueUsers",
        /// Members by presence: the qualifier is its definition.
        OUserPresences = "oUserPresences",
        /// Members by routing status: the qualifier says which.
        OUserRoutingStatuses = "oUserRoutingStatuses",
        /// Conversations that wait.
        OWaiting = "oWaiting",
    }
}

open_enum! {
    /// What can be observed of users.
    pub enum UserObservationMetric {
        /// Queues for which the user is active.
        OActiveQueues = "oActiveQueues",
        /// Queues of which the user is a member.
        OMemberQueues = "oMemberQueues",
    }
}

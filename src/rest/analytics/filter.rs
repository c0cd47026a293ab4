//! What a query selects.

use crate::error::{Error, Result};
use crate::rest::analytics::clause::{Clause, Join};
use crate::rest::analytics::predicate::{Dimension, Metric, NoMetric, Predicate, private};
use crate::rest::generated::models;

/// What a query selects: predicates and clauses of which all must hold, or one. It is never empty, and has the two levels
/// that the platform takes.
///
/// A [`Predicate`] and a [`Clause`] are filters too.
///
/// ```
/// use genesys_cloud::analytics::{Clause, Filter, Predicate, SegmentDimension};
///
/// let queues = Clause::one_of(SegmentDimension::QueueId, ["77aa", "8f0c"])?;
/// let voice = Predicate::matches(SegmentDimension::MediaType, "voice");
/// let both = Filter::all([queues, voice.into()])?;
/// # Ok::<(), genesys_cloud::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Filter<D: Dimension> {
    join: Join,
    predicates: Vec<Predicate<D>>,
    clauses: Vec<Clause<D>>,
}

impl<D: Dimension> Filter<D> {
    /// All of these hold.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when there are none.
    pub fn all(clauses: impl IntoIterator<Item = Clause<D>>) -> Result<Self> {
        Self::of(Join::And, clauses)
    }

    /// At least one of these holds.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when there are none.
    pub fn any(clauses: impl IntoIterator<Item = Clause<D>>) -> Result<Self> {
        Self::of(Join::Or, clauses)
    }

    fn of(join: Join, clauses: impl IntoIterator<Item = Clause<D>>) -> Result<Self> {
        let (mut predicates, mut kept) = (Vec::new(), Vec::new());
        for clause in clauses {
            // One level less says the same.
            if clause.join == join || clause.predicates.len() == 1 {
                predicates.extend(clause.predicates);
            } else {
                kept.push(clause);
            }
        }
        if predicates.is_empty() && kept.is_empty() {
            return Err(Error::config(
                "a filter without predicates would select everything: leave it out",
            ));
        }
        Ok(Self { join, predicates, clauses: kept })
    }
}

impl<D: Dimension> From<Clause<D>> for Filter<D> {
    fn from(clause: Clause<D>) -> Self {
        Self { join: clause.join, predicates: clause.predicates, clauses: Vec::new() }
    }
}

impl<D: Dimension> From<Predicate<D>> for Filter<D> {
    fn from(predicate: Predicate<D>) -> Self {
        Clause::from(predicate).into()
    }
}

/// Says how the filters of one kind of query are written: the types of all kinds have the same fields, but for metrics.
macro_rules! dimension {
    ($dimension:ident: $filter:ident, $clause:ident, $predicate:ident $(, $metric:ident)?) => {
        impl private::Sealed for models::$dimension {}

        $(
            impl private::Sealed for models::$metric {}

            impl Metric for models::$metric {
                type Dimension = models::$dimension;
            }
        )?

        impl Dimension for models::$dimension {
            type Metric = dimension!(@metric $($metric)?);
            type Written = models::$filter;

            fn write(filter: &Filter<Self>) -> Result<Self::Written> {
                let write = |list: &[Predicate<Self>]| -> Result<Vec<_>> {
                    let written = list.iter().map(|one| {
                        let parts = one.parts()?;
                        Ok(models::$predicate {
                            type_: Some(parts.kind),
                            dimension: parts.dimension,
                            $(metric: parts.metric.map(|metric: models::$metric| metric),)?
                            operator: Some(parts.operator),
                            value: parts.value,
                            range: parts.range,
                            ..Default::default()
                        })
                    });
                    written.collect()
                };
                let some = |list: Vec<models::$predicate>| Some(list).filter(|list| !list.is_empty());
                let clauses = filter.clauses.iter().map(|clause| {
                    Ok(models::$clause {
                        type_: Some(clause.join.into()),
                        predicates: some(write(&clause.predicates)?),
                        ..Default::default()
                    })
                });
                let clauses: Vec<_> = clauses.collect::<Result<_>>()?;
                Ok(models::$filter {
                    type_: Some(filter.join.into()),
                    clauses: Some(clauses).filter(|list| !list.is_empty()),
                    predicates: some(write(&filter.predicates)?),
                    ..Default::default()
                })
            }
        }
    };
    (@metric $metric:ident) => { models::$metric };
    (@metric) => { NoMetric };
}

dimension!(
    ConversationDetailQueryPredicateDimension: ConversationDetailQueryFilter,
    ConversationDetailQueryClause, ConversationDetailQueryPredicate,
    ConversationDetailQueryPredicateMetric
);
dimension!(
    SegmentDetailQueryPredicateDimension: SegmentDetailQueryFilter, SegmentDetailQueryClause,
    SegmentDetailQueryPredicate, SegmentDetailQueryPredicateMetric
);
dimension!(
    ConversationAggregateQueryPredicateDimension: ConversationAggregateQueryFilter,
    ConversationAggregateQueryClause, ConversationAggregateQueryPredicate
);
dimension!(
    FlowAggregateQueryPredicateDimension: FlowAggregateQueryFilter, FlowAggregateQueryClause,
    FlowAggregateQueryPredicate
);
dimension!(
    QueueObservationQueryPredicateDimension: QueueObservationQueryFilter,
    QueueObservationQueryClause, QueueObservationQueryPredicate
);
dimension!(QueryPredicateDimension: QueryFilter, QueryClause, QueryPredicate);
dimension!(
    PresenceDetailQueryPredicateDimension: PresenceDetailQueryFilter, PresenceDetailQueryClause,
    PresenceDetailQueryPredicate
);
dimension!(
    RoutingStatusDetailQueryPredicateDimension: RoutingStatusDetailQueryFilter,
    RoutingStatusDetailQueryClause, RoutingStatusDetailQueryPredicate
);

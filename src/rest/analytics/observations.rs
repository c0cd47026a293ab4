//! What goes on right now.

use std::sync::Arc;

use serde::Serialize;

use crate::error::Result;
use crate::events::Members;
use crate::rest::analytics::api::AnalyticsApi;
use crate::rest::analytics::checked::{Checked, Fault};
use crate::rest::analytics::filter::Filter;
use crate::rest::analytics::kinds::{ObservationAnswer, ObservationKind, ObservationQuery};
use crate::rest::analytics::predicate::Dimension;
use crate::rest::generated::models::{
    ObservationDataContainer, ObservationValue, StatisticalSummary,
};

/// A query for what goes on right now, from
/// [`AnalyticsApi::queue_observations`](super::AnalyticsApi::queue_observations) and its sibling.
///
/// Those who want to know of every change subscribe to the topic of the queue instead of asking again and again.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use genesys_cloud::analytics::{Predicate, QueueDimension, QueueMetric};
///
/// let answer = client
///     .analytics()
///     .queue_observations(Predicate::matches(QueueDimension::QueueId, "77aa"))
///     .metrics([QueueMetric::OWaiting, QueueMetric::OInteracting])
///     .details([QueueMetric::OWaiting])
///     .fetch()
///     .await?;
/// for row in &answer.rows {
///     println!("{:?} {} {:?}", row.of("mediaType"), row.metric, row.stats.count);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is fetched"]
pub struct Observations<K: ObservationKind> {
    analytics: AnalyticsApi,
    filter: Filter<K::Dimension>,
    metrics: Vec<Box<str>>,
    details: Vec<Box<str>>,
}

impl<K: ObservationKind> Observations<K> {
    pub(crate) fn new(analytics: AnalyticsApi, filter: Filter<K::Dimension>) -> Self {
        Self { analytics, filter, metrics: Vec::new(), details: Vec::new() }
    }

    /// What is observed. Name one at least: the platform may refuse a query without.
    pub fn metrics(mut self, metrics: impl IntoIterator<Item = K::Metric>) -> Self {
        self.metrics.extend(metrics.into_iter().map(|metric| metric.to_string().into()));
        self
    }

    /// The metrics of which each single observation is told too. Default: none.
    pub fn details(mut self, metrics: impl IntoIterator<Item = K::Metric>) -> Self {
        self.details.extend(metrics.into_iter().map(|metric| metric.to_string().into()));
        self
    }

    /// The operation.
    pub fn operation(&self) -> Checked<K::Operation> {
        let mut fault = Fault::default();
        let filter = fault.take(Dimension::write(&self.filter));
        let some = |list: &Vec<Box<str>>| Some(list.clone()).filter(|list| !list.is_empty());
        let (metrics, detail_metrics) = (some(&self.metrics), some(&self.details));
        let query = ObservationQuery { filter, metrics, detail_metrics };
        Checked::new(K::operation(query), fault)
    }

    /// Asks.
    ///
    /// # Errors
    /// See [`AnalyticsApi`].
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn fetch(&self) -> Result<Observed<K::Answer>> {
        let raw = self.analytics.execute(self.operation()).await?;
        Ok(Observed { rows: ObservationRow::all(raw.results()), raw })
    }
}

/// What goes on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Observed<R> {
    /// One row for each group, metric and qualifier, in the order of the answer.
    pub rows: Vec<ObservationRow>,
    /// The answer itself.
    pub raw: R,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ObservationRow {
    /// What it is of, such as a `queueId` with a `mediaType`.
    pub group: Arc<Members<Box<str>>>,
    /// What is observed.
    pub metric: Box<str>,
    /// Of `oUserRoutingStatuses` the status, of `oUserPresences` the id of the presence.
    pub qualifier: Option<Box<str>>,
    /// The figures; times are in milliseconds.
    pub stats: StatisticalSummary,
    /// Single observations, the earliest first, when they were asked for.
    pub observations: Vec<ObservationValue>,
    /// Whether there are more of them than were told.
    pub truncated: bool,
}

impl ObservationRow {
    fn all(results: &[ObservationDataContainer]) -> Vec<Self> {
        let mut rows = Vec::new();
        for container in results {
            let group = Arc::new(container.group.clone().unwrap_or_default());
            let data = container.data.as_deref().unwrap_or_default().iter();
            rows.extend(data.map(|one| Self {
                group: group.clone(),
                metric: one.metric.clone().unwrap_or_default(),
                qualifier: one.qualifier.clone(),
                stats: one.stats.as_deref().cloned().unwrap_or_default(),
                observations: one.observations.clone().unwrap_or_default(),
                truncated: one.truncated.unwrap_or_default(),
            }));
        }
        rows
    }

    /// The value of a dimension of the group.
    pub fn of(&self, dimension: &str) -> Option<&str> {
        self.group.get(dimension).map(|value| &**value)
    }
}

//! Figures over an interval.

use std::sync::Arc;

use serde::Serialize;

use crate::error::Result;
use crate::events::Members;
use crate::rest::analytics::api::AnalyticsApi;
use crate::rest::analytics::checked::{Checked, Fault};
use crate::rest::analytics::filter::Filter;
use crate::rest::analytics::granularity::Granularity;
use crate::rest::analytics::interval::Interval;
use crate::rest::analytics::kinds::{AggregateAnswer, AggregateKind, AggregateQuery};
use crate::rest::analytics::predicate::Dimension;
use crate::rest::generated::models::{AggregateDataContainer, StatisticalSummary};

/// A query for figures over an interval, from
/// [`AnalyticsApi::conversation_aggregates`](super::AnalyticsApi::conversation_aggregates) and its siblings.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use std::time::Duration;
/// use genesys_cloud::analytics::{AggregateDimension, ConversationMetric, Granularity, Interval};
///
/// let answer = client
///     .analytics()
///     .conversation_aggregates(Interval::last(Duration::from_secs(86_400))?)
///     .metrics([ConversationMetric::NOffered, ConversationMetric::TAnswered])
///     .group_by([AggregateDimension::QueueId, AggregateDimension::MediaType])
///     .granularity(Granularity::HALF_HOUR)
///     .fetch()
///     .await?;
/// for row in &answer.rows {
///     println!("{:?} {:?} {} {:?}", row.group.get("queueId"), row.interval, row.metric, row.stats.count);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is fetched"]
pub struct Aggregates<K: AggregateKind> {
    analytics: AnalyticsApi,
    interval: Interval,
    filter: Option<Filter<K::Dimension>>,
    group_by: Vec<Box<str>>,
    metrics: Vec<Box<str>>,
    granularity: Option<Granularity>,
    time_zone: Option<Box<str>>,
}

impl<K: AggregateKind> Aggregates<K> {
    pub(crate) fn new(analytics: AnalyticsApi, interval: Interval) -> Self {
        Self {
            analytics,
            interval,
            filter: None,
            group_by: Vec::new(),
            metrics: Vec::new(),
            granularity: None,
            time_zone: None,
        }
    }

    /// What is measured. Name one at least: the platform may refuse a query without.
    pub fn metrics(mut self, metrics: impl IntoIterator<Item = K::Metric>) -> Self {
        self.metrics.extend(metrics.into_iter().map(|metric| metric.to_string().into()));
        self
    }

    /// What the figures are split by. Default: nothing, one group.
    pub fn group_by(mut self, dimensions: impl IntoIterator<Item = K::Dimension>) -> Self {
        self.group_by.extend(dimensions.into_iter().map(|one| one.to_string().into()));
        self
    }

    /// Selects. The platform takes one filter: the last one counts.
    pub fn filter(mut self, filter: impl Into<Filter<K::Dimension>>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// The length of the steps. Default: one step, the interval.
    pub fn granularity(mut self, step: Granularity) -> Self {
        self.granularity = Some(step);
        self
    }

    /// The time zone in which days, weeks and months are counted, as the IANA names it. Default UTC.
    pub fn time_zone(mut self, name: impl Into<Box<str>>) -> Self {
        self.time_zone = Some(name.into());
        self
    }

    /// The operation.
    pub fn operation(&self) -> Checked<K::Operation> {
        let mut fault = Fault::default();
        fault.take(self.interval.check(self.analytics.limits().aggregates, "an aggregate"));
        if self.time_zone.as_deref().is_some_and(|name| name.trim().is_empty()) {
            fault.say("the name of the time zone is empty: leave it out for UTC");
        }
        let some = |list: &Vec<Box<str>>| Some(list.clone()).filter(|list| !list.is_empty());
        let filter = self.filter.as_ref().and_then(|filter| fault.take(Dimension::write(filter)));
        let query = AggregateQuery {
            interval: self.interval.to_string().into(),
            granularity: self.granularity.as_ref().map(|step| step.as_str().into()),
            time_zone: self.time_zone.clone(),
            group_by: some(&self.group_by),
            filter,
            metrics: some(&self.metrics),
        };
        Checked::new(K::operation(query), fault)
    }

    /// Asks for the figures.
    ///
    /// # Errors
    /// See [`AnalyticsApi`].
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn fetch(&self) -> Result<Aggregated<K::Answer>> {
        let raw = self.analytics.execute(self.operation()).await?;
        Ok(Aggregated { rows: AggregateRow::all(raw.results()), raw })
    }
}

/// Figures over an interval.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Aggregated<R> {
    /// One row for each group, step and metric, in the order of the answer. What has no figures has no row.
    pub rows: Vec<AggregateRow>,
    /// The answer itself.
    pub raw: R,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AggregateRow {
    /// The value of each dimension that was grouped by.
    pub group: Arc<Members<Box<str>>>,
    /// The step; `None` when the answer has none that can be read.
    pub interval: Option<Interval>,
    /// What was measured.
    pub metric: Box<str>,
    /// What of it, for metrics that are split further, such as by a presence.
    pub qualifier: Option<Box<str>>,
    /// The figures; times are in milliseconds.
    pub stats: StatisticalSummary,
}

impl AggregateRow {
    fn all(results: &[AggregateDataContainer]) -> Vec<Self> {
        let mut rows = Vec::new();
        for container in results {
            let group = Arc::new(container.group.clone().unwrap_or_default());
            for step in container.data.as_deref().unwrap_or_default() {
                let interval = step.interval.as_deref().and_then(|text| text.parse().ok());
                let metrics = step.metrics.as_deref().unwrap_or_default().iter();
                rows.extend(metrics.map(|one| Self {
                    group: group.clone(),
                    interval,
                    metric: one.metric.clone().unwrap_or_default(),
                    qualifier: one.qualifier.clone(),
                    stats: one.stats.as_deref().cloned().unwrap_or_default(),
                }));
            }
        }
        rows
    }

    /// The value of a dimension that was grouped by.
    pub fn of(&self, dimension: &str) -> Option<&str> {
        self.group.get(dimension).map(|value| &**value)
    }

    /// Sum divided by count: of a duration the mean, in milliseconds. `None` without both.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn mean(&self) -> Option<f64> {
        let sum = self.stats.sum.as_ref()?.as_f64()?;
        let count = self.stats.count.filter(|count| *count > 0)? as f64;
        Some(sum / count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::generated::models::AggregateQueryResponse;

    #[test]
    fn containers_are_flattened_and_holes_are_passed_over() {
        let text = r#"{"results": [
            {"group": {"queueId": "q1", "mediaType": "voice"}, "data": [
                {"interval": "2026-03-04T09:00:00.000Z/2026-03-04T09:30:00.000Z", "metrics": [
                    {"metric": "nOffered", "stats": {"count": 14}},
                    {"metric": "tAnswered", "qualifier": "x", "stats": {"count": 4, "sum": 10}}]},
                {"interval": "today"}, {"metrics": [{"metric": "nError"}]}]},
            {"data": null}, {"group": {"queueId": "q2"}}]}"#;
        let answer: AggregateQueryResponse = serde_json::from_str(text).unwrap();
        let rows = AggregateRow::all(answer.results());
        let names: Vec<_> = rows.iter().map(|row| &*row.metric).collect();
        assert_eq!(names, ["nOffered", "tAnswered", "nError"]);
        assert_eq!((rows[0].of("queueId"), rows[0].of("userId")), (Some("q1"), None));
        assert_eq!((rows[0].stats.count, rows[0].mean()), (Some(14), None));
        assert_eq!((rows[1].qualifier.as_deref(), rows[1].mean()), (Some("x"), Some(2.5)));
        assert_eq!(rows[0].interval.unwrap().duration().as_secs(), 1_800);
        assert_eq!(rows[2].interval, None);
        assert!(AggregateRow::all(AggregateQueryResponse::default().results()).is_empty());
    }
}

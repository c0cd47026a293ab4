//! Details of conversations: the query, and single ones.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::{Answer, Asked, missing};
use super::fields::{Place, places};
use super::filter::{Filter, Range, Row};
use super::interval::{DAY, Interval};
use super::selection::{self, At, Order, OrderBy, Search, Touch, check};
use crate::sim::response::Reply;

/// Conversations of a page when the caller does not say.
const PAGE: usize = 25;

/// Most conversations of a page, and the last one that can be paged to. The platform publishes neither.
const PAGE_MAX: usize = 100;
const WINDOW_MAX: usize = 100_000;

/// Longest interval, in milliseconds. The platform does not publish it.
pub(super) const INTERVAL_MAX: i64 = 31 * DAY;

/// Most ids of `GET /api/v2/analytics/conversations/details`. The platform does not publish it.
const IDS_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Query {
    interval: String,
    #[serde(default)]
    order: Option<Order>,
    #[serde(default)]
    order_by: Option<OrderBy>,
    #[serde(default)]
    paging: Option<Paging>,
    #[serde(default)]
    conversation_filters: Option<Vec<Filter>>,
    #[serde(default)]
    segment_filters: Option<Vec<Filter>>,
    #[serde(default)]
    evaluation_filters: Option<Vec<Value>>,
    #[serde(default)]
    survey_filters: Option<Vec<Value>>,
    #[serde(default)]
    resolution_filters: Option<Vec<Value>>,
    #[serde(default)]
    aggregations: Option<Vec<Aggregation>>,
}

/// Which page of an answer, in the body of a query.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Paging {
    page_size: usize,
    page_number: usize,
}

impl Default for Paging {
    fn default() -> Self {
        Self { page_size: PAGE, page_number: 1 }
    }
}

impl Paging {
    /// Where the page begins, and how long it is.
    pub(super) fn window(&self) -> Result<(usize, usize), Reply> {
        let Self { page_size: size, page_number: number } = *self;
        if !(1..=PAGE_MAX).contains(&size) || number == 0 {
            let text = format!("pageSize must be from 1 to {PAGE_MAX}, and pageNumber at least 1");
            return Err(Reply::bad_request(&text));
        }
        if number.saturating_mul(size) > WINDOW_MAX {
            let text = format!("pageSize times pageNumber must be at most {WINDOW_MAX}");
            return Err(Reply::bad_request(&text));
        }
        Ok(((number - 1) * size, size))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Aggregation {
    r#type: AggregationType,
    dimension: Option<String>,
    metric: Option<String>,
    size: Option<usize>,
    #[serde(default)]
    ranges: Vec<Range>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum AggregationType {
    TermFrequency,
    NumericRange,
}

/// `POST /api/v2/analytics/conversations/details/query`: conversations that began on a day that the interval touches.
pub(super) fn query(asked: &mut Asked<'_>) -> Answer {
    let query: Query = asked.body()?;
    let interval = Interval::read(&query.interval, INTERVAL_MAX)?.days();
    let (begin, size) = query.paging.unwrap_or_default().window()?;
    let conversations = query.conversation_filters.unwrap_or_default();
    let segments = query.segment_filters.unwrap_or_default();
    check(&conversations, &segments)?;
    // Nothing here has evaluations, surveys or resolutions: a filter of them finds nothing.
    let others = [&query.evaluation_filters, &query.survey_filters, &query.resolution_filters];
    let nothing = others.iter().any(|list| list.as_ref().is_some_and(|list| !list.is_empty()));
    let (world, books) = (&asked.state.world, &asked.state.books);
    let found = if nothing {
        Vec::new()
    } else {
        let search = Search {
            interval,
            touch: Touch::Began,
            conversations: &conversations,
            segments: &segments,
            order: query.order.unwrap_or_default(),
            order_by: query.order_by.unwrap_or_default(),
        };
        search.run(world, books)
    };
    let page = render(asked, found.iter().skip(begin).take(size), false);
    let mut body = json!({ "totalHits": found.len() });
    // An empty page has no list at all.
    if !page.is_empty() {
        body["conversations"] = page.into();
    }
    if let Some(aggregations) = query.aggregations {
        body["aggregations"] = aggregations.iter().map(|one| one.result(asked, &found)).collect();
    }
    Ok(Reply::json(&body))
}

/// What is shown of conversations; those that have been forgotten meanwhile are left out.
pub(super) fn render<'f>(
    asked: &Asked<'_>,
    found: impl Iterator<Item = &'f At>,
    with_attributes: bool,
) -> Vec<Value> {
    let (world, books) = (&asked.state.world, &asked.state.books);
    found
        .filter_map(|at| selection::conversation(world, books, *at))
        .map(|one| one.json(&world.division, with_attributes))
        .collect()
}

/// `GET /api/v2/analytics/conversations/{conversationId}/details`.
pub(super) fn one(asked: &mut Asked<'_>) -> Answer {
    let (world, books) = (&asked.state.world, &asked.state.books);
    let found = selection::find(world, books, asked.id(0));
    let found = found.ok_or_else(|| missing("conversation", asked.id(0)))?;
    Ok(Reply::json(&found.json(&world.division, false)))
}

/// `GET /api/v2/analytics/conversations/details`: those of the ids that there are.
pub(super) fn several(asked: &mut Asked<'_>) -> Answer {
    let ids = asked.request.list("id");
    if ids.len() > IDS_MAX {
        return Err(Reply::bad_request(&format!("at most {IDS_MAX} ids")));
    }
    let (world, books) = (&asked.state.world, &asked.state.books);
    let found: Vec<Value> = ids
        .iter()
        .filter_map(|id| selection::find(world, books, id))
        .map(|one| one.json(&world.division, false))
        .collect();
    Ok(Reply::json(&json!({ "conversations": found })))
}

impl Aggregation {
    /// Counts over all that was found, not over the page.
    fn result(&self, asked: &Asked<'_>, found: &[At]) -> Value {
        let (world, books) = (&asked.state.world, &asked.state.books);
        let division = world.division["id"].as_str().unwrap_or_default();
        let all = found.iter().filter_map(|at| selection::conversation(world, books, *at));
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut ranges = vec![0_usize; self.ranges.len()];
        let (mut with_value, mut values) = (0_usize, BTreeSet::new());
        for one in all {
            let whole = Place { conversation: &one, participant: None, segment: None, division };
            match self.r#type {
                AggregationType::TermFrequency => {
                    let name = self.dimension.as_deref().unwrap_or_default();
                    values.clear();
                    values.extend(whole.text(name).map(String::from));
                    values.extend(
                        places(&one, division)
                            .filter_map(|place| place.text(name).map(String::from)),
                    );
                    with_value += usize::from(!values.is_empty());
                    for value in &values {
                        *counts.entry(value.clone()).or_default() += 1;
                    }
                }
                AggregationType::NumericRange => {
                    let Some(value) = self.metric.as_deref().and_then(|name| whole.metric(name))
                    else {
                        continue;
                    };
                    with_value += 1;
                    for (range, count) in self.ranges.iter().zip(&mut ranges) {
                        *count += usize::from(range.holds(value));
                    }
                }
            }
        }
        match self.r#type {
            AggregationType::TermFrequency => {
                let mut terms: Vec<(String, usize)> = counts.into_iter().collect();
                terms.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
                terms.truncate(self.size.unwrap_or(10));
                let results: Vec<Value> = terms
                    .into_iter()
                    .map(|(value, count)| json!({ "value": value, "count": count }))
                    .collect();
                json!({
                    "type": "termFrequency", "dimension": self.dimension, "count": with_value,
                    "results": results,
                })
            }
            AggregationType::NumericRange => {
                let results: Vec<Value> = self
                    .ranges
                    .iter()
                    .zip(ranges)
                    .map(|(range, count)| {
                        let mut entry = json!({ "count": count });
                        let (gte, lt) = range.bounds();
                        for (name, bound) in [("gte", gte), ("lt", lt)] {
                            if let Some(bound) = bound {
                                entry[name] = json!(bound);
                            }
                        }
                        entry
                    })
                    .collect();
                json!({
                    "type": "numericRange", "metric": self.metric, "count": with_value,
                    "results": results,
                })
            }
        }
    }
}

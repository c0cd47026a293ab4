//! Aggregates of conversations and of flows: what the metrics of sessions come to, by group and by time.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::asked::{Answer, Asked, invalid};
use super::conversation::{SERVICE_LEVEL_MS, SERVICE_TARGET};
use super::dimensions::{AGGREGATE, FLOW};
use super::fields::{Place, as_number};
use super::filter::{Filter, Known, Range, Row};
use super::granularity::Pieces;
use super::interval::{DAY, Interval};
use super::selection::{self, Touch};
use crate::sim::response::Reply;

/// Longest interval, in milliseconds. The platform does not publish it.
pub(super) const INTERVAL_MAX: i64 = 366 * DAY;

/// Most groups of one answer. The platform does not publish it.
const GROUPS_MAX: usize = 50_000;

/// Whose aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Conversations,
    Flows,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    interval: String,
    granularity: Option<String>,
    #[serde(rename = "timeZone")]
    _time_zone: Option<String>,
    #[serde(default)]
    group_by: Option<Vec<String>>,
    filter: Option<Filter>,
    metrics: Vec<String>,
    #[serde(rename = "flattenMultivaluedDimensions")]
    _flatten: Option<bool>,
    #[serde(default)]
    views: Option<Vec<View>>,
    #[serde(rename = "alternateTimeDimension")]
    _alternate_time: Option<String>,
    query_type: Option<QueryType>,
    limit: Option<usize>,
    sort_metric: Option<SortMetric>,
}

#[derive(Deserialize)]
struct View {
    target: String,
    name: String,
    range: Option<Range>,
    #[serde(rename = "function")]
    _function: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
enum QueryType {
    GroupBy,
    TopN,
    BottomN,
}

#[derive(Deserialize)]
struct SortMetric {
    name: Option<String>,
    function: Option<String>,
}

/// A query that has been checked.
pub(super) struct Query {
    body: Body,
    pieces: Pieces,
    interval: Interval,
    family: Family,
}

/// The values of one metric.
#[derive(Clone, Debug, Default)]
struct Stats {
    count: u64,
    sum: i64,
    min: Option<i64>,
    max: Option<i64>,
    /// Of a ratio: how many of the count.
    met: u64,
    /// Of each view: how many are within.
    views: Vec<u64>,
}

type Group = Vec<Option<String>>;
type Cells = BTreeMap<i64, BTreeMap<String, Stats>>;

/// `POST /api/v2/analytics/conversations/aggregates/query`.
pub(super) fn conversations(asked: &mut Asked<'_>) -> Answer {
    answer(&Query::read(asked, Family::Conversations)?, asked)
}

/// `POST /api/v2/analytics/flows/aggregates/query`.
pub(super) fn flows(asked: &mut Asked<'_>) -> Answer {
    answer(&Query::read(asked, Family::Flows)?, asked)
}

fn answer(query: &Query, asked: &Asked<'_>) -> Answer {
    let results = query.results(asked)?;
    // When nothing has matched there is no list at all.
    Ok(Reply::json(&if results.is_empty() { json!({}) } else { json!({ "results": results }) }))
}

/// Names that are asked for have to be known, and one at least has to be asked for.
pub(super) fn check_names(
    metrics: &[String],
    groups: &[String],
    known: Known,
) -> Result<(), Reply> {
    if metrics.is_empty() {
        return Err(Reply::bad_request("metrics must name at least one metric"));
    }
    let unknown =
        |list: &[String], of: &[&str]| list.iter().find(|one| !of.contains(&one.as_str())).cloned();
    if let Some(name) = unknown(metrics, known.metrics) {
        return Err(invalid(
            &format!("metric {name:?} is not known: it"),
            &known.metrics.join(", "),
        ));
    }
    if let Some(name) = unknown(groups, known.dimensions) {
        let what = format!("groupBy {name:?} is not known: it");
        return Err(invalid(&what, &known.dimensions.join(", ")));
    }
    Ok(())
}

impl Query {
    pub(super) fn read(asked: &Asked<'_>, family: Family) -> Result<Self, Reply> {
        let body: Body = asked.body()?;
        let interval = Interval::read(&body.interval, INTERVAL_MAX)?;
        let known = match family {
            Family::Conversations => AGGREGATE,
            Family::Flows => FLOW,
        };
        check_names(&body.metrics, body.group_by.as_deref().unwrap_or_default(), known)?;
        body.filter.iter().try_for_each(|filter| filter.check(known))?;
        for view in body.views.iter().flatten() {
            if !body.metrics.contains(&view.target) {
                return Err(Reply::bad_request("the target of a view must be one of the metrics"));
            }
        }
        let pieces = Pieces::of(interval, body.granularity.as_deref())?;
        Ok(Self { body, pieces, interval, family })
    }

    /// One container for each group, in the order of the groups or of the metric that is sorted by.
    pub(super) fn results(&self, asked: &Asked<'_>) -> Result<Vec<Value>, Reply> {
        let mut groups = self.collect(asked)?.into_iter().collect::<Vec<_>>();
        if let Some(kind @ (QueryType::TopN | QueryType::BottomN)) = self.body.query_type {
            let by = |cells: &Cells| self.sort_value(cells);
            groups.sort_by(|(_, a), (_, b)| by(a).total_cmp(&by(b)));
            if kind == QueryType::TopN {
                groups.reverse();
            }
            groups.truncate(self.body.limit.unwrap_or(10));
        }
        Ok(groups.into_iter().map(|(group, cells)| self.container(&group, &cells)).collect())
    }

    fn collect(&self, asked: &Asked<'_>) -> Result<BTreeMap<Group, Cells>, Reply> {
        let (world, books) = (&asked.state.world, &asked.state.books);
        let division = world.division["id"].as_str().unwrap_or_default();
        let wanted: BTreeSet<&str> = self.body.metrics.iter().map(String::as_str).collect();
        let mut groups: BTreeMap<Group, Cells> = BTreeMap::new();
        for at in selection::candidates(world, books, self.interval, Touch::Active) {
            let Some(one) = selection::conversation(world, books, at) else { continue };
            let mut seen = BTreeSet::new();
            for participant in &one.participants {
                if self.family == Family::Flows && participant.flow.is_none() {
                    continue;
                }
                let place = Place {
                    conversation: &one,
                    participant: Some(participant),
                    segment: None,
                    division,
                };
                if !self.body.filter.as_ref().is_none_or(|filter| filter.fits(&place)) {
                    continue;
                }
                let group = self.group(&place);
                let mut add = |name: &str, value: i64, met: bool, at: i64| {
                    if wanted.contains(name) && self.interval.holds(at) {
                        let cells = groups.entry(group.clone()).or_default();
                        let metrics = cells.entry(self.pieces.piece(at)).or_default();
                        self.add(metrics.entry(name.to_owned()).or_default(), name, value, met);
                    }
                };
                for metric in &participant.metrics {
                    add(metric.name, metric.value, true, metric.at);
                    if matches!(metric.name, "tAnswered" | "tAbandon") {
                        let met = metric.name == "tAnswered" && metric.value <= SERVICE_LEVEL_MS;
                        add("oServiceLevel", 1, met, metric.at);
                    }
                }
                if seen.insert(group.clone()) {
                    add("nConversations", 1, true, one.plan.started);
                }
            }
            if groups.len() > GROUPS_MAX {
                let text = format!(
                    "The result is larger than {GROUPS_MAX} groups: ask for fewer dimensions or a shorter interval."
                );
                return Err(Reply::bad_request(&text));
            }
        }
        Ok(groups)
    }

    fn add(&self, stats: &mut Stats, name: &str, value: i64, met: bool) {
        stats.count += 1;
        stats.sum += value;
        stats.min = Some(stats.min.map_or(value, |min| min.min(value)));
        stats.max = Some(stats.max.map_or(value, |max| max.max(value)));
        stats.met += u64::from(met);
        let views = self.body.views.as_deref().unwrap_or_default();
        stats.views.resize(views.len(), 0);
        for (view, count) in views.iter().zip(&mut stats.views) {
            let within = view.range.is_none_or(|range| range.holds(as_number(value)));
            *count += u64::from(view.target == name && within);
        }
    }

    fn group(&self, place: &Place<'_, '_>) -> Group {
        let names = self.body.group_by.iter().flatten();
        names.map(|name| place.text(name).map(String::from)).collect()
    }

    fn sort_value(&self, cells: &Cells) -> f64 {
        let by = self.body.sort_metric.as_ref();
        let name =
            by.and_then(|by| by.name.as_deref()).or(self.body.metrics.first().map(String::as_str));
        let function = by.and_then(|by| by.function.as_deref()).unwrap_or("sum");
        let all = cells.values().filter_map(|metrics| metrics.get(name?));
        let mut whole = Stats::default();
        for one in all {
            whole.count += one.count;
            whole.sum += one.sum;
            whole.min = whole.min.into_iter().chain(one.min).min();
            whole.max = whole.max.max(one.max);
        }
        let count = i64::try_from(whole.count).unwrap_or(i64::MAX);
        match function {
            "count" => as_number(count),
            "min" => as_number(whole.min.unwrap_or(0)),
            "max" => as_number(whole.max.unwrap_or(0)),
            "average" => as_number(whole.sum) / as_number(count.max(1)),
            _ => as_number(whole.sum),
        }
    }

    fn container(&self, group: &Group, cells: &Cells) -> Value {
        let names = self.body.group_by.iter().flatten();
        let group: Map<String, Value> = names
            .zip(group)
            .filter_map(|(name, value)| Some((name.clone(), json!(value.as_ref()?))))
            .collect();
        let data: Vec<Value> =
            cells.iter().map(|(piece, metrics)| self.data(*piece, metrics)).collect();
        json!({ "group": group, "data": data })
    }

    fn data(&self, piece: i64, metrics: &BTreeMap<String, Stats>) -> Value {
        let bounds = self.pieces.bounds(piece);
        let shown: Vec<Value> = metrics
            .iter()
            .map(|(name, stats)| json!({ "metric": name, "stats": stats.json(name) }))
            .collect();
        let mut data = json!({
            "interval": format!("{}/{}", crate::sim::clock::iso(bounds.from), crate::sim::clock::iso(bounds.to)),
            "metrics": shown,
        });
        let views = self.body.views.as_deref().unwrap_or_default();
        let views: Vec<Value> = views
            .iter()
            .enumerate()
            .filter_map(|(place, view)| {
                let count = metrics.get(&view.target)?.views.get(place)?;
                Some(json!({ "name": view.name, "stats": { "count": count } }))
            })
            .collect();
        if !views.is_empty() {
            data["views"] = views.into();
        }
        data
    }
}

impl Stats {
    fn json(&self, name: &str) -> Value {
        match name.chars().next() {
            Some('t') => {
                json!({ "max": self.max, "min": self.min, "count": self.count, "sum": self.sum })
            }
            Some('o') => {
                let (met, all) = (self.met, self.count.max(1));
                #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
                let ratio = met as f64 / all as f64;
                json!({
                    "ratio": ratio, "numerator": met, "denominator": self.count,
                    "target": SERVICE_TARGET,
                })
            }
            _ => json!({ "count": self.sum }),
        }
    }
}

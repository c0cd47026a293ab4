//! Aggregates of users: how long they were in which presence and routing status.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::aggregates::{INTERVAL_MAX, check_names};
use super::asked::{Answer, Asked};
use super::dimensions::USER;
use super::filter::{Filter, Row};
use super::granularity::Pieces;
use super::interval::Interval;
use super::timeline::{Stretch, presences, routings};
use crate::sim::clock::iso;
use crate::sim::response::Reply;
use crate::sim::world::World;

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
    #[serde(rename = "alternateTimeDimension")]
    _alternate_time: Option<String>,
}

/// A query that has been checked.
pub(super) struct Query {
    body: Body,
    pieces: Pieces,
    interval: Interval,
}

struct OneUser<'a>(&'a str);

impl Row for OneUser<'_> {
    fn text(&self, dimension: &str) -> Option<Cow<'_, str>> {
        (dimension == "userId").then_some(Cow::Borrowed(self.0))
    }
}

/// Milliseconds by piece, metric and qualifier.
type Cells = BTreeMap<i64, BTreeMap<(&'static str, String), i64>>;

/// `POST /api/v2/analytics/users/aggregates/query`.
pub(super) fn query(asked: &mut Asked<'_>) -> Answer {
    let query = Query::read(asked)?;
    let results = query.results(asked)?;
    let mut body = json!({ "systemToOrganizationMappings": mappings(&asked.state.world) });
    if !results.is_empty() {
        body["results"] = results.into();
    }
    Ok(Reply::json(&body))
}

/// The ids of the organisation's presences, by the name of the system's.
pub(super) fn mappings(world: &World) -> Value {
    let mut mappings = Map::new();
    for one in &world.definitions {
        let list = mappings.entry(one.in_events).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(json!(one.id));
        }
    }
    Value::Object(mappings)
}

impl Query {
    pub(super) fn read(asked: &Asked<'_>) -> Result<Self, Reply> {
        let body: Body = asked.body()?;
        let interval = Interval::read(&body.interval, INTERVAL_MAX)?;
        check_names(&body.metrics, body.group_by.as_deref().unwrap_or_default(), USER)?;
        body.filter.iter().try_for_each(|filter| filter.check(USER))?;
        let pieces = Pieces::of(interval, body.granularity.as_deref())?;
        Ok(Self { body, pieces, interval })
    }

    /// One container for each user, or one for all.
    pub(super) fn results(&self, asked: &Asked<'_>) -> Result<Vec<Value>, Reply> {
        let by_user = self.body.group_by.as_ref().is_some_and(|names| !names.is_empty());
        let world = &asked.state.world;
        let mut groups: BTreeMap<Option<&str>, Cells> = BTreeMap::new();
        for (place, agent) in world.agents.iter().enumerate() {
            if !self.body.filter.as_ref().is_none_or(|filter| filter.fits(&OneUser(&agent.id))) {
                continue;
            }
            let cells = groups.entry(by_user.then_some(agent.id.as_str())).or_default();
            for metric in &self.body.metrics {
                match metric.as_str() {
                    "tAgentRoutingStatus" => {
                        for one in routings(asked, place, self.interval) {
                            self.add(cells, "tAgentRoutingStatus", one.what, &one, asked.now);
                        }
                    }
                    name => {
                        let of_system = name == "tSystemPresence";
                        let name =
                            if of_system { "tSystemPresence" } else { "tOrganizationPresence" };
                        for one in presences(asked, place, self.interval) {
                            let known = world.definitions.get(one.what);
                            let qualifier = known.map_or("OFFLINE", |known| {
                                if of_system { known.in_events } else { known.id.as_str() }
                            });
                            self.add(cells, name, qualifier, &one, asked.now);
                        }
                    }
                }
            }
        }
        groups.retain(|_, cells| !cells.is_empty());
        Ok(groups.into_iter().map(|(user, cells)| self.container(user, &cells)).collect())
    }

    /// Adds a stretch of time to the pieces that it is in.
    fn add<T>(
        &self,
        cells: &mut Cells,
        name: &'static str,
        qualifier: &str,
        one: &Stretch<T>,
        now: i64,
    ) {
        let until = one.until(now);
        if self.interval.overlap(one.from, until) == 0 {
            return;
        }
        for piece in self.pieces.of_stretch(one.from, until) {
            let millis = self.pieces.bounds(piece).overlap(one.from, until);
            if millis > 0 {
                let metrics = cells.entry(piece).or_default();
                *metrics.entry((name, qualifier.to_owned())).or_default() += millis;
            }
        }
    }

    fn container(&self, user: Option<&str>, cells: &Cells) -> Value {
        let data: Vec<Value> = cells
            .iter()
            .map(|(piece, metrics)| {
                let bounds = self.pieces.bounds(*piece);
                let metrics: Vec<Value> = metrics
                    .iter()
                    .map(|((name, qualifier), sum)| {
                        json!({ "metric": name, "qualifier": qualifier, "stats": { "sum": sum } })
                    })
                    .collect();
                let interval = format!("{}/{}", iso(bounds.from), iso(bounds.to));
                json!({ "interval": interval, "metrics": metrics })
            })
            .collect();
        let group = user.map_or_else(|| json!({}), |user| json!({ "userId": user }));
        json!({ "group": group, "data": data })
    }
}

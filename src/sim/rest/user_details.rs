//! Details of users: their presences and routing statuses, by the query and for its job.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::{Answer, Asked, invalid};
use super::details::Paging;
use super::dimensions::{PRESENCE, ROUTING_STATUS, USER};
use super::filter::{Filter, Row};
use super::interval::{DAY, Interval};
use super::selection::Order;
use super::timeline::{Stretch, presences, routings};
use crate::sim::clock::iso;
use crate::sim::response::Reply;
use crate::sim::world::World;

/// Longest interval, in milliseconds. The platform does not publish it.
const INTERVAL_MAX: i64 = 7 * DAY;

/// `UserDetailsQuery`, and `AsyncUserDetailsQuery`, which has a limit in place of pages.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Query {
    interval: String,
    #[serde(default)]
    user_filters: Option<Vec<Filter>>,
    #[serde(default)]
    presence_filters: Option<Vec<Filter>>,
    #[serde(default)]
    routing_status_filters: Option<Vec<Filter>>,
    #[serde(default)]
    order: Option<Order>,
    #[serde(default)]
    presence_aggregations: Option<Vec<Aggregation>>,
    #[serde(default)]
    routing_status_aggregations: Option<Vec<Aggregation>>,
    #[serde(default)]
    paging: Option<Paging>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
struct Aggregation {
    r#type: String,
    dimension: Option<String>,
}

/// What filters see of a user, of a presence or of a routing status: one dimension or two.
struct Facts<'a>(&'a [(&'a str, &'a str)]);

impl Row for Facts<'_> {
    fn text(&self, dimension: &str) -> Option<Cow<'_, str>> {
        let found = self.0.iter().find(|(name, _)| *name == dimension);
        found.map(|(_, value)| Cow::Borrowed(*value))
    }
}

/// The records of one user.
struct Records {
    presences: Vec<Stretch<usize>>,
    routings: Vec<Stretch<&'static str>>,
}

/// `POST /api/v2/analytics/users/details/query`.
pub(super) fn query(asked: &mut Asked<'_>) -> Answer {
    let query: Query = asked.body()?;
    query.check()?;
    let (begin, size) = query.paging.unwrap_or_default().window()?;
    let found = query.find(asked, i64::MAX)?;
    let page = query.render(asked, found.iter().skip(begin).take(size), i64::MAX)?;
    let mut body = json!({ "totalHits": found.len() });
    // An empty page has no list at all.
    if !page.is_empty() {
        body["userDetails"] = page.into();
    }
    let aggregations = query.aggregations(asked, &found)?;
    if !aggregations.is_empty() {
        body["aggregations"] = aggregations.into();
    }
    Ok(Reply::json(&body))
}

/// The texts of a presence: of the system, and the id of the organisation's.
fn texts(world: &World, presence: usize) -> (&str, &str) {
    let definition = world.definitions.get(presence);
    definition.map_or(("OFFLINE", ""), |one| (one.in_events, one.id.as_str()))
}

impl Query {
    /// Whether it names only what there is.
    pub(super) fn check(&self) -> Result<(), Reply> {
        Interval::read(&self.interval, INTERVAL_MAX)?;
        let all = [
            (&self.user_filters, USER),
            (&self.presence_filters, PRESENCE),
            (&self.routing_status_filters, ROUTING_STATUS),
        ];
        for (filters, known) in all {
            filters.iter().flatten().try_for_each(|filter| filter.check(known))?;
        }
        let asked = self.presence_aggregations.iter().chain(&self.routing_status_aggregations);
        if asked.flatten().any(|one| one.r#type != "termFrequency") {
            return Err(invalid("the type of these aggregations", "termFrequency"));
        }
        Ok(())
    }

    fn interval(&self, latest: i64) -> Result<Interval, Reply> {
        let mut interval = Interval::read(&self.interval, INTERVAL_MAX)?;
        interval.to = interval.to.min(latest);
        Ok(interval)
    }

    /// The users that have any record that is wanted, by place.
    pub(super) fn find(&self, asked: &Asked<'_>, latest: i64) -> Result<Vec<usize>, Reply> {
        let interval = self.interval(latest)?;
        let agents = asked.state.world.agents.iter().enumerate();
        let mut found: Vec<usize> = agents
            .filter(|(_, agent)| {
                let facts = Facts(&[("userId", &agent.id)]);
                self.user_filters.iter().flatten().all(|filter| filter.fits(&facts))
            })
            .map(|(place, _)| place)
            .filter(|place| {
                let records = self.records(asked, *place, interval);
                !records.presences.is_empty() || !records.routings.is_empty()
            })
            .collect();
        if self.order == Some(Order::Desc) {
            found.reverse();
        }
        found.truncate(self.limit.unwrap_or(usize::MAX));
        Ok(found)
    }

    /// The records that are wanted: when only one kind is filtered, the other is there where the filtered one is.
    fn records(&self, asked: &Asked<'_>, agent: usize, interval: Interval) -> Records {
        let world = &asked.state.world;
        let mut records = Records {
            presences: presences(asked, agent, interval),
            routings: routings(asked, agent, interval),
        };
        let (of_presence, of_routing) = (
            self.presence_filters.as_deref().unwrap_or_default(),
            self.routing_status_filters.as_deref().unwrap_or_default(),
        );
        records.presences.retain(|one| {
            let (system, id) = texts(world, one.what);
            let facts = Facts(&[("systemPresence", system), ("organizationPresenceId", id)]);
            of_presence.iter().all(|filter| filter.fits(&facts))
        });
        records.routings.retain(|one| {
            let facts = Facts(&[("routingStatus", one.what)]);
            of_routing.iter().all(|filter| filter.fits(&facts))
        });
        let nothing = (!of_presence.is_empty() && records.presences.is_empty())
            || (!of_routing.is_empty() && records.routings.is_empty());
        if nothing {
            return Records { presences: Vec::new(), routings: Vec::new() };
        }
        records
    }

    /// What is shown of users.
    pub(super) fn render<'f>(
        &self,
        asked: &Asked<'_>,
        found: impl Iterator<Item = &'f usize>,
        latest: i64,
    ) -> Result<Vec<Value>, Reply> {
        let interval = self.interval(latest)?;
        let world = &asked.state.world;
        Ok(found
            .map(|place| {
                let records = self.records(asked, *place, interval);
                let mut shown =
                    json!({ "userId": world.agents.get(*place).map(|agent| &agent.id) });
                if !records.presences.is_empty() {
                    let list = records.presences.iter().map(|one| {
                        let (system, id) = texts(world, one.what);
                        let about =
                            json!({ "systemPresence": system, "organizationPresenceId": id });
                        record(one, about)
                    });
                    shown["primaryPresence"] = list.collect();
                }
                if !records.routings.is_empty() {
                    let list = records.routings.iter();
                    shown["routingStatus"] =
                        list.map(|one| record(one, json!({ "routingStatus": one.what }))).collect();
                }
                shown
            })
            .collect())
    }

    fn aggregations(&self, asked: &Asked<'_>, found: &[usize]) -> Result<Vec<Value>, Reply> {
        let interval = self.interval(i64::MAX)?;
        let world = &asked.state.world;
        let mut results = Vec::new();
        let of_presence = self.presence_aggregations.iter().flatten().map(|one| (one, true));
        let of_routing = self.routing_status_aggregations.iter().flatten().map(|one| (one, false));
        for (one, is_presence) in of_presence.chain(of_routing) {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for place in found {
                let records = self.records(asked, *place, interval);
                let values: Vec<&str> = if is_presence {
                    let by_id = one.dimension.as_deref() == Some("organizationPresenceId");
                    let texts = records.presences.iter().map(|record| texts(world, record.what));
                    texts.map(|(system, id)| if by_id { id } else { system }).collect()
                } else {
                    records.routings.iter().map(|record| record.what).collect()
                };
                for value in values {
                    *counts.entry(value.to_owned()).or_default() += 1;
                }
            }
            let total: usize = counts.values().sum();
            let entries: Vec<Value> = counts
                .into_iter()
                .map(|(value, count)| json!({ "value": value, "count": count }))
                .collect();
            results.push(json!({
                "type": "termFrequency", "dimension": one.dimension, "count": total, "results": entries,
            }));
        }
        Ok(results)
    }
}

fn record<T>(one: &Stretch<T>, mut about: Value) -> Value {
    about["startTime"] = json!(iso(one.from));
    // The last record goes on.
    if let Some(to) = one.to {
        about["endTime"] = json!(iso(to));
    }
    about
}

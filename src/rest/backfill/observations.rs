//! Observations of queues.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::source::{id_in, is_same};
use crate::core::ports::BoxFuture;
use crate::error::Result;
use crate::events::{BackfillMark, BackfillRequest, BackfillSource, Backfilled, Topic};
use crate::rest::api::Api;
use crate::transport::http::request::Priority;

const TOPIC: &str = "v2.analytics.queues.{id}.observations";
const QUERY: &str = "/api/v2/analytics/queues/observations/query";

/// Queues of one query. The platform does not publish how many predicates it takes.
const BATCH: usize = 50;

/// All that can be observed. Source: the query's schema.
const METRICS: [&str; 11] = [
    "oActiveUsers",
    "oAlerting",
    "oInteracting",
    "oLongestInteracting",
    "oLongestWaiting",
    "oMemberUsers",
    "oOffQueueUsers",
    "oOnQueueUsers",
    "oUserPresences",
    "oUserRoutingStatuses",
    "oWaiting",
];

/// What is observed of queues now, many in one query.
pub(super) struct Observations {
    api: Api,
}

/// Without results the member is absent.
#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    results: Option<Vec<Group>>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    group: Key,
    #[serde(default)]
    data: Option<Vec<Figure>>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_id: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<Box<str>>,
}

#[derive(Deserialize)]
struct Figure {
    metric: Option<Box<str>>,
    qualifier: Option<Box<str>>,
    stats: Option<Map<String, Value>>,
}

/// The only parts of a live body that matter here.
#[derive(Deserialize)]
struct Live {
    #[serde(default)]
    group: Key,
    #[serde(default)]
    data: Vec<Sample>,
}

#[derive(Deserialize)]
struct Sample {
    #[serde(default)]
    metrics: Vec<Figure>,
}

/// The part of a queue's state that one figure is.
fn part(group: &Key, figure: &Figure) -> Box<str> {
    let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
    format!("{}|{}|{}", text(&group.media_type), text(&figure.metric), text(&figure.qualifier))
        .into()
}

impl Observations {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    async fn read(&self, request: &BackfillRequest) -> Result<Vec<Backfilled>> {
        let topics = &request.topics;
        let predicates: Vec<Value> = topics
            .iter()
            .filter_map(|topic| id_in(topic, TOPIC))
            .map(|id| json!({ "type": "dimension", "dimension": "queueId", "operator": "matches", "value": id }))
            .collect();
        let query = json!({
            "filter": { "type": "or", "predicates": predicates },
            "metrics": METRICS,
        });
        // A query by POST: asking twice does no harm.
        let call = self.api.post(QUERY).json(&query).retry_unsafe();
        let answer = call.priority(Priority::Backfill).fetch().await?;
        Ok(assign(topics, answer))
    }
}

/// Gives each topic the figures of its queue, one event for each.
pub(super) fn assign(topics: &[Topic], answer: Answer) -> Vec<Backfilled> {
    let mut found = Vec::new();
    for Group { group, data } in answer.results.unwrap_or_default() {
        let queue = group.queue_id.as_deref().unwrap_or_default();
        let is_it = |topic: &&Topic| id_in(topic, TOPIC).is_some_and(|id| is_same(id, queue));
        let Some(topic) = topics.iter().find(is_it) else {
            continue;
        };
        for figure in data.unwrap_or_default() {
            if figure.metric.is_none() {
                continue;
            }
            let mut metric = Map::new();
            metric.insert("metric".into(), json!(figure.metric));
            if figure.qualifier.is_some() {
                metric.insert("qualifier".into(), json!(figure.qualifier));
            }
            // Events have numbers only; a ratio without a denominator is null here.
            let stats = figure.stats.iter().flatten().filter(|(_, value)| value.is_number());
            let stats: Map<_, _> = stats.map(|(key, value)| (key.clone(), value.clone())).collect();
            metric.insert("stats".into(), stats.into());
            let body = json!({ "group": group, "data": [{ "metrics": [metric] }] });
            found.push(Backfilled::of(topic.clone(), &body).part(part(&group, &figure)));
        }
    }
    found
}

impl BackfillSource for Observations {
    fn covers(&self, topic: &Topic) -> bool {
        id_in(topic, TOPIC).is_some()
    }

    fn batch(&self) -> usize {
        BATCH
    }

    fn mark(&self, _: &Topic, body: &str) -> BackfillMark {
        let Ok(Live { group, data }) = serde_json::from_str(body) else {
            return BackfillMark::default();
        };
        let figures = data.iter().flat_map(|sample| &sample.metrics);
        BackfillMark::of_parts(figures.map(|figure| part(&group, figure)).collect())
    }

    fn fetch<'a>(&'a self, request: &'a BackfillRequest) -> BoxFuture<'a, Result<Vec<Backfilled>>> {
        Box::pin(self.read(request))
    }
}

//! Routing statuses of users.

use futures::StreamExt;
use futures::stream;
use serde::{Deserialize, Serialize};

use super::source::{id_in, is_same};
use crate::core::ports::BoxFuture;
use crate::error::{ErrorKind, Result};
use crate::events::{BackfillMark, BackfillRequest, BackfillSource, Backfilled, Timestamp, Topic};
use crate::rest::api::Api;
use crate::transport::http::request::Priority;

const TOPIC: &str = "v2.users.{id}.routingStatus";
const ONE: &str = "/api/v2/users/{userId}/routingstatus";
const MANY: &str = "/api/v2/users";

/// Users of one page. Source: the page size that is known to be taken.
const BATCH: usize = 100;

/// Calls for single users at once.
const AT_ONCE: usize = 4;

/// The routing status of each user: by the list of users, and singly for those that it leaves out.
pub(super) struct RoutingStatuses {
    api: Api,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    entities: Vec<User>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: Option<Box<str>>,
    routing_status: Option<Status>,
}

/// A status of the REST API, and what the body of an event has of it.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<Timestamp>,
}

/// The body of an event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    id: &'a str,
    routing_status: &'a Status,
}

/// The only part of a live body that matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dated {
    routing_status: Option<Status>,
}

impl RoutingStatuses {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    async fn read(&self, request: &BackfillRequest) -> Result<Vec<Backfilled>> {
        let topics = &request.topics;
        let listed = if topics.len() > 1 { self.list(topics).await? } else { Vec::new() };
        let (mut found, mut missing) = (Vec::with_capacity(topics.len()), Vec::new());
        for topic in topics {
            let id = id_in(topic, TOPIC).unwrap_or_default();
            let is_it = |user: &&User| user.id.as_deref().is_some_and(|other| is_same(other, id));
            match listed.iter().find(is_it).and_then(|user| user.routing_status.as_ref()) {
                Some(status) => found.push(item(topic, id, status)),
                None => missing.push((topic, id)),
            }
        }
        let singly: Vec<_> = missing.into_iter().map(|(topic, id)| self.one(topic, id)).collect();
        found.extend(stream::iter(singly).buffered(AT_ONCE).collect::<Vec<_>>().await);
        Ok(found)
    }

    /// Those that the list of users has; none when it is not ours to read.
    async fn list(&self, topics: &[Topic]) -> Result<Vec<User>> {
        let size = topics.len().to_string();
        let mut call = self.api.get(MANY).query("pageSize", &size).query("expand", "routingStatus");
        for id in topics.iter().filter_map(|topic| id_in(topic, TOPIC)) {
            call = call.query("id", id);
        }
        match call.priority(Priority::Backfill).fetch::<Page>().await {
            Ok(page) => Ok(page.entities),
            Err(error) if error.kind() == ErrorKind::Forbidden => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn one(&self, topic: &Topic, id: &str) -> Backfilled {
        let call = self.api.get(ONE).id("userId", id).priority(Priority::Backfill);
        match call.fetch().await {
            Ok(status) => item(topic, id, &status),
            Err(error) => Backfilled::failed(topic.clone(), error),
        }
    }
}

fn item(topic: &Topic, id: &str, status: &Status) -> Backfilled {
    let at = status.start_time.as_ref().and_then(Timestamp::to_system_time);
    Backfilled::of(topic.clone(), &Body { id, routing_status: status }).at(at)
}

impl BackfillSource for RoutingStatuses {
    fn covers(&self, topic: &Topic) -> bool {
        id_in(topic, TOPIC).is_some()
    }

    fn batch(&self) -> usize {
        BATCH
    }

    fn is_dated(&self, _: &Topic) -> bool {
        true
    }

    fn mark(&self, _: &Topic, body: &str) -> BackfillMark {
        let dated: Option<Dated> = serde_json::from_str(body).ok();
        let at = dated.and_then(|body| body.routing_status?.start_time?.to_system_time());
        BackfillMark::dated(at)
    }

    fn fetch<'a>(&'a self, request: &'a BackfillRequest) -> BoxFuture<'a, Result<Vec<Backfilled>>> {
        Box::pin(self.read(request))
    }
}

//! Conversations of users and queues that changed in a gap.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use futures::stream;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::conversation_body::as_in_events;
use super::source::{id_in, is_same};
use crate::core::ports::BoxFuture;
use crate::error::{Error, ErrorKind, Result};
use crate::events::{BackfillMark, BackfillRequest, BackfillSource, Backfilled, Timestamp, Topic};
use crate::rest::api::Api;
use crate::rest::app_foundry::iso;
use crate::transport::http::request::Priority;

const OF_USER: &str = "v2.users.{id}.conversations";
const OF_QUEUE: &str = "v2.routing.queues.{id}.conversations";
const QUERY: &str = "/api/v2/analytics/conversations/details/query";
const ONE: &str = "/api/v2/conversations/{conversationId}";

/// Topics of one query. The platform does not publish how many predicates it takes.
const BATCH: usize = 50;

/// Conversations of one page. Source: the largest page that is known to be taken.
const PAGE: usize = 100;

/// Pages of one query: 1,000 conversations.
const MOST_PAGES: usize = 10;

/// Conversations that are read at once.
const AT_ONCE: usize = 4;

/// How long before a gap a conversation may have begun: the query finds those that began in its interval's days.
const LOOK_BACK: Duration = Duration::from_secs(24 * 60 * 60);

/// How far our clock and the platform's may be apart at the ends of a gap.
const SLACK: Duration = Duration::from_secs(5);

/// Conversations, found by analytics and read one by one.
pub(super) struct Conversations {
    api: Api,
    settle: Duration,
}

/// A page; without conversations the member is absent.
#[derive(Deserialize)]
struct Page {
    conversations: Option<Vec<Conversation>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names)] // The names are the platform's.
struct Conversation {
    conversation_id: Option<Box<str>>,
    conversation_start: Option<Timestamp>,
    conversation_end: Option<Timestamp>,
    participants: Option<Vec<Participant>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Participant {
    user_id: Option<Box<str>>,
    sessions: Option<Vec<Session>>,
}

#[derive(Deserialize)]
struct Session {
    segments: Option<Vec<Segment>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names)] // The names are the platform's.
struct Segment {
    segment_start: Option<Timestamp>,
    segment_end: Option<Timestamp>,
    queue_id: Option<Box<str>>,
}

/// The only part of a live body that matters here.
#[derive(Deserialize)]
struct Named {
    id: Box<str>,
}

/// A conversation that changed, and whose it is.
struct Changed<'a> {
    id: Box<str>,
    at: SystemTime,
    topics: Vec<&'a Topic>,
}

impl Conversation {
    fn segments(&self) -> impl Iterator<Item = &Segment> {
        let participants = self.participants.iter().flatten();
        let sessions = participants.flat_map(|one| one.sessions.iter().flatten());
        sessions.flat_map(|one| one.segments.iter().flatten())
    }

    /// The last time between two at which something of it began or ended.
    fn changed_between(&self, start: SystemTime, end: SystemTime) -> Option<SystemTime> {
        let of_segments = self.segments().flat_map(|one| [&one.segment_start, &one.segment_end]);
        let times = [&self.conversation_start, &self.conversation_end].into_iter();
        let times = times.chain(of_segments).flatten().filter_map(Timestamp::to_system_time);
        times.filter(|at| (start..=end).contains(at)).max()
    }

    fn is_of(&self, topic: &Topic) -> bool {
        let is = |id: Option<&str>, other: &Option<Box<str>>| {
            id.zip(other.as_deref()).is_some_and(|(id, other)| is_same(id, other))
        };
        let (user, queue) = (id_in(topic, OF_USER), id_in(topic, OF_QUEUE));
        self.participants.iter().flatten().any(|one| is(user, &one.user_id))
            || self.segments().any(|one| is(queue, &one.queue_id))
    }
}

impl Conversations {
    pub(super) fn new(api: Api, settle: Duration) -> Self {
        Self { api, settle }
    }

    async fn read(&self, request: &BackfillRequest) -> Result<Vec<Backfilled>> {
        tokio::time::sleep(self.settle).await;
        let (changed, complete) = self.find(request).await?;
        let mut found = Vec::new();
        let bodies: Vec<_> = changed.iter().map(|one| self.one(&one.id)).collect();
        let mut bodies = stream::iter(bodies).buffered(AT_ONCE);
        for Changed { id, at, topics } in &changed {
            let Some(body) = bodies.next().await else { break };
            match body {
                Ok(body) => found.extend(topics.iter().map(|topic| {
                    Backfilled::of((*topic).clone(), &body).at(Some(*at)).part(id.clone())
                })),
                // None of the others would be allowed either.
                Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Auth) => {
                    return Err(error);
                }
                Err(error) => found.extend(topics.iter().map(|topic| {
                    let text = format!("conversation {id}: {}", error.summary());
                    Backfilled::failed((*topic).clone(), Error::new(error.kind(), text))
                })),
            }
        }
        if !complete {
            found.extend(request.topics.iter().map(|topic| {
                let text = format!("there are more than {} conversations", MOST_PAGES * PAGE);
                Backfilled::failed(topic.clone(), Error::new(ErrorKind::Capacity, text))
            }));
        }
        Ok(found)
    }

    /// Conversations that changed in the gap, and whether these are all.
    async fn find<'a>(&self, request: &'a BackfillRequest) -> Result<(Vec<Changed<'a>>, bool)> {
        let start = before(request.covered_until, SLACK);
        let end = request.resumed_at.checked_add(SLACK).unwrap_or(request.resumed_at);
        let interval = format!("{}/{}", iso(before(start, LOOK_BACK))?, iso(end)?);
        let (mut changed, mut known) = (Vec::new(), HashSet::new());
        for number in 1..=MOST_PAGES {
            let query = query(&interval, &request.topics, number);
            // A query by POST: asking twice does no harm.
            let call = self.api.post(QUERY).json(&query).retry_unsafe();
            let page: Page = call.priority(Priority::Backfill).fetch().await?;
            let conversations = page.conversations.unwrap_or_default();
            let full = conversations.len() >= PAGE;
            for conversation in conversations {
                let Some(id) = conversation.conversation_id.clone() else { continue };
                // Pages shift while data comes in.
                if !known.insert(id.clone()) {
                    continue;
                }
                let Some(at) = conversation.changed_between(start, end) else { continue };
                let topics = request.topics.iter().filter(|topic| conversation.is_of(topic));
                changed.push(Changed { id, at, topics: topics.collect() });
            }
            if !full {
                return Ok((changed, true));
            }
        }
        Ok((changed, false))
    }

    async fn one(&self, id: &str) -> Result<Map<String, Value>> {
        let call = self.api.get(ONE).id("conversationId", id).priority(Priority::Backfill);
        let mut conversation = call.fetch().await?;
        as_in_events(&mut conversation);
        Ok(conversation)
    }
}

fn before(time: SystemTime, by: Duration) -> SystemTime {
    time.checked_sub(by).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn query(interval: &str, topics: &[Topic], page: usize) -> Value {
    let predicate = |dimension: &str, id: &str| json!({ "type": "dimension", "dimension": dimension, "operator": "matches", "value": id });
    let predicates: Vec<Value> = topics
        .iter()
        .filter_map(|topic| {
            let user = id_in(topic, OF_USER).map(|id| predicate("userId", id));
            user.or_else(|| id_in(topic, OF_QUEUE).map(|id| predicate("queueId", id)))
        })
        .collect();
    json!({
        "interval": interval,
        "order": "desc",
        "orderBy": "conversationStart",
        "paging": { "pageSize": PAGE, "pageNumber": page },
        "segmentFilters": [{ "type": "or", "predicates": predicates }],
    })
}

impl BackfillSource for Conversations {
    fn covers(&self, topic: &Topic) -> bool {
        id_in(topic, OF_USER).or_else(|| id_in(topic, OF_QUEUE)).is_some()
    }

    fn batch(&self) -> usize {
        BATCH
    }

    fn mark(&self, _: &Topic, body: &str) -> BackfillMark {
        let named: Option<Named> = serde_json::from_str(body).ok();
        named.map(|named| BackfillMark::of_parts(vec![named.id])).unwrap_or_default()
    }

    fn fetch<'a>(&'a self, request: &'a BackfillRequest) -> BoxFuture<'a, Result<Vec<Backfilled>>> {
        Box::pin(self.read(request))
    }
}

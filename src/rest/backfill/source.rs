//! All sources of the REST API together.

use std::sync::Arc;
use std::time::Duration;

use super::conversations::Conversations;
use super::observations::Observations;
use super::presence::Presences;
use super::routing_status::RoutingStatuses;
use crate::core::id_text::canonical;
use crate::events::{BackfillSource, IntoBackfill, Topic};
use crate::rest::api::Api;

/// How long analytics is given to learn of what just happened. Source: none; the platform's documentation says seconds
/// to minutes.
const SETTLE: Duration = Duration::from_secs(5);

/// The platform's REST API as a source of backfill, from [`Client::backfill`](crate::Client::backfill).
///
/// Its calls work with client credentials. They share the client's request budget, behind all others, and its retries.
///
/// | topics | asked | what is not as in a live event |
/// |---|---|---|
/// | `v2.users.{id}.presence` | 50 users in one call | `primary` and `futurePresenceDefinition` are missing unless one user alone is asked for; `systemPresence` is written as events do |
/// | `v2.users.{id}.routingStatus` | 100 users in one call, and one call for each that it leaves out | `errorInfo` is missing. The platform calls a user that it does not know off queue |
/// | `v2.analytics.queues.{id}.observations` | 50 queues in one query; `analytics:queueObservation:view` | one event for each metric, medium and qualifier, without `interval` |
/// | `v2.users.{id}.conversations`, `v2.routing.queues.{id}.conversations` | one query for 50 topics, and one call for each conversation that changed in the gap; `analytics:conversationDetail:view` and what reading a conversation takes | the last state only, however often it changed; `accessAttributes`, `associatedConversation`, `consultationConversations`, `wrapupExpected`, `workflow` and the timers of a call's disposition are missing |
///
/// Conversations are found by analytics, which learns of them seconds to minutes late: what it does not know after
/// [`settle`](Self::settle), nor conversations that began over a day before the gap, are not found. Over 1,000
/// conversations of one query are an error.
#[derive(Clone, Debug)]
pub struct RestBackfill {
    api: Api,
    settle: Duration,
}

impl RestBackfill {
    pub(crate) fn new(api: Api) -> Self {
        Self { api, settle: SETTLE }
    }

    /// How long to wait after a gap before analytics is asked for its conversations. Default 5 s.
    pub fn settle(mut self, wait: Duration) -> Self {
        self.settle = wait;
        self
    }
}

impl IntoBackfill for RestBackfill {
    fn into_backfill(self) -> Vec<Arc<dyn BackfillSource>> {
        let Self { api, settle } = self;
        vec![
            Arc::new(Presences::new(api.clone())),
            Arc::new(RoutingStatuses::new(api.clone())),
            Arc::new(Observations::new(api.clone())),
            Arc::new(Conversations::new(api, settle)),
        ]
    }
}

/// The id in a topic of this template, which has one.
pub(super) fn id_in<'a>(topic: &'a Topic, template: &str) -> Option<&'a str> {
    let mut segments = topic.name().split('.');
    let mut id = None;
    for expected in template.split('.') {
        let segment = segments.next()?;
        if expected == "{id}" {
            id = Some(segment);
        } else if !expected.eq_ignore_ascii_case(segment) {
            return None;
        }
    }
    id.filter(|id| !id.is_empty() && segments.next().is_none())
}

/// Whether two ids are the same, however they are written.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    canonical(one).eq_ignore_ascii_case(&canonical(other))
}

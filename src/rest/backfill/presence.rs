//! Presences of users.

use serde::{Deserialize, Serialize};

use super::source::{id_in, is_same};
use crate::core::ports::BoxFuture;
use crate::error::{Error, ErrorKind, Result};
use crate::events::{BackfillMark, BackfillRequest, BackfillSource, Backfilled, Timestamp, Topic};
use crate::rest::api::Api;
use crate::transport::http::request::Priority;

const TOPIC: &str = "v2.users.{id}.presence";
const ONE: &str = "/api/v2/users/{userId}/presences/purecloud";
const BULK: &str = "/api/v2/users/presences/purecloud/bulk";

/// Users of one call. Source: the operation's description, at most 50.
const BATCH: usize = 50;

/// The presence of each user, many in one call.
pub(super) struct Presences {
    api: Api,
}

/// A presence of the REST API. One of a single user has `id` for the user, one of many `userId` too.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Presence {
    id: Option<Box<str>>,
    user_id: Option<Box<str>>,
    #[serde(flatten)]
    body: Body,
}

/// What the body of an event has of it.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_definition: Option<Definition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    future_presence_definition: Option<Definition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified_date: Option<Timestamp>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_presence: Option<Box<str>>,
}

/// The only part of a live body that matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dated {
    modified_date: Option<Timestamp>,
}

impl Presences {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    async fn read(&self, request: &BackfillRequest) -> Result<Vec<Backfilled>> {
        let topics = &request.topics;
        let ids: Vec<&str> = topics.iter().filter_map(|topic| id_in(topic, TOPIC)).collect();
        let found: Vec<Presence> = if let [id] = ids[..] {
            let call = self.api.get(ONE).id("userId", id);
            vec![call.priority(Priority::Backfill).fetch().await?]
        } else {
            let call = self.api.get(BULK).query("id", &ids.join(","));
            call.priority(Priority::Backfill).fetch().await?
        };
        Ok(assign(topics, found))
    }
}

/// Gives each topic the presence of its user.
pub(super) fn assign(topics: &[Topic], mut found: Vec<Presence>) -> Vec<Backfilled> {
    let mut of = |topic: &Topic| {
        let id = id_in(topic, TOPIC)?;
        let is_it = |presence: &Presence| {
            [&presence.user_id, &presence.id].into_iter().flatten().any(|other| is_same(other, id))
        };
        let at = found.iter().position(is_it)?;
        Some(found.swap_remove(at).body)
    };
    topics
        .iter()
        .map(|topic| {
            let Some(mut body) = of(topic) else {
                let text = "the platform knows no presence of this user";
                return Backfilled::failed(topic.clone(), Error::new(ErrorKind::NotFound, text));
            };
            let definitions = [&mut body.presence_definition, &mut body.future_presence_definition];
            for definition in definitions.into_iter().flatten() {
                let name = definition.system_presence.as_deref();
                definition.system_presence = name.map(as_in_events);
            }
            let at = body.modified_date.as_ref().and_then(Timestamp::to_system_time);
            Backfilled::of(topic.clone(), &body).at(at)
        })
        .collect()
}

/// A system presence as events write it: `ON_QUEUE` for `On Queue` and `OnQueue`.
fn as_in_events(name: &str) -> Box<str> {
    let mut text = String::with_capacity(name.len() + 1);
    let mut before = None;
    for c in name.trim().chars() {
        match c {
            ' ' | '_' | '-' => text.push('_'),
            c => {
                if c.is_uppercase() && before.is_some_and(char::is_lowercase) {
                    text.push('_');
                }
                text.extend(c.to_uppercase());
            }
        }
        before = Some(c);
    }
    text.into()
}

impl BackfillSource for Presences {
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
        BackfillMark::dated(dated.and_then(|body| body.modified_date?.to_system_time()))
    }

    fn fetch<'a>(&'a self, request: &'a BackfillRequest) -> BoxFuture<'a, Result<Vec<Backfilled>>> {
        Box::pin(self.read(request))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_system_presence_is_spelled_as_events_do() {
        let table = [
            ("Available", "AVAILABLE"),
            ("On Queue", "ON_QUEUE"),
            ("OnQueue", "ON_QUEUE"),
            ("ON_QUEUE", "ON_QUEUE"),
            ("Meal", "MEAL"),
            ("", ""),
        ];
        for (rest, event) in table {
            assert_eq!(&*as_in_events(rest), event, "{rest}");
        }
    }

    #[test]
    fn each_topic_gets_its_users_presence_and_one_that_is_left_out_is_an_error() {
        let topics: Vec<Topic> =
            ["a", "b", "C"].map(|id| format!("v2.users.{id}.presence").parse().unwrap()).into();
        let answer = json!([
            {"id": "c", "presenceDefinition": {"id": "d1", "systemPresence": "On Queue", "selfUri": "/x"},
             "modifiedDate": "2026-03-04T09:01:10.120Z", "message": "", "selfUri": "/y"},
            {"id": "x", "userId": "a", "source": "PURECLOUD"},
        ]);
        let found = assign(&topics, serde_json::from_value(answer).unwrap());
        let body = |n: usize| found[n].body.as_ref().unwrap().get();
        assert_eq!(body(0), r#"{"source":"PURECLOUD"}"#);
        assert_eq!(found[1].body.as_ref().unwrap_err().kind(), ErrorKind::NotFound);
        let third: Value = serde_json::from_str(body(2)).unwrap();
        assert_eq!(third["presenceDefinition"], json!({"id": "d1", "systemPresence": "ON_QUEUE"}));
        assert_eq!((found[0].at, found[2].at.is_some()), (None, true));
    }
}

//! What a gap is filled from: the calls, and the events that come of them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::platform::api;
use crate::core::ids::GapId;
use crate::error::ErrorKind;
use crate::events::{
    BackfillRequest, BackfillSource, Backfilled, Event, IntoBackfill, Timestamp, Topic, read_body,
};
use crate::rest::backfill::source::RestBackfill;
use crate::transport::loopback::{Loopback, Reply, Seen};

/// 2026-03-04T09:30:00Z.
const BEGIN: Duration = Duration::from_secs(1_772_616_600);

async fn serve(
    answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Loopback, Vec<Arc<dyn BackfillSource>>) {
    let server = Loopback::start(move |_, seen| answer(seen)).await;
    let sources = RestBackfill::new(api(&server)).settle(Duration::ZERO).into_backfill();
    (server, sources)
}

/// A request for topics, of a minute's gap, to the source that covers the first.
async fn fetch(
    sources: &[Arc<dyn BackfillSource>],
    topics: &[&str],
) -> crate::Result<Vec<Backfilled>> {
    let topics: Vec<Topic> = topics.iter().map(|name| name.parse().unwrap()).collect();
    let source = sources.iter().find(|source| source.covers(&topics[0])).unwrap();
    assert!(topics.len() <= source.batch() && topics.iter().all(|topic| source.covers(topic)));
    let start = SystemTime::UNIX_EPOCH + BEGIN;
    let end = start + Duration::from_secs(60);
    source.fetch(&BackfillRequest::new(GapId::new(1), topics, start, end)).await
}

fn body(item: &Backfilled) -> Value {
    serde_json::from_str(item.body.as_ref().unwrap().get()).unwrap()
}

/// The event that the crate's decoder makes of it; its body is what was fetched.
fn variant(item: &Backfilled) -> &'static str {
    let event = read_body(&item.topic, item.body.as_ref().unwrap());
    let again: Value = serde_json::from_str(event.body_json().unwrap().get()).unwrap();
    assert!(!matches!(event, Event::Malformed { .. }), "{again}");
    assert_eq!(again, body(item));
    event.variant()
}

#[expect(clippy::unnecessary_wraps, reason = "what is compared may have no time")]
fn time(text: &str) -> Option<SystemTime> {
    Some(Timestamp::from(text).to_system_time().unwrap())
}

fn answered(body: &Value) -> Reply {
    Reply::json(200, &body.to_string())
}

const REFUSED: &str =
    r#"{"message":"Missing permission some:thing:view","code":"missing.permissions","status":403}"#;

#[tokio::test]
async fn presences_of_many_users_are_one_call() {
    let (server, sources) = serve(|_| {
        answered(&json!([
            {"id": "u2", "userId": "u2", "source": "PURECLOUD", "message": "lunch", "selfUri": "/x",
             "presenceDefinition": {"id": "d", "systemPresence": "On Queue", "selfUri": "/y"},
             "modifiedDate": "2026-03-04T09:30:10.500Z"},
            {"id": "u1", "source": "PURECLOUD"},
        ]))
    })
    .await;
    let topics = ["v2.users.u1.presence", "v2.users.U2.presence", "v2.users.u3.presence"];
    let found = fetch(&sources, &topics).await.unwrap();
    assert_eq!(server.count(), 1);
    let target = "/api/v2/users/presences/purecloud/bulk?id=u1%2CU2%2Cu3";
    assert_eq!(server.seen()[0].target, target);
    assert_eq!(found.iter().map(|item| item.topic.name()).collect::<Vec<_>>(), topics);
    let expected = json!({
        "source": "PURECLOUD", "message": "lunch", "modifiedDate": "2026-03-04T09:30:10.500Z",
        "presenceDefinition": {"id": "d", "systemPresence": "ON_QUEUE"},
    });
    assert_eq!(body(&found[1]), expected);
    assert_eq!((found[0].at, found[1].at), (None, time("2026-03-04T09:30:10.500Z")));
    assert_eq!((variant(&found[0]), variant(&found[1])), ("UsersPresence", "UsersPresence"));
    assert_eq!(found[2].body.as_ref().unwrap_err().kind(), ErrorKind::NotFound);
    let source = sources.iter().find(|source| source.covers(&found[1].topic)).unwrap();
    let mark = source.mark(&found[1].topic, found[1].body.as_ref().unwrap().get());
    assert_eq!(mark.at, found[1].at, "a live event is dated as what was fetched");
}

#[tokio::test]
async fn the_presence_of_one_user_has_what_many_have_not() {
    let (server, sources) = serve(|_| {
        answered(&json!({"id": "u1", "primary": true, "presenceDefinition": null,
                         "futurePresenceDefinition": {"id": "f", "systemPresence": "Away"}}))
    })
    .await;
    let found = fetch(&sources, &["v2.users.u1.presence"]).await.unwrap();
    assert_eq!(server.seen()[0].target, "/api/v2/users/u1/presences/purecloud");
    let expected =
        json!({"primary": true, "futurePresenceDefinition": {"id": "f", "systemPresence": "AWAY"}});
    assert_eq!(body(&found[0]), expected);
    assert_eq!(variant(&found[0]), "UsersPresence");
}

#[tokio::test]
async fn routing_statuses_come_from_the_list_of_users_and_singly_where_it_has_none() {
    for list_is_refused in [false, true] {
        let (server, sources) = serve(move |seen| match &*seen.target {
            "/api/v2/users/u2/routingstatus" => {
                answered(&json!({"userId": "u2", "status": "OFF_QUEUE"}))
            }
            "/api/v2/users/u3/routingstatus" => Reply::json(404, r#"{"code":"not.found"}"#),
            list if list.starts_with("/api/v2/users?") && !list_is_refused => {
                answered(&json!({"entities": [
                    {"id": "u1", "name": "A", "routingStatus":
                        {"userId": "u1", "status": "IDLE", "startTime": "2026-03-04T09:30:10.500Z"}},
                    {"id": "u2", "name": "B"},
                ]}))
            }
            "/api/v2/users/u1/routingstatus" => answered(
                &json!({"userId": "u1", "status": "IDLE", "startTime": "2026-03-04T09:30:10.500Z"}),
            ),
            _ => Reply::json(403, REFUSED),
        })
        .await;
        let ids = ["u1", "u2", "u3"].map(|id| format!("v2.users.{id}.routingstatus"));
        let found = fetch(&sources, &ids.each_ref().map(String::as_str)).await.unwrap();
        let list = "/api/v2/users?pageSize=3&expand=routingStatus&id=u1&id=u2&id=u3";
        assert_eq!(server.seen()[0].target, list);
        assert_eq!(server.count(), if list_is_refused { 4 } else { 3 });
        let status = json!({"status": "IDLE", "startTime": "2026-03-04T09:30:10.500Z"});
        assert_eq!(body(&found[0]), json!({"id": "u1", "routingStatus": status}));
        assert_eq!(found[0].at, time("2026-03-04T09:30:10.500Z"));
        assert_eq!(body(&found[1]), json!({"id": "u2", "routingStatus": {"status": "OFF_QUEUE"}}));
        assert_eq!(variant(&found[0]), "UsersRoutingStatus");
        assert_eq!(found[2].body.as_ref().unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn each_figure_of_a_queue_is_an_event_and_a_part_of_its_state() {
    let (server, sources) = serve(|_| {
        answered(&json!({"systemToOrganizationMappings": {}, "results": [
            {"group": {"queueId": "q1", "mediaType": "voice"}, "data": [
                {"metric": "oWaiting", "stats": {"count": 1, "ratio": null}, "truncated": false, "observations": []},
                {"metric": "oInteracting", "stats": {"count": 3}}]},
            {"group": {"queueId": "q1"}, "data": [
                {"metric": "oUserRoutingStatuses", "qualifier": "IDLE", "stats": {"count": 2}}]},
            {"group": {"queueId": "another"}, "data": [{"metric": "oWaiting", "stats": {"count": 9}}]},
            {"group": {"queueId": "q2"}},
        ]}))
    })
    .await;
    let topics = ["v2.analytics.queues.q1.observations", "v2.analytics.queues.q2.observations"];
    let found = fetch(&sources, &topics).await.unwrap();
    let sent: Value = serde_json::from_str(&server.seen()[0].body).unwrap();
    assert_eq!(sent["metrics"].as_array().unwrap().len(), 11);
    let values: Vec<_> =
        sent["filter"]["predicates"].as_array().unwrap().iter().map(|one| &one["value"]).collect();
    assert_eq!(values, ["q1", "q2"]);
    let parts: Vec<_> = found.iter().map(|item| item.part.as_deref().unwrap()).collect();
    assert_eq!(parts, ["voice|oWaiting|", "voice|oInteracting|", "|oUserRoutingStatuses|IDLE"]);
    let expected = json!({"group": {"queueId": "q1", "mediaType": "voice"},
                          "data": [{"metrics": [{"metric": "oWaiting", "stats": {"count": 1}}]}]});
    assert_eq!(body(&found[0]), expected);
    for item in &found {
        assert_eq!(variant(item), "AnalyticsQueuesObservations");
        let source = sources.iter().find(|source| source.covers(&item.topic)).unwrap();
        let mark = source.mark(&item.topic, item.body.as_ref().unwrap().get());
        assert_eq!(mark.parts, [item.part.clone().unwrap()]);
    }
}

#[tokio::test]
async fn queues_without_anything_to_observe_have_nothing_to_tell() {
    let (_server, sources) = serve(|_| answered(&json!({}))).await;
    let found = fetch(&sources, &["v2.analytics.queues.q1.observations"]).await.unwrap();
    assert!(found.is_empty());
}

/// A conversation of analytics: an agent's leg in a queue.
fn leg(id: &str, user: &str, queue: &str, start: &str, end: Option<&str>) -> Value {
    json!({"conversationId": id, "conversationStart": start, "participants": [
        {"purpose": "customer", "sessions": null},
        {"purpose": "agent", "userId": user, "sessions": [{"segments": [
            {"segmentStart": start, "segmentEnd": end, "queueId": queue}]}]},
    ]})
}

#[tokio::test]
async fn conversations_that_changed_in_the_gap_are_read_once_for_each_topic() {
    let (server, sources) = serve(|seen| match &*seen.target {
        "/api/v2/analytics/conversations/details/query" => answered(&json!({"conversations": [
            leg("late", "u1", "q1", "2026-03-04T09:30:50.000Z", None),
            leg("early", "u1", "q9", "2026-03-04T08:00:00.000Z", Some("2026-03-04T09:30:20.000Z")),
            leg("early", "u1", "q9", "2026-03-04T08:00:00.000Z", Some("2026-03-04T09:30:20.000Z")),
            leg("unchanged", "u1", "q1", "2026-03-04T09:00:00.000Z", None),
            leg("gone", "u2", "q1", "2026-03-04T09:30:30.000Z", None),
        ]})),
        "/api/v2/conversations/gone" => Reply::json(404, r#"{"code":"not.found"}"#),
        one => {
            let id = one.rsplit('/').next().unwrap();
            answered(&json!({"id": id, "startTime": "2026-03-04T08:00:00.000Z", "selfUri": "/x",
                "participants": [{"id": "p", "userId": "u1", "startTime": "t", "queueName": "Q",
                    "calls": [{"id": "s", "state": "connected", "segments": []}]}]}))
        }
    })
    .await;
    let topics = ["v2.users.u1.conversations", "v2.routing.queues.q1.conversations"];
    let found = fetch(&sources, &topics).await.unwrap();
    let sent: Value = serde_json::from_str(&server.seen()[0].body).unwrap();
    assert_eq!(sent["interval"], "2026-03-03T09:29:55.000Z/2026-03-04T09:31:05.000Z");
    let predicates = sent["segmentFilters"][0]["predicates"].as_array().unwrap();
    let asked: Vec<_> = predicates
        .iter()
        .map(|one| (&one["dimension"], &one["value"]))
        .map(|(d, v)| format!("{d}{v}"))
        .collect();
    assert_eq!(asked, [r#""userId""u1""#, r#""queueId""q1""#]);
    let shown: Vec<_> = found
        .iter()
        .map(|item| {
            let what = match &item.body {
                Ok(_) => variant(item).to_owned(),
                Err(error) => format!("{:?} {error}", error.kind()),
            };
            (item.part.as_deref().unwrap_or("-"), item.topic.id().to_owned(), what)
        })
        .collect();
    let expected = [
        ("late", "u1", "UsersConversations"),
        ("late", "q1", "RoutingQueuesConversations"),
        ("early", "u1", "UsersConversations"),
        ("-", "q1", "NotFound conversation gone: HTTP 404: not.found"),
    ];
    assert_eq!(shown, expected.map(|(part, id, what)| (part, id.to_owned(), what.to_owned())));
    assert_eq!(found[2].at, time("2026-03-04T09:30:20.000Z"));
    let participant =
        json!({"id": "p", "userId": "u1", "calls": [{"id": "s", "state": "connected"}]});
    assert_eq!(body(&found[0]), json!({"id": "late", "participants": [participant]}));
    let mark = sources[3].mark(&found[0].topic, found[0].body.as_ref().unwrap().get());
    assert_eq!(mark.parts, [Box::<str>::from("late")]);
}

#[tokio::test]
async fn more_conversations_than_are_read_are_an_error_beside_those_that_were() {
    let (server, sources) = serve(|seen| {
        if seen.method == "GET" {
            return answered(&json!({"id": "changed"}));
        }
        let sent: Value = serde_json::from_str(&seen.body).unwrap();
        let page = sent["paging"]["pageNumber"].as_u64().unwrap();
        let one = |n| {
            let id = if (page, n) == (3, 7) { "changed".into() } else { format!("{page}-{n}") };
            let start =
                if id == "changed" { "2026-03-04T09:30:20Z" } else { "2026-03-04T01:00:00Z" };
            leg(&id, "u1", "q1", start, None)
        };
        answered(&json!({ "conversations": (0..100).map(one).collect::<Vec<_>>() }))
    })
    .await;
    let found = fetch(&sources, &["v2.users.u1.conversations"]).await.unwrap();
    assert_eq!(server.count(), 11);
    assert_eq!((found.len(), variant(&found[0])), (2, "UsersConversations"));
    assert_eq!(found[1].body.as_ref().unwrap_err().kind(), ErrorKind::Capacity);
}

#[tokio::test]
async fn a_missing_permission_is_named_and_not_asked_for_again() {
    let (server, sources) = serve(|seen| match &*seen.method {
        "POST" if seen.target.contains("details") => answered(&json!({"conversations": [
            leg("a", "u1", "q1", "2026-03-04T09:30:30.000Z", None)]})),
        _ => Reply::json(403, REFUSED),
    })
    .await;
    for topic in
        ["v2.users.u1.conversations", "v2.users.u1.presence", "v2.analytics.queues.q1.observations"]
    {
        let before = server.count();
        let error = fetch(&sources, &[topic]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{topic}");
        assert!(error.to_string().contains("some:thing:view"), "{error}");
        assert_eq!(server.count() - before, if topic.ends_with("conversations") { 2 } else { 1 });
    }
    let found = fetch(&sources, &["v2.users.u1.routingStatus"]).await.unwrap();
    let error = found[0].body.as_ref().unwrap_err();
    assert!(error.summary().contains("some:thing:view"), "{error}");
}

#[tokio::test]
async fn only_topics_of_the_very_kind_are_covered() {
    let (_server, sources) = serve(|_| Reply::json(404, "")).await;
    let covers = |name: &str| sources.iter().filter(|it| it.covers(&name.parse().unwrap())).count();
    for name in [
        "v2.users.u1.presence",
        "v2.Users.u1.ROUTINGSTATUS",
        "v2.users.u1.conversations",
        "v2.routing.queues.q1.conversations",
        "v2.analytics.queues.q1.observations",
    ] {
        assert_eq!(covers(name), 1, "{name}");
    }
    for name in [
        "v2.users.u1.conversations.calls",
        "v2.users.u1.activity",
        "v2.users.presence",
        "v2.users.u1.x.presence",
        "v2.routing.queues.q1.users",
        "socket.presence.u1",
    ] {
        assert_eq!(covers(name), 0, "{name}");
    }
}

//! Details of conversations and users: what is sent, page after page.

use futures::TryStreamExt;
use genesys_cloud::Position;
use genesys_cloud::analytics::{
    Clause, ConversationDetailMetric, ConversationDimension, ConversationOrderBy, Filter, Interval,
    Predicate, PresenceDimension, QueryOrder, Range, RoutingStatusDimension, SegmentDimension,
    SegmentMetric, UserDimension,
};
use serde_json::{Value, json};

use crate::loopback::Reply;
use crate::support::{answering, platform, sent};

const QUERY: &str = "/api/v2/analytics/conversations/details/query";

pub(crate) fn hour() -> Interval {
    "2026-03-04T09:00:00Z/PT1H".parse().unwrap()
}

pub(crate) const HOUR: &str = "2026-03-04T09:00:00.000Z/2026-03-04T10:00:00.000Z";

#[tokio::test]
async fn a_bare_query_has_an_interval_and_a_page() {
    let (server, client) = answering(200, json!({ "totalHits": 0 })).await;
    let pages: Vec<_> =
        client.analytics().conversation_details(hour()).pages().try_collect().await.unwrap();
    // An empty page has no list, and is the end.
    assert_eq!((pages.len(), pages[0].items.len(), pages[0].total), (1, 0, Some(0)));
    let paging = json!({ "pageSize": 100, "pageNumber": 1 });
    sent(&server, "POST", QUERY, &json!({ "interval": HOUR, "paging": paging }));
}

#[tokio::test]
async fn filters_predicates_and_order_are_sent_as_the_query_language_has_them() {
    let (server, client) = answering(200, json!({})).await;
    let queues = Clause::one_of(SegmentDimension::QueueId, ["q1", "q2"]).unwrap();
    let voice = Predicate::matches(SegmentDimension::MediaType, "voice");
    let failed = Predicate::exists(SegmentDimension::ErrorCode)
        .or(Predicate::not_exists(SegmentDimension::WrapUpCode));
    let poor =
        Predicate::within(ConversationDimension::MediaStatsMinConversationMos, Range::lt(3.5));
    let long =
        Predicate::metric(ConversationDetailMetric::TTalk, Range::gte(60_000.0).and_lte(90_000.0));
    let _ = client
        .analytics()
        .conversation_details(hour())
        .filter(Filter::all([queues, voice.into(), failed]).unwrap())
        .filter(Predicate::metric_exists(SegmentMetric::TSegmentDuration))
        .filter(poor.and(long))
        .filter(Predicate::matches(ConversationDimension::Other("newer".into()), "x"))
        .order_by(ConversationOrderBy::SegmentEnd, QueryOrder::Desc)
        .page_size(7)
        .items()
        .try_next()
        .await
        .unwrap();
    let is = |name: &str, value: &str| json!({ "type": "dimension", "dimension": name, "operator": "matches", "value": value });
    let wanted = json!({
        "interval": HOUR, "order": "desc", "orderBy": "segmentEnd",
        "paging": { "pageSize": 7, "pageNumber": 1 },
        "segmentFilters": [
            { "type": "and", "predicates": [is("mediaType", "voice")], "clauses": [
                { "type": "or", "predicates": [is("queueId", "q1"), is("queueId", "q2")] },
                { "type": "or", "predicates": [
                    { "type": "dimension", "dimension": "errorCode", "operator": "exists" },
                    { "type": "dimension", "dimension": "wrapUpCode", "operator": "notExists" }] }] },
            { "type": "and", "predicates": [
                { "type": "metric", "metric": "tSegmentDuration", "operator": "exists" }] },
        ],
        "conversationFilters": [
            { "type": "and", "predicates": [
                { "type": "dimension", "dimension": "mediaStatsMinConversationMos",
                  "operator": "matches", "range": { "lt": 3.5 } },
                { "type": "metric", "metric": "tTalk", "operator": "matches",
                  "range": { "gte": 60000.0, "lte": 90000.0 } }] },
            { "type": "and", "predicates": [is("newer", "x")] },
        ],
    });
    let seen: Value = serde_json::from_str(&server.seen()[0].body).unwrap();
    assert_eq!(seen, wanted, "{seen:#}");
}

#[tokio::test]
async fn the_queries_of_users_fit_the_published_shape() {
    let users = json!({ "userDetails": [{ "userId": "u1" }], "totalHits": 1 });
    let (server, client) = answering(200, users).await;
    let query = client
        .analytics()
        .user_details(hour())
        .users(Clause::one_of(UserDimension::UserId, ["u1", "u2"]).unwrap())
        .presences(Predicate::matches(PresenceDimension::SystemPresence, "AWAY"))
        .routing_statuses(Predicate::matches(RoutingStatusDimension::RoutingStatus, "IDLE"))
        .order(QueryOrder::Asc);
    let users: Vec<_> = query.items().try_collect().await.unwrap();
    assert_eq!(users[0].user_id.as_deref(), Some("u1"));
    let is = |name: &str, value: &str| json!({ "type": "dimension", "dimension": name, "operator": "matches", "value": value });
    let wanted = json!({
        "interval": HOUR, "order": "asc", "paging": { "pageSize": 100, "pageNumber": 1 },
        "userFilters": [{ "type": "or", "predicates": [is("userId", "u1"), is("userId", "u2")] }],
        "presenceFilters": [{ "type": "and", "predicates": [is("systemPresence", "AWAY")] }],
        "routingStatusFilters": [{ "type": "and", "predicates": [is("routingStatus", "IDLE")] }],
    });
    sent(&server, "POST", "/api/v2/analytics/users/details/query", &wanted);
}

#[tokio::test]
async fn a_saved_position_goes_on_in_the_middle_of_a_page() {
    let (server, client) = platform(|_, seen| {
        let sent: Value = serde_json::from_str(&seen.body).unwrap();
        let number = sent["paging"]["pageNumber"].as_u64().unwrap();
        let list: Vec<Value> = ((number - 1) * 4..(number * 4).min(10))
            .map(|n| json!({ "conversationId": n.to_string() }))
            .collect();
        Reply::json(200, &json!({ "conversations": list, "totalHits": 10 }).to_string())
    })
    .await;
    let query = client.analytics().conversation_details(hour()).page_size(4);
    let (mut seen, mut position) = (Vec::new(), None::<String>);
    while seen.len() < 10 {
        let mut items = match &position {
            Some(text) => {
                let position: Position = serde_json::from_str(text).unwrap();
                query.pages().resume(position).unwrap().items()
            }
            None => query.items(),
        };
        for _ in 0..3 {
            let Some(one) = items.try_next().await.unwrap() else { break };
            seen.push(one.conversation_id.unwrap().parse::<u32>().unwrap());
        }
        position = Some(serde_json::to_string(&items.position()).unwrap());
    }
    assert_eq!(seen, (0..10).collect::<Vec<_>>());
    // The position of another query is refused.
    let other = client.analytics().conversation_details(hour()).page_size(5).pages();
    assert!(other.resume(serde_json::from_str(&position.unwrap()).unwrap()).is_err());
    assert!(server.count() >= 4);
}

#[tokio::test]
async fn many_are_found_in_the_order_asked_for_and_the_unknown_are_told() {
    let (server, client) = platform(|_, seen| {
        let (_, query) = seen.target.split_once('?').unwrap();
        let (_, ids) = url::form_urlencoded::parse(query.as_bytes()).next().unwrap();
        // In reverse, and without every tenth.
        let known = ids.split(',').rev().filter(|id| !id.ends_with('7'));
        let list: Vec<Value> = known.map(|id| json!({ "conversationId": id })).collect();
        Reply::json(200, &json!({ "conversations": list }).to_string())
    })
    .await;
    let ids: Vec<String> = (0..120).map(|n| format!("c-{n}")).collect();
    let all = client.analytics().conversations(ids.clone()).await.unwrap();
    let found: Vec<_> = all.found.iter().map(|one| one.conversation_id.clone().unwrap()).collect();
    let (missing, known): (Vec<_>, Vec<_>) =
        ids.into_iter().map(String::into_boxed_str).partition(|id| id.ends_with('7'));
    assert_eq!((found, all.missing), (known, missing));
    assert_eq!(server.count(), 3);
    let none = client.analytics().conversations(Vec::<String>::new()).await.unwrap();
    assert!(none.found.is_empty() && server.count() == 3);
}

#[tokio::test]
async fn a_total_costs_one_conversation() {
    let (server, client) = answering(200, json!({ "totalHits": 77, "conversations": [{}] })).await;
    let query = client.analytics().conversation_details(hour());
    assert_eq!(query.total().await.unwrap(), 77);
    let paging = json!({ "pageSize": 1, "pageNumber": 1 });
    sent(&server, "POST", QUERY, &json!({ "interval": HOUR, "paging": paging }));
}

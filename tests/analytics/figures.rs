//! Aggregates, observations and the report of disconnects.

use genesys_cloud::analytics::{
    AggregateDimension, Clause, ConversationMetric, DisconnectKind, FlowDimension, FlowMetric,
    Granularity, Predicate, QueueDimension, QueueMetric, SegmentDimension, UserDimension,
    UserMetric, UserObservationMetric,
};
use serde_json::{Value, json};

use crate::details::{HOUR, hour};
use crate::support::{answering, sent};

fn is(name: &str, value: &str) -> Value {
    json!({ "type": "dimension", "dimension": name, "operator": "matches", "value": value })
}

#[tokio::test]
async fn aggregates_of_conversations_are_rows() {
    let half = "2026-03-04T09:00:00.000Z/2026-03-04T09:30:00.000Z";
    let (server, client) = answering(200, json!({ "results": [
        { "group": { "queueId": "q1" }, "data": [{ "interval": half, "metrics": [
            { "metric": "nOffered", "stats": { "count": 14 } },
            { "metric": "tAnswered", "stats": { "count": 4, "sum": 1000, "max": 400, "min": 100 } }] }] },
        { "group": { "queueId": "q2" }, "data": [{ "interval": half, "metrics": [
            { "metric": "nOffered", "stats": { "count": 1 } }] }] }] }))
    .await;
    let answer = client
        .analytics()
        .conversation_aggregates(hour())
        .metrics([ConversationMetric::NOffered, ConversationMetric::TAnswered])
        .group_by([AggregateDimension::QueueId])
        .granularity(Granularity::HALF_HOUR)
        .time_zone("Europe/Berlin")
        .filter(Clause::one_of(AggregateDimension::QueueId, ["q1", "q2"]).unwrap())
        .fetch()
        .await
        .unwrap();
    assert_eq!(answer.rows.len(), 3);
    assert_eq!(answer.raw.results.as_ref().unwrap().len(), 2);
    let row = &answer.rows[1];
    assert_eq!(
        (row.of("queueId"), &*row.metric, row.mean()),
        (Some("q1"), "tAnswered", Some(250.0))
    );
    let text = serde_json::to_value(&answer.rows[2]).unwrap();
    assert_eq!((&text["group"]["queueId"], &text["interval"]), (&json!("q2"), &json!(half)));
    let wanted = json!({
        "interval": HOUR, "granularity": "PT30M", "timeZone": "Europe/Berlin",
        "groupBy": ["queueId"], "metrics": ["nOffered", "tAnswered"],
        "filter": { "type": "or", "predicates": [is("queueId", "q1"), is("queueId", "q2")] },
    });
    sent(&server, "POST", "/api/v2/analytics/conversations/aggregates/query", &wanted);
}

#[tokio::test]
async fn aggregates_of_users_and_flows_fit_the_published_shape() {
    let (server, client) = answering(200, json!({})).await;
    let users = client
        .analytics()
        .user_aggregates(hour())
        .metrics([UserMetric::TSystemPresence])
        .group_by([UserDimension::UserId])
        .filter(Predicate::matches(UserDimension::UserId, "u1"));
    assert!(users.fetch().await.unwrap().rows.is_empty());
    let wanted = json!({
        "interval": HOUR, "groupBy": ["userId"], "metrics": ["tSystemPresence"],
        "filter": { "type": "and", "predicates": [is("userId", "u1")] },
    });
    sent(&server, "POST", "/api/v2/analytics/users/aggregates/query", &wanted);
    let (server, client) = answering(200, json!({})).await;
    let flows = client
        .analytics()
        .flow_aggregates(hour())
        .metrics([FlowMetric::from("nFlow")])
        .group_by([FlowDimension::FlowId]);
    assert!(flows.fetch().await.unwrap().rows.is_empty());
    let wanted = json!({ "interval": HOUR, "groupBy": ["flowId"], "metrics": ["nFlow"] });
    sent(&server, "POST", "/api/v2/analytics/flows/aggregates/query", &wanted);
}

#[tokio::test]
async fn observations_are_rows() {
    let (server, client) = answering(200, json!({
        "systemToOrganizationMappings": { "Available": ["p1"] },
        "results": [
            { "group": { "queueId": "q1", "mediaType": "voice" }, "data": [
                { "metric": "oWaiting", "stats": { "count": 1 }, "truncated": true,
                  "observations": [{ "conversationId": "c1" }] }] },
            { "group": { "queueId": "q1" }, "data": [
                { "metric": "oUserRoutingStatuses", "qualifier": "IDLE", "stats": { "count": 2 } }] }],
    }))
    .await;
    let answer = client
        .analytics()
        .queue_observations(Predicate::matches(QueueDimension::QueueId, "q1"))
        .metrics([QueueMetric::OWaiting, QueueMetric::OUserRoutingStatuses])
        .details([QueueMetric::OWaiting])
        .fetch()
        .await
        .unwrap();
    let [waiting, idle] = &answer.rows[..] else { panic!("{:?}", answer.rows) };
    assert_eq!((waiting.of("mediaType"), waiting.truncated), (Some("voice"), true));
    assert_eq!(waiting.observations[0].conversation_id.as_deref(), Some("c1"));
    assert_eq!((idle.qualifier.as_deref(), idle.stats.count), (Some("IDLE"), Some(2)));
    let wanted = json!({
        "filter": { "type": "and", "predicates": [is("queueId", "q1")] },
        "metrics": ["oWaiting", "oUserRoutingStatuses"], "detailMetrics": ["oWaiting"],
    });
    sent(&server, "POST", "/api/v2/analytics/queues/observations/query", &wanted);
    let (server, client) = answering(200, json!({})).await;
    let users = client
        .analytics()
        .user_observations(Predicate::matches(UserDimension::UserId, "u1"))
        .metrics([UserObservationMetric::OMemberQueues]);
    assert!(users.fetch().await.unwrap().rows.is_empty());
    let wanted = json!({
        "filter": { "type": "and", "predicates": [is("userId", "u1")] },
        "metrics": ["oMemberQueues"],
    });
    sent(&server, "POST", "/api/v2/analytics/users/observations/query", &wanted);
}

#[tokio::test]
async fn a_report_counts_what_faults_ended_and_leaves_out_the_rest() {
    let leg = |user: &str, kind: &str, code: Option<&str>, at: &str| {
        let mut segment = json!({ "segmentEnd": at, "disconnectType": kind, "queueId": "q1",
            "sipResponseCodes": [480], "q850ResponseCodes": [38] });
        if let Some(code) = code {
            segment["errorCode"] = code.into();
        }
        json!({ "purpose": "agent", "userId": user, "sessions": [{
            "mediaType": "voice", "edgeId": "e1", "segments": [segment],
            "mediaEndpointStats": [{ "minMos": 3.1, "receivedPackets": 100, "discardedPackets": 5 }] }] })
    };
    let of = |id: &str, legs: Vec<Value>| json!({ "conversationId": id, "participants": legs });
    let (server, client) = answering(
        200,
        json!({ "conversations": [
        of("c-1", vec![
            leg("u1", "transportFailure", Some("error.x"), "2026-03-04T09:30:00Z"),
            leg("u2", "peer", None, "2026-03-04T09:30:00Z")]),
        // Another spelling, and an end that is outside.
        of("c-2", vec![
            leg("u1", "TRANSPORT_FAILURE", None, "2026-03-04T09:10:00Z"),
            leg("u2", "error", None, "2026-03-04T10:00:00Z")]),
        of("c-3", vec![leg("u3", "client", Some("error.y"), "2026-03-04T09:20:00Z")]),
    ], "totalHits": 3 }),
    )
    .await;
    let report = client
        .analytics()
        .disconnect_report(hour())
        .filter(Predicate::matches(SegmentDimension::MediaType, "voice"))
        .fetch()
        .await
        .unwrap();
    let ids: Vec<_> = report.ends.iter().map(|end| &*end.conversation_id).collect();
    assert_eq!(
        (ids, report.conversations, report.truncated),
        (vec!["c-2", "c-3", "c-1"], 3, false)
    );
    let last = &report.ends[2];
    assert_eq!(last.disconnect, Some(DisconnectKind::TransportFailure));
    assert_eq!((&*last.sip_codes, &*last.q850_codes), (&[480][..], &[38][..]));
    assert_eq!(last.media.unwrap().discarded(), Some(0.05));
    let counts = |list: &[genesys_cloud::analytics::EndCount]| -> Vec<(Option<String>, usize)> {
        list.iter().map(|one| (one.name.as_deref().map(str::to_owned), one.ends)).collect()
    };
    let some = |name: &str, ends| (Some(name.to_owned()), ends);
    assert_eq!(counts(&report.by_kind), [some("transportFailure", 2), some("client", 1)]);
    assert_eq!(counts(&report.by_error_code), [(None, 1), some("error.x", 1), some("error.y", 1)]);
    assert_eq!(counts(&report.by_queue), [some("q1", 3)]);
    assert_eq!(counts(&report.by_user), [some("u1", 2), some("u3", 1)]);
    assert_eq!(counts(&report.by_edge), [some("e1", 3)]);
    let text = serde_json::to_value(&report).unwrap();
    assert_eq!(
        (&text["interval"], &text["ends"][0]["disconnect"]),
        (&json!(HOUR), &json!("transportFailure"))
    );
    let kinds =
        ["transportFailure", "error", "timeout", "system"].map(|kind| is("disconnectType", kind));
    let mut faults = kinds.to_vec();
    faults.push(json!({ "type": "dimension", "dimension": "errorCode", "operator": "exists" }));
    let wanted = json!({
        "interval": HOUR, "order": "desc", "orderBy": "segmentEnd",
        "paging": { "pageSize": 100, "pageNumber": 1 },
        "segmentFilters": [
            { "type": "or", "predicates": faults },
            { "type": "and", "predicates": [is("mediaType", "voice")] }],
    });
    sent(&server, "POST", "/api/v2/analytics/conversations/details/query", &wanted);
}

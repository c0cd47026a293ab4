//! Details of conversations and of users: filters select, pages are complete, and one agrees with the other.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::support::{Rig, quiet};
use super::{good, hours, post};

const QUERY: &str = "/api/v2/analytics/conversations/details/query";

/// Every conversation that a query finds, page by page, and what it said the total was.
async fn every(rig: &Rig, token: &str, mut body: Value) -> (Vec<Value>, u64) {
    let (mut all, mut seen, mut total) = (Vec::new(), BTreeSet::new(), 0);
    for number in 1.. {
        body["paging"] = json!({ "pageSize": 100, "pageNumber": number });
        let page = good(&post(rig, token, QUERY, body.clone()).await);
        total = page["totalHits"].as_u64().unwrap();
        let Some(list) = page["conversations"].as_array() else { break };
        for one in list {
            assert!(seen.insert(one["conversationId"].to_string()), "{one} comes twice");
        }
        all.extend(list.iter().cloned());
    }
    (all, total)
}

fn segments<'a>(one: &'a Value) -> impl Iterator<Item = (&'a Value, &'a Value, &'a Value)> {
    let list = |of: &'a Value, name: &str| of[name].as_array().into_iter().flatten();
    list(one, "participants").flat_map(move |participant| {
        list(participant, "sessions").flat_map(move |session| {
            list(session, "segments").map(move |segment| (participant, session, segment))
        })
    })
}

#[tokio::test]
async fn pages_hold_everything_once_in_the_order_that_is_asked_for() {
    let rig = Rig::of(quiet().conversations(2_000)).await;
    let token = rig.token().await;
    let interval = hours(&rig, &token, 24 * 8).await;
    let (all, total) = every(&rig, &token, json!({ "interval": interval })).await;
    assert_eq!((all.len(), total), (2_000, 2_000));
    let starts: Vec<_> = all.iter().map(|one| one["conversationStart"].as_str()).collect();
    assert!(starts.is_sorted());
    let body = json!({ "interval": interval, "order": "desc", "orderBy": "conversationEnd" });
    let (by_end, _) = every(&rig, &token, body).await;
    let ends: Vec<_> = by_end.iter().map(|one| one["conversationEnd"].as_str()).collect();
    assert!(ends.is_sorted_by(|a, b| a >= b) && ends.len() == 2_000);
    let again = Rig::of(quiet().conversations(2_000)).await;
    let page =
        good(&post(&again, &again.token().await, QUERY, json!({ "interval": interval })).await);
    let first: Vec<_> = page["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["conversationId"])
        .collect();
    let known: BTreeSet<String> = all.iter().map(|one| one["conversationId"].to_string()).collect();
    assert!(first.iter().all(|id| known.contains(&id.to_string())), "one seed makes one past");
}

/// Says of a conversation whether a filter should find it.
type Holds = Box<dyn Fn(&Value) -> bool>;

#[tokio::test]
async fn filters_select_what_they_name_and_nothing_else() {
    let rig = Rig::of(quiet().conversations(600)).await;
    let token = rig.token().await;
    let interval = hours(&rig, &token, 24 * 8).await;
    let (all, _) = every(&rig, &token, json!({ "interval": interval })).await;
    let agent = rig.platform.users()[4].clone();
    let of = |test: fn(&Value, &Value, &Value) -> bool| -> Holds {
        Box::new(move |one| {
            segments(one).any(|(participant, session, segment)| test(participant, session, segment))
        })
    };
    let user = agent.clone();
    let cases: Vec<(&str, Value, Holds)> = vec![
        (
            "segmentFilters",
            json!([{ "type": "and", "predicates": [{ "dimension": "mediaType", "value": "message" }] }]),
            of(|_, session, _| session["mediaType"] == "message"),
        ),
        (
            "segmentFilters",
            json!([{ "type": "and", "predicates": [{ "dimension": "userId", "value": agent }] }]),
            Box::new(move |one| {
                segments(one).any(|(participant, ..)| participant["userId"] == user.as_str())
            }),
        ),
        (
            "segmentFilters",
            json!([{ "type": "or", "predicates": [
                { "dimension": "disconnectType", "value": "transportFailure" }, { "dimension": "errorCode", "operator": "exists" } ] }]),
            of(|_, _, segment| {
                segment["disconnectType"] == "transportFailure" || segment["errorCode"].is_string()
            }),
        ),
        (
            "segmentFilters",
            json!([{ "type": "and", "predicates": [
                { "dimension": "segmentType", "value": "hold" }, { "type": "metric", "metric": "tSegmentDuration", "range": { "gt": 0 } } ] }]),
            of(|_, _, segment| segment["segmentType"] == "hold"),
        ),
        (
            "conversationFilters",
            json!([{ "type": "and", "predicates": [{ "dimension": "mediaStatsMinConversationMos", "range": { "lt": 3.5 } }] }]),
            Box::new(|one| {
                one["mediaStatsMinConversationMos"].as_f64().is_some_and(|mos| mos < 3.5)
            }),
        ),
        (
            "conversationFilters",
            json!([{ "type": "and", "predicates": [{ "type": "metric", "metric": "tAbandon", "operator": "exists" }] }]),
            Box::new(|one| one.to_string().contains("tAbandon")),
        ),
        (
            "conversationFilters",
            json!([{ "type": "and", "predicates": [{ "dimension": "conversationEnd", "operator": "notExists" }] }]),
            Box::new(|one| one["conversationEnd"].is_null()),
        ),
        (
            "segmentFilters",
            json!([{ "type": "and", "clauses": [
                { "type": "or", "predicates": [{ "dimension": "purpose", "value": "acd" }, { "dimension": "purpose", "value": "agent" }] },
                { "type": "and", "predicates": [{ "dimension": "disconnectType", "value": "noAnswerTransfer" }] } ] }]),
            of(|_, _, segment| segment["disconnectType"] == "noAnswerTransfer"),
        ),
    ];
    for (kind, filters, holds) in cases {
        let mut body = json!({ "interval": interval });
        body[kind] = filters.clone();
        let (found, total) = every(&rig, &token, body).await;
        let expected = all.iter().filter(|one| holds(one)).count();
        assert_eq!((found.len() as u64, total), (expected as u64, expected as u64), "{filters}");
        assert!(found.iter().all(holds), "{filters}");
        assert!(
            expected > 0 || filters.to_string().contains("notExists"),
            "the case is there: {filters}"
        );
    }
}

#[tokio::test]
async fn one_conversation_is_the_same_alone_and_unknown_ids_are_404() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let interval = hours(&rig, &token, 48).await;
    let page = good(&post(&rig, &token, QUERY, json!({ "interval": interval })).await);
    let one = &page["conversations"][7];
    let id = one["conversationId"].as_str().unwrap();
    let alone =
        good(&rig.get(&format!("/api/v2/analytics/conversations/{id}/details"), &token).await);
    assert_eq!(alone, *one);
    let several =
        good(&rig.get(&format!("/api/v2/analytics/conversations/details?id={id},x"), &token).await);
    assert_eq!(several["conversations"], json!([one]));
    let answer = rig.get("/api/v2/analytics/conversations/nobody/details", &token).await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "not.found"));
}

#[tokio::test]
async fn intervals_that_are_reversed_or_too_long_are_400() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    for (path, most) in [
        (QUERY, "31 days"),
        ("/api/v2/analytics/conversations/details/jobs", "31 days"),
        ("/api/v2/analytics/users/details/query", "7 days"),
        ("/api/v2/analytics/conversations/aggregates/query", "366 days"),
    ] {
        let body = |interval: &str| json!({ "interval": interval, "metrics": ["nOffered"] });
        for (interval, words) in [
            ("2026-03-05T00:00:00Z/2026-03-04T00:00:00Z", "the start is after the end"),
            ("2020-03-05T00:00:00Z/2026-03-04T00:00:00Z", most),
            ("2026-03-05", "start/end"),
        ] {
            let mut body = body(interval);
            if !path.contains("aggregates") {
                body.as_object_mut().unwrap().remove("metrics");
            }
            let answer = post(&rig, &token, path, body).await;
            assert_eq!((answer.status, answer.code().as_str()), (400, "bad.request"), "{path}");
            assert!(answer.text.contains(words), "{path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn details_of_a_user_fit_the_conversations_of_that_user() {
    let rig = Rig::of(quiet().conversations(700)).await;
    let token = rig.token().await;
    let (interval, user) = (hours(&rig, &token, 24 * 6).await, rig.platform.users()[1].clone());
    let filter =
        json!([{ "type": "and", "predicates": [{ "dimension": "userId", "value": user }] }]);
    let path = "/api/v2/analytics/users/details/query";
    let found = good(
        &post(&rig, &token, path, json!({ "interval": interval, "userFilters": filter })).await,
    );
    assert_eq!(found["totalHits"], 1);
    let detail = &found["userDetails"][0];
    for kind in ["primaryPresence", "routingStatus"] {
        let list = detail[kind].as_array().unwrap();
        assert!(list.len() > 2, "{kind}");
        for two in list.windows(2) {
            assert_eq!(two[0]["endTime"], two[1]["startTime"], "{kind} has no hole");
        }
        assert!(list.last().unwrap()["endTime"].is_null(), "the last one goes on");
    }
    let (conversations, _) =
        every(&rig, &token, json!({ "interval": interval, "segmentFilters": filter })).await;
    let answered: BTreeSet<&str> = conversations
        .iter()
        .flat_map(segments)
        .filter(|(participant, _, segment)| {
            participant["userId"] == user.as_str() && segment["segmentType"] == "alert"
        })
        .filter(|(.., segment)| segment["disconnectType"].is_null())
        .filter_map(|(.., segment)| segment["segmentEnd"].as_str())
        .collect();
    let begin = interval.split('/').next().unwrap();
    let interacting: BTreeSet<&str> = detail["routingStatus"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["routingStatus"] == "INTERACTING")
        .filter_map(|one| one["startTime"].as_str())
        .collect();
    assert!(interacting.len() > 20);
    let late = answered.iter().filter(|at| **at > begin);
    assert!(late.clone().count() > 20 && late.clone().all(|at| interacting.contains(at)));
    let body = json!({ "interval": interval, "userFilters": filter,
        "presenceFilters": [{ "type": "and", "predicates": [{ "dimension": "systemPresence", "value": "MEAL" }] }],
        "presenceAggregations": [{ "type": "termFrequency", "dimension": "systemPresence" }] });
    let meals = good(&post(&rig, &token, path, body).await);
    let list = meals["userDetails"][0]["primaryPresence"].as_array().unwrap();
    assert!(!list.is_empty() && list.iter().all(|one| one["systemPresence"] == "MEAL"));
    assert_eq!(
        meals["aggregations"][0]["results"],
        json!([{ "value": "MEAL", "count": list.len() }])
    );
}

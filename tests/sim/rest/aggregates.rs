//! Aggregates and observations: their figures are those of the details.

use std::collections::BTreeMap;
use std::time::Duration;

use genesys_cloud::Timestamp;
use genesys_cloud::sim::Platform;
use serde_json::{Value, json};

use super::super::support::{Rig, quiet};
use super::{good, hours, post};

const AGGREGATES: &str = "/api/v2/analytics/conversations/aggregates/query";

/// Count, sum, least and most of a metric.
type Figures = (i64, i64, i64, i64);

/// Figures by group and metric, made from the sessions of details.
async fn from_details(
    rig: &Rig,
    token: &str,
    interval: &str,
) -> BTreeMap<(String, String), Figures> {
    let (from, to) = interval.split_once('/').unwrap();
    let mut figures: BTreeMap<(String, String), Figures> = BTreeMap::new();
    // Details select whole days by the start of a conversation, figures by what happened in the interval: a
    // conversation that began shortly before a midnight has figures after it.
    let begin = Timestamp::from(from).to_system_time().unwrap();
    let earlier = Timestamp::from(begin - Duration::from_secs(3_600));
    let wide = format!("{earlier}/{to}");
    for number in 1.. {
        let body = json!({ "interval": wide, "paging": { "pageSize": 100, "pageNumber": number } });
        let page =
            good(&post(rig, token, "/api/v2/analytics/conversations/details/query", body).await);
        let Some(list) = page["conversations"].as_array() else { return figures };
        for session in list
            .iter()
            .flat_map(|one| one["participants"].as_array().unwrap())
            .flat_map(|one| one["sessions"].as_array().unwrap())
        {
            let segments = session["segments"].as_array().unwrap();
            let queue = segments.iter().find_map(|one| one["queueId"].as_str()).unwrap_or_default();
            for metric in session["metrics"].as_array().into_iter().flatten() {
                let at = metric["emitDate"].as_str().unwrap();
                if at < from || at >= to {
                    continue;
                }
                let (name, value) =
                    (metric["name"].as_str().unwrap(), metric["value"].as_i64().unwrap());
                let one = figures.entry((queue.to_owned(), name.to_owned())).or_insert((
                    0,
                    0,
                    i64::MAX,
                    0,
                ));
                *one = (one.0 + 1, one.1 + value, one.2.min(value), one.3.max(value));
            }
        }
    }
    figures
}

#[tokio::test]
async fn figures_of_queues_are_the_sums_of_their_sessions() {
    let rig = Rig::of(quiet().conversations(900)).await;
    let token = rig.token().await;
    let interval = hours(&rig, &token, 24 * 4).await;
    figures_are_the_sums_of_sessions(&rig, &token, &interval).await;
}

#[tokio::test]
async fn figures_from_midnight_on_hold_what_began_the_day_before() {
    let rig = Rig::of(quiet().conversations(2_000)).await;
    let token = rig.token().await;
    let interval = hours(&rig, &token, 24 * 4).await;
    let (from, to) = interval.split_once('/').unwrap();
    let midnight = format!("{}T00:00:00.000Z/{to}", &from[..10]);
    figures_are_the_sums_of_sessions(&rig, &token, &midnight).await;
}

async fn figures_are_the_sums_of_sessions(rig: &Rig, token: &str, interval: &str) {
    let metrics =
        ["nOffered", "tAnswered", "tAbandon", "tTalk", "tHeld", "tAcw", "tHandle", "nError"];
    let body = json!({ "interval": interval, "groupBy": ["queueId"], "metrics": metrics });
    let answer = good(&post(rig, token, AGGREGATES, body.clone()).await);
    let expected = from_details(rig, token, interval).await;
    let mut seen = 0;
    for group in answer["results"].as_array().unwrap() {
        let queue = group["group"]["queueId"].as_str().unwrap();
        assert!(rig.platform.queues().iter().any(|one| one == queue));
        for metric in group["data"][0]["metrics"].as_array().unwrap() {
            let name = metric["metric"].as_str().unwrap();
            let (count, sum, min, max) = expected[&(queue.to_owned(), name.to_owned())];
            let stats = &metric["stats"];
            if name.starts_with('n') {
                assert_eq!(stats["count"], sum, "{name}");
            } else {
                assert_eq!(
                    *stats,
                    json!({ "count": count, "sum": sum, "min": min, "max": max }),
                    "{name}"
                );
            }
            seen += 1;
        }
    }
    let wanted = expected
        .keys()
        .filter(|(queue, name)| !queue.is_empty() && metrics.contains(&name.as_str()));
    assert_eq!(seen, wanted.count());
    // Cut into hours it is the same in sum.
    let mut by_hour = body;
    by_hour["granularity"] = json!("PT1H");
    let pieces = good(&post(rig, token, AGGREGATES, by_hour).await);
    let offered = |answer: &Value| -> i64 {
        let data = answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|one| one["data"].as_array().unwrap());
        let metrics = data.flat_map(|one| one["metrics"].as_array().unwrap());
        metrics
            .filter(|one| one["metric"] == "nOffered")
            .map(|one| one["stats"]["count"].as_i64().unwrap())
            .sum()
    };
    assert!(pieces["results"][0]["data"].as_array().unwrap().len() > 10);
    assert_eq!(offered(&pieces), offered(&answer));
}

#[tokio::test]
async fn aggregates_filter_rank_and_look_through_views() {
    let rig = Rig::of(quiet().conversations(400)).await;
    let token = rig.token().await;
    let interval = hours(&rig, &token, 24 * 8).await;
    let queue = rig.platform.queues()[0].clone();
    let ask = async |more: Value| {
        let mut body =
            json!({ "interval": interval, "metrics": ["nOffered", "tAnswered", "oServiceLevel"] });
        for (name, value) in more.as_object().unwrap() {
            body[name.as_str()] = value.clone();
        }
        post(&rig, &token, AGGREGATES, body).await
    };
    let filter =
        json!({ "type": "and", "predicates": [{ "dimension": "queueId", "value": queue }] });
    let one = good(&ask(json!({ "groupBy": ["queueId"], "filter": filter })).await);
    assert_eq!(one["results"].as_array().unwrap().len(), 1);
    let stats = |name: &str| {
        let metrics = one["results"][0]["data"][0]["metrics"].as_array().unwrap();
        metrics.iter().find(|one| one["metric"] == name).unwrap()["stats"].clone()
    };
    let level = stats("oServiceLevel");
    assert_eq!(level["denominator"], stats("nOffered")["count"]);
    assert!(
        level["numerator"].as_u64() <= stats("tAnswered")["count"].as_u64()
            && level["target"] == 0.8
    );
    let middle =
        stats("tAnswered")["sum"].as_i64().unwrap() / stats("tAnswered")["count"].as_i64().unwrap();
    let views = json!([
        { "target": "tAnswered", "name": "low", "function": "rangeBound", "range": { "lt": middle } },
        { "target": "tAnswered", "name": "high", "function": "rangeBound", "range": { "gte": middle } },
    ]);
    let viewed =
        good(&ask(json!({ "groupBy": ["queueId"], "filter": filter, "views": views })).await);
    let views = viewed["results"][0]["data"][0]["views"].as_array().unwrap();
    let counts: Vec<u64> =
        views.iter().map(|view| view["stats"]["count"].as_u64().unwrap()).collect();
    assert!(counts.iter().all(|count| *count > 0));
    assert_eq!(json!(counts.iter().sum::<u64>()), stats("tAnswered")["count"]);
    let top = good(
        &ask(json!({ "groupBy": ["userId"], "metrics": ["tTalk"], "queryType": "topN", "limit": 3,
        "sortMetric": { "name": "tTalk", "function": "sum" } }))
        .await,
    );
    let sums: Vec<i64> = top["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["data"][0]["metrics"][0]["stats"]["sum"].as_i64().unwrap())
        .collect();
    assert!(sums.len() == 3 && sums.is_sorted_by(|a, b| a >= b));
    let none =
        json!({ "type": "and", "predicates": [{ "dimension": "queueId", "value": "nobody" }] });
    assert_eq!(good(&ask(json!({ "filter": none })).await), json!({}));
    for (more, words) in [
        (json!({ "metrics": [] }), "metrics"),
        (json!({ "metrics": ["tJoy"] }), "tTalk"),
        (json!({ "groupBy": ["mood"] }), "queueId"),
        (json!({ "granularity": "P1M" }), "PT30M"),
        (
            json!({ "views": [{ "target": "tTalk", "name": "x", "function": "rangeBound" }] }),
            "target",
        ),
    ] {
        let answer = ask(more).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text.contains(words), "{words}: {}", answer.text);
    }
}

#[tokio::test]
async fn every_moment_of_a_user_has_one_status() {
    let rig = Rig::of(quiet().conversations(300).users(5)).await;
    let token = rig.token().await;
    let end = hours(&rig, &token, 24).await;
    let begin = hours(&rig, &token, 72).await;
    let interval =
        format!("{}/{}", begin.split('/').next().unwrap(), end.split('/').next().unwrap());
    let body = json!({ "interval": interval, "groupBy": ["userId"], "granularity": "PT6H",
        "metrics": ["tAgentRoutingStatus", "tSystemPresence"] });
    let answer = good(&post(&rig, &token, "/api/v2/analytics/users/aggregates/query", body).await);
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 5);
    for piece in results.iter().flat_map(|one| one["data"].as_array().unwrap()) {
        for name in ["tAgentRoutingStatus", "tSystemPresence"] {
            let metrics =
                piece["metrics"].as_array().unwrap().iter().filter(|one| one["metric"] == name);
            let sum: i64 = metrics.map(|one| one["stats"]["sum"].as_i64().unwrap()).sum();
            assert_eq!(sum, 6 * 3_600_000, "{name} {piece}");
        }
    }
    assert!(answer["systemToOrganizationMappings"]["AVAILABLE"].is_array());
}

#[tokio::test]
async fn observations_of_a_queue_are_what_its_events_say() {
    let rig = Rig::of(Platform::builder().users(6).queues(1).events_per_second(300.0)).await;
    let queue = rig.platform.queues()[0].clone();
    let topic = format!("v2.analytics.queues.{queue}.observations");
    let (token, _, mut socket) = rig.listen(&[&topic]).await;
    let count = |body: &Value, name: &str| {
        let list = body["data"][0]["metrics"].as_array().unwrap();
        list.iter().find(|one| one["metric"] == name).unwrap()["stats"]["count"].as_u64()
    };
    for _ in 0..60 {
        socket.json().await;
    }
    let filter =
        json!({ "type": "or", "predicates": [{ "dimension": "queueId", "value": queue }] });
    let body = json!({ "filter": filter, "metrics": ["oWaiting", "oInteracting", "oUserRoutingStatuses", "oMemberUsers"],
        "detailMetrics": ["oInteracting"] });
    let answer =
        good(&post(&rig, &token, "/api/v2/analytics/queues/observations/query", body).await);
    let calls = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["group"]["mediaType"] == "voice")
        .unwrap();
    let metric = |name: &str| {
        calls["data"].as_array().unwrap().iter().find(|one| one["metric"] == name).unwrap()
    };
    let (waiting, interacting) = (
        metric("oWaiting")["stats"]["count"].as_u64(),
        metric("oInteracting")["stats"]["count"].as_u64(),
    );
    assert_eq!(
        metric("oInteracting")["observations"].as_array().unwrap().len() as u64,
        interacting.unwrap()
    );
    // The events that follow pass through the state that was observed, or begin right after it.
    let mut seen = false;
    for _ in 0..200 {
        let event = socket.json().await["eventBody"].clone();
        seen |=
            (count(&event, "oWaiting"), count(&event, "oInteracting")) == (waiting, interacting);
    }
    assert!(seen, "{waiting:?} {interacting:?}");
    let members = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["group"]["mediaType"].is_null())
        .unwrap();
    let of = |name: &str| {
        members["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["metric"] == name)
            .map(|one| one["stats"]["count"].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!((of("oMemberUsers"), of("oUserRoutingStatuses")), (6, 6));
}

//! The life of a job: queued, pending, fulfilled or failed, expired, gone.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::support::{Rig, quiet};
use super::{good, hours, post};

const JOBS: &str = "/api/v2/analytics/conversations/details/jobs";

async fn submit(rig: &Rig, token: &str, path: &str, body: Value) -> String {
    let answer = post(rig, token, path, body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    format!("{path}/{}", answer.json()["jobId"].as_str().unwrap())
}

/// Polls until the job has a state, and returns the states before it.
async fn until(rig: &Rig, token: &str, job: &str, wanted: &str) -> Vec<String> {
    let (mut before, begin) = (Vec::new(), Instant::now());
    loop {
        let status = good(&rig.get(job, token).await);
        let state = status["state"].as_str().unwrap().to_owned();
        if state == wanted {
            return before;
        }
        if before.last() != Some(&state) {
            before.push(state);
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "never {wanted}: {before:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_job_is_queued_pending_and_fulfilled_and_its_pages_are_complete() {
    let rig = Rig::of(quiet().conversations(1_200).job_delay(Duration::from_millis(400))).await;
    let token = rig.token().await;
    let interval = hours(&rig, &token, 24 * 8).await;
    let job = submit(&rig, &token, JOBS, json!({ "interval": interval })).await;
    let early = rig.get(&format!("{job}/results"), &token).await;
    assert_eq!((early.status, early.code().as_str()), (400, "bad.request"));
    assert_eq!(until(&rig, &token, &job, "FULFILLED").await, ["QUEUED", "PENDING"]);
    let status = good(&rig.get(&job, &token).await);
    assert!(status["completionDate"].is_string() && status["expirationDate"].is_string());
    let (mut seen, mut cursor) = (BTreeSet::new(), String::new());
    for page in 1.. {
        let body = good(&rig.get(&format!("{job}/results?pageSize=500{cursor}"), &token).await);
        for one in body["conversations"].as_array().unwrap() {
            assert!(seen.insert(one["conversationId"].to_string()));
            assert_eq!(
                one["participants"][0]["attributes"]["language"], "en",
                "jobs have attributes"
            );
        }
        let Some(next) = body["cursor"].as_str() else {
            assert_eq!(page, 3);
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len(), 1_200);
    let answer = rig.get(&format!("{job}/results?cursor=nonsense"), &token).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "invalid.cursor"));
    let elsewhere = job.replace("conversations/details", "users/details");
    assert_eq!(rig.get(&elsewhere, &token).await.status, 404, "a job of another family");
}

#[tokio::test]
async fn a_job_that_fails_says_so_and_a_cancelled_one_has_no_results() {
    let rig = Rig::of(quiet().job_delay(Duration::ZERO)).await;
    let token = rig.token().await;
    let body = json!({ "interval": hours(&rig, &token, 24).await });
    rig.post("/_sim/rest", json!({ "fail_jobs": 1 })).await;
    let failed = submit(&rig, &token, JOBS, body.clone()).await;
    let status = good(&rig.get(&failed, &token).await);
    assert_eq!(status["state"], "FAILED");
    assert!(status["errorMessage"].is_string());
    assert_eq!(rig.get(&format!("{failed}/results"), &token).await.status, 400);
    let next = submit(&rig, &token, JOBS, body).await;
    assert_eq!(good(&rig.get(&next, &token).await)["state"], "FULFILLED");
    assert_eq!(rig.call(Method::DELETE, &next, &token, Value::Null).await.status, 204);
    assert_eq!(good(&rig.get(&next, &token).await)["state"], "CANCELLED");
    assert_eq!(rig.get(&format!("{next}/results"), &token).await.status, 400);
    assert_eq!(rig.get(&format!("{JOBS}/nobody"), &token).await.status, 404);
}

#[tokio::test]
async fn results_expire_then_the_job_is_gone_and_cursors_end_before() {
    let life = Duration::from_millis(700);
    let rig = Rig::of(
        quiet().job_delay(Duration::ZERO).job_life(life).cursor_life(Duration::from_millis(80)),
    )
    .await;
    let token = rig.token().await;
    let body = json!({ "interval": hours(&rig, &token, 24).await });
    let job = submit(&rig, &token, JOBS, body).await;
    let page = good(&rig.get(&format!("{job}/results?pageSize=5"), &token).await);
    let cursor = page["cursor"].as_str().unwrap();
    sleep(Duration::from_millis(120)).await;
    let answer = rig.get(&format!("{job}/results?pageSize=5&cursor={cursor}"), &token).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "invalid.cursor"));
    until(&rig, &token, &job, "EXPIRED").await;
    let answer = rig.get(&format!("{job}/results"), &token).await;
    assert_eq!((answer.status, answer.code().as_str()), (410, "gone"));
    let begin = Instant::now();
    while rig.get(&job, &token).await.status != 404 {
        assert!(begin.elapsed() < Duration::from_secs(20));
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn jobs_of_users_and_of_aggregates_answer_as_their_queries_do() {
    let rig = Rig::of(quiet().job_delay(Duration::ZERO)).await;
    let token = rig.token().await;
    let interval = hours(&rig, &token, 72).await;
    let from = interval.split('/').next().unwrap();
    // It ends before the present, so that both say the same.
    let middle = hours(&rig, &token, 12).await;
    let interval = format!("{from}/{}", middle.split('/').next().unwrap());
    for (family, body, name) in [
        ("users/details", json!({ "interval": interval }), "userDetails"),
        (
            "conversations/aggregates",
            json!({ "interval": interval, "groupBy": ["queueId"], "metrics": ["tTalk"] }),
            "results",
        ),
        (
            "flows/aggregates",
            json!({ "interval": interval, "groupBy": ["flowId"], "metrics": ["nFlow"] }),
            "results",
        ),
        (
            "users/aggregates",
            json!({ "interval": interval, "groupBy": ["userId"], "metrics": ["tAgentRoutingStatus"] }),
            "results",
        ),
    ] {
        let path = format!("/api/v2/analytics/{family}");
        let job = submit(&rig, &token, &format!("{path}/jobs"), body.clone()).await;
        let results = good(&rig.get(&format!("{job}/results"), &token).await);
        let direct = good(&post(&rig, &token, &format!("{path}/query"), body).await);
        assert!(!direct[name].as_array().unwrap().is_empty(), "{family}");
        assert_eq!(results[name], direct[name], "{family}");
    }
}

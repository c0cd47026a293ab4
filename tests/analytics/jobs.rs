//! Jobs: how they are started, waited for, read and cancelled, and how they end badly.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use genesys_cloud::analytics::{
    AsyncQueryState, Polling, Predicate, SegmentDimension, UserDimension,
};
use genesys_cloud::{Client, ErrorKind};
use serde_json::{Value, json};

use crate::details::{HOUR, hour};
use crate::loopback::{Loopback, Reply, Seen};
use crate::support::{answering, platform, refusal, sent};

const JOBS: &str = "/api/v2/analytics/conversations/details/jobs";

fn quick() -> Polling {
    let short = Duration::from_millis(1);
    Polling::default().shortest(short).longest(short * 4).deadline(Duration::from_secs(5))
}

/// A platform on which a job goes through these states, the last one for ever.
async fn through(states: &'static [&'static str]) -> (Loopback, Client) {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    platform(move |_, seen| {
        let is_status = seen.method == "GET" && seen.target == format!("{JOBS}/j-1");
        if !is_status {
            return other(seen);
        }
        let at = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match states[at.min(states.len() - 1)] {
            "503" => Reply::json(503, "{}"),
            state => {
                let reason = (state == "FAILED").then_some("too many conversations");
                let status = json!({
                    "state": state, "errorMessage": reason,
                    "submissionDate": "2026-03-04T11:00:00.000Z",
                    "expirationDate": "2026-03-05T11:00:00.000Z",
                });
                Reply::json(200, &status.to_string())
            }
        }
    })
    .await
}

/// Three pages of results; the cursor of the third one has expired when it is asked for as `old`.
fn other(seen: &Seen) -> Reply {
    let ids = |ids: &[&str]| -> Vec<Value> {
        ids.iter().map(|id| json!({ "conversationId": id })).collect()
    };
    let page = match seen.target.split_once('?').map_or("", |(_, query)| query) {
        _ if seen.method == "POST" => return Reply::json(202, r#"{"jobId":"j-1"}"#),
        _ if seen.method == "DELETE" => return Reply::new(204, &[], ""),
        "" | "pageSize=2" => json!({ "conversations": ids(&["a", "b"]), "cursor": "second" }),
        "cursor=second" | "pageSize=2&cursor=second" => {
            json!({ "conversations": ids(&["c", "d"]), "cursor": "old" })
        }
        "cursor=old" => return refusal(410, "gone", "the cursor is not known"),
        query => panic!("{query}"),
    };
    Reply::json(200, &page.to_string())
}

#[tokio::test]
async fn a_job_is_asked_for_without_pages() {
    let (server, client) = answering(202, json!({ "jobId": "j-1" })).await;
    let details = client
        .analytics()
        .conversation_details(hour())
        .filter(Predicate::exists(SegmentDimension::ErrorCode));
    let job = details.job().limit(5_000).started_in_interval().start().await.unwrap();
    assert_eq!(job.id(), "j-1");
    let filter = json!({ "type": "and", "predicates": [
        { "type": "dimension", "dimension": "errorCode", "operator": "exists" }] });
    let wanted = json!({
        "interval": HOUR, "limit": 5_000, "startOfDayIntervalMatching": true,
        "segmentFilters": [filter],
    });
    sent(&server, "POST", JOBS, &wanted);
    let (server, client) = answering(202, json!({ "jobId": "j-2" })).await;
    let users = client.analytics().user_details(hour());
    let users = users.users(Predicate::matches(UserDimension::UserId, "u1")).job().limit(3);
    assert_eq!(users.start().await.unwrap().id(), "j-2");
    let filter = json!({ "type": "and", "predicates": [
        { "type": "dimension", "dimension": "userId", "operator": "matches", "value": "u1" }] });
    let wanted = json!({ "interval": HOUR, "limit": 3, "userFilters": [filter] });
    sent(&server, "POST", "/api/v2/analytics/users/details/jobs", &wanted);
}

#[tokio::test]
async fn a_job_is_waited_for_through_what_passes_and_its_results_are_read() {
    let (server, client) = through(&["QUEUED", "PENDING", "503", "SHINY", "FULFILLED"]).await;
    let job = client.analytics().conversation_details(hour()).job().start().await.unwrap();
    let status = job.wait(quick()).await.unwrap();
    assert_eq!(status.state, AsyncQueryState::Fulfilled);
    assert_eq!(status.expires.unwrap(), status.submitted.unwrap() + Duration::from_secs(86_400));
    assert_eq!(server.count(), 6);
    // Another process takes it up by its id.
    let again = client.analytics().conversation_job(job.id());
    let page = again.results_by(2).try_next().await.unwrap().unwrap();
    assert_eq!(page.items.len(), 2);
    again.cancel().await.unwrap();
    let last = server.seen().pop().unwrap();
    assert_eq!(
        (&*last.method, &*last.target),
        ("DELETE", "/api/v2/analytics/conversations/details/jobs/j-1")
    );
    let nothing = again.results_by(0).try_next().await.unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn a_cursor_that_expired_is_told_and_the_position_is_kept() {
    let (_server, client) = through(&["FULFILLED"]).await;
    let mut pages = client.analytics().conversation_job("j-1").results();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let page = pages.try_next().await.unwrap().unwrap();
        ids.extend(page.items.into_iter().filter_map(|one| one.conversation_id));
    }
    assert_eq!(ids.concat(), "abcd");
    let error = pages.try_next().await.unwrap_err();
    assert_eq!(error.status(), Some(410));
    let text = error.to_string();
    assert!(
        text.contains("cursor") && text.contains("first 4") && text.contains("again"),
        "{text}"
    );
    assert_eq!(pages.position().items_before(), 4);
    assert!(pages.next().await.is_none());
}

#[tokio::test]
async fn a_job_that_ends_badly_is_an_error_with_the_reason() {
    for (states, kind, words) in [
        (&["PENDING", "FAILED"][..], ErrorKind::Failed, "too many conversations"),
        (&["CANCELLED"][..], ErrorKind::Failed, "cancelled"),
        (&["EXPIRED"][..], ErrorKind::NotFound, "start it again"),
    ] {
        let (_server, client) = through(states).await;
        let job = client.analytics().conversation_job("j-1");
        let error = job.wait(quick()).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (kind, states.last().copied()), "{error}");
        assert!(error.to_string().contains(words) && error.to_string().contains("j-1"), "{error}");
    }
}

#[tokio::test]
async fn a_job_that_is_gone_is_not_a_job_that_is_forbidden() {
    for (status, kind) in
        [(404, ErrorKind::NotFound), (410, ErrorKind::NotFound), (403, ErrorKind::Forbidden)]
    {
        let (server, client) = platform(move |_, _| refusal(status, "some.code", "no")).await;
        let job = client.analytics().user_job("j-9");
        for error in [
            job.status().await.unwrap_err(),
            job.wait(quick()).await.unwrap_err(),
            job.cancel().await.unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.status()), (kind, Some(status)), "{error}");
            assert_eq!(error.to_string().contains("start it again"), kind == ErrorKind::NotFound);
        }
        assert_eq!(server.count(), 3);
    }
}

#[tokio::test]
async fn a_job_that_never_ends_is_given_up_at_the_deadline_and_can_be_waited_for_again() {
    let (_server, client) = through(&["PENDING"]).await;
    let job = client.analytics().conversation_job("j-1");
    let error = job.wait(quick().deadline(Duration::from_millis(40))).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, true));
    assert!(error.to_string().contains("PENDING"), "{error}");
    assert_eq!(job.status().await.unwrap().state, AsyncQueryState::Pending);
}

#[tokio::test]
async fn an_answer_without_an_id_or_a_state_is_not_taken_for_one() {
    let (_server, client) = answering(200, json!({ "jobId": "" })).await;
    let started = client.analytics().conversation_details(hour()).job().start().await;
    assert_eq!(started.unwrap_err().kind(), ErrorKind::Decode);
    let status = client.analytics().conversation_job("j-1").wait(quick()).await;
    assert_eq!(status.unwrap_err().kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn how_far_jobs_reach_is_a_time() {
    let (_server, client) =
        answering(200, json!({ "dataAvailabilityDate": "2026-03-04T03:00:00.000Z" })).await;
    let reach = client.analytics().conversation_jobs_reach().await.unwrap().unwrap();
    assert_eq!(reach + Duration::from_secs(6 * 3_600), hour().start());
}

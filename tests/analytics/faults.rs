//! What cannot be sent, and what the platform refuses.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use genesys_cloud::analytics::{
    AggregateDimension, Clause, ConversationDimension, Filter, Interval, IntervalLimits, Predicate,
    QueueDimension, Range, SegmentDimension, UserDimension,
};
use genesys_cloud::{CallOptions, Error, ErrorKind};
use serde_json::json;

use crate::details::hour;
use crate::loopback::Reply;
use crate::support::{answering, platform, refusal};

fn long(days: u64) -> Interval {
    format!("2026-03-01T00:00:00Z/P{days}D").parse().unwrap()
}

fn is_config(error: &Error, words: &[&str]) {
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[tokio::test]
async fn an_interval_that_is_too_long_is_never_sent() {
    let (server, client) = answering(200, json!({})).await;
    let analytics = client.analytics();
    let details = analytics.conversation_details(long(32));
    let mut pages = details.pages();
    is_config(&pages.next().await.unwrap().unwrap_err(), &["32 days", "31 days", "split"]);
    assert!(pages.next().await.is_none());
    is_config(&details.total().await.unwrap_err(), &["31 days"]);
    is_config(&details.job().start().await.unwrap_err(), &["a job", "31 days"]);
    let users = analytics.user_details(long(8)).items().try_next().await;
    is_config(&users.unwrap_err(), &["8 days", "7 days"]);
    is_config(&analytics.disconnect_report(long(32)).fetch().await.unwrap_err(), &["31 days"]);
    assert_eq!(server.count(), 0);
    // A week of users is a job of a month, and a limit can be changed.
    let open = analytics.interval_limits(IntervalLimits::none());
    open.conversation_details(long(400)).pages().try_next().await.unwrap();
    let mut limits = IntervalLimits::default();
    limits.aggregates = Some(Duration::from_secs(86_400));
    let figures = client.analytics().interval_limits(limits).conversation_aggregates(long(2));
    is_config(&figures.fetch().await.unwrap_err(), &["2 days", "1 days"]);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn what_says_nothing_cannot_be_built_and_nonsense_is_never_sent() {
    let none = || Vec::<Predicate<SegmentDimension>>::new();
    is_config(&Clause::all(none()).unwrap_err(), &["without predicates"]);
    is_config(&Clause::any(none()).unwrap_err(), &["without predicates"]);
    let no_ids = Clause::one_of(SegmentDimension::UserId, Vec::<String>::new());
    is_config(&no_ids.unwrap_err(), &["without predicates"]);
    let no_clauses = Vec::<Clause<SegmentDimension>>::new();
    is_config(&Filter::all(no_clauses).unwrap_err(), &["everything"]);
    let (server, client) = answering(200, json!({})).await;
    let analytics = client.analytics();
    let details = || analytics.conversation_details(hour());
    let empty = Predicate::matches(SegmentDimension::QueueId, " ");
    let mos = ConversationDimension::MediaStatsMinConversationMos;
    let crossed = Predicate::within(mos, Range::gt(4.0).and_lt(3.0));
    let failed = details().filter(empty.clone()).pages().try_next().await;
    is_config(&failed.unwrap_err(), &["queueId", "empty"]);
    let failed = details().filter(crossed).items().try_next().await;
    is_config(&failed.unwrap_err(), &["4", "3", "mediaStatsMinConversationMos"]);
    is_config(&details().page_size(0).pages().try_next().await.unwrap_err(), &["page_size"]);
    is_config(&details().job().limit(0).start().await.unwrap_err(), &["limit"]);
    let report = analytics.disconnect_report(hour());
    is_config(&report.clone().filter(empty).fetch().await.unwrap_err(), &["queueId"]);
    is_config(&report.most_conversations(0).fetch().await.unwrap_err(), &["at least one"]);
    let figures = analytics.conversation_aggregates(hour());
    let unnamed = Predicate::matches(AggregateDimension::QueueId, "");
    is_config(&figures.clone().filter(unnamed).fetch().await.unwrap_err(), &["queueId"]);
    is_config(&figures.time_zone(" ").fetch().await.unwrap_err(), &["time zone"]);
    let now = analytics.queue_observations(Predicate::matches(QueueDimension::QueueId, ""));
    is_config(&now.fetch().await.unwrap_err(), &["queueId"]);
    let users = analytics.user_details(hour()).page_size(0).items().try_next().await;
    is_config(&users.unwrap_err(), &["page_size"]);
    let users = analytics.user_details(hour());
    let users = users.users(Predicate::matches(UserDimension::UserId, ""));
    is_config(&users.job().start().await.unwrap_err(), &["userId"]);
    is_config(&analytics.conversation("").await.unwrap_err(), &["conversationId"]);
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn an_unknown_conversation_and_a_missing_permission_are_told_apart() {
    let (_server, client) = platform(|_, seen| {
        if seen.target.contains("/c-1/") {
            return refusal(404, "not.found", "no such conversation");
        }
        refusal(403, "missing.permissions", "analytics:conversationDetail:view is missing")
    })
    .await;
    let unknown = client.analytics().conversation("c-1").await.unwrap_err();
    assert_eq!((unknown.kind(), unknown.code()), (ErrorKind::NotFound, Some("not.found")));
    let forbidden = client.analytics().conversation("c-2").await.unwrap_err();
    assert_eq!(forbidden.kind(), ErrorKind::Forbidden);
    assert!(forbidden.to_string().contains("analytics:conversationDetail:view"), "{forbidden}");
    let forbidden = client.analytics().disconnect_report(hour()).fetch().await.unwrap_err();
    assert_eq!(forbidden.kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn a_refusal_in_the_middle_leaves_the_position_of_the_page_that_failed() {
    let (_server, client) = platform(|at, _| {
        if at == 1 {
            return refusal(400, "bad.request", "pages end here");
        }
        let list = [json!({ "conversationId": at.to_string() }), json!({})];
        Reply::json(200, &json!({ "conversations": list, "totalHits": 4 }).to_string())
    })
    .await;
    let query = client.analytics().conversation_details(hour()).page_size(2);
    let mut pages = query.pages();
    pages.try_next().await.unwrap();
    let error = pages.try_next().await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Status(400), Some(400)));
    let position = pages.position();
    assert_eq!(position.items_before(), 2);
    let rest: Vec<_> = query.pages().resume(position).unwrap().items().try_collect().await.unwrap();
    assert_eq!(rest.len(), 2);
}

#[tokio::test]
async fn the_deadline_of_the_calls_holds() {
    let (_server, client) = platform(|_, _| Reply::Hang).await;
    let options = CallOptions::default().deadline(Duration::from_millis(50));
    let analytics = client.analytics().options(options);
    let details = analytics.conversation_details(hour()).pages().try_next().await;
    assert_eq!(details.unwrap_err().kind(), ErrorKind::Timeout);
    let report = analytics.disconnect_report(hour()).fetch().await;
    assert_eq!(report.unwrap_err().kind(), ErrorKind::Timeout);
}

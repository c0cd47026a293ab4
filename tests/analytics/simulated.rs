//! Against the simulator: what is asked for is what comes, and its figures agree with its details.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use futures::TryStreamExt;
use genesys_cloud::analytics::{
    AggregateDimension, AsyncQueryState, Clause, ConversationDetails, ConversationMetric,
    ConversationOrderBy, Granularity, Interval, Polling, Predicate, QueryOrder, QueueDimension,
    QueueMetric, SegmentDimension, UserDimension, UserMetric, UserObservationMetric,
};
use genesys_cloud::models::AnalyticsConversationWithoutAttributes;
use genesys_cloud::sim::{Platform, PlatformBuilder};
use genesys_cloud::{Client, ErrorKind, NoLimit, NoRetry, Proxy};

const DAY: Duration = Duration::from_secs(86_400);

async fn start(settings: impl FnOnce(PlatformBuilder) -> PlatformBuilder) -> (Platform, Client) {
    let builder = Platform::builder().events_per_second(0.0).requests_per_minute(u32::MAX);
    let platform = settings(builder).start().await.unwrap();
    let client = Client::builder(platform.endpoints())
        .credentials(platform.credentials())
        .proxy(Proxy::none())
        .rate_limiter(NoLimit)
        .retry(NoRetry)
        .build()
        .unwrap();
    (platform, client)
}

/// Some days that are over.
fn days() -> Interval {
    let now = SystemTime::now();
    Interval::new(now - 5 * DAY, now - 2 * DAY).unwrap()
}

fn quick() -> Polling {
    Polling::default().shortest(Duration::from_millis(10)).longest(Duration::from_millis(50))
}

async fn all(query: &ConversationDetails) -> Vec<AnalyticsConversationWithoutAttributes> {
    query.items().try_collect().await.unwrap()
}

#[tokio::test]
async fn filters_select_and_the_order_holds() {
    let (platform, client) = start(|builder| builder).await;
    let details = || client.analytics().conversation_details(days());
    let every = all(&details()).await;
    let queue = &*platform.queues()[0];
    let voice = Predicate::matches(SegmentDimension::MediaType, "voice");
    let of_queue = Predicate::matches(SegmentDimension::QueueId, queue);
    let query = details()
        .filter(voice.and(of_queue))
        .order_by(ConversationOrderBy::ConversationStart, QueryOrder::Desc)
        .page_size(10);
    let some = all(&query).await;
    let fits = |one: &AnalyticsConversationWithoutAttributes| {
        let mut legs = one.participants.iter().flatten().flat_map(|p| p.sessions.iter().flatten());
        legs.any(|leg| {
            let is_voice = leg.media_type.as_ref().is_some_and(|media| media.as_str() == "voice");
            let mut segments = leg.segments.iter().flatten();
            is_voice && segments.any(|segment| segment.queue_id.as_deref() == Some(queue))
        })
    };
    let wanted = every.iter().filter(|one| fits(one)).count();
    assert!(wanted > 10 && wanted < every.len(), "{wanted} of {}", every.len());
    assert_eq!((some.len(), some.iter().filter(|one| fits(one)).count()), (wanted, wanted));
    let starts: Vec<_> =
        some.iter().map(|one| one.conversation_start.as_ref().unwrap().to_system_time()).collect();
    assert!(starts.is_sorted_by(|one, next| one >= next));
    assert_eq!(query.total().await.unwrap(), wanted as u64);
    let id = some[0].conversation_id.as_deref().unwrap();
    let one = client.analytics().conversation(id).await.unwrap();
    assert_eq!(one, some[0]);
    let found = client.analytics().conversations([id, "nobody"]).await.unwrap();
    assert_eq!((&found.found[0], &*found.missing[0]), (&some[0], "nobody"));
    let unknown = client.analytics().conversation("nobody").await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn without_the_permission_everything_is_forbidden_and_names_it() {
    let (platform, client) = start(|builder| builder).await;
    for permission in
        ["analytics:conversationDetail:view", "analytics:agentConversationDetail:view"]
    {
        platform.deny_permission(permission);
    }
    let refused = client.analytics().conversation_details(days()).items().try_next().await;
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.to_string().contains("onversationDetail:view"), "{error}");
    let report = client.analytics().disconnect_report(days()).fetch().await;
    assert_eq!(report.unwrap_err().kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn a_job_finds_what_the_query_finds_with_attributes() {
    let (_platform, client) = start(|builder| builder.job_delay(Duration::from_millis(60))).await;
    let query = client.analytics().conversation_details(days());
    let job = query.job().started_in_interval().start().await.unwrap();
    let early = job.status().await.unwrap().state;
    assert!(matches!(early, AsyncQueryState::Queued | AsyncQueryState::Pending), "{early}");
    assert_eq!(job.wait(quick()).await.unwrap().state, AsyncQueryState::Fulfilled);
    let again = client.analytics().conversation_job(job.id());
    let found: Vec<_> = again.results_by(50).items().try_collect().await.unwrap();
    let ids =
        |list: Vec<Option<Box<str>>>| -> Vec<Box<str>> { list.into_iter().flatten().collect() };
    let queried = ids(all(&query).await.into_iter().map(|one| one.conversation_id).collect());
    assert_eq!(ids(found.iter().map(|one| one.conversation_id.clone()).collect()), queried);
    let people = found.iter().flat_map(|one| one.participants.iter().flatten());
    assert!(people.into_iter().any(|one| one.attributes.is_some()));
    assert!(client.analytics().conversation_jobs_reach().await.unwrap().is_some());
    job.cancel().await.unwrap();
    let error = job.wait(quick()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Failed, Some("CANCELLED")));
}

#[tokio::test]
async fn jobs_fail_expire_and_are_forgotten() {
    let (platform, client) =
        start(|builder| builder.job_delay(Duration::ZERO).job_life(Duration::from_secs(1))).await;
    let query = client.analytics().conversation_details(days()).job();
    platform.fail_jobs(1);
    let failed = query.clone().start().await.unwrap().wait(quick()).await.unwrap_err();
    assert_eq!((failed.kind(), failed.code()), (ErrorKind::Failed, Some("FAILED")));
    assert!(failed.to_string().contains("could not be carried out"), "{failed}");
    let job = query.start().await.unwrap();
    job.wait(quick()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let expired = job.wait(quick()).await.unwrap_err();
    assert_eq!((expired.kind(), expired.code()), (ErrorKind::NotFound, Some("EXPIRED")));
    assert_eq!(job.results().try_next().await.unwrap_err().status(), Some(410));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(job.status().await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn the_cursor_of_a_listing_that_is_left_alone_expires() {
    let (_platform, client) =
        start(|builder| builder.job_delay(Duration::ZERO).cursor_life(Duration::from_millis(20)))
            .await;
    let job = client.analytics().conversation_details(days()).job().start().await.unwrap();
    job.wait(quick()).await.unwrap();
    let mut pages = job.results_by(10);
    assert_eq!(pages.try_next().await.unwrap().unwrap().items.len(), 10);
    tokio::time::sleep(Duration::from_millis(60)).await;
    let error = pages.try_next().await.unwrap_err();
    assert!(error.to_string().contains("first 10"), "{error}");
    assert_eq!(pages.position().items_before(), 10);
}

#[tokio::test]
async fn aggregates_count_what_the_details_show() {
    let (platform, client) = start(|builder| builder).await;
    let answer = client
        .analytics()
        .conversation_aggregates(days())
        .metrics([ConversationMetric::NConversations])
        .group_by([AggregateDimension::MediaType])
        .granularity(Granularity::DAY)
        .fetch()
        .await
        .unwrap();
    let mut counted = BTreeMap::<String, i64>::new();
    for row in &answer.rows {
        *counted.entry(row.of("mediaType").unwrap().to_owned()).or_default() +=
            row.stats.count.unwrap();
        assert!(row.interval.unwrap().duration() <= DAY);
    }
    let mut shown = BTreeMap::<String, i64>::new();
    for one in all(&client.analytics().conversation_details(days())).await {
        // The query is by day.
        if !days().contains(one.conversation_start.unwrap().to_system_time().unwrap()) {
            continue;
        }
        let legs = one.participants.iter().flatten().flat_map(|p| p.sessions.iter().flatten());
        let mut media: Vec<_> = legs.filter_map(|leg| leg.media_type.clone()).collect();
        media.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        media.dedup();
        for media in media {
            *shown.entry(media.to_string()).or_default() += 1;
        }
    }
    // The two intervals are some milliseconds apart.
    let total = |map: &BTreeMap<String, i64>| map.values().sum::<i64>();
    assert!((total(&counted) - total(&shown)).abs() <= 1, "{counted:?} {shown:?}");
    assert!(counted.keys().eq(shown.keys()) && total(&counted) > 100);
    let user = &*platform.users()[0];
    let users = client
        .analytics()
        .user_aggregates(days())
        .metrics([UserMetric::TSystemPresence])
        .group_by([UserDimension::UserId])
        .filter(Predicate::matches(UserDimension::UserId, user))
        .fetch()
        .await
        .unwrap();
    let time: f64 = users.rows.iter().filter_map(|row| row.stats.sum.as_ref()?.as_f64()).sum();
    assert!(users.rows.iter().all(|row| row.of("userId") == Some(user) && row.qualifier.is_some()));
    assert!((time / 1_000.0 - days().duration().as_secs_f64()).abs() < 1.0, "{time} ms");
}

#[tokio::test]
async fn observations_and_details_of_users_are_of_those_who_were_asked_for() {
    let (platform, client) = start(|builder| builder).await;
    let (user, queue) = (&*platform.users()[0], &*platform.queues()[0]);
    let now = client
        .analytics()
        .queue_observations(Predicate::matches(QueueDimension::QueueId, queue))
        .metrics([QueueMetric::OMemberUsers, QueueMetric::OWaiting])
        .details([QueueMetric::OWaiting])
        .fetch()
        .await
        .unwrap();
    assert!(now.rows.iter().all(|row| row.of("queueId") == Some(queue)));
    let members = now.rows.iter().find(|row| &*row.metric == "oMemberUsers").unwrap();
    assert!(members.stats.count.unwrap() > 0);
    let now = client
        .analytics()
        .user_observations(Clause::one_of(UserDimension::UserId, [user]).unwrap())
        .metrics([UserObservationMetric::OMemberQueues])
        .fetch()
        .await
        .unwrap();
    assert!(!now.rows.is_empty() && now.rows.iter().all(|row| row.of("userId") == Some(user)));
    let query = client
        .analytics()
        .user_details(days())
        .users(Predicate::matches(UserDimension::UserId, user));
    let users: Vec<_> = query.items().try_collect().await.unwrap();
    assert_eq!((users.len(), users[0].user_id.as_deref()), (1, Some(user)));
    assert!(users[0].primary_presence.as_ref().is_some_and(|list| !list.is_empty()));
    let job = query.job().start().await.unwrap();
    job.wait(quick()).await.unwrap();
    let found: Vec<_> =
        client.analytics().user_job(job.id()).results().items().try_collect().await.unwrap();
    assert_eq!((found.len(), found[0].user_id.as_deref()), (1, Some(user)));
}

#[tokio::test]
async fn the_report_of_disconnects_is_what_the_details_say() {
    let (_platform, client) = start(|builder| builder).await;
    let report = client.analytics().disconnect_report(days()).fetch().await.unwrap();
    assert!(!report.truncated && report.ends.len() > 10, "{}", report.ends.len());
    assert!(report.ends.iter().all(|end| end.is_abnormal() && days().contains(end.at)));
    assert!(report.ends.is_sorted_by_key(|end| end.at));
    let sum = |list: &[genesys_cloud::analytics::EndCount]| -> usize {
        list.iter().map(|one| one.ends).sum()
    };
    for list in [&report.by_kind, &report.by_queue, &report.by_user, &report.by_edge] {
        assert_eq!(sum(list), report.ends.len());
        assert!(list.is_sorted_by(|one, next| one.ends >= next.ends));
    }
    let kinds = ["transportFailure", "error", "timeout", "system"];
    let known = report.by_kind.iter().filter_map(|one| one.name.as_deref());
    assert!(known.into_iter().any(|kind| kinds.contains(&kind)), "{:?}", report.by_kind);
    // The published way to the same, which needs no feature.
    let ends = client.conversation_ends().between(days().start(), days().end()).await.unwrap();
    let abnormal = ends.ends.iter().filter(|end| end.is_abnormal()).count();
    assert!(abnormal.abs_diff(report.ends.len()) <= 1);
}

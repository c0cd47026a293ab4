//! Façades against the simulator: what one of them sets, the others see.

use std::time::{Duration, SystemTime};

use futures::{StreamExt, TryStreamExt};
use genesys_cloud::models::{RoutingState, SystemPresenceName};
use genesys_cloud::sim::Platform;
use genesys_cloud::{
    Client, ClientBuilder, ErrorKind, Json, NoLimit, Polling, Preflight, PreflightState,
    PreflightSubject, Proxy, Requirements, StaticToken, UserCriterion, UserExpand, UserField,
};
use serde_json::json;

async fn platform() -> Platform {
    let platform = Platform::builder().seed(7).users(120).requests_per_minute(100_000);
    platform.job_delay(Duration::ZERO).start().await.unwrap()
}

fn of(platform: &Platform) -> ClientBuilder {
    Client::builder(platform.endpoints()).proxy(Proxy::none()).rate_limiter(NoLimit)
}

fn client(platform: &Platform) -> Client {
    of(platform).credentials(platform.credentials()).build().unwrap()
}

#[tokio::test]
async fn a_presence_that_is_set_is_read_by_all() {
    let platform = platform().await;
    let presence = client(&platform).presence();
    let definitions = presence.definitions().await.unwrap();
    let meal = definitions
        .iter()
        .find(|one| one.system_presence == Some(SystemPresenceName::Meal))
        .and_then(|one| one.id.as_deref())
        .unwrap();
    let user = &platform.users()[3];
    presence.set(user, meal, Some("back at one")).await.unwrap();
    assert_eq!(presence.of(user).await.unwrap().message.as_deref(), Some("back at one"));
    let unknown = "00000000-0000-4000-8000-000000000000".to_owned();
    let asked: Vec<String> = platform.users().iter().cloned().chain([unknown]).collect();
    let answers: Vec<_> = presence.of_many(&asked).collect().await;
    assert!(answers.iter().zip(&asked).all(|(answer, id)| *answer.id == **id), "the order");
    let of_user = answers[3].result.as_ref().unwrap().presence_definition.as_ref().unwrap();
    assert_eq!(of_user.id.as_deref(), Some(meal));
    let failed: Vec<_> = answers.iter().filter_map(|one| one.result.as_ref().err()).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn queues_members_and_statuses_agree() {
    let platform = platform().await;
    let routing = client(&platform).routing();
    let queues: Vec<_> = routing.queues().page_size(2).items().try_collect().await.unwrap();
    assert_eq!(queues.len(), platform.queues().len());
    let id = queues[0].id.as_deref().unwrap();
    assert_eq!(routing.queue(id).await.unwrap().name, queues[0].name);
    let members = routing.members(id).page_size(7).expand([UserExpand::RoutingStatus]).items();
    let members: Vec<_> = members.try_collect().await.unwrap();
    assert_eq!(Some(members.len()), queues[0].member_count.and_then(|n| usize::try_from(n).ok()));
    let user = &platform.users()[0];
    routing.set_status(user, RoutingState::OffQueue).await.unwrap();
    assert_eq!(routing.status(user).await.unwrap().status, Some(RoutingState::OffQueue));
    let codes: Vec<_> = routing.wrapup_codes_of(id).items().try_collect().await.unwrap();
    let all: Vec<_> = routing.wrapup_codes().items().try_collect().await.unwrap();
    assert!(!all.is_empty() && codes.len() <= all.len());
    platform.deny_permission("routing:queue:view");
    let error = routing.queue(id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.to_string().contains("routing:queue:view"), "{error}");
}

#[tokio::test]
async fn users_are_found_by_a_search_and_the_caller_only_with_a_token_of_its_own() {
    let platform = platform().await;
    let users = client(&platform).users();
    let all: Vec<_> = users.list().page_size(50).items().try_collect().await.unwrap();
    assert_eq!(all.len(), 120);
    let email = all[5].email.clone().unwrap();
    let by_mail = UserField::Email.is(email.clone());
    let ids =
        UserField::Id.is_one_of([all[5].id.as_deref().unwrap(), all[6].id.as_deref().unwrap()]);
    let search = users.search().matching(ids.clone()).matching(UserCriterion::any_of([by_mail]));
    let found: Vec<_> = search.items().try_collect().await.unwrap();
    assert_eq!((found.len(), found[0].email.as_ref()), (1, Some(&email)));
    let rest = users.search().matching(!ids).page_size(50).items();
    assert_eq!(rest.try_collect::<Vec<_>>().await.unwrap().len(), 118);
    let error = users.me().await.unwrap_err();
    assert_eq!(error.code(), Some("not.a.user"));
    let id = &platform.users()[5];
    let token = StaticToken::new(platform.user_token(id).unwrap());
    let own = of(&platform).token_source(token).build().unwrap();
    let me = own.users().me().expand([UserExpand::Presence]).await.unwrap();
    assert_eq!((me.id.as_deref(), me.presence.is_some()), (Some(id.as_str()), true));
    own.tokens().revoke().await.unwrap();
    assert!(!own.tokens().check().await.unwrap());
    assert_eq!(own.users().me().await.unwrap_err().kind(), ErrorKind::Auth);
}

#[tokio::test]
async fn two_who_change_a_configuration_lose_nothing() {
    let platform = platform().await;
    let integrations = client(&platform).integrations();
    let id = &platform.applications()[0];
    let old = integrations.config(id).await.unwrap();
    integrations.update_config(id, |config| config.notes = Some("first".into())).await.unwrap();
    let error = integrations.replace_config(id, old).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    let both = futures::join!(
        integrations.update_config(id, |config| config.notes = Some("second".into())),
        integrations.update_config(id, |config| {
            config.properties = Some(Json::from(&json!({ "url": "https://app.example/" })));
        }),
    );
    assert!(both.0.is_ok() && both.1.is_ok());
    let now = integrations.config(id).await.unwrap();
    assert_eq!(now.notes.as_deref(), Some("second"));
    assert_eq!(now.properties.unwrap().as_str(), r#"{"url":"https://app.example/"}"#);
}

#[tokio::test]
async fn the_usage_of_a_client_is_counted() {
    let platform = platform().await;
    let client = client(&platform);
    for _ in 0..3 {
        client.organization().me().await.unwrap();
    }
    let now = SystemTime::now();
    let (start, end) = (now - Duration::from_secs(86_400), now + Duration::from_secs(86_400));
    let id = platform.credentials().client_id().to_owned();
    let polling =
        Polling::default().shortest(Duration::from_millis(5)).longest(Duration::from_millis(5));
    let rows = client.oauth_clients().usage(&id, start, end).polling(polling).rows().await.unwrap();
    let of_me = rows.iter().find(|row| {
        row.template_uri.as_deref().is_some_and(|path| path.ends_with("organizations/me"))
    });
    assert_eq!(of_me.and_then(|row| row.requests), Some(3), "{rows:?}");
    let error = client.oauth_clients().usage_run(&id, "gone").state().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

fn states(report: &Preflight, subject: PreflightSubject) -> Vec<PreflightState> {
    let lines = report.lines.iter().filter(|line| line.subject == subject);
    lines.map(|line| line.state).collect()
}

#[tokio::test]
async fn a_preflight_sees_what_is_denied_and_what_is_switched_off_and_then_that_it_is_not() {
    use PreflightState::{Missing, Ok as Good};
    let platform = platform().await;
    let client = client(&platform);
    let mut needs = Requirements::new()
        .integration_type("premium-app-example")
        .scope("notifications")
        .channels(20)
        .requests_per_minute(300)
        .topic_template("v2.routing.queues.{id}.users")
        .unwrap();
    let permissions = [
        "analytics:conversationAggregate:view",
        "analytics:conversationDetail:view",
        "analytics:queueObservation:view",
        "analytics:userAggregate:view",
        "analytics:userDetail:view",
        "analytics:userObservation:view",
        "integrations:integration:view",
        "oauth:client:view",
        "routing:queue:view",
        "routing:wrapupCode:view",
    ];
    for permission in permissions {
        needs = needs.permission(permission);
    }
    let report = client.app_foundry().preflight(&needs).await;
    assert!(report.is_ready(), "{report}");
    platform.deny_permission("routing:queue:view");
    for id in platform.applications() {
        client.integrations().disable(id).await.unwrap();
    }
    client.integrations().disable(platform.application_without_socket()).await.unwrap();
    let report = client.app_foundry().preflight(&needs).await;
    let missing: Vec<_> = report.missing().map(|line| line.subject).collect();
    let wanted =
        [PreflightSubject::Permission, PreflightSubject::Topic, PreflightSubject::Integration];
    assert_eq!(missing, wanted, "{report}");
    assert_eq!(report.unknown().count(), 0, "{report}");
    platform.allow_permission("routing:queue:view");
    client.integrations().enable(&platform.applications()[0]).await.unwrap();
    client.notifications().create_channel().await.unwrap();
    let report = client.app_foundry().preflight(&needs).await;
    assert_eq!(states(&report, PreflightSubject::Channels), [Missing], "{report}");
    assert_eq!(states(&report, PreflightSubject::Permission), [Good; 10], "{report}");
    assert_eq!(report.missing().count(), 1, "{report}");
}

//! Users: the caller, one, all, and those who are searched.

use futures::TryStreamExt;
use genesys_cloud::models::{EntityState, SearchSortOrder};
use genesys_cloud::{ErrorKind, UserCriterion, UserExpand, UserField};
use serde_json::json;

use crate::rig::{Rig, not_found, refusal};

#[tokio::test]
async fn the_caller_comes_with_what_is_asked_for() {
    let rig = Rig::always(json!({ "id": "u", "presence": { "message": "hi" } })).await;
    let parts = [UserExpand::Presence, UserExpand::Authorization, UserExpand::from("novelPart")];
    let me = rig.client.users().me().expand(parts).await.unwrap();
    assert_eq!(me.presence.unwrap().message.as_deref(), Some("hi"));
    let call = rig.last();
    assert_eq!(call.line, "GET /api/v2/users/me");
    assert_eq!(call.all("expand"), ["presence", "authorization", "novelPart"]);
}

#[tokio::test]
async fn client_credentials_are_no_user_and_the_error_says_what_to_do() {
    let rig = Rig::start(|_, _| refusal(400, "not.a.user", "This request requires a user context"));
    let error = rig.await.client.users().me().await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(400), Some("not.a.user")));
    assert!(error.to_string().contains("client credentials are no user"), "{error}");
}

#[tokio::test]
async fn one_user_and_all_of_them() {
    let rig = Rig::start(|_, call| match call.line.as_str() {
        "GET /api/v2/users/u" => (200, json!({ "id": "u", "name": "Ada" })),
        "GET /api/v2/users" => (200, json!({ "entities": [{ "id": "u" }], "pageCount": 1 })),
        _ => not_found(),
    })
    .await;
    let users = rig.client.users();
    let ada = users.get("u").expand([UserExpand::Team]).state(EntityState::Inactive).await.unwrap();
    assert_eq!(ada.name.as_deref(), Some("Ada"));
    let call = rig.last();
    assert_eq!((call.all("expand"), call.get("state")), (vec!["team"], Some("inactive")));
    assert_eq!(users.get("nobody").await.unwrap_err().kind(), ErrorKind::NotFound);
    let list = users.list().ids(["u", "v"]).state(EntityState::from("any")).page_size(100);
    let list = list.expand([UserExpand::RoutingStatus]).items();
    assert_eq!(list.try_collect::<Vec<_>>().await.unwrap().len(), 1);
    let call = rig.last();
    assert_eq!((call.all("id"), call.get("state")), (vec!["u", "v"], Some("any")));
    assert_eq!((call.all("expand"), call.get("pageSize")), (vec!["routingStatus"], Some("100")));
}

#[tokio::test]
async fn a_search_sends_its_criteria_and_reads_every_page() {
    let rig = Rig::start(|_, call| {
        let number = call.body["pageNumber"].as_u64().unwrap_or(1);
        (200, json!({ "results": [{ "id": format!("u{number}") }], "pageCount": 2, "total": 2 }))
    })
    .await;
    let sales = [UserField::Department.is("Sales"), UserField::Title.contains("Account")];
    let search = rig.client.users().search();
    let search = search
        .matching(UserField::Name.starts_with("A"))
        .matching(UserCriterion::any_of(sales))
        .matching(!UserField::State.is_one_of(["deleted"]))
        .sort_by(&UserField::Name, SearchSortOrder::Asc)
        .expand([UserExpand::Presence])
        .page_size(1);
    let found: Vec<_> = search.items().try_collect().await.unwrap();
    let ids: Vec<_> = found.iter().map(|user| user.id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["u1", "u2"]);
    let calls = rig.calls();
    assert_eq!(calls[0].line, "POST /api/v2/users/search");
    let mut second = calls[0].body.clone();
    second["pageNumber"] = 2.into();
    assert_eq!(calls[1].body, second);
    assert_eq!(
        calls[0].body,
        json!({
            "pageSize": 1,
            "sort": [{ "sortBy": "name", "sortOrder": "ASC" }],
            "expand": ["presence"],
            "query": [
                { "type": "STARTS_WITH", "fields": ["name"], "value": "A" },
                { "group": [
                    { "type": "EXACT", "fields": ["department"], "value": "Sales", "operator": "OR" },
                    { "type": "CONTAINS", "fields": ["title"], "value": "Account", "operator": "OR" },
                ]},
                { "type": "EXACT", "fields": ["state"], "values": ["deleted"], "operator": "NOT" },
            ],
        })
    );
}

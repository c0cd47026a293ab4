//! Queues, their members and their wrap-up codes.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::support::{Rig, quiet};
use super::{all_pages, good, post};

#[tokio::test]
async fn pages_of_queues_are_complete_in_order_and_without_repeats() {
    let rig = Rig::of(quiet().queues(57)).await;
    let token = rig.token().await;
    let all = all_pages(&rig, &token, "/api/v2/routing/queues?pageSize=10").await;
    assert_eq!(all.len(), 57);
    let names: Vec<&str> = all.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.is_sorted());
    let sales = all_pages(&rig, &token, "/api/v2/routing/queues?name=sal*&pageSize=2").await;
    assert!(
        sales.len() > 2
            && sales.iter().all(|one| one["name"].as_str().unwrap().starts_with("Sales"))
    );
    let page = good(
        &rig.get("/api/v2/routing/queues?name=*&pageSize=10&pageNumber=3&sortOrder=desc", &token)
            .await,
    );
    assert_eq!((&page["pageCount"], &page["total"]), (&json!(6), &json!(57)));
    for link in ["firstUri", "previousUri", "selfUri", "nextUri", "lastUri"] {
        let text = page[link].as_str().unwrap();
        assert!(
            text.contains("sortOrder=desc") && text.contains("name=*"),
            "{link} keeps the query: {text}"
        );
    }
    for bad in ["pageSize=0", "pageSize=501", "pageNumber=0", "pageNumber=x"] {
        let answer = rig.get(&format!("/api/v2/routing/queues?{bad}"), &token).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid.value"), "{bad}");
    }
}

#[tokio::test]
async fn a_queue_is_made_changed_and_deleted() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let path = "/api/v2/routing/queues";
    let made =
        good(&post(&rig, &token, path, json!({ "name": "VIP", "description": "few" })).await);
    let own = format!("{path}/{}", made["id"].as_str().unwrap());
    let answer = post(&rig, &token, path, json!({ "name": "vip" })).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "duplicate.name"));
    assert_eq!(post(&rig, &token, path, json!({})).await.code(), "required.field.missing");
    let body = json!({ "name": "Very few", "description": null, "scoringMethod": "PriorityOnly" });
    let changed = good(&rig.call(Method::PUT, &own, &token, body).await);
    assert_eq!(
        (&changed["name"], &changed["scoringMethod"]),
        (&json!("Very few"), &json!("PriorityOnly"))
    );
    assert!(changed["description"].is_null());
    let user = &rig.platform.users()[0];
    let added = post(&rig, &token, &format!("{own}/members"), json!([{ "id": user }])).await;
    assert_eq!(added.status, 204);
    assert_eq!(good(&rig.get(&own, &token).await)["memberCount"], 1);
    assert_eq!(rig.call(Method::DELETE, &own, &token, Value::Null).await.status, 400);
    let forced = format!("{own}?forceDelete=true");
    assert_eq!(rig.call(Method::DELETE, &forced, &token, Value::Null).await.status, 204);
    let answer = rig.get(&own, &token).await;
    assert_eq!((answer.status, &answer.json()["entityId"]), (404, &made["id"]));
    assert!(!all_pages(&rig, &token, path).await.iter().any(|one| one["id"] == made["id"]));
}

#[tokio::test]
async fn members_are_filtered_and_joining_is_an_event_of_the_queue() {
    let rig = Rig::of(quiet().users(10).queues(2)).await;
    let queue = rig.platform.queues()[0].clone();
    let (token, _, mut socket) = rig.listen(&[&format!("v2.routing.queues.{queue}.users")]).await;
    let path = format!("/api/v2/routing/queues/{queue}/members");
    let all = all_pages(&rig, &token, &format!("{path}?pageSize=3")).await;
    assert_eq!(all.len(), 10);
    let user = all[0]["id"].as_str().unwrap().to_owned();
    let answer = rig
        .call(Method::PATCH, &format!("{path}/{user}"), &token, json!({ "joined": false }))
        .await;
    assert_eq!(answer.status, 204);
    let event = socket.json().await;
    assert_eq!(
        (&event["eventBody"]["id"], &event["eventBody"]["joined"]),
        (&json!(user), &json!(false))
    );
    let apart = all_pages(&rig, &token, &format!("{path}?joined=false")).await;
    assert_eq!(apart.len(), 1);
    assert_eq!(all_pages(&rig, &token, &format!("{path}?joined=true&pageSize=4")).await.len(), 9);
    let queues =
        all_pages(&rig, &token, &format!("/api/v2/users/{user}/queues?joined=false")).await;
    assert_eq!(queues.iter().map(|one| &one["id"]).collect::<Vec<_>>(), [&json!(queue)]);
    assert_eq!(
        good(&rig.get(&format!("/api/v2/routing/queues/{queue}"), &token).await)["joinedMemberCount"],
        9
    );
    let off =
        all_pages(&rig, &token, &format!("{path}?routingStatus=OFF_QUEUE&expand=routingStatus"))
            .await;
    assert!(off.len() == 10 && off.iter().all(|one| one["routingStatus"]["status"] == "OFF_QUEUE"));
    assert!(all_pages(&rig, &token, &format!("{path}?routingStatus=IDLE")).await.is_empty());
    assert_eq!(rig.get(&format!("{path}?joined=maybe"), &token).await.status, 400);
    assert_eq!(rig.get(&format!("{path}?pageSize=101"), &token).await.status, 400);
}

#[tokio::test]
async fn wrap_up_codes_belong_to_queues() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let of_queue = format!("/api/v2/routing/queues/{}/wrapupcodes", rig.platform.queues()[1]);
    let codes = "/api/v2/routing/wrapupcodes";
    let made = good(&post(&rig, &token, codes, json!({ "name": "Prank" })).await);
    let before = all_pages(&rig, &token, &of_queue).await.len();
    assert_eq!(all_pages(&rig, &token, codes).await.len(), before + 1);
    good(&post(&rig, &token, &of_queue, json!([{ "id": made["id"] }])).await);
    assert_eq!(all_pages(&rig, &token, &of_queue).await.len(), before + 1);
    let answer = post(&rig, &token, &of_queue, json!([{ "id": "nobody" }])).await;
    assert_eq!(answer.status, 404);
    let own = format!("{codes}/{}", made["id"].as_str().unwrap());
    assert_eq!(rig.call(Method::DELETE, &own, &token, Value::Null).await.status, 204);
    assert_eq!(all_pages(&rig, &token, &of_queue).await.len(), before);
    assert_eq!(rig.get(&own, &token).await.status, 404);
}

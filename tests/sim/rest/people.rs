//! Users, their presences and routing statuses.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::support::{Rig, quiet};
use super::{all_pages, good, post};

#[tokio::test]
async fn a_presence_that_rest_sets_is_an_event_and_read_back() {
    let rig = Rig::new().await;
    let user = rig.platform.users()[0].clone();
    let topics = [format!("v2.users.{user}.presence"), format!("v2.users.{user}.routingStatus")];
    let (token, _, mut socket) = rig.listen(&[&topics[0], &topics[1]]).await;
    let path = format!("/api/v2/users/{user}/presences/purecloud");
    let definitions = good(&rig.get("/api/v2/presence/definitions", &token).await);
    let on_queue = definitions["entities"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["systemPresence"] == "OnQueue")
        .unwrap();
    let body = json!({ "presenceDefinition": { "id": on_queue["id"] }, "message": "here" });
    let set = good(&rig.call(Method::PATCH, &path, &token, body).await);
    let (presence, routing) = (socket.json().await, socket.json().await);
    assert_eq!(presence["topicName"], topics[0]);
    assert_eq!(presence["eventBody"]["presenceDefinition"]["systemPresence"], "ON_QUEUE");
    assert_eq!(presence["eventBody"]["presenceDefinition"]["id"], on_queue["id"]);
    assert_eq!(presence["eventBody"]["message"], "here");
    assert_eq!(presence["eventBody"]["modifiedDate"], set["modifiedDate"]);
    assert_eq!(routing["eventBody"]["routingStatus"]["status"], "IDLE");
    assert_eq!(good(&rig.get(&path, &token).await), set);
    let shown = good(
        &rig.get(&format!("/api/v2/users/{user}?expand=presence,routingStatus"), &token).await,
    );
    assert_eq!(shown["presence"], set);
    assert_eq!(
        shown["routingStatus"]["startTime"],
        routing["eventBody"]["routingStatus"]["startTime"]
    );
    let bulk = good(
        &rig.get(&format!("/api/v2/users/presences/PURECLOUD/bulk?id={user},nobody"), &token).await,
    );
    assert_eq!(bulk.as_array().unwrap().len(), 1);
    assert_eq!(bulk[0]["presenceDefinition"], set["presenceDefinition"]);
    for (body, status) in [
        (json!({ "presenceDefinition": { "id": "nobody" } }), 400),
        (json!({ "presenceDefinition": { "systemPresence": "Joy" } }), 400),
        (json!({}), 400),
        (json!({ "primary": true }), 200),
    ] {
        assert_eq!(
            rig.call(Method::PATCH, &path, &token, body.clone()).await.status,
            status,
            "{body}"
        );
    }
    let elsewhere = path.replace("purecloud", "somewhere");
    assert_eq!(rig.get(&elsewhere, &token).await.status, 404);
    assert!(socket.is_quiet().await, "what is refused is no event");
}

#[tokio::test]
async fn several_presences_are_set_all_or_none() {
    let rig = Rig::new().await;
    let users = rig.platform.users().to_vec();
    let (token, _, mut socket) = rig.listen(&[&rig.presence(0), &rig.presence(1)]).await;
    let one = |id: &str| json!({ "id": id, "presenceDefinition": { "systemPresence": "Meal" } });
    let path = "/api/v2/users/presences/bulk";
    let bad = json!([one(&users[0]), one("nobody")]);
    assert_eq!(rig.call(Method::PUT, path, &token, bad).await.status, 404);
    assert!(socket.is_quiet().await);
    good(&rig.call(Method::PUT, path, &token, json!([one(&users[0]), one(&users[1])])).await);
    for _ in 0..2 {
        let event = socket.json().await;
        assert_eq!(event["eventBody"]["presenceDefinition"]["systemPresence"], "MEAL");
    }
    let many: Vec<Value> = (0..51).map(|_| one(&users[0])).collect();
    assert_eq!(rig.call(Method::PUT, path, &token, json!(many)).await.status, 400);
}

#[tokio::test]
async fn a_routing_status_changes_only_where_it_can() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let user = &rig.platform.users()[2];
    let path = format!("/api/v2/users/{user}/routingstatus");
    let put = async |status: &str| {
        rig.call(Method::PUT, &path, &token, json!({ "status": status })).await
    };
    let answer = put("IDLE").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "general.bad.request"));
    assert_eq!(put("BORED").await.code(), "invalid.value");
    assert_eq!(put("OFF_QUEUE").await.status, 200);
    let presence = format!("/api/v2/users/{user}/presences/purecloud");
    let body = json!({ "presenceDefinition": { "systemPresence": "ON_QUEUE" } });
    good(&rig.call(Method::PATCH, &presence, &token, body).await);
    assert_eq!(good(&rig.get(&path, &token).await)["status"], "IDLE");
    assert_eq!(put("COMMUNICATING").await.status, 200);
    assert_eq!(put("INTERACTING").await.status, 400);
    assert_eq!(good(&put("IDLE").await)["status"], "IDLE");
    let nobody = good(&rig.get("/api/v2/users/nobody/routingstatus", &token).await);
    assert_eq!(nobody["status"], "OFF_QUEUE");
}

#[tokio::test]
async fn definitions_of_an_organisation_are_made_used_and_deactivated() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let path = "/api/v2/presence/definitions";
    let body = json!({ "systemPresence": "Away", "languageLabels": { "en_US": "School run" } });
    let made = good(&post(&rig, &token, path, body).await);
    let id = made["id"].as_str().unwrap();
    let user = &rig.platform.users()[0];
    let presence = format!("/api/v2/users/{user}/presences/purecloud");
    let body = json!({ "presenceDefinition": { "id": id } });
    let set = good(&rig.call(Method::PATCH, &presence, &token, body.clone()).await);
    assert_eq!(set["presenceDefinition"]["systemPresence"], "Away");
    let older = all_pages(&rig, &token, "/api/v2/presencedefinitions?pageSize=4").await;
    assert!(older.iter().any(|one| one["id"] == id));
    assert_eq!(
        rig.call(Method::DELETE, &format!("{path}/{id}"), &token, Value::Null).await.status,
        204
    );
    assert_eq!(rig.call(Method::PATCH, &presence, &token, body).await.status, 400);
    let count = async |query: &str| {
        good(&rig.get(&format!("{path}{query}"), &token).await)["total"].as_u64().unwrap()
    };
    assert_eq!(count("?deactivated=true").await, 1);
    assert_eq!(count("?deactivated=any").await, count("").await + 1);
    let answer = post(&rig, &token, path, json!({ "systemPresence": "Joy" })).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "invalid.value"));
}

#[tokio::test]
async fn users_are_paged_searched_and_changed_with_their_version() {
    let rig = Rig::of(quiet().users(33)).await;
    let token = rig.token().await;
    let all = all_pages(&rig, &token, "/api/v2/users?pageSize=8").await;
    assert_eq!(all.len(), 33);
    assert_eq!(all_pages(&rig, &token, "/api/v2/users/query?pageSize=7").await.len(), 33);
    let bad = rig.get("/api/v2/users/query?cursor=nonsense", &token).await;
    assert_eq!((bad.status, bad.code().as_str()), (400, "invalid.cursor"));
    let search = async |body: Value| good(&post(&rig, &token, "/api/v2/users/search", body).await);
    let found =
        search(json!({ "pageSize": 10, "pageNumber": 4, "sortBy": "email", "sortOrder": "DESC" }))
            .await;
    assert_eq!((&found["total"], &found["pageCount"]), (&json!(33), &json!(4)));
    assert_eq!(found["results"].as_array().unwrap().len(), 3);
    assert!(found["nextPage"].is_null() && found["previousPage"].is_string());
    let email = all[5]["email"].as_str().unwrap();
    let body = json!({ "query": [{ "type": "EXACT", "fields": ["email"], "value": email }] });
    assert_eq!(search(body).await["results"][0]["id"], all[5]["id"]);
    let answer = post(
        &rig,
        &token,
        "/api/v2/users/search",
        json!({ "query": [{ "type": "REGEX", "fields": ["name"], "value": "." }] }),
    )
    .await;
    assert_eq!(answer.status, 400);
    let own = format!("/api/v2/users/{}", all[0]["id"].as_str().unwrap());
    let patch = async |version: i64| {
        rig.call(Method::PATCH, &own, &token, json!({ "version": version, "state": "inactive" }))
            .await
    };
    let answer = patch(7).await;
    assert_eq!((answer.status, answer.code().as_str()), (409, "general.conflict"));
    assert_eq!(good(&patch(1).await)["version"], 2);
    assert_eq!(all_pages(&rig, &token, "/api/v2/users").await.len(), 32);
    assert_eq!(all_pages(&rig, &token, "/api/v2/users?state=inactive").await.len(), 1);
    assert_eq!(rig.get("/api/v2/users?state=odd", &token).await.status, 400);
}

#[tokio::test]
async fn me_is_the_user_who_signed_in_and_no_client() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let answer = rig.get("/api/v2/users/me", &token).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "not.a.user"));
    let user = &rig.platform.users()[3];
    let own = rig.platform.user_token(user).unwrap();
    let me = good(&rig.get("/api/v2/users/me?expand=presence,organization", own.expose()).await);
    assert_eq!(me["id"], *user);
    assert_eq!(
        (&me["presence"]["id"], &me["organization"]["name"]),
        (&json!(user), &json!("Acme"))
    );
    assert!(!all_pages(&rig, own.expose(), "/api/v2/routing/queues/me").await.is_empty());
    assert!(rig.platform.user_token("nobody").is_err());
    let path = format!("/api/v2/tokens/{user}");
    assert_eq!(rig.call(Method::DELETE, &path, &token, Value::Null).await.status, 204);
    assert_eq!(rig.get("/api/v2/users/me", own.expose()).await.status, 401);
    assert_eq!(
        rig.get("/api/v2/tokens/me", &token).await.status,
        200,
        "the client's own token stays"
    );
}

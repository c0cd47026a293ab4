//! Presence: one user, thousands of users, and setting it.

use futures::StreamExt;
use genesys_cloud::ErrorKind;
use genesys_cloud::models::SystemPresenceName;
use serde_json::{Value, json};

use crate::rig::{Call, Rig, forbidden, not_found, refusal};

fn definition(id: &str) -> Value {
    json!({ "id": id, "name": "Lunch", "systemPresence": "Meal", "deactivated": false })
}

#[tokio::test]
async fn definitions_are_listed_and_looked_up() {
    let rig = Rig::start(|_, call| match call.line.as_str() {
        "GET /api/v2/presence/definitions" => {
            (200, json!({ "entities": [definition("a"), definition("b")], "total": 2 }))
        }
        "GET /api/v2/presence/definitions/a" => (200, definition("a")),
        "GET /api/v2/systempresences" => (200, json!([{ "id": "x", "name": "AVAILABLE" }])),
        _ => not_found(),
    })
    .await;
    let presence = rig.client.presence();
    let all = presence.definitions().await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].system_presence, Some(SystemPresenceName::Meal));
    assert_eq!(presence.definition("a").await.unwrap().id.as_deref(), Some("a"));
    assert_eq!(presence.system_presences().await.unwrap().len(), 1);
    let error = presence.definition("z").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.operation(), Some("GET /api/v2/presence/definitions/{definitionId}"));
}

#[tokio::test]
async fn a_user_who_is_unknown_is_told_from_one_who_may_not_be_seen() {
    let rig = Rig::start(|_, call| match call.line.as_str() {
        "GET /api/v2/users/u%201/presences/purecloud" => {
            (200, json!({ "id": "u 1", "message": "hi", "novel": 7 }))
        }
        "GET /api/v2/users/u/presences/teams" => (200, json!({ "id": "u", "sourceId": "teams" })),
        "GET /api/v2/users/hidden/presences/purecloud" => forbidden("presence:userPresence:view"),
        _ => not_found(),
    })
    .await;
    let presence = rig.client.presence();
    let of = presence.of("u 1").await.unwrap();
    assert_eq!(of.message.as_deref(), Some("hi"));
    assert_eq!(serde_json::to_value(&of).unwrap()["novel"], 7, "nothing is lost");
    let teams = presence.of_source("u", "teams").await.unwrap();
    assert_eq!(teams.source_id.as_deref(), Some("teams"));
    assert_eq!(presence.of("nobody").await.unwrap_err().kind(), ErrorKind::NotFound);
    let error = presence.of("hidden").await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Forbidden, Some("missing.permissions")));
    assert!(error.to_string().contains("presence:userPresence:view"), "{error}");
}

#[tokio::test]
async fn setting_sends_the_definition_and_the_message_and_nothing_else() {
    let rig = Rig::always(json!({ "id": "u" })).await;
    rig.client.presence().set("u", "d", Some("back at one")).await.unwrap();
    let call = rig.last();
    assert_eq!(call.line, "PATCH /api/v2/users/u/presences/purecloud");
    assert_eq!(call.body, json!({ "presenceDefinition": { "id": "d" }, "message": "back at one" }));
    rig.client.presence().set("u", "d", None).await.unwrap();
    assert_eq!(rig.last().body, json!({ "presenceDefinition": { "id": "d" } }));
}

const USERS: usize = 5_000;
const FAILING: usize = 37;

fn name(number: usize) -> String {
    format!("user-{number:05}")
}

/// Knows nobody whose number ends on 7, and answers backwards; one batch fails.
fn batch(call: &Call) -> (u16, Value) {
    let ids: Vec<&str> = call.get("id").unwrap().split(',').collect();
    assert!(ids.len() <= 50, "{} ids", ids.len());
    if ids.contains(&name(FAILING * 50).as_str()) {
        return refusal(400, "bad.request", "no");
    }
    let known = ids.iter().rev().filter(|id| !id.ends_with('7'));
    (200, known.map(|id| json!({ "id": "other", "userId": id, "message": *id })).collect())
}

#[tokio::test]
async fn five_thousand_users_come_in_order_with_what_is_unknown_and_what_failed_told_for_each() {
    let rig = Rig::start(|_, call| batch(call)).await;
    let users: Vec<String> = (0..USERS).map(name).collect();
    let answers: Vec<_> = rig.client.presence().of_many(&users).collect().await;
    assert_eq!(answers.len(), USERS);
    let (mut known, mut unknown, mut failed) = (0, 0, 0);
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(*answer.id, *name(number));
        match &answer.result {
            Ok(presence) => {
                assert_eq!(presence.message.as_deref(), Some(&*answer.id));
                known += 1;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                assert!(answer.id.ends_with('7') && error.status().is_none());
                unknown += 1;
            }
            Err(error) => {
                assert_eq!((error.status(), number / 50), (Some(400), FAILING));
                assert_eq!(error.correlation_id(), Some("c-1"));
                let operation = "GET /api/v2/users/presences/purecloud/bulk";
                assert_eq!(error.operation(), Some(operation));
                failed += 1;
            }
        }
    }
    assert_eq!((known, unknown, failed), (USERS - 495 - 50, 495, 50));
    assert_eq!(rig.server.count(), 100);
}

#[tokio::test]
async fn ids_are_matched_in_any_case_and_asked_for_as_often_as_they_were_named() {
    let rig = Rig::always(json!([{ "userId": "abc", "message": "x" }])).await;
    let answers: Vec<_> = rig.client.presence().of_many(["ABC", "abc", "abd"]).collect().await;
    let found: Vec<bool> = answers.iter().map(|answer| answer.result.is_ok()).collect();
    assert_eq!(found, [true, true, false]);
    assert_eq!(&*answers[0].id, "ABC", "as it was asked");
}

#[tokio::test]
async fn no_users_are_no_calls() {
    let rig = Rig::always(json!([])).await;
    assert_eq!(rig.client.presence().of_many(Vec::<String>::new()).count().await, 0);
    let unpolled = rig.client.presence().of_many(["u"]);
    drop(unpolled);
    assert_eq!(rig.server.count(), 0);
}

//! Integrations, credentials, OAuth clients and the organisation.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::support::Rig;
use super::{all_pages, good, post};

#[tokio::test]
async fn a_configuration_changes_with_its_version_only() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let made = good(
        &post(
            &rig,
            &token,
            "/api/v2/integrations",
            json!({ "name": "Board", "integrationType": { "id": "premium-app-example" } }),
        )
        .await,
    );
    assert_eq!(
        (&made["intendedState"], &made["reportedState"]["code"]),
        (&json!("DISABLED"), &json!("INACTIVE"))
    );
    let own = format!("/api/v2/integrations/{}", made["id"].as_str().unwrap());
    let config = format!("{own}/config/current");
    let body = |version: i64| json!({ "version": version, "name": "Board", "properties": { "url": "https://a.example" }, "advanced": {}, "notes": "", "credentials": {} });
    let put = async |body: Value| rig.call(Method::PUT, &config, &token, body).await;
    assert_eq!(good(&put(body(1)).await)["version"], 2);
    let answer = put(body(1)).await;
    assert_eq!((answer.status, answer.code().as_str()), (409, "general.conflict"));
    assert_eq!(answer.json()["contextId"], answer.header("inin-correlation-id"));
    assert_eq!(good(&rig.get(&config, &token).await)["properties"]["url"], "https://a.example");
    let mut bare = body(2);
    bare.as_object_mut().unwrap().remove("advanced");
    assert_eq!(put(bare).await.code(), "required.field.missing");
    let apps = async || all_pages(&rig, &token, "/api/v2/integrations/clientapps?pageSize=2").await;
    let before = apps().await.len();
    good(&rig.call(Method::PATCH, &own, &token, json!({ "intendedState": "ENABLED" })).await);
    let enabled = apps().await;
    assert_eq!(enabled.len(), before + 1);
    assert!(
        enabled
            .iter()
            .any(|one| one["config"]["effective"]["properties"]["url"] == "https://a.example")
    );
    let mine = all_pages(
        &rig,
        &token,
        "/api/v2/integrations?integrationType=premium-app-example&pageSize=2",
    )
    .await;
    assert!(
        mine.len() > 2
            && mine.iter().all(|one| one["integrationType"]["id"] == "premium-app-example")
    );
    assert_eq!(good(&rig.call(Method::DELETE, &own, &token, Value::Null).await)["id"], made["id"]);
    assert_eq!(rig.get(&own, &token).await.status, 404);
    assert_eq!(
        post(&rig, &token, "/api/v2/integrations", json!({ "integrationType": { "id": "x" } }))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn types_have_schemas_and_credentials_keep_their_secrets() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let types = all_pages(&rig, &token, "/api/v2/integrations/types?pageSize=4").await;
    for kind in &types {
        let schema = kind["configPropertiesSchemaUri"].as_str().unwrap();
        assert_eq!(good(&rig.get(schema, &token).await)["type"], "object");
    }
    let path = "/api/v2/integrations/credentials";
    let body = json!({ "name": "Key", "type": { "id": "basicAuth" }, "credentialFields": { "userName": "u", "password": "hidden-word" } });
    let made = post(&rig, &token, path, body).await;
    let id = good(&made)["id"].as_str().unwrap().to_owned();
    let alone = rig.get(&format!("{path}/{id}"), &token).await;
    let listed = rig.get(&format!("{path}/listing?pageSize=1"), &token).await;
    for answer in [&made, &alone, &listed] {
        assert!(answer.status == 200 && !answer.text.contains("hidden-word"), "{}", answer.text);
    }
    assert_eq!(all_pages(&rig, &token, &format!("{path}/listing?pageSize=1")).await.len(), 2);
    let answer =
        post(&rig, &token, path, json!({ "name": "K", "type": { "id": "basicAuth" } })).await;
    assert_eq!(answer.code(), "required.field.missing");
    assert_eq!(
        rig.call(Method::DELETE, &format!("{path}/{id}"), &token, Value::Null).await.status,
        204
    );
    assert_eq!(rig.get(&format!("{path}/{id}"), &token).await.status, 404);
}

#[tokio::test]
async fn an_oauth_client_that_was_made_gets_tokens_until_its_secret_changes() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    let path = "/api/v2/oauth/clients";
    let body = json!({ "name": "Board", "authorizedGrantType": "CLIENT-CREDENTIALS", "roleDivisions": [{ "roleId": "r", "divisionId": "d" }] });
    let made = good(&post(&rig, &token, path, body.clone()).await);
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let own = rig.token_of(id, secret).await;
    assert_eq!(good(&rig.get("/api/v2/tokens/me", &own).await)["OAuthClient"]["name"], "Board");
    let alone = rig.get(&format!("{path}/{id}"), &token).await;
    assert!(!alone.text.contains(secret), "the secret is told once");
    let fresh = good(&post(&rig, &token, &format!("{path}/{id}/secret"), Value::Null).await);
    let fresh = fresh["secret"].as_str().unwrap();
    assert_ne!(fresh, secret);
    let form = |secret: &str| {
        let request = rig.request(Method::POST, "/oauth/token").basic_auth(id, Some(secret));
        rig.send(request.body("grant_type=client_credentials"))
    };
    assert_eq!(form(secret).await.status, 401);
    rig.token_of(id, fresh).await;
    for (change, code) in [
        (json!({ "authorizedGrantType": null }), "grant.type.required"),
        (json!({ "authorizedGrantType": "MAGIC" }), "bad.grant.type"),
        (json!({ "roleDivisions": [] }), "missing.client.roles"),
        (json!({ "accessTokenValiditySeconds": 5 }), "invalid.value"),
    ] {
        let mut bad = body.clone();
        for (name, value) in change.as_object().unwrap() {
            bad[name.as_str()] = value.clone();
        }
        let answer = post(&rig, &token, path, bad).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, code));
    }
    assert_eq!(
        rig.call(Method::DELETE, &format!("{path}/{id}"), &token, Value::Null).await.status,
        204
    );
    assert_eq!(rig.get("/api/v2/tokens/me", &own).await.status, 401, "its tokens end with it");
}

#[tokio::test]
async fn limits_are_those_that_the_platform_holds() {
    let rig = Rig::of(super::super::support::quiet().requests_per_minute(77)).await;
    let token = rig.token().await;
    let path = "/api/v2/organizations/limits/namespaces";
    let value = async |tail: &str| {
        let listing = good(&rig.get(&format!("{path}/platform.api{tail}"), &token).await);
        let list = listing["entities"].as_array().unwrap();
        list.iter().find(|one| one["key"] == "token.rate.per.minute").unwrap()["value"].clone()
    };
    assert_eq!((value("").await, value("/defaults").await), (json!(77), json!(300)));
    assert_eq!(rig.get(&format!("{path}/nothing"), &token).await.status, 404);
    let me = "/api/v2/organizations/me";
    let before = good(&rig.get(me, &token).await);
    let put = async |version: i64| {
        rig.call(Method::PUT, me, &token, json!({ "name": "Acme 2", "version": version })).await
    };
    let version = before["version"].as_i64().unwrap();
    assert_eq!(put(version + 5).await.status, 409);
    assert_eq!(good(&put(version).await)["name"], "Acme 2");
}

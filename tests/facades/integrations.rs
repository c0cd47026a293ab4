//! Integrations: installed, switched on, configured by several at once, and their credentials.

use std::sync::Mutex;

use futures::TryStreamExt;
use genesys_cloud::models::{IntegrationConfiguration, IntegrationIntendedState};
use genesys_cloud::{ErrorKind, Json, Secret};
use serde_json::{Value, json};

use crate::rig::{Call, Rig, forbidden, not_found, refusal};

#[tokio::test]
async fn types_and_integrations_are_listed_by_their_links() {
    let rig = Rig::start(|_, call| {
        let page = json!({ "entities": [{ "id": "1", "integrationType": { "id": "t" } }] });
        match call.get("nextPage") {
            None => {
                let mut page = page;
                page["nextUri"] = "/api/v2/integrations?nextPage=two".into();
                (200, page)
            }
            Some(_) => (200, page),
        }
    })
    .await;
    let integrations = rig.client.integrations();
    let list = integrations.list().of_type("t").ids(["1", "2"]).expand(["config.current"]);
    let list: Vec<_> = list.page_size(1).items().try_collect().await.unwrap();
    assert_eq!(list.len(), 2);
    let call = rig.last();
    assert_eq!(call.line, "GET /api/v2/integrations");
    assert_eq!((call.get("integrationType"), call.get("ids")), (Some("t"), Some("1,2")));
    assert_eq!((call.get("expand"), call.get("nextPage")), (Some("config.current"), Some("two")));
    integrations.types().page_size(5).items().try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(rig.last().line, "GET /api/v2/integrations/types");
    integrations.client_apps().items().try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(rig.last().line, "GET /api/v2/integrations/clientapps");
    integrations.integration_type("t").await.unwrap();
    assert_eq!(rig.last().line, "GET /api/v2/integrations/types/t");
}

#[tokio::test]
async fn an_integration_is_installed_switched_and_removed() {
    let rig = Rig::start(|_, call| match call.line.as_str() {
        "GET /api/v2/integrations/hidden" => forbidden("integrations:integration:view"),
        "GET /api/v2/integrations/gone" => not_found(),
        _ => (200, json!({ "id": "i", "intendedState": "ENABLED" })),
    })
    .await;
    let integrations = rig.client.integrations();
    integrations.create("premium-app-example", "Acme").await.unwrap();
    let wanted = json!({ "name": "Acme", "integrationType": { "id": "premium-app-example" } });
    assert_eq!(rig.last().body, wanted);
    let on = integrations.enable("i").await.unwrap();
    assert_eq!(on.intended_state, Some(IntegrationIntendedState::Enabled));
    let call = rig.last();
    assert_eq!(
        (call.line.as_str(), call.body),
        ("PATCH /api/v2/integrations/i", json!({ "intendedState": "ENABLED" }))
    );
    integrations.disable("i").await.unwrap();
    assert_eq!(rig.last().body, json!({ "intendedState": "DISABLED" }));
    integrations.get("i").await.unwrap();
    assert_eq!(integrations.get("hidden").await.unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(integrations.get("gone").await.unwrap_err().kind(), ErrorKind::NotFound);
    integrations.delete("i").await.unwrap();
    assert_eq!(rig.last().line, "DELETE /api/v2/integrations/i");
}

const CONFIG: &str = "/api/v2/integrations/i/config/current";

/// A configuration with a version; others change it just before each of the first `races` writes.
fn versioned(races: usize) -> impl Fn(usize, &Call) -> (u16, Value) {
    let state =
        Mutex::new((json!({ "version": 3, "name": "Acme", "properties": { "a": 1 } }), races));
    move |_, call| {
        let mut state = state.lock().unwrap();
        let (config, races) = &mut *state;
        if call.line.starts_with("GET") {
            return (200, config.clone());
        }
        if *races > 0 {
            *races -= 1;
            config["version"] = (config["version"].as_i64().unwrap() + 1).into();
            config["notes"] = "by somebody else".into();
        }
        if call.body["version"] != config["version"] {
            return refusal(409, "general.conflict", "version mismatch");
        }
        *config = call.body.clone();
        config["version"] = (config["version"].as_i64().unwrap() + 1).into();
        (200, config.clone())
    }
}

#[tokio::test]
async fn a_configuration_is_replaced_whole_with_its_version() {
    let rig = Rig::start(versioned(0)).await;
    let integrations = rig.client.integrations();
    let mut config = integrations.config("i").await.unwrap();
    assert_eq!(config.version, Some(3));
    config.properties = Some(Json::from(&json!({ "url": "https://app.example/" })));
    let config = integrations.replace_config("i", config).await.unwrap();
    assert_eq!(config.version, Some(4));
    let call = rig.last();
    assert_eq!(call.line, format!("PUT {CONFIG}"));
    assert_eq!(
        call.body,
        json!({
            "version": 3, "name": "Acme", "properties": { "url": "https://app.example/" },
            "advanced": {}, "notes": "", "credentials": {},
        })
    );
    let error = integrations.replace_config("i", IntegrationConfiguration::default()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(rig.server.count(), 2);
}

#[tokio::test]
async fn a_conflict_is_an_error_of_its_own_that_says_what_to_do() {
    let rig = Rig::start(versioned(1)).await;
    let integrations = rig.client.integrations();
    let config = integrations.config("i").await.unwrap();
    let error = integrations.replace_config("i", config).await.unwrap_err();
    assert!(error.is_conflict() && !error.is_retryable());
    assert_eq!((error.status(), error.code()), (Some(409), Some("general.conflict")));
    assert!(error.to_string().contains("read it again"), "{error}");
}

#[tokio::test]
async fn a_change_is_made_to_what_others_left_and_tried_five_times() {
    let rig = Rig::start(versioned(4)).await;
    let mut seen = Vec::new();
    let change = |config: &mut IntegrationConfiguration| {
        seen.push(config.notes.as_deref().map(str::to_owned));
        config.version = None; // Not the caller's business.
        config.name = Some("Changed".into());
    };
    let config = rig.client.integrations().update_config("i", change).await.unwrap();
    assert_eq!((config.name.as_deref(), config.version), (Some("Changed"), Some(8)));
    assert_eq!(config.notes.as_deref(), Some("by somebody else"), "nobody's change is lost");
    assert_eq!((seen.len(), seen[0].clone()), (5, None));
    let rig = Rig::start(versioned(5)).await;
    let error = rig.client.integrations().update_config("i", |_| {}).await.unwrap_err();
    assert!(error.is_conflict());
    assert_eq!(rig.server.count(), 10);
}

#[tokio::test]
async fn what_is_no_conflict_is_not_tried_again() {
    let rig = Rig::start(|_, call| match call.line.split(' ').next() {
        Some("GET") => (200, json!({ "version": 1 })),
        _ => forbidden("integrations:integration:edit"),
    })
    .await;
    let error = rig.client.integrations().update_config("i", |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert_eq!(rig.server.count(), 2);
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let rig = Rig::start(|_, call| match call.line.as_str() {
        "GET /api/v2/integrations/credentials/types" => (200, json!([{ "id": "basicAuth" }])),
        "GET /api/v2/integrations/credentials/listing" => {
            (200, json!({ "entities": [{ "id": "c" }] }))
        }
        "GET /api/v2/integrations/credentials/c" => {
            (200, json!({ "id": "c", "credentialFields": { "password": "hush-hush-hush" } }))
        }
        "POST /api/v2/integrations/credentials" => {
            refusal(400, "bad.request", "password hush-hush-hush is too short")
        }
        "DELETE /api/v2/integrations/credentials/c" => (204, Value::Null),
        _ => (200, json!({ "id": "c", "name": "CRM" })),
    })
    .await;
    let credentials = rig.client.integrations().credentials();
    assert_eq!(credentials.types().await.unwrap().len(), 1);
    assert_eq!(
        credentials.list().page_size(200).items().try_collect::<Vec<_>>().await.unwrap().len(),
        1
    );
    assert_eq!(rig.last().get("pageSize"), Some("200"));
    assert!(!format!("{:?}", credentials.get("c").await.unwrap()).contains("hush"));
    let fields =
        || [("userName", Secret::new("acme-user")), ("password", Secret::new("hush-hush-hush"))];
    let error = credentials.create("CRM", "basicAuth", fields()).await.unwrap_err();
    assert!(!format!("{error} {error:?} {:?}", error.body()).contains("hush-hush"), "{error:?}");
    let wanted = json!({
        "name": "CRM", "type": { "id": "basicAuth" },
        "credentialFields": { "userName": "acme-user", "password": "hush-hush-hush" },
    });
    assert_eq!(rig.last().body, wanted);
    credentials.replace("c", "CRM", "basicAuth", fields()).await.unwrap();
    assert_eq!(rig.last().line, "PUT /api/v2/integrations/credentials/c");
    credentials.delete("c").await.unwrap();
    assert_eq!(rig.last().line, "DELETE /api/v2/integrations/credentials/c");
}

//! The organisation and its limits.

use genesys_cloud::ErrorKind;
use serde_json::json;

use crate::rig::{Rig, not_found};

#[tokio::test]
async fn the_organisation_and_its_limits_are_read() {
    let limits = |value: i64| {
        json!({ "entities": [
            { "key": "token.rate.per.minute", "namespace": "platform.api", "value": value, "novel": true },
        ]})
    };
    let rig = Rig::start(move |_, call| match call.line.as_str() {
        "GET /api/v2/organizations/me" => {
            (200, json!({ "id": "o", "name": "Acme", "state": "active" }))
        }
        "GET /api/v2/organizations/limits/namespaces" => {
            (200, json!({ "entities": ["platform.api", { "namespace": "notifications" }] }))
        }
        "GET /api/v2/organizations/limits/namespaces/platform.api" => (200, limits(600)),
        "GET /api/v2/organizations/limits/namespaces/platform.api/defaults" => (200, limits(300)),
        _ => not_found(),
    })
    .await;
    let organization = rig.client.organization();
    assert_eq!(organization.me().await.unwrap().name.as_deref(), Some("Acme"));
    let names = organization.limit_namespaces().await.unwrap();
    assert_eq!(
        names.iter().map(|name| &**name).collect::<Vec<_>>(),
        ["platform.api", "notifications"]
    );
    let limits = organization.limits("platform.api").await.unwrap();
    assert_eq!(limits[0].value, Some(600));
    assert_eq!(serde_json::to_value(&limits[0]).unwrap()["novel"], true, "nothing is lost");
    let defaults = organization.default_limits("platform.api").await.unwrap();
    assert_eq!(defaults[0].value, Some(300));
    assert_eq!(organization.limits("novel").await.unwrap_err().kind(), ErrorKind::NotFound);
}

//! Types of integrations.

use serde_json::{Value, json};

use super::asked::{Answer, Asked, missing};
use super::listing::{PAGE_MAX, numbered};
use crate::sim::response::Reply;

/// Id, name, category, and whether an integration of it is an app that users open.
pub(super) const TYPES: &[(&str, &str, &str, bool)] = &[
    ("custom-rest-actions", "Web Services Data Actions", "Data Actions", false),
    ("embedded-client-app", "Custom Client Application", "Client App", true),
    ("premium-app-example", "Premium App", "Premium Client App", true),
    ("premium-widget-example", "Premium Widget", "Premium Client App", true),
    ("purecloud-data-actions", "Genesys Cloud Data Actions", "Data Actions", false),
    ("webhook", "Webhook", "Webhooks", false),
];

pub(super) fn known(id: &str) -> Option<&'static (&'static str, &'static str, &'static str, bool)> {
    TYPES.iter().find(|(known, ..)| *known == id)
}

fn uri(id: &str) -> String {
    format!("/api/v2/integrations/types/{id}")
}

/// The type as an integration names it.
pub(super) fn short(id: &str) -> Value {
    json!({ "id": id, "name": known(id).map(|(_, name, ..)| *name), "selfUri": uri(id) })
}

/// `IntegrationType`.
fn shown((id, name, category, is_app): &(&str, &str, &str, bool)) -> Value {
    let mut shown = json!({
        "id": id,
        "name": name,
        "description": format!("{name} of the simulator"),
        "provider": "clientapps",
        "category": category,
        "images": [],
        "configPropertiesSchemaUri": format!("{}/configschemas/properties", uri(id)),
        "configAdvancedSchemaUri": format!("{}/configschemas/advanced", uri(id)),
        "vendorName": "Acme",
        "credentials": {},
        "nonInstallable": false,
        "maxInstances": 100,
        "userPermissions": [],
        "selfUri": uri(id),
    });
    if !is_app {
        shown["provider"] = json!("actions");
        shown["credentials"] = json!({ "basicAuth": {
            "required": false, "title": "Basic", "credentialTypes": ["basicAuth"],
        } });
    }
    shown
}

/// `GET /api/v2/integrations/types`.
pub(super) fn list(asked: &mut Asked<'_>) -> Answer {
    numbered(asked.request, PAGE_MAX, TYPES, shown)
}

/// `GET /api/v2/integrations/types/{typeId}`.
pub(super) fn one(asked: &mut Asked<'_>) -> Answer {
    let found = known(asked.id(0)).ok_or_else(|| missing("integration type", asked.id(0)))?;
    Ok(Reply::json(&shown(found)))
}

/// `GET /api/v2/integrations/types/{typeId}/configschemas/{configType}`.
pub(super) fn schema(asked: &mut Asked<'_>) -> Answer {
    let (id, kind) = (asked.id(0), asked.id(1));
    let (_, name, _, is_app) = known(id).ok_or_else(|| missing("integration type", id))?;
    if !["properties", "advanced"].contains(&kind) {
        return Err(missing("configuration schema", kind));
    }
    let text = json!({ "type": "string" });
    let properties = match (kind, is_app) {
        ("properties", true) => json!({
            "url": text, "displayType": { "type": "string", "enum": ["standalone", "widget"] },
            "featureCategory": text, "groupFilter": { "type": "array", "items": text },
        }),
        _ => json!({}),
    };
    Ok(Reply::json(&json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "id": id,
        "title": format!("{name}: {kind}"),
        "type": "object",
        "required": [],
        "properties": properties,
        "additionalProperties": true,
    })))
}

//! A small check of JSON against the published shapes: unknown keys, types, enumerations.

use std::path::Path;

use serde_json::Value;

/// Definitions by name, out of a file of the published shapes.
pub(crate) struct Schema {
    pub(crate) file: Value,
}

impl Schema {
    /// `None`, and a line that says so, when the file is not there.
    pub(crate) fn load(name: &str) -> Option<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/spec").join(name);
        let Ok(text) = std::fs::read(&path) else {
            println!("skipped: ../shared/spec/{name} is not there");
            return None;
        };
        let file = serde_json::from_slice(&text).unwrap();
        Some(Self { file })
    }

    /// A published operation.
    pub(crate) fn operation(&self, method: &str, path: &str) -> &Value {
        let operations = self.file["operations"].as_array().unwrap();
        let found = operations
            .iter()
            .find(|operation| operation["method"] == method && operation["path"] == path);
        found.unwrap_or_else(|| panic!("{method} {path} is not published"))
    }

    /// The schema of an operation's answer.
    pub(crate) fn response(&self, method: &str, path: &str) -> &Value {
        &self.operation(method, path)["response"]
    }

    /// The schema of a topic's body.
    pub(crate) fn topic(&self, id: &str) -> &Value {
        let topics = self.file["topics"].as_array().unwrap();
        let found = topics.iter().find(|topic| topic["id"] == id);
        &found.unwrap_or_else(|| panic!("{id}"))["schema"]
    }

    /// Panics where a value is not of its schema.
    pub(crate) fn check(&self, schema: &Value, value: &Value, place: &str) {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap();
            return self.check(&self.file["definitions"][name], value, place);
        }
        let fits = match schema["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            _ => true,
        };
        assert!(fits, "{place}: {value} is no {}", schema["type"]);
        if let Some(allowed) = schema["enum"].as_array() {
            assert!(allowed.contains(value), "{place}: {value} is none of {allowed:?}");
        }
        if schema["format"] == "date-time" {
            let text = value.as_str().unwrap();
            assert!(text.len() == 24 && text.ends_with('Z'), "{place}: {text}");
        }
        for (number, item) in value.as_array().into_iter().flatten().enumerate() {
            self.check(&schema["items"], item, &format!("{place}[{number}]"));
        }
        for (key, field) in value.as_object().into_iter().flatten() {
            let place = format!("{place}.{key}");
            match (schema["properties"].get(key), schema.get("additionalProperties")) {
                (Some(known), _) | (None, Some(known)) => self.check(known, field, &place),
                (None, None) => {
                    assert!(schema["properties"].is_null(), "{place} is not a published field");
                }
            }
        }
    }
}

#[test]
fn the_check_can_fail() {
    let schema = Schema {
        file: serde_json::json!({ "definitions": { "A": {
            "type": "object", "properties": { "n": { "type": "integer" }, "e": { "type": "string", "enum": ["x"] } }
        } } }),
    };
    let reference = serde_json::json!({ "$ref": "#/definitions/A" });
    let fits = |value: Value| {
        let check = std::panic::AssertUnwindSafe(|| schema.check(&reference, &value, "a"));
        std::panic::catch_unwind(check).is_ok()
    };
    assert!(fits(serde_json::json!({ "n": 1, "e": "x" })));
    assert!(!fits(serde_json::json!({ "n": "1" })));
    assert!(!fits(serde_json::json!({ "e": "y" })));
    assert!(!fits(serde_json::json!({ "more": 1 })));
}

//! The input for REST: operations with the schemas of what they send and answer.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::spec::{SECRET, Schema, Spec};

/// Fields that hold credentials: (class, field).
const SECRETS: &[(&str, &str)] = &[
    ("ChangeMyPasswordRequest", "newPassword"),
    ("ChangeMyPasswordRequest", "oldPassword"),
    ("ChangePasswordRequest", "newPassword"),
    ("Channel", "connectUri"),
    // Whoever knows it can open the channel's socket.
    ("Channel", "id"),
    ("CreateUser", "password"),
    ("CreateVerifierResponse", "encodedQuickResponseCode"),
    ("Credential", "credentialFields"),
    ("OAuthClient", "secret"),
    ("ValidateVerifierRequest", "token"),
];

/// Parameters of paths that are credentials.
const SECRET_PARAMETERS: &[&str] = &["channelId", "tokenId"];

/// Lists in queries that the platform documents as separated by commas; the others repeat their name.
const COMMAS: &[(&str, &str)] = &[
    ("get_analytics_conversations_details", "id"),
    ("get_integrations", "ids"),
    ("get_users_presence_bulk", "id"),
    ("get_users_presences_purecloud_bulk", "id"),
];

/// Segments of paths behind `/api/v2/` that are of a family with another name.
const FAMILIES: &[(&str, &str)] =
    &[("presencedefinitions", "presence"), ("systempresences", "presence")];

/// What a value in a path or a query is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parameter {
    Text,
    Secret,
    Time,
    Integer,
    Bool,
    /// A list whose name is repeated.
    List,
    /// A list in one value.
    Commas,
}

/// A parameter by its name.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) kind: Parameter,
    pub(crate) required: bool,
}

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation {
    /// The vendor's name, such as `get_user`.
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) template: String,
    pub(crate) family: String,
    /// In the order of the template.
    pub(crate) path: Vec<Named>,
    pub(crate) query: Vec<Named>,
    pub(crate) headers: Vec<Named>,
    pub(crate) body: Option<Schema>,
    pub(crate) response: Option<Schema>,
}

impl Operation {
    /// Where the operation stands among the places of types: `users/get_user`.
    pub(crate) fn place(&self) -> String {
        format!("{}/{}", self.family, self.id)
    }
}

/// Operations, and the classes that they need.
#[derive(Debug)]
pub(crate) struct RestSpec {
    pub(crate) operations: Vec<Operation>,
    /// Its topics are the classes that are sent and answered: `users/get_user.response`.
    pub(crate) spec: Spec,
}

impl RestSpec {
    /// Reads `{"operations": [{id, method, path, pathParams, query, headers, body, response}], "definitions": {…}}`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut root: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        for (class, field) in SECRETS {
            if let Some(field) =
                root.pointer_mut(&format!("/definitions/{class}/properties/{field}"))
            {
                hide(field);
            }
        }
        let list = root["operations"].as_array().ok_or("`operations` is not a list")?;
        let mut operations = Vec::new();
        let mut roots = Vec::new();
        for value in list {
            let operation = operation(value)?;
            for part in PARTS {
                if let Some(schema) = value.get(part) {
                    let id = format!("{}.{part}", operation.place());
                    roots.push(json!({"id": id, "schema": schema}));
                }
            }
            operations.push(operation);
        }
        let topics = json!({"topics": roots, "definitions": root["definitions"]});
        let mut spec = Spec::parse(&topics.to_string())?;
        for operation in &mut operations {
            let place = operation.place();
            let part = |part: &str| spec.topics.get(&format!("{place}.{part}")).cloned();
            operation.body = part(PARTS[0]);
            operation.response = part(PARTS[1]);
        }
        for schema in spec.topics.values_mut() {
            *schema = innermost(schema).clone();
        }
        Ok(Self { operations, spec })
    }
}

/// What of an operation has a schema.
const PARTS: [&str; 2] = ["body", "response"];

/// Marks a text, or the texts in a map, as credentials.
fn hide(schema: &mut Value) {
    match schema {
        Value::Object(schema) if schema.contains_key("additionalProperties") => {
            hide(&mut schema["additionalProperties"]);
        }
        Value::Object(schema) => {
            schema.insert("format".to_owned(), SECRET.into());
        }
        _ => {}
    }
}

/// The element of elements.
fn innermost(schema: &Schema) -> &Schema {
    match schema {
        Schema::List(inner) | Schema::Map(inner) => innermost(inner),
        schema => schema,
    }
}

fn operation(value: &Value) -> Result<Operation, String> {
    let text = |name: &str| {
        let text = value.get(name).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| format!("an operation has no {name}: {value}"))
    };
    let (id, template) = (text("id")?, text("path")?);
    let segment = template.strip_prefix("/api/v2/").and_then(|path| path.split('/').next());
    let segment = segment.ok_or_else(|| format!("{id}: {template} is not below /api/v2"))?;
    let family = FAMILIES.iter().find(|(from, _)| *from == segment).map_or(segment, |(_, to)| to);
    let family = family.to_owned();
    let known = parameters(value, "pathParams", &id)?;
    let mut path = Vec::new();
    for name in template.split(['{', '}']).skip(1).step_by(2) {
        if !known.contains_key(name) {
            return Err(format!("{id}: {name} of the path is not described"));
        }
        let secret = SECRET_PARAMETERS.contains(&name);
        let kind = if secret { Parameter::Secret } else { Parameter::Text };
        path.push(Named { name: name.to_owned(), kind, required: true });
    }
    let query = parameters(value, "query", &id)?.into_values().collect();
    let headers = parameters(value, "headers", &id)?.into_values().collect();
    let method = text("method")?;
    Ok(Operation { id, method, template, family, path, query, headers, body: None, response: None })
}

fn parameters(value: &Value, part: &str, id: &str) -> Result<BTreeMap<String, Named>, String> {
    let none = Map::new();
    let all = value.get(part).and_then(Value::as_object).unwrap_or(&none);
    let read = |(name, schema): (&String, &Value)| {
        let kind = match (schema["type"].as_str(), schema["format"].as_str()) {
            (Some("string"), Some("date-time")) => Parameter::Time,
            (Some("string"), _) => Parameter::Text,
            (Some("integer"), _) => Parameter::Integer,
            (Some("boolean"), _) => Parameter::Bool,
            (Some("array"), _) if COMMAS.contains(&(id, name)) => Parameter::Commas,
            (Some("array"), _) if schema["items"]["type"] == "string" => Parameter::List,
            _ => return Err(format!("{id}: {name} is of a kind that is not known: {schema}")),
        };
        let required = schema["required"] == true;
        Ok((name.clone(), Named { name: name.clone(), kind, required }))
    };
    all.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = r##"{"operations": [
        {"id": "get_notifications_channel", "method": "GET", "path": "/api/v2/notifications/channels/{channelId}/x/{id}",
         "pathParams": {"id": {"required": true, "type": "string"}, "channelId": {"required": true, "type": "string"}},
         "query": {"since": {"type": "string", "format": "date-time"}, "on": {"type": "boolean"}},
         "response": {"type": "array", "items": {"$ref": "#/definitions/Channel"}}},
        {"id": "get_integrations", "method": "GET", "path": "/api/v2/presencedefinitions",
         "query": {"ids": {"type": "array", "items": {"type": "string"}}, "expand": {"type": "array", "items": {"type": "string"}}}}],
        "definitions": {"Channel": {"type": "object", "properties": {"connectUri": {"type": "string"}}}}}"##;

    #[test]
    fn an_operation_has_its_parameters_in_the_order_of_the_path_and_credentials_are_marked() {
        let rest = RestSpec::parse(SPEC).unwrap();
        let operation = &rest.operations[0];
        let path: Vec<_> = operation.path.iter().map(|p| (p.name.as_str(), p.kind)).collect();
        assert_eq!(path, [("channelId", Parameter::Secret), ("id", Parameter::Text)]);
        let channel = Schema::Class("Channel".to_owned());
        assert_eq!(operation.response, Some(Schema::List(Box::new(channel.clone()))));
        let place = "notifications/get_notifications_channel.response";
        assert_eq!(rest.spec.topics[place], channel);
        assert_eq!(rest.spec.classes["Channel"][0].1, Schema::Secret);
    }

    #[test]
    fn lists_are_repeated_unless_the_table_says_commas() {
        let rest = RestSpec::parse(SPEC).unwrap();
        let operation = &rest.operations[1];
        assert_eq!(operation.family, "presence");
        let query: Vec<_> = operation.query.iter().map(|p| (p.name.as_str(), p.kind)).collect();
        assert_eq!(query, [("expand", Parameter::List), ("ids", Parameter::Commas)]);
    }

    #[test]
    fn something_else_is_refused() {
        for text in [
            "",
            "{}",
            r#"{"operations":[{}]}"#,
            r#"{"operations":[{"id":"a","method":"GET","path":"/x"}]}"#,
        ] {
            assert!(RestSpec::parse(text).is_err(), "{text}");
        }
    }
}

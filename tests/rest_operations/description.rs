//! The published operations.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::spec::{Schema, Spec};

/// Lists that the platform documents as separated by commas.
const COMMAS: &[(&str, &str)] = &[
    ("get_analytics_conversations_details", "id"),
    ("get_integrations", "ids"),
    ("get_users_presence_bulk", "id"),
    ("get_users_presences_purecloud_bulk", "id"),
];

/// What a query parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Time,
    Integer,
    Bool,
    Repeated,
    Commas,
}

pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) template: String,
    pub(crate) query: Vec<Parameter>,
    pub(crate) headers: Vec<String>,
    pub(crate) body: Option<Schema>,
    pub(crate) response: Option<Schema>,
}

impl Operation {
    /// The names in its path, in order.
    pub(crate) fn path(&self) -> Vec<&str> {
        self.template.split(['{', '}']).skip(1).step_by(2).collect()
    }

    /// What kind of answer it has.
    pub(crate) fn answers(&self) -> &'static str {
        match (&self.response, self.method.as_str()) {
            (Some(_), _) => "typed",
            (None, "GET") => "location",
            (None, _) => "nothing",
        }
    }
}

pub(crate) struct Description {
    pub(crate) operations: Vec<Operation>,
    pub(crate) spec: Spec,
    pub(crate) is_whole: bool,
}

impl Description {
    /// All published operations when their file is there, and otherwise a sample of them; says which.
    pub(crate) fn load() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/spec/rest.json");
        let whole = std::fs::read_to_string(path).ok();
        let from = whole.as_ref().map_or("the committed sample", |_| "../shared/spec/rest.json");
        let description = match &whole {
            Some(text) => Self::parse(text, true),
            None => Self::sample(),
        };
        println!("{} operations from {from}", description.operations.len());
        description
    }

    /// The committed sample: operations of every kind.
    pub(crate) fn sample() -> Self {
        Self::parse(include_str!("../data/rest_sample.json"), false)
    }

    fn parse(text: &str, is_whole: bool) -> Self {
        let file: Value = serde_json::from_str(text).expect("the description is JSON");
        let list = file["operations"].as_array().expect("a list of operations");
        let operations: Vec<_> = list.iter().map(operation).collect();
        let shapes = json!({"topics": [], "definitions": file["definitions"]});
        Self { operations, spec: Spec::parse(&shapes.to_string()), is_whole }
    }

    /// The operation with this method and path, and what stands in the path.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<(&Operation, Vec<String>)> {
        let segments: Vec<&str> = path.split('/').collect();
        let mut found = self.operations.iter().filter(|it| it.method == method).filter_map(|it| {
            let template: Vec<&str> = it.template.split('/').collect();
            if template.len() != segments.len() {
                return None;
            }
            let (mut values, mut fixed) = (Vec::new(), 0);
            for (wanted, segment) in template.iter().zip(&segments) {
                if wanted.starts_with('{') {
                    values.push((*segment).to_owned());
                } else if wanted == segment {
                    fixed += 1;
                } else {
                    return None;
                }
            }
            Some((fixed, it, values))
        });
        let first = found.next()?;
        // `/users/me` is not the user `me`.
        let best = found.fold(first, |best, other| if other.0 > best.0 { other } else { best });
        Some((best.1, best.2))
    }
}

fn operation(value: &Value) -> Operation {
    let text = |name: &str| value[name].as_str().expect("a text").to_owned();
    let id = text("id");
    let none = Map::new();
    let query = value["query"].as_object().unwrap_or(&none);
    let query = query.iter().map(|(name, schema)| {
        let kind = match (schema["type"].as_str(), schema["format"].as_str()) {
            (Some("string"), Some("date-time")) => Kind::Time,
            (Some("string"), None) => Kind::Text,
            (Some("integer"), None) => Kind::Integer,
            (Some("boolean"), None) => Kind::Bool,
            (Some("array"), None) if COMMAS.contains(&(id.as_str(), name)) => Kind::Commas,
            (Some("array"), None) => Kind::Repeated,
            other => panic!("{id}: {name} is {other:?}"),
        };
        Parameter { name: name.clone(), kind, required: schema["required"] == true }
    });
    let headers = value["headers"].as_object().unwrap_or(&none).keys().cloned().collect();
    let schema = |part: &str| value.get(part).map(Schema::parse);
    Operation {
        method: text("method"),
        template: text("path"),
        query: query.collect(),
        headers,
        body: schema("body"),
        response: schema("response"),
        id,
    }
}

//! The published shapes of event bodies.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

/// Topics, and the definitions that their bodies refer to.
pub(crate) struct Spec {
    pub(crate) topics: Vec<(String, Schema)>,
    definitions: BTreeMap<String, Schema>,
}

/// The shape of a value.
pub(crate) enum Schema {
    Reference(String),
    Object(Vec<(String, Schema)>),
    Map(Box<Schema>),
    List(Box<Schema>),
    Text,
    Time,
    Enum(Vec<String>),
    Integer,
    Number,
    Bool,
    Any,
}

impl Spec {
    /// All published topics when their file is there, and otherwise a sample of them; says which.
    pub(crate) fn load() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/spec/topics.json");
        let whole = std::fs::read_to_string(path).ok();
        let from = whole.as_ref().map_or("the committed sample", |_| "../shared/spec/topics.json");
        let text = whole.unwrap_or_else(|| include_str!("../data/topics_sample.json").to_owned());
        let spec = Self::parse(&text);
        println!("{} topics from {from}", spec.topics.len());
        spec
    }

    pub(crate) fn parse(text: &str) -> Self {
        let file: Value = serde_json::from_str(text).expect("the shapes are JSON");
        let topics = file["topics"].as_array().expect("a list of topics");
        let topic = |topic: &Value| {
            let id = topic["id"].as_str().expect("a topic has an id");
            (id.to_owned(), Schema::parse(&topic["schema"]))
        };
        let definitions = file["definitions"].as_object().expect("definitions by name");
        Self {
            topics: topics.iter().map(topic).collect(),
            definitions: definitions
                .iter()
                .map(|(name, schema)| (name.clone(), Schema::parse(schema)))
                .collect(),
        }
    }

    /// What a reference refers to; any other schema itself.
    pub(crate) fn resolve<'a>(&'a self, schema: &'a Schema) -> &'a Schema {
        match schema {
            Schema::Reference(name) => {
                let found = self.definitions.get(name);
                found.unwrap_or_else(|| panic!("{name} is not defined"))
            }
            other => other,
        }
    }
}

impl Schema {
    pub(crate) fn parse(schema: &Value) -> Self {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or_default();
            return Self::Reference(name.to_owned());
        }
        match schema["type"].as_str() {
            Some("object") => {
                match (schema.get("properties"), schema.get("additionalProperties")) {
                    (Some(Value::Object(properties)), None) => {
                        let field =
                            |(name, schema): (&String, _)| (name.clone(), Self::parse(schema));
                        Self::Object(properties.iter().map(field).collect())
                    }
                    (None, Some(values)) => Self::Map(Box::new(Self::parse(values))),
                    _ => panic!("an object of another kind: {schema}"),
                }
            }
            Some("array") => Self::List(Box::new(Self::parse(&schema["items"]))),
            Some("string") => match schema["enum"].as_array() {
                Some(values) => {
                    Self::Enum(values.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                }
                None if schema["format"] == "date-time" => Self::Time,
                None => Self::Text,
            },
            Some("integer") => Self::Integer,
            Some("number") => Self::Number,
            Some("boolean") => Self::Bool,
            None => Self::Any,
            Some(other) => panic!("a type of another kind: {other}"),
        }
    }
}

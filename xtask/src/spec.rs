//! The input: a list of topics with the schemas of their bodies, in either of two shapes.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::words::{capital, pascal, singular, words};

/// What is known of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Schema {
    Text,
    Time,
    /// A text that is a credential.
    Secret,
    Integer,
    Number,
    Bool,
    /// Anything.
    Any,
    /// One of these texts, or another one.
    Choice(Vec<String>),
    List(Box<Schema>),
    Map(Box<Schema>),
    /// An object of this class.
    Class(String),
}

/// The format of a text that is a credential; no description of the platform has it.
pub(crate) const SECRET: &str = "secret";

/// The fields of an object, in the order of the input.
pub(crate) type Fields = Vec<(String, Schema)>;

/// Topics and classes, by name.
#[derive(Debug, Default)]
pub(crate) struct Spec {
    pub(crate) topics: BTreeMap<String, Schema>,
    pub(crate) classes: BTreeMap<String, Fields>,
}

impl Spec {
    /// Reads `{"topics": [{id, schema}], "definitions": {…}}`, or what the platform answers to
    /// `GET /api/v2/notifications/availabletopics?expand=schema`: `{"entities": [{id, schema}]}` with whole schemas.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let root: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let list = root.get("topics").or_else(|| root.get("entities")).and_then(Value::as_array);
        let list = list.ok_or("neither `topics` nor `entities` is a list")?;
        let mut spec = Self::default();
        if let Some(definitions) = root.get("definitions").and_then(Value::as_object) {
            for (name, schema) in definitions {
                let fields = spec.fields(schema, name);
                spec.classes.insert(name.clone(), fields);
            }
        }
        for topic in list {
            let id = topic.get("id").and_then(Value::as_str).ok_or("a topic has no id")?;
            let hint = pascal(&words(&id.replace("v2.", "").replace("{id}", "")));
            let schema = topic.get("schema").unwrap_or(&Value::Null);
            let schema = spec.schema(schema, &hint);
            spec.topics.insert(id.to_owned(), schema);
        }
        if spec.topics.is_empty() {
            return Err("there are no topics".to_owned());
        }
        spec.forget_unknown_classes();
        Ok(spec)
    }

    /// `hint` names a class whose schema does not.
    fn schema(&mut self, schema: &Value, hint: &str) -> Schema {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return Schema::Class(last(reference).to_owned());
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            let values: Vec<_> =
                values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            return if values.is_empty() { Schema::Text } else { Schema::Choice(values) };
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => match schema.get("format").and_then(Value::as_str) {
                Some("date-time") => Schema::Time,
                Some(SECRET) => Schema::Secret,
                _ => Schema::Text,
            },
            Some("integer") => Schema::Integer,
            Some("number") => Schema::Number,
            Some("boolean") => Schema::Bool,
            Some("array") => {
                let items = schema.get("items").unwrap_or(&Value::Null);
                Schema::List(Box::new(self.schema(items, &singular(hint))))
            }
            Some("object") => self.object(schema, hint),
            _ => Schema::Any,
        }
    }

    fn object(&mut self, schema: &Value, hint: &str) -> Schema {
        let has_fields =
            schema.get("properties").and_then(Value::as_object).is_some_and(|all| !all.is_empty());
        if has_fields {
            let id = schema.get("id").and_then(Value::as_str);
            let name = self.free_name(id.map_or(hint, last), schema);
            let fields = self.fields(schema, &name);
            self.classes.insert(name.clone(), fields);
            return Schema::Class(name);
        }
        match schema.get("additionalProperties") {
            Some(values @ Value::Object(_)) => Schema::Map(Box::new(self.schema(values, hint))),
            _ => Schema::Any,
        }
    }

    /// A name that no other class with other fields has.
    fn free_name(&mut self, wanted: &str, schema: &Value) -> String {
        let mut name = wanted.to_owned();
        let mut number = 1;
        while self.classes.contains_key(&name) {
            let known = self.classes[&name].clone();
            if self.fields(schema, &name) == known {
                break;
            }
            number += 1;
            name = format!("{wanted}{number}");
        }
        name
    }

    fn fields(&mut self, schema: &Value, class: &str) -> Fields {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let read = |(name, schema): (&String, &Value)| {
            (name.clone(), self.schema(schema, &format!("{class}{}", capital(name))))
        };
        properties.iter().map(read).collect()
    }

    /// A reference to what is not there is a reference to anything; so is one to an object without fields.
    fn forget_unknown_classes(&mut self) {
        let known: Vec<String> = self
            .classes
            .iter()
            .filter(|(_, fields)| !fields.is_empty())
            .map(|(name, _)| name.clone())
            .collect();
        self.classes.retain(|_, fields| !fields.is_empty());
        let fields = self.classes.values_mut().flatten().map(|(_, schema)| schema);
        for schema in fields.chain(self.topics.values_mut()) {
            forget(schema, &known);
        }
    }
}

fn forget(schema: &mut Schema, known: &[String]) {
    match schema {
        Schema::Class(name) if known.binary_search(name).is_err() => *schema = Schema::Any,
        Schema::List(inner) | Schema::Map(inner) => forget(inner, known),
        _ => {}
    }
}

/// The last part of `#/definitions/X` or `urn:jsonschema:com:example:X`.
fn last(name: &str) -> &str {
    name.rsplit(['/', ':']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = r##"{"entities": [
        {"id": "v2.users.{id}.mood", "schema": {"type": "object", "id": "urn:jsonschema:com:x:MoodTopicMood", "properties": {
            "level": {"type": "string", "enum": ["good", "bad"]},
            "since": {"type": "string", "format": "date-time"},
            "causes": {"type": "array", "items": {"type": "object", "properties": {"code": {"type": "integer"}}}},
            "inner": {"$ref": "urn:jsonschema:com:x:MoodTopicMood"},
            "lost": {"$ref": "#/definitions/Nobody"},
            "free": {"type": "object"},
            "names": {"type": "object", "additionalProperties": {"type": "string"}}}}},
        {"id": "v2.bare"}]}"##;

    #[test]
    fn the_listing_of_the_platform_is_understood() {
        let spec = Spec::parse(LISTING).unwrap();
        assert_eq!(spec.topics["v2.users.{id}.mood"], Schema::Class("MoodTopicMood".to_owned()));
        assert_eq!(spec.topics["v2.bare"], Schema::Any);
        let mood = &spec.classes["MoodTopicMood"];
        let names: Vec<_> = mood.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["level", "since", "causes", "inner", "lost", "free", "names"]);
        let cause = Schema::Class("MoodTopicMoodCause".to_owned());
        assert_eq!(mood[2].1, Schema::List(Box::new(cause)));
        assert_eq!(mood[3].1, Schema::Class("MoodTopicMood".to_owned()));
        assert_eq!((&mood[4].1, &mood[5].1), (&Schema::Any, &Schema::Any));
        assert_eq!(mood[6].1, Schema::Map(Box::new(Schema::Text)));
    }

    #[test]
    fn definitions_are_understood() {
        let text = r##"{"topics": [{"id": "v2.a", "schema": {"$ref": "#/definitions/A"}}],
            "definitions": {"A": {"type": "object", "properties": {"b": {"$ref": "#/definitions/Empty"}}},
                "Empty": {"type": "object", "properties": {}}}}"##;
        let spec = Spec::parse(text).unwrap();
        assert_eq!(spec.topics["v2.a"], Schema::Class("A".to_owned()));
        assert_eq!(spec.classes["A"], [("b".to_owned(), Schema::Any)]);
    }

    #[test]
    fn something_else_is_refused() {
        for text in ["", "[]", "{}", r#"{"topics":[]}"#, r#"{"topics":[{}]}"#] {
            assert!(Spec::parse(text).is_err(), "{text}");
        }
    }
}

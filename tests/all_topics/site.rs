//! The places in a body: every field, list item and map value that its shape has.

use std::collections::{HashSet, VecDeque};

use serde_json::{Map, Value};

use crate::spec::{Schema, Spec};

/// A place, by the shortest way to it.
#[derive(Clone)]
pub(crate) struct Site<'a> {
    steps: Vec<Step<'a>>,
    pub(crate) schema: &'a Schema,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Member(&'a str),
    Item,
}

impl<'a> Site<'a> {
    /// The body itself, and then all places in it; one that is reached again through a reference is not repeated.
    pub(crate) fn all(spec: &'a Spec, body: &'a Schema) -> Vec<Self> {
        let mut all = Vec::new();
        let mut seen = HashSet::new();
        let mut ahead = VecDeque::from([Self { steps: Vec::new(), schema: body }]);
        while let Some(site) = ahead.pop_front() {
            let is_new = match site.schema {
                Schema::Reference(name) => seen.insert(name),
                _ => true,
            };
            match spec.resolve(site.schema) {
                Schema::Object(fields) if is_new => {
                    let inner = fields.iter().map(|(name, s)| site.then(Step::Member(name), s));
                    ahead.extend(inner);
                }
                Schema::List(item) => ahead.push_back(site.then(Step::Item, item)),
                Schema::Map(value) => ahead.push_back(site.then(Step::Member("key"), value)),
                _ => {}
            }
            all.push(site);
        }
        all
    }

    fn then(&self, step: Step<'a>, schema: &'a Schema) -> Self {
        let steps = self.steps.iter().copied().chain([step]).collect();
        Self { steps, schema }
    }

    pub(crate) fn is_body(&self) -> bool {
        self.steps.is_empty()
    }

    /// A body with nothing but this value at this place.
    pub(crate) fn alone(&self, value: Value) -> Value {
        self.steps.iter().rev().fold(value, |inner, step| match step {
            Step::Member(name) => Value::Object(Map::from_iter([((*name).to_owned(), inner)])),
            Step::Item => Value::Array(vec![inner]),
        })
    }

    /// The place as an error names it, such as `participants[0].calls[0].held`.
    pub(crate) fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.steps {
            match step {
                Step::Item => path += "[0]",
                Step::Member(name) if path.is_empty() => path += name,
                Step::Member(name) => path += &[".", name].concat(),
            }
        }
        path
    }
}

//! Classes that have the same shape become one type; so do enums with the same values.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::spec::{Schema, Spec};

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Time,
    Secret,
    Integer,
    Number,
    Bool,
    Any,
    List(Box<Kind>),
    Map(Box<Kind>),
    /// An index into [`Model::bodies`].
    Body(usize),
    /// An index into [`Model::choices`].
    Choice(usize),
}

/// What uses a type, and where it occurs.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    /// The topics whose bodies hold it.
    pub(crate) topics: BTreeSet<String>,
    /// Where it is first found in each of those topics: `topic field.field`, in order of depth and name.
    pub(crate) places: BTreeSet<Place>,
}

/// A place in the body of a topic; the shallowest comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    depth: usize,
    pub(crate) topic: String,
    pub(crate) path: Vec<String>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let space = if self.path.is_empty() { "" } else { " " };
        write!(f, "{}{space}{}", self.topic, self.path.join("."))
    }
}

/// One shape.
#[derive(Debug, Default)]
pub(crate) struct Body {
    /// The vendor's names.
    pub(crate) classes: Vec<String>,
    pub(crate) fields: Vec<(String, Kind)>,
    pub(crate) uses: Uses,
}

/// One set of values.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    pub(crate) values: Vec<String>,
    pub(crate) uses: Uses,
}

/// Every type there is, without names.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) topics: BTreeMap<String, Option<usize>>,
    pub(crate) bodies: Vec<Body>,
    pub(crate) choices: Vec<Choice>,
}

impl Model {
    /// Finds the types that the topics need, but for topics that are `by_hand`.
    pub(crate) fn of(spec: &Spec, by_hand: impl Fn(&str) -> bool) -> Self {
        let shapes = shapes(spec);
        let count = shapes.values().max().map_or(0, |last| last + 1);
        let mut model = Self::default();
        model.bodies.resize_with(count, Body::default);
        let mut choices = BTreeMap::new();
        for (class, fields) in &spec.classes {
            let shape = shapes[class];
            if model.bodies[shape].classes.is_empty() {
                let fields = fields.iter().map(|(name, schema)| {
                    (name.clone(), kind(schema, &shapes, &mut choices, &mut model.choices))
                });
                model.bodies[shape].fields = fields.collect();
            }
            model.bodies[shape].classes.push(class.clone());
        }
        for (topic, schema) in &spec.topics {
            let root = match schema {
                Schema::Class(class) if !by_hand(topic) => Some(shapes[class]),
                _ => None,
            };
            model.topics.insert(topic.clone(), root);
            if let Some(root) = root {
                model.walk(topic, root);
            }
        }
        model
    }

    /// Notes every type in the body of a topic, and where it is met first.
    fn walk(&mut self, topic: &str, root: usize) {
        let mut queue = VecDeque::from([(Kind::Body(root), Vec::new())]);
        while let Some((kind, path)) = queue.pop_front() {
            let (Kind::Body(_) | Kind::Choice(_)) = &kind else { continue };
            let uses = match kind {
                Kind::Body(at) => &mut self.bodies[at].uses,
                Kind::Choice(at) => &mut self.choices[at].uses,
                _ => continue,
            };
            if !uses.topics.insert(topic.to_owned()) {
                continue;
            }
            let place = Place { depth: path.len(), topic: topic.to_owned(), path: path.clone() };
            uses.places.insert(place);
            if let Kind::Body(at) = kind {
                for (field, kind) in &self.bodies[at].fields {
                    let mut path = path.clone();
                    path.push(field.clone());
                    queue.push_back((innermost(kind).clone(), path));
                }
            }
        }
    }
}

/// The type of the elements of elements.
pub(crate) fn innermost(kind: &Kind) -> &Kind {
    match kind {
        Kind::List(inner) | Kind::Map(inner) => innermost(inner),
        kind => kind,
    }
}

fn kind(
    schema: &Schema,
    shapes: &BTreeMap<String, usize>,
    known: &mut BTreeMap<Vec<String>, usize>,
    choices: &mut Vec<Choice>,
) -> Kind {
    match schema {
        Schema::Text => Kind::Text,
        Schema::Time => Kind::Time,
        Schema::Secret => Kind::Secret,
        Schema::Integer => Kind::Integer,
        Schema::Number => Kind::Number,
        Schema::Bool => Kind::Bool,
        Schema::Any => Kind::Any,
        Schema::List(inner) => Kind::List(Box::new(kind(inner, shapes, known, choices))),
        Schema::Map(inner) => Kind::Map(Box::new(kind(inner, shapes, known, choices))),
        Schema::Class(class) => Kind::Body(shapes[class]),
        Schema::Choice(values) => {
            let key: BTreeSet<String> = values.iter().cloned().collect();
            let at = *known.entry(key.into_iter().collect()).or_insert_with(|| {
                choices.push(Choice { values: values.clone(), uses: Uses::default() });
                choices.len() - 1
            });
            Kind::Choice(at)
        }
    }
}

/// The shape of each class. All begin as equal, and are told apart by their fields until nothing changes: so classes
/// that refer to themselves are equal when they look alike all the way down.
pub(crate) fn shapes(spec: &Spec) -> BTreeMap<String, usize> {
    let mut shapes: BTreeMap<String, usize> =
        spec.classes.keys().map(|class| (class.clone(), 0)).collect();
    let mut count = 0;
    loop {
        let mut signatures: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let mut next = BTreeMap::new();
        for (class, fields) in &spec.classes {
            let mut signature: Vec<String> = fields
                .iter()
                .map(|(name, schema)| format!("{name}:{}", signature(schema, &shapes)))
                .collect();
            signature.sort();
            let fresh = signatures.len();
            next.insert(class.clone(), *signatures.entry(signature).or_insert(fresh));
        }
        shapes = next;
        if signatures.len() == count {
            return shapes;
        }
        count = signatures.len();
    }
}

fn signature(schema: &Schema, shapes: &BTreeMap<String, usize>) -> String {
    match schema {
        Schema::Class(class) => shapes[class].to_string(),
        Schema::List(inner) => format!("[{}]", signature(inner, shapes)),
        Schema::Map(inner) => format!("{{{}}}", signature(inner, shapes)),
        Schema::Choice(values) => {
            let values: BTreeSet<_> = values.iter().collect();
            format!("{values:?}")
        }
        plain => format!("{plain:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(definitions: &str) -> Model {
        let text = format!(
            r##"{{"topics": [{{"id": "v2.a.{{id}}", "schema": {{"$ref": "#/definitions/A"}}}},
                {{"id": "v2.b", "schema": {{"$ref": "#/definitions/B"}}}},
                {{"id": "v2.system.x", "schema": {{"$ref": "#/definitions/B"}}}}],
                "definitions": {{{definitions}}}}}"##
        );
        Model::of(&Spec::parse(&text).unwrap(), |topic| topic.starts_with("v2.system."))
    }

    #[test]
    fn classes_that_look_alike_all_the_way_down_are_one() {
        let model = model(
            r##""A": {"properties": {"more": {"$ref": "#/definitions/A"}, "x": {"type": "string"}}},
                "B": {"properties": {"x": {"type": "string"}, "more": {"$ref": "#/definitions/B"}}}"##,
        );
        assert_eq!(model.bodies.len(), 1);
        assert_eq!(model.bodies[0].classes, ["A", "B"]);
        let topics: Vec<_> = model.bodies[0].uses.topics.iter().collect();
        assert_eq!(topics, ["v2.a.{id}", "v2.b"]);
        assert_eq!(model.topics["v2.system.x"], None);
    }

    #[test]
    fn one_field_more_is_another_shape_and_equal_values_are_one_enum() {
        let model = model(
            r##""A": {"properties": {"s": {"enum": ["a", "b"]}, "list": {"type": "array", "items": {"$ref": "#/definitions/B"}}}},
                "B": {"properties": {"t": {"enum": ["b", "a"]}}}"##,
        );
        assert_eq!((model.bodies.len(), model.choices.len()), (2, 1));
        let places: Vec<_> = model.choices[0].uses.places.iter().map(Place::to_string).collect();
        assert_eq!(places, ["v2.a.{id} s", "v2.b t"]);
        assert_eq!(model.bodies[1].uses.places.len(), 2);
    }
}

//! Rust for bodies and enums.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::docs::{Texts, classes, comment, origin};
use crate::features;
use crate::names::Names;
use crate::shapes::{Body, Choice, Kind, Model, Uses};
use crate::words::{free, identifier, pascal, snake, words};

/// A body within another one is boxed when it is larger: two texts and what a body keeps beside its fields.
const INLINE: usize = 64;

/// What a body keeps beside its fields.
const EXTRA: usize = 24;

/// One type as Rust, and where it belongs.
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) code: String,
    /// The features that need it.
    pub(crate) features: BTreeSet<&'static str>,
    /// The types that it names.
    pub(crate) needs: BTreeSet<String>,
}

/// Every type that a topic uses, by name.
pub(crate) fn items(model: &Model, names: &Names, texts: &Texts<'_>) -> BTreeMap<String, Item> {
    let bodies = model.bodies.iter().zip(&names.bodies).filter(|(body, _)| is_used(&body.uses));
    let choices =
        model.choices.iter().zip(&names.choices).filter(|(choice, _)| is_used(&choice.uses));
    let bodies = bodies.map(|(body, name)| body_item(model, names, texts, body, name));
    let choices = choices.map(|(choice, name)| choice_item(model, names, texts, choice, name));
    bodies.chain(choices).map(|item| (item.name.clone(), item)).collect()
}

fn is_used(uses: &Uses) -> bool {
    !uses.topics.is_empty()
}

fn features_of(uses: &Uses) -> BTreeSet<&'static str> {
    uses.topics.iter().map(|topic| features::of(topic)).collect()
}

fn body_item(model: &Model, names: &Names, texts: &Texts<'_>, body: &Body, name: &str) -> Item {
    let mut needs = BTreeSet::new();
    let mut code = "body! {\n".to_owned();
    let about = texts.named(name).map_or_else(|| origin(model, names, &body.uses), str::to_owned);
    code.push_str(&comment("    ", &about));
    code.push_str("    ///\n");
    code.push_str(&comment("    ", &classes(&body.classes)));
    let _ = writeln!(code, "    pub struct {name} {{");
    let mut taken = BTreeSet::new();
    for (json, kind) in &body.fields {
        let field = free(&mut taken, &identifier(&snake(&words(json))));
        code.push_str(&comment("        ", &texts.field(name, json, kind)));
        let rust = rust(model, names, kind, &mut needs);
        let _ = writeln!(code, "        {field}: {rust} = {json:?},");
    }
    code.push_str("    }\n}\n");
    Item { name: name.to_owned(), code, features: features_of(&body.uses), needs }
}

fn choice_item(
    model: &Model,
    names: &Names,
    texts: &Texts<'_>,
    choice: &Choice,
    name: &str,
) -> Item {
    let mut code = "open_enum! {\n".to_owned();
    let about = texts.named(name).map_or_else(|| origin(model, names, &choice.uses), str::to_owned);
    code.push_str(&comment("    ", &about));
    let _ = writeln!(code, "    pub enum {name} {{");
    let mut taken = BTreeSet::from(["Other".to_owned(), "Self".to_owned()]);
    for value in &choice.values {
        let mut variant = pascal(&words(value));
        if variant.is_empty() {
            variant.push_str("Empty");
        }
        if variant.starts_with(|c: char| c.is_ascii_digit()) {
            variant = format!("N{variant}");
        }
        if variant == "Other" || variant == "Self" {
            variant.push_str("Value");
        }
        let variant = free(&mut taken, &variant);
        code.push_str(&comment("        ", &texts.value(name, value)));
        let _ = writeln!(code, "        {variant} = {value:?},");
    }
    code.push_str("    }\n}\n");
    Item {
        name: name.to_owned(),
        code,
        features: features_of(&choice.uses),
        needs: BTreeSet::new(),
    }
}

/// The type of a field, and the names it needs.
fn rust(model: &Model, names: &Names, kind: &Kind, needs: &mut BTreeSet<String>) -> String {
    match kind {
        Kind::Body(at) if size(model, *at, &mut Vec::new()) > INLINE => {
            needs.insert(names.bodies[*at].clone());
            format!("Box<{}>", names.bodies[*at])
        }
        kind => element(names, kind, needs),
    }
}

pub(crate) fn element(names: &Names, kind: &Kind, needs: &mut BTreeSet<String>) -> String {
    let mut need = |name: &str| {
        needs.insert(name.to_owned());
        name.to_owned()
    };
    match kind {
        Kind::Text => "Box<str>".to_owned(),
        Kind::Time => need("Timestamp"),
        Kind::Secret => need("Secret"),
        Kind::Integer => "i64".to_owned(),
        Kind::Number => need("Number"),
        Kind::Bool => "bool".to_owned(),
        Kind::Any => need("Json"),
        Kind::List(inner) => format!("Vec<{}>", element(names, inner, needs)),
        Kind::Map(inner) => {
            need("Members");
            format!("Members<{}>", element(names, inner, needs))
        }
        Kind::Body(at) => need(&names.bodies[*at]),
        Kind::Choice(at) => need(&names.choices[*at]),
    }
}

/// Bytes that a body takes, roughly; a body within itself takes too many.
fn size(model: &Model, at: usize, within: &mut Vec<usize>) -> usize {
    if within.contains(&at) {
        return usize::MAX / 1024;
    }
    within.push(at);
    let fields = model.bodies[at].fields.iter().map(|(_, kind)| match kind {
        Kind::Bool => 1,
        Kind::List(_) | Kind::Map(_) | Kind::Number => 24,
        Kind::Body(at) => match size(model, *at, within) {
            size if size > INLINE => 8,
            size => size,
        },
        _ => 16,
    });
    let size = fields.sum::<usize>() + EXTRA;
    within.pop();
    size
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Spec;

    #[test]
    fn a_body_becomes_a_struct_and_its_values_an_enum() {
        let text = r##"{"topics": [{"id": "v2.users.{id}.mood", "schema": {"$ref": "#/definitions/MoodTopicMood"}}],
            "definitions": {"MoodTopicMood": {"properties": {
                "type": {"enum": ["other", "2fa", "a.b", "a_b"]}, "since": {"type": "string", "format": "date-time"},
                "more": {"$ref": "#/definitions/MoodTopicMood"}, "small": {"$ref": "#/definitions/Small"},
                "list": {"type": "array", "items": {"$ref": "#/definitions/Small"}}}},
                "Small": {"properties": {"id": {"type": "string"}}}}}"##;
        let model = Model::of(&Spec::parse(text).unwrap(), features::is_by_hand);
        let names = Names::of(&model, "");
        let items = items(&model, &names, &Texts::default());
        let mood = &items["Mood"];
        for line in [
            "type_: MoodType = \"type\",",
            "since: Timestamp = \"since\",",
            "more: Box<Mood> = \"more\",",
            "small: MoodSmall = \"small\",",
            "list: Vec<MoodSmall> = \"list\",",
            "Vendor class: `MoodTopicMood`.",
        ] {
            assert!(mood.code.contains(line), "{line}: {}", mood.code);
        }
        assert_eq!(mood.features, BTreeSet::from(["users"]));
        let choice = &items["MoodType"].code;
        for line in ["OtherValue = \"other\"", "N2fa = \"2fa\"", "AB = \"a.b\"", "AB2 = \"a_b\""] {
            assert!(choice.contains(line), "{line}: {choice}");
        }
    }
}

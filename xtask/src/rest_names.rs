//! The names of types of the REST API: `rest_names.txt` comes first, as `names.txt` does for events.
//!
//! The vendor's classes of this API have names of their own, so that most types keep theirs. A shape that an event has
//! too has the name of the event's type, unless `rest_names.txt` names it.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::{Names, RESERVED, common_ending, entries, join, places};
use crate::shapes::{Body, Kind, Model, Place, Uses};
use crate::words::{pascal, singular, words};

/// Names of shapes and values that are taken over from events, by index.
#[derive(Debug, Default)]
pub(crate) struct Adopted {
    pub(crate) bodies: BTreeMap<usize, String>,
    pub(crate) choices: BTreeMap<usize, String>,
}

/// The types that the text of `rest_names.txt` names.
pub(crate) fn fixed(model: &Model, text: &str) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let (mut bodies, mut choices) = (BTreeSet::new(), BTreeSet::new());
    let at = places(model);
    for (_, place) in entries(text) {
        match at.get(place) {
            Some(Kind::Body(at)) => bodies.insert(*at),
            Some(Kind::Choice(at)) => choices.insert(*at),
            _ => false,
        };
    }
    (bodies, choices)
}

/// Names every type.
pub(crate) fn of(model: &Model, adopted: &Adopted, text: &str) -> Names {
    let mut names = Names {
        bodies: vec![String::new(); model.bodies.len()],
        choices: vec![String::new(); model.choices.len()],
        taken: RESERVED.iter().map(|&name| name.to_owned()).collect(),
    };
    let taken = |slot: &mut String, names: &mut BTreeSet<String>, name: &str| {
        if slot.is_empty() && names.insert(name.to_owned()) {
            name.clone_into(slot);
        }
    };
    for (at, name) in &adopted.bodies {
        taken(&mut names.bodies[*at], &mut names.taken, name);
    }
    for (at, name) in &adopted.choices {
        taken(&mut names.choices[*at], &mut names.taken, name);
    }
    let at = places(model);
    for (name, place) in entries(text) {
        match at.get(place) {
            Some(Kind::Body(at)) => taken(&mut names.bodies[*at], &mut names.taken, name),
            Some(Kind::Choice(at)) => taken(&mut names.choices[*at], &mut names.taken, name),
            _ => {}
        }
    }
    for (at, body) in model.bodies.iter().enumerate() {
        if names.bodies[at].is_empty() && !body.uses.topics.is_empty() {
            let name = of_body(body);
            names.bodies[at] = names.take(vec![name.clone(), format!("{name}Body")]);
        }
    }
    let mut order: Vec<(&Place, usize)> = model
        .choices
        .iter()
        .enumerate()
        .filter_map(|(at, choice)| Some((choice.uses.places.first()?, at)))
        .collect();
    order.sort();
    for (place, at) in order {
        if names.choices[at].is_empty() {
            let wanted = of_choice(&names, model, place);
            names.choices[at] = names.take(wanted);
        }
    }
    names
}

/// What the classes have in common, when that is a name; otherwise the shortest of them.
fn of_body(body: &Body) -> String {
    let common = pascal(&common_ending(&body.classes));
    if words(&common).len() > 1 || body.classes.contains(&common) {
        return common;
    }
    let shortest = body.classes.iter().min_by_key(|class| (class.len(), class.as_str()));
    pascal(&words(shortest.map_or("", String::as_str)))
}

fn of_choice(names: &Names, model: &Model, place: &Place) -> Vec<String> {
    let parent = names.parent(model, place);
    let field = pascal(&words(&singular(place.path.last().map_or("", String::as_str))));
    let joined = join(&parent, &field);
    vec![joined.clone(), format!("{parent}{field}"), format!("{joined}Value")]
}

/// The new text of `rest_names.txt`: every name that is not an event's, with its shallowest place.
pub(crate) fn list(model: &Model, names: &Names, adopted: &Adopted) -> String {
    let line = |name: &String, uses: &Uses| Some(format!("{name} = {}", uses.places.first()?));
    let bodies = model.bodies.iter().enumerate();
    let bodies = bodies.filter(|(at, _)| !adopted.bodies.contains_key(at));
    let bodies = bodies.filter_map(|(at, body)| line(&names.bodies[at], &body.uses));
    let choices = model.choices.iter().enumerate();
    let choices = choices.filter(|(at, _)| !adopted.choices.contains_key(at));
    let choices = choices.filter_map(|(at, choice)| line(&names.choices[at], &choice.uses));
    let mut lines: Vec<String> = bodies.chain(choices).collect();
    lines.sort();
    format!("{HEADER}{}\n", lines.join("\n"))
}

const HEADER: &str = "\
# Names of types of the REST API: `Name = family/operation.part field.field`, the place where the type is found first.
# Written by `cargo xtask codegen --rest-spec`, which adds what is new and keeps what is here. Edit a name to rename its
# type. A type that is not here is one of the events'.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn body(classes: &[&str]) -> Body {
        Body { classes: classes.iter().map(|&class| class.to_owned()).collect(), ..Body::default() }
    }

    #[test]
    fn the_name_of_several_classes_is_what_they_have_in_common_or_the_shortest() {
        for (classes, name) in [
            (
                &["BotAggregateQueryResponse", "FlowAggregateQueryResponse"][..],
                "AggregateQueryResponse",
            ),
            (&["Queue", "QueueFullReference", "QueueRequest"], "Queue"),
            (&["OAuthClient"], "OAuthClient"),
        ] {
            assert_eq!(of_body(&body(classes)), name);
        }
    }
}

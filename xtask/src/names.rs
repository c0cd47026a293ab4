//! The name of each type.
//!
//! A name that was given once stays: `names.txt` holds the name of every type with a place where it is found, and is
//! read before anything is named. A line may be edited to rename a type. Only types that are at none of its places are
//! named here, from the vendor's class or the field.

use std::collections::{BTreeMap, BTreeSet};

use crate::shapes::{Body, Choice, Kind, Model, Place, Uses, innermost};
use crate::words::{capital, pascal, singular, words};

/// Words with which the vendor's name for the topic of a class ends: `PresenceEvent` `UserPresence`. `Topic` is surer.
const MARKERS: &[&str] = &["event", "events", "notification", "change", "ready"];

/// Words that say nothing at the end of the name of a body.
const ENDINGS: &[&str] = &["event", "body", "notification", "notice", "v2", "v3"];

/// Words that say nothing at its beginning.
const BEGINNINGS: &[&str] = &["v2", "v3", "wfm", "dialer"];

/// Words that mean too little alone.
const VAGUE: &[&str] = &[
    "action",
    "state",
    "status",
    "type",
    "kind",
    "mode",
    "category",
    "reason",
    "source",
    "role",
    "level",
    "event",
    "topic",
    "error",
    "code",
    "result",
    "operation",
    "direction",
    "value",
    "name",
    "message",
    "data",
    "item",
    "user",
    "detail",
    "details",
    "target",
    "client",
    "body",
    "entity",
    "condition",
    "context",
    "limit",
    "response",
    "config",
    "format",
    "notification",
    "record",
    "attribute",
    "session",
    "schedule",
    "page",
    "device",
    "browser",
    "rule",
    "call",
];

/// Names that say where a type belongs are not made longer than this.
const LONG: usize = 32;

/// Names that mean something else where types are used.
pub(crate) const RESERVED: &[&str] = &[
    "Box",
    "ChannelMetadata",
    "Clone",
    "Default",
    "Err",
    "Error",
    "Event",
    "Extra",
    "Frame",
    "Json",
    "Lifecycle",
    "Members",
    "None",
    "Number",
    "Ok",
    "Option",
    "Other",
    "Result",
    "Self",
    "Some",
    "String",
    "SystemMessage",
    "SystemReason",
    "SystemTopicType",
    "Timestamp",
    "Topic",
    "TopicBody",
    "TopicKind",
    "Vec",
];

/// The names of bodies and choices, by index.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) bodies: Vec<String>,
    pub(crate) choices: Vec<String>,
    pub(crate) taken: BTreeSet<String>,
}

impl Names {
    /// Names every type. `fixed` is the text of `names.txt`.
    pub(crate) fn of(model: &Model, fixed: &str) -> Self {
        let mut names = Self {
            bodies: vec![String::new(); model.bodies.len()],
            choices: vec![String::new(); model.choices.len()],
            taken: RESERVED.iter().map(|&name| name.to_owned()).collect(),
        };
        let at = places(model);
        for (name, place) in entries(fixed) {
            let slot = match at.get(place) {
                Some(Kind::Body(at)) => &mut names.bodies[*at],
                Some(Kind::Choice(at)) => &mut names.choices[*at],
                _ => continue,
            };
            if slot.is_empty() && names.taken.insert(name.to_owned()) {
                name.clone_into(slot);
            }
        }
        // The shallowest first, so that the parent of a type has its name.
        let bodies = model.bodies.iter().enumerate().map(|(at, body)| (&body.uses, Kind::Body(at)));
        let choices =
            model.choices.iter().enumerate().map(|(at, choice)| (&choice.uses, Kind::Choice(at)));
        let mut order: Vec<(&Place, Kind)> = bodies
            .chain(choices)
            .filter_map(|(uses, kind)| Some((uses.places.first()?, kind)))
            .collect();
        order.sort_by_key(|(place, _)| *place);
        for (place, kind) in order {
            match kind {
                Kind::Body(at) if names.bodies[at].is_empty() => {
                    let wanted = names.of_body(model, &model.bodies[at], place);
                    names.bodies[at] = names.take(wanted);
                }
                Kind::Choice(at) if names.choices[at].is_empty() => {
                    let wanted = names.of_choice(model, place);
                    names.choices[at] = names.take(wanted);
                }
                _ => {}
            }
        }
        names
    }

    /// The text of `names.txt` for these names: each with its shallowest place.
    pub(crate) fn list(&self, model: &Model) -> String {
        let line = |name: &String, uses: &Uses| {
            let place = uses.places.first()?;
            Some(format!("{name} = {place}"))
        };
        let bodies = model.bodies.iter().zip(&self.bodies);
        let choices = model.choices.iter().zip(&self.choices);
        let mut lines: Vec<String> = bodies
            .filter_map(|(Body { uses, .. }, name)| line(name, uses))
            .chain(choices.filter_map(|(Choice { uses, .. }, name)| line(name, uses)))
            .collect();
        lines.sort();
        let mut text = HEADER.to_owned();
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// The first of the names that is free, or the last with a number.
    pub(crate) fn take(&mut self, wanted: Vec<String>) -> String {
        let last = wanted.last().cloned().unwrap_or_default();
        let numbered = (2..).map(|number| format!("{last}{number}"));
        let free = wanted.into_iter().filter(|name| !name.is_empty()).chain(numbered);
        let name = free.into_iter().find(|name| !self.taken.contains(name)).unwrap_or(last);
        self.taken.insert(name.clone());
        name
    }

    fn of_body(&self, model: &Model, body: &Body, place: &Place) -> Vec<String> {
        let base = base(&body.classes);
        let vague = base.len() == 1 && VAGUE.contains(&base[0].as_str());
        let Some(field) = place.path.last() else {
            let plain = if vague { String::new() } else { pascal(&base) };
            let family = join(&family(&place.topic), &pascal(&base));
            return vec![plain, family, topic_name(&place.topic)];
        };
        let parent = self.parent(model, place);
        let base = if base.is_empty() { words(&singular(field)) } else { base };
        let alone = base.len() == 1 && body.classes.len() < 5;
        let base = pascal(&base);
        let joined = join(&parent, &base);
        let mut wanted = vec![joined.clone(), format!("{parent}{base}")];
        if !vague {
            let at = usize::from(alone && joined.len() <= LONG);
            wanted.insert(at, base);
        }
        wanted
    }

    fn of_choice(&self, model: &Model, place: &Place) -> Vec<String> {
        let parent = self.parent(model, place);
        let field = last_words(place);
        let base = pascal(&field);
        let mut wanted = vec![join(&parent, &base), format!("{parent}{base}")];
        let rivals = model.choices.iter().filter_map(|other| other.uses.places.first());
        if field.len() > 1 && rivals.filter(|other| last_words(other) == field).count() < 2 {
            wanted.insert(0, base);
        }
        wanted
    }

    /// The name of the type that holds a place.
    pub(crate) fn parent(&self, model: &Model, place: &Place) -> String {
        let mut at = model.topics.get(&place.topic).copied().flatten();
        for field in place.path.iter().take(place.path.len().saturating_sub(1)) {
            at = at.and_then(|at| {
                let fields = &model.bodies[at].fields;
                let (_, kind) = fields.iter().find(|(name, _)| name == field)?;
                match innermost(kind) {
                    Kind::Body(at) => Some(*at),
                    _ => None,
                }
            });
        }
        at.map(|at| self.bodies[at].clone()).unwrap_or_default()
    }
}

const HEADER: &str = "\
# Names of types: `Name = topic field.field`, the place where the type is found first.
# Written by `cargo xtask codegen`, which adds what is new and keeps what is here. Edit a name to rename its type.
";

pub(crate) fn entries(fixed: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = fixed.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(" = "))
}

pub(crate) fn places(model: &Model) -> BTreeMap<String, Kind> {
    let bodies = model.bodies.iter().enumerate().map(|(at, body)| (&body.uses, Kind::Body(at)));
    let choices =
        model.choices.iter().enumerate().map(|(at, choice)| (&choice.uses, Kind::Choice(at)));
    let all = bodies.chain(choices);
    all.flat_map(|(uses, kind)| {
        uses.places.iter().map(move |place| (place.to_string(), kind.clone()))
    })
    .collect()
}

/// `User`, of `v2.users.…`.
fn family(topic: &str) -> String {
    capital(&singular(topic.split('.').nth(1).unwrap_or_default()))
}

fn topic_name(topic: &str) -> String {
    let segments = topic.split('.').skip(1).filter(|segment| *segment != "{id}");
    segments.map(|segment| pascal(&words(&singular(segment)))).collect()
}

/// Puts a name behind another one, without saying a word twice.
pub(crate) fn join(front: &str, back: &str) -> String {
    let (front, back) = (words(front), words(back));
    let most = front.len().min(back.len());
    let shared = (0..=most).rev().find(|&n| front[front.len() - n..] == back[..n]).unwrap_or(0);
    pascal(&[&front[..], &back[shared..]].concat())
}

/// The words of the field at a place.
fn last_words(place: &Place) -> Vec<String> {
    place.path.last().map(|field| words(&singular(field))).unwrap_or_default()
}

/// What the vendor's names of a shape have in common, without the words for their topics.
fn base(classes: &[String]) -> Vec<String> {
    let mut base = trimmed(common_ending(classes));
    let ends = base.len();
    let cut = (1..ends).rfind(|&at| base[at - 1] == "topic");
    let cut = cut.or_else(|| (1..ends).rfind(|&at| MARKERS.contains(&base[at - 1].as_str())));
    if classes.len() > 1 && base.first().is_some_and(|first| first == "topic") && ends == 1 {
        return Vec::new();
    }
    base.drain(..cut.unwrap_or(0));
    let mut base = trimmed(base);
    // `UserRoutingStatus` `UserRoutingStatus`.
    let half = (1..=base.len() / 2).rev().find(|&half| {
        (0..=base.len() - 2 * half).any(|at| base[at..at + half] == base[at + half..at + 2 * half])
    });
    if let Some(half) = half {
        let at = (0..=base.len() - 2 * half)
            .rfind(|&at| base[at..at + half] == base[at + half..at + 2 * half])
            .unwrap_or(0);
        base.drain(..at + half);
    }
    base
}

/// The words that all names end with.
pub(crate) fn common_ending(names: &[String]) -> Vec<String> {
    let mut names = names.iter().map(|name| words(name));
    let mut common = names.next().unwrap_or_default();
    for name in names {
        let same = common.iter().rev().zip(name.iter().rev()).take_while(|(a, b)| a == b).count();
        common.drain(..common.len() - same);
    }
    common
}

fn trimmed(mut words: Vec<String>) -> Vec<String> {
    while words.len() > 1 && words.last().is_some_and(|last| ENDINGS.contains(&last.as_str())) {
        words.pop();
    }
    while words.len() > 1 && BEGINNINGS.contains(&words[0].as_str()) {
        words.remove(0);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features;
    use crate::spec::Spec;

    fn model(extra: &str) -> Model {
        let text = format!(
            r##"{{"topics": [{extra}
                {{"id": "v2.users.{{id}}.presence", "schema": {{"$ref": "#/definitions/PresenceEventUserPresence"}}}}],
            "definitions": {{
                "MoodTopicMood": {{"properties": {{"state": {{"enum": ["x"]}}}}}},
                "PresenceEventUserPresence": {{"properties": {{"state": {{"enum": ["a"]}}, "definition": {{"$ref": "#/definitions/PresenceEventDefinition"}}}}}},
                "PresenceEventDefinition": {{"properties": {{"id": {{"type": "string"}}}}}}}}}}"##
        );
        Model::of(&Spec::parse(&text).unwrap(), features::is_by_hand)
    }

    fn all(model: &Model, fixed: &str) -> Vec<String> {
        let names = Names::of(model, fixed);
        let used =
            model.bodies.iter().zip(&names.bodies).filter(|(b, _)| !b.uses.topics.is_empty());
        let mut all: Vec<_> = used.map(|(_, name)| name.clone()).chain(names.choices).collect();
        all.retain(|name| !name.is_empty());
        all.sort();
        all
    }

    #[test]
    fn names_come_from_the_class_and_the_field() {
        assert_eq!(
            all(&model(""), ""),
            ["UserPresence", "UserPresenceDefinition", "UserPresenceState"]
        );
    }

    #[test]
    fn a_name_once_given_stays_whatever_is_added() {
        let fixed = Names::of(&model(""), "").list(&model(""));
        let more = r##"{"id": "v2.a.mood", "schema": {"$ref": "#/definitions/MoodTopicMood"}},"##;
        let names = all(&model(more), &fixed);
        assert_eq!(
            names,
            ["Mood", "MoodState", "UserPresence", "UserPresenceDefinition", "UserPresenceState"]
        );
    }

    #[test]
    fn a_name_can_be_edited() {
        let fixed = "# x\nStanding = v2.users.{id}.presence\nGone = v2.nobody\n";
        assert_eq!(all(&model(""), fixed), ["Standing", "StandingDefinition", "StandingState"]);
    }

    #[test]
    fn no_word_is_said_twice_where_names_meet() {
        assert_eq!(join("UserRoutingStatus", "RoutingStatusState"), "UserRoutingStatusState");
        assert_eq!(join("Campaign", "Rule"), "CampaignRule");
    }
}

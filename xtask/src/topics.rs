//! Rust for topics: the variants of `Event`, the list of templates, the constructors and their index.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::docs::{Texts, comment};
use crate::features;
use crate::names::Names;
use crate::shapes::Model;
use crate::words::{capital, free, identifier, pascal, singular, snake, words};

/// A topic whose bodies have a type.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) template: String,
    pub(crate) variant: String,
    pub(crate) body: String,
    pub(crate) feature: &'static str,
    /// The module and the function that make it.
    pub(crate) module: String,
    pub(crate) function: String,
}

/// The topics whose bodies have types, by name.
pub(crate) fn entries(model: &Model, names: &Names) -> Vec<Entry> {
    let mut variants: BTreeMap<String, usize> = BTreeMap::new();
    for topic in model.topics.keys() {
        *variants.entry(variant(topic, false)).or_default() += 1;
    }
    let mut taken = BTreeSet::from(
        ["System", "ChannelMetadata", "Unrecognized", "Malformed", "Lifecycle"].map(str::to_owned),
    );
    let mut functions = BTreeSet::new();
    let mut entries = Vec::new();
    for (topic, root) in &model.topics {
        let Some(root) = root else { continue };
        // Of two topics that differ in ids only, the one that ends with an id is about one thing.
        let single = topic.ends_with("{id}") && variants[&variant(topic, false)] > 1;
        let variant = free(&mut taken, &variant(topic, single));
        let module = identifier(&snake(&words(family(topic))));
        let function = format!("{module}::{}", function(topic));
        let function = free(&mut functions, &function)[module.len() + 2..].to_owned();
        let body = names.bodies[*root].clone();
        let feature = features::of(topic);
        entries.push(Entry { template: topic.clone(), variant, body, feature, module, function });
    }
    entries
}

fn family(topic: &str) -> &str {
    topic.split('.').nth(1).unwrap_or(topic)
}

/// `UsersPresence`.
fn variant(topic: &str, single: bool) -> String {
    let segments: Vec<&str> =
        topic.split('.').skip(1).filter(|segment| *segment != "{id}").collect();
    let last = segments.len().saturating_sub(1);
    let name = |(at, segment): (usize, &&str)| {
        let segment = if single && at == last { singular(segment) } else { (*segment).to_owned() };
        pascal(&words(&segment))
    };
    segments.iter().enumerate().map(name).collect()
}

/// `queue_observations` of `v2.analytics.queues.{id}.observations`.
fn function(topic: &str) -> String {
    let segments: Vec<&str> = topic.split('.').skip(1).collect();
    let mut name = Vec::new();
    for (at, segment) in segments.iter().enumerate().skip(1) {
        if *segment != "{id}" {
            let one = segments.get(at + 1) == Some(&"{id}");
            let segment = if one { singular(segment) } else { (*segment).to_owned() };
            name.extend(words(&segment));
        }
    }
    if name.is_empty() {
        name = words(&singular(segments[0]));
    }
    identifier(&snake(&name))
}

/// What the ids of a topic are of: `user`.
fn parameters(topic: &str) -> Vec<String> {
    let segments: Vec<&str> = topic.split('.').collect();
    let mut taken = BTreeSet::new();
    let ids = (1..segments.len()).filter(|&at| segments[at] == "{id}");
    ids.map(|at| free(&mut taken, &identifier(&snake(&words(&singular(segments[at - 1]))))))
        .collect()
}

/// The variants of `Event`.
pub(crate) fn table(entries: &[Entry], texts: &Texts<'_>) -> String {
    let mut out = "\
//! The topics that have a type, and the variants of [`Event`] for them.

use serde_json::value::RawValue;

use crate::events::event::{event_table, topic_bodies};
use crate::events::lifecycle::Lifecycle;
use crate::events::topic::Topic;

event_table! {
"
    .to_owned();
    for entry in entries {
        out.push_str(&comment("    ", &texts.topic(&entry.template)));
        let Entry { template, variant, body, feature, .. } = entry;
        let _ = writeln!(out, "    {variant}({body}) = {template:?}, {feature:?};");
    }
    out.push_str("}\n\ntopic_bodies! {\n");
    let mut roots: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for entry in entries {
        roots.entry(&entry.body).or_default().insert(entry.feature);
    }
    for (body, features) in roots {
        let features: Vec<String> = features.iter().map(|feature| format!("{feature:?}")).collect();
        let _ = writeln!(out, "    {body} = {};", features.join(", "));
    }
    out.push_str("}\n");
    out
}

/// The list of all topics.
pub(crate) fn templates(model: &Model) -> String {
    let mut out = "\
//! The platform's list of topics: it says which segments are ids, whether there is a type for the bodies or not.

/// Every topic.
pub(crate) static TEMPLATES: &[&str] = &[
"
    .to_owned();
    for topic in model.topics.keys() {
        let _ = writeln!(out, "    {topic:?},");
    }
    out.push_str("];\n");
    out
}

/// The module `topics`.
pub(crate) fn constructors(entries: &[Entry], texts: &Texts<'_>) -> String {
    let mut out = INTRODUCTION.to_owned();
    for Entry { template, variant, body, feature, module, function } in entries {
        let make = format!("{module}::{function}");
        let _ =
            writeln!(out, "//! | `{template}` | `{make}` | `{variant}` | `{body}` | `{feature}` |");
    }
    let mut modules: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        modules.entry(&entry.module).or_default().push(entry);
    }
    for (module, entries) in modules {
        let features: BTreeSet<&str> = entries.iter().map(|entry| entry.feature).collect();
        let _ =
            writeln!(out, "\n/// Topics that begin with `v2.{}`.", family(&entries[0].template));
        out.push_str(&cfg("", &features));
        let _ = writeln!(out, "pub mod {module} {{");
        out.push_str("    use crate::events::bodies;\n    use crate::events::topic::Topic;\n");
        for entry in entries {
            out.push('\n');
            out.push_str(&comment("    ", &texts.topic(&entry.template)));
            if features.len() > 1 {
                out.push_str(&cfg("    ", &BTreeSet::from([entry.feature])));
            }
            out.push_str(&constructor(entry));
        }
        out.push_str("}\n");
    }
    out
}

fn constructor(entry: &Entry) -> String {
    let parameters = parameters(&entry.template);
    let list: Vec<String> =
        parameters.iter().map(|name| format!("{name}: impl AsRef<str>")).collect();
    let mut name = format!("{:?}", entry.template);
    if !parameters.is_empty() {
        let ids: Vec<String> = parameters.iter().map(|name| format!("{name}.as_ref()")).collect();
        name = format!("format!({:?}, {})", entry.template.replace("{id}", "{}"), ids.join(", "));
    }
    format!(
        "    pub fn {}({}) -> Topic<bodies::{}> {{ Topic::unchecked({name}) }}\n",
        entry.function,
        list.join(", "),
        entry.body
    )
}

/// The condition that one of the features is on.
pub(crate) fn cfg(indent: &str, features: &BTreeSet<&str>) -> String {
    let list: Vec<String> =
        features.iter().map(|feature| format!("feature = {feature:?}")).collect();
    match &list[..] {
        [only] => format!("{indent}#[cfg({only})]\n"),
        list => format!("{indent}#[cfg(any({}))]\n", list.join(", ")),
    }
}

const INTRODUCTION: &str = "\
//! Typed topics, by the name of what they are about.
//!
//! None of these fails: an id that the platform would refuse is reported when the topic is subscribed. A function is
//! there when the feature of its topic is on; a topic without it can be subscribed by its name, and its events are
//! [`Event::Unrecognized`](crate::Event::Unrecognized), whole.
//!
//! ```
//! # #[cfg(feature = \"users\")] {
//! use genesys_cloud::topics;
//!
//! let topic = topics::users::presence(\"8f0c\");
//! assert_eq!(topic.name(), \"v2.users.8f0c.presence\");
//! # }
//! ```
//!
//! # Every topic
//!
//! Functions are in this module, variants are of [`Event`](crate::Event), types in [`bodies`](crate::bodies). Events of
//! `v2.system.…` and `v2.subscription.…` come without being asked for, as
//! [`Event::System`](crate::Event::System).
//!
//! | topic | function | variant | type | feature |
//! |---|---|---|---|---|
";

/// What a feature is called where Rust wants an identifier.
pub(crate) fn module_of(feature: &str) -> String {
    snake(&words(feature))
}

/// The feature in words, for documentation.
pub(crate) fn title(feature: &str) -> String {
    capital(&words(feature).join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_name_what_has_an_id_as_one() {
        for (topic, name, ids) in [
            ("v2.users.{id}.routingStatus", "routing_status", "user"),
            ("v2.analytics.queues.{id}.observations", "queue_observations", "queue"),
            ("v2.flows.{id}", "flow", "flow"),
            ("v2.quality.evaluations", "evaluations", ""),
            (
                "v2.users.{id}.conversations.{id}.recordings.{id}",
                "conversation_recording",
                "user conversation recording",
            ),
        ] {
            assert_eq!(
                (function(topic).as_str(), parameters(topic).join(" ").as_str()),
                (name, ids)
            );
        }
    }

    #[test]
    fn variants_drop_ids() {
        assert_eq!(variant("v2.users.{id}.routingStatus", false), "UsersRoutingStatus");
        assert_eq!(variant("v2.users.{id}.recordings.{id}", true), "UsersRecording");
    }

    #[test]
    fn conditions() {
        assert_eq!(cfg("", &BTreeSet::from(["a"])), "#[cfg(feature = \"a\")]\n");
        let any = "#[cfg(any(feature = \"a\", feature = \"b\"))]\n";
        assert_eq!(cfg("", &BTreeSet::from(["a", "b"])), any);
    }
}

//! The files of the REST API that come out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::bodies::{Item, items};
use crate::docs::Texts;
use crate::features;
use crate::generate::OURS;
use crate::names::Names;
use crate::operations::{Types, families, item, registry, struct_name};
use crate::rest_names::{self, Adopted};
use crate::rest_spec::{Operation, RestSpec};
use crate::shapes::{Model, Uses, shapes};
use crate::spec::{Schema, Spec};
use crate::topics::{cfg, module_of};
use crate::words::{capital, words};

/// Raised when the same input gives other output.
const VERSION: u32 = 1;

/// Features of topics whose types are taken over, the one that is turned on first. Types of other features are not:
/// a REST family would turn on hundreds of types for one enum.
const LENDERS: &[&str] = &["users", "routing", "analytics", "conversations"];

/// The texts that go in.
pub(crate) struct Input<'a> {
    pub(crate) topics: &'a str,
    pub(crate) rest: &'a str,
    pub(crate) names: &'a str,
    pub(crate) words: &'a str,
    pub(crate) rest_names: &'a str,
    pub(crate) rest_words: &'a str,
}

/// What was generated.
pub(crate) struct Output {
    /// Not yet formatted, by name; with a slash in a folder below.
    pub(crate) files: BTreeMap<String, String>,
    /// The table of the tests.
    pub(crate) registry: String,
    /// The new text of `rest_names.txt`.
    pub(crate) names: String,
    /// How many there are, and which features of topics each family needs.
    pub(crate) summary: String,
}

/// Generates everything of the REST API.
pub(crate) fn generate(input: &Input<'_>) -> Result<Output, String> {
    let topics = Spec::parse(input.topics)?;
    let events = Model::of(&topics, features::is_by_hand);
    let event_names = Names::of(&events, input.names);
    let rest = RestSpec::parse(input.rest)?;
    let model = Model::of(&rest.spec, |_| false);
    let lent = Lent::of(&topics, &events, &event_names);
    let adopted = lent.adopt(&rest.spec, &model, input.rest_names);
    let names = rest_names::of(&model, &adopted, input.rest_names);
    let roots = roots(&model, &names, &rest.operations);
    let text = [&roots, input.words, input.rest_words].join("\n");
    let texts = Texts::parse(&text);
    let mut items = items(&model, &names, &texts);
    let foreign: BTreeMap<String, BTreeSet<&'static str>> = adopted
        .bodies
        .values()
        .chain(adopted.choices.values())
        .filter_map(|name| items.remove_entry(name))
        .map(|(name, item)| (name, item.features))
        .collect();
    let header = header(input);
    let mut out = BTreeMap::new();
    let mut files: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
    for item in items.values() {
        let mut features = item.features.iter();
        let file = match (features.next(), features.next()) {
            (Some(only), None) => only,
            _ => "shared",
        };
        files.entry(file).or_default().push(item);
    }
    for (&file, types) in &files {
        let name = format!("models/{}.rs", file_of(file));
        out.insert(name, source(file, types, &items, &foreign));
    }
    out.insert("models/mod.rs".to_owned(), models(&files, &foreign));
    let types = Types { model: &model, names: &names, texts: &texts };
    let families = families(&rest.operations);
    for (family, operations) in &families {
        out.insert(format!("{family}.rs"), source_of_family(&types, family, operations));
    }
    out.insert("mod.rs".to_owned(), modules(&families));
    for text in out.values_mut() {
        text.insert_str(0, &header);
    }
    let enums = items.values().filter(|item| item.code.starts_with("open_enum!")).count();
    let mut summary = format!(
        "{} operations, {} structs, {enums} enums, {} types of events",
        rest.operations.len(),
        items.len() - enums,
        foreign.len()
    );
    for (feature, needs) in lent.needs(&foreign) {
        let _ = write!(summary, "\n{feature} needs {}", needs.join(", "));
    }
    Ok(Output {
        files: out,
        registry: header + &registry(&rest.operations),
        names: rest_names::list(&model, &names, &adopted),
        summary,
    })
}

/// The types of events that may be taken over.
struct Lent<'a> {
    topics: &'a Spec,
    /// The name of each class.
    bodies: BTreeMap<&'a str, &'a str>,
    choices: BTreeMap<BTreeSet<&'a str>, &'a str>,
    features: BTreeMap<&'a str, BTreeSet<&'static str>>,
}

impl<'a> Lent<'a> {
    fn of(topics: &'a Spec, model: &'a Model, names: &'a Names) -> Self {
        let mut lent = Self {
            topics,
            bodies: BTreeMap::new(),
            choices: BTreeMap::new(),
            features: BTreeMap::new(),
        };
        for (body, name) in model.bodies.iter().zip(&names.bodies) {
            if lent.lends(name, &body.uses) {
                lent.bodies
                    .extend(body.classes.iter().map(|class| (class.as_str(), name.as_str())));
            }
        }
        for (choice, name) in model.choices.iter().zip(&names.choices) {
            if lent.lends(name, &choice.uses) {
                lent.choices.insert(choice.values.iter().map(String::as_str).collect(), name);
            }
        }
        lent
    }

    fn lends(&mut self, name: &'a str, uses: &Uses) -> bool {
        let features: BTreeSet<&str> =
            uses.topics.iter().map(|topic| features::of(topic)).collect();
        let lends = LENDERS.iter().any(|lender| features.contains(lender));
        if lends {
            self.features.insert(name, features);
        }
        lends
    }

    /// The types of the REST API that are those of events.
    fn adopt(&self, rest: &Spec, model: &Model, fixed: &str) -> Adopted {
        let (own_bodies, own_choices) = rest_names::fixed(model, fixed);
        let shapes = shapes(&both(self.topics, rest));
        let known: BTreeMap<usize, &str> = self
            .bodies
            .iter()
            .map(|(class, name)| (shapes[&format!("e/{class}")], *name))
            .collect();
        let mut adopted = Adopted::default();
        for (at, body) in model.bodies.iter().enumerate() {
            let class = body.classes.first().map(|class| format!("r/{class}"));
            let name = class.and_then(|class| known.get(&shapes[&class]));
            if let (Some(name), false) = (name, own_bodies.contains(&at)) {
                adopted.bodies.insert(at, (*name).to_owned());
            }
        }
        for (at, choice) in model.choices.iter().enumerate() {
            let values: BTreeSet<&str> = choice.values.iter().map(String::as_str).collect();
            let name = self.choices.get(&values);
            if let (Some(name), false) = (name, own_choices.contains(&at)) {
                adopted.choices.insert(at, (*name).to_owned());
            }
        }
        adopted
    }

    /// The features of topics that each feature of the REST API turns on.
    fn needs(
        &self,
        foreign: &BTreeMap<String, BTreeSet<&'static str>>,
    ) -> BTreeMap<&'static str, Vec<&'static str>> {
        let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, features) in foreign {
            let has = &self.features[name.as_str()];
            for feature in features {
                let needs = needs.entry(feature).or_default();
                if let Some(lender) = LENDERS.iter().find(|lender| has.contains(*lender))
                    && !needs.contains(lender)
                {
                    needs.push(lender);
                }
            }
        }
        needs
    }
}

/// The classes of both, told apart by what is before their names.
fn both(topics: &Spec, rest: &Spec) -> Spec {
    let mut both = Spec::default();
    for (before, spec) in [("e/", topics), ("r/", rest)] {
        for (class, fields) in &spec.classes {
            let fields =
                fields.iter().map(|(name, schema)| (name.clone(), renamed(schema, before)));
            both.classes.insert(format!("{before}{class}"), fields.collect());
        }
    }
    both
}

fn renamed(schema: &Schema, before: &str) -> Schema {
    match schema {
        Schema::Class(class) => Schema::Class(format!("{before}{class}")),
        Schema::List(inner) => Schema::List(Box::new(renamed(inner, before))),
        Schema::Map(inner) => Schema::Map(Box::new(renamed(inner, before))),
        other => other.clone(),
    }
}

/// What the documentation says of types that operations send and answer.
fn roots(model: &Model, names: &Names, operations: &[Operation]) -> String {
    let mut uses: BTreeMap<&str, BTreeMap<&str, Vec<String>>> = BTreeMap::new();
    for operation in operations {
        for (part, verb) in [("body", "sends"), ("response", "answers")] {
            let root = model.topics.get(&format!("{}.{part}", operation.place()));
            if let Some(at) = root.copied().flatten() {
                let name = format!("`{}`", struct_name(&operation.id));
                uses.entry(&names.bodies[at]).or_default().entry(verb).or_default().push(name);
            }
        }
    }
    let mut out = String::new();
    for (name, verbs) in uses {
        let verb = |(verb, operations): (&&str, &Vec<String>)| {
            let shown = operations[..operations.len().min(2)].join(" and ");
            let more = if operations.len() > 2 { " and others" } else { "" };
            let verb = if operations.len() > 1 { &verb[..verb.len() - 1] } else { verb };
            format!("{shown}{more} {verb}")
        };
        let said: Vec<String> = verbs.iter().map(verb).collect();
        let _ = writeln!(out, "{name} = What {}.", said.join(", and what "));
    }
    out
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn header(input: &Input<'_>) -> String {
    format!(
        "// Generated by `cargo xtask codegen --rest-spec`, version {VERSION}; never edited by hand.\n\
         // Input: SHA-256 {}, and of the topics {}.\n\n",
        digest(input.rest),
        digest(input.topics)
    )
}

/// `presence`, of `rest-presence`.
fn file_of(feature: &str) -> String {
    module_of(feature.trim_start_matches("rest-"))
}

/// One file of types.
fn source(
    file: &str,
    types: &[&Item],
    items: &BTreeMap<String, Item>,
    foreign: &BTreeMap<String, BTreeSet<&'static str>>,
) -> String {
    let shared = file == "shared";
    let mut out = if shared {
        "//! Types that operations of several families use.\n\n\
         #![allow(unused_imports)] // Which of them are used depends on the features.\n\n"
            .to_owned()
    } else {
        format!("//! {}: the types of this family alone.\n\n", capital(&file_of(file)))
    };
    let needs: BTreeSet<&str> =
        types.iter().flat_map(|item| &item.needs).map(String::as_str).collect();
    let macros: BTreeSet<&str> =
        types.iter().filter_map(|item| item.code.split('!').next()).collect();
    for name in macros {
        let module = if name == "body" { "body" } else { "open_enum" };
        let _ = writeln!(out, "use crate::events::{module}::{name};");
    }
    for (_, path) in OURS.iter().filter(|(name, _)| needs.contains(name)) {
        let path = path.replace("crate::events::", "");
        let (front, name) = path.rsplit_once("::").unwrap_or_default();
        let path = match front {
            "json" | "members" | "timestamp" => format!("crate::events::{name}"),
            _ => path,
        };
        let _ = writeln!(out, "use {path};");
    }
    let of_events = |name: &str| needs.contains(name);
    if shared {
        out.push_str(&from_events("use", foreign, of_events));
    } else {
        let names: Vec<&str> =
            needs.iter().copied().filter(|name| foreign.contains_key(*name)).collect();
        if !names.is_empty() {
            let _ = writeln!(out, "use crate::events::bodies::{{{}}};", names.join(", "));
        }
    }
    if !shared {
        let of_several: Vec<&str> = needs
            .iter()
            .copied()
            .filter(|name| items.get(*name).is_some_and(|item| item.features.len() > 1))
            .collect();
        if !of_several.is_empty() {
            let _ = writeln!(out, "use super::shared::{{{}}};", of_several.join(", "));
        }
    }
    for item in types {
        out.push('\n');
        if shared {
            out.push_str(&cfg("", &item.features));
        }
        out.push_str(&item.code);
    }
    out
}

/// Imports of types of events, each where a feature that needs it is on.
fn from_events(
    verb: &str,
    foreign: &BTreeMap<String, BTreeSet<&'static str>>,
    wanted: impl Fn(&str) -> bool,
) -> String {
    let mut groups: BTreeMap<&BTreeSet<&str>, Vec<&str>> = BTreeMap::new();
    for (name, features) in foreign.iter().filter(|(name, _)| wanted(name)) {
        groups.entry(features).or_default().push(name);
    }
    let mut out = String::new();
    for (features, names) in groups {
        let names = names.join(", ");
        let _ = writeln!(out, "{}{verb} crate::events::bodies::{{{names}}};", cfg("", features));
    }
    out
}

fn models(
    files: &BTreeMap<&str, Vec<&Item>>,
    foreign: &BTreeMap<String, BTreeSet<&'static str>>,
) -> String {
    let mut out = "\
//! What operations of the REST API send and answer.
//!
//! Every field may be missing: the platform leaves out what does not apply, and promises nothing. What an answer holds
//! beyond its fields is in its `extra`, and is written again with it. What is sent is the same type, with the fields
//! set that it shall have:
//!
//! ```
//! # #[cfg(feature = \"rest-routing\")] {
//! use genesys_cloud::models::CreateRoutingSkill;
//!
//! let mut skill = CreateRoutingSkill::default();
//! skill.name = Some(\"French\".into());
//! # }
//! ```
//!
//! A type is there when a feature that needs it is on. Types that events have too are the same: they are in
//! [`bodies`](crate::bodies) as well.

"
    .to_owned();
    let mut uses = String::new();
    for &file in files.keys() {
        let module = file_of(file);
        let features: BTreeSet<&str> = match file {
            "shared" => files["shared"].iter().flat_map(|item| item.features.clone()).collect(),
            feature => BTreeSet::from([feature]),
        };
        let _ = writeln!(out, "{}mod {module};", cfg("", &features));
        let _ = writeln!(uses, "{}pub use {module}::*;", cfg("", &features));
    }
    uses.push_str(&from_events("pub use", foreign, |_| true));
    out + &uses
}

fn source_of_family(types: &Types<'_>, family: &str, operations: &[&Operation]) -> String {
    let mut code = String::new();
    for operation in operations {
        code.push('\n');
        code.push_str(&item(types, operation));
    }
    let title = capital(&words(family).join(" "));
    let mut out = format!("//! {title}: the operations of this family.\n\n");
    for name in ["Json", "Members", "Timestamp"] {
        let needed = [format!("({name})"), format!("<{name}"), format!("body {name}")];
        if needed.iter().any(|needed| code.contains(needed)) {
            let _ = writeln!(out, "use crate::events::{name};");
        }
    }
    out.push_str("use crate::rest::define::operation;\n");
    if code.contains("models::") {
        out.push_str("use crate::rest::generated::models;\n");
    }
    out + &code
}

fn modules(families: &BTreeMap<&str, Vec<&Operation>>) -> String {
    let mut out = INTRODUCTION.to_owned();
    for (family, operations) in families {
        let feature = format!("rest-{family}");
        for operation in operations {
            let name = struct_name(&operation.id);
            let _ = writeln!(
                out,
                "//! | `{name}` | `{} {}` | `{feature}` |",
                operation.method, operation.template
            );
        }
    }
    out.push('\n');
    out.push_str("pub mod models;\n\n");
    let mut uses = String::new();
    for family in families.keys() {
        let feature = format!("rest-{family}");
        let features = BTreeSet::from([feature.as_str()]);
        let _ = writeln!(out, "{}mod {family};", cfg("", &features));
        let _ = writeln!(uses, "{}pub use {family}::*;", cfg("", &features));
    }
    let _ = write!(out, "\n{uses}");
    out
}

const INTRODUCTION: &str = "\
//! Operations of the REST API, each a type that [`Client::execute`](crate::Client::execute) takes.
//!
//! What an operation cannot do without is an argument of `new`; the rest are methods. An operation is there when the
//! feature of its family is on. Names are the vendor's: those of the official SDKs.
//!
//! ```no_run
//! # #[cfg(feature = \"rest-users\")]
//! # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
//! use genesys_cloud::operations::GetUsers;
//!
//! let page = client.execute(GetUsers::new().page_size(100).expand([\"presence\"])).await?;
//! for user in page.entities.unwrap_or_default() {
//!     println!(\"{:?}\", user.name);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Every operation
//!
//! | type | call | feature |
//! |---|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;

    const TOPICS: &str = r##"{"topics": [
        {"id": "v2.users.{id}.mood", "schema": {"$ref": "#/definitions/MoodTopicMood"}},
        {"id": "v2.outbound.x", "schema": {"$ref": "#/definitions/XTopicPlace"}}],
        "definitions": {"MoodTopicMood": {"properties": {"level": {"type": "number"}}},
            "XTopicPlace": {"properties": {"place": {"type": "string"}}}}}"##;
    const REST: &str = r##"{"operations": [
        {"id": "get_user", "method": "GET", "path": "/api/v2/users/{userId}",
         "pathParams": {"userId": {"required": true, "type": "string"}},
         "query": {"expand": {"type": "array", "items": {"type": "string"}}}, "response": {"$ref": "#/definitions/User"}},
        {"id": "post_analytics_x_query", "method": "POST", "path": "/api/v2/analytics/x/query",
         "body": {"$ref": "#/definitions/Place"}, "response": {"$ref": "#/definitions/User"}}],
        "definitions": {"Mood": {"properties": {"level": {"type": "number"}}}, "Place": {"properties": {"place": {"type": "string"}}},
            "User": {"properties": {"mood": {"$ref": "#/definitions/Mood"}, "state": {"type": "string", "enum": ["a"]}}}}}"##;

    fn run(rest_names: &str) -> Output {
        let input = Input {
            topics: TOPICS,
            rest: REST,
            names: "",
            words: "",
            rest_names,
            rest_words: "get_user = Reads one user.",
        };
        generate(&input).unwrap()
    }

    #[test]
    fn an_operation_has_its_arguments_and_types_of_events_are_taken_over() {
        let out = run("");
        let users = &out.files["users.rs"];
        for line in [
            "/// Reads one user.",
            "pub struct GetUser = Get \"/api/v2/users/{userId}\" -> model(models::User);",
            "user_id: text = \"userId\";",
            "expand: repeated = \"expand\";",
        ] {
            assert!(users.contains(line), "{line}: {users}");
        }
        assert!(out.files["analytics.rs"].contains("also only_reads;"));
        let shared = &out.files["models/shared.rs"];
        let taken = "#[cfg(any(feature = \"rest-analytics\", feature = \"rest-users\"))]\n\
                     use crate::events::bodies::{Mood};";
        assert!(shared.contains(taken), "{shared}");
        assert!(shared.contains("pub enum UserState"), "{shared}");
        // Of a feature that lends nothing.
        assert!(out.files["models/analytics.rs"].contains("pub struct Place"));
        assert!(out.summary.contains("rest-users needs users"), "{}", out.summary);
        assert!(out.registry.contains("(\"get_user\", |arguments| {"));
    }

    #[test]
    fn the_same_input_gives_the_same_output_and_a_name_of_its_own_is_not_taken_over() {
        let first = run("");
        let again = run(&first.names);
        assert_eq!((&first.files, &first.names), (&again.files, &again.names));
        let own = run("Feeling = users/get_user.response mood\n");
        assert!(own.files["models/shared.rs"].contains("pub struct Feeling"));
    }
}

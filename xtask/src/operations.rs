//! Rust for operations, and for the table by which the tests make them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::docs::{Texts, comment};
use crate::names::Names;
use crate::rest_spec::{Named, Operation, Parameter};
use crate::shapes::{Kind, Model};
use crate::spec::Schema;
use crate::words::{capital, free, identifier, pascal, snake, words};

/// POSTs that only read: sending them twice does what sending them once does. So does every
/// `post_analytics_…_query`; those that make a job or an execution to ask for later do not.
const READS: &[&str] = &[
    "post_analytics_agents_status_counts",
    "post_audits_query_realtime",
    "post_audits_query_realtime_related",
    "post_users_development_activities_aggregates_query",
    "post_users_search",
    "post_users_search_conversation_target",
    "post_users_search_queuemembers_manage",
    "post_users_search_teams_assign",
];

fn only_reads(operation: &Operation) -> bool {
    let id = operation.id.as_str();
    READS.contains(&id) || (id.starts_with("post_analytics_") && id.ends_with("_query"))
}

/// What of the model the code of an operation needs.
pub(crate) struct Types<'a> {
    pub(crate) model: &'a Model,
    pub(crate) names: &'a Names,
    pub(crate) texts: &'a Texts<'a>,
}

impl Types<'_> {
    fn root(&self, operation: &Operation, part: &str) -> Option<usize> {
        self.model.topics.get(&format!("{}.{part}", operation.place())).copied().flatten()
    }

    /// The type of a body or an answer.
    fn rust(&self, schema: &Schema, root: Option<usize>) -> String {
        match schema {
            Schema::List(inner) => format!("Vec<{}>", self.rust(inner, root)),
            Schema::Map(inner) => format!("Members<{}>", self.rust(inner, root)),
            Schema::Class(_) => match root {
                Some(at) => format!("models::{}", self.names.bodies[at]),
                None => "Json".to_owned(),
            },
            Schema::Integer => "i64".to_owned(),
            Schema::Number => "Number".to_owned(),
            Schema::Bool => "bool".to_owned(),
            Schema::Time => "Timestamp".to_owned(),
            Schema::Secret => "Secret".to_owned(),
            Schema::Text | Schema::Choice(_) => "Box<str>".to_owned(),
            Schema::Any => "Json".to_owned(),
        }
    }

    /// Whether what is sent or answered holds a credential.
    fn is_secret(&self, operation: &Operation) -> bool {
        let roots = ["body", "response"].map(|part| self.root(operation, part));
        let mut seen = BTreeSet::new();
        let mut ahead: Vec<usize> = roots.into_iter().flatten().collect();
        while let Some(at) = ahead.pop() {
            if !seen.insert(at) {
                continue;
            }
            for (_, kind) in &self.model.bodies[at].fields {
                match crate::shapes::innermost(kind) {
                    Kind::Secret => return true,
                    Kind::Body(at) => ahead.push(*at),
                    _ => {}
                }
            }
        }
        false
    }
}

/// `GetUser`.
pub(crate) fn struct_name(id: &str) -> String {
    pascal(&words(id))
}

/// One operation by the names that its Rust has.
struct Fields<'a> {
    path: Vec<(String, &'a Named)>,
    required: Vec<(String, &'a Named)>,
    query: Vec<(String, &'a Named)>,
    headers: Vec<(String, &'a Named)>,
}

impl<'a> Fields<'a> {
    fn of(operation: &'a Operation) -> Self {
        let mut taken = BTreeSet::from(["new".to_owned(), "body".to_owned()]);
        let mut named = |all: Vec<&'a Named>| -> Vec<(String, &'a Named)> {
            let name = |named: &'a Named| {
                (free(&mut taken, &identifier(&snake(&words(&named.name)))), named)
            };
            all.into_iter().map(name).collect()
        };
        let (required, query) = operation.query.iter().partition(|named| named.required);
        Self {
            path: named(operation.path.iter().collect()),
            required: named(required),
            query: named(query),
            headers: named(operation.headers.iter().collect()),
        }
    }
}

fn is_list(kind: Parameter) -> bool {
    matches!(kind, Parameter::List | Parameter::Commas)
}

/// The kind of a parameter as the macro calls it.
fn word(kind: Parameter) -> &'static str {
    match kind {
        Parameter::Text => "text",
        Parameter::Secret => "secret",
        Parameter::Time => "time",
        Parameter::Integer => "integer",
        Parameter::Bool => "flag",
        Parameter::List => "repeated",
        Parameter::Commas => "commas",
    }
}

fn kind(kind: Parameter) -> Kind {
    match kind {
        Parameter::Text | Parameter::Secret => Kind::Text,
        Parameter::Time => Kind::Time,
        Parameter::Integer => Kind::Integer,
        Parameter::Bool => Kind::Bool,
        Parameter::List | Parameter::Commas => Kind::List(Box::new(Kind::Text)),
    }
}

/// Operations that are answered by a redirect to a signed link: there is no answer of them to read.
const REDIRECTED: &[&str] = &["get_analytics_dataextraction_download"];

/// The kind of answer that an operation has.
fn answered(operation: &Operation) -> &'static str {
    if operation.response.is_some() { "model" } else { undescribed(operation) }
}

/// What an operation without a described answer has for one.
fn undescribed(operation: &Operation) -> &'static str {
    if REDIRECTED.contains(&operation.id.as_str()) {
        "location"
    } else if operation.method == "GET" {
        // It is there to be read, and nothing says how.
        "raw"
    } else {
        "nothing"
    }
}

/// The operation as Rust.
pub(crate) fn item(types: &Types<'_>, operation: &Operation) -> String {
    let name = struct_name(&operation.id);
    let fields = Fields::of(operation);
    let mut code = "operation! {\n".to_owned();
    let about = types.texts.named(&operation.id).map_or_else(|| about(operation), str::to_owned);
    code.push_str(&comment("    ", &about));
    code.push_str("    ///\n");
    let call = format!("`{} {}`", operation.method, operation.template);
    code.push_str(&comment("    ", &format!("{call}. Vendor operation: `{}`.", operation.id)));
    if fields.path.is_empty() && fields.required.is_empty() && operation.body.is_none() {
        code.push_str("    #[derive(Default)]\n");
    }
    let method = capital(&operation.method.to_lowercase());
    let answer = match &operation.response {
        Some(schema) => format!("model({})", types.rust(schema, types.root(operation, "response"))),
        None => format!("{}()", undescribed(operation)),
    };
    let template = &operation.template;
    let _ = writeln!(code, "    pub struct {name} = {method} {template:?} -> {answer};");
    let mut line = |section: &str, (field, named): &(String, &Named)| {
        let text = match section {
            "path" => format!("`{}` of the path.", named.name),
            "header" => format!("The header `{}`.", named.name),
            _ => types.texts.field(&name, &named.name, &kind(named.kind)),
        };
        let _ = writeln!(code, "    {section}");
        code.push_str(&comment("        ", &text));
        let json = &named.name;
        let _ = writeln!(code, "        {field}: {} = {json:?};", word(named.kind));
    };
    let (many, need): (Vec<_>, Vec<_>) =
        fields.required.iter().partition(|(_, named)| is_list(named.kind));
    let (lists, query): (Vec<_>, Vec<_>) =
        fields.query.iter().partition(|(_, named)| is_list(named.kind));
    let sections = [
        ("path", fields.path.iter().collect()),
        ("need", need),
        ("many", many),
        ("query", query),
        ("list", lists),
        ("header", fields.headers.iter().collect()),
    ];
    for (section, fields) in sections {
        for field in fields {
            line(section, field);
        }
    }
    if let Some(schema) = &operation.body {
        let rust = types.rust(schema, types.root(operation, "body"));
        let _ = writeln!(code, "    body {rust};");
    }
    if only_reads(operation) {
        code.push_str("    also only_reads;\n");
    }
    if types.is_secret(operation) {
        code.push_str("    also secret;\n");
    }
    if undescribed(operation) == "location" {
        code.push_str("    also redirects;\n");
    }
    if let Some(pages) = pages(types, operation) {
        code.push_str(&pages);
    }
    code.push_str("}\n");
    code
}

/// Members in which an answer may hold its items.
const ITEMS: &[&str] = &["entities", "results", "conversations", "userDetails"];

/// What an answer says of other pages: as the macro calls it, and as the platform does.
const OF_PAGES: &[(&str, &str)] = &[
    ("cursor", "cursor"),
    ("next_uri", "nextUri"),
    ("page_count", "pageCount"),
    ("total", "total"),
    ("total", "totalHits"),
];

/// The line that says how the pages of an operation follow on each other; none when it has no pages.
fn pages(types: &Types<'_>, operation: &Operation) -> Option<String> {
    let Some(Schema::Class(_)) = &operation.response else { return None };
    let fields = &types.model.bodies[types.root(operation, "response")?].fields;
    let kind = |name: &str| fields.iter().find(|(other, _)| other == name).map(|(_, kind)| kind);
    let mut items = ITEMS.iter().filter_map(|name| match kind(name)? {
        Kind::List(inner) => Some((*name, inner)),
        _ => None,
    });
    let (items, element) = items.next()?;
    let item = match &**element {
        Kind::Body(at) => format!("models::{}", types.names.bodies[*at]),
        Kind::Any => "Json".to_owned(),
        _ => return None,
    };
    let asks = |name: &str| operation.query.iter().any(|named| named.name == name);
    let body = |name: &str| {
        let root = types.root(operation, "body");
        root.is_some_and(|at| types.model.bodies[at].fields.iter().any(|(other, _)| other == name))
    };
    let by = if asks("cursor") && kind("cursor").is_some() {
        "Cursor(\"cursor\")"
    } else if ["after", "nextPage"].into_iter().any(asks) {
        kind("nextUri")?;
        "NextUri"
    } else if asks("pageNumber") {
        "Number"
    } else if body("paging") {
        "Body(Some(\"paging\"))"
    } else if body("pageNumber") {
        "Body(None)"
    } else {
        return None;
    };
    let mut line = format!("    pages {items}: {item}, by {by}", items = snake(&words(items)));
    for (ours, theirs) in OF_PAGES {
        if matches!(kind(theirs), Some(Kind::Text | Kind::Integer)) {
            let _ = write!(line, ", {ours} = {}", snake(&words(theirs)));
        }
    }
    line.push_str(";\n");
    Some(line)
}

/// What an operation does, by its name.
fn about(operation: &Operation) -> String {
    let rest = words(&operation.id)[1..].join(" ");
    let verb = match operation.method.as_str() {
        "GET" => "Reads",
        "HEAD" => "Looks whether it is there",
        "POST" if only_reads(operation) => "Asks",
        "POST" => "Sends",
        "PUT" => "Puts",
        "PATCH" => "Changes",
        _ => "Deletes",
    };
    format!("{verb}: {rest}.")
}

/// The table by which the tests make every operation.
pub(crate) fn registry(operations: &[Operation]) -> String {
    let kinds: BTreeSet<_> = operations.iter().map(answered).collect();
    let kinds: Vec<_> = kinds.into_iter().collect();
    let mut out = format!(
        "\
//! Every operation, made from untyped arguments.

use genesys_cloud::operations::*;

use crate::arguments::{{Arguments, Erased, {}}};

",
        kinds.join(", ")
    );
    out.push_str(
        "\
/// Makes an operation from its arguments.
pub(crate) type Make = fn(&Arguments) -> Box<dyn Erased>;

/// The operations by the vendor's names.
pub(crate) const OPERATIONS: &[(&str, Make)] = &[
",
    );
    for operation in operations {
        let name = struct_name(&operation.id);
        let fields = Fields::of(operation);
        let mut first = Vec::new();
        for (_, named) in &fields.path {
            first.push(format!("arguments.path({:?})", named.name));
        }
        let lists = fields.required.iter().filter(|(_, named)| is_list(named.kind));
        let plain = fields.required.iter().filter(|(_, named)| !is_list(named.kind));
        for (_, named) in plain.chain(lists) {
            let get = getter(named.kind);
            first.push(format!("arguments.{get}({:?}).expect(\"it is required\")", named.name));
        }
        if operation.body.is_some() {
            first.push("arguments.body()".to_owned());
        }
        let optional: Vec<_> = fields.query.iter().chain(&fields.headers).collect();
        let kind = answered(operation);
        let _ = writeln!(out, "    ({:?}, |arguments| {{", operation.id);
        let mutable = if optional.is_empty() { "" } else { "mut " };
        let unused =
            if first.is_empty() && optional.is_empty() { "let _ = arguments;\n" } else { "" };
        let _ = writeln!(out, "{unused}let {mutable}it = {name}::new({});", first.join(", "));
        for (field, named) in optional {
            let get = getter(named.kind);
            let _ = writeln!(
                out,
                "if let Some(value) = arguments.{get}({:?}) {{ it = it.{field}(value); }}",
                named.name
            );
        }
        let _ = writeln!(out, "{kind}(it)\n}}),");
    }
    out.push_str("];\n");
    out
}

fn getter(kind: Parameter) -> &'static str {
    match kind {
        Parameter::Text | Parameter::Secret => "text",
        Parameter::Time => "time",
        Parameter::Integer => "integer",
        Parameter::Bool => "flag",
        Parameter::List | Parameter::Commas => "list",
    }
}

/// Operations by family.
pub(crate) fn families(operations: &[Operation]) -> BTreeMap<&str, Vec<&Operation>> {
    let mut families: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        families.entry(&operation.family).or_default().push(operation);
    }
    families
}

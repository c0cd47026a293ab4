//! Dependencies run one way: every `use crate::` is read and held against the table of floors.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module and the modules it may use. `lib.rs` only re-exports, and is not held against the table.
const MAY_USE: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("region", &["error"]),
    ("core", &["error"]),
    ("events", &["core", "error"]),
    ("diagnostics", &["core", "error"]),
    ("media", &["core", "error", "diagnostics", "events"]),
    ("transport", &["core", "error", "region", "diagnostics"]),
    ("auth", &["core", "error", "region", "diagnostics", "transport"]),
    ("streaming", &["core", "error", "region", "diagnostics", "events", "transport"]),
    ("rest", &["core", "error", "region", "diagnostics", "events", "transport", "auth"]),
    (
        "protocols",
        &["core", "error", "region", "diagnostics", "events", "media", "transport", "streaming"],
    ),
    ("presence", &["core", "error", "diagnostics", "events", "streaming"]),
    (
        "probe",
        &[
            "core",
            "error",
            "region",
            "diagnostics",
            "events",
            "media",
            "streaming",
            "protocols",
            "rest",
        ],
    ),
    (
        "client",
        &[
            "core",
            "error",
            "region",
            "diagnostics",
            "events",
            "transport",
            "auth",
            "rest",
            "streaming",
            "protocols",
            "probe",
        ],
    ),
    ("fleet", &["core", "error", "events", "streaming", "client"]),
    ("sink", &["core", "error", "diagnostics", "events", "streaming"]),
    ("sim", &["core", "error", "region", "events"]),
    // A test of the whole house.
    ("soak", &["core", "error", "events", "transport", "streaming", "client", "sim"]),
];

/// Pairs that the table of floors allows but that must not be: (who, what).
const MUST_NOT: &[(&str, &str)] =
    &[("auth", "transport::http::auth"), ("streaming", "transport::http")];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

/// The paths behind `crate::` in code, `use` lists opened up.
fn imports(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = BTreeSet::new();
    let mut rest = code.as_str();
    while let Some(at) = rest.find("crate::") {
        let before = rest[..at].chars().next_back();
        rest = &rest[at + "crate::".len()..];
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        if let Some(list) = rest.strip_prefix('{') {
            let end = list.find("};").unwrap_or(list.len());
            found.extend(list[..end].split(',').map(|item| item.trim().to_owned()));
        } else {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
                .unwrap_or(rest.len());
            found.insert(rest[..end].to_owned());
        }
    }
    found.retain(|path| !path.is_empty());
    found
}

/// The module in which the crate root's re-exports of types live, so that `crate::Error` counts as `error`.
fn module_of<'a>(path: &'a str, exports: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let head = path.split("::").next().unwrap_or_default();
    if MAY_USE.iter().any(|(module, _)| *module == head) {
        return Some(head);
    }
    exports.get(head).map(String::as_str)
}

fn exports(lib: &str) -> BTreeMap<String, String> {
    let mut exports = BTreeMap::new();
    for statement in lib.split(';') {
        let Some(at) = statement.find("pub use crate::") else {
            continue;
        };
        let path = statement[at + "pub use crate::".len()..].trim();
        let module = path.split("::").next().unwrap_or_default();
        let names = match path.split_once('{') {
            Some((_, list)) => list.trim_end_matches('}'),
            None => path.rsplit("::").next().unwrap_or_default(),
        };
        for name in names.split(',') {
            exports.insert(name.trim().to_owned(), module.to_owned());
        }
    }
    exports
}

#[test]
fn imports_run_down_the_floors() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let exports = exports(&fs::read_to_string(src.join("lib.rs")).unwrap());
    let mut files = Vec::new();
    sources(&src, &mut files);
    let (mut faults, mut seen) = (Vec::new(), 0);
    for file in files {
        let path = file.strip_prefix(&src).unwrap();
        let owner =
            path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if owner == "lib" {
            continue;
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(module, _)| *module == owner) else {
            faults.push(format!("{}: {owner} has no row in the table", path.display()));
            continue;
        };
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            let Some(module) = module_of(&import, &exports) else {
                // A macro of the crate, or a fixed path inside a macro.
                continue;
            };
            seen += 1;
            if module != owner && !allowed.contains(&module) {
                faults.push(format!("{}: {owner} may not use {import}", path.display()));
            }
            for (who, what) in MUST_NOT {
                // Retry-After is arithmetic on headers, which a handshake answers with too.
                let arithmetic = import.starts_with("transport::http::retry_after");
                if owner == *who && import.starts_with(what) && !arithmetic {
                    faults.push(format!("{}: {owner} must not use {import}", path.display()));
                }
            }
        }
    }
    assert!(seen > 50, "the reader found only {seen} imports");
    assert!(faults.is_empty(), "imports that run up a floor:\n{}", faults.join("\n"));
}

#[test]
fn the_reader_sees_lists_and_paths() {
    let found = imports(
        "use crate::{core::ids, events::Topic};\nfn f() -> crate::Result<()> {}\n// crate::rest::x\n",
    );
    let found: Vec<_> = found.iter().map(String::as_str).collect();
    assert_eq!(found, ["Result", "core::ids", "events::Topic"]);
}

//! The repository: what is read from it, and what is written or compared.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::generate::generate;
use crate::rest::{self, Input};

/// What is to be in the repository.
#[derive(Default)]
struct Wanted {
    files: BTreeMap<PathBuf, String>,
    /// Folders that hold nothing else.
    folders: Vec<PathBuf>,
    summary: String,
}

/// Generates, and writes the files or says which differ.
pub(crate) fn codegen(spec: &Path, rest: Option<&Path>, check: bool) -> Result<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no repository")?;
    let mut wanted = Wanted::default();
    events(root, &read(spec)?, &mut wanted)?;
    if let Some(rest) = rest {
        operations(root, &read(spec)?, &read(rest)?, &mut wanted)?;
    }
    let Wanted { files, folders, summary } = wanted;
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let left: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_file() && !files.contains_key(path))
        .collect();
    if check {
        let stale = files.iter().filter(|(path, text)| read(path).ok().as_ref() != Some(text));
        let stale: Vec<String> = stale
            .map(|(path, _)| path)
            .chain(&left)
            .map(|path| path.display().to_string())
            .collect();
        return match &stale[..] {
            [] => Ok(format!("up to date: {summary}")),
            stale => Err(format!("not what would be generated:\n{}", stale.join("\n"))),
        };
    }
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    for (path, text) in &files {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
        }
        fs::write(path, text).map_err(|error| failed(path, error))?;
    }
    for path in &left {
        fs::remove_file(path).map_err(|error| failed(path, error))?;
    }
    Ok(format!("written: {summary}"))
}

fn events(root: &Path, spec: &str, wanted: &mut Wanted) -> Result<(), String> {
    let names = root.join("xtask/names.txt");
    let output = generate(spec, &read(&names)?, &read(&root.join("xtask/words.txt"))?)?;
    let folder = root.join("src/events/generated");
    for (name, text) in output.files {
        wanted.files.insert(folder.join(name), format(root, &text)?);
    }
    let lines: usize = wanted.files.values().map(|text| text.lines().count()).sum();
    wanted.files.insert(names, output.names);
    wanted.folders.push(folder);
    wanted.summary = format!("{}, {lines} lines", output.summary);
    Ok(())
}

fn operations(root: &Path, topics: &str, rest: &str, wanted: &mut Wanted) -> Result<(), String> {
    // The first run makes the table of names.
    let rest_names = root.join("xtask/rest_names.txt");
    let input = Input {
        topics,
        rest,
        names: &read(&root.join("xtask/names.txt"))?,
        words: &read(&root.join("xtask/words.txt"))?,
        rest_names: &read(&rest_names).unwrap_or_default(),
        rest_words: &read(&root.join("xtask/rest_words.txt"))?,
    };
    let output = rest::generate(&input)?;
    let folder = root.join("src/rest/generated");
    let mut lines = 0;
    for (name, text) in output.files {
        let text = format(root, &text)?;
        lines += text.lines().count();
        wanted.files.insert(folder.join(name), text);
    }
    let tests = root.join("tests/rest_operations");
    let registry = format(root, &output.registry)?;
    wanted.files.insert(tests.join("registry.rs"), registry);
    wanted.files.insert(rest_names, output.names);
    wanted.folders.extend([folder.join("models"), folder]);
    let summary = format!("\nREST, {lines} lines: {}", output.summary);
    wanted.summary.push_str(&summary);
    Ok(())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The text as `rustfmt` writes it with the settings of the repository.
fn format(root: &Path, text: &str) -> Result<String, String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("rustfmt: {error}"))?;
    let mut input = child.stdin.take().ok_or("rustfmt takes no input")?;
    // What rustfmt writes while it still reads would fill the pipe.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(text.as_bytes()));
        child.wait_with_output()
    });
    let output = output.map_err(|error| format!("rustfmt: {error}"))?;
    if !output.status.success() {
        return Err("rustfmt refuses what was generated".to_owned());
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

//! The repository: what is read from it, and what is written or compared.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::generate::generate;

/// Generates, and writes the files or says which differ.
pub(crate) fn codegen(spec: &Path, check: bool) -> Result<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no repository")?;
    let names = root.join("xtask/names.txt");
    let output = generate(&read(spec)?, &read(&names)?, &read(&root.join("xtask/words.txt"))?)?;
    let folder = root.join("src/events/generated");
    let mut wanted: BTreeMap<PathBuf, String> = BTreeMap::new();
    for (name, text) in output.files {
        wanted.insert(folder.join(name), format(root, &text)?);
    }
    let lines: usize = wanted.values().map(|text| text.lines().count()).sum();
    let left: Vec<PathBuf> = fs::read_dir(&folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    let left: Vec<PathBuf> = left.into_iter().filter(|path| !wanted.contains_key(path)).collect();
    wanted.insert(names, output.names);
    let summary = format!("{}, {lines} lines", output.summary);
    if check {
        let stale = wanted.iter().filter(|(path, text)| read(path).ok().as_ref() != Some(text));
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
    fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
    for (path, text) in &wanted {
        fs::write(path, text).map_err(|error| failed(path, error))?;
    }
    for path in &left {
        fs::remove_file(path).map_err(|error| failed(path, error))?;
    }
    Ok(format!("written: {summary}"))
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

//! What is written to standard output: good on a terminal, in a file and in a pipe.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use genesys_cloud::Lifecycle;
use serde::Serialize;

use super::note::Note;

/// Writes a line for people: when, in one word what, and the rest.
pub(crate) fn line(
    mut to: impl Write,
    at: Duration,
    what: &str,
    text: impl fmt::Display,
) -> io::Result<()> {
    writeln!(to, "{:>7.1} s  {what:<12}  {text}", at.as_secs_f64())?;
    to.flush()
}

/// Writes a line of JSON.
pub(crate) fn json(mut to: impl Write, line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    to.write_all(&text)?;
    to.flush()
}

/// A lifecycle item as a line of JSON.
#[derive(Serialize)]
struct Item<'a> {
    kind: &'static str,
    #[serde(flatten)]
    item: &'a Lifecycle,
}

/// Writes what happened to a stream, in words or as JSON.
pub(crate) fn lifecycle(
    to: impl Write,
    at: Duration,
    item: &Lifecycle,
    wants_json: bool,
) -> io::Result<()> {
    if wants_json {
        return json(to, &Item { kind: "lifecycle", item });
    }
    let note = Note::new(at, item);
    line(to, note.at, note.what, note.text)
}

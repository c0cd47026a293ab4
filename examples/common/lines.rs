//! One line of output.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

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

//! What an example writes to standard output: lines for people, or JSON.

use std::fmt::Display;
use std::io::{self, Write, stdout};
use std::time::Instant;

use genesys_cloud::{Delivery, Event, Lifecycle, Typed};
use serde::Serialize;

use super::lines::{self, line};
use super::note::Note;

/// Standard output, in one of two forms. All lines are good on a terminal, in a file and in a pipe.
pub(crate) struct Output {
    wants_json: bool,
    began: Instant,
}

/// A line of JSON.
#[derive(Serialize)]
struct Tagged<'a, T> {
    kind: &'a str,
    #[serde(flatten)]
    body: T,
}

/// What a stream can yield of itself, whatever else it yields.
pub(crate) trait Own {
    /// The lifecycle item, if it is one.
    fn lifecycle(&self) -> Option<&Lifecycle>;
}

impl Own for Event {
    fn lifecycle(&self) -> Option<&Lifecycle> {
        match self {
            Self::Lifecycle(item) => Some(item),
            _ => None,
        }
    }
}

impl<T> Own for Typed<T> {
    fn lifecycle(&self) -> Option<&Lifecycle> {
        match self {
            Self::Lifecycle(item) => Some(item),
            _ => None,
        }
    }
}

impl Output {
    /// Times count from here on.
    pub(crate) fn new(wants_json: bool) -> Self {
        Self { wants_json, began: Instant::now() }
    }

    /// Tells something: a line with the time, what it is in one word and the text, or the object with its `kind`.
    pub(crate) fn tell(
        &self,
        kind: &str,
        text: impl Display,
        body: impl Serialize,
    ) -> io::Result<()> {
        if self.wants_json {
            return lines::json(stdout(), &Tagged { kind, body });
        }
        line(stdout(), self.began.elapsed(), kind, text)
    }

    /// Tells what happened to a stream.
    pub(crate) fn lifecycle(&self, item: &Lifecycle) -> io::Result<()> {
        let note = Note::new(self.began.elapsed(), item);
        let kind = if self.wants_json { "lifecycle" } else { note.what };
        self.tell(kind, note.text, item)
    }

    /// Tells what happened to a stream, if this item says so.
    pub(crate) fn item<E: Own>(&self, delivery: &Delivery<E>) -> io::Result<()> {
        delivery.event.lifecycle().map_or(Ok(()), |item| self.lifecycle(item))
    }

    /// Tells a result: the text as it is, or the object with its `kind`.
    pub(crate) fn result(
        &self,
        kind: &str,
        text: impl Display,
        body: impl Serialize,
    ) -> io::Result<()> {
        if self.wants_json {
            return lines::json(stdout(), &Tagged { kind, body });
        }
        writeln!(stdout(), "{text}")?;
        stdout().flush()
    }
}

//! How values are written, with one copy of the code for each type: see [`read`](super::read).

use std::cell::Cell;
use std::fmt;

use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Number;

use crate::events::extra::Extra;
use crate::events::gaps::Written;
use crate::events::json::Json;
use crate::events::read::Failed;
use crate::events::timestamp::Timestamp;

/// Where one JSON value goes.
pub(crate) trait Sink {
    fn text(&mut self, text: &str) -> Result<(), Failed>;
    fn integer(&mut self, value: i64) -> Result<(), Failed>;
    fn number(&mut self, value: &Number) -> Result<(), Failed>;
    fn boolean(&mut self, value: bool) -> Result<(), Failed>;
    fn json(&mut self, value: &Json) -> Result<(), Failed>;
    fn list(&mut self, values: &mut dyn Iterator<Item = &dyn Write>) -> Result<(), Failed>;
    fn members(
        &mut self,
        members: &mut dyn Iterator<Item = (&str, Option<&dyn Write>)>,
    ) -> Result<(), Failed>;
    /// An object with known fields: each is its value, null when it was so, or nothing.
    fn body(&mut self, body: &dyn Body) -> Result<(), Failed>;
}

/// What can be the value of a field.
pub(crate) trait Write: fmt::Debug {
    fn write(&self, to: &mut dyn Sink) -> Result<(), Failed>;
}

/// An object with known fields, as it is.
pub(crate) trait Body {
    /// The JSON names of the fields.
    fn names(&self) -> &'static [&'static str];
    /// The value of the field with this index, when it is there.
    fn field(&self, index: usize) -> Option<&dyn Write>;
    /// What is kept beside the fields.
    fn extra(&self) -> &Extra;
}

impl Write for Box<str> {
    fn write(&self, to: &mut dyn Sink) -> Result<(), Failed> {
        to.text(self)
    }
}

impl Write for Timestamp {
    fn write(&self, to: &mut dyn Sink) -> Result<(), Failed> {
        to.text(self.as_str())
    }
}

impl Write for i64 {
    fn write(&self, to: &mut dyn Sink) -> Result<(), Failed> {
        to.integer(*self)
    }
}

impl Write for Number {
    fn write(&self, to: &mut dyn Sink) -> Result<(), Failed> {
        to.number(self)
    }
}

impl Write for bool {
    fn write(&self, to: &mut dyn Sink) -> Result<(), Failed> {
        to.boolean(*self)
    }
}

impl Write for Json {
    fn write(&self, to: &mut dyn Sink) -> Result<(), Failed> {
        to.json(self)
    }
}

impl<T: Write> Write for Box<T> {
    fn write(&self, to: &mut dyn Sink) -> Result<(), Failed> {
        (**self).write(to)
    }
}

impl<T: Write> Write for Vec<T> {
    fn write(&self, to: &mut dyn Sink) -> Result<(), Failed> {
        to.list(&mut self.iter().map(|value| value as &dyn Write))
    }
}

/// Writes a value with a serializer.
pub(crate) fn value<S: Serializer>(value: &dyn Write, to: S) -> Result<S::Ok, S::Error> {
    value_with_gaps(value, &Cell::default(), to)
}

fn value_with_gaps<S: Serializer>(
    value: &dyn Write,
    gaps: &Cell<Written<'_>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let mut out = Out { to: Some(to), gaps, done: None };
    // Whether it failed is in what was done.
    let _ = value.write(&mut out);
    out.done.unwrap_or_else(|| Err(S::Error::custom("a value was not written")))
}

/// A value, and the nulls to write into its lists.
struct Erased<'a, 'n>(&'a dyn Write, &'a Cell<Written<'n>>);

impl Serialize for Erased<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        value_with_gaps(self.0, self.1, to)
    }
}

/// A serializer as a sink, and what came of it.
struct Out<'g, 'n, S: Serializer> {
    to: Option<S>,
    gaps: &'g Cell<Written<'n>>,
    done: Option<Result<S::Ok, S::Error>>,
}

impl<S: Serializer> Out<'_, '_, S> {
    fn with(&mut self, write: impl FnOnce(S) -> Result<S::Ok, S::Error>) -> Result<(), Failed> {
        let done = write(self.to.take().ok_or(Failed)?);
        let result = done.as_ref().map(|_| ()).map_err(|_| Failed);
        self.done = Some(done);
        result
    }
}

impl<S: Serializer> Sink for Out<'_, '_, S> {
    fn text(&mut self, text: &str) -> Result<(), Failed> {
        self.with(|to| to.serialize_str(text))
    }

    fn integer(&mut self, value: i64) -> Result<(), Failed> {
        self.with(|to| to.serialize_i64(value))
    }

    fn number(&mut self, value: &Number) -> Result<(), Failed> {
        self.with(|to| value.serialize(to))
    }

    fn boolean(&mut self, value: bool) -> Result<(), Failed> {
        self.with(|to| to.serialize_bool(value))
    }

    fn json(&mut self, value: &Json) -> Result<(), Failed> {
        self.with(|to| value.serialize(to))
    }

    fn list(&mut self, values: &mut dyn Iterator<Item = &dyn Write>) -> Result<(), Failed> {
        let gaps = self.gaps;
        self.with(|to| {
            let mut list = to.serialize_seq(None)?;
            let fill = |list: &mut S::SerializeSeq| {
                let mut at = gaps.get();
                while at.null_is_next() {
                    list.serialize_element(&())?;
                }
                at.step();
                gaps.set(at);
                Ok(())
            };
            for value in values {
                fill(&mut list)?;
                list.serialize_element(&Erased(value, gaps))?;
            }
            fill(&mut list)?;
            list.end()
        })
    }

    fn members(
        &mut self,
        members: &mut dyn Iterator<Item = (&str, Option<&dyn Write>)>,
    ) -> Result<(), Failed> {
        let gaps = self.gaps;
        self.with(|to| {
            to.collect_map(members.map(|(name, value)| (name, value.map(|v| Erased(v, gaps)))))
        })
    }

    fn body(&mut self, body: &dyn Body) -> Result<(), Failed> {
        self.with(|to| {
            let extra = body.extra();
            let mut map = to.serialize_map(None)?;
            for (index, name) in body.names().iter().enumerate() {
                match body.field(index) {
                    Some(value) => {
                        let gaps = Cell::new(Written::new(extra.gaps(index)));
                        map.serialize_entry(name, &Erased(value, &gaps))?;
                    }
                    None if extra.was_null(index) => map.serialize_entry(name, &())?,
                    None => {}
                }
            }
            extra.write(&mut map)?;
            map.end()
        })
    }
}

//! How values are read, with one copy of the code for each type.
//!
//! `Deserialize` is generic over what it reads from and over what it makes: with hundreds of types that is most of the
//! time of a build, and much of a program. Here the reader is behind [`Source`], so that what a type adds is a few
//! calls. There are two sources: [`Cursor`](super::cursor::Cursor), which is fast and gives up on anything unusual, and any
//! deserializer ([`with`](super::serde_source::with)), which says what is wrong.

use serde_json::Number;
use serde_json::value::RawValue;

use crate::events::extra::Extra;
use crate::events::json::Json;
use crate::events::timestamp::Timestamp;

/// The value could not be read or written; why is known to where it came from.
#[derive(Debug)]
pub(crate) struct Failed;

/// One JSON value, to be read once. `None` and `false` stand for null.
pub(crate) trait Source {
    fn text(&mut self) -> Result<Option<&str>, Failed>;
    fn integer(&mut self) -> Result<Option<i64>, Failed>;
    fn number(&mut self) -> Result<Option<Number>, Failed>;
    fn boolean(&mut self) -> Result<Option<bool>, Failed>;
    fn json(&mut self) -> Result<Option<Json>, Failed>;
    /// The elements of a list; each is read, and noted when it was null.
    fn list(&mut self, each: &mut Each<'_>) -> Result<bool, Failed>;
    /// The members of an object whose names are data.
    fn members(&mut self, each: &mut EachMember<'_>) -> Result<bool, Failed>;
    /// An object with known fields.
    fn body(&mut self, body: &mut dyn Fields) -> Result<bool, Failed>;
    /// Notes that the element that was just read is null, and not among the values.
    fn gap(&mut self);
}

pub(crate) type Each<'a> = dyn FnMut(&mut dyn Source) -> Result<(), Failed> + 'a;
pub(crate) type EachMember<'a> = dyn FnMut(Box<str>, &mut dyn Source) -> Result<(), Failed> + 'a;

/// What can be the value of a field.
pub(crate) trait Value: Sized {
    /// Reads the value; `None` when it is null.
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed>;

    /// Reads the value where it stays.
    fn read_boxed(from: &mut dyn Source) -> Result<Option<Box<Self>>, Failed> {
        Ok(Self::read(from)?.map(Box::new))
    }

    /// Reads the value as the next of a list. A null is a gap.
    fn read_next(list: &mut Vec<Self>, from: &mut dyn Source) -> Result<(), Failed> {
        match Self::read(from)? {
            Some(value) => list.push(value),
            None => from.gap(),
        }
        Ok(())
    }
}

/// An object with known fields, while it is read.
pub(crate) trait Fields {
    /// The type's name, for messages.
    fn name(&self) -> &'static str;
    /// The JSON names of the fields.
    fn names(&self) -> &'static [&'static str];
    /// Reads the value of the field with this index; returns whether it was null.
    fn read(&mut self, field: usize, from: &mut dyn Source) -> Result<bool, Failed>;
    /// Where the rest is kept.
    fn extra(&mut self) -> &mut Extra;
}

/// Reads the value of a field; returns whether it was null.
pub(crate) fn field<T: Value>(
    field: &mut Option<T>,
    from: &mut dyn Source,
) -> Result<bool, Failed> {
    *field = T::read(from)?;
    Ok(field.is_none())
}

/// Reads a body as the next of a list, in its place there: bodies are large.
pub(crate) fn next_body<T: Fields + Default>(
    list: &mut Vec<T>,
    from: &mut dyn Source,
) -> Result<(), Failed> {
    if list.len() == list.capacity() {
        // Most lists of bodies are short, and `push` would make room for four.
        list.reserve_exact(list.len().max(1));
    }
    list.push(T::default());
    let there = match list.last_mut() {
        Some(body) => from.body(body)?,
        None => false,
    };
    if !there {
        list.pop();
        from.gap();
    }
    Ok(())
}

impl Value for Box<str> {
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed> {
        Ok(from.text()?.map(Into::into))
    }
}

impl Value for Timestamp {
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed> {
        Ok(from.text()?.map(Into::into))
    }
}

impl Value for i64 {
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed> {
        from.integer()
    }
}

impl Value for Number {
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed> {
        from.number()
    }
}

impl Value for bool {
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed> {
        from.boolean()
    }
}

impl Value for Json {
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed> {
        from.json()
    }

    /// Where anything may be, null is a value.
    fn read_next(list: &mut Vec<Self>, from: &mut dyn Source) -> Result<(), Failed> {
        list.push(from.json()?.unwrap_or_else(|| RawValue::NULL.into()));
        Ok(())
    }
}

impl<T: Value> Value for Box<T> {
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed> {
        T::read_boxed(from)
    }
}

impl<T: Value> Value for Vec<T> {
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed> {
        let mut values = Self::new();
        let there = from.list(&mut |element| T::read_next(&mut values, element))?;
        Ok(there.then_some(values))
    }
}

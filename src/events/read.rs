//! How values are read, with one copy of the code for each type.
//!
//! `Deserialize` is generic over what it reads from and over what it makes: with hundreds of types that is most of the
//! time of a build, and much of a program. Here the reader is behind [`Source`], so that what a type adds is a few
//! calls; only the source itself is generic, over the deserializer.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::events::extra::Extra;
use crate::events::json::Json;
use crate::events::timestamp::Timestamp;

/// The value could not be read or written; why is known to where it came from.
#[derive(Debug)]
pub(crate) struct Failed;

/// One JSON value, to be read once. `None` and `false` stand for null.
pub(crate) trait Source {
    fn text(&mut self, take: &mut dyn FnMut(&str)) -> Result<(), Failed>;
    fn integer(&mut self) -> Result<Option<i64>, Failed>;
    fn number(&mut self) -> Result<Option<Number>, Failed>;
    fn boolean(&mut self) -> Result<Option<bool>, Failed>;
    fn json(&mut self) -> Result<Option<Json>, Failed>;
    /// The elements of a list, none of which is null unless it may be anything.
    fn list(&mut self, each: &mut Each<'_>) -> Result<bool, Failed>;
    /// The members of an object whose names are data.
    fn members(&mut self, each: &mut EachMember<'_>) -> Result<bool, Failed>;
    /// An object with known fields.
    fn body(&mut self, body: &mut dyn Fields) -> Result<bool, Failed>;
}

type Each<'a> = dyn FnMut(&mut dyn Source) -> Result<(), Failed> + 'a;
type EachMember<'a> = dyn FnMut(&str, &mut dyn Source) -> Result<(), Failed> + 'a;

/// What can be the value of a field.
pub(crate) trait Value: Sized {
    /// Reads the value; `None` when it is null.
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed>;

    /// Reads the value where it stays.
    fn read_boxed(from: &mut dyn Source) -> Result<Option<Box<Self>>, Failed> {
        Ok(Self::read(from)?.map(Box::new))
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

impl Value for Box<str> {
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed> {
        let mut value = None;
        from.text(&mut |text| value = Some(text.into()))?;
        Ok(value)
    }
}

impl Value for Timestamp {
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed> {
        let mut value = None;
        from.text(&mut |text| value = Some(text.into()))?;
        Ok(value)
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
}

impl<T: Value> Value for Box<T> {
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed> {
        T::read_boxed(from)
    }
}

impl<T: Value> Value for Vec<T> {
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed> {
        let mut values = Self::new();
        let there = from.list(&mut |element| {
            values.extend(T::read(element)?);
            Ok(())
        })?;
        Ok(there.then_some(values))
    }
}

/// Lets `read` have a deserializer as a source.
pub(crate) fn with<'de, D: Deserializer<'de>, T>(
    from: D,
    read: impl FnOnce(&mut dyn Source) -> Result<T, Failed>,
) -> Result<T, D::Error> {
    let mut one = One { from: Some(from), required: false, error: None };
    read(&mut one).map_err(|Failed| one.into_error())
}

/// Reads a value; null is none.
pub(crate) fn required<'de, D: Deserializer<'de>, T: Value>(from: D) -> Result<T, D::Error> {
    let read = |from: &mut dyn Source| T::read(from)?.ok_or(Failed);
    OneSeed { read, required: true }.deserialize(from)
}

/// Reads an object; null is none.
pub(crate) fn body<'de, D: Deserializer<'de>>(
    from: D,
    body: &mut dyn Fields,
) -> Result<(), D::Error> {
    BodySeed(body).deserialize(from)
}

/// A deserializer as a source.
struct One<'de, D: Deserializer<'de>> {
    from: Option<D>,
    /// Null is an error of the deserializer, which knows where it is.
    required: bool,
    error: Option<D::Error>,
}

impl<'de, D: Deserializer<'de>> One<'de, D> {
    fn read<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Failed> {
        let Some(from) = self.from.take() else { return Err(Failed) };
        let value = if self.required {
            seed.deserialize(from).map(Some)
        } else {
            from.deserialize_option(Maybe(seed))
        };
        value.map_err(|error| {
            self.error = Some(error);
            Failed
        })
    }

    fn into_error(self) -> D::Error {
        self.error.unwrap_or_else(|| D::Error::custom("a value was read twice"))
    }
}

impl<'de, D: Deserializer<'de>> Source for One<'de, D> {
    fn text(&mut self, take: &mut dyn FnMut(&str)) -> Result<(), Failed> {
        self.read(TextSeed(take)).map(|_| ())
    }

    fn integer(&mut self) -> Result<Option<i64>, Failed> {
        self.read(PhantomData)
    }

    fn number(&mut self) -> Result<Option<Number>, Failed> {
        self.read(PhantomData)
    }

    fn boolean(&mut self) -> Result<Option<bool>, Failed> {
        self.read(PhantomData)
    }

    fn json(&mut self) -> Result<Option<Json>, Failed> {
        self.read(PhantomData)
    }

    fn list(&mut self, each: &mut Each<'_>) -> Result<bool, Failed> {
        Ok(self.read(ListSeed(each))?.is_some())
    }

    fn members(&mut self, each: &mut EachMember<'_>) -> Result<bool, Failed> {
        Ok(self.read(MembersSeed(each))?.is_some())
    }

    fn body(&mut self, body: &mut dyn Fields) -> Result<bool, Failed> {
        Ok(self.read(BodySeed(body))?.is_some())
    }
}

/// Null, or what the seed reads.
struct Maybe<S>(S);

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Maybe<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(from).map(Some)
    }
}

struct TextSeed<'a>(&'a mut dyn FnMut(&str));

impl<'de> DeserializeSeed<'de> for TextSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for TextSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        (self.0)(text);
        Ok(())
    }
}

struct ListSeed<'a, 'b>(&'a mut Each<'b>);

impl<'de> DeserializeSeed<'de> for ListSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(OneSeed { read: &mut *self.0, required: true })?.is_some() {}
        Ok(())
    }
}

/// Reads one value by a function.
struct OneSeed<F> {
    read: F,
    required: bool,
}

impl<'de, T, F: FnOnce(&mut dyn Source) -> Result<T, Failed>> DeserializeSeed<'de> for OneSeed<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        let mut one = One { from: Some(from), required: self.required, error: None };
        (self.read)(&mut one).map_err(|Failed| one.into_error())
    }
}

struct MembersSeed<'a, 'b>(&'a mut EachMember<'b>);

impl<'de> DeserializeSeed<'de> for MembersSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MembersSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let MembersSeed(each) = self;
        while let Some(key) = map.next_key_seed(KeySeed { names: &[], next: 0 })? {
            if let Key::Unknown(name) = key {
                let read = |from: &mut dyn Source| each(&name, from);
                map.next_value_seed(OneSeed { read, required: false })?;
            }
        }
        Ok(())
    }
}

struct BodySeed<'a>(&'a mut dyn Fields);

impl<'de> DeserializeSeed<'de> for BodySeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BodySeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object ({})", self.0.name())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let BodySeed(body) = self;
        let names = body.names();
        let mut next = 0;
        while let Some(key) = map.next_key_seed(KeySeed { names, next })? {
            match key {
                Key::Known(field) => {
                    let read = |from: &mut dyn Source| body.read(field, from);
                    let null = map.next_value_seed(OneSeed { read, required: false })?;
                    body.extra().note(field, null);
                    next = field + 1;
                }
                Key::Unknown(name) => {
                    let value: Json = map.next_value()?;
                    body.extra().push(name, value);
                }
            }
        }
        Ok(())
    }
}

enum Key<'de> {
    Known(usize),
    Unknown(Cow<'de, str>),
}

/// Finds a name among the fields, where it is likely first: behind the one before.
struct KeySeed {
    names: &'static [&'static str],
    next: usize,
}

impl KeySeed {
    fn find(&self, name: &str) -> Option<usize> {
        let (before, behind) = self.names.split_at_checked(self.next)?;
        match behind.iter().position(|known| *known == name) {
            Some(at) => Some(before.len() + at),
            None => before.iter().position(|known| *known == name),
        }
    }
}

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(self.find(name).map_or(Key::Unknown(Cow::Borrowed(name)), Key::Known))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.find(name).map_or_else(|| Key::Unknown(Cow::Owned(name.to_owned())), Key::Known))
    }
}

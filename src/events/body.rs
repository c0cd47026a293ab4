//! How a body is read and written: a list of fields, and everything else kept as it was.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};

use crate::events::extra::Extra;
use crate::events::json::Json;

/// A JSON object with known fields; written by [`body!`].
pub(crate) trait Body: Default {
    /// The type's name, for messages.
    const NAME: &'static str;
    /// The JSON names of the fields.
    const FIELDS: &'static [&'static str];
    /// Reads the value of the field with this index; returns whether it was null.
    fn read<'de, A: MapAccess<'de>>(&mut self, field: usize, map: &mut A)
    -> Result<bool, A::Error>;
    /// Where the rest is kept.
    fn extra(&mut self) -> &mut Extra;
}

/// Defines a body: a struct whose fields are all optional, with an `extra` for everything else.
///
/// A field is `name: Type = "jsonName"`. Null and absent fields are both `None` and are written as they were read. There
/// are hundreds of these, so that whatever does not depend on the type is a function called, not code repeated.
macro_rules! body {
    (
        $(#[$doc:meta])*
        pub struct $name:ident {
            $($(#[$field_doc:meta])* $field:ident: $type:ty = $json:literal,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Option<$type>,)*
            /// Members that this version has no field for.
            pub extra: $crate::events::extra::Extra,
        }

        const _: () = {
            use $crate::events::body;

            /// The index of each field has the field's name.
            #[allow(non_camel_case_types)]
            enum Field { $($field,)* }

            const FIELDS: &[&str] = &[$($json),*];
            const _: () = assert!(FIELDS.len() <= $crate::events::extra::FIELDS);

            impl body::Body for $name {
                const NAME: &'static str = stringify!($name);
                const FIELDS: &'static [&'static str] = FIELDS;

                fn read<'de, A: serde::de::MapAccess<'de>>(
                    &mut self,
                    index: usize,
                    map: &mut A,
                ) -> Result<bool, A::Error> {
                    $(if index == Field::$field as usize {
                        return body::value(&mut self.$field, map);
                    })*
                    Ok(false)
                }

                fn extra(&mut self) -> &mut $crate::events::extra::Extra {
                    &mut self.extra
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                    body::read(from)
                }
            }

            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                    let mut map = to.serialize_map(None)?;
                    $(
                        let index = Field::$field as usize;
                        body::write(&mut map, $json, self.$field.as_ref(), &self.extra, index)?;
                    )*
                    self.extra.write(&mut map)?;
                    serde::ser::SerializeMap::end(map)
                }
            }

            impl std::fmt::Debug for $name {
                /// Shows the fields that are there.
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    let fields: &[body::Shown<'_>] = &[
                        $((stringify!($field), self.$field.as_ref().map(|value| value as _)),)*
                    ];
                    body::show(f, stringify!($name), fields, &self.extra)
                }
            }
        };
    };
}
pub(crate) use body;

/// Reads a body.
pub(crate) fn read<'de, T: Body, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_map(BodyVisitor(PhantomData))
}

/// Reads the value of a field; returns whether it is null. One copy for all fields of a type.
#[inline(never)]
pub(crate) fn value<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    field: &mut Option<T>,
    map: &mut A,
) -> Result<bool, A::Error> {
    *field = map.next_value()?;
    Ok(field.is_none())
}

/// Writes a field as it was read: its value, null, or nothing. One copy for all fields of a type.
#[inline(never)]
pub(crate) fn write<M: SerializeMap, T: Serialize>(
    map: &mut M,
    name: &'static str,
    value: Option<&T>,
    extra: &Extra,
    field: usize,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(name, value),
        None if extra.was_null(field) => map.serialize_entry(name, &()),
        None => Ok(()),
    }
}

/// A field for `Debug`: its name, and its value when it is there.
pub(crate) type Shown<'a> = (&'static str, Option<&'a dyn fmt::Debug>);

/// Shows the fields that are there.
pub(crate) fn show(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    fields: &[Shown<'_>],
    extra: &Extra,
) -> fmt::Result {
    let mut out = f.debug_struct(name);
    for (name, value) in fields {
        if let Some(value) = value {
            out.field(name, value);
        }
    }
    if !extra.is_empty() {
        out.field("extra", extra);
    }
    out.finish()
}

struct BodyVisitor<T>(PhantomData<T>);

impl<'de, T: Body> Visitor<'de> for BodyVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object ({})", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut body = T::default();
        let mut next = 0;
        while let Some(key) = map.next_key_seed(KeySeed { fields: T::FIELDS, next })? {
            match key {
                Key::Known(field) => {
                    let null = body.read(field, &mut map)?;
                    body.extra().note(field, null);
                    next = field + 1;
                }
                Key::Unknown(name) => {
                    let value: Json = map.next_value()?;
                    body.extra().push(name, value);
                }
            }
        }
        Ok(body)
    }
}

enum Key<'de> {
    Known(usize),
    Unknown(Cow<'de, str>),
}

/// Finds a name among the fields, where it is likely first: behind the one before.
struct KeySeed {
    fields: &'static [&'static str],
    next: usize,
}

impl KeySeed {
    fn find(&self, name: &str) -> Option<usize> {
        let (before, behind) = self.fields.split_at_checked(self.next)?;
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

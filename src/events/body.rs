//! How a body is read and written: a list of fields, and everything else kept as it was.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::SerializeMap;

use crate::events::extra::Extra;
use crate::events::json::Json;

/// A JSON object with known fields; written by [`body!`].
pub(crate) trait Body: Default {
    /// The type's name, for messages.
    const NAME: &'static str;
    /// Tells the fields apart.
    type Field: Copy;
    /// The field with this JSON name.
    fn field(name: &str) -> Option<Self::Field>;
    /// Reads the field's value; returns the field's index, and whether the value was null.
    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        field: Self::Field,
        map: &mut A,
    ) -> Result<(usize, bool), A::Error>;
    /// Where the rest is kept.
    fn extra(&mut self) -> &mut Extra;
}

/// Defines a body: a struct whose fields are all optional, with an `extra` for everything else.
///
/// A field is `name: Type = "jsonName"`. Null and absent fields are both `None` and are written as they were read.
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

            #[allow(non_camel_case_types)] // A variant has the name of its field.
            #[derive(Clone, Copy)]
            pub(crate) enum Field { $($field,)* }

            const _: () = assert!([$($json),*].len() <= $crate::events::extra::FIELDS);

            impl body::Body for $name {
                const NAME: &'static str = stringify!($name);
                type Field = Field;

                fn field(name: &str) -> Option<Field> {
                    match name {
                        $($json => Some(Field::$field),)*
                        _ => None,
                    }
                }

                fn read<'de, A: serde::de::MapAccess<'de>>(
                    &mut self,
                    field: Field,
                    map: &mut A,
                ) -> Result<(usize, bool), A::Error> {
                    let null = match field {
                        $(Field::$field => {
                            self.$field = map.next_value()?;
                            self.$field.is_none()
                        })*
                    };
                    Ok((field as usize, null))
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
                        let was_null = self.extra.was_null(Field::$field as usize);
                        body::write(&mut map, $json, self.$field.as_ref(), was_null)?;
                    )*
                    self.extra.write(&mut map)?;
                    serde::ser::SerializeMap::end(map)
                }
            }

            impl std::fmt::Debug for $name {
                /// Shows the fields that are there.
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    let mut out = f.debug_struct(stringify!($name));
                    $(if let Some(value) = &self.$field {
                        out.field(stringify!($field), value);
                    })*
                    if !self.extra.is_empty() {
                        out.field("extra", &self.extra);
                    }
                    out.finish()
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

/// Writes a field as it was read: its value, null, or nothing.
pub(crate) fn write<M: SerializeMap, T: Serialize>(
    map: &mut M,
    name: &'static str,
    value: Option<&T>,
    was_null: bool,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(name, value),
        None if was_null => map.serialize_entry(name, &()),
        None => Ok(()),
    }
}

struct BodyVisitor<T>(PhantomData<T>);

impl<'de, T: Body> Visitor<'de> for BodyVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object ({})", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut body = T::default();
        while let Some(key) = map.next_key_seed(KeySeed::<T>(PhantomData))? {
            match key {
                Key::Known(field) => {
                    let (index, null) = body.read(field, &mut map)?;
                    body.extra().note(index, null);
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

enum Key<'de, F> {
    Known(F),
    Unknown(Cow<'de, str>),
}

struct KeySeed<T>(PhantomData<T>);

impl<'de, T: Body> DeserializeSeed<'de> for KeySeed<T> {
    type Value = Key<'de, T::Field>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl<'de, T: Body> Visitor<'de> for KeySeed<T> {
    type Value = Key<'de, T::Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(T::field(name).map_or(Key::Unknown(Cow::Borrowed(name)), Key::Known))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(T::field(name).map_or_else(|| Key::Unknown(Cow::Owned(name.to_owned())), Key::Known))
    }
}

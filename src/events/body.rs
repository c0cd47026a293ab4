//! What a body is: a list of fields, and everything else kept as it was.

use std::fmt;

use crate::events::extra::Extra;

/// Defines a body: a struct whose fields are all optional, with an `extra` for everything else.
///
/// A field is `name: Type = "jsonName"`. Null and absent fields are both `None` and are written as they were read. There
/// are hundreds of these: what does not depend on the type is a function called, not code repeated.
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
            use $crate::events::{body, read, write};

            /// The index of each field has the field's name.
            #[allow(non_camel_case_types)]
            enum Field { $($field,)* }

            const NAMES: &[&str] = &[$($json),*];

            impl read::Fields for $name {
                fn name(&self) -> &'static str {
                    stringify!($name)
                }

                fn names(&self) -> &'static [&'static str] {
                    NAMES
                }

                fn read(
                    &mut self,
                    index: usize,
                    from: &mut dyn read::Source,
                ) -> Result<bool, read::Failed> {
                    $(if index == Field::$field as usize {
                        return read::field(&mut self.$field, from);
                    })*
                    Ok(false)
                }

                fn extra(&mut self) -> &mut $crate::events::extra::Extra {
                    &mut self.extra
                }
            }

            impl read::Value for $name {
                fn read(from: &mut dyn read::Source) -> Result<Option<Self>, read::Failed> {
                    let mut body = Self::default();
                    Ok(from.body(&mut body)?.then_some(body))
                }

                fn read_boxed(
                    from: &mut dyn read::Source,
                ) -> Result<Option<Box<Self>>, read::Failed> {
                    let mut body = Box::<Self>::default();
                    Ok(from.body(&mut *body)?.then_some(body))
                }
            }

            impl write::Write for $name {
                fn write(&self, to: &mut dyn write::Sink) -> Result<(), read::Failed> {
                    let fields: &[write::Field<'_>] =
                        &[$(($json, self.$field.as_ref().map(|value| value as _)),)*];
                    to.body(fields, &self.extra)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                    let mut body = Self::default();
                    read::body(from, &mut body)?;
                    Ok(body)
                }
            }

            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                    write::value(self, to)
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

//! What a body is: a list of fields, and everything else kept as it was.

use std::fmt;

use crate::events::write::Body;

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
            use $crate::events::{body, read, serde_source, write};

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

                fn read_next(
                    list: &mut Vec<Self>,
                    from: &mut dyn read::Source,
                ) -> Result<(), read::Failed> {
                    read::next_body(list, from)
                }
            }

            impl write::Body for $name {
                fn names(&self) -> &'static [&'static str] {
                    NAMES
                }

                fn field(&self, index: usize) -> Option<&dyn write::Write> {
                    $(if index == Field::$field as usize {
                        return self.$field.as_ref().map(|value| value as _);
                    })*
                    None
                }

                fn extra(&self) -> &$crate::events::extra::Extra {
                    &self.extra
                }
            }

            impl write::Write for $name {
                fn write(&self, to: &mut dyn write::Sink) -> Result<(), read::Failed> {
                    to.body(self)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                    let mut body = Self::default();
                    serde_source::body(from, &mut body)?;
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
                    body::show(f, stringify!($name), &[$(stringify!($field)),*], self)
                }
            }
        };
    };
}
pub(crate) use body;

/// Shows the fields that are there; `names` are the names that they have in Rust.
pub(crate) fn show(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    names: &[&str],
    body: &dyn Body,
) -> fmt::Result {
    let mut out = f.debug_struct(name);
    for (index, name) in names.iter().enumerate() {
        if let Some(value) = body.field(index) {
            out.field(name, &value);
        }
    }
    if !body.extra().is_empty() {
        out.field("extra", body.extra());
    }
    out.finish()
}

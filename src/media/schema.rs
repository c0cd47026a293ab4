//! Which fields an object must have, and of which types.

use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::problem::Problem;
use crate::error::{Error, Result};

/// Fields of one object that a schema can name.
const FIELDS: usize = 128;

/// The type of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum JsonType {
    /// A string.
    String,
    /// A number.
    Number,
    /// A number without a fraction or an exponent.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// An object.
    Object,
    /// A list.
    Array,
    /// `null`.
    Null,
    /// Anything but `null`.
    Any,
}

impl JsonType {
    /// The type of a value, from its text.
    fn of(text: &str) -> Self {
        match text.as_bytes().first() {
            Some(b'"') => Self::String,
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'n') => Self::Null,
            _ if text.contains(['.', 'e', 'E']) => Self::Number,
            _ => Self::Integer,
        }
    }

    /// Whether a value of type `found` will do.
    fn admits(self, found: Self) -> bool {
        match self {
            Self::Any => found != Self::Null,
            Self::Number => matches!(found, Self::Number | Self::Integer),
            _ => self == found,
        }
    }
}

impl fmt::Display for JsonType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "a string",
            Self::Number => "a number",
            Self::Integer => "an integer",
            Self::Boolean => "a boolean",
            Self::Object => "an object",
            Self::Array => "a list",
            Self::Null => "null",
            Self::Any => "a value",
        })
    }
}

/// Which fields the JSON of a frame must have, and of which types. Fields that it does not name may be there.
///
/// ```
/// use genesys_cloud::media::{JsonType, Schema};
///
/// let schema = Schema::new()
///     .required("id", JsonType::String)
///     .required("routing.queueId", JsonType::String)
///     .optional("routing.priority", JsonType::Integer);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: Box<str>,
    kind: JsonType,
    required: bool,
    inner: Schema,
}

impl Schema {
    /// A schema that every object fits.
    pub fn new() -> Self {
        Self::default()
    }

    /// A field that must be there and must not be null. A dot leads into an object, which then must be there too.
    pub fn required(mut self, path: &str, kind: JsonType) -> Self {
        self.put(path, kind, true);
        self
    }

    /// A field that may be absent or null, and otherwise has this type.
    pub fn optional(mut self, path: &str, kind: JsonType) -> Self {
        self.put(path, kind, false);
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    fn put(&mut self, path: &str, kind: JsonType, required: bool) {
        let (name, rest) = path.split_once('.').map_or((path, None), |(n, rest)| (n, Some(rest)));
        let index = self.fields.iter().position(|field| &*field.name == name);
        let index = index.unwrap_or_else(|| {
            let inner = Self::default();
            let kind = JsonType::Object;
            self.fields.push(Field { name: name.into(), kind, required: false, inner });
            self.fields.len() - 1
        });
        let Some(field) = self.fields.get_mut(index) else { return };
        field.required |= required;
        match rest {
            Some(rest) => {
                field.kind = JsonType::Object;
                field.inner.put(rest, kind, required);
            }
            None => field.kind = kind,
        }
    }

    /// Whether it can be used.
    pub(super) fn check(&self) -> Result<()> {
        if self.fields.len() > FIELDS {
            return Err(Error::config(format!(
                "a schema names {} fields of one object and can name {FIELDS}",
                self.fields.len()
            )));
        }
        for field in &self.fields {
            if field.name.is_empty() {
                return Err(Error::config("a path of a schema has an empty name"));
            }
            if !field.inner.is_empty() && field.kind != JsonType::Object {
                return Err(Error::config(format!(
                    "a schema says of {} both that it is {} and that it has members",
                    field.name, field.kind
                )));
            }
            field.inner.check()?;
        }
        Ok(())
    }

    /// Walks an object once: whether it is valid JSON, and whether it fits.
    ///
    /// # Errors
    /// The text is not a JSON object.
    pub(super) fn walk(&self, text: &str, problems: &mut Vec<Problem>) -> serde_json::Result<()> {
        let mut from = serde_json::Deserializer::from_str(text);
        (&mut from).deserialize_map(Walk { schema: self, prefix: "", problems })?;
        from.end()
    }
}

struct Walk<'s, 'p> {
    schema: &'s Schema,
    /// The path of the object, with a dot at its end.
    prefix: &'p str,
    problems: &'p mut Vec<Problem>,
}

impl Walk<'_, '_> {
    fn path(&self, field: &Field) -> Box<str> {
        format!("{}{}", self.prefix, field.name).into()
    }

    fn field<E: serde::de::Error>(&mut self, field: &Field, text: &str) -> Result<(), E> {
        let found = JsonType::of(text);
        if found == JsonType::Null && !field.required {
            return Ok(());
        }
        if !field.kind.admits(found) {
            let path = self.path(field);
            self.problems.push(Problem::WrongType { path, expected: field.kind, found });
        } else if !field.inner.is_empty() {
            let prefix = format!("{}{}.", self.prefix, field.name);
            let inner =
                Walk { schema: &field.inner, prefix: &prefix, problems: &mut *self.problems };
            let mut from = serde_json::Deserializer::from_str(text);
            from.deserialize_map(inner).map_err(E::custom)?;
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut seen: u128 = 0;
        let fields = &self.schema.fields;
        while let Some(index) = map.next_key_seed(NameSeed(fields))? {
            // The first of two equal names counts.
            match index.and_then(|index| Some((index, fields.get(index)?))) {
                Some((index, field)) if seen & (1 << index) == 0 => {
                    seen |= 1 << index;
                    let value = map.next_value::<&RawValue>()?;
                    self.field(field, value.get())?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        for (index, field) in fields.iter().enumerate() {
            if field.required && seen & (1 << index) == 0 {
                let path = self.path(field);
                self.problems.push(Problem::Missing { path });
            }
        }
        Ok(())
    }
}

/// What has a name that a key can be compared with.
pub(super) trait Named {
    fn name(&self) -> &str;
}

impl Named for Field {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for &str {
    fn name(&self) -> &str {
        self
    }
}

/// Finds a key among names, without a copy of it.
pub(super) struct NameSeed<'n, N>(pub(super) &'n [N]);

impl<'de, N: Named> DeserializeSeed<'de> for NameSeed<'_, N> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl<N: Named> Visitor<'_> for NameSeed<'_, N> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| known.name() == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(schema: &Schema, text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        schema.walk(text, &mut problems).unwrap();
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_type_admits_its_own_values() {
        let values = [
            ("\"a\"", JsonType::String),
            ("1", JsonType::Integer),
            ("-1.5", JsonType::Number),
            ("1e3", JsonType::Number),
            ("true", JsonType::Boolean),
            ("{}", JsonType::Object),
            ("[]", JsonType::Array),
            ("null", JsonType::Null),
        ];
        for (text, kind) in values {
            assert_eq!(JsonType::of(text), kind, "{text}");
            let found = problems(&Schema::new().required("a", kind), &format!("{{\"a\":{text}}}"));
            assert_eq!(found, [""; 0], "{text}");
            let any = problems(
                &Schema::new().required("a", JsonType::Any),
                &format!("{{\"a\" : {text} }}"),
            );
            assert_eq!(any.is_empty(), kind != JsonType::Null, "{text}");
        }
        let number = Schema::new().required("a", JsonType::Number);
        assert_eq!(problems(&number, "{\"a\":1}"), [""; 0], "an integer is a number");
    }

    #[test]
    fn what_is_wrong_is_named_by_its_path() {
        let schema = Schema::new()
            .required("id", JsonType::String)
            .required("routing.queue.id", JsonType::String)
            .optional("routing.priority", JsonType::Integer);
        assert_eq!(problems(&schema, "{}"), ["id is missing", "routing is missing"]);
        assert_eq!(
            problems(&schema, r#"{"id":null,"routing":{"queue":{"id":[]},"priority":1.5}}"#),
            [
                "id is null and must be a string",
                "routing.queue.id is a list and must be a string",
                "routing.priority is a number and must be an integer",
            ]
        );
        assert_eq!(
            problems(&schema, r#"{"routing":{"priority":null,"queue":7},"id":"a"}"#),
            ["routing.queue is an integer and must be an object"]
        );
        assert_eq!(
            problems(&schema, r#"{"id":"a","id":1,"routing":{"queue":{"id":""}}}"#),
            [""; 0],
            "the first of two counts"
        );
    }

    #[test]
    fn a_fault_behind_the_last_field_is_found() {
        let schema = Schema::new().required("id", JsonType::String);
        for text in ["", "[]", r#"{"id":"a""#, r#"{"id":"a"}x"#, r#"{"id":"a","b":[1,]}"#] {
            assert!(schema.walk(text, &mut Vec::new()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_schema_that_contradicts_itself_is_refused() {
        let both = Schema::new().required("a.b", JsonType::String).required("a", JsonType::Integer);
        assert!(both.check().unwrap_err().to_string().contains("has members"));
        assert!(Schema::new().required("a..b", JsonType::Any).check().is_err());
        let many = (0..=FIELDS).fold(Schema::new(), |schema, number| {
            schema.optional(&number.to_string(), JsonType::Any)
        });
        assert!(many.check().is_err());
    }
}

//! Reading a body; a list that is one may have nulls in it.
//!
//! The lists in a body leave nulls out. A body that is a list has no type of ours around it that could do so, and a `Vec`
//! of something refuses them: it is read again without, and only then.

use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, SeqAccess, Visitor};
/// Reads a body into a type. Of a body that is a list, nulls are left out if the type has no place for them.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(body).or_else(|error| {
        let is_list = body.trim_ascii_start().starts_with(b"[");
        if error.is_data() && is_list && body.windows(4).any(|word| word == b"null") {
            without_nulls(body)
        } else {
            Err(error)
        }
    })
}

fn without_nulls<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = T::deserialize(List(&mut reader))?;
    reader.end()?;
    Ok(value)
}

/// A deserializer of which a list has no nulls.
struct List<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for List<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_seq(Elements(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// Shows a visitor the elements that are not null.
struct Elements<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Elements<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(NotNull(list))
    }
}

struct NotNull<A>(A);

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for NotNull<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        mut seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        loop {
            match self.0.next_element_seed(Element(seed))? {
                None => return Ok(None),
                Some(Found::Value(value)) => return Ok(Some(value)),
                Some(Found::Null(again)) => seed = again,
            }
        }
    }
}

/// Reads an element, or gives the seed back for the next one.
struct Element<S>(S);

enum Found<T, S> {
    Value(T),
    Null(S),
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Element<S> {
    type Value = Found<S::Value, S>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_option(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Element<S> {
    type Value = Found<S::Value, S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an element or null")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Found::Null(self.0))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Found::Null(self.0))
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(from).map(Found::Value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn nulls_in_a_list_that_is_the_body_are_left_out_where_the_type_has_no_place_for_them() {
        assert_eq!(read::<Vec<u32>>(b" [null, 1, null,2,null]").unwrap(), [1, 2]);
        assert!(read::<Vec<Box<str>>>(b"[null]").unwrap().is_empty());
        assert_eq!(read::<Vec<Option<u32>>>(b"[null, 1]").unwrap(), [None, Some(1)]);
        assert_eq!(read::<Value>(b"[null, 1]").unwrap(), serde_json::json!([null, 1]));
        assert_eq!(read::<Vec<Value>>(b"[null]").unwrap(), [Value::Null]);
    }

    #[test]
    fn what_else_is_wrong_has_its_own_place() {
        for (body, column) in [("[null, 1, \"two\"]", 15), ("[null, [1]]", 7), ("[1, nulll]", 9)] {
            let error = read::<Vec<u32>>(body.as_bytes()).unwrap_err();
            assert_eq!(error.column(), column, "{body}: {error}");
        }
        assert!(read::<Vec<u32>>(b"null").is_err());
        assert!(read::<Vec<u32>>(b"{\"a\":null}").is_err());
        assert!(read::<Vec<u32>>(b"[null] [1]").is_err());
        assert!(read::<Vec<u32>>(b"[null").unwrap_err().is_eof());
    }
}

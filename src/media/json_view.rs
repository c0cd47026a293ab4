//! JSON that is known to be valid, read where it lies.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use tungstenite::Utf8Bytes;

use crate::error::{Error, ErrorKind, Result};

/// The JSON of a frame: known to be valid, and in the same allocation as the frame's payload.
///
/// Members are read when they are asked for, so that a frame costs only what is wanted of it. `Debug` shows the length.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonView(Utf8Bytes);

impl JsonView {
    /// `text` must be valid JSON.
    pub(super) fn new(text: Utf8Bytes) -> Self {
        Self(text)
    }

    /// The text, as it was received.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The value as a type of your own, or as [`serde_json::Value`].
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when it does not fit.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.as_str()).map_err(|error| {
            Error::new(ErrorKind::Decode, "frame does not have the type asked for")
                .with_source(error)
                .with_body(self.as_str().as_bytes())
        })
    }

    /// The text of a member, such as `"q1"` with its quotes; a dot leads into an object: `routing.queueId`.
    ///
    /// When a name occurs twice, the first counts.
    pub fn member(&self, path: &str) -> Option<&str> {
        at_path(self.as_str(), path)
    }
}

impl fmt::Debug for JsonView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonView({} bytes)", self.as_str().len())
    }
}

/// The text of the member at a dotted path of valid JSON.
pub(super) fn at_path<'a>(text: &'a str, path: &str) -> Option<&'a str> {
    path.split('.').try_fold(text, |text, name| member(text, name).ok()?)
}

/// The value of the string that a JSON text is.
pub(super) fn string(text: &str) -> Option<std::borrow::Cow<'_, str>> {
    if let Some(plain) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'))
        && !plain.contains('\\')
    {
        return Some(plain.into());
    }
    serde_json::from_str::<String>(text).ok().map(Into::into)
}

/// The text of a member of an object; the whole text is walked, so that it is valid JSON when this is no error.
pub(super) fn member<'a>(text: &'a str, name: &str) -> serde_json::Result<Option<&'a str>> {
    let mut from = serde_json::Deserializer::from_str(text);
    let found = from.deserialize_map(Find(name))?;
    from.end()?;
    Ok(found.map(RawValue::get))
}

struct Find<'n>(&'n str);

impl<'de> Visitor<'de> for Find<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(index) = map.next_key_seed(super::schema::NameSeed(&[self.0]))? {
            if index.is_some() && found.is_none() {
                found = Some(map.next_value::<&RawValue>()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(text: &'static str) -> JsonView {
        JsonView::new(Utf8Bytes::from_static(text))
    }

    #[test]
    fn members_are_found_by_path_and_the_first_of_two_counts() {
        let json = view(r#"{"a":{"b":[1, 2],"b":3},"q\"":"x","n":null}"#);
        assert_eq!(json.member("a.b"), Some("[1, 2]"));
        assert_eq!(json.member("q\""), Some("\"x\""));
        assert_eq!(json.member("n"), Some("null"));
        assert_eq!(json.member("n.x"), None);
        assert_eq!(json.member("a.c"), None);
        assert_eq!(json.member(""), None);
    }

    #[test]
    fn a_type_of_ones_own_is_parsed_and_a_wrong_one_says_so() {
        let json = view(r#"{"id":7}"#);
        assert_eq!(json.parse::<serde_json::Value>().unwrap()["id"], 7);
        assert_eq!(json.parse::<Vec<u8>>().unwrap_err().kind(), ErrorKind::Decode);
    }

    #[test]
    fn a_string_is_unescaped() {
        assert_eq!(string(r#""a\u0062""#).as_deref(), Some("ab"));
        assert_eq!(string(r#""plain""#).as_deref(), Some("plain"));
        assert_eq!(string("17"), None);
    }
}

//! JSON that has no type of its own, kept as text.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::error::{Error, ErrorKind, Result};

/// A JSON value as it was received: numbers keep their digits, however many.
///
/// It is always on one line. Two values are equal when their texts are.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Keeps a value. A line break in JSON is always white space (inside a string it is escaped), and becomes a space.
    pub(crate) fn new(value: Box<RawValue>) -> Self {
        let text = value.get();
        if !text.as_bytes().contains(&b'\n') && !text.as_bytes().contains(&b'\r') {
            return Self(value);
        }
        let line = RawValue::from_string(text.replace(['\n', '\r'], " "));
        Self(line.unwrap_or(value))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The value as a type of your own.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when it does not fit.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.as_str()).map_err(|error| {
            Error::new(ErrorKind::Decode, "value does not have the type asked for")
                .with_source(error)
                .with_body(self.as_str().as_bytes())
        })
    }

    pub(crate) fn into_raw(self) -> Box<RawValue> {
        self.0
    }
}

impl From<&RawValue> for Json {
    fn from(value: &RawValue) -> Self {
        Self::new(value.to_owned())
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        // A value that is in memory can always be written.
        Self::new(to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        Box::<RawValue>::deserialize(from).map(Self::new)
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Json {}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_between_members_becomes_a_space() {
        let json: Json = serde_json::from_str("{\"a\":\r\n \"x\\ny\"}").unwrap();
        assert_eq!(json.as_str(), "{\"a\":   \"x\\ny\"}");
    }

    #[test]
    fn digits_survive() {
        let text = "[1.0,1e2,123456789012345678901234567890,-0,0.10]";
        let json: Json = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&json).unwrap(), text);
        assert_eq!(json.parse::<Vec<f64>>().unwrap().len(), 5);
        assert_eq!(json.parse::<bool>().unwrap_err().kind(), ErrorKind::Decode);
    }

    #[test]
    fn a_value_is_kept_as_it_is_written() {
        let value = serde_json::json!({ "a": [1, null, "x\ny"] });
        assert_eq!(Json::from(&value).as_str(), value.to_string());
    }
}

//! A JSON object whose names are data: attributes, statistics, parameters.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::events::read::{Failed, Source, Value};
use crate::events::write::{Sink, Write};

/// The members of a JSON object, in the order in which they came.
///
/// A member that is null is kept: [`get`](Self::get) passes over it, [`iter`](Self::iter) shows it.
#[derive(Clone, PartialEq)]
pub struct Members<T>(Vec<(Box<str>, Option<T>)>);

impl<T> Members<T> {
    /// The value with this name; the last one when the name occurs twice.
    pub fn get(&self, name: &str) -> Option<&T> {
        let found = self.0.iter().rev().find(|(known, _)| **known == *name);
        found.and_then(|(_, value)| value.as_ref())
    }

    /// Every name with its value, `None` for null.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&T>)> {
        self.0.iter().map(|(name, value)| (&**name, value.as_ref()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<N: Into<Box<str>>, T> FromIterator<(N, T)> for Members<T> {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(members: I) -> Self {
        let members = members.into_iter();
        Self(members.map(|(name, value)| (name.into(), Some(value))).collect())
    }
}

impl<T: fmt::Debug> fmt::Debug for Members<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<T: Value> Value for Members<T> {
    fn read(from: &mut dyn Source) -> Result<Option<Self>, Failed> {
        let mut members = Vec::new();
        let there = from.members(&mut |name, value| {
            members.push((name, T::read(value)?));
            Ok(())
        })?;
        Ok(there.then_some(Self(members)))
    }
}

impl<T: Write> Write for Members<T> {
    fn write(&self, to: &mut dyn Sink) -> Result<(), Failed> {
        let member = |(name, value)| (name, Option::map(value, |value: &T| value as &dyn Write));
        to.members(&mut self.iter().map(member))
    }
}

impl<T: Serialize> Serialize for Members<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(MembersVisitor(PhantomData))
    }
}

struct MembersVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MembersVisitor<T> {
    type Value = Members<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<T>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_order_and_repeated_names_survive() {
        let text = r#"{"b":"1","a":null,"b":"2"}"#;
        let members: Members<Box<str>> = serde_json::from_str(text).unwrap();
        assert_eq!(members.get("b").map(|v| &**v), Some("2"));
        assert_eq!((members.get("a"), members.len()), (None, 3));
        assert_eq!(serde_json::to_string(&members).unwrap(), text);
    }
}

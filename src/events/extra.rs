//! What a body held beside its fields: members this version does not know, and nulls.

use std::fmt;

use serde::ser::SerializeMap;

use crate::events::json::Json;

/// Fields of a body that are told apart as null without an allocation.
const FIELDS: usize = 128;

/// The members of a body that this version has no field for, as they were received.
///
/// It also remembers which fields were `null` rather than absent, so that a body is written as it was read. Costs no
/// allocation while there is nothing to keep.
#[derive(Clone, Default, PartialEq)]
pub struct Extra {
    nulls: [u32; FIELDS / 32],
    unknown: Option<Box<Unknown>>,
}

#[derive(Clone, Default, PartialEq)]
struct Unknown {
    members: Vec<(Box<str>, Json)>,
    /// Fields from [`FIELDS`] on that were null.
    far_nulls: Vec<usize>,
}

impl Extra {
    /// The value of a member that has no field; the last one when the name occurs twice.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.members().iter().rev().find(|(known, _)| **known == *name).map(|(_, value)| value)
    }

    /// The members that have no field, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.members().iter().map(|(name, value)| (&**name, value))
    }

    /// How many members have no field.
    pub fn len(&self) -> usize {
        self.members().len()
    }

    /// Whether every member had a field.
    pub fn is_empty(&self) -> bool {
        self.members().is_empty()
    }

    fn members(&self) -> &[(Box<str>, Json)] {
        self.unknown.as_deref().map_or(&[], |unknown| &unknown.members)
    }

    pub(crate) fn push(&mut self, name: impl Into<Box<str>>, value: Json) {
        let unknown = self.unknown.get_or_insert_default();
        unknown.members.push((name.into(), value));
    }

    /// Notes whether a field was null when it was last read.
    pub(crate) fn note(&mut self, field: usize, null: bool) {
        if let Some(word) = self.nulls.get_mut(field / 32) {
            let bit = 1 << (field % 32);
            if null {
                *word |= bit;
            } else {
                *word &= !bit;
            }
        } else {
            self.note_far(field, null);
        }
    }

    fn note_far(&mut self, field: usize, null: bool) {
        if null && !self.was_null(field) {
            self.unknown.get_or_insert_default().far_nulls.push(field);
        } else if let (false, Some(unknown)) = (null, &mut self.unknown) {
            unknown.far_nulls.retain(|other| *other != field);
            if *unknown == Box::default() {
                self.unknown = None;
            }
        }
    }

    pub(crate) fn was_null(&self, field: usize) -> bool {
        match self.nulls.get(field / 32) {
            Some(word) => word & (1 << (field % 32)) != 0,
            None => self.unknown.as_ref().is_some_and(|unknown| unknown.far_nulls.contains(&field)),
        }
    }

    pub(crate) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_two_equal_names_counts_and_both_are_kept() {
        let mut extra = Extra::default();
        for text in ["1", "2"] {
            extra.push("a", serde_json::from_str(text).unwrap());
        }
        assert_eq!(extra.get("a").unwrap().as_str(), "2");
        assert_eq!((extra.len(), extra.get("b").is_none()), (2, true));
    }

    #[test]
    fn a_null_that_is_followed_by_a_value_is_no_longer_null() {
        let mut extra = Extra::default();
        extra.note(100, true);
        assert!(extra.was_null(100) && !extra.was_null(99));
        extra.note(100, false);
        assert_eq!(extra, Extra::default());
        extra.note(FIELDS, true);
        assert!(extra.was_null(FIELDS) && !extra.was_null(FIELDS + 1));
        assert!(extra.is_empty());
        extra.note(FIELDS, false);
        assert_eq!(extra, Extra::default());
    }
}

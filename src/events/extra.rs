//! What a body held beside its fields: members this version does not know, and nulls.

use std::fmt;

use serde::ser::SerializeMap;

use crate::events::gaps::Gaps;
use crate::events::json::Json;

/// Fields of a body that are told apart as null without an allocation.
const FIELDS: usize = 128;

/// The members of a body that this version has no field for, as they were received.
///
/// It also remembers which fields were `null` rather than absent, and where nulls were in lists, so that a body is
/// written as it was read. Costs no allocation while there is nothing to keep.
#[derive(Clone, Default, PartialEq)]
pub struct Extra {
    nulls: [u32; FIELDS / 32],
    unknown: Option<Box<Unknown>>,
}

#[derive(Clone, Default, PartialEq)]
struct Unknown {
    members: Vec<(Box<str>, Json)>,
    /// Fields from [`FIELDS`] on that were null, in their order.
    far_nulls: Vec<usize>,
    gaps: Vec<(usize, Box<[u32]>)>,
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

    /// Notes whether a field was null when it was last read, and where nulls were in its lists.
    pub(crate) fn note(&mut self, field: usize, null: bool, gaps: &mut Gaps) {
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
        if let Some(unknown) = &mut self.unknown {
            unknown.gaps.retain(|(other, _)| *other != field);
        }
        if !gaps.is_empty() {
            self.unknown.get_or_insert_default().gaps.push((field, gaps.take()));
        }
        // Equal to one that never had anything to keep.
        self.unknown.take_if(|unknown| **unknown == Unknown::default());
    }

    fn note_far(&mut self, field: usize, null: bool) {
        if null {
            let nulls = &mut self.unknown.get_or_insert_default().far_nulls;
            if let Err(place) = nulls.binary_search(&field) {
                nulls.insert(place, field);
            }
        } else if let Some(unknown) = &mut self.unknown {
            unknown.far_nulls.retain(|other| *other != field);
        }
    }

    /// Where nulls were in the lists of a field.
    pub(crate) fn gaps(&self, field: usize) -> &[u32] {
        let all = self.unknown.as_deref().map_or(&[][..], |unknown| &unknown.gaps);
        all.iter().find(|(other, _)| *other == field).map_or(&[], |(_, gaps)| gaps)
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
        let none = &mut Gaps::default();
        extra.note(100, true, none);
        assert!(extra.was_null(100) && !extra.was_null(99));
        extra.note(100, false, none);
        assert_eq!(extra, Extra::default());
        extra.note(FIELDS, true, none);
        assert!(extra.was_null(FIELDS) && !extra.was_null(FIELDS + 1));
        assert!(extra.is_empty());
        extra.note(FIELDS, false, none);
        assert_eq!(extra, Extra::default());
    }

    #[test]
    fn fields_far_behind_keep_the_nulls_of_their_lists_too() {
        let mut extra = Extra::default();
        let with_a_null = || {
            let mut gaps = Gaps::default();
            gaps.step();
            gaps.note();
            gaps
        };
        extra.note(FIELDS, false, &mut with_a_null());
        assert_eq!((extra.gaps(FIELDS), extra.was_null(FIELDS)), (&[0][..], false));
        // A null elsewhere, and its end, leave them there.
        let none = &mut Gaps::default();
        extra.note(FIELDS + 2, true, none);
        extra.note(FIELDS + 1, true, none);
        extra.note(FIELDS + 2, false, none);
        assert_eq!(extra.gaps(FIELDS), [0]);
        assert!(extra.was_null(FIELDS + 1) && !extra.was_null(FIELDS + 2));
        extra.note(FIELDS + 1, false, none);
        extra.note(FIELDS, false, none);
        assert_eq!(extra, Extra::default());
    }

    #[test]
    fn nulls_far_behind_are_equal_whatever_the_order_in_which_they_came() {
        let none = &mut Gaps::default();
        let [mut one, mut other] = [Extra::default(), Extra::default()];
        for (field, mirrored) in [(FIELDS, FIELDS + 9), (FIELDS + 9, FIELDS)] {
            one.note(field, true, none);
            other.note(mirrored, true, none);
        }
        assert_eq!(one, other);
    }
}

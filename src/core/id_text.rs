//! How ids are written: the platform's UUIDs with or without hyphens, in any case.

use std::borrow::Cow;

/// Hexadecimal digits of a UUID.
const DIGITS: usize = 32;
/// Where the platform writes hyphens, counted in digits.
const HYPHENS: [usize; 4] = [8, 12, 16, 20];

/// What an id is compared by: its bytes without hyphens, in lower case.
fn plain(id: &str) -> impl Iterator<Item = u8> {
    id.bytes().filter(|byte| *byte != b'-').map(|byte| byte.to_ascii_lowercase())
}

/// An id as the platform spells it, `None` when it is no UUID: 32 hexadecimal digits with the usual hyphens or none.
pub(crate) fn uuid(id: &str) -> Option<Cow<'_, str>> {
    let hyphens = match id.len() {
        36 => true,
        DIGITS => false,
        _ => return None,
    };
    let mut digits = 0;
    for byte in id.bytes() {
        match byte {
            // A hyphen is where the digit before it is the last of its group, and there is one only.
            b'-' if hyphens => {}
            _ if byte.is_ascii_hexdigit() => digits += 1,
            _ => return None,
        }
    }
    let at = |place: usize| id.as_bytes().get(place) == Some(&b'-');
    let placed = (0_usize..).zip(HYPHENS).all(|(nth, place)| at(place + nth));
    if digits != DIGITS || (hyphens && !placed) {
        return None;
    }
    if hyphens && !id.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(Cow::Borrowed(id));
    }
    let mut text = String::with_capacity(36);
    for (place, digit) in plain(id).enumerate() {
        if HYPHENS.contains(&place) {
            text.push('-');
        }
        text.push(char::from(digit));
    }
    Some(Cow::Owned(text))
}

/// An id as the platform spells it when it is a UUID, else as it is.
pub(crate) fn canonical(id: &str) -> Cow<'_, str> {
    let id = id.trim();
    uuid(id).unwrap_or(Cow::Borrowed(id))
}

/// A set of ids, asked without regard to hyphens and case. Asking allocates nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IdSet(Vec<Box<[u8]>>);

impl IdSet {
    pub(crate) fn new<T: AsRef<str>>(ids: impl IntoIterator<Item = T>) -> Self {
        let mut ids: Vec<Box<[u8]>> =
            ids.into_iter().map(|id| plain(id.as_ref().trim()).collect()).collect();
        ids.sort();
        ids.dedup();
        Self(ids)
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.0.binary_search_by(|known| known.iter().copied().cmp(plain(id.trim()))).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "8f0c1d2e-3a4b-4c5d-8e6f-0123456789ab";

    #[test]
    fn a_uuid_is_recognised_in_every_spelling_and_nothing_else_is() {
        for good in
            [ID, &ID.to_uppercase(), &ID.replace('-', ""), &ID.replace('-', "").to_uppercase()]
        {
            assert_eq!(uuid(good).as_deref(), Some(ID), "{good}");
        }
        for bad in [
            "",
            "8f0c",
            "8f0c1d2e-3a4b-4c5d-8e6f-0123456789a",
            "8f0c1d2e-3a4b-4c5d-8e6f-0123456789abc",
            "8f0c1d2e-3a4b-4c5d-8e6f-0123456789ag",
            "8f0c1d2e3-a4b-4c5d-8e6f-0123456789ab",
            "8f0c1d2e--3a4b4c5d-8e6f-0123456789ab",
            "-8f0c1d2e3a4b-4c5d-8e6f-0123456789ab",
            "8f0c1d2é-3a4b-4c5d-8e6f-0123456789b",
            "------------------------------------",
        ] {
            assert_eq!(uuid(bad), None, "{bad}");
        }
        assert_eq!(canonical(" app-1 "), "app-1");
    }

    fn respelled(id: &str, hyphens: bool, flips: &[bool]) -> String {
        let mut flips = flips.iter().cycle();
        id.chars()
            .filter(|c| hyphens || *c != '-')
            .map(|c| if *flips.next().unwrap() { c.to_ascii_uppercase() } else { c })
            .collect()
    }

    proptest! {
        #[test]
        fn an_id_is_found_in_any_spelling_and_another_is_not(
            bits in proptest::collection::btree_set(any::<u128>(), 2..20),
            hyphens in any::<bool>(),
            flips in proptest::collection::vec(any::<bool>(), 36),
        ) {
            let ids: Vec<String> = bits
                .iter()
                .map(|bits| uuid(&format!("{bits:032x}")).unwrap().into_owned())
                .collect();
            let (absent, present) = ids.split_last().unwrap();
            let set = IdSet::new(present);
            prop_assert_eq!(set.0.len(), present.len());
            for id in present {
                prop_assert!(set.contains(&respelled(id, hyphens, &flips)));
                let spelled = respelled(id, hyphens, &flips);
                prop_assert_eq!(uuid(&spelled).unwrap(), id.as_str());
            }
            prop_assert!(!set.contains(&respelled(absent, hyphens, &flips)));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let set = IdSet::new([&text]);
            prop_assert!(set.contains(&text));
            let spelled = canonical(&text);
            prop_assert_eq!(canonical(&spelled), spelled.as_ref());
        }
    }
}

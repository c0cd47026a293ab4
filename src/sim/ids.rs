//! Ids and tokens out of a seeded generator.

use std::fmt::Write as _;

use fastrand::Rng;

const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// A version 4 UUID in lower case.
pub(super) fn uuid(rng: &mut Rng) -> String {
    uuid_of(rng.u128(..))
}

/// These bits as a version 4 UUID in lower case; those that state version and variant are lost.
pub(super) fn uuid_of(bits: u128) -> String {
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let mut text = String::with_capacity(36);
    for (place, digit) in hex.chars().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

/// Opaque text of lower-case letters and digits.
pub(super) fn opaque(rng: &mut Rng, length: usize) -> String {
    (0..length).map(|_| char::from(ALPHABET[rng.usize(..ALPHABET.len())])).collect()
}

/// Whether a path segment is an id rather than a word: a UUID, or a channel.
pub(super) fn is_id(segment: &str) -> bool {
    let uuid =
        segment.len() == 36 && segment.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    uuid || segment.starts_with("streaming-")
}

/// A path with every id replaced by `{id}`, without its query.
pub(super) fn template(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let shown = if is_id(segment) { "{id}" } else { segment };
        let _ = write!(text, "/{shown}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuid_has_its_version_and_variant() {
        let mut rng = Rng::with_seed(1);
        for _ in 0..50 {
            let id = uuid(&mut rng);
            assert_eq!(id.len(), 36);
            assert_eq!(&id[14..15], "4", "{id}");
            assert!("89ab".contains(&id[19..20]), "{id}");
            assert!(is_id(&id));
        }
    }

    #[test]
    fn template_hides_ids_only() {
        assert_eq!(
            template("/api/v2/notifications/channels/streaming-7-abc/subscriptions"),
            "/api/v2/notifications/channels/{id}/subscriptions"
        );
        assert_eq!(template("/api/v2/users/me"), "/api/v2/users/me");
    }
}

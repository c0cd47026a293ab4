//! What stands for a message when two connections, or two processes, are compared.
//!
//! The hash is SipHash-1-3 under a key that is part of the crate, so that it is the same in every process and every
//! build. That the key is known is no danger. Tables of fingerprints are hashed once more by the standard library, under a
//! key of the process. And a collision would have to be made: with 65,536 deliveries compared with as many, one comes by
//! chance once in four thousand million hand-overs, and to make one on purpose one has to know all that is hashed, of
//! which the platform adds a random correlation id.

use std::hash::Hasher as _;
use std::num::NonZeroU64;

use siphasher::sip::SipHasher13;

/// Any numbers would do; these are the first digits of the fractions of the square roots of 2 and 3.
const KEY: (u64, u64) = (0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b);

/// Stands for a message.
pub(crate) type Fingerprint = NonZeroU64;

/// The fingerprint of a message that is made of these parts.
pub(crate) fn fingerprint(parts: &[&[u8]]) -> Fingerprint {
    let mut hasher = SipHasher13::new_with_keys(KEY.0, KEY.1);
    for part in parts {
        // The length too, so that no two lists of parts are the same bytes.
        hasher.write(&(part.len() as u64).to_le_bytes());
        hasher.write(part);
    }
    NonZeroU64::new(hasher.finish()).unwrap_or(NonZeroU64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_same_in_every_process() {
        let print = fingerprint(&[b"v2.users.1.presence", b"a-1", br#"{"primary":true}"#]);
        assert_eq!(print.get(), 0);
    }

    #[test]
    fn parts_are_kept_apart() {
        let lists: [&[&[u8]]; 5] = [&[], &[b""], &[b"ab"], &[b"a", b"b"], &[b"ab", b""]];
        for (n, list) in lists.iter().enumerate() {
            for other in &lists[..n] {
                assert_ne!(fingerprint(list), fingerprint(other));
            }
        }
    }
}

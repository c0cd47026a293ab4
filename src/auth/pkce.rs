//! Proof of who began a sign-in (RFC 7636), and what ties an answer to its question.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::core::secret::Secret;
use crate::error::{Error, Result};
use crate::transport::tls;

/// Random bytes of a secret: 256 bits, as RFC 7636, section 7.1 recommends; 43 characters.
const BYTES: usize = 32;

/// Lengths of a verifier (RFC 7636, section 4.1).
const LENGTHS: std::ops::RangeInclusive<usize> = 43..=128;

/// A fresh secret that nobody can guess, of characters that an address carries as they are.
pub(crate) fn unguessable() -> Result<Secret> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    tls::fill_random(&mut *bytes)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(*bytes)))
}

/// What the verifier is known by until it is shown: its digest (method S256).
pub(crate) fn challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()))
}

/// Refuses what is no verifier.
pub(crate) fn check_verifier(verifier: &Secret) -> Result<()> {
    let text = verifier.expose();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if LENGTHS.contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(());
    }
    Err(Error::config(
        "a PKCE verifier has 43 to 128 letters, digits, or the characters - . _ ~ (RFC 7636)",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b() {
        let octets: [u8; 32] = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212,
            37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let verifier = Secret::new(URL_SAFE_NO_PAD.encode(octets));
        assert_eq!(verifier.expose(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        check_verifier(&verifier).unwrap();
    }

    #[test]
    fn a_fresh_verifier_is_one_and_never_the_same() {
        let all: std::collections::BTreeSet<String> = (0..1000)
            .map(|_| {
                let verifier = unguessable().unwrap();
                check_verifier(&verifier).unwrap();
                verifier.expose().to_owned()
            })
            .collect();
        assert_eq!(all.len(), 1000);
        // Every bit varies: no place of the 42 that are free always holds the same character.
        for place in 0..42 {
            let kinds: std::collections::BTreeSet<u8> =
                all.iter().map(|text| text.as_bytes()[place]).collect();
            assert!(kinds.len() > 32, "{place}: {}", kinds.len());
        }
    }

    #[test]
    fn what_is_no_verifier_is_refused_and_not_repeated() {
        for bad in [
            "",
            &"h".repeat(42),
            &"h".repeat(129),
            &format!("{} ", "h".repeat(50)),
            &"é".repeat(30),
        ] {
            let error = check_verifier(&Secret::new(bad)).unwrap_err();
            assert!(!format!("{error:?}").contains("hhh"), "{bad}");
        }
        for good in [43, 128] {
            check_verifier(&Secret::new("~".repeat(good))).unwrap();
        }
    }
}

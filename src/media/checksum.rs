//! SHA-256 of frames, and where the expected value comes from.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest as _, Sha256 as Hasher};

use super::json_view::{at_path, string};
use super::media_frame::FrameView;
use super::problem::Problem;
use crate::error::{Error, Result};

/// A SHA-256 checksum. Written as 64 hexadecimal digits, and parsed from them in either case.
///
/// ```
/// use genesys_cloud::media::Sha256;
///
/// let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".parse()?;
/// assert_eq!(Sha256::of(b""), empty);
/// # Ok::<(), genesys_cloud::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256([u8; Self::LEN]);

impl Sha256 {
    /// Bytes of a checksum.
    pub const LEN: usize = 32;

    /// The checksum of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Hasher::digest(bytes).into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl From<[u8; Self::LEN]> for Sha256 {
    fn from(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }
}

impl FromStr for Sha256 {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::config("a SHA-256 checksum has 64 hexadecimal digits");
        if text.len() != 2 * Self::LEN || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut bytes = [0; Self::LEN];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is known of a frame's checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChecksumState {
    /// Nobody said what it should be.
    NotChecked,
    /// It is what it should be.
    Match,
    /// It is not: the frame was damaged.
    Mismatch {
        /// What it should be.
        expected: Sha256,
        /// What it is.
        actual: Sha256,
    },
}

type Expect = dyn Fn(&FrameView<'_>) -> Option<Sha256> + Send + Sync;

/// Where the expected checksum of a frame is found. The platform sends none: this is for what stands between.
///
/// A frame in which none is found is [`NotChecked`](ChecksumState::NotChecked). Where one must be there, require its
/// field in the type's [`Schema`](super::Schema), or refuse the frame in a validator.
#[derive(Clone, Default)]
pub struct Checksum(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    None,
    Trailer,
    Member {
        checksum: Box<str>,
        of: Box<str>,
    },
    Expect(Arc<Expect>),
}

impl Checksum {
    /// The last 32 bytes of a binary frame are the checksum of those before them. JSON has none.
    pub fn trailer() -> Self {
        Self(Source::Trailer)
    }

    /// A member of a JSON frame is the checksum, in hexadecimal digits, of the text of another: of each byte of its
    /// value as it was received. Both are dotted paths.
    pub fn member(checksum: &str, of: &str) -> Self {
        Self(Source::Member { checksum: checksum.into(), of: of.into() })
    }

    /// What this says for a frame is the checksum of its whole payload.
    pub fn expect(
        expected: impl Fn(&FrameView<'_>) -> Option<Sha256> + Send + Sync + 'static,
    ) -> Self {
        Self(Source::Expect(Arc::new(expected)))
    }

    /// Checks a frame: its state, and the length of its payload without a trailer.
    pub(super) fn check(
        &self,
        frame: &FrameView<'_>,
        given: Option<Sha256>,
        problems: &mut Vec<Problem>,
    ) -> (ChecksumState, usize) {
        let whole = frame.payload();
        let (expected, covered, content) = match (given, &self.0) {
            (Some(expected), _) => (Some(expected), whole, whole.len()),
            (None, Source::None) => (None, whole, whole.len()),
            (None, Source::Expect(expect)) => (expect(frame), whole, whole.len()),
            (None, Source::Trailer) => match whole.split_last_chunk::<{ Sha256::LEN }>() {
                Some((before, trailer)) if frame.json().is_none() && frame.is_binary() => {
                    (Some(Sha256(*trailer)), before, before.len())
                }
                _ => (None, whole, whole.len()),
            },
            (None, Source::Member { checksum, of }) => {
                let found = frame.json().and_then(|text| {
                    Some((at_path(text, checksum)?, at_path(text, of)?.as_bytes()))
                });
                match found.map(|(digits, of)| (string(digits).map(|s| s.parse::<Sha256>()), of)) {
                    None => (None, whole, whole.len()),
                    Some((Some(Ok(expected)), of)) => (Some(expected), of, whole.len()),
                    Some(_) => {
                        problems.push(Problem::ChecksumUnreadable);
                        (None, whole, whole.len())
                    }
                }
            }
        };
        let Some(expected) = expected else { return (ChecksumState::NotChecked, content) };
        let actual = Sha256::of(covered);
        if actual == expected {
            return (ChecksumState::Match, content);
        }
        problems.push(Problem::ChecksumMismatch { expected, actual });
        (ChecksumState::Mismatch { expected, actual }, content)
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::None => f.write_str("Checksum(none)"),
            Source::Trailer => f.write_str("Checksum(trailer)"),
            Source::Member { checksum, of } => write!(f, "Checksum({checksum} of {of})"),
            Source::Expect(_) => f.write_str("Checksum(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_in_either_case_and_nothing_else_is() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Sha256::of(b"abc").to_string(), abc);
        assert_eq!(abc.to_uppercase().parse::<Sha256>().unwrap(), Sha256::of(b"abc"));
        for bad in ["", &abc[1..], &abc.replace('b', "g"), &abc.replace("ba", "+1"), "é"] {
            assert!(bad.parse::<Sha256>().is_err(), "{bad}");
        }
    }
}

//! What can be wrong with a frame.

use std::fmt;

use super::checksum::Sha256;
use super::schema::JsonType;

/// What is wrong with a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// It is longer than the pipeline's limit.
    Oversize {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The circuit breaker is open: frames are too large on average.
    Tripped {
        /// Mean bytes of a frame in the breaker's window.
        average: u64,
    },
    /// It should be text and is not UTF-8.
    NotUtf8 {
        /// So many bytes at its beginning are.
        valid_up_to: usize,
    },
    /// It begins as a JSON object and is none.
    NotJson {
        /// What was found, and where.
        detail: Box<str>,
    },
    /// A required field is absent.
    Missing {
        /// Its path.
        path: Box<str>,
    },
    /// A field has a value of another type.
    WrongType {
        /// Its path.
        path: Box<str>,
        /// What its schema says.
        expected: JsonType,
        /// What it has.
        found: JsonType,
    },
    /// The validator of its type refused it.
    Rejected {
        /// What the validator said.
        reason: Box<str>,
    },
    /// The validator of its type panicked.
    ValidatorPanicked,
    /// Its checksum is another one: it was damaged.
    ChecksumMismatch {
        /// What it should be.
        expected: Sha256,
        /// What it is.
        actual: Sha256,
    },
    /// It has a checksum that is not 64 hexadecimal digits.
    ChecksumUnreadable,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oversize { bytes, limit } => {
                write!(f, "its {bytes} bytes are above the limit of {limit} (raise max_frame)")
            }
            Self::Tripped { average } => {
                write!(f, "frames are too large, {average} bytes on average: it was not read")
            }
            Self::NotUtf8 { valid_up_to } => write!(f, "not UTF-8 from byte {valid_up_to} on"),
            Self::NotJson { detail } => write!(f, "not JSON: {detail}"),
            Self::Missing { path } => write!(f, "{path} is missing"),
            Self::WrongType { path, expected, found } => {
                write!(f, "{path} is {found} and must be {expected}")
            }
            Self::Rejected { reason } => write!(f, "refused by its validator: {reason}"),
            Self::ValidatorPanicked => f.write_str("its validator panicked"),
            Self::ChecksumMismatch { expected, actual } => {
                write!(f, "its SHA-256 is {actual} and should be {expected}")
            }
            Self::ChecksumUnreadable => f.write_str("its checksum is not 64 hexadecimal digits"),
        }
    }
}

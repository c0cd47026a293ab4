//! Which keys are written.

use std::time::Duration;

use crate::error::{Error, Result};

/// Longest id and prefix, in bytes. The platform's ids have 36.
const ID_LENGTH: usize = 64;
const KEY_LENGTH: usize = 128;

/// The keys of [`RedisAggregates`](super::RedisAggregates).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueKeys {
    pub(super) prefix: Box<str>,
    pub(super) expire: Option<Duration>,
}

impl Default for QueueKeys {
    fn default() -> Self {
        Self { prefix: "metrics".into(), expire: Some(Duration::from_secs(300)) }
    }
}

impl QueueKeys {
    /// What the keys begin with: `{prefix}:{queue id}`. Default `metrics`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// After how long without an event a queue's key expires, in whole seconds; `None` keeps it. Default 300 s.
    #[must_use]
    pub fn expire(mut self, after: Option<Duration>) -> Self {
        self.expire = after;
        self
    }

    /// The expiry in seconds; 0 for none.
    pub(super) fn seconds(&self) -> u64 {
        self.expire.map_or(0, |after| after.as_secs().max(1))
    }
}

/// The key of [`RedisStream`](super::RedisStream).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamKey {
    pub(super) key: Box<str>,
    pub(super) max_len: Option<u64>,
}

impl Default for StreamKey {
    fn default() -> Self {
        Self { key: "genesys:events".into(), max_len: Some(100_000) }
    }
}

impl StreamKey {
    /// A stream under this key. Default `genesys:events`.
    pub fn new(key: impl Into<Box<str>>) -> Self {
        Self { key: key.into(), ..Self::default() }
    }

    /// About how many entries Redis keeps (`MAXLEN ~`); `None` keeps all. Default 100,000.
    #[must_use]
    pub fn max_len(mut self, entries: Option<u64>) -> Self {
        self.max_len = entries;
        self
    }
}

/// Whether this is an id that can be part of a key: ASCII letters, digits, `-`, `_` and `.`, at most 64.
///
/// A colon would reach into other keys, a brace would move the key to another slot of a cluster.
pub(super) fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !id.is_empty() && id.len() <= ID_LENGTH && id.bytes().all(plain)
}

/// Fails on what no key should be.
pub(super) fn check_key(what: &str, key: &str) -> Result<()> {
    if key.is_empty() || key.len() > KEY_LENGTH || !key.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err(Error::config(format!(
            "{what} must be 1 to {KEY_LENGTH} visible ASCII characters without spaces"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_reach_into_another_key() {
        assert!(is_id("8f0c1c4e-0b6e-4a55-9e6f-0d4c7a9b1234") && is_id("Q_1.x"));
        for bad in ["", "a:b", "{a}", "a\nb", "a\r\nFLUSHALL", "a b", "é", "a\0", &"a".repeat(65)]
        {
            assert!(!is_id(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_bad_prefix_is_refused_and_a_hash_tag_is_not() {
        assert!(check_key("prefix", "{metrics}").is_ok());
        for bad in ["", "a b", "a\n", &"a".repeat(129)] {
            assert!(check_key("prefix", bad).is_err(), "{bad:?}");
        }
    }
}

//! Which Redis, and how long to wait for it.

use std::time::Duration;

use redis::{AsyncConnectionConfig, Client};

use super::keys::is_id;
use crate::core::secret::Secret;
use crate::error::{Error, Result};

/// Which Redis to write to, and under which name.
///
/// `Debug` does not show the address: it may hold a password.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    url: Secret,
    pub(super) writer: Box<str>,
    connect_timeout: Duration,
    pub(super) command_timeout: Duration,
}

impl RedisSettings {
    /// A server, such as `redis://user:password@host:6379/0` or `unix:///run/redis.sock`, and the id of this writer:
    /// letters, digits, `-`, `_` and `.`. Every process that writes at the same time needs its own; one that is
    /// restarted keeps it.
    pub fn new(url: impl Into<Secret>, writer: impl Into<Box<str>>) -> Self {
        Self {
            url: url.into(),
            writer: writer.into(),
            connect_timeout: Duration::from_secs(5),
            command_timeout: Duration::from_secs(5),
        }
    }

    /// The deadline of connecting and logging in. Default 5 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The deadline of every command. Default 5 s: a script may run that long before Redis lets others in.
    #[must_use]
    pub fn command_timeout(mut self, timeout: Duration) -> Self {
        self.command_timeout = timeout;
        self
    }

    /// Fails on an address or an id that cannot be used. The message holds nothing of the address.
    pub(super) fn client(&self) -> Result<Client> {
        if !is_id(&self.writer) {
            return Err(Error::config(
                "the writer id must be 1 to 64 letters, digits, `-`, `_` or `.`, such as wallboard-1",
            ));
        }
        if self.url.expose().trim_start().to_ascii_lowercase().starts_with("rediss:") {
            return Err(Error::config(
                "rediss:// is not supported: connect through a TLS tunnel on this host, or write redis://",
            ));
        }
        // The cause is left out: it may quote the address.
        Client::open(self.url.expose()).map_err(|_| {
            Error::config(
                "the address of Redis is invalid; write redis://user:password@host:6379/0",
            )
        })
    }

    pub(super) fn connection(&self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.command_timeout))
    }

    /// The deadline of connecting, login included.
    pub(super) fn connect_deadline(&self) -> Duration {
        self.connect_timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "redis://u:hush-hush@host:6379/0",
            "rediss://u:hush-hush@host",
            "redis://u:hush-hush@host:port/x",
            "http://u:hush-hush@host",
        ] {
            let settings = RedisSettings::new(url, "w");
            let mut shown = format!("{settings:?}");
            if let Err(error) = settings.client() {
                assert_eq!(error.kind(), ErrorKind::Config);
                shown += &format!("{error} {error:?} {:?}", std::error::Error::source(&error));
            }
            assert!(!shown.contains("hush"), "{shown}");
        }
        let error = RedisSettings::new("rediss://host", "w").client().unwrap_err();
        assert!(error.to_string().contains("TLS tunnel"), "{error}");
    }

    #[test]
    fn a_writer_id_that_is_no_part_of_a_key_is_refused() {
        assert!(RedisSettings::new("redis://h", "a:b").client().is_err());
        assert!(RedisSettings::new("redis://h", "").client().is_err());
        assert!(RedisSettings::new("redis://h", "wallboard-1").client().is_ok());
    }
}

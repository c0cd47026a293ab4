//! What Redis answers when it does not do what it was asked, and what to do about it.

use redis::{ErrorKind as Kind, RedisError};

use crate::error::{Error, ErrorKind};
use crate::sink::event_sink::WriteError;

/// A word that Redis answers with, whether it passes, the kind of error, and what to do.
const ANSWERS: &[(&str, bool, ErrorKind, &str)] = &[
    (
        "FENCED",
        false,
        ErrorKind::Closed,
        "another process has taken over this writer id; give each process its own",
    ),
    (
        "BADMARKER",
        false,
        ErrorKind::Config,
        "the writer's key holds something else; choose another prefix or writer id, or delete the key",
    ),
    (
        "WRONGPASS",
        false,
        ErrorKind::Auth,
        "Redis refuses the user or the password; check the address",
    ),
    ("NOAUTH", false, ErrorKind::Auth, "Redis wants a password; put it into the address"),
    (
        "NOPERM",
        false,
        ErrorKind::Forbidden,
        "the Redis user may not do this; it needs EVALSHA, SCRIPT LOAD, GET, SET, EXPIRE, HMGET, HSET, HINCRBY, \
         HINCRBYFLOAT, TYPE and XADD on the keys of the prefix",
    ),
    (
        "WRONGTYPE",
        false,
        ErrorKind::Config,
        "a key holds a value of another type; choose another prefix, or delete the key",
    ),
    (
        "READONLY",
        true,
        ErrorKind::Transport,
        "this Redis is a read-only replica; give the address of its primary",
    ),
    ("LOADING", true, ErrorKind::Transport, "Redis is loading its data"),
    (
        "OOM",
        true,
        ErrorKind::Capacity,
        "Redis is at its memory limit; raise maxmemory, or let keys expire sooner",
    ),
    ("MISCONF", true, ErrorKind::Transport, "Redis cannot save to its disk, and refuses to write"),
    ("NOREPLICAS", true, ErrorKind::Transport, "Redis has too few replicas to accept writes"),
    ("BUSY", true, ErrorKind::Transport, "Redis is busy with a script"),
    ("MASTERDOWN", true, ErrorKind::Transport, "this Redis is a replica without its primary"),
    ("CLUSTERDOWN", true, ErrorKind::Transport, "the Redis Cluster is down"),
    ("TRYAGAIN", true, ErrorKind::Transport, "the Redis Cluster is moving these keys"),
    (
        "MOVED",
        false,
        ErrorKind::Config,
        "this is a node of a Redis Cluster that does not own the keys; put a hash tag into the prefix, such as \
         {metrics}, and give the address of the node that owns it",
    ),
    ("ASK", true, ErrorKind::Transport, "the Redis Cluster is moving these keys to another node"),
    (
        "CROSSSLOT",
        false,
        ErrorKind::Config,
        "the keys are in different slots of a Redis Cluster; put a hash tag into the prefix, such as {metrics}",
    ),
    ("NOSCRIPT", true, ErrorKind::Transport, "Redis has forgotten the script"),
    (
        "max number of clients reached",
        true,
        ErrorKind::Capacity,
        "Redis has as many clients as it takes; raise maxclients",
    ),
    (
        "DENIED",
        false,
        ErrorKind::Config,
        "Redis is in protected mode; set a password, or bind it to this host",
    ),
];

/// The line of the table for an answer. Before Redis 7, an error inside a script has its word in the middle of the text.
fn answer(
    code: Option<&str>,
    detail: &str,
) -> Option<&'static (&'static str, bool, ErrorKind, &'static str)> {
    ANSWERS.iter().find(|(word, ..)| code == Some(*word)).or_else(|| {
        ANSWERS.iter().find(|(word, ..)| {
            detail.match_indices(word).any(|(at, _)| {
                let bounded = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
                bounded(detail[..at].chars().next_back())
                    && bounded(detail[at + word.len()..].chars().next())
            })
        })
    })
}

/// Whether Redis does not know the script.
pub(super) fn is_no_script(error: &RedisError) -> bool {
    error.kind() == Kind::Server(redis::ServerErrorKind::NoScript)
}

/// The error for what went wrong with Redis at `address`.
pub(super) fn fault(address: &str, error: RedisError) -> WriteError {
    let detail = error.detail().unwrap_or_default();
    let is_answer =
        matches!(error.kind(), Kind::Server(_) | Kind::Extension | Kind::AuthenticationFailed);
    if is_answer && let Some((_, passes, kind, what)) = answer(error.code(), detail) {
        return failure(*passes, *kind, format!("{what} (Redis at {address})"), error);
    }
    let (passes, kind, what) = match error.kind() {
        Kind::AuthenticationFailed => {
            (false, ErrorKind::Auth, "Redis refuses the user or the password; check the address")
        }
        Kind::Server(_) | Kind::Extension | Kind::UnexpectedReturnType => {
            (false, ErrorKind::Config, "Redis refuses the command")
        }
        Kind::InvalidClientConfig | Kind::Client | Kind::RESP3NotSupported => {
            (false, ErrorKind::Config, "Redis cannot be used with these settings")
        }
        Kind::Parse => (true, ErrorKind::Decode, "what answers is not Redis; check the port"),
        _ if error.is_timeout() => (true, ErrorKind::Timeout, "Redis did not answer in time"),
        _ => (true, ErrorKind::Transport, "the connection to Redis failed"),
    };
    failure(passes, kind, format!("{what} (Redis at {address})"), error)
}

fn failure(passes: bool, kind: ErrorKind, message: String, source: RedisError) -> WriteError {
    let error = Error::new(kind, message).with_source(source).retryable(passes);
    if passes { WriteError::passing(error) } else { WriteError::fatal(error) }
}

/// Redis took longer than it may.
pub(super) fn too_slow(address: &str) -> WriteError {
    let message = format!("Redis did not answer in time (Redis at {address})");
    WriteError::passing(Error::new(ErrorKind::Timeout, message).retryable(true))
}

/// Redis answered something that no Redis answers.
pub(super) fn nonsense(address: &str) -> WriteError {
    let message = format!("what answers is not Redis; check the port (Redis at {address})");
    WriteError::passing(Error::new(ErrorKind::Decode, message).retryable(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_the_text_of_an_old_server_is_found_and_a_part_of_a_word_is_not() {
        let old = "Error running script (call to f_1): @user_script:3: OOM command not allowed";
        assert_eq!(answer(Some("ERR"), old).unwrap().0, "OOM");
        assert_eq!(answer(Some("READONLY"), "You can't write").unwrap().0, "READONLY");
        assert!(answer(Some("ERR"), "unknown command BROOM, UNASKED").is_none());
        assert_eq!(
            answer(Some("ERR"), "max number of clients reached").unwrap().2,
            ErrorKind::Capacity
        );
    }

    #[test]
    fn a_fault_of_the_network_passes_and_one_of_the_settings_does_not() {
        let io = RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        let io = fault("host:1", io);
        assert!(!io.is_fatal() && io.error().is_retryable());
        assert_eq!(io.error().kind(), ErrorKind::Transport);
        let config = fault("host:1", RedisError::from((Kind::InvalidClientConfig, "bad")));
        assert!(config.is_fatal());
    }
}

//! What is known of one drop.

use std::time::Duration;

use crate::core::close::Gone;
use crate::probe::correlate::DisconnectEvent;

/// What is known of one drop: the input of [`judge`](super::judge). What is not known is `None`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DropFacts {
    /// How the connection ended.
    pub cause: Gone,
    /// For how long it was live; zero for a dial that failed.
    pub was_live: Duration,
    /// For how long nothing was exchanged before the end.
    pub idle: Option<Duration>,
    /// After how long without traffic the server closes: `timeoutMillis`.
    pub idle_timeout: Option<Duration>,
    /// The largest message that was sent, in bytes.
    pub largest_sent: Option<u64>,
    /// The largest message that the server takes, in bytes: `maxMessageSize`.
    pub max_message_size: Option<u64>,
    /// Pings that were answered on this connection.
    pub pings_answered: u64,
    /// Pings without an answer at the end.
    pub pings_unanswered: u64,
    /// Whether the token had expired.
    pub token_expired: Option<bool>,
    /// How many drops of the run came after the same time, this one included: what a middlebox does.
    pub same_age: u32,
    /// What the platform knows of it.
    pub correlated: Vec<DisconnectEvent>,
}

impl DropFacts {
    /// An end of which nothing else is known.
    pub fn new(cause: Gone) -> Self {
        Self {
            cause,
            was_live: Duration::ZERO,
            idle: None,
            idle_timeout: None,
            largest_sent: None,
            max_message_size: None,
            pings_answered: 0,
            pings_unanswered: 0,
            token_expired: None,
            same_age: 1,
            correlated: Vec::new(),
        }
    }

    /// Whether it ended as one side wanted it to: no drop.
    pub fn is_orderly(&self) -> bool {
        match &self.cause {
            Gone::Requested | Gone::Restarted => true,
            Gone::Closed { code, .. } => *code == crate::CloseCode::NORMAL,
            _ => false,
        }
    }
}

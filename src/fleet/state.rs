//! How a member stands.

use crate::error::{Error, ErrorKind};
use crate::streaming::delivery::ConnectionState;

/// How a member of a fleet stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MemberState {
    /// It waits for its turn to start, or starts for the first time.
    Starting,
    /// Its stream runs: connecting, live, waiting to dial again, or held by a consumer that is behind.
    Running(ConnectionState),
    /// It is over. [`Fleet::replace_credentials`](super::Fleet::replace_credentials) begins anew.
    Ended {
        /// What kind of error ended it; `None` when it was closed.
        kind: Option<ErrorKind>,
        /// Why.
        reason: Box<str>,
    },
}

impl MemberState {
    /// Whether events flow.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Running(ConnectionState::Live { .. }))
    }

    pub(super) fn closed() -> Self {
        Self::Ended { kind: None, reason: "closed by its owner".into() }
    }

    pub(super) fn ended_by(error: &Error) -> Self {
        Self::Ended { kind: Some(error.kind()), reason: error.summary() }
    }
}

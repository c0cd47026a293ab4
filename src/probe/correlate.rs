//! What the platform knows of a drop.

use std::time::SystemTime;

use serde::{Serialize, Serializer};

use crate::core::ports::BoxFuture;
use crate::error::Result;
use crate::events::Timestamp;

/// An end of a connection as the platform has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DisconnectEvent {
    /// When; `None` when the platform does not say.
    #[serde(serialize_with = "time")]
    pub at: Option<SystemTime>,
    /// Why, in the platform's words.
    pub reason: Box<str>,
    /// Who ended it, in the platform's words.
    pub by: Option<Box<str>>,
    /// The close code.
    pub code: Option<u16>,
    /// The conversation that it is about; `None` when it is about the connection itself. A conversation that ended
    /// badly at the same time says less.
    pub conversation_id: Option<Box<str>>,
    /// Where this is from, such as `appfoundry.connection` or `conversation details`.
    pub source: Box<str>,
}

impl DisconnectEvent {
    /// An end with its reason, and where that is from.
    pub fn new(
        at: Option<SystemTime>,
        reason: impl Into<Box<str>>,
        source: impl Into<Box<str>>,
    ) -> Self {
        let (reason, source) = (reason.into(), source.into());
        Self { at, reason, by: None, code: None, conversation_id: None, source }
    }

    /// Sets [`by`](Self::by).
    pub fn by(mut self, by: impl Into<Box<str>>) -> Self {
        self.by = Some(by.into());
        self
    }

    /// Sets [`code`](Self::code).
    pub fn code(mut self, code: u16) -> Self {
        self.code = Some(code);
        self
    }

    /// Sets [`conversation_id`](Self::conversation_id).
    pub fn conversation(mut self, id: impl Into<Box<str>>) -> Self {
        self.conversation_id = Some(id.into());
        self
    }
}

/// Where a probe asks the platform about drops.
///
/// [`Client::correlate_application`](crate::Client::correlate_application) is one, and
/// [`ConversationEndsApi`](crate::ConversationEndsApi) another.
pub trait Correlate: Send + Sync {
    /// The ends of connections between two times.
    ///
    /// # Errors
    /// What the source returns; a probe notes it in its report, and goes on without.
    fn events(
        &self,
        start: SystemTime,
        end: SystemTime,
    ) -> BoxFuture<'_, Result<Vec<DisconnectEvent>>>;
}

const _: fn(&dyn Correlate) = |_| {};

#[allow(clippy::ref_option)] // The form that serde asks for.
pub(super) fn time<S: Serializer>(time: &Option<SystemTime>, to: S) -> Result<S::Ok, S::Error> {
    time.map(Timestamp::from).serialize(to)
}

//! What a frame is.

use std::fmt;
use std::sync::Arc;

/// What a frame is, as far as it was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PayloadType {
    /// JSON of type `interaction.update`: an interaction changed.
    InteractionUpdate,
    /// JSON of type `keepalive`: the peer lives.
    Keepalive,
    /// `telephony.media`: a binary frame that begins with 0x80.
    TelephonyMedia,
    /// A type that was registered with the pipeline, by its name.
    Custom(Arc<str>),
    /// Of no type that the pipeline knows; kept as it came.
    Unknown,
    /// Nobody looked: the frame was too large, or the circuit breaker was open.
    Unread,
}

impl PayloadType {
    /// The type of this name. A name that is not built in is [`Custom`](Self::Custom).
    ///
    /// ```
    /// use genesys_cloud::media::PayloadType;
    /// assert_eq!(PayloadType::named("telephony.media"), PayloadType::TelephonyMedia);
    /// assert_eq!(PayloadType::named("acme.score").as_str(), "acme.score");
    /// ```
    pub fn named(name: &str) -> Self {
        [Self::InteractionUpdate, Self::Keepalive, Self::TelephonyMedia]
            .into_iter()
            .find(|known| known.as_str() == name)
            .unwrap_or_else(|| Self::Custom(name.into()))
    }

    /// The name, as it is in `type` of a JSON frame.
    pub fn as_str(&self) -> &str {
        match self {
            Self::InteractionUpdate => "interaction.update",
            Self::Keepalive => "keepalive",
            Self::TelephonyMedia => "telephony.media",
            Self::Custom(name) => name,
            Self::Unknown => "unknown",
            Self::Unread => "unread",
        }
    }
}

impl fmt::Display for PayloadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

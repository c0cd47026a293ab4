//! How a leg of a conversation ended, however it is spelled.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal $(| $same:literal)*,)*) => {
        /// How a leg of a conversation ended. The platform spells it in four ways; all of them are read.
        ///
        /// ```
        /// use genesys_cloud::DisconnectKind;
        ///
        /// // Analytics, conversation events, detail events.
        /// for text in ["transportFailure", "transport.failure", "TRANSPORT_FAILURE"] {
        ///     assert_eq!(DisconnectKind::from(text), DisconnectKind::TransportFailure);
        /// }
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum DisconnectKind {
            $($(#[$doc])* $variant,)*
            /// A kind that this version does not know, as received.
            Unrecognized(Box<str>),
        }

        impl DisconnectKind {
            /// The kind as analytics spell it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Unrecognized(text) => text,
                }
            }
        }

        impl From<&str> for DisconnectKind {
            fn from(text: &str) -> Self {
                let is = |known: &str| letters(text).eq(letters(known));
                $(if is($text) $(|| is($same))* {
                    return Self::$variant;
                })*
                Self::Unrecognized(text.into())
            }
        }
    };
}

kinds! {
    /// The device of this leg hung up.
    Endpoint = "endpoint",
    /// The application of this leg hung up.
    Client = "client",
    /// Another leg ended.
    Peer = "peer",
    /// The platform ended it.
    System = "system",
    /// An error.
    Error = "error",
    /// The transport was lost.
    TransportFailure = "transportFailure",
    /// A timeout.
    Timeout = "timeout",
    /// A plain transfer.
    Transfer = "transfer",
    /// A transfer to a conference.
    ConferenceTransfer = "conferenceTransfer" | "transfer.conference",
    /// A transfer after a consultation.
    ConsultTransfer = "consultTransfer" | "transfer.consult",
    /// Forwarded.
    ForwardTransfer = "forwardTransfer" | "transfer.forward",
    /// Moved on because nobody answered.
    NoAnswerTransfer = "noAnswerTransfer" | "transfer.noanswer",
    /// Moved on because nobody was available.
    NotAvailableTransfer = "notAvailableTransfer" | "transfer.notavailable",
    /// The device does not want to be disturbed.
    DndEndpoint = "dndEndpoint" | "endpoint.dnd",
    /// Moved on because of "do not disturb".
    DndTransfer = "dndTransfer" | "transfer.dnd",
    /// The number cannot be called.
    Uncallable = "uncallable",
    /// Spam.
    Spam = "spam",
    /// The platform says `other`.
    Other = "other",
    /// Nobody wrote; digital channels only.
    Inactivity = "inactivity",
    /// The session expired; digital channels only.
    SessionExpired = "sessionExpired",
    /// Somebody took it over; digital channels only.
    Takeover = "takeover",
    /// The platform says `UNKNOWN`.
    Unknown = "unknown",
}

impl DisconnectKind {
    /// Whether a fault may be behind it: a transport failure, an error, a timeout, or the platform itself.
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::TransportFailure | Self::Error | Self::Timeout | Self::System)
    }
}

/// What the spellings have in common.
fn letters(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| !matches!(c, '.' | '_' | '-')).map(|c| c.to_ascii_lowercase())
}

impl fmt::Display for DisconnectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for DisconnectKind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_all_sources_are_one_kind() {
        // Analytics, conversation events, detail events, metrics of conversations.
        let rows = [
            ["endpoint", "endpoint", "ENDPOINT", "endpoint"],
            ["transportFailure", "transport.failure", "TRANSPORT_FAILURE", "transportFailure"],
            [
                "conferenceTransfer",
                "transfer.conference",
                "CONFERENCE_TRANSFER",
                "conferenceTransfer",
            ],
            ["consultTransfer", "transfer.consult", "CONSULT_TRANSFER", "consultTransfer"],
            ["forwardTransfer", "transfer.forward", "FORWARD_TRANSFER", "forwardTransfer"],
            ["noAnswerTransfer", "transfer.noanswer", "NO_ANSWER_TRANSFER", "noAnswerTransfer"],
            [
                "notAvailableTransfer",
                "transfer.notavailable",
                "NOT_AVAILABLE_TRANSFER",
                "notAvailableTransfer",
            ],
            ["dndEndpoint", "endpoint.dnd", "DND_ENDPOINT", "endpointDnd"],
            ["dndTransfer", "transfer.dnd", "DND_TRANSFER", "transferDnd"],
            ["sessionExpired", "sessionExpired", "SESSION_EXPIRED", "sessionExpired"],
        ];
        for row in rows {
            for text in row {
                let kind = DisconnectKind::from(text);
                assert!(!matches!(kind, DisconnectKind::Unrecognized(_)), "{text}");
                assert_eq!(kind.as_str(), row[0], "{text}");
            }
        }
    }

    #[test]
    fn a_kind_that_nobody_knows_is_kept() {
        let kind = DisconnectKind::from("solar.flare");
        assert_eq!(kind, DisconnectKind::Unrecognized("solar.flare".into()));
        assert_eq!(kind.to_string(), "solar.flare");
        assert_eq!(DisconnectKind::from("UNKNOWN"), DisconnectKind::Unknown);
    }
}

//! What close codes mean, and what to look at.

use crate::core::close::{CloseCode, Gone};

/// The help for one code.
struct Help {
    meaning: &'static str,
    causes: &'static [&'static str],
    check: &'static [&'static str],
    retryable: bool,
}

const NETWORK: &[&str] = &[
    "whether a firewall or proxy lets WebSockets on port 443 live: many cut idle or long connections",
    "the heartbeats: an interval shorter than the idle timeout of everything in between",
    "timeoutMillis of the application: the server drops a connection that is idle for longer",
    "the network of this machine at that time",
];

const SERVER: &[&str] = &[
    "the status page of the platform and the log of the server that was connected to",
    "whether it happens after the same message: then that message is the cause",
];

/// The help for a code.
/// Source: RFC 6455, section 7.4.1, and the IANA registry of WebSocket close codes; the checks are of the platform.
#[allow(clippy::too_many_lines)] // It is a table.
fn help(code: u16) -> Help {
    let (meaning, causes, check, retryable): (_, &'static [_], &'static [_], _) = match code {
        1000 => (
            "The connection has done what it was for, and was closed in an orderly way.",
            &["one side was finished", "the platform ended a session that was over"],
            &["nothing, unless the connection was still needed: then what ended the session"],
            true,
        ),
        1001 => (
            "The peer goes away: a server that shuts down, or a client that leaves.",
            &[
                "maintenance or a new version of the server",
                "another socket was opened for the same channel",
                "the connection was idle for longer than timeoutMillis",
            ],
            &[
                "timeoutMillis and the heartbeats, when it happens after a fixed time without traffic",
                "whether a second process uses the same channel",
                "the status page of the platform",
            ],
            true,
        ),
        1002 => (
            "The peer saw a breach of the WebSocket protocol.",
            &[
                "the address is not that of a WebSocket of this region",
                "a proxy that changes frames",
                "a fault in one of the two implementations",
            ],
            &[
                "the region URL: that host and path belong to the organisation's region",
                "whether a proxy in between understands WebSockets",
            ],
            false,
        ),
        1003 => (
            "The peer does not take this kind of data.",
            &["a binary message where only text is taken, or the reverse"],
            &["what was sent last, and what the endpoint takes"],
            false,
        ),
        1005 => (
            "The connection was closed with a close frame that gives no code.",
            &["the peer gives no reason", "a proxy that closes on its own account"],
            NETWORK,
            true,
        ),
        1006 => (
            "The connection ended without a close frame: it was cut.",
            &[
                "a firewall, proxy or load balancer dropped it",
                "the network was lost, or the server crashed",
                "nothing was sent for longer than something in between allows",
            ],
            NETWORK,
            true,
        ),
        1007 => (
            "The peer got data that does not fit its type, such as text that is not UTF-8.",
            &["text was sent that is not UTF-8", "a proxy that changes messages"],
            &["the encoding of what was sent last"],
            false,
        ),
        1008 => (
            "The peer refuses the connection or a message by a policy of its own.",
            &[
                "the token is missing, expired or revoked",
                "the token lacks a scope or permission",
                "the OAuth client is disabled, or belongs to another region",
            ],
            &[
                "the token: its age, and whether it was revoked",
                "the scopes and roles of the OAuth client",
                "the region that issued the token and the region that was connected to",
            ],
            false,
        ),
        1009 => (
            "A message is too big for the peer.",
            &["a message over maxMessageSize", "audio or attachments in one message"],
            &["the size of what was sent last against maxMessageSize of the application"],
            false,
        ),
        1010 => (
            "The client needs an extension that the server did not agree to.",
            &["the server, or a proxy before it, does not know the extension"],
            &["which extensions are asked for; this crate asks for none"],
            false,
        ),
        1011 => (
            "The server met a condition that it did not expect.",
            &["a fault in the server", "a message that the server cannot handle"],
            SERVER,
            true,
        ),
        1012 => (
            "The server restarts.",
            &["maintenance or a new version of the server"],
            &["nothing: connect again after a random wait"],
            true,
        ),
        1013 => (
            "The server is overloaded, and asks to come back later.",
            &["too many connections, or a server that is short of resources"],
            &["how many connections are opened, and how fast", "the status page of the platform"],
            true,
        ),
        1014 => (
            "A gateway got no valid answer from the server behind it.",
            &["the server behind a load balancer is down or overloaded"],
            SERVER,
            true,
        ),
        1015 => (
            "TLS could not be agreed on; never sent, only reported.",
            &["a certificate that is not trusted", "a proxy that opens TLS with a root of its own"],
            &[
                "the roots: a proxy's own root must be added",
                "the clock of this machine",
                "the region URL: the certificate must name that host",
            ],
            false,
        ),
        3000..=3999 => (
            "A code that a library or framework has registered.",
            &["what the framework that the server uses says of it"],
            SERVER,
            true,
        ),
        4000..=4999 => (
            "A code of the application: its meaning is what the application's documents say.",
            &["the application, not the WebSocket layer, ended the connection"],
            &["the reason that came with it, and the documents and the log of the application"],
            true,
        ),
        _ => (
            "A code that is not registered.",
            &["a fault in the peer, or a code that is newer than this crate"],
            SERVER,
            true,
        ),
    };
    Help { meaning, causes, check, retryable }
}

impl CloseCode {
    /// What the code means, in one sentence.
    pub fn meaning(self) -> &'static str {
        help(self.get()).meaning
    }

    /// What usually leads to it, the likeliest first.
    pub fn causes(self) -> &'static [&'static str] {
        help(self.get()).causes
    }

    /// What to look at, the likeliest first.
    pub fn check(self) -> &'static [&'static str] {
        help(self.get()).check
    }

    /// Whether the same connection may succeed later without any change.
    ///
    /// Codes of applications and unknown codes count as such: nothing says that they do not.
    pub fn is_retryable(self) -> bool {
        help(self.get()).retryable
    }

    /// What to look at first, for codes that say that something has to be changed.
    pub(crate) fn hint(self) -> Option<&'static str> {
        match self {
            Self::PROTOCOL => Some("check the region URL"),
            Self::POLICY => Some("check the token or scope"),
            _ => None,
        }
    }
}

impl Gone {
    /// The close code that says the same: the one that came, or the one that stands for an end without a close frame.
    ///
    /// ```
    /// use genesys_cloud::{CloseCode, Gone};
    ///
    /// let code = Gone::HandshakeTimeout.close_code();
    /// assert_eq!(code, CloseCode::ABNORMAL);
    /// println!("{} Check {}.", code.meaning(), code.check()[0]);
    /// ```
    pub fn close_code(&self) -> CloseCode {
        match self {
            Self::Closed { code, .. } => *code,
            Self::Protocol { .. } => CloseCode::PROTOCOL,
            Self::TooBig { .. } => CloseCode::TOO_BIG,
            Self::ChannelGone { .. } => CloseCode::GOING_AWAY,
            Self::Refused { status: 401 | 403 } | Self::Rest { status: Some(401 | 403), .. } => {
                CloseCode::POLICY
            }
            // What this crate sends when it closes.
            Self::Requested | Self::Overflow | Self::Restarted => CloseCode::NORMAL,
            Self::Cut { .. }
            | Self::Silent { .. }
            | Self::HandshakeTimeout
            | Self::WriteTimeout
            | Self::Unreachable { .. }
            | Self::Refused { .. }
            | Self::Rest { .. } => CloseCode::ABNORMAL,
        }
    }

    /// The kind of end, in one word, for counters and records.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Cut { .. } => "cut",
            Self::Silent { .. } => "silent",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::WriteTimeout => "write_timeout",
            Self::Unreachable { .. } => "unreachable",
            Self::Refused { .. } => "refused",
            Self::Protocol { .. } => "protocol",
            Self::TooBig { .. } => "too_big",
            Self::ChannelGone { .. } => "channel_gone",
            Self::Rest { .. } => "rest",
            Self::Overflow => "overflow",
            Self::Requested => "requested",
            Self::Restarted => "restarted",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_code_is_explained_and_names_what_to_check() {
        for code in (1000..=1015).chain([3000, 4000, 4999, 0, 999, 5000, u16::MAX]) {
            let code = CloseCode::new(code);
            assert!(code.meaning().ends_with('.'), "{code}");
            assert!(!code.causes().is_empty() && !code.check().is_empty(), "{code}");
        }
    }

    #[test]
    fn the_checks_name_the_settings_that_matter() {
        let says = |code: CloseCode, word: &str| {
            let lines = code.check().iter().chain(code.causes());
            assert!(lines.into_iter().any(|line| line.contains(word)), "{code}: {word}");
        };
        for word in ["timeoutMillis", "heartbeats", "firewall", "443"] {
            says(CloseCode::ABNORMAL, word);
        }
        says(CloseCode::GOING_AWAY, "timeoutMillis");
        says(CloseCode::POLICY, "token");
        says(CloseCode::POLICY, "scope");
        says(CloseCode::PROTOCOL, "region URL");
        says(CloseCode::TOO_BIG, "maxMessageSize");
        says(CloseCode::INTERNAL, "log of the server");
    }

    #[test]
    fn only_what_a_later_attempt_can_mend_is_retryable() {
        let retryable: Vec<u16> =
            (1000..=1015).filter(|code| CloseCode::new(*code).is_retryable()).collect();
        // 1004 is reserved.
        assert_eq!(retryable, [1000, 1001, 1004, 1005, 1006, 1011, 1012, 1013, 1014]);
        assert!(CloseCode::new(4001).is_retryable());
    }

    #[test]
    fn a_refusal_by_policy_says_token_or_scope_and_a_protocol_error_says_region_url() {
        let text = |code| Gone::Closed { code, reason: "no".into() }.to_string();
        let policy = text(CloseCode::POLICY);
        assert_eq!(policy, "closed with 1008 (policy violation): no; check the token or scope");
        assert!(text(CloseCode::PROTOCOL).ends_with("; check the region URL"));
        assert_eq!(text(CloseCode::NORMAL), "closed with 1000 (normal closure): no");
        let bare = Gone::Closed { code: CloseCode::POLICY, reason: "".into() };
        assert_eq!(
            bare.to_string(),
            "closed with 1008 (policy violation); check the token or scope"
        );
    }

    #[test]
    fn every_end_has_a_code() {
        for (gone, code) in [
            (Gone::Cut { detail: "reset".into() }, 1006),
            (Gone::Silent { quiet: Duration::ZERO }, 1006),
            (Gone::WriteTimeout, 1006),
            (Gone::Refused { status: 401 }, 1008),
            (Gone::Refused { status: 502 }, 1006),
            (Gone::TooBig { limit: 1 }, 1009),
            (Gone::Requested, 1000),
            (Gone::Closed { code: CloseCode::new(4321), reason: "".into() }, 4321),
        ] {
            assert_eq!(gone.close_code().get(), code, "{gone}");
        }
    }
}

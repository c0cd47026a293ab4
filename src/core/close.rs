//! Close codes, and why a connection ended.

use std::fmt;
use std::time::Duration;

/// A WebSocket close code (RFC 6455, section 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// Normal closure.
    pub const NORMAL: Self = Self(1000);
    /// The peer goes away: maintenance, a displaced socket, or idleness.
    pub const GOING_AWAY: Self = Self(1001);
    /// A protocol error.
    pub const PROTOCOL: Self = Self(1002);
    /// A kind of data that the peer does not take.
    pub const UNSUPPORTED: Self = Self(1003);
    /// A close frame without a code.
    pub const NO_STATUS: Self = Self(1005);
    /// No close frame at all.
    pub const ABNORMAL: Self = Self(1006);
    /// Text that is not UTF-8, or data that does not fit its type.
    pub const INVALID_DATA: Self = Self(1007);
    /// A policy of the peer.
    pub const POLICY: Self = Self(1008);
    /// A message over the peer's limit.
    pub const TOO_BIG: Self = Self(1009);
    /// An error inside the peer.
    pub const INTERNAL: Self = Self(1011);

    /// A code as received; every number is kept.
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            1000 => "normal closure",
            1001 => "going away",
            1002 => "protocol error",
            1003 => "unsupported data",
            1005 => "no status",
            1006 => "abnormal closure",
            1007 => "invalid data",
            1008 => "policy violation",
            1009 => "message too big",
            1010 => "extension missing",
            1011 => "internal error",
            1012 => "service restart",
            1013 => "try again later",
            1014 => "bad gateway",
            1015 => "TLS failure",
            4000..=4999 => "application code",
            _ => "unregistered code",
        };
        write!(f, "{} ({name})", self.0)
    }
}

/// Why a connection is gone, or could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gone {
    /// The peer sent a close frame.
    Closed {
        /// The code; [`CloseCode::NO_STATUS`] when the frame had none.
        code: CloseCode,
        /// The reason as sent, cut to 123 bytes by the protocol itself.
        reason: Box<str>,
    },
    /// The connection ended without a close frame (what others call 1006).
    Cut {
        /// What the socket said.
        detail: Box<str>,
    },
    /// No inbound byte for longer than the watchdog allows.
    Silent {
        /// For how long nothing came in.
        quiet: Duration,
    },
    /// Dial, TLS, upgrade and first message together took too long.
    HandshakeTimeout,
    /// A write could not be finished in time: the peer has stopped reading, or is gone.
    WriteTimeout,
    /// The connection could not be opened: DNS, TCP, TLS or proxy.
    Unreachable {
        /// What failed.
        detail: Box<str>,
    },
    /// The server answered the upgrade with another HTTP status.
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The peer broke the WebSocket protocol, invalid UTF-8 included.
    Protocol {
        /// Which rule.
        detail: Box<str>,
    },
    /// A frame or message claimed to be over our limit; nothing was allocated for it.
    TooBig {
        /// The limit in bytes.
        limit: usize,
    },
    /// The channel no longer exists: expired, displaced by another, or its token revoked.
    ChannelGone {
        /// What told us.
        detail: Box<str>,
    },
    /// A REST call that the connection needs failed.
    Rest {
        /// The HTTP status, when there was an answer.
        status: Option<u16>,
        /// The error in one clause.
        detail: Box<str>,
    },
    /// The consumer was too slow, and [`Overflow::Disconnect`](crate::Overflow::Disconnect) was chosen.
    Overflow,
    /// We closed it.
    Requested,
    /// A process before this one was connected until here. See [`StreamBuilder::resume`](crate::StreamBuilder::resume)
    /// and [`EventStream::resume`](crate::EventStream::resume).
    Restarted,
}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { code, reason } => {
                write!(f, "closed with {code}")?;
                if !reason.is_empty() {
                    write!(f, ": {reason}")?;
                }
                code.hint().map_or(Ok(()), |hint| write!(f, "; {hint}"))
            }
            Self::Cut { detail } => write!(f, "cut without a close frame: {detail}"),
            Self::Silent { quiet } => write!(f, "silent for {:.1} s", quiet.as_secs_f64()),
            Self::HandshakeTimeout => f.write_str("handshake not finished in time"),
            Self::WriteTimeout => f.write_str("write not finished in time"),
            Self::Unreachable { detail } => write!(f, "unreachable: {detail}"),
            Self::Refused { status } => write!(f, "upgrade refused with HTTP {status}"),
            Self::Protocol { detail } => write!(f, "protocol broken by the peer: {detail}"),
            Self::TooBig { limit } => write!(f, "message over the limit of {limit} bytes"),
            Self::ChannelGone { detail } => write!(f, "channel gone: {detail}"),
            Self::Rest { status: Some(status), detail } => {
                write!(f, "REST call failed with HTTP {status}: {detail}")
            }
            Self::Rest { status: None, detail } => write!(f, "REST call failed: {detail}"),
            Self::Overflow => f.write_str("disconnected because the consumer is too slow"),
            Self::Requested => f.write_str("closed by us"),
            Self::Restarted => f.write_str("the process before this one had ended"),
        }
    }
}

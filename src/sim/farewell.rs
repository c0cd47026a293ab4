//! How a socket ends: the close frame, and what the platform writes down about it.

/// The platform goes away, or a socket has to make room.
pub(super) const GOING_AWAY: u16 = 1001;

/// The client breaks the protocol, or the address leads nowhere.
pub(super) const PROTOCOL: u16 = 1002;

/// A close frame without a code (RFC 6455, section 7.1.5).
pub(super) const NO_STATUS: u16 = 1005;

/// No close frame at all (RFC 6455, section 7.1.5).
pub(super) const ABNORMAL: u16 = 1006;

/// Text that is not UTF-8.
pub(super) const INVALID: u16 = 1007;

/// The token, or what it may do.
pub(super) const POLICY: u16 = 1008;

/// A message over the limit.
pub(super) const TOO_BIG: u16 = 1009;

/// An error of the platform.
pub(super) const INTERNAL: u16 = 1011;

/// Why a connection ended, as the platform sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    IdleTimeout,
    ServerError,
    GoingAway,
    ServerClosed,
    Policy,
    TokenExpired,
    TokenRevoked,
    TooBig,
    Protocol,
    NotReading,
    ClientClosed,
    ConnectionLost,
}

impl Cause {
    /// The value of `disconnectReason`.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::IdleTimeout => "idle timeout",
            Self::ServerError => "server error",
            Self::GoingAway => "server going away",
            Self::ServerClosed => "server closed",
            Self::Policy => "policy violation",
            Self::TokenExpired => "token expired",
            Self::TokenRevoked => "token revoked",
            Self::TooBig => "message too big",
            Self::Protocol => "protocol error",
            Self::NotReading => "client does not read",
            Self::ClientClosed => "client closed",
            Self::ConnectionLost => "client connection lost",
        }
    }

    /// Who ended it: `platform`, `client` or `network`.
    pub(super) fn by(self) -> &'static str {
        match self {
            Self::ClientClosed => "client",
            Self::ConnectionLost => "network",
            _ => "platform",
        }
    }
}

/// A close frame to be sent, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Farewell {
    pub(super) code: u16,
    pub(super) reason: String,
    pub(super) cause: Cause,
}

impl Farewell {
    /// A close frame; the cause is the usual one of its code.
    pub(super) fn new(code: u16, reason: impl Into<String>) -> Self {
        let cause = match code {
            GOING_AWAY => Cause::GoingAway,
            PROTOCOL | INVALID => Cause::Protocol,
            POLICY => Cause::Policy,
            TOO_BIG => Cause::TooBig,
            INTERNAL => Cause::ServerError,
            _ => Cause::ServerClosed,
        };
        Self { code, reason: reason.into(), cause }
    }

    /// The end of a connection on which the client says nothing.
    pub(super) fn idle() -> Self {
        Self { cause: Cause::IdleTimeout, ..Self::new(GOING_AWAY, "idle timeout") }
    }

    pub(super) fn token_expired() -> Self {
        Self { cause: Cause::TokenExpired, ..Self::new(POLICY, "token expired") }
    }

    pub(super) fn token_revoked() -> Self {
        Self { cause: Cause::TokenRevoked, ..Self::new(POLICY, "token revoked") }
    }
}

//! What the platform can be told to do wrong.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::aim::Aim;
use crate::error::{Error, Result};

/// Largest frame that [`Fault::Oversize`] makes: 64 MiB.
const OVERSIZE_MAX: usize = 64 * 1024 * 1024;

/// Most frames that one counted fault sends.
const COUNT_MAX: u32 = 10_000;

/// Something that the platform does wrong on request.
///
/// In the library it is given to [`Platform::fault`](super::Platform::fault); over HTTP the same type is the body of
/// `POST /_sim/fault`, as `{"kind":"close","code":1011,"reason":"…","channel":id}`, or with `"socket":"routing"`
/// instead of a channel.
///
/// A fault concerns one channel when a channel is named, the sockets of one [`SocketKind`](super::SocketKind) when a socket is named, and
/// every socket otherwise. Three classes: faults that *last* (`duplicate`, `reorder`, `drop`, `delay`,
/// `unknown_field`, `unknown_enum`, `null_fields`, `missing_fields`, `trickle`, `late_pong`, `slow_handshake`,
/// `forbid_topic`, `clock_skew`) also concern sockets that are opened later, until they are set to zero or a reset;
/// faults for a *time* or a *count* end by themselves; all others happen once, to what is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// Dials of sockets get a TCP RST for this long. REST stays up.
    RefuseConnect {
        /// For how long, in milliseconds.
        for_ms: u64,
    },
    /// The answer to a dial comes this late. Lasts.
    SlowHandshake {
        /// How late, in milliseconds; 0 ends it.
        delay_ms: u64,
    },
    /// The socket is closed with a close frame.
    Close {
        /// The close code; 1001 when it is left out.
        #[serde(default = "going_away")]
        code: u16,
        /// The reason, at most 123 bytes.
        #[serde(default)]
        reason: String,
    },
    /// The TCP connection is cut by RST, without a close frame.
    Reset,
    /// The socket stays open, but nothing is read or written. What was due then flows afterwards, in order, as with
    /// a network that was away.
    Silence {
        /// For how long, in milliseconds.
        for_ms: u64,
    },
    /// No heartbeats and no keepalives are sent; everything else flows.
    NoHeartbeat {
        /// For how long, in milliseconds.
        for_ms: u64,
    },
    /// `v2.system.socket_closing` now, and the close (1001) later. Sockets without a channel get no notice.
    SocketClosing {
        /// When to close, in milliseconds from now; the platform's own notice when it is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after_ms: Option<u64>,
    },
    /// The channel is displaced: its socket is told and closed, and it is 404 from then on.
    EvictChannel,
    /// Tokens (that of the channel, those of the named sockets, or all) expire now. Sockets without a channel are
    /// closed with 1008 at once, also those that need no token.
    ExpireToken,
    /// Tokens (that of the channel, those of the named sockets, or all) are revoked now, and their channels end.
    /// Sockets without a channel are closed with 1008, also those that need no token.
    RevokeToken,
    /// Every refresh token is revoked now; tokens stay good until they expire. Not for one channel or socket.
    RevokeRefreshToken,
    /// The next requests, dials included, get this status. Not for one channel or socket.
    Http {
        /// The beginning of the paths that are concerned, such as `/api/v2` or `/oauth/token`.
        path: String,
        /// The status.
        status: u16,
        /// The value of `Retry-After` in seconds; no such header when it is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
        /// How many requests; 1 when it is left out.
        #[serde(default = "once")]
        count: u32,
        /// An HTML body, as gateways send, instead of JSON.
        #[serde(default)]
        html: bool,
    },
    /// Subscribing to the topic is refused from now on. Subscriptions that exist go on. Lasts. For channels only.
    ForbidTopic {
        /// A topic, or a template such as `v2.users.{id}.presence`.
        topic: String,
    },
    /// Events are sent twice. Lasts.
    Duplicate {
        /// How often, 0 to 1.
        probability: f64,
    },
    /// An event is overtaken by the next one of another topic; the order within a topic holds. Lasts.
    Reorder {
        /// How often, 0 to 1.
        probability: f64,
    },
    /// Events are not sent. Lasts.
    Drop {
        /// How often, 0 to 1.
        probability: f64,
    },
    /// Events are sent late, in order. Lasts.
    Delay {
        /// How late, in milliseconds; 0 ends it.
        ms: u64,
        /// At most so much later still, in milliseconds.
        #[serde(default)]
        jitter_ms: u64,
    },
    /// Text frames that are no JSON: the beginning of an event.
    Malformed {
        /// How many; 1 when it is left out.
        #[serde(default = "once")]
        count: u32,
    },
    /// Text frames that are not UTF-8.
    InvalidUtf8 {
        /// How many; 1 when it is left out.
        #[serde(default = "once")]
        count: u32,
    },
    /// One event in a frame of this size.
    Oversize {
        /// Payload of the frame in bytes, at most 64 MiB.
        bytes: usize,
    },
    /// Events of topics that nobody knows.
    UnknownTopic {
        /// How many; 1 when it is left out.
        #[serde(default = "once")]
        count: u32,
    },
    /// Every event has fields that nobody knows, in its envelope and its body. Lasts.
    UnknownField,
    /// Every event that has a value of an enumeration has one that nobody knows. Lasts.
    UnknownEnum,
    /// The socket is written one byte at a time. Lasts.
    Trickle,
    /// Every event without an envelope has null where it has `agentStatus` and `waitTime`. Lasts.
    NullFields,
    /// Every event without an envelope lacks `agentStatus` and `waitTime`. Lasts.
    MissingFields,
    /// WebSocket pongs that no ping has asked for.
    UnsolicitedPong {
        /// How many; 1 when it is left out.
        #[serde(default = "once")]
        count: u32,
    },
    /// Pings, of the protocol and as texts, are answered this late. Lasts.
    LatePong {
        /// How late, in milliseconds; 0 ends it.
        delay_ms: u64,
    },
    /// Pings, of the protocol and as texts, are not answered.
    NoPong {
        /// For how long, in milliseconds.
        for_ms: u64,
    },
    /// The socket is closed as after too long a silence of the client.
    IdleTimeout,
    /// The TCP connection ends within a frame, without a close frame and without RST, as at the limit of a proxy.
    ProxyCut {
        /// When, in milliseconds from now; at once when it is left out.
        #[serde(default)]
        after_ms: u64,
    },
    /// All times that the platform states are shifted. Not for one channel or socket. Lasts.
    ClockSkew {
        /// By how much, in milliseconds; may be negative.
        ms: i64,
    },
}

fn going_away() -> u16 {
    1001
}

fn once() -> u32 {
    1
}

/// Every kind with its fields; a test keeps it equal to the enum.
const KINDS: &[(&str, &[&str])] = &[
    ("refuse_connect", &["for_ms"]),
    ("slow_handshake", &["delay_ms"]),
    ("close", &["code", "reason"]),
    ("reset", &[]),
    ("silence", &["for_ms"]),
    ("no_heartbeat", &["for_ms"]),
    ("socket_closing", &["after_ms"]),
    ("evict_channel", &[]),
    ("expire_token", &[]),
    ("revoke_token", &[]),
    ("revoke_refresh_token", &[]),
    ("http", &["path", "status", "retry_after", "count", "html"]),
    ("forbid_topic", &["topic"]),
    ("duplicate", &["probability"]),
    ("reorder", &["probability"]),
    ("drop", &["probability"]),
    ("delay", &["ms", "jitter_ms"]),
    ("malformed", &["count"]),
    ("invalid_utf8", &["count"]),
    ("oversize", &["bytes"]),
    ("unknown_topic", &["count"]),
    ("unknown_field", &[]),
    ("unknown_enum", &[]),
    ("trickle", &[]),
    ("null_fields", &[]),
    ("missing_fields", &[]),
    ("unsolicited_pong", &["count"]),
    ("late_pong", &["delay_ms"]),
    ("no_pong", &["for_ms"]),
    ("idle_timeout", &[]),
    ("proxy_cut", &["after_ms"]),
    ("clock_skew", &["ms"]),
];

fn kinds() -> String {
    let shown: Vec<String> =
        KINDS.iter().map(|(kind, fields)| format!("{kind}{{{}}}", fields.join(","))).collect();
    format!("{}; each also takes channel or socket, where it can be aimed", shown.join(" "))
}

impl Fault {
    /// Reads the body of `POST /_sim/fault`: the fault, and what it is aimed at.
    pub(super) fn read(mut body: Map<String, Value>) -> Result<(Self, Aim)> {
        let aim = Aim::read(&mut body)?;
        let kind = body.get("kind").and_then(Value::as_str).unwrap_or("");
        let Some((_, fields)) = KINDS.iter().find(|(name, _)| *name == kind) else {
            let message = format!("no fault kind is called {kind:?}; there are: {}", kinds());
            return Err(Error::config(message));
        };
        let unknown = body.keys().find(|key| *key != "kind" && !fields.contains(&key.as_str()));
        if let Some(field) = unknown {
            let message =
                format!("fault kind {kind} has no field {field:?}; there are: {}", kinds());
            return Err(Error::config(message));
        }
        let fault: Self = serde_json::from_value(Value::Object(body)).map_err(|error| {
            Error::config(format!("bad fault: {error}; there are: {}", kinds()))
        })?;
        Ok((fault, aim))
    }

    /// Refuses what cannot be done.
    pub(super) fn check(&self, aim: &Aim) -> Result<()> {
        let wrong = match self {
            Self::Duplicate { probability }
            | Self::Reorder { probability }
            | Self::Drop { probability } => {
                (!(0.0..=1.0).contains(probability)).then_some("probability must be from 0 to 1")
            }
            Self::Close { code, reason } => {
                let sendable = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
                if !sendable {
                    Some("a close frame cannot carry that code")
                } else if reason.len() > 123 {
                    Some("reason must be at most 123 bytes")
                } else {
                    None
                }
            }
            Self::Http { status, path, .. } => {
                if !(200..=599).contains(status) {
                    Some("status must be from 200 to 599")
                } else if !path.starts_with('/') {
                    Some("path must begin with /")
                } else {
                    None
                }
            }
            Self::Malformed { count }
            | Self::InvalidUtf8 { count }
            | Self::UnsolicitedPong { count }
            | Self::UnknownTopic { count } => {
                (*count > COUNT_MAX).then_some("count must be at most 10000")
            }
            Self::Oversize { bytes } => {
                (*bytes > OVERSIZE_MAX).then_some("bytes must be at most 67108864")
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            return Err(Error::config(wrong));
        }
        let for_all =
            matches!(self, Self::Http { .. } | Self::ClockSkew { .. } | Self::RevokeRefreshToken);
        let for_channels = matches!(self, Self::ForbidTopic { .. } | Self::EvictChannel);
        match aim {
            Aim::Channel(_) | Aim::Kind(_) if for_all => {
                Err(Error::config("this kind is not for one channel or socket"))
            }
            Aim::Kind(_) if for_channels => Err(Error::config("this kind is for channels only")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: Value) -> Result<(Fault, Aim)> {
        let Value::Object(body) = body else { panic!("not an object") };
        Fault::read(body)
    }

    #[test]
    fn every_kind_of_the_list_is_read_with_all_its_fields() {
        for (kind, fields) in KINDS {
            let mut body = Map::new();
            body.insert("kind".into(), json!(kind));
            for field in *fields {
                let value = match *field {
                    "reason" | "path" | "topic" => json!("/x"),
                    "html" => json!(true),
                    "code" => json!(1011),
                    "status" => json!(503),
                    _ => json!(1),
                };
                body.insert((*field).into(), value);
            }
            let (fault, _) = Fault::read(body.clone()).unwrap();
            fault.check(&Aim::All).unwrap();
            let Value::Object(back) = serde_json::to_value(&fault).unwrap() else {
                panic!("not an object")
            };
            let names = |map: &Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&back), names(&body));
        }
    }

    #[test]
    fn an_unknown_kind_or_field_is_answered_with_what_exists() {
        for bad in [
            json!({"kind": "earthquake"}),
            json!({}),
            json!({"kind": "reset", "count": 1}),
            json!({"kind": "silence"}),
            json!({"kind": "silence", "for_ms": "long"}),
        ] {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.contains("refuse_connect{for_ms}"), "{error}");
            assert!(error.contains("http{path,status,retry_after,count,html}"));
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for bad in [
            Fault::Drop { probability: 1.5 },
            Fault::Drop { probability: f64::NAN },
            Fault::Close { code: 1006, reason: String::new() },
            Fault::Oversize { bytes: usize::MAX },
        ] {
            assert!(bad.check(&Aim::All).is_err(), "{bad:?}");
        }
        assert!(Fault::ClockSkew { ms: 1 }.check(&Aim::Channel("c".into())).is_err());
        let frames = Aim::Kind(crate::sim::SocketKind::Frames);
        assert!(Fault::EvictChannel.check(&frames).is_err());
    }
}

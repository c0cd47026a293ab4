//! Faults that last, and those that wait for a request.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use tokio::time::Instant;

use super::response::Reply;
use super::socket_kind::SocketKind;
use super::topics;

/// What lasts on a socket, or on its next dial.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Knobs {
    pub(super) duplicate: f64,
    pub(super) reorder: f64,
    pub(super) drop: f64,
    pub(super) delay_ms: u64,
    pub(super) jitter_ms: u64,
    pub(super) slow_ms: u64,
    pub(super) unknown_field: bool,
    pub(super) unknown_enum: bool,
    pub(super) trickle: bool,
    pub(super) null_fields: bool,
    pub(super) missing_fields: bool,
    pub(super) late_pong_ms: u64,
    pub(super) refuse_until: Option<Instant>,
}

impl Knobs {
    /// Whether events are not sent as they are.
    pub(super) fn alters(&self) -> bool {
        self.unknown_field || self.unknown_enum || self.null_fields || self.missing_fields
    }

    /// The worse of both, setting by setting.
    fn with(self, other: Self) -> Self {
        Self {
            duplicate: self.duplicate.max(other.duplicate),
            reorder: self.reorder.max(other.reorder),
            drop: self.drop.max(other.drop),
            delay_ms: self.delay_ms.max(other.delay_ms),
            jitter_ms: self.jitter_ms.max(other.jitter_ms),
            slow_ms: self.slow_ms.max(other.slow_ms),
            unknown_field: self.unknown_field || other.unknown_field,
            unknown_enum: self.unknown_enum || other.unknown_enum,
            trickle: self.trickle || other.trickle,
            null_fields: self.null_fields || other.null_fields,
            missing_fields: self.missing_fields || other.missing_fields,
            late_pong_ms: self.late_pong_ms.max(other.late_pong_ms),
            refuse_until: self.refuse_until.max(other.refuse_until),
        }
    }
}

/// Which sockets a fault is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Only {
    All,
    Channel(Arc<str>),
    Kind(SocketKind),
}

/// Every fault that is waiting for something to happen.
#[derive(Debug, Default)]
pub(super) struct Faults {
    all: Knobs,
    of_channel: BTreeMap<Arc<str>, Knobs>,
    of_kind: BTreeMap<SocketKind, Knobs>,
    http: Vec<HttpFault>,
    forbidden: Vec<(Option<Arc<str>>, String)>,
}

/// An answer that the next requests get.
#[derive(Debug)]
pub(super) struct HttpFault {
    pub(super) path: String,
    pub(super) status: u16,
    pub(super) retry_after: Option<u64>,
    pub(super) left: u32,
    pub(super) html: bool,
}

impl Faults {
    /// What lasts on one channel.
    pub(super) fn knobs(&self, channel: &str) -> Knobs {
        self.of_channel.get(channel).map_or(self.all, |own| self.all.with(*own))
    }

    /// What lasts on the sockets of one kind.
    pub(super) fn knobs_of_kind(&self, kind: SocketKind) -> Knobs {
        self.of_kind.get(&kind).map_or(self.all, |own| self.all.with(*own))
    }

    /// Changes what lasts, on the sockets that are meant.
    pub(super) fn change(&mut self, only: &Only, change: impl FnOnce(&mut Knobs)) {
        match only {
            Only::All => change(&mut self.all),
            Only::Channel(id) => change(self.of_channel.entry(Arc::clone(id)).or_default()),
            Only::Kind(kind) => change(self.of_kind.entry(*kind).or_default()),
        }
    }

    /// Ends everything that lasts, and everything that waits.
    #[cfg(test)]
    pub(super) fn lift(&mut self) {
        *self = Self::default();
    }

    /// Forgets what was set for a channel that is no more.
    pub(super) fn forget(&mut self, channel: &str) {
        self.of_channel.remove(channel);
        self.forbidden.retain(|(only, _)| only.as_deref() != Some(channel));
    }

    pub(super) fn add_http(&mut self, fault: HttpFault) {
        if fault.left > 0 {
            self.http.push(fault);
        }
    }

    /// The answer that a request to a path gets instead of the real one.
    pub(super) fn take_http(&mut self, path: &str) -> Option<Reply> {
        let place = self.http.iter().position(|fault| path.starts_with(&fault.path))?;
        let fault = self.http.get_mut(place)?;
        fault.left -= 1;
        let reply = fault.reply();
        if fault.left == 0 {
            self.http.remove(place);
        }
        Some(reply)
    }

    pub(super) fn forbid(&mut self, channel: Option<Arc<str>>, topic: String) {
        self.forbidden.push((channel, topic));
    }

    /// Whether a channel may not subscribe to a single topic.
    pub(super) fn is_forbidden(&self, channel: &str, topic: &str) -> bool {
        self.forbidden.iter().any(|(only, name)| {
            only.as_deref().is_none_or(|only| only == channel) && topics::fits(name, topic)
        })
    }
}

impl HttpFault {
    fn reply(&self) -> Reply {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let reply = if self.html {
            Reply::html(status)
        } else if status == StatusCode::TOO_MANY_REQUESTS {
            let seconds = self.retry_after.unwrap_or(1);
            let mut reply = Reply::throttled(seconds);
            reply.headers.clear();
            reply
        } else {
            let code = match self.status {
                400 => "bad.request",
                401 => "bad.credentials",
                403 => "not.authorized",
                404 => "not.found",
                503 => "service.unavailable",
                504 => "request.timeout",
                _ => "internal.server.error",
            };
            Reply::error(self.status, code, "Fault of the simulator.")
        };
        match self.retry_after {
            Some(seconds) => reply.retry_after(seconds),
            None => reply,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_fault_ends_with_its_count_and_concerns_its_path_only() {
        let mut faults = Faults::default();
        faults.add_http(HttpFault {
            path: "/oauth/".into(),
            status: 503,
            retry_after: None,
            left: 2,
            html: true,
        });
        assert!(faults.take_http("/api/v2/users").is_none());
        assert!(faults.take_http("/oauth/token").is_some());
        assert!(faults.take_http("/oauth/token").is_some());
        assert!(faults.take_http("/oauth/token").is_none());
    }

    #[test]
    fn a_topic_is_forbidden_by_name_or_by_template_in_any_case() {
        let mut faults = Faults::default();
        faults.forbid(None, "v2.users.{id}.Presence".into());
        faults.forbid(Some("one".into()), "v2.users.a.station".into());
        assert!(faults.is_forbidden("any", "v2.users.x.presence"));
        assert!(faults.is_forbidden("one", "V2.users.A.station"));
        assert!(!faults.is_forbidden("two", "v2.users.a.station"));
    }
}

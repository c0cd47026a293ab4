//! What happens to a stream itself: connections, coverage, and every loss.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::core::close::Gone;
use crate::core::ids::{ChannelId, GapId};
use crate::error::ErrorKind;
use crate::events::generated::table::Event;
use crate::events::timestamp::Timestamp;
use crate::events::topic::Topic;

/// Something that happened to the stream rather than on the platform.
///
/// From these alone a consumer can tell what it has seen and what it has not: a topic is covered from its
/// `Subscribed` to its `Unsubscribed`, but for each `Gap`, `Lagged` and `uncovered` in between.
///
/// As JSON it is an object with `what`, times in RFC 3339 with milliseconds, durations as `…_ms`, and causes as text.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Lifecycle {
    /// A socket is open and flowing.
    Connected {
        /// The channel; `None` for sockets without one.
        channel: Option<ChannelId>,
        /// Whether the channel was made for this socket.
        new_channel: bool,
        /// Dials that it took.
        attempts: u32,
    },
    /// The socket is gone.
    Disconnected {
        /// The channel; `None` for sockets without one.
        channel: Option<ChannelId>,
        /// Why.
        cause: Gone,
        /// When its last byte came in, on the wall clock.
        last_inbound: Option<SystemTime>,
        /// For how long it was live.
        was_live: Duration,
        /// The wait before the next dial; `None` when a consumer must act or the stream stops.
        retry_in: Option<Duration>,
    },
    /// Another socket took over from the one before, without a gap.
    Renewed {
        /// The channel; `None` for sockets without one.
        channel: Option<ChannelId>,
        /// Why.
        reason: RenewalReason,
        /// Dials that it took.
        attempts: u32,
        /// For how long both flowed.
        overlap: Duration,
    },
    /// The channel confirmed its subscriptions after a reconnect.
    Resubscribed {
        /// The channel; `None` for sockets without one.
        channel: Option<ChannelId>,
        /// How many topics.
        topics: usize,
    },
    /// Topics are covered for the first time.
    Subscribed {
        /// The topics.
        topics: Arc<[Topic]>,
        /// From when on.
        since: SystemTime,
    },
    /// Topics are no longer wanted.
    Unsubscribed {
        /// The topics.
        topics: Arc<[Topic]>,
    },
    /// The platform refuses one topic; the others live.
    Rejected {
        /// The topic.
        topic: Topic,
        /// The platform's reason.
        reason: Box<str>,
        /// The permissions that are missing.
        missing_permissions: Vec<Box<str>>,
    },
    /// Nothing is known of these topics between two times.
    ///
    /// It begins with the last moment of which everything is sure to have come: the last inbound byte before. A byte that
    /// came in one go with others after a lull of more than a second, with the end of the connection within a second
    /// behind it, may have been under way for as long as the lull: then it is the last byte before the lull, or the last ping
    /// that was answered. It ends when a connection that the platform confirmed the topics for is seen flowing. When topics
    /// are added again to a connection that flows, their events may come before the platform's answer does: those
    /// come before this item, and lie inside the gap.
    ///
    /// A gap without length (`covered_until` equals `resumed_at`, `duration` is zero) marks a place in the stream: while
    /// one connection took over from another, the old one was cut before it had shown that it had delivered everything,
    /// and the new one had flowed for longer than that. What happened since the new one began is there. What may be missing
    /// was on its way over the old one all that time: it happened before `covered_until`, not long before, as events take
    /// less than seconds on their way. Whoever fetches what a gap may have missed asks for a few seconds on either side of
    /// it, as the backfill does.
    Gap {
        /// Its number in this stream.
        gap: GapId,
        /// The topics.
        topics: Arc<[Topic]>,
        /// The last moment of which everything has come, on the wall clock.
        covered_until: SystemTime,
        /// When they were covered again, on the wall clock.
        resumed_at: SystemTime,
        /// Between the two, on the monotonic clock.
        duration: Duration,
        /// Why.
        cause: Gone,
    },
    /// What could be had of these topics after a gap has been delivered. Only with
    /// [`StreamBuilder::backfill`](crate::StreamBuilder::backfill).
    BackfillComplete {
        /// The gap.
        gap: GapId,
        /// The topics, by their single names.
        topics: Arc<[Topic]>,
    },
    /// What these topics missed in a gap could not be had, or not all of it.
    BackfillFailed {
        /// The gap.
        gap: GapId,
        /// The topics, by their single names.
        topics: Arc<[Topic]>,
        /// What kind of error it was.
        kind: ErrorKind,
        /// The error in one clause; it names a permission that is missing.
        error: Box<str>,
    },
    /// There is no room for another channel: the platform would remove somebody else's for it. What there is goes on.
    ChannelsBusy {
        /// Channels that exist, whoever made them.
        in_use: usize,
        /// How many there may be.
        limit: usize,
        /// How many more are needed.
        needed: usize,
    },
    /// The platform had dropped topics from a channel's subscription. They are put back, and a `Gap` from `sure_until` on
    /// follows, unless another channel had them all that time.
    ///
    /// Nothing tells of a topic that was dropped and is back before it was looked for, because its channel was subscribed
    /// again for another reason or replaced by another: the platform does not say what a subscription was before. So what
    /// is lost unseen is lost for no longer than the interval of
    /// [`check_subscriptions`](crate::StreamBuilder::check_subscriptions).
    Drifted {
        /// The channel.
        channel: Option<ChannelId>,
        /// The topics.
        topics: Arc<[Topic]>,
        /// When they were surely there for the last time.
        sure_until: SystemTime,
    },
    /// A connection was closed that is not needed any more: its topics are unsubscribed, or covered by another.
    Released {
        /// The channel.
        channel: Option<ChannelId>,
    },
    /// The consumer was too slow, and events were dropped here.
    Lagged {
        /// How many.
        dropped: u64,
    },
    /// The last lifecycle item.
    Stopped {
        /// Why the stream ends.
        reason: StopReason,
        /// Topics that were without coverage when it stopped.
        uncovered: Vec<Uncovered>,
    },
}

/// Why a connection was replaced by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RenewalReason {
    /// It came to the age at which its protocol replaces it.
    Age,
    /// There is a newer token than the one it was opened with.
    Token,
    /// The peer announced that it will close.
    Closing,
    /// [`StreamHandle::renew`](crate::StreamHandle::renew) was called.
    Requested,
    /// It takes over the topics of another one too.
    Rebalance,
}

impl RenewalReason {
    /// The name used in records: `age`, `token`, `closing`, `requested` or `rebalance`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Token => "token",
            Self::Closing => "closing",
            Self::Requested => "requested",
            Self::Rebalance => "rebalance",
        }
    }
}

impl fmt::Display for RenewalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a stream ends.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StopReason {
    /// It was closed by its owner.
    Closed,
    /// The reconnect policy gave up.
    GaveUp {
        /// Why the last connection was lost.
        cause: Gone,
        /// Dials that failed in a row.
        attempts: u32,
    },
    /// The platform refuses the credentials.
    Auth(Box<str>),
    /// Something that another attempt would not mend.
    Failed(Box<str>),
}

/// Topics without coverage at the end of a stream.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Uncovered {
    /// The topics.
    pub topics: Arc<[Topic]>,
    /// Until when they were covered; `None` when they never were.
    pub covered_until: Option<SystemTime>,
    /// Why they no longer are; `None` when they never were.
    pub cause: Option<Gone>,
}

impl Uncovered {
    /// Topics without coverage.
    pub fn new(
        topics: Arc<[Topic]>,
        covered_until: Option<SystemTime>,
        cause: Option<Gone>,
    ) -> Self {
        Self { topics, covered_until, cause }
    }
}

impl Lifecycle {
    /// What happened, in one word: `connected`, `disconnected`, `renewed`, `resubscribed`, `subscribed`, `unsubscribed`,
    /// `rejected`, `gap`, `backfill_complete`, `backfill_failed`, `channels_busy`, `drifted`, `released`, `lagged` or
    /// `stopped`.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Connected { .. } => "connected",
            Self::Disconnected { .. } => "disconnected",
            Self::Renewed { .. } => "renewed",
            Self::Resubscribed { .. } => "resubscribed",
            Self::Subscribed { .. } => "subscribed",
            Self::Unsubscribed { .. } => "unsubscribed",
            Self::Rejected { .. } => "rejected",
            Self::Gap { .. } => "gap",
            Self::BackfillComplete { .. } => "backfill_complete",
            Self::BackfillFailed { .. } => "backfill_failed",
            Self::ChannelsBusy { .. } => "channels_busy",
            Self::Drifted { .. } => "drifted",
            Self::Released { .. } => "released",
            Self::Lagged { .. } => "lagged",
            Self::Stopped { .. } => "stopped",
        }
    }
}

impl From<Lifecycle> for Event {
    fn from(item: Lifecycle) -> Self {
        Self::Lifecycle(item)
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed by its owner"),
            Self::GaveUp { cause, attempts } => {
                write!(f, "gave up after {attempts} attempts: {cause}")
            }
            Self::Auth(detail) => write!(f, "credentials refused: {detail}"),
            Self::Failed(detail) => write!(f, "failed: {detail}"),
        }
    }
}

/// Milliseconds, as far as JSON numbers reach.
fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn names(topics: &[Topic]) -> Vec<&str> {
    topics.iter().map(Topic::name).collect()
}

/// The id as it may be shown: the whole one would open the channel's socket.
fn shown(channel: Option<&ChannelId>) -> Option<String> {
    channel.map(ToString::to_string)
}

impl Serialize for Lifecycle {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("what", self.what())?;
        match self {
            Self::Connected { channel, new_channel, attempts } => {
                map.serialize_entry("channel", &shown(channel.as_ref()))?;
                map.serialize_entry("new_channel", new_channel)?;
                map.serialize_entry("attempts", attempts)?;
            }
            Self::Disconnected { channel, cause, last_inbound, was_live, retry_in } => {
                map.serialize_entry("channel", &shown(channel.as_ref()))?;
                map.serialize_entry("cause", &cause.to_string())?;
                map.serialize_entry("last_inbound", &last_inbound.map(Timestamp::from))?;
                map.serialize_entry("was_live_ms", &ms(*was_live))?;
                map.serialize_entry("retry_in_ms", &retry_in.map(ms))?;
            }
            Self::Renewed { channel, reason, attempts, overlap } => {
                map.serialize_entry("channel", &shown(channel.as_ref()))?;
                map.serialize_entry("reason", reason.as_str())?;
                map.serialize_entry("attempts", attempts)?;
                map.serialize_entry("overlap_ms", &ms(*overlap))?;
            }
            Self::Resubscribed { channel, topics } => {
                map.serialize_entry("channel", &shown(channel.as_ref()))?;
                map.serialize_entry("topics", topics)?;
            }
            Self::Subscribed { topics, since } => {
                map.serialize_entry("topics", &names(topics))?;
                map.serialize_entry("since", &Timestamp::from(*since))?;
            }
            Self::Unsubscribed { topics } => map.serialize_entry("topics", &names(topics))?,
            Self::Rejected { topic, reason, missing_permissions } => {
                map.serialize_entry("topic", topic.name())?;
                map.serialize_entry("reason", reason)?;
                map.serialize_entry("missing_permissions", missing_permissions)?;
            }
            Self::Gap { gap, topics, covered_until, resumed_at, duration, cause } => {
                map.serialize_entry("gap", gap)?;
                map.serialize_entry("topics", &names(topics))?;
                map.serialize_entry("covered_until", &Timestamp::from(*covered_until))?;
                map.serialize_entry("resumed_at", &Timestamp::from(*resumed_at))?;
                map.serialize_entry("duration_ms", &ms(*duration))?;
                map.serialize_entry("cause", &cause.to_string())?;
            }
            Self::BackfillComplete { gap, topics } => {
                map.serialize_entry("gap", gap)?;
                map.serialize_entry("topics", &names(topics))?;
            }
            Self::BackfillFailed { gap, topics, kind, error } => {
                map.serialize_entry("gap", gap)?;
                map.serialize_entry("topics", &names(topics))?;
                map.serialize_entry("kind", &format!("{kind:?}").to_lowercase())?;
                map.serialize_entry("error", error)?;
            }
            Self::ChannelsBusy { in_use, limit, needed } => {
                map.serialize_entry("in_use", in_use)?;
                map.serialize_entry("limit", limit)?;
                map.serialize_entry("needed", needed)?;
            }
            Self::Drifted { channel, topics, sure_until } => {
                map.serialize_entry("channel", &shown(channel.as_ref()))?;
                map.serialize_entry("topics", &names(topics))?;
                map.serialize_entry("sure_until", &Timestamp::from(*sure_until))?;
            }
            Self::Released { channel } => {
                map.serialize_entry("channel", &shown(channel.as_ref()))?;
            }
            Self::Lagged { dropped } => map.serialize_entry("dropped", dropped)?,
            Self::Stopped { reason, uncovered } => {
                map.serialize_entry("reason", &reason.to_string())?;
                map.serialize_entry("uncovered", uncovered)?;
            }
        }
        map.end()
    }
}

impl Serialize for Uncovered {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("topics", &names(&self.topics))?;
        map.serialize_entry("covered_until", &self.covered_until.map(Timestamp::from))?;
        map.serialize_entry("cause", &self.cause.as_ref().map(ToString::to_string))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_gap_is_written_with_utc_milliseconds() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_millis(1_772_616_600_123);
        let gap = Lifecycle::Gap {
            gap: GapId::new(3),
            topics: Arc::from([Topic::unchecked("v2.users.1.presence")]),
            covered_until: start,
            resumed_at: start + Duration::from_millis(877),
            duration: Duration::from_micros(876_900),
            cause: Gone::HandshakeTimeout,
        };
        assert_eq!(
            serde_json::to_value(Event::from(gap)).unwrap(),
            json!({
                "what": "gap",
                "gap": 3,
                "topics": ["v2.users.1.presence"],
                "covered_until": "2026-03-04T09:30:00.123Z",
                "resumed_at": "2026-03-04T09:30:01.000Z",
                "duration_ms": 876,
                "cause": "handshake not finished in time",
            })
        );
    }

    #[test]
    fn a_backfill_that_failed_is_written_with_its_kind() {
        let failed = Lifecycle::BackfillFailed {
            gap: GapId::new(2),
            topics: Arc::from([Topic::unchecked("v2.users.1.presence")]),
            kind: ErrorKind::Status(503),
            error: "HTTP 503".into(),
        };
        assert_eq!(
            serde_json::to_value(Event::from(failed)).unwrap(),
            json!({
                "what": "backfill_failed",
                "gap": 2,
                "topics": ["v2.users.1.presence"],
                "kind": "status(503)",
                "error": "HTTP 503",
            })
        );
    }

    #[test]
    fn a_channel_id_is_not_written() {
        let item = Lifecycle::Disconnected {
            channel: Some(ChannelId::new("streaming-7-k2m1example")),
            cause: Gone::Requested,
            last_inbound: None,
            was_live: Duration::MAX,
            retry_in: None,
        };
        let text = serde_json::to_string(&item).unwrap();
        assert!(!text.contains("k2m1") && text.contains("\"retry_in_ms\":null"), "{text}");
        assert!(!format!("{item:?}").contains("k2m1"));
    }

    #[test]
    fn the_end_names_what_was_not_covered() {
        let topics: Arc<[Topic]> = Arc::from([Topic::unchecked("v2.a")]);
        let item = Lifecycle::Stopped {
            reason: StopReason::GaveUp { cause: Gone::WriteTimeout, attempts: 3 },
            uncovered: vec![Uncovered::new(topics, None, Some(Gone::WriteTimeout))],
        };
        let json = serde_json::to_value(&item).unwrap();
        assert_eq!(json["reason"], "gave up after 3 attempts: write not finished in time");
        assert_eq!(json["uncovered"][0]["covered_until"], json!(null));
    }
}

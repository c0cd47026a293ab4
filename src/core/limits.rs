//! Every number of the service in one place, each with its source; each can be overridden where it is used.

use std::time::Duration;

/// Life of a channel since its last (re)subscription.
/// Source: Genesys developer blog "Event Streaming In Action" (2021-12-02).
pub const CHANNEL_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Age at which a channel is replaced: early enough that up to two hours of trouble do not matter, and late enough that a
/// day needs one replacement. Ours, not the platform's.
pub const CHANNEL_RENEWAL: Duration = Duration::from_secs(22 * 60 * 60);

/// The platform's heartbeat on a notification socket.
/// Source: Genesys community, "Regarding the behavior of WebSocket heartbeats".
pub const HEARTBEAT: Duration = Duration::from_secs(30);

/// By how much the clocks of two processes may differ that hand over to each other, and by how much what both receive may
/// come later to one. Ours: machines whose clocks are kept by NTP differ by some milliseconds.
pub const HAND_OVER_MARGIN: Duration = Duration::from_secs(1);

/// No inbound byte for this long is a dead socket: one heartbeat and five seconds.
/// Source: the silence timer of Genesys' own streaming client (`server-monitor.ts`).
pub const SILENCE: Duration = Duration::from_secs(35);

/// Channels of one user and OAuth client; the 21st removes the one that was used the longest ago.
/// Source: description of `POST /api/v2/notifications/channels`.
pub const CHANNELS_PER_CLIENT: usize = 20;

/// Topics of one channel.
/// Source: Genesys developer blog "Event Streaming In Action" (2021-12-02).
pub const TOPICS_PER_CHANNEL: usize = 1_000;

/// Characters of a topic id, combined topics included.
/// Source: Genesys' streaming client (`notifications.ts`).
pub const TOPIC_LENGTH: usize = 200;

/// Requests of one token in a minute.
/// Source: limits `token.rate.per.minute` and `client.credentials.token.rate.per.minute` of namespace `platform.api`.
pub const REQUESTS_PER_MINUTE: u32 = 300;

/// Notice that `v2.system.socket_closing` gives before the socket is closed.
/// Source: Genesys' streaming client (`connection-transfer.ts`).
pub const CLOSING_NOTICE: Duration = Duration::from_secs(60);

/// Longest `Retry-After` that is waited for; a longer one is returned as an error with the value inside.
/// Source: the cap of the official SDKs.
pub const RETRY_AFTER_CAP: Duration = Duration::from_secs(180);

/// Life of a token when the platform does not say.
/// Source: default of `accessTokenValiditySeconds` of an OAuth client.
pub const TOKEN_LIFE: Duration = Duration::from_secs(86_400);

/// Longest interval of a query for details of conversations.
/// Source: none that is published, and the platform may refuse less; `analytics::IntervalLimits` changes it.
pub const CONVERSATION_DETAILS_INTERVAL: Duration = Duration::from_secs(31 * 86_400);

/// Longest interval of a query for details of users.
/// Source: none that is published, and the platform may refuse less; `analytics::IntervalLimits` changes it.
pub const USER_DETAILS_INTERVAL: Duration = Duration::from_secs(7 * 86_400);

/// Longest interval of a job that collects details.
/// Source: none that is published, and the platform may refuse less; `analytics::IntervalLimits` changes it.
pub const DETAILS_JOB_INTERVAL: Duration = Duration::from_secs(31 * 86_400);

/// Entities of a page of details. Source: the largest page that is known to be taken by every query.
pub const DETAILS_PAGE: u32 = 100;

/// Conversations whose details are asked for by one call, `GET /api/v2/analytics/conversations/details`. No limit is
/// published: this many ids are a query of 2,000 characters, which every proxy lets through.
pub const DETAILS_IDS: usize = 50;

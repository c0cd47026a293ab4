//! The platform as a process of your own: OAuth, notifications and faults on a loopback port.
//!
//! [`Platform`] behaves like the real one where a client can tell: permissions by topic, 20 channels with eviction,
//! expiry, heartbeats, one socket for a channel, quotas. On request it misbehaves: see [`Fault`]. Agents, queues and
//! calls are simulated, and make events of presence, routing status, activity, conversations and queue observations.
//!
//! Tests in other languages steer it over HTTP, on the same port: `POST /_sim/emit`, `POST /_sim/fault`,
//! `POST /_sim/client`, `POST /_sim/rest`, `GET /_sim/stats` and `POST /_sim/reset`. It listens on 127.0.0.1 only.
//!
//! # Users who sign in
//!
//! `GET /oauth/authorize` finds the first user signed in, and sends the browser back with a code: good once, for five
//! minutes, and for the redirect address and PKCE challenge (S256) that it was asked with. `POST /oauth/token` exchanges
//! codes, refresh tokens (each good once) and SAML2 assertions (each good once; with `orgName=acme`, the `NameID` being a user's
//! email address; signatures are not checked). [`Platform::add_code_client`] and [`Platform::add_saml2_client`] add the
//! OAuth clients for that; over HTTP it is `POST /_sim/client` with `{"grant":"code","redirect_uri":…}` or
//! `{"grant":"saml2"}`, answered by `{"client_id":…,"client_secret":…}`.
//!
//! # Sockets without a channel
//!
//! Five sockets and two REST paths that tutorials use are here too; the platform's published API does not have them.
//! [`SocketKind`] names the sockets. All share the faults and the rate of events.
//!
//! | socket | to open it | what it sends |
//! |---|---|---|
//! | `appfoundry` | no token; then `{"type":"init","appId":…}` | `init_ack`, then `notification`; `pong` with the `id` of a `{"type":"ping","id":…}`; binary media when `init` has `"media":{"format":"PCMU","rate":8000,"frameMillis":20}` (or `L16`) |
//! | `routing` | `?access_token=…`: 401 for a bad one, close 1008 when its scope lacks `routing:interaction:read` | `queueId`, `interactionId`, `eventType`, `waitTime` (ms), `agentStatus`, `timestamp` |
//! | `frames` | `Authorization: Bearer …`: 401, or 403 when its scope lacks `streaming:subscribe` or `interaction:read` | `interaction.update`, `keepalive`, and binary media |
//! | `realtime` | a first message `{"type":"subscribe","token":…}` of at most 65,536 bytes; 1008 for a bad token or none in time, 1002 for another message, 1009 for a larger one | `subscribed`, then `event` |
//! | `presence` | `?token=…`, then `{"type":"subscribe","eventTypes":["presence"],"filters":{"userId":[…]}}` | `eventType`, `userId`, `state`, `timestamp`; a presence is also told again without a change |
//!
//! Events flow on `routing` and `frames` from the handshake on. When a token ends, its sockets are closed with 1008. A dial
//! to another path beside these is closed with 1002. A token that was asked for without a scope may do everything.
//!
//! A media frame has a header of 16 bytes: 0x80, the format (0 PCMU, 1 L16 big-endian), two zeros, the sample rate as
//! 32 bits, the position of the first sample as 64 bits, both big-endian. The samples of one are a tone.
//!
//! `GET /api/v2/appfoundry/applications/{id}` tells `webSocket{originUrl,timeoutMillis,maxMessageSize}`. A client that says
//! nothing for `timeoutMillis` is closed with 1001, a message over `maxMessageSize` with 1009.
//! `POST /api/v2/analytics/events/query` lists openings and ends of these connections as `appfoundry.connection`, with
//! `disconnectReason`, `disconnectedBy` (`platform`, `client`, `network`) and `closeCode`.
//!
//! # REST
//!
//! [`Platform::operations`] lists what is served: users, presence, routing, integrations, OAuth clients and tokens, usage,
//! the organisation, and analytics (details, aggregates and observations, with their jobs). What one operation changes is
//! seen by the others, and is an event where the platform makes one. Permissions are denied by
//! [`PlatformBuilder::deny_permission`], or while it runs by `POST /_sim/rest`
//! `{"deny":["routing:queue:view"],"allow":[…],"fail_jobs":1}`.
//!
//! Analytics know the conversations of the 7 days before the start ([`PlatformBuilder::conversations`]), the latest 2,000
//! calls of the simulation that are over, and those that go on. The details query finds those that began on a day that the
//! interval touches, a job those that were there at some time of it. Aggregates are the sums of the metrics of sessions in
//! the details, by the time of each metric. A dimension that the platform publishes and that nothing here has finds
//! nothing; other names are refused. Granularities of months are not known, and time zones have no effect.
//!
//! What is bounded: a request body or a client's message has at most 512,000 bytes. In front of a socket, 65,536
//! frames or 64 MiB may wait; a client that does not read gets TCP back-pressure, and is dropped when that is full or
//! when one write takes longer than 60 s.

mod admission;
mod agents;
mod aim;
mod application_socket;
mod applications;
mod attached;
mod bodies;
mod builder;
mod call;
mod channel_socket;
mod channels;
mod clock;
mod config;
mod connection_log;
mod control;
mod conversations;
mod delivery;
mod dialogue;
mod ending;
mod farewell;
mod fault;
mod flat_bodies;
mod frames;
mod gate;
mod generator;
mod handle;
mod ids;
mod inject;
mod io;
mod knobs;
mod lifecycle;
mod limiter;
mod media;
#[cfg(test)]
mod memory;
mod notifications;
mod oauth;
mod open_sockets;
mod place;
mod platform;
mod pongs;
mod presence_socket;
mod realtime_socket;
mod request;
mod response;
mod rest;
mod router;
mod server;
mod shared;
mod sign_in;
mod socket;
mod socket_kind;
mod stats;
mod subscribe;
#[cfg(test)]
mod tap;
mod tls;
mod topic_table;
mod topics;
mod upgrade;
mod world;

pub use builder::PlatformBuilder;
pub use fault::Fault;
pub use platform::Platform;
pub use socket_kind::SocketKind;
pub use stats::Stats;
#[cfg(test)]
pub(crate) use tap::{Seen, Tap};

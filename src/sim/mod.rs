//! The platform as a process of your own: OAuth, notifications and faults on a loopback port.
//!
//! [`Platform`] behaves like the real one where a client can tell: permissions by topic, 20 channels with eviction,
//! expiry, heartbeats, one socket for a channel, quotas. On request it misbehaves: see [`Fault`]. Agents, queues and
//! calls are simulated, and make events of presence, routing status, activity, conversations and queue observations.
//!
//! Tests in other languages steer it over HTTP, on the same port: `POST /_sim/emit`, `POST /_sim/fault`,
//! `GET /_sim/stats` and `POST /_sim/reset`. It listens on 127.0.0.1 only.
//!
//! What is bounded: a request body or a client's message has at most 512,000 bytes. In front of a socket, 65,536
//! frames or 64 MiB may wait; a client that does not read gets TCP back-pressure, and is dropped when that is full or
//! when one write takes longer than 60 s.

mod agents;
mod bodies;
mod builder;
mod call;
mod channels;
mod clock;
mod config;
mod control;
mod delivery;
mod directory;
mod fault;
mod frames;
mod generator;
mod handle;
mod ids;
mod inject;
mod io;
mod knobs;
mod lifecycle;
mod limiter;
mod notifications;
mod oauth;
mod platform;
mod request;
mod response;
mod router;
mod server;
mod shared;
mod socket;
mod socket_message;
mod stats;
mod subscribe;
mod tls;
mod topic_table;
mod topics;
mod upgrade;
mod world;

pub use builder::PlatformBuilder;
pub use fault::Fault;
pub use platform::Platform;
pub use stats::Stats;

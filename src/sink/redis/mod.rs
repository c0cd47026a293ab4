//! Sinks that write to Redis, each event exactly once whatever happens to the connection.
//!
//! [`RedisAggregates`] keeps a hash of figures for each queue; [`RedisStream`] appends whole events to a Redis Stream.
//!
//! # Exactly once
//! A batch is one Lua script: Redis runs it whole or not at all, and its effects are one `MULTI … EXEC` in the
//! append-only file and to replicas. Plain commands between `MULTI` and `EXEC` would not do: a key of another type fails
//! alone while its neighbours take effect, and nothing in a transaction can say "only if this batch is not in yet".
//!
//! Each batch carries a sequence number. The script compares it with the one stored under
//! `{prefix}:writer:{writer id}`, and stores it with the figures. So a batch whose answer was lost is sent again, and
//! Redis itself knows whether it is in; that also holds when the first copy is still on its way.
//!
//! The writer's key also holds the name of the process that writes. A second process with the same writer id takes over
//! and goes on after the stored sequence; the first one then ends with [`ErrorKind::Closed`](crate::ErrorKind::Closed).
//! Give every process that runs at the same time an id of its own.
//!
//! # What is yours to do
//! - A process that ends with events in its buffer loses them: the platform does not send them again. End a run with
//!   [`SinkHandle::shutdown`](super::SinkHandle::shutdown) and look at
//!   [`SinkReport::unwritten`](super::SinkReport::unwritten).
//! - What Redis acknowledges survives its crash with `appendonly yes` and `appendfsync always`. With less, a crash takes
//!   the last figures and their sequence number back together: those events are lost, and none is counted twice.
//! - The writer's key has no expiry, so only the `allkeys-*` eviction policies can remove it. When it is removed, by
//!   these or by `FLUSHALL`, between an attempt that was not answered and the next, nobody can tell whether the batch is
//!   in: it is written, and [`RedisStats::markers_lost`] counts it. Use `noeviction` or a `volatile-*` policy.
//! - In a Redis Cluster, a hash tag in the prefix keeps all keys on one node; give the address of that node. Redirections
//!   are not followed.
//!
//! Redis 5 and later will do. TLS (`rediss://`) is not built in.

mod aggregates;
mod fault;
mod keys;
mod settings;
mod stats;
mod step;
mod stream;
mod writer;

pub use aggregates::RedisAggregates;
pub use keys::{QueueKeys, StreamKey};
pub use settings::RedisSettings;
pub use stats::RedisStats;
pub use step::QueueStep;
pub use stream::{RedisStream, StreamEntry};

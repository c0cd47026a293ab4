//! A soak of the whole house in memory, under a paused clock: a client with its stream, tokens, REST and sockets
//! against the simulator, with faults of every kind, and a judge who asks neither of them what was lost.
//!
//! The environment sets the size: `GENESYS_CLOUD_SOAK_SEEDS` (1) from `GENESYS_CLOUD_SOAK_FIRST` (1) on,
//! `GENESYS_CLOUD_SOAK_EVENTS` (20,000), `GENESYS_CLOUD_SOAK_FAULTS` (two of each kind) and `GENESYS_CLOUD_SOAK_TOPICS`
//! (500). Full size is 2,000,000 events, 300 faults and 10,000 topics. A seed plays the same again;
//! `GENESYS_CLOUD_SOAK_TRACE=1` shows what happened in it.
//!
//! # What is judged
//!
//! Every event has a number in its topic. From the first `Subscribed` of a topic to its `Unsubscribed` each event must
//! come out, in order and once; or some moment between its emission and its end (written, or lost with its socket) must lie
//! inside a `Gap` of the topic. The gap stands before the next event of the topic that comes out, but for two cases, which
//! are counted ("told late"): a topic that was added again to a connection that flows, whose events may come before the
//! platform's answer; and an event that the network still held when the gap began, of which the judge learns when the
//! socket ends. A gap may be longer than the time in which the platform really did not deliver the topic by one heartbeat:
//! its start is the last byte that is sure, and on a quiet socket that is up to a heartbeat (with our pings half of one)
//! before the fault. A silent socket is found out after 35 s; that adds nothing, because it really delivered nothing
//! meanwhile.
//!
//! Nobody can know what the platform itself does not send, sends twice, or sends in another order on one of two channels;
//! the simulator tells the judge, and that is counted apart.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "counts and times of a test are far from the limits"
)]

mod ambient;
mod found;
mod harm;
mod judge;
mod quiet;
mod report;
mod run;
mod topics;
mod truth;
